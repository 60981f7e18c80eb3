"""Random numbers as functions of a key: the same key gives the same numbers.

A key is two 32-bit words, as an array or a pair; a whole number stands for the key ``(number, 0)``, and None for one that no
earlier call had (``cornu.seeds.next_key``). A thing with a method ``next()``, such as a layer's seed generator, is asked for a
key. The numbers come from the backend of the key if it is an array, else from the default one.
"""

import math
from types import ModuleType
from typing import Any

import numpy as np

from cornu import backends, seeds
from cornu.backends.contract import Array
from cornu.errors import InvalidArgumentError
from cornu.ops.checks import check_axis
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.dtypes import standardize_dtype
from cornu.ops.elementwise import erfinv


def _key(seed: Any, backend: ModuleType | None = None) -> tuple[ModuleType, Array]:
    """The backend that draws, and the key as its array."""
    words = seed.next() if hasattr(seed, "next") else seed
    if words is None or isinstance(words, (int, np.integer)):
        words = seeds.key_from(None if words is None else int(words))
    if isinstance(words, (list, tuple)):
        words = tuple(int(word) % 2**32 for word in words)
        backend = backend or backends.get()
        return backend, backend.asarray(np.array(words, dtype="uint32"))
    backend = backend or backends.of(words)
    return backend, backend.asarray(words)


