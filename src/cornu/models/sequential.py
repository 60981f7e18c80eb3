"""The ``Sequential`` model: a plain stack of layers."""

from collections.abc import Iterable
from typing import Any, cast

from cornu import registry, serialization
from cornu.core import call_context
from cornu.core.input import InputLayer
from cornu.core.layer import Layer
from cornu.core.layer_placement import follow_layers, move
from cornu.core.shape_trees import ShapeTree, first_argument, has_shapes, shapes_of
from cornu.core.symbolic_tensor import SymbolicTensor, is_symbolic
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError
from cornu.models.functional_graph import FunctionalGraph, fit_to
from cornu.models.graph_config import config_errors, layer_from
from cornu.models.model import Model
from cornu.typing import Array, CustomObjects, Shape, Tree
from cornu.validation import is_int

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
    cornu_first_call = 0  # type: ignore[assignment]

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

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, with the graph, which holds the calls of the layers."""
        return {**super().__getstate__(), "_functional": self.cornu_graph}

    @property
    def layers(self) -> list[Layer]:
        """List of the layers, without the input layer."""
        return list(self._stack)

    @property
    def cornu_takes_strings(self) -> bool:  # type: ignore[override]
        """Whether the first layer takes strings."""
        return bool(self._stack) and self._stack[0].cornu_takes_strings

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Add a layer at the end of the stack.

        Args:
            layer: Layer, or the result of ``cornu.Input`` for the beginning of the stack.
            rebuild: Accepted for compatibility with Keras; ignored, since only the new layer is built. Defaults to True.

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
        if not self._stack and not self._tensors:
            beginning = _input_for(layer)
            if beginning is not None:
                self._begin_with(beginning)
        if not layer.built and layer._cornu.placement != self._cornu.placement:
            move(layer, self._cornu.placement)  # a new layer is where the model is
        self._stack.append(layer)
        if layer.built:
            follow_layers(self)  # and a new model is where its first layers with weights are
        if self._tensors:
            self._cornu.path = self.path or call_context.path_of(self.name)
            with call_context.name_scope(self.name):
                self._connect([layer])

    def pop(self, rebuild: bool = True) -> Layer | None:
        """Remove the last layer and return it; return None if the model has no layers.

        Args:
            rebuild: Accepted for compatibility with Keras; ignored, since nothing needs to be built. Defaults to True.
        """
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
        self._cornu.built_for({"input_shape": self._tensors[0].shape})

    @property
    def cornu_graph(self) -> FunctionalGraph | None:  # type: ignore[override]
        """The graph of the layers; None until the shape of the input is known, or if the layers have no graph."""
        if self.built and self._functional is None and len(self._tensors) > len(self._stack):
            self._functional = FunctionalGraph(self._tensors[0], self._tensors[-1])
        return self._functional

    def build(self, input_shape: ShapeTree = None) -> None:
        """Build the layers for an input shape.

        Args:
            input_shape: Shape ``(None, ...)``, the batch axis first; a tree of shapes if the first layer takes a tree
                of arrays. The model then has no graph, nor has one whose ``call`` raises ``NotImplementedError``.

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
            if not _is_one_shape(input_shape):
                super().build(input_shape)
                return
            dtype = "string" if self.cornu_takes_strings else None
            self._tensors = [InputLayer(batch_shape=cast(Shape, input_shape), dtype=dtype).graph_output]
            calls_before = [len(layer._inbound_nodes) for layer in self._stack]
            try:
                self._connect(self._stack)
            except BaseException as error:  # restore the previous state: the next shape may fit
                self._tensors = []
                for layer, count in zip(self._stack, calls_before, strict=True):
                    del layer._inbound_nodes[count:]
                if not isinstance(error, NotImplementedError):  # the shape of an output is unknown before the call, as in Keras
                    raise

    def _cornu_build_for(self, args: tuple, kwargs: dict) -> None:
        inputs = first_argument(args, kwargs)
        if not self.built and has_shapes(inputs):
            self.build(shapes_of(inputs))  # for any size of the batch
        super()._cornu_build_for(args, kwargs)

    def call(self, inputs: Array, training: bool | None = None, mask: Tree = None) -> Any:
        """Call the layers one after another.

        Args:
            inputs: Array of the shape of the input.
            training: Whether layers behave as in training. Defaults to None (as the enclosing call).
            mask: Mask of the inputs. Defaults to the mask that a layer before the model set on the inputs.

        Returns:
            The output of the last layer.
        """
        outputs = fit_to(self._tensors[0], inputs, mask) if self._tensors else inputs
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
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> "Sequential":
        """Create a model from a config returned by :meth:`get_config`, with newly initialized weights.

        Args:
            config: The config.
            custom_objects: Dict of names to custom classes and functions that the config names. Defaults to None.
        """
        with config_errors(config), registry.custom_object_scope(custom_objects):
            return cls._from_config(config)

    @classmethod
    def _from_config(cls, config: dict[str, Any]) -> "Sequential":
        keys = [repr(entry) for entry in config["layers"]]  # before a layer's `from_config` can change its config
        made: dict[str, Layer] = {}
        for key, entry in zip(keys, config["layers"], strict=True):
            if key not in made:  # the same layer may occur several times
                made[key] = layer_from(entry)
        model = cls([made[key] for key in keys], name=config.get("name"), dtype=config.get("dtype"))
        if not model.built and config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        model.trainable = config.get("trainable", True)
        return model


def _is_one_shape(shape: ShapeTree) -> bool:
    return isinstance(shape, (list, tuple)) and all(size is None or is_int(size) for size in shape)


def _input_for(layer: Layer) -> InputLayer | None:
    """Return the input layer for a first layer that tells the shape of its input: by ``input_shape=``, or as a built model."""
    if layer._cornu.batch_shape_hint is not None:
        return InputLayer(batch_shape=layer._cornu.batch_shape_hint)
    inputs = None if layer.cornu_graph is None else layer.cornu_graph.input_tensors
    return InputLayer(batch_shape=inputs[0].shape, dtype=inputs[0].dtype) if inputs is not None and len(inputs) == 1 else None
