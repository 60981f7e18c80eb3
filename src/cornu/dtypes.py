"""Dtype names such as ``"float32"``. Plain Python: this module imports no array library."""

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)
"""Names of the dtypes that an engine provides."""

FLOATS = ("float16", "bfloat16", "float32", "float64")
"""Names of the floating-point dtypes, from narrowest to widest."""

HALVES = ("float16", "bfloat16")
"""Names of the half-precision dtypes, in which sums are not accumulated."""

COMPLEX = ("complex64", "complex128")
"""Names of the complex dtypes."""

INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
"""Names of the integer dtypes."""

SUM_DTYPES = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}
"""Dtypes of the sums and products of booleans and small integers, which would overflow in their own dtype."""

LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}
"""Largest finite value of each floating-point dtype."""

ALL = (*FLOATS, *INTEGERS, "bool")
"""Names of the dtypes of real numbers, which variables and layers may have."""

UNSUPPORTED = "float8"
"""First part of the names of dtypes that Keras has and Cornu does not."""


def is_float(dtype: str) -> bool:
    """Return whether a dtype is a floating-point dtype."""
    return dtype in FLOATS


def is_complex(dtype: str) -> bool:
    """Return whether a dtype is a complex dtype."""
    return dtype in COMPLEX


def is_integer(dtype: str) -> bool:
    """Return whether a dtype is an integer dtype; ``"bool"`` is not one."""
    return dtype in INTEGERS


def sum_dtype(dtype: str) -> str:
    """Return the dtype in which values of a dtype are summed: ``"float32"`` for half precision.

    Example:
        >>> from cornu.dtypes import sum_dtype
        >>> sum_dtype("float16"), sum_dtype("float64"), sum_dtype("int32")
        ('float32', 'float64', 'int32')
    """
    return "float32" if dtype in HALVES else dtype


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
