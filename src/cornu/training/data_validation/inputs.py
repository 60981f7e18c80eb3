"""Validation of inputs: whether ``x`` fits the model."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu import trees
from cornu.core.input import InputLayer
from cornu.core.layer_placement import backend_of
from cornu.core.layer_protocol import LayerGraph
from cornu.core.layer_traits import LayerTraits
from cornu.core.symbolic_tensor import Node, SymbolicTensor
from cornu.errors import DataError, ShapeError, did_you_mean, warn
from cornu.scopes import construction_lock
from cornu.training.batch import DataArray
from cornu.training.data_validation import array_checks, finite_values
from cornu.training.data_validation.arguments import format_caller
from cornu.training.model_protocol import TrainableModel
from cornu.typing import Tree

_MAX_SCALED_VALUE = 16
"""Images with values above this one, and no negative values, are assumed to be in the range 0 to 255."""


def check(function: str, model: TrainableModel, x: Tree, hint: bool = False) -> None:
    """Check that inputs fit the model and are finite; build a model that has not received data yet.

    Args:
        function: Name of the function the user called.
        model: The model.
        x: Tree of arrays, as returned by :func:`cornu.training.data_validation.array_checks.as_arrays`.
        hint: Whether to warn about images that are not scaled.

    Raises:
        DataError: If the keys or the number of inputs are wrong, or an index is out of the range of an embedding.
        NonFiniteError: If there is NaN or infinity.
        ShapeError: If a shape is wrong.
    """
    with construction_lock:  # a model may be marked as built before all layers inside it are
        if not model.built:
            for name, leaf in array_checks.named_leaves("x", x):  # do not build the model for invalid data
                _check_values(function, name, leaf, may_be_strings=model.cornu_takes_strings)
            model.build(shapes_of(x))
    graph = model.cornu_graph
    if graph is None:
        for name, leaf in array_checks.named_leaves("x", x):
            _check_values(function, name, leaf, may_be_strings=model.cornu_takes_strings)
        return
    takes_strings = hasattr(backend_of(model), "call_on_host")
    for tensor, (name, leaf) in zip(graph.input_tensors, _in_order(function, graph, x), strict=True):
        if leaf is None:  # of an optional input
            continue
        if tensor.dtype == "string" and not takes_strings and leaf.dtype.kind == "T":
            raise _strings_elsewhere(function, name, backend_of(model).NAME)
        low, high = _check_values(function, name, leaf, may_be_strings=tensor.dtype == "string")
        if not _fits(leaf.shape, tensor.shape) and not _accept(model, graph, x):
            raise _shape_error(function, name, graph, tensor, tuple(leaf.shape))
        _check_indices(function, name, graph, tensor, leaf, low, high)
        if hint and _looks_like_images(leaf) and low >= 0 and _MAX_SCALED_VALUE < high <= 255 and _is_unscaled(graph, tensor):
            warn(_unscaled_text(function, name, low, high))


def _strings_elsewhere(function: str, name: str, engine: str) -> DataError:
    """Return the error for strings that a model takes, on an engine that does not have them."""
    return DataError(
        f"{format_caller(function)} received `{name}` with strings, which the model takes, but it is on {engine}.",
        "Only TensorFlow has arrays of strings: elsewhere a model with strings can be called, but not trained.",
        "Apply the layer to the data, such as `x = text_vectorization(texts)`, and begin the model after it, or call "
        "`model.to_backend('tensorflow')`.",
    )


def _check_values(function: str, name: str, array: DataArray, may_be_strings: bool = False) -> tuple[float, float]:
    """Check that values are finite, or are strings where these are accepted; return the smallest and largest number."""
    if array.dtype.kind != "T":
        return finite_values.check_finite(function, name, array)
    if not may_be_strings:
        raise array_checks.not_numeric(function, name, array)
    return 0.0, 0.0


def depends_on_signature_only(model: TrainableModel) -> bool:
    """Return whether :func:`check` has the same result for all finite arrays of the same sample shape and dtype."""
    graph = model.cornu_graph
    if graph is None:
        return True
    return all(layer.cornu_largest_index is None for tensor in graph.input_tensors for layer in _consumers(graph, tensor))


def shapes_of(x: Any) -> Any:
    """Return the shapes of a tree of arrays, with None for the batch size."""
    if isinstance(x, dict):
        return {name: shapes_of(part) for name, part in x.items()}
    if isinstance(x, list):
        return [shapes_of(part) for part in x]
    return (None, *x.shape[1:])


def _in_order(function: str, graph: LayerGraph, x: Tree) -> list[tuple[str, Any]]:
    """Return the arrays with their names, in the order of the graph's inputs."""
    names = trees.keys(graph.inputs) if isinstance(graph.inputs, dict) else graph.input_names
    if isinstance(x, dict):
        unknown = [key for key in x if key not in names]
        if any(name not in x for name in names):
            raise DataError(
                f"{format_caller(function)} received `x` with the keys {list(x)}.",
                f"The model's inputs are {names}.",
                (did_you_mean(unknown[0], names) if unknown else "") or "Pass one array for each of these names.",
            )
        leaves = [pair for name in names for pair in _named_leaves(f"x[{name!r}]", x[name], graph)]
    else:
        leaves = _named_leaves("x", x, graph)
    names = graph.input_names
    if len(leaves) == len(graph.input_tensors):
        return leaves
    names = graph.input_names
    inputs = f"one input, {names[0]!r}" if len(names) == 1 else f"{len(names)} inputs, {names}"
    arrays = "one array"
    if isinstance(x, (list, tuple)):
        missing = [repr(name) for name, part in zip(names, x, strict=False) if part is None]
        arrays = f"a list of {len(leaves)} array{'s' * (len(leaves) != 1)}" + (f" and None for {missing[0]}" if missing else "")
    raise DataError(
        f"{format_caller(function)} received `x` as {arrays}.",
        f"The model has {inputs}.",
        "Stack the samples into one array: `np.stack(x)`."
        if len(names) == 1
        else "Pass a list or a dict with one array for each.",
    )


