"""Trees: nested dicts, lists, tuples and named tuples with arbitrary leaves; ``None`` is an empty subtree.

Arguments of layers, batches of data and the training state are trees. The entries of a dict are traversed in the order of
their sorted keys, as in Keras: two dicts with the same entries have the same leaves, and the order of layers and weights in a
model does not depend on the order in which a dict was written. This module is independent of any array library.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def keys(tree: Iterable) -> list:
    """Return the keys of a dict in the order in which it is traversed: sorted, or as they are if they cannot be compared.

    Example:
        >>> from cornu import trees
        >>> trees.keys({"b": 1, "a": 2})
        ['a', 'b']
    """
    try:
        return sorted(tree)
    except TypeError:
        return list(tree)


def leaves(tree: Any) -> list:
    """Return the leaves of a tree from left to right, without ``None``. Dicts are traversed by sorted keys.

    Example:
        >>> from cornu import trees
        >>> trees.leaves({"b": [2, (3, None)], "a": 1})
        [1, 2, 3]
    """
    if not isinstance(tree, (dict, list, tuple)):  # by far the most frequent case
        return [] if tree is None else [tree]
    return list(_walk(tree))


def _walk(tree: Any) -> Iterator:
    if tree is None:
        return
    if isinstance(tree, dict):
        for key in keys(tree):
            yield from _walk(tree[key])
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            yield from _walk(value)
    else:
        yield tree


def map(function: Callable, *trees: Any) -> Any:
    """Apply a function to the corresponding leaves of one or more trees with the same structure.

    Args:
        function: Callable that accepts one leaf of each tree.
        *trees: Trees; the first one determines the structure of the result.

    Returns:
        Tree with the same structure, with the results as leaves; the keys of dicts keep the order of the first tree.

    Example:
        >>> from cornu import trees
        >>> trees.map(lambda a, b: a + b, [1, (2, None)], [10, (20, None)])
        [11, (22, None)]
    """
    first = trees[0]
    if first is None:
        return None
    if isinstance(first, dict):
        mapped = {key: map(function, *(tree[key] for tree in trees)) for key in keys(first)}
        return {key: mapped[key] for key in first}
    if isinstance(first, (list, tuple)):
        return _same_type(first, [map(function, *parts) for parts in zip(*trees, strict=True)])
    return function(*trees)


def unflatten(like: Any, values: list) -> Any:
    """Return a tree with the structure of ``like`` and with ``values`` as its leaves, from left to right.

    Example:
        >>> from cornu import trees
        >>> trees.unflatten({"a": 0, "b": [0]}, [5, 6])
        {'a': 5, 'b': [6]}
    """
    if not isinstance(like, (dict, list, tuple, type(None))):
        return values[0]
    remaining = iter(values)
    return map(lambda _: next(remaining), like)


def _same_type(like: list | tuple, values: list) -> Any:
    if hasattr(like, "_fields"):  # the constructor of a named tuple accepts its fields as separate arguments
        return type(like)(*values)
    return type(like)(values)


def all_leaves(tree: Any) -> list:
    """Return the leaves of a tree from left to right, where None is a leaf as well.

    Example:
        >>> from cornu import trees
        >>> trees.all_leaves({"a": 1, "b": [2, None]})
        [1, 2, None]
    """
    if not isinstance(tree, (dict, list, tuple)):
        return [tree]
    return [leaf for part in (tree.values() if isinstance(tree, dict) else tree) for leaf in all_leaves(part)]
