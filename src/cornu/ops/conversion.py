"""Convert values into arrays and between dtypes, and inspect arrays."""

import math
from typing import Any

import numpy as np

from cornu import backends, config, serialization
from cornu.backends import devices
from cornu.backends.contract import Backend
from cornu.dtypes import INTEGERS, LARGEST, is_float
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.ops.dispatch import arrays, as_array, named_in_files, op, unwrap
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import standardize_dtype

__all__ = [
    "array",
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "copy",
    "dtype",
    "is_tensor",
    "ndim",
    "saturate_cast",
    "shape",
    "size",
]


@op(batch_coupling="none", keras_path="numpy.Copy")
def copy(x: ArrayLike) -> Array:
    """Return a copy of an array.

    Example:
        >>> from cornu import ops
        >>> ops.copy([1, 2]).tolist()
        [1, 2]
    """
    backend, x = arrays(x)
    return backend.multiply(x, backend.dtype(x) == "bool" or 1)


@op(batch_coupling="none")
def convert_to_tensor(
    x: ArrayLike, dtype: DType = None, sparse: bool | None = None, ragged: bool | None = None, *, backend: str | None = None
) -> Array:
    """Convert array-like data to an array of an engine.

    An array of an engine is returned unchanged unless another backend is passed. Python and NumPy data is converted to an array
    of the default backend. Strings are converted on TensorFlow, the only engine that has arrays of them.

    Args:
        x: Scalar, list, NumPy array, array of any backend, or variable.
        dtype: Dtype of the result. Defaults to the dtype of ``x``; for Python data, to ``config.floatx()`` or ``"int32"``.
        sparse: Must not be True: there are no sparse arrays. Defaults to None.
        ragged: Must not be True: there are no ragged arrays. Defaults to None.
        backend: String, name of the backend of the result. Defaults to None (that of ``x``).

    Raises:
        InvalidArgumentError: If ``sparse`` or ``ragged`` is True.
        InvalidTypeError: If ``x`` cannot be converted to an array.

    Example:
        >>> from cornu import ops
        >>> ops.convert_to_tensor([1.5, 2.0], backend="numpy")
        array([1.5, 2. ], dtype=float32)
    """
    if sparse or ragged:
        kind = "sparse" if sparse else "ragged"
        raise InvalidArgumentError(f"`{kind}=True` was given.", f"Cornu has no {kind} arrays.", "Omit it for a dense array.")
    target = backends.get(backend) if backend else backends.of(x)
    if dtype in (None, "string") and _are_strings(x) and hasattr(target, "call_on_host"):
        return target.asarray(x, "string")
    return as_array(target, x, None if dtype is None else standardize_dtype(dtype))


def _are_strings(x: ArrayLike) -> bool:
    """Return whether the first element of a list or an array is a string."""
    while (isinstance(x, (list, tuple)) or (isinstance(x, np.ndarray) and x.ndim > 0)) and len(x) > 0:
        x = x[0]
    return isinstance(x, (str, bytes))


@op(batch_coupling="none")
def array(x: ArrayLike, dtype: DType = None) -> Array:
    """Create an array from array-like data. Alias of :func:`convert_to_tensor`.

    Example:
        >>> from cornu import ops
        >>> ops.array([1, 2]).tolist()
        [1, 2]
    """
    return convert_to_tensor(x, dtype)


@op
def convert_to_numpy(x: ArrayLike) -> np.ndarray:
    """Convert an array to ``numpy.ndarray``.

    Example:
        >>> from cornu import ops
        >>> ops.convert_to_numpy(ops.ones((2,)))
        array([1., 1.], dtype=float32)
    """
    backend, x = arrays(x)
    try:
        return backend.to_numpy(x)
    except InvalidTypeError:  # the backend's own error is more specific
        raise
    except TypeError as problem:
        raise devices.no_values_yet() from problem


@op(batch_coupling="none", keras_path="core.Cast")
def cast(x: ArrayLike, dtype: DType) -> Array:
    """Convert an array to another dtype.

    Args:
        x: Array-like.
        dtype: Name of a dtype, such as ``"float32"``, or a NumPy dtype.

    Example:
        >>> from cornu import ops
        >>> ops.cast([1.7, -1.7], "int32").tolist()
        [1, -1]
    """
    backend, x = arrays(x)
    return backend.cast(x, standardize_dtype(dtype))


