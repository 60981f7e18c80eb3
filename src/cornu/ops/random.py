"""Random values as functions of a key: the same key yields the same values.

A key is two 32-bit words, as an array or a pair. An integer denotes the key ``(integer, 0)``, and None a key that no earlier
call has used (``cornu.seeds.next_key``). An object with a method ``next()``, such as a layer's seed generator, provides a key.
The values are of the backend of the key if that is an array, else of the default backend.

A key whose words are known, as in eager calls, seeds NumPy's generator on the host: the same key yields the same values on
every backend. Where a key is known only when a compiled function runs, the engine generates the values. The mask of
:func:`dropout` is always drawn by the engine, since it is as large as the activations of a layer.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from cornu import backends, seeds
from cornu.backends.contract import Backend
from cornu.dtypes import is_float
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.shape_checks import backend_of_sizes, check_axis, check_broadcast, check_sizes, shape_error
from cornu.ops.special import erfinv
from cornu.typing import Array, ArrayLike, DType, IntOrInts, Size
from cornu.validation import check_between, invalid_together, invalid_type, standardize_dtype


class _KeySource(Protocol):
    """An object that provides keys, such as a layer's seed generator."""

    def next(self) -> ArrayLike:
        """Return a new key."""
        ...


Seed: TypeAlias = int | ArrayLike | _KeySource | None
"""An integer, a key, an object that provides keys, or None for a new key."""


def _key(seed: Any, backend: Backend | None = None) -> tuple[Backend, Any]:
    """Return the backend of the values, and the key: a NumPy array if its words are known, else an array of the backend."""
    words = seed.next() if hasattr(seed, "next") else seed
    if words is None or isinstance(words, (int, np.integer)):
        words = seeds.key_from(None if words is None else int(words))
    if isinstance(words, (float, str, np.floating)):
        raise InvalidTypeError(
            f"`seed={words!r}` was given.",
            "It must be an integer, a `SeedGenerator` or None.",
            "Pass, for example, `seed=1`.",
        )
    if isinstance(words, (list, tuple)):
        backend = backend or backends.get()
        words = backend.asarray(np.array([int(word) % 2**32 for word in words], dtype="uint32"))
    backend = backend or backends.of(words)
    words = backend.asarray(words)
    return backend, words if backend.is_traced(words) else backend.to_numpy(words)


def _float_dtype(name: str, dtype: DType) -> str:
    """Return the name of a dtype; raise ``InvalidTypeError`` unless it is one of floats."""
    found = standardize_dtype(dtype)
    if not is_float(found):
        raise invalid_type(name, "dtype", found, "a floating-point dtype", "Cast the result to another dtype.")
    return found


def _is_known(key: Any, shape: tuple) -> bool:
    return isinstance(key, np.ndarray) and all(isinstance(size, int) for size in shape)


def _uniform(backend: Backend, key: Any, shape: tuple, dtype: str) -> Array:
    """Draw from the uniform distribution on [0, 1), on the host if the key and the shape are known."""
    if not _is_known(key, shape):
        return backend.random_uniform(backend.asarray(key), shape, dtype)
    if dtype == "bfloat16":  # which NumPy does not have, and rounding to it could yield 1
        return backend.asarray(np.floor(backends.get("numpy").random_uniform(key, shape, "float32") * 256) / 256, dtype)
    return backend.asarray(backends.get("numpy").random_uniform(key, shape, dtype), dtype)


def _normal(backend: Backend, key: Any, shape: tuple, dtype: str) -> Array:
    """Draw from the standard normal distribution, on the host if the key and the shape are known."""
    if not _is_known(key, shape):
        return backend.random_normal(backend.asarray(key), shape, dtype)
    drawn_as = "float32" if dtype == "bfloat16" else dtype
    return backend.asarray(backends.get("numpy").random_normal(key, shape, drawn_as), dtype)


