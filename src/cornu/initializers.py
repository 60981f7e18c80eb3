"""First values of weights, drawn on the host: the same seed gives the same weights on every backend.

Each initializer is a small object that is called with a shape. Numbers come from NumPy's Philox generator, whose key is the
two words of ``cornu.seeds``. Without a ``seed`` of its own, an initializer draws something new at each call; with one, it draws
the same each time.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import config, registry, seeds
from cornu.errors import InvalidArgumentError, ShapeError, one_of

Shape = Sequence[int]

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")
_TRUNCATION = 2.0
_TRUNCATED_STDDEV = 0.87962566103423978  # deviation of the standard normal distribution cut off at two deviations


class Initializer(registry.Configurable):
    """The base of all initializers. Write one of your own by overriding :meth:`__call__`.

    Example:
        >>> import numpy as np
        >>> from cornu.initializers import Initializer
        >>> class Half(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return np.full(shape, 0.5, dtype=dtype)
        >>> Half()((2,), dtype="float32").tolist()
        [0.5, 0.5]
    """

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """The first values of a weight.

        Args:
            shape: Shape of the weight.
            dtype: Name of the dtype; default ``config.floatx()``. For ``"bfloat16"``, which NumPy does not have, the values
                come as ``float32`` and are rounded by whoever asked.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `__call__(shape, dtype=None)`.")

    def clone(self) -> "Initializer":
        """A new initializer with the same arguments."""
        return type(self).from_config(self.get_config())


def _finish(values: Any, dtype: str | None) -> np.ndarray:
    """Values in the dtype that was asked for; as ``float32`` for ``bfloat16``, which NumPy does not have."""
    dtype = dtype or config.floatx()
    return np.asarray(values, dtype="float32" if dtype == "bfloat16" else dtype)


# --- Constants --------------------------------------------------------------------------------------------------------


class Zeros(Initializer):
    """All zeros.

    Example:
        >>> from cornu.initializers import Zeros
        >>> Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Zeros of this shape."""
        return _finish(np.zeros(shape, dtype="float32"), dtype)


class Ones(Initializer):
    """All ones.

    Example:
        >>> from cornu.initializers import Ones
        >>> Ones()((2,)).tolist()
        [1.0, 1.0]
    """

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Ones of this shape."""
        return _finish(np.ones(shape, dtype="float32"), dtype)


class Constant(Initializer):
    """One value everywhere.

    Args:
        value: A number, or numbers that broadcast to the shape.

    Example:
        >>> from cornu.initializers import Constant
        >>> Constant(3.0)((2,)).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """The value, repeated to this shape."""
        return _finish(np.full(tuple(shape), self.value), dtype)


class Identity(Initializer):
    """Ones on the diagonal of a matrix, zeros elsewhere.

    Args:
        gain: What stands on the diagonal.

    Raises:
        ShapeError: When called with a shape that is not that of a matrix.

    Example:
        >>> from cornu.initializers import Identity
        >>> Identity(gain=2.0)((2, 2)).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """The identity matrix of this shape, times the gain."""
        if len(shape) != 2:
            raise ShapeError(
                f"`Identity` was asked for a weight of shape {tuple(shape)}.",
                "It can only make matrices: shapes of two sizes.",
                "Use another initializer for this weight.",
            )
        return _finish(self.gain * np.eye(shape[0], shape[1]), dtype)


# --- Random numbers ---------------------------------------------------------------------------------------------------


class RandomInitializer(Initializer):
    """The base of initializers that draw random numbers: it holds the seed.

    Args:
        seed: A whole number, or None to draw something new at each call.

    Raises:
        InvalidArgumentError: The seed is neither.

    Example:
        >>> from cornu.initializers import RandomNormal
        >>> bool((RandomNormal(seed=1)((3,)) == RandomNormal(seed=1)((3,))).all())
        True
    """

    def __init__(self, seed: int | None = None):
        if seed is not None and (isinstance(seed, bool) or not hasattr(seed, "__index__")):
            raise InvalidArgumentError(
                f"`seed={seed!r}` was given to `{type(self).__name__}`.",
                "It must be a whole number or None.",
                "Pass a number such as `seed=42`.",
            )
        self.seed = seed

    def _generator(self) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=np.array(seeds.key_from(self.seed), dtype="uint64")))

    def _normal(self, shape: Shape, mean: float, stddev: float, dtype: str | None) -> np.ndarray:
        values = self._generator().standard_normal(tuple(shape), dtype=_drawn_as(dtype))
        return _finish(mean + stddev * values, dtype)

    def _truncated_normal(self, shape: Shape, mean: float, stddev: float, dtype: str | None) -> np.ndarray:
        """A normal distribution without what lies further than two deviations from its mean: such numbers are drawn again."""
        generator, drawn_as = self._generator(), _drawn_as(dtype)
        values = np.atleast_1d(generator.standard_normal(tuple(shape), dtype=drawn_as))
        while (outside := np.abs(values) > _TRUNCATION).any():
            values[outside] = generator.standard_normal(int(outside.sum()), dtype=drawn_as)
        return _finish(mean + stddev * values.reshape(tuple(shape)), dtype)

    def _uniform(self, shape: Shape, low: float, high: float, dtype: str | None) -> np.ndarray:
        values = self._generator().random(tuple(shape), dtype=_drawn_as(dtype))
        return _finish(low + (high - low) * values, dtype)


def _drawn_as(dtype: str | None) -> Any:
    """NumPy draws in two types; the smaller ones are rounded from ``float32``."""
    return np.float64 if (dtype or config.floatx()) == "float64" else np.float32


class RandomNormal(RandomInitializer):
    """Numbers from a normal distribution.

    Args:
        mean: Its mean.
        stddev: Its standard deviation.
        seed: A whole number, or None to draw something new at each call.

    Example:
        >>> from cornu.initializers import RandomNormal
        >>> RandomNormal(stddev=0.1, seed=1)((3, 4)).shape
        (3, 4)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Numbers of this shape."""
        return self._normal(shape, self.mean, self.stddev, dtype)


class RandomUniform(RandomInitializer):
    """Numbers from a uniform distribution.

    Args:
        minval: The smallest number.
        maxval: What all numbers stay below.
        seed: A whole number, or None to draw something new at each call.

    Example:
        >>> from cornu.initializers import RandomUniform
        >>> bool((RandomUniform(0.0, 1.0)((100,)) < 1).all())
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Numbers of this shape."""
        return self._uniform(shape, self.minval, self.maxval, dtype)


class TruncatedNormal(RandomInitializer):
    """Numbers from a normal distribution; those more than two ``stddev`` from the mean are drawn again.

    Args:
        mean: Mean of the distribution.
        stddev: Standard deviation before the cut (after it, 0.88 times that).
        seed: A whole number, or None to draw something new at each call.

    Example:
        >>> from cornu.initializers import TruncatedNormal
        >>> bool((abs(TruncatedNormal(stddev=1.0)((100,))) <= 2).all())
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Numbers of this shape."""
        return self._truncated_normal(shape, self.mean, self.stddev, dtype)


class VarianceScaling(RandomInitializer):
    """Random numbers whose variance is ``scale`` divided by the number of inputs or outputs of a unit.

    Args:
        scale: A positive number.
        mode: What to divide by: ``"fan_in"`` (inputs), ``"fan_out"`` (outputs) or ``"fan_avg"`` (the mean of both).
        distribution: ``"truncated_normal"`` (also called ``"normal"``), ``"untruncated_normal"`` or ``"uniform"``.
        seed: A whole number, or None to draw something new at each call.
        input_axes: Axes of the weight that count inputs, if the shape alone does not tell (see :func:`compute_fans`).
        output_axes: Axes of the weight that count outputs.

    Raises:
        InvalidArgumentError: ``scale`` is not positive, or ``mode`` or ``distribution`` is unknown.

    Example:
        >>> from cornu.initializers import VarianceScaling
        >>> kernel = VarianceScaling(scale=2.0, mode="fan_out", distribution="uniform", seed=0)((8, 50))
        >>> bool(abs(kernel).max() <= (3 * 2.0 / 50) ** 0.5)
        True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(seed)
        if not scale > 0:
            raise InvalidArgumentError(f"`scale={scale!r}` was given.", "It must be a positive number.", "Pass `scale=1.0`.")
        if mode not in _MODES:
            raise one_of("mode", mode, _MODES)
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in _DISTRIBUTIONS:
            raise one_of("distribution", distribution, _DISTRIBUTIONS)
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Numbers of this shape."""
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        if self.distribution == "uniform":
            limit = math.sqrt(3) * stddev
            return self._uniform(shape, -limit, limit, dtype)
        if self.distribution == "untruncated_normal":
            return self._normal(shape, 0.0, stddev, dtype)
        return self._truncated_normal(shape, 0.0, stddev / _TRUNCATED_STDDEV, dtype)


def compute_fans(
    shape: Shape, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs feed one output of a weight, and how many outputs one input feeds.

    Args:
        shape: ``(inputs, outputs)``, the kernel of a convolution ``(*window, inputs, outputs)``, or fewer axes.
        input_axes: The axes that count inputs, if they are others; both or none of the two are given.
        output_axes: The axes that count outputs.

    Returns:
        ``(fan_in, fan_out)``.

    Example:
        >>> from cornu.initializers import compute_fans
        >>> compute_fans((3, 3, 16, 32))
        (144, 288)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 2:
        return (int(shape[0]), int(shape[0])) if len(shape) else (1, 1)
    window = math.prod(shape[:-2])
    return int(window * shape[-2]), int(window * shape[-1])


class _Scaled(VarianceScaling):
    """A named choice of :class:`VarianceScaling`."""

    _choice: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(*self._choice, seed=seed, input_axes=input_axes, output_axes=output_axes)


class GlorotUniform(_Scaled):
    """Uniform in ``[-limit, limit)`` with ``limit = sqrt(6 / (fan_in + fan_out))``. Keras's default for kernels.

    Also called Xavier. Args: ``seed``, ``input_axes`` and ``output_axes`` as in :class:`VarianceScaling`.
    Source: Glorot and Bengio, 2010, https://proceedings.mlr.press/v9/glorot10a.html

    Example:
        >>> from cornu.initializers import GlorotUniform
        >>> bool(abs(GlorotUniform(seed=0)((3, 3))).max() <= 1)
        True
    """

    _choice = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal with deviation ``sqrt(2 / (fan_in + fan_out))``.

    Args: ``seed``, ``input_axes`` and ``output_axes`` as in :class:`VarianceScaling`. Source: see :class:`GlorotUniform`.

    Example:
        >>> from cornu.initializers import GlorotNormal
        >>> GlorotNormal(seed=0)((2, 3)).shape
        (2, 3)
    """

    _choice = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform in ``[-limit, limit)`` with ``limit = sqrt(6 / fan_in)``, for layers followed by ReLU.

    Args: ``seed``, ``input_axes`` and ``output_axes`` as in :class:`VarianceScaling`.
    Source: He et al., 2015, https://arxiv.org/abs/1502.01852

    Example:
        >>> from cornu.initializers import HeUniform
        >>> bool(abs(HeUniform(seed=0)((6, 3))).max() <= 1)
        True
    """

    _choice = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal with deviation ``sqrt(2 / fan_in)``, for layers followed by ReLU.

    Args: ``seed``, ``input_axes`` and ``output_axes`` as in :class:`VarianceScaling`. Source: see :class:`HeUniform`.

    Example:
        >>> from cornu.initializers import HeNormal
        >>> HeNormal(seed=0)((2, 3)).shape
        (2, 3)
    """

    _choice = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform in ``[-limit, limit)`` with ``limit = sqrt(3 / fan_in)``.

    Args: ``seed``, ``input_axes`` and ``output_axes`` as in :class:`VarianceScaling`.
    Source: Klambauer et al., 2017, https://arxiv.org/abs/1706.02515

    Example:
        >>> from cornu.initializers import LecunUniform
        >>> bool(abs(LecunUniform(seed=0)((3, 3))).max() <= 1)
        True
    """

    _choice = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal with deviation ``sqrt(1 / fan_in)``, made for SELU.

    Args: ``seed``, ``input_axes`` and ``output_axes`` as in :class:`VarianceScaling`. Source: see :class:`LecunUniform`.

    Example:
        >>> from cornu.initializers import LecunNormal
        >>> LecunNormal(seed=0)((2, 3)).shape
        (2, 3)
    """

    _choice = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A random matrix whose columns (or rows, if there are fewer) stand at right angles and have length ``gain``.

    A weight of more than two axes is made as a matrix of shape ``(product of all but the last, last)``.
    Source: Saxe et al., 2014, https://arxiv.org/abs/1312.6120

    Args:
        gain: A factor.
        seed: A whole number, or None to draw something new at each call.

    Raises:
        ShapeError: When called with a shape of fewer than two axes.

    Example:
        >>> import numpy as np
        >>> from cornu.initializers import Orthogonal
        >>> q = Orthogonal(seed=0)((5, 3))
        >>> bool(np.allclose(q.T @ q, np.eye(3), atol=1e-6))
        True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """An orthogonal weight of this shape."""
        if len(shape) < 2:
            raise ShapeError(
                f"`Orthogonal` was asked for a weight of shape {tuple(shape)}.",
                "It needs at least two axes.",
                "Use another initializer for this weight.",
            )
        rows, columns = math.prod(shape[:-1]), int(shape[-1])
        normal = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q = q * np.sign(np.diag(r))  # makes the distribution uniform over all orthogonal matrices
        return _finish(self.gain * (q if rows >= columns else q.T).reshape(tuple(shape)), dtype)


# --- By name ----------------------------------------------------------------------------------------------------------


def get(identifier: Any) -> Any:
    """The initializer that a name, a config, a class or an object means; None stays None.

    Example:
        >>> from cornu import initializers
        >>> type(initializers.get("he_normal")).__name__
        'HeNormal'
    """
    return registry.get("initializers", identifier)


def serialize(initializer: Any) -> Any:
    """An initializer as JSON can hold it.

    Example:
        >>> from cornu import initializers
        >>> initializers.serialize(initializers.Constant(2.0))["config"]
        {'value': 2.0}
    """
    return registry.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer of a config.

    Example:
        >>> from cornu import initializers
        >>> initializers.deserialize({"class_name": "Constant", "config": {"value": 2.0}}).value
        2.0
    """
    return registry.deserialize(config, "initializers", custom_objects)


zeros, ones, constant = Zeros, Ones, Constant
identity, IdentityInitializer = Identity, Identity
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
orthogonal, OrthogonalInitializer = Orthogonal, Orthogonal

registry.allow(
    "initializers",
    [
        Zeros,
        Ones,
        Constant,
        Identity,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
        GlorotUniform,
        GlorotNormal,
        HeUniform,
        HeNormal,
        LecunUniform,
        LecunNormal,
        Orthogonal,
    ],
    aliases={
        "zero": Zeros,
        "one": Ones,
        "normal": RandomNormal,
        "uniform": RandomUniform,
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
    },
)
