"""Diagrams of models: ``plot_model`` and ``model_to_dot``."""

import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from cornu import trees
from cornu.core.layer import Layer
from cornu.core.layer_protocol import LayerGraph
from cornu.errors import NotBuiltError
from cornu.models.layer_blocks import layer_blocks, sources_of
from cornu.models.model_protocol import SavableModel
from cornu.plots.diagrams import Box, Diagram
from cornu.validation import check_int, named_arguments


class _Shown(NamedTuple):
    """What the boxes of a diagram show (see :func:`plot_model`)."""

    shapes: bool
    dtype: bool
    names: bool
    nested: bool
    activations: bool
    trainable: bool
    each_layer: bool


@named_arguments
def plot_model(
    model: SavableModel,
    to_file: str | os.PathLike = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    expand_blocks: bool = False,
) -> Any:
    """Draw the layers of a model and their connections, and write the diagram to a file.

    Neither Graphviz nor pydot is required.

    Args:
        model: A built model.
        to_file: Path of the file, which ends in ``.png``, ``.svg``, ``.pdf``, ``.jpg`` or ``.dot``. Defaults to
            ``"model.png"``.
        show_shapes: Whether to show the shapes of the outputs and, where they differ, of the inputs. Defaults to False.
        show_dtype: Whether to show the dtypes of the outputs. Defaults to False.
        show_layer_names: Whether to show the names of the layers. Defaults to False.
        rankdir: ``"TB"`` from top to bottom, ``"LR"`` from left to right, ``"BT"`` or ``"RL"``. Defaults to ``"TB"``.
        expand_nested: Whether to draw the layers of nested models in place of these. Defaults to False.
        dpi: Integer, dots per inch of images. Defaults to 200.
        show_layer_activations: Whether to show the activation functions. Defaults to False.
        show_trainable: Whether to show which layers are trained. Defaults to False.
        splines: Accepted for compatibility with Keras; connections are curves. Defaults to ``"ortho"``.
        expand_blocks: Whether to draw each layer of a model with more than 100 layers. Defaults to False: one box for each
            block of layers.

    Returns:
        In a notebook an image that it shows, otherwise None.

    Raises:
        NotBuiltError: If the model is not built.
        InvalidArgumentError: If the extension of the file or ``rankdir`` is unknown.

    Example:
        >>> import os, tempfile
        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)])
        >>> path = os.path.join(tempfile.mkdtemp(), "model.svg")
        >>> _ = cornu.utils.plot_model(model, path, show_shapes=True)
        >>> os.path.exists(path)
        True
    """
    shown = (show_layer_activations, show_trainable, splines, expand_blocks)
    diagram = model_to_dot(model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, False, *shown)
    diagram.write(to_file)
    path = os.fspath(to_file)
    if "IPython" in sys.modules and path.lower().endswith((".png", ".jpg", ".jpeg", ".svg")):
        from IPython import display  # type: ignore[import-not-found]

        return (display.SVG if path.lower().endswith(".svg") else display.Image)(filename=path)
    return None


@named_arguments
def model_to_dot(
    model: SavableModel,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    expand_blocks: bool = False,
) -> Diagram:
    """Return a diagram of the layers of a model (see :func:`plot_model`).

    Args:
        model: A built model.
        show_shapes: Whether to show the shapes of the outputs and, where they differ, of the inputs. Defaults to False.
        show_dtype: Whether to show the dtypes of the outputs. Defaults to False.
        show_layer_names: Whether to show the names of the layers. Defaults to True.
        rankdir: ``"TB"`` from top to bottom, ``"LR"`` from left to right, ``"BT"`` or ``"RL"``. Defaults to ``"TB"``.
        expand_nested: Whether to draw the layers of nested models in place of these. Defaults to False.
        dpi: Integer, dots per inch of images. Defaults to 200.
        subgraph: Accepted for compatibility with Keras; the whole diagram is returned. Defaults to False.
        show_layer_activations: Whether to show the activation functions. Defaults to False.
        show_trainable: Whether to show which layers are trained. Defaults to False.
        splines: Accepted for compatibility with Keras; connections are curves. Defaults to ``"ortho"``.
        expand_blocks: Whether to draw each layer of a model with more than 100 layers. Defaults to False: one box for each
            block of layers.

    Returns:
        :class:`cornu.plots.diagrams.Diagram`, with the methods ``to_string``, ``create`` and ``write`` of ``pydot.Dot``.

    Raises:
        NotBuiltError: If the model is not built.
        InvalidArgumentError: If ``rankdir`` is unknown.

    Example:
        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,), name="x"), cornu.layers.Dense(2, name="y")])
        >>> cornu.utils.model_to_dot(model, show_shapes=True).create(format="svg")[:4]
        b'<svg'
    """
    if not model.built:
        raise NotBuiltError(
            f"`plot_model` received the model {model.name!r}, which is not built.",
            "The shapes of its layers must be known.",
            "Call `model.build(input_shape)`, or call the model on data, first.",
        )
    shown = _Shown(
        show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations, show_trainable, expand_blocks
    )
    boxes: list[Box] = []
    edges: list[tuple[int, int]] = []
    graph = model.cornu_graph
    if graph is None:  # how the layers of a subclass of `Model` are connected is known to its code only
        boxes.append(_box(model.name, [model], [], [], shown))
    else:
        _add(graph, {}, boxes, edges, shown, "")
    return Diagram(boxes, list(dict.fromkeys(edges)), rankdir, check_int("plot_model", "dpi", dpi))