@op
def uniform(
    shape: IntOrInts, minval: Array | float = 0.0, maxval: Array | float = 1.0, dtype: DType = None, seed: Seed = None
) -> Array:
    """Draw samples from the uniform distribution on ``[minval, maxval)``: ``minval + (maxval - minval) * u``.

    Args:
        shape: Tuple of integers, shape of the result.
        minval: Lower bound (included). Defaults to 0.0.
        maxval: Upper bound (not included). Defaults to 1.0.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Example:
        >>> from cornu import ops
        >>> bool(ops.all(ops.random.uniform((3,), seed=1) < 1.0))
        True
    """
    backend, key = _key(seed, backend_of_sizes(shape))
    drawn = _uniform(backend, key, check_sizes(shape), _float_dtype("uniform", dtype))
    return _scaled(backend, drawn, _difference(maxval, minval), minval)


def _difference(high: Array | float, low: Array | float) -> Any:
    return high - low


def _scaled(backend: Backend, drawn: Array, scale: Array | float, shift: Array | float) -> Array:
    if not (isinstance(scale, (int, float)) and scale == 1):
        drawn = backend.multiply(drawn, scale)
    return drawn if isinstance(shift, (int, float)) and shift == 0 else backend.add(drawn, shift)


@op
def normal(
    shape: IntOrInts, mean: Array | float = 0.0, stddev: Array | float = 1.0, dtype: DType = None, seed: Seed = None
) -> Array:
    """Draw samples from the normal distribution: ``mean + stddev * z``, with ``z`` standard normal.

    Args:
        shape: Tuple of integers, shape of the result.
        mean: Mean of the distribution. Defaults to 0.0.
        stddev: Standard deviation of the distribution. Defaults to 1.0.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Example:
        >>> from cornu import ops
        >>> ops.random.normal((2, 3), seed=1).shape
        (2, 3)
    """
    backend, key = _key(seed, backend_of_sizes(shape))
    return _scaled(backend, _normal(backend, key, check_sizes(shape), _float_dtype("normal", dtype)), stddev, mean)


@op
def truncated_normal(
    shape: IntOrInts, mean: Array | float = 0.0, stddev: Array | float = 1.0, dtype: DType = None, seed: Seed = None
) -> Array:
    """Draw samples from the normal distribution, truncated at two standard deviations from the mean.

    The samples are computed by the inverse of the distribution function, ``mean + stddev * sqrt(2) * erfinv(u)``, with ``u``
    uniform on ``[-erf(sqrt(2)), erf(sqrt(2)))``. (See :func:`normal` for the arguments.)

    Example:
        >>> from cornu import ops
        >>> bool(ops.all(ops.abs(ops.random.truncated_normal((100,), seed=1)) <= 2.0))
        True
    """
    backend, key = _key(seed, backend_of_sizes(shape))
    dtype = _float_dtype("truncated_normal", dtype)
    part = _uniform(backend, key, check_sizes(shape), "float64" if dtype == "float64" else "float32")
    edge = math.erf(math.sqrt(2))
    drawn = backend.multiply(erfinv(backend.multiply(backend.subtract(backend.multiply(part, 2.0), 1.0), edge)), math.sqrt(2))
    drawn = backend.minimum(backend.maximum(drawn, -2.0), 2.0)
    return _scaled(backend, backend.cast(drawn, dtype), stddev, mean)


