"""The table printed by ``model.summary()``."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.core.layer import Layer
from cornu.core.layer_protocol import LayerGraph
from cornu.errors import NotBuiltError
from cornu.models.model_protocol import SavableModel


def print_summary(
    model: SavableModel,
    line_length: int | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
) -> None:
    """Print the layers of a model: as a formatted table on a terminal, as plain text elsewhere.

    Args:
        model: The model.
        line_length: Integer, width in characters. Defaults to the width of the terminal, or 80.
        print_fn: Function that is called with the table as a string, in place of ``print``. Defaults to None.
        expand_nested: Whether to list the layers of nested models. Defaults to False.
    """
    text = summary_text(model, line_length, expand_nested, plain=print_fn is not None or not sys.stdout.isatty())
    (print_fn or print)(text)


def summary_text(model: SavableModel, line_length: int | None = None, expand_nested: bool = False, plain: bool = True) -> str:
    """Return the table as a string.

    Args:
        model: The model.
        line_length: Integer, width in characters. Defaults to 80 if ``plain``, else to the width of the terminal.
        expand_nested: Whether to list the layers of nested models. Defaults to False.
        plain: Whether to use only ASCII characters and no colors. Defaults to True.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    graph = model.cornu_graph
    branching = graph if graph is not None and any(len(found) > 1 for found in _consumers(graph).values()) else None
    table = Table(box=box.ASCII if plain else box.ROUNDED, title=None, show_lines=False, header_style="bold")
    table.add_column("Layer (type)")
    table.add_column("Output shape")
    table.add_column("Parameters", justify="right")
    if branching is not None:
        table.add_column("Connected to")
    for layer, depth in _rows(model, expand_nested):
        cells = [Text("  " * depth + f"{layer.name} ({type(layer).__name__})"), Text(_shape_of(layer)), _parameters_of(layer)]
        table.add_row(*cells, *([Text(_sources(branching, layer))] if branching is not None and depth == 0 else []))
    console = Console(width=line_length or (80 if plain else None), no_color=plain, force_terminal=not plain)
    with console.capture() as capture:
        console.print(Text(f'Model: "{model.name}"', style="bold"))
        console.print(table)
        for line in _totals(model):
            console.print(Text(line))
    return capture.get().rstrip("\n")


def _rows(model: Any, expand_nested: bool, depth: int = 0) -> list[tuple[Layer, int]]:
    rows = []
    for layer in model.layers:
        rows.append((layer, depth))
        if expand_nested and hasattr(layer, "compile_from_config"):
            rows += _rows(layer, expand_nested, depth + 1)
    return rows


def _shape_of(layer: Layer) -> str:
    try:
        return str(layer.output_shape)
    except NotBuiltError:
        return "?"


def _parameters_of(layer: Layer) -> str:
    return f"{layer.count_params():,}" if layer.built else "0 (not built)"


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
    if model.optimizer is not None and model.optimizer.variables:
        variables = model.optimizer.variables
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