def _add(
    graph: LayerGraph,
    sources: dict[int, int],
    boxes: list[Box],
    edges: list[tuple[int, int]],
    shown: _Shown,
    prefix: str,
) -> dict[int, int]:
    """Add the boxes and edges of a graph.

    Args:
        graph: Graph of a model.
        sources: For a nested model, number of the box of each of its input tensors, by the ``id`` of the tensor.
        boxes: The boxes so far.
        edges: The edges so far.
        shown: What boxes show.
        prefix: Text in front of names: those of the models around it.

    Returns:
        Number of the box of each tensor, by the ``id`` of the tensor.
    """
    places = dict(sources)
    calls = [node.operation for node in graph.nodes]
    for title, members in layer_blocks(calls, sources_of(graph.nodes), shown.each_layer):
        nodes = [graph.nodes[number] for number in members]
        operations, outputs = [node.operation for node in nodes], trees.leaves([node.outputs for node in nodes])
        if all(id(tensor) in places for tensor in outputs):
            continue
        inputs = [tensor for node in nodes for tensor in node.inputs if id(tensor) in places]
        inner = getattr(operations[0], "cornu_graph", None) if shown.nested and len(nodes) == 1 else None
        if inner is not None:
            own = dict(zip(map(id, inner.input_tensors), (places[id(tensor)] for tensor in inputs), strict=True))
            found = _add(inner, own, boxes, edges, shown, f"{prefix}{title}/")
            places.update(zip(map(id, outputs), (found[id(tensor)] for tensor in inner.output_tensors), strict=True))
            continue
        number = len(boxes)
        edges += [(places[id(tensor)], number) for tensor in inputs]
        places.update((id(tensor), number) for tensor in outputs)
        if len(nodes) > 1:
            used = {id(tensor) for node in nodes for tensor in node.inputs}
            inputs = list({id(tensor): tensor for tensor in inputs}.values())
            outputs = [tensor for tensor in outputs if id(tensor) not in used]
        boxes.append(_box(f"{prefix}{title}", operations, inputs, outputs, shown))
    return places


def _box(name: str, operations: list[Any], inputs: list, outputs: list, shown: _Shown) -> Box:
    """Return the box of a call of a layer or op, or of the calls in a block."""
    layers = list({id(operation): operation for operation in operations if isinstance(operation, Layer)}.values())
    kind = f"{len(layers)} layers" if len(operations) > 1 else type(operations[0]).__name__
    title = f"{name} ({kind})" if len(operations) > 1 or (layers and shown.names) else kind if layers else name
    return Box(title, list(_lines(operations, layers, inputs, outputs, shown)))


def _lines(operations: list[Any], layers: list[Layer], inputs: list, outputs: list, shown: _Shown) -> Iterator[str]:
    activation = getattr(operations[0], "activation", None) if len(operations) == 1 else None
    if shown.activations and activation is not None:
        yield f"activation: {getattr(activation, '__name__', type(activation).__name__)}"
    if shown.shapes and outputs:
        before, after = (", ".join(str(tuple(tensor.shape)) for tensor in tensors) for tensors in (inputs, outputs))
        yield after if before in ("", after) else f"{before} → {after}"
    if shown.shapes and len(operations) > 1:
        yield f"{sum(layer.count_params() for layer in layers):,} parameters"
    if shown.dtype and outputs:
        yield ", ".join(str(tensor.dtype) for tensor in outputs)
    trained = {layer.trainable for layer in layers if layer.weights}
    if shown.trainable and trained:
        yield "partly trainable" if len(trained) > 1 else "trainable" if True in trained else "not trainable"