@op
def randint(shape: IntOrInts, minval: int, maxval: int, dtype: DType = "int32", seed: Seed = None) -> Array:
    """Draw integers uniformly from ``[minval, maxval)`` (up to a bias of one part in 2**32, times the size of the range).

    Args:
        shape: Tuple of integers, shape of the result.
        minval: Integer, lower bound (included).
        maxval: Integer, upper bound (not included), at most ``minval + 2**31``.
        dtype: Dtype of the result. Defaults to ``"int32"``.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Raises:
        InvalidArgumentError: If the range is empty or too large.

    Example:
        >>> from cornu import ops
        >>> sorted(set(ops.random.randint((100,), 2, 4, seed=1).tolist()))
        [2, 3]
    """
    span = int(maxval) - int(minval)
    if not 0 < span <= 2**31:
        expected = "The range must contain at least one and at most 2**31 integers."
        hint = "Pass a `maxval` larger than `minval`."
        raise invalid_together("randint", {"minval": minval, "maxval": maxval}, expected, hint)
    backend, key = _key(seed, backend_of_sizes(shape))
    words = _uniform(backend, key, (2, *check_sizes(shape)), "float32")  # 16 bits of each word, since a float32 has only 24
    words = backend.cast(backend.floor(backend.multiply(words, 2.0**16)), "uint32")
    high, low = backend.getitem(words, 0), backend.getitem(words, 1)
    number = backend.add(backend.multiply(high, 2**16), low)
    drawn = backend.cast(backend.remainder(number, backend.asarray(np.uint32(span))), "int32")
    return backend.cast(backend.add(drawn, int(minval)), standardize_dtype(dtype))


@op
def bernoulli(shape: IntOrInts, probability: ArrayLike = 0.5, dtype: DType = "bool", seed: Seed = None) -> Array:
    """Draw samples from the Bernoulli distribution: True with the given probability, else False.

    Args:
        shape: Tuple of integers, shape of the result.
        probability: Float between 0 and 1, or array that broadcasts to the shape. Defaults to 0.5.
        dtype: Dtype of the result. Defaults to ``"bool"``.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Example:
        >>> from cornu import ops
        >>> ops.random.bernoulli((2,), 1.0, seed=1).tolist()
        [True, True]
    """
    backend, key = _key(seed, backend_of_sizes(shape))
    drawn = backend.less(_uniform(backend, key, check_sizes(shape), "float32"), probability)
    return backend.cast(drawn, standardize_dtype(dtype))


@op
def categorical(logits: ArrayLike, num_samples: int, dtype: DType = "int32", seed: Seed = None) -> Array:
    """Draw class indices with the probabilities ``softmax(logits)``.

    The samples are ``argmax(logits - log(-log(u)))``, with ``u`` uniform on ``[0, 1)`` (the Gumbel-max method).

    Args:
        logits: Array-like of shape ``(batch, classes)``.
        num_samples: Integer, number of samples for each row.
        dtype: Dtype of the result. Defaults to ``"int32"``.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Returns:
        Array of shape ``(batch, num_samples)``.

    Example:
        >>> from cornu import ops
        >>> ops.random.categorical([[0.0, 1000.0]], 3, seed=1).tolist()
        [[1, 1, 1]]
    """
    backend, logits = floats(logits)
    if len(logits.shape) != 2:
        raise shape_error(
            "categorical", logits.shape, "`logits` must have the shape `(batch, classes)`.", "For one row, pass `logits[None]`."
        )
    [num_samples] = check_sizes(num_samples, "num_samples")
    batch, classes = backend.shape(logits)
    backend, key = _key(seed, backend)
    part = backend.maximum(_uniform(backend, key, (batch, num_samples, classes), backend.dtype(logits)), 1e-30)
    noise = backend.negative(backend.log(backend.negative(backend.log(part))))
    drawn = backend.argmax(backend.add(noise, backend.reshape(logits, (batch, 1, classes))), 2)
    return backend.cast(drawn, standardize_dtype(dtype))


