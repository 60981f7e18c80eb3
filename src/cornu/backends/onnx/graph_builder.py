"""What the ONNX backend records: arrays without numbers, and the nodes that make one from another.

A :class:`Graph` is a list of nodes; :func:`recording` says which one is written on. An :class:`OnnxArray` is a place in it, or
a constant: what depends on no input is computed at once, by the NumPy backend, and stands in the file as numbers.

**A transpose is put off** until somebody needs the numbers in that order. ONNX convolves with the channels first, Cornu's
pictures have them last; so a convolution gives an array whose numbers lie channels first and which says so (``order``).
Elementwise functions, pooling, padding and reductions work on the numbers as they lie, and the next convolution finds them
as it needs them: a network of convolutions has one transpose at its entrance and one at its end.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from cornu.backends import lookup
from cornu.backends.onnx.symbolic_sizes import Form, form_of, is_open
from cornu.errors import BackendError, InvalidTypeError
from cornu.scopes import Scope

Shape = tuple[int, ...]

PRIMITIVES: dict[str, Callable] = {}
"""The backend's functions by name, entered by ``onnx.py``: operators on arrays call them."""


class Constant:
    """Numbers that stand in the file.

    Attributes:
        value: The numbers.
        label: The name they should have, such as a variable's path; None if any will do.
    """

    __slots__ = ("label", "value")

    def __init__(self, value: np.ndarray, label: str | None = None):
        self.value, self.label = value, label


class Node:
    """One operation of ONNX.

    Attributes:
        op: ONNX's name of it.
        inputs: Names of values, constants, and ``""`` for what is left out.
        outputs: Names of values.
        attributes: Name to value; a :class:`Graph` for the body of a loop.
        name: Says which layer it comes from.
    """

    __slots__ = ("attributes", "inputs", "name", "op", "outputs")

    def __init__(self, op: str, inputs: list, outputs: list[str], attributes: dict[str, Any], name: str):
        self.op, self.inputs, self.outputs, self.attributes, self.name = op, inputs, outputs, attributes, name


