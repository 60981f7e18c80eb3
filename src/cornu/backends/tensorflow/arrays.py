"""Creation, dtypes and promotion of tensors: TensorFlow does not promote dtypes, and some of its kernels lack some dtypes.

Promotion follows the NumPy backend: the wider of two floats, the float of a float and an integer, and 64 bits only from 64
bits. A Python scalar takes the dtype of the array next to it.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from cornu import config, trees
from cornu.backends import common
from cornu.backends.tensorflow.startup import tf
from cornu.dtypes import DTYPES, SUM_DTYPES
from cornu.errors import one_of
from cornu.typing import ArrayLike, Tree

TensorLike: TypeAlias = "ArrayLike | tf.Tensor"
"""An array or Python data; the stubs of a tensor lack some of the protocol ``Array``."""


def checked(name: str) -> str:
    """Return the name of a dtype, or raise ``InvalidArgumentError`` if it is not one."""
    if name not in DTYPES and name != "string":
        raise one_of("dtype", name, DTYPES)
    return name


def cast(x: tf.Tensor, dtype: str) -> tf.Tensor:
    """Convert a tensor to another dtype."""
    if x.dtype.name == dtype:
        return x
    return tf.cast(tf.math.real(x) if x.dtype.is_complex and not dtype.startswith(("complex", "bool")) else x, dtype)


def number(value: TensorLike, dtype: str) -> tf.Tensor:
    """Convert a Python scalar, or an array, to a tensor with NumPy's conversion."""
    return tf.constant(np.asarray(value, tf.as_dtype(dtype).as_numpy_dtype))


def is_float(x: tf.Tensor) -> bool:
    """Return whether the dtype is a floating-point or complex one."""
    return x.dtype.is_floating or x.dtype.is_complex


def floating(x: tf.Tensor) -> tf.Tensor:
    """Convert integers and booleans to ``config.floatx()``."""
    return x if is_float(x) else tf.cast(x, config.floatx())


def bool_to_int(x: tf.Tensor) -> tf.Tensor:
    """Convert booleans to ``int32``."""
    return tf.cast(x, "int32") if x.dtype == tf.bool else x


def summable(x: tf.Tensor) -> tf.Tensor:
    """Convert booleans and small integers to the dtype of their sum."""
    return cast(x, SUM_DTYPES.get(x.dtype.name, x.dtype.name))


def as_bool(x: tf.Tensor) -> tf.Tensor:
    """Return whether each element is not 0."""
    return x if x.dtype == tf.bool else tf.not_equal(x, tf.zeros((), x.dtype))


def common_dtype(*values: TensorLike) -> str:
    """Return the promoted dtype of tensors and Python scalars."""
    names = [value.dtype.name for value in values if isinstance(value, tf.Tensor)]
    result = functools.reduce(common.promoted_dtype, names)
    for value in (value for value in values if not isinstance(value, tf.Tensor)):
        if isinstance(value, complex):
            result = common.promoted_dtype(result, "complex64")
        elif isinstance(value, float) and not ("float" in result or "complex" in result):
            result = config.floatx()
        elif not isinstance(value, bool) and result == "bool":
            result = "int32"
    return result


def promote(*values: TensorLike) -> list:
    """Convert tensors and Python scalars to tensors of their promoted dtype."""
    dtype = common_dtype(*values)
    return [cast(value, dtype) if isinstance(value, tf.Tensor) else number(value, dtype) for value in values]


def promote_to_floats(*values: TensorLike) -> list:
    """Promote as :func:`promote`, and convert integers to floats."""
    return [floating(value) for value in promote(*values)]


def apply_in(wide: str, function: Callable, *tensors: tf.Tensor) -> tf.Tensor:
    """Apply a function in a wider dtype to tensors of a dtype that it does not support; the result has their dtype."""
    result = function(*[tf.cast(tensor, wide) for tensor in tensors])
    return as_bool(result) if tensors[0].dtype == tf.bool else tf.cast(result, tensors[0].dtype)


def asarray(x: TensorLike, dtype: str | None = None) -> tf.Tensor:
    """See ``contract.asarray``."""
    if isinstance(x, (tf.Tensor, tf.Variable, tf.IndexedSlices)):
        tensor = x if isinstance(x, tf.Tensor) else tf.convert_to_tensor(x)  # a concrete tensor stays one in a trace
        return tensor if dtype is None else cast(tensor, checked(dtype))
    if isinstance(x, (list, tuple)) and common.holds(x, tf.Tensor):
        tensor = tf.stack([asarray(item) for item in x])
        return tensor if dtype is None else cast(tensor, checked(dtype))
    if dtype == "string" or getattr(getattr(x, "dtype", None), "kind", "") == "T":  # of NumPy's `StringDType`
        return tf.constant(np.asarray(x, dtype=object), tf.string)
    array = common.numbers(x)
    dtype = checked(dtype or common.usual_dtype(array))
    common.check_fits(array, dtype, "Pass `dtype='int64'`, or pass floats.")
    with np.errstate(all="ignore"):
        array = array.astype(tf.as_dtype(dtype).as_numpy_dtype, copy=False)
    if tf.executing_eagerly():
        return tf.constant(array)  # a copy
    with tf.init_scope():  # concrete while a function is traced, too
        return tf.constant(array)


def as_tensors(tree: Tree) -> list[tf.Tensor]:
    """Return the leaves of a tree as tensors."""
    return [asarray(leaf) for leaf in trees.leaves(tree)]


def structure_of(tree: Tree) -> Any:
    """Return the tree with 0 for each leaf, to unflatten other leaves like it."""
    return trees.map(lambda _: 0, tree)