@op
def dropout(inputs: ArrayLike, rate: float, noise_shape: Sequence[Size] | None = None, seed: Seed = None) -> Array:
    """Set random elements to 0 and scale the others by ``1 / (1 - rate)``, preserving the mean (Srivastava et al., 2014).

    Args:
        inputs: Array-like.
        rate: Float between 0 and 1, probability that an element is set to 0.
        noise_shape: Tuple of integers, shape of the random mask, which broadcasts to ``inputs``; None as a size denotes the
            size of ``inputs``. Defaults to None (the shape of ``inputs``).
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Raises:
        InvalidArgumentError: If the rate is not between 0 and 1.

    Example:
        >>> from cornu import ops
        >>> sorted(set(ops.random.dropout(ops.ones((100,)), 0.5, seed=1).tolist()))
        [0.0, 2.0]
    """
    check_between("dropout", "rate", rate)
    backend, x = floats(inputs)
    if rate == 0:
        return x
    if rate == 1:
        return backend.full(backend.shape(x), 0, backend.dtype(x))
    backend, key = _key(seed, backend)
    shape = backend.shape(x)
    if noise_shape is not None:
        shape = tuple(size if wanted is None else int(wanted) for wanted, size in zip(noise_shape, shape, strict=True))
    kept = backend.greater_equal(backend.random_uniform(backend.asarray(key), shape, "float32"), rate)
    return backend.where(kept, backend.divide(x, 1.0 - rate), 0.0)


@op
def shuffle(x: ArrayLike, axis: int = 0, seed: Seed = None) -> Array:
    """Return the slices of an array along an axis in random order.

    Args:
        x: Array-like.
        axis: Integer, the axis along which to shuffle. Defaults to 0.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Example:
        >>> from cornu import ops
        >>> sorted(ops.random.shuffle([1, 2, 3], seed=1).tolist())
        [1, 2, 3]
    """
    backend, x = arrays(x)
    place = check_axis(axis, x.shape)
    backend, key = _key(seed, backend)
    order = backend.argsort(_uniform(backend, key, (backend.shape(x)[place],), "float32"), 0)
    return backend.take(x, order, place)


# --- Distributions with parameters ------------------------------------------------------------------------------------

_TRIES = 8
"""How many values one of a gamma distribution is chosen from: each is accepted with a probability of more than 0.95."""


_Parameter: TypeAlias = tuple[ArrayLike, Callable[[np.ndarray], np.ndarray], str]
"""The value of a parameter, whether its elements are valid, and what they must be."""


def _positive(value: ArrayLike) -> _Parameter:
    return value, lambda x: (x > 0) & np.isfinite(x), "positive"


def _known_values(name: str, argument: str, shape: tuple, parameter: _Parameter) -> Any:
    """Return a parameter of a distribution as a NumPy array if it is known, else as it is.

    Raises:
        InvalidArgumentError: If an element is not valid.
        ShapeError: If it does not broadcast to the shape.
    """
    value, is_valid, text = parameter
    backend, array = arrays(value)
    if all(isinstance(size, int) for size in shape) and check_broadcast(name, shape, tuple(array.shape)) != shape:
        raise ShapeError(
            f"`{name}` received `shape={shape}` and `{argument}` of shape {tuple(array.shape)}.",
            "The parameters must broadcast to the shape of the result.",
            "Pass a larger shape.",
        )
    if backend.is_traced(array):
        return array
    known = backend.to_numpy(array)
    if not is_valid(known).all():
        raise InvalidArgumentError(
            f"`{name}` received `{argument}` with values from {known.min():g} to {known.max():g}.",
            f"They must be {text}.",
            f"Check how `{argument}` was computed.",
        )
    return known


