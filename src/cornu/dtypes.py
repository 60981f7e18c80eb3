"""Dtype names such as ``"float32"``. Plain Python: this module imports no array library."""

from typing import Any

from cornu import config
from cornu.errors import one_of

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)
"""Names of the dtypes that an engine provides."""

FLOATS = ("float16", "bfloat16", "float32", "float64")
"""Names of the floating-point dtypes, from narrowest to widest."""

HALVES = ("float16", "bfloat16")
"""Names of the half-precision dtypes, in which sums are not accumulated."""

INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
"""Names of the integer dtypes."""

LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}
"""Largest finite value of each floating-point dtype."""

ALL = (*FLOATS, *INTEGERS, "bool")
"""Names of all dtypes."""


def standardize_dtype(dtype: Any = None) -> str:
    """Return the name of a dtype given in any form.

    Args:
        dtype: Dtype as a name, a NumPy or engine dtype, ``int``, ``float`` or ``bool``. Defaults to ``config.floatx()``.

    Returns:
        String, one of :data:`ALL`.

    Raises:
        InvalidArgumentError: If there is no such dtype.

    Example:
        >>> from cornu.dtypes import standardize_dtype
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
    """Return whether a dtype is a floating-point dtype."""
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    """Return whether a dtype is an integer dtype; ``"bool"`` is not one."""
    return dtype in INTEGERS


def wider_float(first: str, second: str) -> str:
    """Return the smallest floating-point dtype that represents the values of both arguments.

    Example:
        >>> from cornu.dtypes import wider_float
        >>> wider_float("float32", "float16"), wider_float("float16", "bfloat16")
        ('float32', 'float32')
    """
    if {first, second} == {"float16", "bfloat16"}:
        return "float32"
    return max(first, second, key=FLOATS.index)