class Graph:
    """What was recorded: the nodes of a model, or of the body of a loop in it.

    Args:
        path_of: Says where in the model a thing is recorded: ``"Conv"`` becomes ``"conv2d/Conv"``.
        parent: The graph around the body of a loop, whose values it may use.

    Attributes:
        inputs, outputs: The arrays that come in and go out, whose names are those in the file.
        sizes: Nodes that compute sizes from those of the inputs. They come before all others.
        ranks: Name of a value to its number of axes.
        size_names: Forms of open sizes to what the file calls them, such as ``"batch"``.
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
        """The graph of the whole model."""
        return self if self.parent is None else self.parent.root

    def unique(self, name: str) -> str:
        """A name that nothing else in the model has."""
        count = self._counts.get(name, 0)
        self._counts[name] = count + 1
        return name if count == 0 else self.unique(f"{name}_{count}")

    def add_input(self, name: str, shape: Shape, dtype: str) -> "OnnxArray":
        """A new input of that name, as far as it is free."""
        array = OnnxArray(shape, dtype, self.unique(name))
        self.ranks[array.name] = len(shape)
        self.inputs.append(array)
        return array

    def add_output(self, array: "OnnxArray", name: str | None = None) -> None:
        """Says that an array goes out, under a name of its own."""
        found = self.unique(name or self.path_of("output"))
        self.nodes.append(Node("Identity", [self.plain(array)], [found], {}, self.unique(f"{found}/Identity")))
        self.ranks[found] = len(array.shape)
        self.outputs.append(OnnxArray(array.shape, array.dtype.name, found))

    # --- Nodes --------------------------------------------------------------------------------------------------------

    def emit(self, op: str, inputs: list, count: int = 1, attributes: dict[str, Any] | None = None, rank: int = 0) -> list[str]:
        """Writes a node down; gives the names of its outputs."""
        name = self.unique(self.path_of(op))
        outputs = [name] if count == 1 else [self.unique(f"{name}_output_{number}") for number in range(count)]
        self.nodes.append(Node(op, inputs, outputs, attributes or {}, name))
        self.ranks.update(dict.fromkeys(outputs, rank))
        return outputs

    def plain(self, array: "OnnxArray") -> "str | Constant":
        """What to take an array from, with its axes in their own order."""
        return self.in_order(array, tuple(range(len(array.shape))))

    def in_order(self, array: "OnnxArray", order: tuple[int, ...]) -> "str | Constant":
        """What to take an array from so that its axis ``order[i]`` is the ``i``-th."""
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

    def vector(self, sizes: Any) -> "str | Constant":
        """Sizes as a row of ``int64``."""
        sizes = list(sizes)
        if not any(map(is_open, sizes)):
            return Constant(np.array(sizes, "int64"))
        parts = [self.root.size(form_of(size)) for size in sizes]
        return parts[0] if len(parts) == 1 else self.root._of_sizes("Concat", parts, axis=0)

    def scalar(self, size: int) -> "str | Constant":
        """A size as a single ``int64``."""
        return self.emit("Squeeze", [self.vector([size])])[0] if is_open(size) else Constant(np.array(size, "int64"))

    def size(self, form: Form) -> "str | Constant":
        """A size as a row of one ``int64``, computed from the sizes of the inputs."""
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
        rest = self._of_sizes("Mod", [one, other])  # of the sign of the divisor, so that the division rounds down
        return self._of_sizes("Div", [self._of_sizes("Sub", [one, rest]), other])

    def _of_sizes(self, op: str, inputs: list, **attributes: Any) -> str:
        name = self.unique(f"sizes/{op}")
        self.sizes.append(Node(op, inputs, [name], attributes, name))
        self.ranks[name] = 1
        return name


# --- Which graph is written on ----------------------------------------------------------------------------------------


_recording: Scope[Any] = Scope("the graph that is written on", None)


def current() -> Graph:
    """The graph that is written on in this thread.

    Raises:
        BackendError: None is: an array was kept after its recording.
    """
    graph = _recording.get()
    if graph is None:
        raise BackendError(
            "An operation on a recorded array was called outside of the recording.",
            "Such arrays are there only while a model is exported.",
            "Do not keep arrays from inside `call`.",
        )
    return graph


def recording(graph: Graph) -> AbstractContextManager[Graph]:
    """Inside, operations on recorded arrays are written on this graph."""
    return _recording.set_to(graph)


def place(primitive: str) -> str:
    """Where in the model a primitive is called now, for errors."""
    graph = _recording.get()
    return "" if graph is None else graph.path_of(primitive).rpartition("/")[0]


# --- The array --------------------------------------------------------------------------------------------------------


def _operator(name: str, swapped: bool = False) -> Callable:
    def method(self: "OnnxArray", *others: Any) -> Any:
        others = tuple(other.__cornu_array__() if hasattr(type(other), "__cornu_array__") else other for other in others)
        return PRIMITIVES[name](*others, self) if swapped else PRIMITIVES[name](self, *others)

    return method


class OnnxArray:
    """A place in a recorded graph, or a constant.

    Attributes:
        shape: Its shape; open sizes are of the type :class:`~cornu.backends.onnx.symbolic_sizes.Size`.
        dtype: Its dtype, as NumPy has it.
        name: The name of the value in the graph.
        order: How the numbers lie there: the axis ``order[i]`` is the ``i``-th; None if the axes are in order.
        value: The numbers of a constant, else None.
        label: The name that a constant should have in the file.
    """

    __slots__ = ("__weakref__", "dtype", "label", "name", "order", "shape", "value")
    __hash__ = None  # type: ignore[assignment]

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

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))

    @property
    def T(self) -> "OnnxArray":
        """The array with its axes in reverse order."""
        return PRIMITIVES["transpose"](self, tuple(reversed(range(self.ndim))))

    __neg__, __abs__, __invert__ = _operator("negative"), _operator("abs"), _operator("logical_not")
    __getitem__ = _operator("getitem")
    __add__, __radd__ = _operator("add"), _operator("add", swapped=True)
    __sub__, __rsub__ = _operator("subtract"), _operator("subtract", swapped=True)
    __mul__, __rmul__ = _operator("multiply"), _operator("multiply", swapped=True)
    __truediv__, __rtruediv__ = _operator("divide"), _operator("divide", swapped=True)
    __floordiv__, __rfloordiv__ = _operator("floor_divide"), _operator("floor_divide", swapped=True)
    __mod__, __rmod__ = _operator("remainder"), _operator("remainder", swapped=True)
    __pow__, __rpow__ = _operator("power"), _operator("power", swapped=True)
    __matmul__, __rmatmul__ = _operator("matmul"), _operator("matmul", swapped=True)
    __and__, __rand__ = _operator("logical_and"), _operator("logical_and", swapped=True)
    __or__, __ror__ = _operator("logical_or"), _operator("logical_or", swapped=True)
    __xor__, __rxor__ = _operator("logical_xor"), _operator("logical_xor", swapped=True)
    __lt__, __le__ = _operator("less"), _operator("less_equal")
    __gt__, __ge__ = _operator("greater"), _operator("greater_equal")
    __eq__, __ne__ = _operator("equal"), _operator("not_equal")

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator["OnnxArray"]:
        return (self[index] for index in range(len(self)))

    def numbers(self) -> np.ndarray:
        """The numbers of a constant.

        Raises:
            InvalidTypeError: It is none.
        """
        if self.value is None:
            where = place("call")
            raise InvalidTypeError(
                f"The numbers of an array of shape {self.shape} were asked for{f' in {where!r}' if where else ''}.",
                "A model that is exported is recorded: its arrays have no numbers then.",
                "Use functions of `cornu.ops` alone, and `cornu.ops.where` or `cornu.ops.cond` instead of `if`.",
            )
        return self.value

    def __bool__(self) -> bool:
        return bool(self.numbers())

    def __int__(self) -> int:
        return int(self.numbers())

    __index__ = __int__

    def __float__(self) -> float:
        return float(self.numbers())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numbers(), dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """What NumPy calls for ``array + recorded`` and ``np.exp(recorded)``: the primitive of that name."""
        if method == "__call__" and ufunc.__name__ in PRIMITIVES and not kwargs:
            return PRIMITIVES[ufunc.__name__](*inputs)
        arrays = [item.numbers() if isinstance(item, OnnxArray) else item for item in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __repr__(self) -> str:
        return f"OnnxArray(shape={self.shape}, dtype={self.dtype.name}, name={self.name!r})"


def constant(value: Any, label: str | None = None) -> OnnxArray:
    """Numbers as an array of the backend.

    Args:
        value: A NumPy array.
        label: The name it should have in the file.
    """
    value = np.asarray(value)
    return OnnxArray(value.shape, value.dtype.name, value=value, label=label)


lookup.register_array_type(OnnxArray, "onnx")
