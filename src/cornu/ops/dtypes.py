"""Names of dtypes: ``"float32"`` and its like. Plain Python: this module knows no array library."""

from typing import Any

from cornu import config
from cornu.errors import one_of

FLOATS = ("float16", "bfloat16", "float32", "float64")
"""Names of the floating-point dtypes, smallest first."""

HALVES = ("float16", "bfloat16")
"""Those of half precision, in which sums are not taken."""

INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
"""Names of the whole-number dtypes."""

LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}
"""The largest number of each float dtype."""

ALL = (*FLOATS, *INTEGERS, "bool")
"""Names of all dtypes."""


def standardize_dtype(dtype: Any = None) -> str:
    """The name of a dtype, however it was written.

    Args:
        dtype: A name, a NumPy or engine dtype, ``int``, ``float``, ``bool``, or None for ``config.floatx()``.

    Returns:
        One of :data:`ALL`.

    Raises:
        InvalidArgumentError: There is no such dtype.

    Example:
        >>> from cornu.ops.dtypes import standardize_dtype
        >>> standardize_dtype(None), standardize_dtype(int), standardize_dtype("uint8")
        ('float32', 'int32', 'uint8')
    """
    if dtype is None:
        return config.floatx()
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
    name = name if isinstance(name, str) else str(name).rpartition(".")[2]  # such as torch.float32
    if name in ALL:
        return name
    if name == "float":
        return config.floatx()
    if name in ("int", "bool_"):
        return {"int": "int32", "bool_": "bool"}[name]
    raise one_of("dtype", name, ALL)


def is_float(dtype: str) -> bool:
    """Whether a dtype is one of floating-point numbers."""
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    """Whether a dtype is one of whole numbers; ``"bool"`` is none."""
    return dtype in INTEGERS


def wider_float(first: str, second: str) -> str:
    """The float dtype that holds the numbers of two float dtypes.

    Example:
        >>> from cornu.ops.dtypes import wider_float
        >>> wider_float("float32", "float16"), wider_float("float16", "bfloat16")
        ('float32', 'float32')
    """
    if {first, second} == {"float16", "bfloat16"}:
        return "float32"
    return max(first, second, key=FLOATS.index)