def _sizes(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if np.ndim(shape) == 0 else tuple(int(size) for size in shape)


@op
def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Numbers from the uniform distribution: each between two bounds is as likely as any other.

    Args:
        shape: Shape of the result.
        minval: The lower bound, which may occur.
        maxval: The upper bound, which does not.
        dtype: Default ``config.floatx()``.
        seed: The key.

    Example:
        >>> from cornu import ops
        >>> bool(ops.all(ops.random.uniform((3,), seed=1) < 1.0))
        True
    """
    backend, key = _key(seed)
    drawn = backend.random_uniform(key, _sizes(shape), standardize_dtype(dtype))
    return _scaled(backend, drawn, _difference(maxval, minval), minval)


def _difference(high: Any, low: Any) -> Any:
    return high - low


def _scaled(backend: ModuleType, drawn: Array, scale: Any, shift: Any) -> Array:
    if not (isinstance(scale, (int, float)) and scale == 1):
        drawn = backend.multiply(drawn, scale)
    return drawn if isinstance(shift, (int, float)) and shift == 0 else backend.add(drawn, shift)


@op
def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Numbers from the normal distribution.

    Args:
        shape: Shape of the result.
        mean: Mean of the distribution.
        stddev: Its standard deviation.
        dtype: Default ``config.floatx()``.
        seed: The key.

    Example:
        >>> from cornu import ops
        >>> ops.random.normal((2, 3), seed=1).shape
        (2, 3)
    """
    backend, key = _key(seed)
    return _scaled(backend, backend.random_normal(key, _sizes(shape), standardize_dtype(dtype)), stddev, mean)


@op
def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Numbers from the normal distribution, none farther from the mean than two deviations.

    Drawn by the inverse of the distribution, ``sqrt(2) * erfinv(u)``. (See :func:`normal` for the arguments.)

    Example:
        >>> from cornu import ops
        >>> bool(ops.all(ops.abs(ops.random.truncated_normal((100,), seed=1)) <= 2.0))
        True
    """
    backend, key = _key(seed)
    dtype = standardize_dtype(dtype)
    part = backend.random_uniform(key, _sizes(shape), "float64" if dtype == "float64" else "float32")
    edge = math.erf(math.sqrt(2))
    drawn = backend.multiply(erfinv(backend.multiply(backend.subtract(backend.multiply(part, 2.0), 1.0), edge)), math.sqrt(2))
    drawn = backend.minimum(backend.maximum(drawn, -2.0), 2.0)
    return _scaled(backend, backend.cast(drawn, dtype), stddev, mean)


@op
def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Array:
    """Whole numbers, each of a range as likely as any other (to one part in 2**32, times the size of the range).

    Args:
        shape: Shape of the result.
        minval: The lower bound, which may occur.
        maxval: The upper bound, which does not; at most 2**31 above it.
        dtype: Dtype of the result.
        seed: The key.

    Raises:
        InvalidArgumentError: The range is empty or too large.

    Example:
        >>> from cornu import ops
        >>> sorted(set(ops.random.randint((100,), 2, 4, seed=1).tolist()))
        [2, 3]
    """
    span = int(maxval) - int(minval)
    if not 0 < span <= 2**31:
        raise InvalidArgumentError(
            f"`minval={minval}` and `maxval={maxval}` were given.",
            "The range must hold at least one number and at most 2**31.",
            "Make `maxval` larger than `minval`.",
        )
    backend, key = _key(seed)
    words = backend.random_uniform(key, (2, *_sizes(shape)), "float32")  # 16 bits of each, since a float32 has only 24
    words = backend.cast(backend.floor(backend.multiply(words, 2.0**16)), "uint32")
    high, low = backend.getitem(words, 0), backend.getitem(words, 1)
    number = backend.add(backend.multiply(high, 2**16), low)
    drawn = backend.cast(backend.remainder(number, backend.asarray(np.uint32(span))), "int32")
    return backend.cast(backend.add(drawn, int(minval)), standardize_dtype(dtype))


@op
def bernoulli(shape: Any, probability: Any = 0.5, dtype: Any = "bool", seed: Any = None) -> Array:
    """True with some probability, else False.

    Args:
        shape: Shape of the result.
        probability: The probability, or an array of them that broadcasts to the shape.
        dtype: Dtype of the result.
        seed: The key.

    Example:
        >>> from cornu import ops
        >>> ops.random.bernoulli((2,), 1.0, seed=1).tolist()
        [True, True]
    """
    backend, key = _key(seed)
    drawn = backend.less(backend.random_uniform(key, _sizes(shape), "float32"), probability)
    return backend.cast(drawn, standardize_dtype(dtype))


@op
def categorical(logits: Array, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Array:
    """Class numbers drawn with the probabilities ``softmax(logits)`` (by Gumbel's trick).

    Args:
        logits: Of shape ``(batch, classes)``.
        num_samples: How many to draw for each row.
        dtype: Dtype of the result.
        seed: The key.

    Returns:
        Of shape ``(batch, num_samples)``.

    Example:
        >>> from cornu import ops
        >>> ops.random.categorical([[0.0, 1000.0]], 3, seed=1).tolist()
        [[1, 1, 1]]
    """
    backend, logits = floats(logits)
    batch, classes = logits.shape
    backend, key = _key(seed, backend)
    part = backend.maximum(backend.random_uniform(key, (batch, num_samples, classes), backend.dtype(logits)), 1e-30)
    noise = backend.negative(backend.log(backend.negative(backend.log(part))))
    drawn = backend.argmax(backend.add(noise, backend.reshape(logits, (batch, 1, classes))), 2)
    return backend.cast(drawn, standardize_dtype(dtype))


@op
def dropout(inputs: Array, rate: float, noise_shape: Any = None, seed: Any = None) -> Array:
    """The array with a part of its numbers set to 0, the others made larger so that the mean stays (Srivastava et al., 2014).

    Args:
        inputs: An array.
        rate: The probability of 0 for each number, from 0 to 1.
        noise_shape: Shape of the choices, which broadcast to ``inputs``; None in it stands for the size of ``inputs`` there.
        seed: The key.

    Raises:
        InvalidArgumentError: The rate is not between 0 and 1.

    Example:
        >>> from cornu import ops
        >>> sorted(set(ops.random.dropout(ops.ones((100,)), 0.5, seed=1).tolist()))
        [0.0, 2.0]
    """
    if not 0 <= rate <= 1:
        raise InvalidArgumentError(f"`rate={rate!r}` was given.", "It must lie between 0 and 1.", "Pass a part, such as 0.5.")
    backend, x = floats(inputs)
    if rate == 0:
        return x
    if rate == 1:
        return backend.full(tuple(x.shape), 0, backend.dtype(x))
    backend, key = _key(seed, backend)
    shape = tuple(x.shape)
    if noise_shape is not None:
        shape = tuple(size if wanted is None else int(wanted) for wanted, size in zip(noise_shape, shape, strict=True))
    kept = backend.greater_equal(backend.random_uniform(key, shape, "float32"), rate)
    return backend.where(kept, backend.divide(x, 1.0 - rate), 0.0)


@op
def shuffle(x: Array, axis: int = 0, seed: Any = None) -> Array:
    """The parts of an array along an axis in a random order.

    Example:
        >>> from cornu import ops
        >>> sorted(ops.random.shuffle([1, 2, 3], seed=1).tolist())
        [1, 2, 3]
    """
    backend, x = arrays(x)
    place = check_axis(axis, x.shape)
    backend, key = _key(seed, backend)
    order = backend.argsort(backend.random_uniform(key, (x.shape[place],), "float32"), 0)
    return backend.take(x, order, place)