def _named_leaves(name: str, tree: Tree, graph: LayerGraph) -> list[tuple[str, Any]]:
    """Return the arrays of a tree with their names; None is kept if a model has optional inputs."""
    optional = any(getattr(tensor.node.operation, "optional", False) for tensor in graph.input_tensors)
    return list(array_checks.named_leaves(name, tree, keep_none=optional))


# --- Shapes -------------------------------------------------------------------------------------------------------------------


def _fits(shape: tuple, expected: tuple) -> bool:
    """Return whether a shape fits an input; the model adds or removes a last axis of size 1 automatically."""
    if len(shape) + 1 == len(expected) and expected[-1] == 1:
        shape = (*shape, 1)
    if len(shape) == len(expected) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    return _same(shape[1:], expected[1:])


def _accept(model: TrainableModel, graph: LayerGraph, x: Tree) -> bool:
    """Return whether the layers of a model accept inputs of other shapes than those of its graph, as Keras's do.

    Of several inputs the last axes must fit, too: otherwise two inputs could be swapped.
    """
    tensors = graph.input_tensors
    pairs = zip(tensors, graph.in_order(x), strict=True)
    if len(tensors) > 1 and not all(_same(leaf.shape[-1:], tensor.shape[-1:]) for tensor, leaf in pairs):
        return False
    try:
        model.compute_output_spec(trees.map(lambda leaf: SymbolicTensor((None, *leaf.shape[1:]), leaf.dtype.name), x))
    except Exception:  # raised by a layer that the shape does not fit, or by an engine
        return False
    return True


def _same(shape: tuple, expected: tuple) -> bool:
    """Return whether a shape equals an expected shape, in which None matches any size."""
    return len(shape) == len(expected) and all(e is None or s == e for s, e in zip(shape, expected, strict=True))


