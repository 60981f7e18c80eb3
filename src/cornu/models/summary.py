"""The table printed by ``model.summary()``."""

import collections
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cornu.core.layer import Layer
from cornu.core.layer_protocol import LayerGraph
from cornu.errors import InvalidArgumentError, NotBuiltError, did_you_mean
from cornu.models.layer_blocks import MOST_ROWS, layer_blocks, sources_of
from cornu.models.model_protocol import SavableModel, optimizer_of


def print_summary(
    model: SavableModel,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
    expand_blocks: bool = False,
) -> None:
    """Print the layers of a model: as a formatted table on a terminal, as plain text elsewhere.

    Args:
        model: The model.
        line_length: Integer, width in characters. Defaults to the width of the terminal, or 80.
        positions: Ends of the columns, as fractions of the width or as numbers of characters. Defaults to None.
        print_fn: Function that is called with the table as a string, in place of ``print``. Defaults to None.
        expand_nested: Whether to list the layers of nested models. Defaults to False.
        show_trainable: Whether to show which layers are trained. Defaults to False.
        layer_range: Pair of names or patterns of the first and the last layer to list. Defaults to None (all).
        expand_blocks: Whether to list each layer of a model with more than 100 layers. Defaults to False: one row for each
            block of layers.
    """
    plain = print_fn is not None or not sys.stdout.isatty()
    text = summary_text(model, line_length, positions, expand_nested, show_trainable, layer_range, expand_blocks, plain)
    (print_fn or print)(text)


