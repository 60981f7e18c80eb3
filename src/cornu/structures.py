"""Nested structures with the rules of ``keras.tree``: dicts are traversed in the order of their keys, and None is a leaf.

A structure is a nested dict, list, tuple, named tuple or deque. Cornu itself uses ``cornu.trees``, in which None is empty. This
module is independent of any array library.
"""

import collections
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from cornu.errors import InvalidArgumentError, InvalidTypeError

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]

Structure: TypeAlias = Any
"""A nested structure, or a leaf, which may be any object."""

Path: TypeAlias = tuple[int | str, ...]
"""Keys and indices that lead to a leaf."""


class MAP_TO_NONE:
    """What a function returns to :func:`traverse` to replace a part of a structure by None.

    Example:
        >>> from cornu import tree
        >>> tree.traverse(lambda part: tree.MAP_TO_NONE if part == 2 else None, [1, 2])
        [1, None]
    """


def is_nested(structure: Structure) -> bool:
    """Return whether a value is a dict, list, tuple, named tuple or deque, as opposed to a leaf.

    Example:
        >>> from cornu import tree
        >>> tree.is_nested({"a": 1}), tree.is_nested("a")
        (True, False)
    """
    return isinstance(structure, (dict, list, tuple, collections.deque))


def _keys(structure: Structure) -> list[Any]:
    """Return the keys or indices of the parts of a nested structure, in the order of traversal."""
    if isinstance(structure, collections.OrderedDict):
        return list(structure)
    return sorted(structure) if isinstance(structure, dict) else list(range(len(structure)))


def _rebuilt(structure: Structure, parts: dict[Any, Structure]) -> Structure:
    """Return a structure of the same type with other parts."""
    if isinstance(structure, collections.defaultdict):
        return type(structure)(structure.default_factory, {key: parts[key] for key in structure})
    if isinstance(structure, dict):
        return type(structure)((key, parts[key]) for key in structure)
    values = [parts[index] for index in range(len(structure))]
    if hasattr(structure, "_fields"):  # the constructor of a named tuple accepts its fields as separate arguments
        return type(structure)(*values)
    if isinstance(structure, collections.deque):
        return collections.deque(values, structure.maxlen)
    return type(structure)(values)


def _map(function: Callable[[Structure], Structure], structure: Structure) -> Structure:
    """Apply a function to the direct parts of a nested structure."""
    return _rebuilt(structure, {key: function(structure[key]) for key in _keys(structure)})


