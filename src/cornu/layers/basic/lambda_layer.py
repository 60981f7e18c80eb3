"""Layers that apply a function, or return their input unchanged."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from cornu import registry, trees
from cornu.core import symbolic_tensor
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.shape_trees import map_shapes
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import UnsafeModelError
from cornu.serialization import serialize
from cornu.typing import Array, CustomObjects, Tree

__all__ = ["Identity", "Lambda"]


@registry.register("layers")
class Identity(Layer):
    """Layer that returns its input unchanged: ``y = x``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Identity
        >>> Identity()(np.array([1.0])).tolist()
        [1.0]
    """

    cornu_is_stateless = True
    batch_coupling = "none"
    supports_masking = True
    cornu_preserves_value_range = True

    def call(self, inputs: Tree) -> Any:
        """Return the inputs."""
        return inputs


@registry.register("layers")
class Lambda(Layer):
    """Layer that applies an arbitrary function.

    A saved model refers to the function by its name only, since a file cannot contain code. To load the model, pass
    ``custom_objects={"its_name": function}``. A Python ``lambda`` has no name: pass it under the name of the layer, or use a
    ``def`` function or a subclass of :class:`Layer`.

    Args:
        function: Callable of the inputs. Also receives ``mask`` and ``training`` if it has such parameters.
        output_shape: Shape of one output sample, or a function of the full input shape. Defaults to the inferred shape.
        mask: Mask of the output, or a function ``(inputs, mask) -> mask``. Defaults to None.
        arguments: Dict of keyword arguments for the function. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Lambda
        >>> Lambda(lambda x: x + 1)(np.array([1.0, 2.0])).tolist()
        [2.0, 3.0]
    """

    def __init__(
        self,
        function: Callable,
        output_shape: Sequence[Any] | Mapping[str, Any] | Callable | None = None,
        mask: Array | Callable | None = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask, self.supports_masking = mask, mask is not None
        self._given_output_shape = output_shape

    def call(self, inputs: Tree, mask: Tree = None, training: bool | None = None) -> Any:
        """Return the function of the inputs."""
        offered = {"mask": mask, "training": training}
        wanted = {name: value for name, value in offered.items() if name in _parameters(self.function)}
        return self.function(inputs, **self.arguments, **wanted)

    def compute_mask(self, inputs: Tree, mask: Tree = None) -> Any:
        """Return the mask specified by the argument ``mask``."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_spec(self, inputs: Tree) -> Any:
        """Return the output specified by ``output_shape``, or inferred by an abstract run of the function."""
        given = self._given_output_shape
        if isinstance(given, list) and all(isinstance(size, (int, type(None))) for size in given):  # JSON has no tuples
            given = tuple(given)
        if given is None:
            return super().compute_output_spec(inputs)
        input_shapes = trees.map(lambda tensor: tensor.shape, inputs)
        batch = symbolic_tensor.symbolic_leaves(inputs)[0].shape[0]
        found = given(input_shapes) if callable(given) else map_shapes(given, lambda shape: (batch, *shape))
        return map_shapes(found, lambda shape: SymbolicTensor(shape, self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the config, with ``output_shape`` and ``mask`` only if they were passed."""
        given = {"function": self.function, "output_shape": self._given_output_shape, "mask": self.mask}
        functions = {name: serialize(value, activations_by_name=False) for name, value in given.items() if value is not None}
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in given} | functions

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: CustomObjects = None, safe_mode: bool | None = None
    ) -> "Lambda":
        """Create a layer from its config.

        Args:
            config: Dict returned by :meth:`get_config`.
            custom_objects: Dict of names to functions that the config names. A Python ``lambda`` has no name: it is looked up
                under the name of the layer. Defaults to None.
            safe_mode: Accepted for compatibility with Keras; ignored. Code in a config is never run.

        Raises:
            UnsafeModelError: If a function is unknown.
        """
        with registry.custom_object_scope(custom_objects):
            functions = {name: _function_from(config, name) for name in ("function", "output_shape", "mask") if name in config}
            return super().from_config({**config, **functions})  # type: ignore[return-value]


def _function_from(config: dict[str, Any], argument: str) -> Any:
    """Return the function in a config, looked up by the name of the layer if it is a ``lambda``, or another value as it is."""
    value = config[argument]
    entries = [value.get(key) for key in ("class_name", "config", "registered_name")] if isinstance(value, dict) else []
    if not any(entry in ("<lambda>", "__lambda__") for entry in entries):
        return value
    name = str(config.get("name"))
    found = registry.find(None, name) if argument == "function" else None
    if found is None:
        raise UnsafeModelError(
            f"`{argument}` of the `Lambda` layer {name!r} is a Python `lambda`.",
            "A file can only refer to a function by name; restoring a `lambda` would require running code from the file.",
            f"Pass the function under the name of the layer, `custom_objects={{{name!r}: lambda x: ...}}`, or build the model "
            "in code and load its weights with `model.load_weights(path)`.",
        )
    return found


def _parameters(function: Callable) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # functions written in C may have no signature
        return frozenset()
