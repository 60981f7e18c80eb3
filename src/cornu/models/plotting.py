"""Diagrams of models: ``plot_model`` and ``model_to_dot``."""

import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from cornu import trees
from cornu.core.layer import Layer
from cornu.core.layer_protocol import LayerGraph
from cornu.core.symbolic_tensor import Operation
from cornu.errors import NotBuiltError
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
    shown = {"show_layer_activations": show_layer_activations, "show_trainable": show_trainable, "splines": splines}
    diagram = model_to_dot(model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, **shown)
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
    shown = _Shown(show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations, show_trainable)
    boxes: list[Box] = []
    edges: list[tuple[int, int]] = []
    graph = model.cornu_graph
    if graph is None:  # how the layers of a subclass of `Model` are connected is known to its code only
        boxes.append(_box(model, [], [], shown, ""))
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
    for node in graph.nodes:
        outputs, operation = trees.leaves(node.outputs), node.operation
        if all(id(tensor) in places for tensor in outputs):
            continue
        inner = getattr(operation, "cornu_graph", None) if shown.nested else None
        if inner is not None:
            own = dict(zip(map(id, inner.input_tensors), (places[id(tensor)] for tensor in node.inputs), strict=True))
            found = _add(inner, own, boxes, edges, shown, f"{prefix}{operation.name}/")
            places.update(zip(map(id, outputs), (found[id(tensor)] for tensor in inner.output_tensors), strict=True))
            continue
        number = len(boxes)
        boxes.append(_box(operation, list(node.inputs), outputs, shown, prefix))
        edges += [(places[id(tensor)], number) for tensor in node.inputs]
        places.update((id(tensor), number) for tensor in outputs)
    return places


def _box(operation: Operation, inputs: list, outputs: list, shown: _Shown, prefix: str) -> Box:
    """Return the box of a call of a layer or op."""
    name, kind = f"{prefix}{operation.name}", type(operation).__name__
    title = name if not isinstance(operation, Layer) else f"{name} ({kind})" if shown.names else kind
    return Box(title, list(_lines(operation, inputs, outputs, shown)))


def _lines(operation: Operation, inputs: list, outputs: list, shown: _Shown) -> Iterator[str]:
    activation = getattr(operation, "activation", None)
    if shown.activations and activation is not None:
        yield f"activation: {getattr(activation, '__name__', type(activation).__name__)}"
    if shown.shapes and outputs:
        before, after = (", ".join(str(tuple(tensor.shape)) for tensor in tensors) for tensors in (inputs, outputs))
        yield after if before in ("", after) else f"{before} → {after}"
    if shown.dtype and outputs:
        yield ", ".join(str(tensor.dtype) for tensor in outputs)
    if shown.trainable and isinstance(operation, Layer) and operation.weights:
        yield "trainable" if operation.trainable else "not trainable"
