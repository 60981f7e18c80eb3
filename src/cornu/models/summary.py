"""The table printed by ``model.summary()``."""

import itertools
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.core.layer import Layer
from cornu.core.layer_protocol import LayerGraph
from cornu.errors import InvalidArgumentError, NotBuiltError, did_you_mean
from cornu.models.model_protocol import SavableModel, optimizer_of


def print_summary(
    model: SavableModel,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
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
    """
    plain = print_fn is not None or not sys.stdout.isatty()
    text = summary_text(model, line_length, positions, expand_nested, show_trainable, layer_range, plain)
    (print_fn or print)(text)


def summary_text(
    model: SavableModel,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
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
        plain: Whether to use only ASCII characters and no colors. Defaults to True.

    Raises:
        InvalidArgumentError: If ``positions`` or ``layer_range`` is invalid.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    graph = model.cornu_graph
    branching = graph if graph is not None and any(len(found) > 1 for found in _consumers(graph).values()) else None
    console = Console(
        width=line_length or (80 if plain else None), no_color=plain, force_terminal=not plain, force_jupyter=False
    )
    headers = ["Layer (type)", "Output shape", "Parameters"]
    headers += ["Connected to"] * (branching is not None) + ["Trainable"] * show_trainable
    table = Table(box=box.ASCII if plain else box.ROUNDED, title=None, show_lines=False, header_style="bold")
    for header, width in zip(headers, _column_widths(positions, console.width, len(headers)), strict=True):
        table.add_column(header, justify="right" if header == "Parameters" else "left", width=width)
    for layer, depth in _rows(_in_range(model.layers, layer_range), expand_nested):
        cells = [f"{'  ' * depth}{layer.name} ({type(layer).__name__})", _shape_of(layer), _parameters_of(layer)]
        if branching is not None:
            cells.append(_sources(branching, layer) if depth == 0 else "")
        cells += [_trainable_mark(layer)] * show_trainable
        table.add_row(*map(Text, cells))
    with console.capture() as capture:
        console.print(Text(f'Model: "{model.name}"', style="bold"))
        console.print(table)
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


def _rows(layers: Sequence[Any], expand_nested: bool, depth: int = 0) -> list[tuple[Layer, int]]:
    rows = []
    for layer in layers:
        rows.append((layer, depth))
        if expand_nested and hasattr(layer, "compile_from_config"):
            rows += _rows(layer.layers, expand_nested, depth + 1)
    return rows


def _shape_of(layer: Layer) -> str:
    try:
        return str(layer.output_shape)
    except (NotBuiltError, NotImplementedError):
        return "?"


def _parameters_of(layer: Layer) -> str:
    return f"{layer.count_params():,}" if layer.built else "0 (not built)"


def _trainable_mark(layer: Layer) -> str:
    """Return ``Y`` for a layer that is trained, ``N`` for one that is not, and ``-`` for one without weights, as in Keras."""
    return "-" if not layer.weights else "Y" if layer.trainable else "N"


def _consumers(graph: LayerGraph) -> dict[int, list]:
    consumers: dict[int, list] = {}
    for node in graph.nodes:
        for tensor in node.inputs:
            consumers.setdefault(id(tensor), []).append(node)
    return consumers


def _sources(graph: LayerGraph, layer: Layer) -> str:
    """Return the names of the operations whose outputs are inputs of a layer."""
    nodes = [node for node in graph.nodes if node.operation is layer]
    return ", ".join(dict.fromkeys(tensor.node.operation.name for node in nodes for tensor in node.inputs)) or "-"


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
