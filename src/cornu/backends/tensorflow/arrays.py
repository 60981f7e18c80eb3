"""Dtypes for TensorFlow: it promotes nothing by itself, and some of its kernels lack some types of numbers.

What two dtypes give together is what the NumPy backend gives: the wider of two floats, a float beside whole numbers, and
64 bits only from 64 bits. A Python number takes on the dtype of the array beside it.
"""

import functools
from typing import Any

import numpy as np

from cornu import config, trees
from cornu.backends import common
from cornu.backends.contract import Array
from cornu.backends.tensorflow.startup import tf
from cornu.dtypes import DTYPES
from cornu.errors import one_of


def checked(name: str) -> str:
    """The name of a dtype, if there is one of this name."""
    if name not in DTYPES:
        raise one_of("dtype", name, DTYPES)
    return name


def cast(x: Array, dtype: str) -> Array:
    """The tensor in another dtype."""
    return x if x.dtype.name == dtype else tf.cast(x, dtype)


def number(value: Any, dtype: str) -> Array:
    """A Python number as a tensor, converted as NumPy converts it."""
    return tf.constant(np.asarray(value, tf.as_dtype(dtype).as_numpy_dtype))


def is_float(x: Array) -> bool:
    """Whether the numbers are floats or complex."""
    return x.dtype.is_floating or x.dtype.is_complex


def floating(x: Array) -> Array:
    """Whole numbers and booleans as floats of ``config.floatx()``."""
    return x if is_float(x) else tf.cast(x, config.floatx())


def countable(x: Array) -> Array:
    """Booleans as ``int32``."""
    return tf.cast(x, "int32") if x.dtype == tf.bool else x


def as_bool(x: Array) -> Array:
    """Whether each number is not 0."""
    return x if x.dtype == tf.bool else tf.not_equal(x, tf.zeros((), x.dtype))


@functools.cache
def promoted(one: str, other: str) -> str:
    """The dtype of what two arrays give together."""
    if one == other:
        return one
    floats = [name for name in (one, other) if "float" in name]
    if "complex" in one + other:
        return np.result_type(*(np.complex64 if name == "bfloat16" else np.dtype(name) for name in (one, other))).name
    if len(floats) == 1:
        return floats[0]
    if floats:
        return "float64" if "float64" in floats else "float32"
    found = np.result_type(one, other)
    if found.name in (one, other) or found.itemsize < 8:
        return found.name
    return "int32"  # for an unsigned number beside a signed one NumPy takes more bits than either has


def common_dtype(*values: Any) -> str:
    """The dtype in which tensors and Python numbers meet."""
    names = [value.dtype.name for value in values if isinstance(value, tf.Tensor)]
    found = functools.reduce(promoted, names)
    for value in (value for value in values if not isinstance(value, tf.Tensor)):
        if isinstance(value, complex):
            found = promoted(found, "complex64")
        elif isinstance(value, float) and not ("float" in found or "complex" in found):
            found = config.floatx()
        elif not isinstance(value, bool) and found == "bool":
            found = "int32"
    return found


def together(*values: Any) -> list[Array]:
    """Tensors and Python numbers as tensors of their common dtype."""
    dtype = common_dtype(*values)
    return [cast(value, dtype) if isinstance(value, tf.Tensor) else number(value, dtype) for value in values]


def together_as_floats(*values: Any) -> list[Array]:
    """As :func:`together`, with whole numbers as floats."""
    return [floating(value) for value in together(*values)]


def by_way_of(wide: str, function: Any, *tensors: Array) -> Array:
    """What a function gives for tensors of one dtype that it cannot take: computed in a wider one and brought back."""
    result = function(*[tf.cast(tensor, wide) for tensor in tensors])
    return as_bool(result) if tensors[0].dtype == tf.bool else tf.cast(result, tensors[0].dtype)


def asarray(x: Any, dtype: str | None = None) -> Array:
    """A tensor; see ``contract.asarray``."""
    if isinstance(x, (tf.Tensor, tf.Variable, tf.IndexedSlices)):
        x = tf.convert_to_tensor(x)
        return x if dtype is None else cast(x, checked(dtype))
    if isinstance(x, (list, tuple)) and common.holds(x, tf.Tensor):
        x = tf.stack([asarray(item) for item in x])
        return x if dtype is None else cast(x, checked(dtype))
    found = common.numbers(x)
    dtype = checked(dtype or common.usual_dtype(found))
    common.check_fits(found, dtype, "Pass `dtype='int64'`, or give them as floats.")
    with np.errstate(all="ignore"):
        found = found.astype(tf.as_dtype(dtype).as_numpy_dtype, copy=False)
    if tf.executing_eagerly():
        return tf.constant(found)  # a copy
    with tf.init_scope():  # concrete while a function is traced, too
        return tf.constant(found)


def as_tensors(tree: Any) -> list[Array]:
    """The leaves of a tree as tensors."""
    return [asarray(leaf) for leaf in trees.leaves(tree)]


def structure_of(tree: Any) -> Any:
    """The tree with numbers as leaves: what is kept of it to put another one together like it."""
    return trees.map(lambda _: 0, tree)
