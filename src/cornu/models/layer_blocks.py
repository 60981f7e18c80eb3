"""Blocks of layers: what ``summary`` and ``plot_model`` show of a model with many layers.

The names of the layers of a block begin or end with the same words, as ``conv2_block1_1_conv`` and ``conv2_block1_add`` do.
Layers with automatic names, such as ``conv2d_7``, belong to the block around them, or to one from a merge to the next.
"""

import collections
import graphlib
import itertools
import re
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from cornu import trees
from cornu.core.graph import OpCall
from cornu.core.input import InputLayer
from cornu.core.symbolic_tensor import Node, Operation
from cornu.registry import to_snake_case

MOST_ROWS = 100
"""Most layers of a model that are shown one by one."""

_FEWEST_ROWS = 15
"""Fewest blocks of a model with more layers, if its names allow so many."""

_MOST_BETWEEN = 2
"""Most layers with automatic names that form no block between two others."""

_SEPARATOR = r"[_/.\-]"
_BETWEEN_WORDS = re.compile(rf"(?<=\d){_SEPARATOR}|{_SEPARATOR}(?!\d+(?:{_SEPARATOR}|$))")
"""What is between the words of a name. A number belongs to the word before it: ``block_3``, ``expand``."""


class Block(NamedTuple):
    """Layers and ops of a model that are shown as one.

    Attributes:
        title: String, the words that their names have in common, or the first and the last name.
        members: List of their positions in the model.
    """

    title: str
    members: list[int]


def sources_of(nodes: Sequence[Node]) -> list[list[int]]:
    """Return, for each node of a graph, the numbers of the nodes that it takes inputs from."""
    found = {id(tensor): number for number, node in enumerate(nodes) for tensor in trees.leaves(node.outputs)}
    return [[found[id(tensor)] for tensor in node.inputs if id(tensor) in found] for node in nodes]


def layer_blocks(operations: Sequence[Operation], sources: list[list[int]], expand: bool = False) -> list[Block]:
    """Return the blocks of a model, each after those that it takes inputs from.

    No path leaves a block and returns to it. Nested models and inputs are blocks of their own.

    Args:
        operations: Sequence of the layers and ops of the model.
        sources: For each of them, the numbers of those that it takes inputs from.
        expand: Whether each layer is a block, as in a model with up to :data:`MOST_ROWS` layers. Defaults to False.
    """
    found: list[list[Block]] = []
    if expand or len(operations) <= MOST_ROWS:
        return [Block(operation.name, [number]) for number, operation in enumerate(operations)]
    for with_automatic in (False, True):
        names = [_name(operation, with_automatic) for operation in operations]
        for from_end in (False, True):
            found += _foldings(operations, sources, names, from_end)
        best = min(found, key=_rank)
        if _FEWEST_ROWS <= len(best) <= MOST_ROWS:
            break
    return best


def _rank(blocks: list[Block]) -> tuple[bool, int, bool, int, int]:
    """Return what is smallest for the best blocks: neither too many nor too few, none with most of the layers, then few."""
    sizes = [len(block.members) for block in blocks]
    return len(sizes) > MOST_ROWS, max(_FEWEST_ROWS - len(sizes), 0), 2 * max(sizes) > sum(sizes), len(sizes), max(sizes)


def _name(operation: Operation, with_automatic: bool) -> Operation | str | None:
    """Return the name of an operation, None in place of an automatic one; a model or an input itself."""
    if isinstance(operation, InputLayer) or hasattr(operation, "compile_from_config"):
        return operation
    automatic = re.sub(r"_\d+$", "", operation.name) == to_snake_case(type(operation).__name__)
    return None if isinstance(operation, OpCall) or (automatic and not with_automatic) else operation.name


def _foldings(
    operations: Sequence[Operation], sources: list[list[int]], names: list[Operation | str | None], from_end: bool
) -> Iterator[list[Block]]:
    """Yield the blocks of layers whose names have the same first or last words: none, one, and so on, up to too many blocks."""
    for count in itertools.count():
        keys = [_words(name, from_end)[:count] if isinstance(name, str) else name for name in names]
        blocks = _blocks(operations, sources, keys, from_end)
        yield blocks
        if len(blocks) > MOST_ROWS or all(len(key) < count for key in keys if isinstance(key, tuple)):
            return


