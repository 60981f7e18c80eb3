"""The signature of a model: names, shapes and dtypes of its inputs and outputs, shared by training, export and serving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cornu import trees
from cornu.core.layer_build import input_shape_of
from cornu.core.layer_protocol import LayerLike
from cornu.core.shape_trees import map_shapes
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidTypeError
from cornu.typing import Tree

_CONTAINERS = (dict, list, tuple, type(None))


@dataclass(frozen=True)
class TensorSpec:
    """Name, shape and dtype of an input or output.

    Attributes:
        name: Name of the input or output.
        shape: Shape, the batch axis first; None for an unknown size.
        dtype: Name of the dtype.
    """

    name: str
    shape: tuple
    dtype: str


SpecTree: TypeAlias = TensorSpec | Sequence["SpecTree"] | Mapping[str, "SpecTree"] | None
"""Nested lists and dicts of :class:`TensorSpec`."""


@dataclass(frozen=True)
class Signature:
    """Specification of the inputs and outputs of a model.

    Attributes:
        inputs: Tree of :class:`TensorSpec`.
        outputs: Tree of :class:`TensorSpec`.
    """

    inputs: SpecTree
    outputs: SpecTree

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, in order."""
        return [spec.name for spec in trees.leaves(self.inputs)]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, in order."""
        return [spec.name for spec in trees.leaves(self.outputs)]


def signature_of(model: LayerLike, inputs: Tree = None) -> Signature:
    """Return the signature of a model.

    Args:
        model: A built model.
        inputs: Tree of symbolic tensors with the shapes of the data. Defaults to the shapes that the model was built for.

    Example:
        >>> import cornu
        >>> from cornu.core.signature import signature_of
        >>> model = cornu.Sequential([cornu.Input((4,), name="flower"), cornu.layers.Dense(3, name="species")])
        >>> signature_of(model).outputs
        TensorSpec(name='species', shape=(None, 3), dtype='float32')
    """
    specs = input_specs(model, inputs)
    outputs = model.compute_output_spec(trees.map(lambda spec: SymbolicTensor(spec.shape, spec.dtype), specs))
    if not trees.leaves(outputs):
        raise InvalidTypeError(
            f"The model {model.name!r} returned {outputs!r}.",
            "A model must return an array, or a list, tuple or dict of arrays.",
            f"End `{type(model).__name__}.call` with `return`, for example `return outputs`.",
        )
    names = iter(output_names(model, outputs))
    return Signature(specs, trees.map(lambda output: TensorSpec(next(names), tuple(output.shape), output.dtype), outputs))


def input_specs(model: LayerLike, inputs: Tree = None) -> Any:
    """Return the inputs of a model as a tree of :class:`TensorSpec`.

    Inputs of a functional model are named after its input layers. Inputs of a subclassed model are named by the keys of a dict,
    else ``input_1``, ``input_2`` and so on, and have the dtype of its variables.

    Args:
        model: A built model.
        inputs: See :func:`signature_of`.
    """
    graph = model.cornu_graph
    if graph is not None:
        tensors = graph.input_tensors
        given = tensors if inputs is None else graph.in_order(inputs)  # None for an optional input
        found = [
            None if one is None else TensorSpec(name, tuple(one.shape), tensor.dtype)
            for name, one, tensor in zip(graph.input_names, given, tensors, strict=True)
        ]
        return trees.unflatten(graph.inputs, found)
    tree = map_shapes(input_shape_of(model), _Shape) if inputs is None else inputs
    names = iter(_names_in(tree) or _numbered("input", tree))
    dtype = "float32" if model.variable_dtype == "bfloat16" else model.variable_dtype  # NumPy has no bfloat16
    return trees.map(lambda leaf: TensorSpec(next(names), tuple(leaf.shape), getattr(leaf, "dtype", dtype)), tree)


def output_names(model: LayerLike, outputs: Tree) -> list[str]:
    """Return the names of the outputs of a model, in order.

    These are the keys of a dict, else the names of the layers that return the outputs, and ``output_1``, ``output_2`` and so on
    for a subclassed model.

    Args:
        model: The model.
        outputs: Tree of the outputs.
    """
    graph_names = [] if model.cornu_graph is None else model.cornu_graph.output_names
    return _names_in(outputs) or graph_names or _numbered("output", outputs)


class _Shape:
    """A shape as a leaf of a tree, where a tuple of sizes would be an inner node."""

    def __init__(self, shape: tuple):
        self.shape = shape


def _names_in(tree: Any) -> list[str]:
    """Return the keys of a dict of leaves, in order; an empty list for any other tree."""
    is_flat = isinstance(tree, dict) and not any(isinstance(value, _CONTAINERS) for value in tree.values())
    return list(map(str, trees.keys(tree))) if is_flat else []


def _numbered(prefix: str, tree: Tree) -> list[str]:
    """Return ``prefix_1``, ``prefix_2``, ... for the leaves of a tree."""
    return [f"{prefix}_{number}" for number in range(1, len(trees.leaves(tree)) + 1)]
