"""Trees of shapes: the shapes of tensors, and the arguments of ``build``."""

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from cornu import trees
from cornu.core import layer_errors, symbolic_tensor
from cornu.core.layer_protocol import LayerLike
from cornu.typing import Shape, Tree

ShapeTree: TypeAlias = Shape | Sequence["ShapeTree"] | Mapping[str, "ShapeTree"] | None
"""A shape, or nested lists and dicts of shapes."""


def shapes_of(inputs: Tree) -> Any:
    """Return the shapes of a tree of tensors, with None for the batch size of arrays, since most layers do not depend on it.

    Example:
        >>> import numpy as np
        >>> from cornu.core.shape_trees import shapes_of
        >>> shapes_of([np.zeros((2, 3)), np.zeros((2, 5))])
        [(None, 3), (None, 5)]
    """
    return trees.map(_shape_of, inputs)


def full_shapes_of(inputs: Tree) -> Any:
    """Return the shapes of a tree of tensors with the batch size of arrays, as ``build`` receives them in eager calls.

    Example:
        >>> import numpy as np
        >>> from cornu.core.shape_trees import full_shapes_of
        >>> full_shapes_of(np.zeros((2, 3)))
        (2, 3)
    """
    return trees.map(lambda value: tuple(value.shape) if hasattr(value, "shape") else None, inputs)


def _shape_of(value: Any) -> tuple | None:
    if symbolic_tensor.is_symbolic(value):
        return value.shape
    return (None, *value.shape[1:]) if hasattr(value, "shape") else None


def as_shapes(shapes: Any) -> Any:
    """Return a shape, or a tree of shapes, of a config with tuples in place of lists, since JSON has no tuples.

    Example:
        >>> from cornu.core.shape_trees import as_shapes
        >>> as_shapes([[None, 3], {"a": [None, 4]}])
        [(None, 3), {'a': (None, 4)}]
    """
    if isinstance(shapes, dict):
        return {name: as_shapes(part) for name, part in shapes.items()}
    if isinstance(shapes, list):
        parts = [as_shapes(part) for part in shapes]
        return parts if any(isinstance(part, (tuple, list, dict)) for part in parts) else tuple(parts)
    return shapes


def has_shapes(inputs: Tree) -> bool:
    """Return whether a tree contains an array or a symbolic tensor."""
    return any(hasattr(leaf, "shape") for leaf in trees.leaves(inputs))


def map_shapes(shapes: Any, function: Callable) -> Any:
    """Apply a function to each shape in a tree of shapes, where a shape is a tuple of sizes.

    Example:
        >>> from cornu.core.shape_trees import map_shapes
        >>> map_shapes({"a": (None, 3), "b": [(None, 4)]}, len)
        {'a': 2, 'b': [2]}
    """
    if shapes is None:
        return None
    if isinstance(shapes, tuple) and all(size is None or isinstance(size, (int, np.integer)) for size in shapes):
        return function(shapes)
    if isinstance(shapes, dict):
        return {name: map_shapes(shape, function) for name, shape in shapes.items()}
    return type(shapes)(map_shapes(shape, function) for shape in shapes)


def shapes_key(shapes: Any) -> Hashable:
    """Return a hashable key for a tree of shapes.

    Example:
        >>> from cornu.core.shape_trees import shapes_key
        >>> shapes_key({"a": (None, 3), "b": [(None, 4)]})
        (<class 'dict'>, ('a', (None, 3)), ('b', (<class 'list'>, (None, 4))))
    """
    if isinstance(shapes, dict):
        return (dict, *((name, shapes_key(shape)) for name, shape in shapes.items()))
    if isinstance(shapes, list):
        return (list, *map(shapes_key, shapes))
    return tuple(map(shapes_key, shapes)) if isinstance(shapes, tuple) else shapes


def shapes_for_build(layer: LayerLike, args: tuple, kwargs: dict, shapes_of: Callable = shapes_of) -> dict[str, Any]:
    """Return the keyword arguments of a layer's ``build`` for the arguments of its ``call``.

    A ``build`` with one parameter receives the shape of the first argument. A ``build`` with several parameters
    ``a_shape, b_shape`` receives the shapes of the arguments ``a`` and ``b``, as the first one by default that of the first
    argument: the ``call`` of a subclass may name its arguments otherwise.

    Args:
        layer: The layer.
        args, kwargs: Arguments of the call.
        shapes_of: Function from an argument to its shapes. Defaults to :func:`shapes_of`.

    Raises:
        InvalidTypeError: If ``call`` does not accept the arguments.
    """
    names = list(inspect.signature(layer.build).parameters)
    if len([name for name in names if name.endswith("_shape")]) < 2:
        return {names[0]: shapes_of(first_argument(args, kwargs))} if names else {}
    try:
        arguments = inspect.signature(layer.call).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise layer_errors.other_arguments(layer, error) from None
    shapes = {f"{name}_shape": shapes_of(value) for name, value in arguments.items()}
    shapes.setdefault(names[0], shapes_of(first_argument(args, kwargs)))
    return {name: shapes.get(name) for name in names}


def first_argument(args: tuple, kwargs: dict) -> Any:
    """Return the first argument of a call, which holds the inputs by Keras's convention; None if there is none."""
    return args[0] if args else next(iter(kwargs.values()), None)