def format_shape(sizes: tuple) -> str:
    """Return the shape of a sample in words: ``28 x 28 x 1``, ``10 values``."""
    product = " x ".join("any" if size is None else str(size) for size in sizes) or "single"
    return product if len(sizes) > 1 else f"{product} value{'' if product == '1' else 's'}"


def _shape_error(function: str, name: str, graph: LayerGraph, tensor: SymbolicTensor, shape: tuple) -> ShapeError:
    """Return the error for samples whose shape does not fit the model."""
    noun = "images" if tensor.ndim == 4 and len(shape) in (3, 4) else "samples"
    return ShapeError(
        f"{format_caller(function)}: the {noun} in `{name}` are {format_shape(shape[1:])},",
        f"and this model was built for {format_shape(tensor.shape[1:])}{_reason(graph, tensor, shape)}.",
        _shape_advice(name, noun, shape, tensor.shape[1:]),
    )


def _reason(graph: LayerGraph, tensor: SymbolicTensor, shape: tuple) -> str:
    """Return which layer requires the size that differs, in parentheses; an empty string if no layer can be named."""
    numbers = {id(layer): number for number, layer in enumerate(_layers(graph), start=1)}
    if len(shape) != tensor.ndim:
        return ""
    for layer in _layers_of(graph.consumers(tensor)):
        axis = layer.cornu_channel_axis
        if axis is not None and shape[axis] != tensor.shape[axis]:
            what = "channels" if tensor.ndim > 2 else "features"
            return f" (layer {numbers[id(layer)]}, `{layer.name}`, expects {tensor.shape[axis]} {what})"
    for node in filter(_flattens, graph.nodes):
        for after in _layers_of(graph.consumers(node.outputs)):
            if after.cornu_channel_axis is not None:
                name, kind, size = node.operation.name, type(after).__name__, node.outputs.shape[-1]
                return f" (layer {numbers[id(node.operation)]}, `{name}`, is followed by a `{kind}` with {size} inputs)"
    return ""


def _flattens(node: Node) -> bool:
    """Return whether a node flattens all values of a sample into one axis."""
    layer = node.operation
    if not isinstance(layer, LayerTraits) or not layer.cornu_preserves_value_range or len(node.inputs) != 1:
        return False
    sizes, after = node.inputs[0].shape[1:], trees.leaves(node.outputs)[0].shape
    return len(sizes) > 1 and len(after) == 2 and None not in sizes and after[1] == math.prod(size or 0 for size in sizes)


def _shape_advice(name: str, noun: str, shape: tuple, expected: tuple) -> str:
    """Return the hint for samples of a shape that the model does not accept."""
    sample = shape[1:]
    channels = expected[-1] if len(expected) == 3 else None
    if _same(shape, expected):
        return f"If it is a single sample, add the batch axis: `{name}[None]`."
    if not sample and expected[-1] is not None and len(expected) == 1:
        return f"Pass an array of shape (samples, {expected[-1]}), and check the order of `x` and `y`."
    if _same(sample, expected[:-1]):
        more = (
            f", {channels} times: `np.repeat({name}[..., None], {channels}, axis=-1)`"
            if (channels or 1) > 1
            else f": `{name}[..., None]`"
        )
        return f"Add the channel axis{more}."
    if len(sample) == 3 and _same((*sample[1:], sample[0]), expected):
        return f"Move the channels to the last axis: `np.moveaxis({name}, 1, -1)`."
    if None not in expected and math.prod(sample) == math.prod(expected):
        return f"Reshape them: `{name}.reshape({', '.join(map(str, (-1, *expected)))})`."
    if channels and len(sample) == 3 and _same(sample[:-1], expected[:-1]):
        return f"{_channel_advice(name, sample[-1], channels)}, or build the model with `Input({sample})`."
    if noun == "images" and len(sample) == 3:
        return f"Resize the images, or build the model with `Input({sample})`."
    return f"Check how `{name}` was created, or build the model with `Input({sample})`."