@op(batch_coupling="none", keras_path="core.SaturateCast")
def saturate_cast(x: ArrayLike, dtype: DType) -> Array:
    """Convert an array to another dtype, limiting values outside the range of the dtype to its nearest bound.

    Example:
        >>> from cornu import ops
        >>> ops.saturate_cast([-5.0, 300.0], "uint8").tolist()
        [0, 255]
    """
    backend, x = arrays(x)
    dtype = standardize_dtype(dtype)
    if dtype == "bool":
        return backend.cast(x, dtype)
    (low, high), source = _range(dtype), backend.dtype(x)
    if source in INTEGERS:
        low, high = max(low, _range(source)[0]), min(high, _range(source)[1])
        low, high = int(low), int(high)
    elif is_float(source):
        low, high = max(low, -LARGEST[source]), min(high, LARGEST[source])
        if dtype in INTEGERS and high >= 2**24:  # the next smaller float, so that the cast cannot overflow
            high = float(np.nextafter(np.float32(high), np.float32(0)))
    return backend.cast(backend.minimum(backend.maximum(x, low), high), dtype)


def _range(dtype: str) -> tuple[float, float]:
    """Return the smallest and the largest finite value of a dtype."""
    if dtype in INTEGERS:
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return -LARGEST[dtype], LARGEST[dtype]


def is_tensor(x: ArrayLike) -> bool:
    """Return whether ``x`` is an array of an engine; a NumPy array is one only where the NumPy backend is the current one.

    Example:
        >>> from cornu import ops
        >>> ops.is_tensor(ops.ones(2)), ops.is_tensor([1, 1])
        (True, False)
    """
    name = backends.owner(x)
    return name is not None and (name != "numpy" or config.backend() == "numpy")


def shape(x: ArrayLike) -> tuple:
    """Return the shape of an array as a tuple.

    An unknown size of a symbolic tensor is None. In a function that TensorFlow traces, as in ``tf.data``, an unknown size is a
    scalar tensor, which has the value when the function runs.

    Example:
        >>> from cornu import ops
        >>> ops.shape([[1, 2, 3], [4, 5, 6]])
        (2, 3)
    """
    found = getattr(x, "shape", None)
    sizes = np.shape(x) if found is None else tuple(found)  # type: ignore[call-overload]
    return backends.home(x).shape(x) if None in sizes and backends.owner(x) is not None else sizes


@named_in_files("numpy.Ndim")
def ndim(x: ArrayLike) -> int:
    """Return the number of axes of an array.

    Example:
        >>> from cornu import ops
        >>> ops.ndim([[1, 2], [3, 4]])
        2
    """
    return len(shape(x))


@named_in_files("numpy.Size")
def size(x: ArrayLike) -> Any:
    """Return the number of elements of an array, or None for a symbolic tensor of unknown batch size.

    Example:
        >>> from cornu import ops
        >>> ops.size([[1, 2, 3], [4, 5, 6]])
        6
    """
    sizes = shape(x)
    return None if None in sizes else math.prod(sizes)


def dtype(x: ArrayLike) -> str:
    """Return the name of the dtype of an array, a variable, a symbolic tensor or Python data.

    Example:
        >>> from cornu import ops
        >>> ops.dtype([1.5]), ops.dtype(3)
        ('float32', 'int32')
    """
    found = getattr(x, "dtype", None)
    if isinstance(found, str):
        return found
    backend, x = arrays(unwrap(x))
    return backend.dtype(x)


def round_and_cast(backend: Backend, x: Array, dtype: str) -> Array:
    """Round an array and cast it with saturation; for ``"bool"``, return whether each value is larger than 0.5."""
    if dtype == "bool":
        return backend.greater(x, 0.5)
    return saturate_cast(backend.round(x), dtype)


serialization.set_tensor_functions(
    serialization.TensorFunctions(is_tensor, convert_to_numpy, lambda array, dtype: convert_to_tensor(array, dtype))
)