def _words(name: str, from_end: bool) -> tuple[str, ...]:
    return tuple(re.split(_SEPARATOR, name)[::-1] if from_end else _BETWEEN_WORDS.split(name))


def _blocks(operations: Sequence[Operation], sources: list[list[int]], keys: Sequence[Hashable], from_end: bool) -> list[Block]:
    """Return the blocks of operations with the same key, and with None for a key."""
    order = _order(keys, sources)
    filled = _filled([keys[number] for number in order], _widths(order, sources), [len(set(sources[n])) > 1 for n in order])
    blocks = []
    for key, places in itertools.groupby(range(len(order)), key=filled.__getitem__):
        members = [order[place] for place in places]
        first, last = operations[members[0]].name, operations[members[-1]].name
        common = _common_words([operations[number].name for number in members if keys[number] == key], from_end)
        blocks.append(Block(first if len(members) == 1 else common or f"{first} ... {last}", members))
    return blocks


def _common_words(names: list[str], from_end: bool) -> str | None:
    """Return the words with which several names begin or end, and a star for the others; None if there are none."""
    columns = zip(*(f"{name[::-1] if from_end else name}_" for name in names), strict=False)
    common = "".join(letters[0] for letters in itertools.takewhile(lambda letters: len(set(letters)) == 1, columns))
    found = re.match(rf".*{_SEPARATOR}", common) if len(names) > 1 else None
    return found and (f"*{found[0][::-1]}" if from_end else f"{found[0]}*")


def _order(keys: Sequence[Hashable], sources: list[list[int]]) -> list[int]:
    """Return an order in which operations with the same key follow each other, as far as their inputs allow it.

    While some with the current key are left, those with the key None come before those with another key.
    """
    sorter = graphlib.TopologicalSorter(dict(enumerate(sources)))
    sorter.prepare()
    ready, order, current, left = [], [], None, collections.Counter(keys)
    while sorter.is_active():
        ready += sorter.get_ready()
        some_left = left[current] > 0
        chosen = min(ready, key=lambda number: (keys[number] != current, some_left and keys[number] is not None, number))
        current = current if keys[chosen] is None else keys[chosen]
        left[keys[chosen]] -= 1
        ready.remove(chosen)
        order.append(chosen)
        sorter.done(chosen)
    return order


def _widths(order: list[int], sources: list[list[int]]) -> list[int]:
    """Return, for each place in an order, how many operations before it have outputs that are used behind it; 1 at the ends."""
    place = {number: position for position, number in enumerate(order)}
    last_use = list(range(len(order)))
    for number in order:
        for source in sources[number]:
            last_use[place[source]] = max(last_use[place[source]], place[number])
    changes = [0] * (len(order) + 1)
    for position, last in enumerate(last_use):
        changes[position + 1] += 1
        changes[last + 1] -= 1
    return [1, *itertools.accumulate(changes[1:-1]), 1]


def _filled(keys: Sequence[Hashable], widths: list[int], merges: list[bool]) -> list[Hashable]:
    """Return the keys with others in place of None, and of keys of a single operation inside branches.

    Of the operations between two blocks, those before the first place where the graph is narrowest belong to the block before
    them, and those after the last such place to the block after them. The others are blocks that end where a merge makes the
    graph narrowest.
    """
    counts: collections.Counter[Hashable] = collections.Counter(key for key in keys if isinstance(key, tuple))
    keys = [None if counts[key] == 1 and width > 1 else key for key, width in zip(keys, widths[1:], strict=True)]
    stop = 0
    for missing, group in itertools.groupby([key is None for key in keys]):
        start, stop = stop, stop + len(list(group))
        if not missing:
            continue
        before, after = keys[start - 1] if start else None, keys[stop] if stop < len(keys) else None
        least = min(widths[start : stop + 1])
        narrow = [place for place in range(start, stop + 1) if widths[place] == least]
        first = narrow[0] if isinstance(before, tuple) else start
        last = max(first, narrow[-1]) if isinstance(after, tuple) else stop
        if least > 1 and last - first <= _MOST_BETWEEN:
            last = first
        if before is not None and before == after:
            first = last = stop
        keys[start:first], keys[last:stop] = [before] * (first - start), [after] * (stop - last)
        for place in range(first, last):
            begins = place == first or last - first <= _MOST_BETWEEN or (place in narrow and merges[place - 1])
            keys[place] = place if begins else keys[place - 1]
    return keys