def _channel_advice(name: str, given: int, wanted: int) -> str:
    """Return the hint for samples with a wrong number of channels."""
    if given == 1:
        return f"Repeat the channel: `np.repeat({name}, {wanted}, axis=-1)`"
    if wanted == 1:
        return f"Convert them to grayscale: `{name}.mean(axis=-1, keepdims=True)`"
    if given > wanted:
        return f"Remove channels: `{name}[..., :{wanted}]`"
    return f"Pass {wanted} channels"


# --- The beginning of the model -----------------------------------------------------------------------------------------------


def _layers(graph: LayerGraph) -> list:
    """Return the layers as numbered by ``summary``, without the input layers."""
    return [layer for layer in graph.layers if not isinstance(layer, InputLayer)]


def _layers_of(operations: list) -> list:
    """Return the layers among the operations of a graph, which may also be ops."""
    return [operation for operation in operations if isinstance(operation, LayerTraits)]


def _consumers(graph: LayerGraph, tensor: SymbolicTensor) -> Iterator[Any]:
    """Yield the layers that receive a tensor unchanged, including those inside nested models with one input."""
    for layer in _layers_of(graph.consumers(tensor)):
        inner = layer.cornu_graph
        if inner is not None and len(inner.input_tensors) == 1:
            yield from _consumers(inner, inner.input_tensors[0])
        else:
            yield layer


def _check_indices(
    function: str, name: str, graph: LayerGraph, tensor: SymbolicTensor, array: DataArray, low: float, high: float
) -> None:
    """Check that the indices of an embedding that receives the input unchanged are in range."""
    for layer in _consumers(graph, tensor):
        largest = layer.cornu_largest_index
        if largest is not None and not (low >= 0 and high <= largest):
            _, place, value = finite_values.find(array, lambda piece, largest=largest: (piece < 0) | (piece > largest))
            raise DataError(
                f"{format_caller(function)}: `{name}` contains the value {value:g} {finite_values.format_position(place)}.",
                f"The layer {layer.name!r} (`{type(layer).__name__}`) accepts the integers from 0 to {largest}.",
                f"Extend it to {int(high) + 1} indices (`input_dim={int(high) + 1}` of an `Embedding`), or replace rare words "
                "by one index."
                if value > 0
                else "Number the words from 0, or from 1 if 0 is padding.",
            )


def _looks_like_images(array: DataArray) -> bool:
    """Return whether samples have channels, are square, or are of dtype uint8."""
    sample = array.shape[1:]
    square = len(sample) == 2 and sample[0] == sample[1] > 4
    return len(sample) == 3 or square or (array.dtype == np.uint8 and len(sample) > 0)


def _is_unscaled(graph: LayerGraph, tensor: SymbolicTensor) -> bool:
    """Return whether an input reaches a layer with weights without normalization. Unknown layers are assumed to scale."""
    return any(_takes_raw(graph, node, tensor) for node in graph.nodes if any(taken is tensor for taken in node.inputs))


def _takes_raw(graph: LayerGraph, node: Node, tensor: SymbolicTensor) -> bool:
    """Return whether a node, or a node after it, is a layer with weights that receives the unscaled values of a tensor."""
    layer = node.operation
    if not isinstance(layer, LayerTraits):  # an op
        return False
    if layer.cornu_input_value_range is not None:
        normalized = any(after.cornu_normalizes_values for after in _layers_of(graph.consumers(node.outputs)))
        return layer.cornu_input_value_range[1] <= _MAX_SCALED_VALUE and not normalized
    inner = layer.cornu_graph
    if inner is not None and len(inner.input_tensors) == 1:
        return _is_unscaled(inner, inner.input_tensors[0])
    return layer.cornu_preserves_value_range and _is_unscaled(graph, node.outputs)


def _unscaled_text(function: str, name: str, low: float, high: float) -> str:
    """Return the warning for images that are not scaled."""
    return (
        f"{format_caller(function)}: the values in `{name}` range from {low:g} to {high:g}, and the model does not scale them. "
        "Training on such large values works poorly. "
        f"Divide by 255 (`{name} / 255`) here and wherever the model is used, or start the model with `Rescaling(1 / 255)`."
    )
