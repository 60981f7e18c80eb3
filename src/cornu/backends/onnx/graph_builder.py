"""Graphs that the ONNX backend records: arrays without values, and the nodes that compute them.

A :class:`Graph` is a list of nodes; :func:`recording` selects the current one. An :class:`OnnxArray` is a value of the graph,
or a constant: what depends on no input is computed immediately, by the NumPy backend, and stored in the file.

**Transposes are deferred** until a node needs the values in another order. Convolutions of ONNX are channels first, images of
Cornu are channels last; so a convolution returns an array whose values are stored channels first, as its ``order`` states.
Elementwise functions, pooling, padding and reductions operate on the stored order, and so does the next convolution: a
convolutional network has one transpose at its input and one at its output.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from cornu.backends import lookup
from cornu.backends.onnx.symbolic_sizes import Form, form_of, is_open
from cornu.backends.recorded_array import RecordedArray, operator
from cornu.errors import BackendError, InvalidTypeError
from cornu.scopes import Scope
from cornu.typing import ArrayLike

Shape = tuple[int, ...]

PRIMITIVES: dict[str, Callable] = {}
"""Functions of the backend by name, registered by ``primitive.py``; operators on arrays call them."""


class Constant:
    """Constant that is stored in the file.

    Attributes:
        value: NumPy array.
        label: Preferred name, such as the path of a variable; None for any name.
    """

    __slots__ = ("label", "value")

    def __init__(self, value: np.ndarray, label: str | None = None):
        self.value, self.label = value, label


class Node:
    """ONNX node.

    Attributes:
        op: Operator type.
        inputs: Names of values, constants, and ``""`` for omitted inputs.
        outputs: Names of values.
        attributes: Attributes by name; a :class:`Graph` for the body of a loop.
        name: Name that includes the path of the layer.
    """

    __slots__ = ("attributes", "inputs", "name", "op", "outputs")

    def __init__(self, op: str, inputs: list, outputs: list[str], attributes: dict[str, Any], name: str):
        self.op, self.inputs, self.outputs, self.attributes, self.name = op, inputs, outputs, attributes, name


class Graph:
    """Recorded nodes of a model, or of the body of a loop in it.

    Args:
        path_of: Callable that prepends the path of the current layer: ``"Conv"`` becomes ``"conv2d/Conv"``.
        parent: Graph that contains the loop, whose values its body may use. Defaults to None.

    Attributes:
        inputs, outputs: Arrays with the names that they have in the file.
        sizes: Nodes that compute sizes from the sizes of the inputs. They precede all other nodes.
        ranks: Number of axes of each value, by name.
        size_names: Names of symbolic sizes in the file, such as ``"batch"``, by form.
    """

    def __init__(self, path_of: Callable[[str], str] = str, parent: "Graph | None" = None):
        self.path_of, self.parent = path_of, parent
        self.nodes: list[Node] = []
        self.sizes: list[Node] = []
        self.inputs: list[OnnxArray] = []
        self.outputs: list[OnnxArray] = []
        self.ranks: dict[str, int] = {} if parent is None else parent.ranks
        self._counts: dict[str, int] = {} if parent is None else parent._counts
        self._orders: dict[tuple, str] = {}
        self.size_names: dict[Form, str] = {} if parent is None else parent.size_names
        self._vectors: dict[Form, str] = {}

    @property
    def root(self) -> "Graph":
        """Graph of the whole model."""
        return self if self.parent is None else self.parent.root

    def unique(self, name: str) -> str:
        """Return a name that is unique in the model."""
        count = self._counts.get(name, 0)
        self._counts[name] = count + 1
        return name if count == 0 else self.unique(f"{name}_{count}")

    def add_input(self, name: str, shape: Shape, dtype: str) -> "OnnxArray":
        """Add an input with this name, made unique."""
        array = OnnxArray(shape, dtype, self.unique(name))
        self.ranks[array.name] = len(shape)
        self.inputs.append(array)
        return array

    def add_output(self, array: "OnnxArray", name: str | None = None) -> None:
        """Add an array as an output, under a unique name."""
        output = self.unique(name or self.path_of("output"))
        self.nodes.append(Node("Identity", [self.plain(array)], [output], {}, self.unique(f"{output}/Identity")))
        self.ranks[output] = len(array.shape)
        self.outputs.append(OnnxArray(array.shape, array.dtype.name, output))

    # --- Nodes --------------------------------------------------------------------------------------------------------

    def emit(self, op: str, inputs: list, count: int = 1, attributes: dict[str, Any] | None = None, rank: int = 0) -> list[str]:
        """Add a node and return the names of its outputs."""
        name = self.unique(self.path_of(op))
        outputs = [name] if count == 1 else [self.unique(f"{name}_output_{number}") for number in range(count)]
        self.nodes.append(Node(op, inputs, outputs, attributes or {}, name))
        self.ranks.update(dict.fromkeys(outputs, rank))
        return outputs

    def plain(self, array: "OnnxArray") -> "str | Constant":
        """Return the node input for an array with its axes in logical order."""
        return self.in_order(array, tuple(range(len(array.shape))))

    def in_order(self, array: "OnnxArray", order: tuple[int, ...]) -> "str | Constant":
        """Return the node input for an array, transposed so that its axis ``order[i]`` is the ``i``-th one."""
        if array.value is not None:
            return Constant(np.transpose(array.value, order), array.label)
        lies = array.order or tuple(range(len(array.shape)))
        if lies == order:
            return array.name
        permutation = tuple(lies.index(axis) for axis in order)
        key = array.name, permutation
        found = self._known_order(key)
        if found is None:
            found = self._orders[key] = self.emit("Transpose", [array.name], 1, {"perm": permutation}, len(order))[0]
        return found

    def _known_order(self, key: tuple) -> str | None:
        found = self._orders.get(key)
        return found if found is not None or self.parent is None else self.parent._known_order(key)

    # --- Sizes --------------------------------------------------------------------------------------------------------

    def vector(self, sizes: Iterable[int]) -> "str | Constant":
        """Return sizes as a vector of ``int64``."""
        sizes = list(sizes)
        if not any(map(is_open, sizes)):
            return Constant(np.array(sizes, "int64"))
        parts = [self.root.size(form_of(size)) for size in sizes]
        return parts[0] if len(parts) == 1 else self.root._of_sizes("Concat", parts, axis=0)

    def scalar(self, size: int) -> "str | Constant":
        """Return a size as a scalar of ``int64``."""
        return self.emit("Squeeze", [self.vector([size])])[0] if is_open(size) else Constant(np.array(size, "int64"))

    def size(self, form: Form) -> "str | Constant":
        """Return a size as a vector of one ``int64``, computed from the sizes of the inputs."""
        offset, terms = form
        if not terms:
            return Constant(np.array([offset], "int64"))
        if form not in self._vectors:
            total: str | Constant | None = None
            for symbol, factor in terms:
                part = self._symbol(symbol)
                part = part if factor == 1 else self._of_sizes("Mul", [part, Constant(np.array([factor], "int64"))])
                total = part if total is None else self._of_sizes("Add", [total, part])
            if offset:
                total = self._of_sizes("Add", [total, Constant(np.array([offset], "int64"))])
            self._vectors[form] = str(total)
        return self._vectors[form]

    def _symbol(self, symbol: tuple) -> str:
        kind, one, other = symbol
        if kind == "axis":
            return self._of_sizes("Shape", [one], start=other, end=other + 1)
        one, other = self.size(one), self.size(other)
        if kind == "*":
            return self._of_sizes("Mul", [one, other])
        rest = self._of_sizes("Mod", [one, other])  # it has the sign of the divisor, so that the division rounds down
        return self._of_sizes("Div", [self._of_sizes("Sub", [one, rest]), other])

    def _of_sizes(self, op: str, inputs: list, **attributes: Any) -> str:
        name = self.unique(f"sizes/{op}")
        self.sizes.append(Node(op, inputs, [name], attributes, name))
        self.ranks[name] = 1
        return name


# --- The current graph ------------------------------------------------------------------------------------------------


_recording: Scope[Any] = Scope("the graph that is being recorded", None)


def current() -> Graph:
    """Return the graph that is being recorded in this thread.

    Raises:
        BackendError: No graph is being recorded: an array is used after its recording.
    """
    graph = _recording.get()
    if graph is None:
        raise BackendError(
            "An operation on a recorded array was called outside of the recording.",
            "Such arrays exist only while a model is being exported.",
            "Do not store arrays from inside `call`.",
        )
    return graph


def recording(graph: Graph) -> AbstractContextManager[Graph]:
    """Return a context in which operations on recorded arrays are added to this graph."""
    return _recording.set_to(graph)


def place(primitive: str) -> str:
    """Return the path of the layer in which a primitive is being called, for errors."""
    graph = _recording.get()
    return "" if graph is None else graph.path_of(primitive).rpartition("/")[0]


# --- The array --------------------------------------------------------------------------------------------------------


class OnnxArray(RecordedArray):
    """Array of a recorded graph, or a constant.

    Attributes:
        shape: Shape; symbolic sizes are of type :class:`~cornu.backends.onnx.symbolic_sizes.Size`.
        dtype: NumPy dtype.
        name: Name of the value in the graph.
        order: Order in which the axes are stored: axis ``order[i]`` is the ``i``-th; None for the logical order.
        value: NumPy array of a constant, else None.
        label: Preferred name of a constant in the file.
    """

    __slots__ = ("__weakref__", "dtype", "label", "name", "order", "shape", "value")
    primitives = PRIMITIVES

    def __init__(
        self,
        shape: Shape,
        dtype: str,
        name: str = "",
        order: tuple[int, ...] | None = None,
        value: np.ndarray | None = None,
        label: str | None = None,
    ):
        self.shape, self.dtype, self.name, self.value, self.label = tuple(shape), np.dtype(dtype), name, value, label
        self.order = None if order is None or tuple(order) == tuple(range(len(order))) else tuple(order)

    __invert__ = operator("logical_not")
    __and__, __rand__ = operator("logical_and"), operator("logical_and", swapped=True)
    __or__, __ror__ = operator("logical_or"), operator("logical_or", swapped=True)
    __xor__, __rxor__ = operator("logical_xor"), operator("logical_xor", swapped=True)

    def __len__(self) -> int:
        return self.shape[0]

    def numbers(self) -> np.ndarray:
        """Return the value of a constant.

        Raises:
            InvalidTypeError: The array is not a constant.
        """
        if self.value is None:
            where = place("call")
            raise InvalidTypeError(
                f"The values of an array of shape {self.shape} were read{f' in {where!r}' if where else ''}.",
                "A model is recorded when it is exported, and recorded arrays have no values.",
                "Use only functions of `cornu.ops`, and `cornu.ops.where` or `cornu.ops.cond` instead of `if`.",
            )
        return self.value

    def __bool__(self) -> bool:
        return bool(self.numbers())

    def __int__(self) -> int:
        return int(self.numbers())

    __index__ = __int__

    def __float__(self) -> float:
        return float(self.numbers())

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numbers(), dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: ArrayLike, **kwargs: Any) -> Any:
        """Call the primitive of the same name; NumPy calls this for ``array + recorded`` and ``np.exp(recorded)``."""
        if method == "__call__" and ufunc.__name__ in PRIMITIVES and not kwargs:
            return PRIMITIVES[ufunc.__name__](*inputs)
        arrays = [item.numbers() if isinstance(item, OnnxArray) else item for item in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __repr__(self) -> str:
        return f"OnnxArray(shape={self.shape}, dtype={self.dtype.name}, name={self.name!r})"


def constant(value: ArrayLike, label: str | None = None) -> OnnxArray:
    """Return a constant of the backend.

    Args:
        value: NumPy array.
        label: Preferred name in the file. Defaults to None.
    """
    value = np.asarray(value)
    return OnnxArray(value.shape, value.dtype.name, value=value, label=label)


lookup.register_array_type(OnnxArray, "onnx")
