"""Python operators for objects that are not arrays but can be used in place of arrays."""

from typing import Any

from cornu import ops
from cornu.typing import ArrayLike


class ArrayOperators:
    """Operators such as ``a + b``, ``a @ b`` and ``a[i]``, each implemented by the corresponding op."""

    shape: tuple
    dtype: str

    def __add__(self, other: ArrayLike) -> Any:
        return ops.add(self, other)

    def __radd__(self, other: ArrayLike) -> Any:
        return ops.add(other, self)

    def __sub__(self, other: ArrayLike) -> Any:
        return ops.subtract(self, other)

    def __rsub__(self, other: ArrayLike) -> Any:
        return ops.subtract(other, self)

    def __mul__(self, other: ArrayLike) -> Any:
        return ops.multiply(self, other)

    def __rmul__(self, other: ArrayLike) -> Any:
        return ops.multiply(other, self)

    def __truediv__(self, other: ArrayLike) -> Any:
        return ops.true_divide(self, other)

    def __rtruediv__(self, other: ArrayLike) -> Any:
        return ops.true_divide(other, self)

    def __floordiv__(self, other: ArrayLike) -> Any:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: ArrayLike) -> Any:
        return ops.floor_divide(other, self)

    def __mod__(self, other: ArrayLike) -> Any:
        return ops.mod(self, other)

    def __rmod__(self, other: ArrayLike) -> Any:
        return ops.mod(other, self)

    def __pow__(self, other: ArrayLike) -> Any:
        return ops.power(self, other)

    def __rpow__(self, other: ArrayLike) -> Any:
        return ops.power(other, self)

    def __matmul__(self, other: ArrayLike) -> Any:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: ArrayLike) -> Any:
        return ops.matmul(other, self)

    def __neg__(self) -> Any:
        return ops.negative(self)

    def __abs__(self) -> Any:
        return ops.absolute(self)

    def __and__(self, other: ArrayLike) -> Any:
        return ops.logical_and(self, other)

    def __rand__(self, other: ArrayLike) -> Any:
        return ops.logical_and(other, self)

    def __or__(self, other: ArrayLike) -> Any:
        return ops.logical_or(self, other)

    def __ror__(self, other: ArrayLike) -> Any:
        return ops.logical_or(other, self)

    def __xor__(self, other: ArrayLike) -> Any:
        return ops.logical_xor(self, other)

    def __rxor__(self, other: ArrayLike) -> Any:
        return ops.logical_xor(other, self)

    def __invert__(self) -> Any:
        return ops.logical_not(self)

    def __lt__(self, other: ArrayLike) -> Any:
        return ops.less(self, other)

    def __le__(self, other: ArrayLike) -> Any:
        return ops.less_equal(self, other)

    def __gt__(self, other: ArrayLike) -> Any:
        return ops.greater(self, other)

    def __ge__(self, other: ArrayLike) -> Any:
        return ops.greater_equal(self, other)

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