def summary_text(
    model: SavableModel,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
    expand_blocks: bool = False,
    plain: bool = True,
) -> str:
    """Return the table as a string.

    Args:
        model: The model.
        line_length: Integer, width in characters. Defaults to 80 if ``plain``, else to the width of the terminal.
        positions: Ends of the columns (see :func:`print_summary`). Defaults to None.
        expand_nested: Whether to list the layers of nested models. Defaults to False.
        show_trainable: Whether to show which layers are trained. Defaults to False.
        layer_range: First and last layer to list (see :func:`print_summary`). Defaults to None.
        expand_blocks: Whether to list each layer of a large model (see :func:`print_summary`). Defaults to False.
        plain: Whether to use only ASCII characters and no colors. Defaults to True.

    Raises:
        InvalidArgumentError: If ``positions`` or ``layer_range`` is invalid.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(_rows(model, _in_range(model.layers, layer_range), expand_nested, expand_blocks))
    layers = sum(len(row.layers) for row in rows)
    branching = model.cornu_graph is not None and _branches(model.cornu_graph, rows)
    console = Console(
        width=line_length or (80 if plain else None), no_color=plain, force_terminal=not plain, force_jupyter=False
    )
    headers = ["Layer (type)", "Output shape", "Parameters"]
    headers += ["Connected to"] * branching + ["Trainable"] * show_trainable
    table = Table(box=box.ASCII if plain else box.ROUNDED, title=None, show_lines=False, header_style="bold")
    for header, width in zip(headers, _column_widths(positions, console.width, len(headers)), strict=True):
        table.add_column(header, justify="right" if header == "Parameters" else "left", width=width)
    for row in rows:
        cells = [f"{'  ' * row.depth}{row.name} ({row.kind})", _shape_of(row.layers[-1]), _parameters_of(row.layers)]
        if branching:
            cells.append(row.sources if row.depth == 0 else "")
        cells += [_trainable_mark(row.layers)] * show_trainable
        table.add_row(*map(Text, cells))
    with console.capture() as capture:
        console.print(Text(f'Model: "{model.name}"', style="bold"))
        console.print(table)
        if layers > len(rows):
            console.print(Text(f"Blocks are one row each: `summary(expand_blocks=True)` lists all {layers} layers."))
        for line in _totals(model):
            console.print(Text(line))
    return capture.get().rstrip("\n")


def _column_widths(positions: Sequence[float] | None, line_length: int, count: int) -> list[int | None]:
    """Return the widths of the columns for their ends; None for widths that depend on the contents."""
    if positions is None:
        return [None] * count
    ends = [0, *(int(end * line_length) if positions[-1] <= 1 else int(end) for end in positions)]
    widths = [end - start - 3 for start, end in itertools.pairwise(ends)]  # without borders and margins
    if len(widths) < count or min(widths) < 1:
        raise InvalidArgumentError(
            f"`summary` received `positions={list(positions)}` for {count} columns in {line_length} characters.",
            f"It must hold {count} increasing numbers, the ends of the columns, at least 4 characters apart.",
            "Pass, for example, `positions=[0.45, 0.8, 1.0]`, or a larger `line_length`.",
        )
    return list(widths[:count])


def _in_range(layers: Sequence[Any], layer_range: Sequence[str] | None) -> Sequence[Any]:
    """Return the layers from the first that matches the first pattern to the last that matches the second."""
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(pattern, str) for pattern in layer_range):
        raise InvalidArgumentError(
            f"`summary` received `layer_range={layer_range!r}`.",
            "It must be a pair of strings: the names of the first and the last layer to list, or regular expressions.",
            "Pass, for example, `layer_range=['conv2d', 'dense']`.",
        )
    first, last = (_matching(layers, pattern) for pattern in layer_range)
    low, high = min(first[0], last[-1]), max(first[0], last[-1])
    return layers[low : high + 1]


def _matching(layers: Sequence[Any], pattern: str) -> list[int]:
    names = [layer.name for layer in layers]
    found = [place for place, name in enumerate(names) if name == pattern or re.match(pattern, name)]
    if not found:
        raise InvalidArgumentError(
            f"`summary` received {pattern!r} in `layer_range`.",
            f"The names of the layers are {names}.",
            did_you_mean(pattern, names) or "Pass one of these names, or a regular expression that matches one.",
        )
    return found


class _Row(NamedTuple):
    """A row of the table: a layer, or the layers of a block."""

    name: str
    kind: str
    layers: list[Any]
    sources: str
    depth: int


def _rows(
    model: SavableModel, layers: Sequence[Any], expand_nested: bool, expand_blocks: bool, depth: int = 0
) -> Iterator[_Row]:
    """Yield the rows of layers of a model, those of a nested model below its own row."""
    operations, sources = _calls(model)
    blocks = layer_blocks(operations, sources, expand_blocks or len(layers) <= MOST_ROWS)
    titles = {number: block.title for block in blocks for number in block.members}
    unseen = {id(layer): layer for layer in layers}
    for title, members in blocks:
        inside = [unseen.pop(id(operations[number])) for number in members if id(operations[number]) in unseen]
        if not inside:
            continue
        first, shown = inside[0], set(map(id, inside))
        name, kind = (title, f"{len(inside)} layers") if len(inside) > 1 else (first.name, type(first).__name__)
        calls = [number for number, operation in enumerate(operations) if number in members or id(operation) in shown]
        taken = [source for number in calls for source in sources[number] if len(members) == 1 or source not in members]
        yield _Row(name, kind, inside, ", ".join(dict.fromkeys(titles[source] for source in taken)) or "-", depth)
        if len(inside) == 1 and expand_nested and hasattr(first, "compile_from_config"):
            yield from _rows(first, first.layers, expand_nested, expand_blocks, depth + 1)


def _calls(model: SavableModel) -> tuple[list[Any], list[list[int]]]:
    """Return the operations of a model, and for each the numbers of those before it; for a model without a graph, a chain."""
    graph = model.cornu_graph
    if graph is None:
        return model.layers, [[number - 1] if number else [] for number in range(len(model.layers))]
    return [node.operation for node in graph.nodes], sources_of(graph.nodes)


def _shape_of(layer: Layer) -> str:
    try:
        return str(layer.output_shape)
    except (NotBuiltError, NotImplementedError):
        return "?"


def _parameters_of(layers: list[Layer]) -> str:
    count = sum(layer.count_params() for layer in layers if layer.built)
    return f"{count:,}" + " (not built)" * (not all(layer.built for layer in layers))


def _trainable_mark(layers: list[Layer]) -> str:
    """Return ``Y`` for layers that are trained, ``N`` for others, and ``-`` for those without weights, as in Keras."""
    marks = {"Y" if layer.trainable else "N" for layer in layers if layer.weights}
    return "part" if len(marks) > 1 else "".join(marks) or "-"


def _branches(graph: LayerGraph, rows: Sequence[_Row]) -> bool:
    """Return whether a graph branches; one with blocks of layers, whether these do not form a chain."""
    shown = [row for row in rows if row.depth == 0]
    if any(len(row.layers) > 1 for row in shown):
        return any(row.sources != before.name for before, row in itertools.pairwise(shown))
    uses = collections.Counter(id(tensor) for node in graph.nodes for tensor in node.inputs)
    return any(count > 1 for count in uses.values())


def _totals(model: SavableModel) -> list[str]:
    """Return the lines below the table: numbers and sizes of the parameters."""
    trained = {id(variable) for variable in model.trainable_variables}
    counts = {"Total": model.weights}
    counts["Trainable"] = [variable for variable in model.weights if id(variable) in trained]
    counts["Non-trainable"] = [variable for variable in model.weights if id(variable) not in trained]
    lines = [f"{name} parameters: {_count(variables):,} ({_bytes(variables)})" for name, variables in counts.items()]
    optimizer = optimizer_of(model)
    if optimizer is not None and optimizer.variables:
        variables = optimizer.variables
        lines.append(f"Optimizer parameters: {_count(variables):,} ({_bytes(variables)})")
    return lines


def _count(variables: list) -> int:
    return sum(variable.size for variable in variables)


def _bytes(variables: list) -> str:
    size = float(
        sum(variable.size * np.dtype(variable.dtype.replace("bfloat16", "float16")).itemsize for variable in variables)
    )
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
