"""Python operators for objects that are not arrays but can be used in place of arrays."""

from collections.abc import Callable
from typing import Any

from cornu import ops
from cornu.typing import ArrayLike


def _unary(op: Callable) -> Callable[[Any], Any]:
    return lambda self: op(self)


def _binary(op: Callable) -> Callable[[Any, ArrayLike], Any]:
    return lambda self, other: op(self, other)


def _reflected(op: Callable) -> Callable[[Any, ArrayLike], Any]:
    return lambda self, other: op(other, self)


class ArrayOperators:
    """Operators such as ``a + b``, ``a @ b`` and ``a[i]``, each implemented by the corresponding op."""

    shape: tuple
    dtype: str

    __add__, __radd__ = _binary(ops.add), _reflected(ops.add)
    __sub__, __rsub__ = _binary(ops.subtract), _reflected(ops.subtract)
    __mul__, __rmul__ = _binary(ops.multiply), _reflected(ops.multiply)
    __truediv__, __rtruediv__ = _binary(ops.true_divide), _reflected(ops.true_divide)
    __floordiv__, __rfloordiv__ = _binary(ops.floor_divide), _reflected(ops.floor_divide)
    __mod__, __rmod__ = _binary(ops.mod), _reflected(ops.mod)
    __pow__, __rpow__ = _binary(ops.power), _reflected(ops.power)
    __matmul__, __rmatmul__ = _binary(ops.matmul), _reflected(ops.matmul)
    __neg__ = _unary(ops.negative)
    __abs__ = _unary(ops.absolute)
    __and__, __rand__ = _binary(ops.logical_and), _reflected(ops.logical_and)
    __or__, __ror__ = _binary(ops.logical_or), _reflected(ops.logical_or)
    __xor__, __rxor__ = _binary(ops.logical_xor), _reflected(ops.logical_xor)
    __invert__ = _unary(ops.logical_not)
    __lt__ = _binary(ops.less)
    __le__ = _binary(ops.less_equal)
    __gt__ = _binary(ops.greater)
    __ge__ = _binary(ops.greater_equal)

    def __round__(self, digits: int = 0) -> Any:
        return ops.round(self, digits)

    def __pos__(self) -> Any:
        return self

    def __getitem__(self, index: Any) -> Any:
        return ops.get_item(self, index)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)