def flatten(structure: Structure) -> list[Any]:
    """Return the leaves of a structure as a list: those of dicts by sorted keys, those of an ``OrderedDict`` in its order.

    Args:
        structure: Structure.

    Example:
        >>> from cornu import tree
        >>> tree.flatten({"b": [1, None], "a": (2,)})
        [2, 1, None]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure: Structure) -> list[tuple[Path, Any]]:
    """Return the leaves of a structure, each with the tuple of keys and indices that lead to it.

    Args:
        structure: Structure.

    Example:
        >>> from cornu import tree
        >>> tree.flatten_with_path([{"foo": 42}])
        [((0, 'foo'), 42)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [((key, *path), leaf) for key in _keys(structure) for path, leaf in flatten_with_path(structure[key])]


def traverse(func: Callable[[Structure], Structure], structure: Structure, top_down: bool = True) -> Structure:
    """Apply a function to each part of a structure, nested parts and leaves.

    Args:
        func: Function that returns what replaces a part, None to keep it, or :class:`MAP_TO_NONE`. From the top down, a part
            that is replaced is not traversed.
        structure: Structure.
        top_down: Whether a nested part is visited before the parts inside. Defaults to True.

    Returns:
        The structure with the replaced parts.

    Raises:
        InvalidTypeError: If ``func`` cannot be called.

    Example:
        >>> from cornu import tree
        >>> tree.traverse(lambda part: -part if isinstance(part, int) else None, [1, (2, 3)])
        [-1, (-2, -3)]
    """
    _check_callable("traverse", func)

    def visit(part: Structure) -> Structure:
        replaced = func(part) if top_down else None
        if replaced is None and is_nested(part):
            part = _map(visit, part)
        if not top_down:
            replaced = func(part)
        return part if replaced is None else None if replaced is MAP_TO_NONE else replaced

    return visit(structure)


def map_structure(func: Callable, *structures: Structure, none_is_leaf: bool = True) -> Structure:
    """Apply a function to the corresponding leaves of structures.

    Args:
        func: Function of one leaf of each structure.
        *structures: Structures nested in the same way.
        none_is_leaf: Whether the function is also called for None. Defaults to True.

    Returns:
        Structure of the results, nested like the first one.

    Raises:
        InvalidTypeError: If ``func`` cannot be called or there is no structure.
        InvalidArgumentError: If the structures are nested in different ways.

    Example:
        >>> from cornu import tree
        >>> tree.map_structure(lambda a, b: a + b, {"a": [1, 2]}, {"a": [10, 20]})
        {'a': [11, 22]}
    """
    _check_callable("map_structure", func)
    _check_structures("map_structure", structures)
    for other in structures[1:]:
        assert_same_structure(structures[0], other)

    def call(*leaves: Any) -> Any:
        return None if leaves[0] is None and not none_is_leaf else func(*leaves)

    return _map_up_to(structures[0], call, structures)


def map_structure_up_to(shallow_structure: Structure, func: Callable, *structures: Structure) -> Structure:
    """Apply a function to the parts of structures that correspond to the leaves of another structure.

    Args:
        shallow_structure: Structure that determines how deep the others are traversed.
        func: Function of one part of each structure.
        *structures: Structures that are nested like ``shallow_structure``, or deeper.

    Returns:
        Structure of the results, nested like ``shallow_structure``.

    Raises:
        InvalidTypeError: If ``func`` cannot be called or there is no structure.
        InvalidArgumentError: If a structure is not nested like ``shallow_structure``.

    Example:
        >>> from cornu import tree
        >>> tree.map_structure_up_to([None, None], len, [[1, 1], [2, 2, 2]])
        [2, 3]
    """
    _check_callable("map_structure_up_to", func)
    _check_structures("map_structure_up_to", structures)
    return _map_up_to(shallow_structure, func, structures)


def _map_up_to(shallow: Structure, func: Callable, structures: tuple[Structure, ...]) -> Structure:
    if not is_nested(shallow):
        return func(*structures)
    for other in structures:
        _check_same_level(shallow, other)
    parts = {key: _map_up_to(shallow[key], func, tuple(other[key] for other in structures)) for key in _keys(shallow)}
    return _rebuilt(shallow, parts)


def assert_same_structure(a: Structure, b: Structure, check_types: bool | None = None) -> None:
    """Raise an error if two structures are nested in different ways. Their leaves may differ.

    Args:
        a: Structure.
        b: Structure.
        check_types: Accepted for compatibility with Keras, where it is deprecated; ignored.

    Raises:
        InvalidArgumentError: If two corresponding parts are of different types (all kinds of dicts are alike), or have
            different keys or lengths.

    Example:
        >>> from cornu import tree
        >>> tree.assert_same_structure([(0, 1)], [(2, 3)])
    """
    if not is_nested(a) and not is_nested(b):
        return
    _check_same_level(a, b)
    for key in _keys(a):
        assert_same_structure(a[key], b[key])


def _check_same_level(a: Structure, b: Structure) -> None:
    """Raise ``InvalidArgumentError`` unless two structures are of the same type and have the same keys."""
    both_dicts = isinstance(a, dict) and isinstance(b, dict)
    if is_nested(a) and is_nested(b) and (both_dicts or type(a) is type(b)) and len(a) == len(b) and _has_keys(a, b):
        return
    raise InvalidArgumentError(
        f"Two structures are nested in different ways: {a!r} and {b!r}.",
        "Corresponding parts must be of the same type, with the same keys or the same length.",
        "Check how the second one was made, or compare only the paths with `assert_same_paths`.",
    )


def _has_keys(a: Structure, b: Structure) -> bool:
    return not isinstance(a, dict) or set(a) == set(b)


def assert_same_paths(a: Structure, b: Structure) -> None:
    """Raise an error if the leaves of two structures are at different places. The types of the nested parts may differ.

    Args:
        a: Structure.
        b: Structure.

    Raises:
        InvalidArgumentError: If a leaf of one is at no leaf of the other.

    Example:
        >>> from cornu import tree
        >>> tree.assert_same_paths([0, 1], (2, 3))
    """
    first, second = ({path for path, _ in flatten_with_path(structure)} for structure in (a, b))
    if first != second:
        differing = sorted(first ^ second, key=str)
        raise InvalidArgumentError(
            f"Two structures have leaves at different places: {differing}.",
            "Each leaf of one must have a leaf of the other at the same keys and indices.",
            "Check how the second one was made.",
        )


def pack_sequence_as(structure: Structure, flat_sequence: Iterable[Any]) -> Structure:
    """Return a structure with other leaves, in the order of :func:`flatten`.

    Args:
        structure: Structure.
        flat_sequence: The leaves.

    Raises:
        InvalidTypeError: If ``flat_sequence`` cannot be iterated over.
        InvalidArgumentError: If the number of leaves differs from that of the structure.

    Example:
        >>> from cornu import tree
        >>> tree.pack_sequence_as({"b": 0, "a": [0, 0]}, [1, 2, 3])
        {'b': 3, 'a': [1, 2]}
    """
    if not isinstance(flat_sequence, Iterable):
        raise InvalidTypeError(
            f"`pack_sequence_as` received flat_sequence={flat_sequence!r}.", "It must be a sequence.", "Pass a list of leaves."
        )
    leaves, count = list(flat_sequence), len(flatten(structure))
    if len(leaves) != count:
        raise InvalidArgumentError(
            f"`pack_sequence_as` received {len(leaves)} leaves.",
            f"The structure has {count}.",
            "Pass one for each leaf of the structure, `tree.flatten(structure)`.",
        )
    remaining = iter(leaves)
    return _map_up_to(structure, lambda _: next(remaining), (structure,))


def lists_to_tuples(structure: Structure) -> Structure:
    """Return a structure with its lists replaced by tuples.

    Args:
        structure: Structure.

    Example:
        >>> from cornu import tree
        >>> tree.lists_to_tuples([1, {"a": [2]}])
        (1, {'a': (2,)})
    """
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable, structure: Structure) -> Structure:
    """Apply a function to the shapes in a structure: its tuples and lists of integers and None.

    Args:
        func: Function of a shape.
        structure: Structure of shapes.

    Raises:
        InvalidTypeError: If ``func`` cannot be called.

    Example:
        >>> from cornu import tree
        >>> tree.map_shape_structure(len, {"a": (None, 3), "b": [(2,), (4, 5, 6)]})
        {'a': 2, 'b': [1, 3]}
    """
    _check_callable("map_shape_structure", func)
    if isinstance(structure, (tuple, list)) and all(isinstance(size, (int, type(None))) for size in structure):
        return func(tuple(structure))
    if not is_nested(structure):
        raise InvalidArgumentError(
            f"`map_shape_structure` received {structure!r} where it expects a shape.",
            "A shape is a tuple of integers and None.",
            "Pass nested lists, tuples and dicts of shapes.",
        )
    return _map(lambda part: map_shape_structure(func, part), structure)


def _check_callable(function: str, func: Callable) -> None:
    if not callable(func):
        raise InvalidTypeError(
            f"`{function}` received func={func!r}.", "It must be a function.", "Check the order of arguments."
        )


def _check_structures(function: str, structures: tuple[Structure, ...]) -> None:
    if not structures:
        raise InvalidTypeError(
            f"`{function}` received no structure.", "At least one is required.", "Pass it after the function."
        )
