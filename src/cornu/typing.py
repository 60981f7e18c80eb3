"""Types that signatures share: aliases for what an argument may be, and protocols for what an object must have.

Plain Python: this module imports no array library when it runs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, Union

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Activation",
    "Array",
    "ArrayLike",
    "Axis",
    "Config",
    "Constraint",
    "CustomObjects",
    "DType",
    "DataFormat",
    "Initializer",
    "IntOrInts",
    "Padding",
    "Regularizer",
    "Shape",
    "Size",
    "Tree",
]

Size: TypeAlias = int | None
"""A size of a shape; None for one that is not known."""

Shape: TypeAlias = tuple[Size, ...]
"""A shape, the batch size first; None for a size that is not known."""

IntOrInts: TypeAlias = int | Sequence[int]
"""One integer for all spatial axes, or one for each of them."""

Axis: TypeAlias = int | Sequence[int] | None
"""One axis, several axes, or None for all."""

Padding: TypeAlias = Literal["valid", "same"]
"""No padding, or padding so that the output has the size of the input divided by the strides, rounded up."""

DataFormat: TypeAlias = Literal["channels_last", "channels_first"] | None
"""Position of the channel axis; None for ``config.image_data_format()``."""


class HasName(Protocol):
    """An object with a name, such as a dtype of NumPy or TensorFlow."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


DType: TypeAlias = str | type | HasName | None
"""A dtype: its name, a Python type, or a dtype object of NumPy or an engine; None for the default."""


class Array(Protocol):
    """An array of any engine, a variable or a symbolic tensor: what all of them provide."""

    @property
    def shape(self) -> Any:
        """Its shape: a tuple, or TensorFlow's ``TensorShape``."""
        ...

    @property
    def dtype(self) -> Any:
        """Its dtype, an object or a name."""
        ...

    @property
    def ndim(self) -> int:
        """Its number of axes."""
        ...

    def __getitem__(self, key: Any, /) -> Any: ...
    def __add__(self, other: Any, /) -> Any: ...
    def __radd__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __rsub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...
    def __rtruediv__(self, other: Any, /) -> Any: ...
    def __floordiv__(self, other: Any, /) -> Any: ...
    def __mod__(self, other: Any, /) -> Any: ...
    def __pow__(self, other: Any, /) -> Any: ...
    def __matmul__(self, other: Any, /) -> Any: ...
    def __neg__(self) -> Any: ...
    def __lt__(self, other: Any, /) -> Any: ...
    def __le__(self, other: Any, /) -> Any: ...
    def __gt__(self, other: Any, /) -> Any: ...
    def __ge__(self, other: Any, /) -> Any: ...


ArrayLike: TypeAlias = Union[Array, "np.ndarray", "np.generic", float, int, bool, Sequence["ArrayLike"]]
"""An array, a number, or nested lists of numbers."""

Tree: TypeAlias = ArrayLike | Sequence["Tree"] | Mapping[str, "Tree"] | None
"""Nested lists, tuples and dicts of arrays, such as the inputs of a model."""

Config: TypeAlias = dict[str, Any]
"""A config: what JSON can represent."""

CustomObjects: TypeAlias = Mapping[str, Any] | None
"""Names in configs and files to the custom classes and functions that they mean; None for none."""

Activation: TypeAlias = str | Config | Callable[[Any], Any] | None
"""An activation function, its name or its config."""

Initializer: TypeAlias = str | Config | Callable[..., Any] | None
"""An initializer, its class, its name or its config."""

Regularizer: TypeAlias = str | Config | Callable[[Any], Any] | None
"""A regularizer, its class, its name or its config."""

Constraint: TypeAlias = str | Config | Callable[[Any], Any] | None
"""A constraint, its class, its name or its config."""
