"""What the arrays have in common that record computations: those of gradients of NumPy, and those of ONNX graphs."""

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self


def operator(name: str, swapped: bool = False) -> Callable:
    """Return the method of an operator, which calls the primitive of this name."""

    def method(self: "RecordedArray", *others: Any) -> Any:
        others = tuple(other.__cornu_array__() if hasattr(type(other), "__cornu_array__") else other for other in others)
        primitive = self.primitives[name]
        return primitive(*others, self) if swapped else primitive(self, *others)

    return method


class RecordedArray:
    """Base class of arrays whose Python operators are the primitives of their backend.

    Attributes:
        primitives: The primitives by their names.
        shape: Shape of the array.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    primitives: ClassVar[dict[str, Callable]]
    shape: Any

    @property
    def ndim(self) -> int:
        """Its number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Its number of elements."""
        return math.prod(self.shape)

    @property
    def T(self) -> Self:
        """The array with its axes in reverse order."""
        return self.primitives["transpose"](self, tuple(reversed(range(self.ndim))))

    __neg__ = operator("negative")
    __abs__ = operator("abs")
    __getitem__ = operator("getitem")
    __add__, __radd__ = operator("add"), operator("add", swapped=True)
    __sub__, __rsub__ = operator("subtract"), operator("subtract", swapped=True)
    __mul__, __rmul__ = operator("multiply"), operator("multiply", swapped=True)
    __truediv__, __rtruediv__ = operator("divide"), operator("divide", swapped=True)
    __floordiv__, __rfloordiv__ = operator("floor_divide"), operator("floor_divide", swapped=True)
    __mod__, __rmod__ = operator("remainder"), operator("remainder", swapped=True)
    __pow__, __rpow__ = operator("power"), operator("power", swapped=True)
    __matmul__, __rmatmul__ = operator("matmul"), operator("matmul", swapped=True)
    __lt__, __le__ = operator("less"), operator("less_equal")
    __gt__, __ge__ = operator("greater"), operator("greater_equal")
    __eq__, __ne__ = operator("equal"), operator("not_equal")

    def __iter__(self) -> Iterator[Self]:
        return (self[index] for index in range(len(self)))  # type: ignore[arg-type]
