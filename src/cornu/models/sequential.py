"""The ``Sequential`` model: a plain stack of layers."""

from collections.abc import Iterable
from typing import Any

from cornu import registry, serialization
from cornu.core import call_context
from cornu.core.input import InputLayer
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import SymbolicTensor, is_symbolic
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError
from cornu.models.functional_graph import Functional, fit_to
from cornu.models.graph_config import config_errors, layer_from
from cornu.models.model import Model
from cornu.typing import Array, Shape, Tree

__all__ = ["Sequential"]


@registry.register("models")
class Sequential(Model):
    """A linear stack of layers: the output of each layer is the input of the next.

    Args:
        layers: Iterable of layers. The first may be ``cornu.Input(shape)``; without it the model is built when it first
            receives data. Defaults to None (no layers).
        trainable: Whether training may change the variables. Defaults to True.
        name: Name of the object. Defaults to a name derived from the class.
        **kwargs: Arguments of the base class, such as ``dtype``.

    Raises:
        InvalidTypeError: If an element of ``layers`` is not a layer.
        InvalidArgumentError: If two layers have the same name.

    Example:
        >>> import cornu
        >>> from cornu import layers
        >>> model = cornu.Sequential([cornu.Input((784,)), layers.Dense(10, "relu"), layers.Dense(3, "softmax")])
        >>> model.output_shape, model.count_params()
        ((None, 3), 7883)
    """

    _cornu_is_base = True

    def __init__(self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None, **kwargs: Any):
        super().__init__(trainable=trainable, name=name, **kwargs)
        self._stack: list[Layer] = []
        self._tensors: list[SymbolicTensor] = []
        if isinstance(layers, Layer):
            raise InvalidTypeError(
                f"`Sequential` received {layers!r}.",
                "`layers` must be a list of layers.",
                "Pass the layer in a list: `Sequential([layer])`.",
            )
        for layer in layers or []:
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """List of the layers, without the input layer."""
        return list(self._stack)

    def add(self, layer: Any) -> None:
        """Add a layer at the end of the stack.

        Args:
            layer: Layer, or the result of ``cornu.Input`` for the beginning of the stack.

        Raises:
            InvalidTypeError: If ``layer`` is not a layer.
            InvalidArgumentError: If the name is already used, or an input layer is added after other layers.
        """
        if is_symbolic(layer):
            layer = layer.node.operation
        if not isinstance(layer, Layer):
            raise InvalidTypeError(
                f"`Sequential` received {layer!r}.",
                "Each element must be a layer.",
                "Pass a layer, or wrap a function in `layers.Lambda`.",
            )
        if any(layer.name == other.name and layer is not other for other in self._stack):
            raise InvalidArgumentError(
                f"Two layers are named {layer.name!r}.", "A model's layers must have different names.", "Pass another `name=`."
            )
        self.forget_compiled_functions()
        if isinstance(layer, InputLayer):
            self._begin_with(layer)
            return
        if not self._stack and not self._tensors and layer._cornu.input_shape_hint is not None:
            self._begin_with(InputLayer(layer._cornu.input_shape_hint))
        self._stack.append(layer)
        if self._tensors:
            with call_context.name_scope(self.name):
                self._connect([layer])

    def pop(self) -> Layer | None:
        """Remove the last layer and return it; return None if the model has no layers."""
        self.forget_compiled_functions()
        if not self._stack:
            return None
        if self._tensors:
            self._tensors.pop()
            self._functional = None
        return self._stack.pop()

    def _begin_with(self, layer: InputLayer) -> None:
        """Set the input layer; raise ``InvalidArgumentError`` if the model already has layers."""
        if self._stack or self._tensors:
            raise InvalidArgumentError(
                f"An input layer ({layer.name!r}) was added after other layers.",
                "The input layer must be the first layer.",
                "Add it at the beginning.",
            )
        self._tensors = [layer.graph_output]

    def _connect(self, layers: list[Layer]) -> None:
        """Call the layers, one after another, on the current output of the stack."""
        for layer in layers:
            self._tensors.append(layer(self._tensors[-1]))
        self._functional = None
        self.built = True
        self._cornu.build_shapes = {"input_shape": self._tensors[0].shape}

    @property
    def cornu_graph(self) -> Functional | None:  # type: ignore[override]
        """The graph of the layers; None until the shape of the input is known."""
        if self.built and self._functional is None:
            self._functional = Functional(self._tensors[0], self._tensors[-1])
        return self._functional

    def build(self, input_shape: Shape | None = None) -> None:
        """Build the layers for an input shape.

        Args:
            input_shape: Shape ``(None, ...)``, the batch axis first.

        Raises:
            NotBuiltError: If the model has no layers.
        """
        if not self._stack and not self._tensors:
            raise NotBuiltError(
                f"`build` was called on the model {self.name!r}, which has no layers.",
                "A model needs at least one layer.",
                "Add layers with `model.add(layer)` first.",
            )
        if not self._tensors and input_shape is not None:
            self._tensors = [InputLayer(batch_shape=input_shape).graph_output]
            calls_before = [len(layer._inbound_nodes) for layer in self._stack]
            try:
                self._connect(self._stack)
            except Exception:  # restore the previous state: the next shape may fit
                self._tensors = []
                for layer, count in zip(self._stack, calls_before, strict=True):
                    del layer._inbound_nodes[count:]
                raise

    def call(self, inputs: Array, training: bool | None = None, mask: Tree = None) -> Any:
        """Call the layers one after another.

        Args:
            inputs: Array of the shape of the input.
            training: Whether layers behave as in training. Defaults to None (as the enclosing call).
            mask: Mask of the inputs. Defaults to the mask that a layer before the model set on the inputs.

        Returns:
            The output of the last layer.
        """
        outputs = fit_to(self._tensors[0], inputs, mask)
        for layer in self._stack:
            outputs = layer(outputs)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Return the config: name, dtype policy and the configs of the layers."""
        first = [self._tensors[0].node.operation] if self._tensors else []
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialization.serialize(self.dtype_policy),
            "layers": [serialization.serialize(layer) for layer in [*first, *self._stack]],
        }
        return config | ({"build_input_shape": self._tensors[0].shape} if self._tensors else {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Sequential":
        """Create a model from a config returned by :meth:`get_config`, with newly initialized weights."""
        with config_errors(config):
            return cls._from_config(config)

    @classmethod
    def _from_config(cls, config: dict[str, Any]) -> "Sequential":
        made: dict[str, Layer] = {}
        for entry in config["layers"]:
            if repr(entry) not in made:  # the same layer may occur several times
                made[repr(entry)] = layer_from(entry)
        model = cls([made[repr(entry)] for entry in config["layers"]], name=config.get("name"))
        if not model.built and config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        model.trainable = config.get("trainable", True)
        return model