def _drawn(name: str, shape: IntOrInts, dtype: DType, seed: Seed, parameters: dict[str, _Parameter], derive: Callable) -> Array:
    """Draw from a distribution by the method of NumPy's generator, or by another function where something is not known yet.

    Args:
        name: Name of the op.
        shape, dtype, seed: Arguments of the op.
        parameters: The parameters, in the order in which both functions take them.
        derive: Callable of the backend, the key, the shape and the parameters that returns the values.

    Raises:
        InvalidTypeError: If the dtype is not a floating-point one.
    """
    dtype, sizes = _float_dtype(name, dtype), check_sizes(shape)
    values = [_known_values(name, argument, sizes, parameter) for argument, parameter in parameters.items()]
    own = [value for value, _, _ in parameters.values() if backends.owner(value) is not None]
    backend, key = _key(seed, backend_of_sizes(shape) or (backends.of(*own) if own else None))
    if _is_known(key, sizes) and all(isinstance(value, np.ndarray) for value in values):
        generator = np.random.Generator(np.random.Philox(key=key.astype("uint64")))
        method: Callable = getattr(generator, "standard_gamma" if name == "gamma" else name)
        kinds = ["int64" if argument == "counts" else "float64" for argument in parameters]
        given = (value.astype(kind) for value, kind in zip(values, kinds, strict=True))
        return backend.asarray(np.asarray(method(*given, sizes)), dtype)
    wide = "float64" if dtype == "float64" else "float32"
    parts = [backend.stop_gradient(backend.cast(backend.asarray(value), wide)) for value in values]
    drawn = derive(backend, backend.asarray(key), sizes, *(backend.broadcast_to(part, sizes) for part in parts))
    return backend.cast(drawn, dtype)


def _log_gamma(backend: Backend, key: Array, shape: tuple, alpha: Array) -> Array:
    """Draw logarithms of values of the gamma distribution, those of small parameters are far below 0.

    A value for ``alpha + 1`` by the method of Marsaglia and Tsang, 2000, A Simple Method for Generating Gamma Variables, the
    first accepted of several, times ``u**(1 / alpha)``.
    """
    dtype = backend.dtype(alpha)
    normal = backend.random_normal(backend.fold_in(key, 1), (_TRIES, *shape), dtype)
    uniform = backend.maximum(backend.random_uniform(backend.fold_in(key, 2), (_TRIES, *shape), dtype), 1e-30)
    power = backend.maximum(backend.random_uniform(backend.fold_in(key, 3), shape, dtype), 1e-30)
    d = backend.add(alpha, 2 / 3)
    root = backend.add(backend.divide(normal, backend.multiply(backend.sqrt(d), 3.0)), 1.0)
    log_v = backend.multiply(backend.log(backend.maximum(root, 1e-30)), 3.0)
    v = backend.exp(log_v)
    bound = backend.add(backend.multiply(backend.square(normal), 0.5), backend.multiply(d, 1.0 - v + log_v))
    accepted = backend.logical_and(backend.greater(root, 0.0), backend.less(backend.log(uniform), bound))
    first = backend.argmax(backend.cast(accepted, "int32"), 0)
    chosen = backend.take_along_axis(log_v, backend.reshape(first, (1, *backend.shape(first))), 0)
    log_d = backend.add(backend.log(d), backend.divide(backend.log(power), alpha))
    return backend.add(backend.reshape(chosen, shape), log_d)


def _gamma(backend: Backend, key: Array, shape: tuple, alpha: Array) -> Array:
    return backend.exp(_log_gamma(backend, key, shape, alpha))


def _beta(backend: Backend, key: Array, shape: tuple, alpha: Array, beta: Array) -> Array:
    """Draw ``x / (x + y)`` with ``x`` and ``y`` from gamma distributions."""
    x, y = (_log_gamma(backend, backend.fold_in(key, 4 + i), shape, part) for i, part in enumerate((alpha, beta)))
    return backend.sigmoid(backend.subtract(x, y))


