"""Trees of shapes: what tensors have, and what ``build`` is given."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import trees
from cornu.core import graph
from cornu.errors import InvalidTypeError


def shapes_of(inputs: Any) -> Any:
    """The shapes of a tree of tensors. The first size of an array, its batch's, is left open: layers do not depend on it.

    Example:
        >>> import numpy as np
        >>> from cornu.core.shapes import shapes_of
        >>> shapes_of([np.zeros((2, 3)), np.zeros((2, 5))])
        [(None, 3), (None, 5)]
    """
    return trees.map(_shape_of, inputs)


def _shape_of(value: Any) -> tuple | None:
    if graph.is_symbolic(value):
        return value.shape
    return (None, *value.shape[1:]) if hasattr(value, "shape") else None


def has_shapes(inputs: Any) -> bool:
    """Whether there is an array or symbolic tensor in a tree."""
    return any(hasattr(leaf, "shape") for leaf in trees.leaves(inputs))


def map_shapes(shapes: Any, function: Callable) -> Any:
    """Applies a function to the shapes in a tree of shapes, where a shape is a tuple of sizes.

    Example:
        >>> from cornu.core.shapes import map_shapes
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


def shapes_for_build(build: Callable, call: Callable, args: tuple, kwargs: dict) -> dict[str, Any]:
    """The arguments that ``build`` gets for the arguments of ``call``, by name.

    A ``build`` with one parameter gets the shape of the first argument. One with several parameters ``a_shape, b_shape`` gets
    the shapes of the arguments ``a`` and ``b``.
    """
    names = list(inspect.signature(build).parameters)
    if len([name for name in names if name.endswith("_shape")]) < 2:
        return {names[0]: shapes_of(first_of(args, kwargs))} if names else {}
    arguments = _bound(call, args, kwargs)
    shapes = {f"{name}_shape": shapes_of(value) for name, value in arguments.items()}
    return {name: shapes.get(name) for name in names}


def _bound(call: Callable, args: tuple, kwargs: dict) -> dict[str, Any]:
    """The arguments of a layer's ``call`` by name.

    Raises:
        InvalidTypeError: One is missing, or there is one too many.
    """
    signature = inspect.signature(call)
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        needed = [name for name, each in signature.parameters.items() if each.default is each.empty]
        raise InvalidTypeError(
            f"The layer {getattr(getattr(call, '__self__', None), 'name', '')!r} cannot be called like this: {error}.",
            f"It needs {' and '.join(f'`{name}`' for name in needed)}.",
            f"Write `layer({', '.join(f'{name}=...' for name in needed)})`.",
        ) from None


def first_of(args: tuple, kwargs: dict) -> Any:
    """The first argument of a call, which by Keras's custom holds the inputs; None if there is none."""
    return args[0] if args else next(iter(kwargs.values()), None)
