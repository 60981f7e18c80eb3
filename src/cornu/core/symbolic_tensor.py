"""Symbolic tensors, and the nodes that record how they were computed."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from cornu import config, ops, trees
from cornu.core import masks
from cornu.core.naming import auto_name
from cornu.core.operators import ArrayOperators
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.typing import Axis, Shape, Tree


def check_dense(where: str, sparse: bool | None, ragged: bool | None) -> None:
    """Raise ``InvalidArgumentError`` if sparse or ragged arrays are asked for."""
    for argument, value in (("sparse", sparse), ("ragged", ragged)):
        if value:
            raise InvalidArgumentError(
                f"`{where}` received `{argument}=True`.",
                f"Cornu has no {argument} arrays.",
                f"Omit `{argument}` and pass dense arrays.",
            )


class SymbolicTensor(ArrayOperators):
    """A placeholder in a graph: the shape and dtype of an array that is available when the graph runs.

    Args:
        shape: Shape of the array; None for unknown sizes, such as the batch size.
        dtype: Dtype of the array. Defaults to ``config.floatx()``.
        sparse, ragged: Accepted if False: Cornu has dense arrays only.
        name: Name of the tensor. Defaults to ``"keras_tensor"``, ``"keras_tensor_1"`` and so on.

    Attributes:
        node: The call that returns the tensor; None for a mere description of an array.
        index: Position of the tensor among the outputs of the node.

    Example:
        >>> import cornu
        >>> cornu.KerasTensor((None, 3), name="features")
        <KerasTensor shape=(None, 3), dtype=float32, sparse=False, ragged=False, name=features>
    """

    def __init__(
        self,
        shape: Iterable[int | None],
        dtype: str | None = None,
        sparse: bool = False,
        ragged: bool = False,
        name: str | None = None,
    ):
        check_dense("KerasTensor", sparse, ragged)
        self.shape: Shape = tuple(shape)
        self.dtype = dtype or config.floatx()
        self._name = name
        self.node: Node | None = None
        self.index = 0

    sparse = ragged = False

    @functools.cached_property
    def _keras_mask(self) -> Any:
        """Mask that the array will have, as a symbolic tensor, or None. Keras's guides read it, as they do that of an array."""
        pending = [self]  # not a recursion: a model may have more layers than Python allows nested calls
        while pending:
            tensor = pending[-1]
            missing = [source for source in trees.leaves(tensor._mask_sources()) if masks.ATTRIBUTE not in vars(source)]
            pending.extend(missing)
            if not missing:
                vars(pending.pop())[masks.ATTRIBUTE] = tensor._computed_mask()
        return vars(self)[masks.ATTRIBUTE]

    def _mask_sources(self) -> Tree:
        """Return the first argument of the layer that returns the tensor, if the layer supports masking, else None."""
        if self.node is None or not getattr(self.node.operation, "supports_masking", False):
            return None
        return [*self.node.args, *self.node.kwargs.values()][0]

    def _computed_mask(self) -> Any:
        """Return the mask of the tensor, for known masks of its sources."""
        inputs = self._mask_sources()
        if self.node is None or inputs is None:
            return None
        found = trees.map(lambda leaf: getattr(leaf, masks.ATTRIBUTE, None), inputs)
        layer: Any = self.node.operation
        computed = layer.compute_mask(inputs, found if trees.leaves(found) else None)
        return [*masks.flatten(computed), *[None] * (self.index + 1)][self.index]

    @property
    def name(self) -> str:
        """Name of the tensor. One that was not given is unique; a mere description of an array takes it when it is read."""
        if self._name is None:
            self._name = auto_name("keras_tensor")
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    def reshape(self, newshape: int | Sequence[int]) -> Any:
        """Return ``ops.reshape`` of the tensor."""
        return ops.reshape(self, newshape)

    def squeeze(self, axis: Axis = None) -> Any:
        """Return ``ops.squeeze`` of the tensor."""
        return ops.squeeze(self, axis)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the node: the graph of a model creates its nodes again."""
        return {**vars(self), "node": None}

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse=False, ragged=False, name={self.name}>"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise InvalidTypeError(
            f"A symbolic tensor ({self.name}, shape {self.shape}) was passed to a function that needs values.",
            "It represents an array that is not available yet; only layers and `cornu.ops` accept it.",
            "Use the function of the same name in `cornu.ops`, or move the code into the `call` of a layer.",
        )

    def __float__(self) -> float:
        return self.__array__()

    def __int__(self) -> int:
        return self.__array__()

    def __bool__(self) -> bool:
        raise InvalidTypeError(
            f"The truth value of a symbolic tensor ({self.name}) was requested.",
            "Its value is known only when the model runs.",
            "Use `cornu.ops.where` or `cornu.ops.cond` instead of `if`.",
        )

    def __iter__(self) -> Any:
        raise InvalidTypeError(
            f"A symbolic tensor ({self.name}) was iterated over.",
            "It has no elements until the model runs.",
            "Use `cornu.ops.unstack` or index it.",
        )


class Operation(Protocol):
    """What a node calls: a layer or an :class:`~cornu.core.graph.OpCall`."""

    name: str
    _inbound_nodes: list["Node"]

    @property
    def compute_output_spec(self) -> Callable[..., Any]:
        """The method from symbolic inputs to symbolic outputs."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the operation."""
        ...


class Node:
    """One call of an operation (a layer or an :class:`OpCall`) on symbolic tensors.

    Attributes:
        operation: The operation that was called.
        args, kwargs: Arguments of the call.
        inputs: The symbolic tensors among the arguments.
        outputs: Tree of the symbolic tensors that the call returned.

    With ``recorded=False`` the operation does not list the call among its calls.
    """

    def __init__(self, operation: Operation, args: tuple, kwargs: dict, outputs: Any, recorded: bool = True):
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.inputs = symbolic_leaves((args, kwargs))
        for index, tensor in enumerate(trees.leaves(outputs)):
            tensor.node, tensor.index = self, index
        if recorded:
            operation._inbound_nodes.append(self)

    def run(self, values: dict[int, Any], call: Callable) -> None:
        """Call the operation on the values of its inputs and store the values of its outputs.

        Args:
            values: Dict from ``id(symbolic tensor)`` to value, updated in place.
            call: Function ``(operation, args, kwargs) -> outputs``.
        """
        args, kwargs = trees.map(lambda leaf: values[id(leaf)] if is_symbolic(leaf) else leaf, (self.args, self.kwargs))
        results = trees.leaves(call(self.operation, args, kwargs))
        values.update(zip(map(id, trees.leaves(self.outputs)), results, strict=True))


def is_symbolic(x: Any) -> bool:
    """Return whether a value is a symbolic tensor, such as ``cornu.Input`` returns.

    Example:
        >>> import cornu
        >>> cornu.backend.is_keras_tensor(cornu.Input((3,))), cornu.backend.is_keras_tensor([1.0])
        (True, False)
    """
    return isinstance(x, SymbolicTensor)


def symbolic_leaves(tree: Tree) -> list[SymbolicTensor]:
    """Return the symbolic tensors in a tree."""
    return [leaf for leaf in trees.leaves(tree) if isinstance(leaf, SymbolicTensor)]
