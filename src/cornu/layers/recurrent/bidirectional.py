"""Run a recurrent layer in both directions."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from cornu import ops, registry
from cornu.core.input_spec import InputSpecs
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.layers.wrapper import accepted_arguments, check_layer, forwarded
from cornu.serialization import serialize
from cornu.typing import Array, Shape
from cornu.validation import check_option

__all__ = ["Bidirectional"]

_MERGE_MODES = ("concat", "sum", "mul", "ave", None)

_MERGE: Mapping[str, Callable] = {
    "concat": lambda forward, backward: ops.concatenate([forward, backward], axis=-1),
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
}


@registry.register("layers")
class Bidirectional(Layer):
    """Wrapper that runs a recurrent layer over a sequence in both directions.

    The layer computes::

        y = merge(forward_layer(x), backward_layer(x))

    where the sequences of outputs of the backward layer are reversed before merging, so that time steps correspond.

    Input shape: ``(batch, steps, features)``. Output shape: that of the layer, with twice the features if
    ``merge_mode="concat"``.

    Source: Schuster and Paliwal, 1997, Bidirectional Recurrent Neural Networks.

    Args:
        layer: Recurrent layer, such as ``LSTM(32)``, or a layer with the same attributes. Both directions are created from its
            arguments; the layer itself is not used.
        merge_mode: How the outputs are merged: ``"concat"`` (along the last axis), ``"sum"``, ``"mul"``, ``"ave"`` (mean), or
            None (returned as a pair). Defaults to ``"concat"``.
        weights: List of initial weights, those of the forward layer first. Defaults to None.
        backward_layer: Layer for the backward direction. Its ``go_backwards`` must differ from that of ``layer``, and its
            ``return_sequences``, ``return_state`` and ``stateful`` must be the same. Defaults to a new
            layer with the arguments of ``layer`` and ``go_backwards=True``.
        **kwargs: Arguments of the base class :class:`Layer`: ``name``, ``trainable``, ``dtype`` and ``activity_regularizer``.

    Raises:
        InvalidTypeError: If ``layer`` or ``backward_layer`` is not a recurrent layer.
        InvalidArgumentError: If the two layers are incompatible, or ``merge_mode`` is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import LSTM, Bidirectional
        >>> Bidirectional(LSTM(4, return_sequences=True))(np.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    batch_coupling = "none"
    supports_masking = True

    cornu_input_value_range = forwarded("cornu_input_value_range")
    cornu_channel_axis = forwarded("cornu_channel_axis")
    return_sequences = forwarded("return_sequences", "Whether the outputs of all time steps are returned.")
    return_state = forwarded("return_state", "Whether the last states are also returned.")
    stateful = forwarded("stateful", "Whether the last states of each batch are the initial states of the next batch.")

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: list[Any] | None = None,
        backward_layer: Layer | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        _check_recurrent(self, "layer", layer)
        self.merge_mode = check_option("merge_mode", merge_mode, _MERGE_MODES)
        self.forward_layer = _made_again(layer)
        self.forward_layer.name = f"forward_{layer.name.removeprefix('forward_')}"
        if backward_layer is None:
            self.backward_layer = _made_again(layer, go_backwards=True)
            self.backward_layer.name = f"backward_{layer.name.removeprefix('backward_')}"
        else:
            self.backward_layer = _check_recurrent(self, "backward_layer", backward_layer)
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences  # so that padding is also 0 after merging
        self._first_weights = weights

    def _check_pair(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise InvalidArgumentError(
                f"`Bidirectional` received two layers with `go_backwards={one.go_backwards}`.",
                "One layer must process the sequence forward and the other backward.",
                "Create the `backward_layer` with `go_backwards=True`, or omit it.",
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(one, name) != getattr(other, name):
                raise InvalidArgumentError(
                    f"`Bidirectional` received a `layer` with `{name}={getattr(one, name)}` and a `backward_layer` with "
                    f"`{name}={getattr(other, name)}`.",
                    "Both must be the same.",
                    f"Create both with `{name}={getattr(one, name)}`.",
                )

    @property
    def cornu_input_spec(self) -> InputSpecs:  # type: ignore[override]
        """That of the forward layer."""
        return self.forward_layer.input_spec

    @property
    def layer(self) -> Layer:
        """The forward layer."""
        return self.forward_layer

    def build(self, sequences_shape: Shape, initial_state_shape: Sequence[Shape] | None = None) -> None:  # type: ignore[override]
        """Build both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)
            self._first_weights = None

    def call(
        self,
        sequences: Array,
        initial_state: Sequence[Array] | None = None,
        mask: Array | None = None,
        training: bool | None = None,
    ) -> Any:
        """Return the merged outputs.

        Args:
            sequences: Array of shape ``(batch, steps, features)``.
            initial_state: List of the initial states of the forward layer, followed by those of the backward layer. Defaults to
                None.
            mask: Boolean array of shape ``(batch, steps)``, False for padding. Defaults to None.
            training: Ignored; both layers receive it automatically.

        Returns:
            The outputs, or with ``return_state`` the tuple ``(outputs, *forward_states, *backward_states)``. With
            ``merge_mode=None`` there are two outputs instead of one.
        """
        first, second = self._halves(initial_state)
        forward = self._run_one(self.forward_layer, sequences, first, mask)
        backward = self._run_one(self.backward_layer, sequences, second, mask)
        outputs = backward[0]
        if self.return_sequences:
            outputs = ops.flip(outputs, axis=1)
        merged = (forward[0], outputs) if self.merge_mode is None else (_MERGE[self.merge_mode](forward[0], outputs),)
        result = (*merged, *forward[1:], *backward[1:])
        return result[0] if len(result) == 1 else result

    def _run_one(self, layer: Layer, sequences: Array, initial_state: Sequence[Array] | None, mask: Array | None) -> tuple:
        outputs = layer(sequences, **accepted_arguments(layer, initial_state=initial_state, mask=mask))
        return tuple(ops.cast(output, self.compute_dtype) for output in (outputs if self.return_state else (outputs,)))

    def _halves(self, initial_state: Sequence[Array] | None) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        count = len(initial_state) if isinstance(initial_state, (list, tuple)) else 1
        if count % 2:
            raise ShapeError(
                f"The layer {self.name!r} received an `initial_state` of {count} arrays.",
                "It needs an even number of arrays: the states of the forward layer, then those of the backward layer.",
                "Pass, for example, `initial_state=[h, c, backward_h, backward_c]` for an LSTM.",
            )
        half = count // 2
        return initial_state[:half], initial_state[half:]

    def get_config(self) -> dict[str, Any]:
        """Return the config, with both layers and without the initial weights."""
        config = super().get_config()
        if type(self).__init__ is not Bidirectional.__init__ and type(self).get_config is Bidirectional.get_config:
            return config  # a custom subclass: keep its own arguments
        config |= {"layer": serialize(self.forward_layer), "backward_layer": serialize(self.backward_layer)}
        return {name: value for name, value in config.items() if name != "weights"}

    def reset_state(self) -> None:
        """Reset the states of stateful layers to zeros."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """Reset the states. Older name of :meth:`reset_state`."""
        self.reset_state()

    @property
    def states(self) -> list | None:
        """The state variables of stateful layers, or None."""
        states = [*(self.forward_layer.states or ()), *(self.backward_layer.states or ())]
        return states or None

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Sequence[Shape] | None = None) -> Any:
        """Return the output shape of the forward layer, with twice the features for ``"concat"``, and the states of both."""
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        outputs, *states = shape if self.return_state else (shape,)
        if self.merge_mode == "concat":
            outputs = (*outputs[:-1], None if outputs[-1] is None else 2 * outputs[-1])
        result = (*((outputs, outputs) if self.merge_mode is None else (outputs,)), *states, *states)
        return result[0] if len(result) == 1 else result

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Any:
        """Return the mask of the input if the layers return sequences."""
        mask = mask if self.return_sequences else None
        return (mask, mask) if self.merge_mode is None else mask


def _check_recurrent(wrapper: Layer, argument: str, layer: Layer) -> Any:
    check_layer(wrapper, argument, layer)
    needed = ("go_backwards", "return_sequences", "return_state", "stateful")
    missing = [name for name in needed if not hasattr(layer, name)]
    if missing:
        raise InvalidTypeError(
            f"`{type(wrapper).__name__}` received a `{type(layer).__name__}` as `{argument}`.",
            f"It needs a recurrent layer; this one has no `{missing[0]}`.",
            "Pass, for example, `LSTM(32)` or `RNN(cell)`.",
        )
    return layer


def _made_again(thing: Any, **changes: Any) -> Any:
    """Return a new layer with the same arguments, without shared weights: layers among the arguments are recreated."""
    if isinstance(thing, (list, tuple)):
        return type(thing)(_made_again(part) for part in thing)
    if not isinstance(thing, Layer):
        return thing
    captured = thing._cornu_arguments or {}
    arguments = {name: _made_again(_layer_or(value, getattr(thing, name, None))) for name, value in captured.items()}
    parameters = inspect.signature(type(thing).__init__).parameters.values()
    if any(parameter.name == "name" or parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        arguments["name"] = thing.name  # so that no automatic name is consumed
    layer = type(thing)(**(arguments | changes))
    layer.name, layer.trainable = thing.name, thing.trainable
    return layer


def _layer_or(value: Any, attribute: Any) -> Any:
    """Return the layer created from an argument (a list of cells becomes a stack), or the argument itself."""
    return attribute if isinstance(attribute, Layer) else value
