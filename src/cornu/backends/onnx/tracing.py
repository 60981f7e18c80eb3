"""Trace a function into an ONNX graph."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cornu import config
from cornu.backends.onnx.graph_builder import Graph, OnnxArray, recording
from cornu.backends.onnx.symbolic_sizes import form_of, is_open, of_axis


class TracedInput(NamedTuple):
    """An input of a graph.

    Attributes:
        name: Its name.
        shape: Its shape; None for an open size.
        sizes: The sizes to trace with, integers for open sizes as well.
        dtype: Name of its dtype.
    """

    name: str
    shape: tuple[int | None, ...]
    sizes: tuple[int, ...]
    dtype: str


def trace(
    call: Callable[[list[OnnxArray]], Iterable[tuple[str, OnnxArray]]],
    inputs: list[TracedInput],
    name_of: Callable[[str], str],
) -> Graph:
    """Trace a function into a graph.

    Args:
        call: Function from the arrays of the inputs to the names and arrays of the outputs.
        inputs: The inputs. Those with an open first size share it as the batch size.
        name_of: Function that completes the name of a node, such as with the name of the running layer.
    """
    graph = Graph(name_of)
    arrays = [_input_array(graph, each) for each in inputs]
    with config.placement_scope("onnx"), recording(graph):
        for name, array in call(arrays):
            graph.add_output(array, name)
    return graph


def _input_array(graph: Graph, traced: TracedInput) -> OnnxArray:
    """Return the array of an input. All inputs share the open batch size of the first one that has it."""
    shape: list[Any] = list(traced.sizes)
    for axis, size in enumerate(traced.shape):
        if size is not None:
            continue
        batches = [array.shape[0] for array in graph.inputs if array.shape and is_open(array.shape[0])]
        found = batches[0] if axis == 0 and batches else of_axis(shape[axis], traced.name, axis)
        graph.size_names[form_of(found)] = f"{traced.name}_size_{axis}" if axis else "batch"
        shape[axis] = found
    return graph.add_input(traced.name, tuple(shape), traced.dtype)
