"""A model that is a plain stack of layers."""

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

__all__ = ["Sequential"]


@registry.register("models")
class Sequential(Model):
    """Layers one after another: each takes what the one before gives.

    Args:
        layers: The layers. The first may be ``cornu.Input(shape)``; without it the model is built when it first sees data.
        trainable: Whether training may change its variables.
        name: Its name.

    Raises:
        InvalidTypeError: Something in ``layers`` is no layer.
        InvalidArgumentError: Two layers have the same name.

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
                f"`Sequential` was given {layers!r}.",
                "It takes a list of layers.",
                "Put the layer into one: `Sequential([layer])`.",
            )
        for layer in layers or []:
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return list(self._stack)

    def add(self, layer: Any) -> None:
        """Puts a layer on top."""
        if is_symbolic(layer):
            layer = layer.node.operation
        if not isinstance(layer, Layer):
            raise InvalidTypeError(
                f"`Sequential` was given {layer!r}.",
                "It is made of layers.",
                "Wrap a function in `layers.Lambda`, or pass a layer.",
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
        """Takes the top layer off and gives it back; None if there is none."""
        self.forget_compiled_functions()
        if not self._stack:
            return None
        if self._tensors:
            self._tensors.pop()
            self._functional = None
        return self._stack.pop()

    def _begin_with(self, layer: InputLayer) -> None:
        if self._stack or self._tensors:
            raise InvalidArgumentError(
                f"An input layer ({layer.name!r}) was added on top of other layers.",
                "The input comes first.",
                "Put it at the beginning.",
            )
        self._tensors = [layer.graph_output]

    def _connect(self, layers: list[Layer]) -> None:
        """Calls the layers, one after another, on what the stack gives so far."""
        for layer in layers:
            self._tensors.append(layer(self._tensors[-1]))
        self._functional = None
        self.built = True
        self._cornu.build_shapes = {"input_shape": self._tensors[0].shape}

    @property
    def cornu_graph(self) -> Functional | None:  # type: ignore[override]
        """The layers as a graph; None until the shape of the input is known."""
        if self.built and self._functional is None:
            self._functional = Functional(self._tensors[0], self._tensors[-1])
        return self._functional

    def build(self, input_shape: Any = None) -> None:
        """Builds the layers for inputs of a shape.

        Args:
            input_shape: ``(None, ...)``, the batch size first.

        Raises:
            NotBuiltError: There are no layers.
        """
        if not self._stack and not self._tensors:
            raise NotBuiltError(
                f"The model {self.name!r} was to be built.", "It has no layers.", "Add some with `model.add(layer)` first."
            )
        if not self._tensors and input_shape is not None:
            self._tensors = [InputLayer(batch_shape=input_shape).graph_output]
            calls_before = [len(layer._inbound_nodes) for layer in self._stack]
            try:
                self._connect(self._stack)
            except Exception:  # as if it had not been tried: the next shape may fit
                self._tensors = []
                for layer, count in zip(self._stack, calls_before, strict=True):
                    del layer._inbound_nodes[count:]
                raise

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the layers one after another."""
        outputs = fit_to(self._tensors[0], inputs)
        for layer in self._stack:
            outputs = layer(outputs)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Name, dtype policy, and the layers' configs."""
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
        """A new model of the same config, with new weights."""
        with config_errors(config):
            return cls._from_config(config)

    @classmethod
    def _from_config(cls, config: dict[str, Any]) -> "Sequential":
        made: dict[str, Layer] = {}
        for entry in config["layers"]:
            if repr(entry) not in made:  # the same layer may stand in several places
                made[repr(entry)] = layer_from(entry)
        model = cls([made[repr(entry)] for entry in config["layers"]], name=config.get("name"))
        if not model.built and config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        model.trainable = config.get("trainable", True)
        return model