def _binomial(backend: Backend, key: Array, shape: tuple, counts: Array, probabilities: Array) -> Array:
    """Draw the number of uniform values below ``p``, by halving their number in each step.

    The median ``b`` of the remaining ``n`` values has a beta distribution; the half below it, or that above it, lies on one
    side of ``p``. Source: Devroye, 1986, Non-Uniform Random Variate Generation, chapter X.4.3.
    """

    def is_left(state: Any) -> Array:
        return backend.any(backend.greater(state[1], 0.0))

    def step(state: Any) -> tuple:
        number, n, p, below = state
        half = backend.floor(backend.multiply(backend.add(n, 1.0), 0.5))
        rest = backend.subtract(backend.add(n, 1.0), half)
        b = _beta(backend, backend.fold_in(key, number), shape, backend.maximum(half, 1.0), backend.maximum(rest, 1.0))
        is_below, is_done = backend.less_equal(b, p), backend.less_equal(n, 0.0)
        inside = backend.where(is_below, backend.divide(p - b, backend.maximum(1.0 - b, 1e-30)), p / backend.maximum(b, 1e-30))
        after = backend.where(is_below, backend.subtract(n, half), backend.subtract(half, 1.0))
        more = backend.where(backend.logical_or(is_done, backend.logical_not(is_below)), below, backend.add(below, half))
        return backend.add(number, 1), backend.where(is_done, 0.0, after), inside, more

    start = (backend.asarray(0, "int32"), backend.floor(counts), probabilities, backend.multiply(counts, 0.0))
    return backend.while_loop(is_left, step, start)[3]


@op
def gamma(shape: IntOrInts, alpha: ArrayLike, dtype: DType = None, seed: Seed = None) -> Array:
    """Draw samples from the gamma distribution with the density ``x**(alpha - 1) * exp(-x) / gamma(alpha)``.

    Args:
        shape: Tuple of integers, shape of the result.
        alpha: Positive float, or array that broadcasts to the shape. It has no gradient.
        dtype: Floating-point dtype of the result. Defaults to ``config.floatx()``.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Raises:
        InvalidArgumentError: If ``alpha`` is not positive.
        ShapeError: If it does not broadcast to the shape.

    Example:
        >>> from cornu import ops
        >>> bool(ops.all(ops.random.gamma((3,), 2.0, seed=1) > 0))
        True
    """
    return _drawn("gamma", shape, dtype, seed, {"alpha": _positive(alpha)}, _gamma)


@op
def beta(shape: IntOrInts, alpha: ArrayLike, beta: ArrayLike, dtype: DType = None, seed: Seed = None) -> Array:
    """Draw samples from the beta distribution, with a density proportional to ``x**(alpha - 1) * (1 - x)**(beta - 1)``.

    Args:
        shape: Tuple of integers, shape of the result.
        alpha, beta: Positive floats, or arrays that broadcast to the shape. They have no gradient.
        dtype: Floating-point dtype of the result. Defaults to ``config.floatx()``.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Raises:
        InvalidArgumentError: If a parameter is not positive.
        ShapeError: If one does not broadcast to the shape.

    Example:
        >>> from cornu import ops
        >>> bool(ops.all(ops.random.beta((3,), 0.5, 2.0, seed=1) <= 1))
        True
    """
    return _drawn("beta", shape, dtype, seed, {"alpha": _positive(alpha), "beta": _positive(beta)}, _beta)


@op
def binomial(shape: IntOrInts, counts: ArrayLike, probabilities: ArrayLike, dtype: DType = None, seed: Seed = None) -> Array:
    """Draw samples from the binomial distribution: the number of successes among independent trials.

    Args:
        shape: Tuple of integers, shape of the result.
        counts: Number of trials, or array of them that broadcasts to the shape.
        probabilities: Probability of success, or array of them that broadcasts to the shape.
        dtype: Floating-point dtype of the result. Defaults to ``config.floatx()``.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.

    Raises:
        InvalidArgumentError: If a count is negative, or a probability is not between 0 and 1.
        ShapeError: If a parameter does not broadcast to the shape.

    Example:
        >>> from cornu import ops
        >>> ops.random.binomial((2,), 5, 1.0, seed=1).tolist()
        [5.0, 5.0]
    """
    parameters: dict[str, _Parameter] = {
        "counts": (counts, lambda x: (x >= 0) & (x == np.floor(x)) & np.isfinite(x), "integers of at least 0"),
        "probabilities": (probabilities, lambda x: (x >= 0) & (x <= 1), "from 0 to 1"),
    }
    return _drawn("binomial", shape, dtype, seed, parameters, _binomial)
