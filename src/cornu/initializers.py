"""Initializers of weights, computed on the host: the same seed produces the same weights on every backend.

An initializer is an object that is called with a shape. Random values come from the NumPy Philox generator, whose key consists
of the two words of ``cornu.seeds``. Without a ``seed`` argument, an initializer returns new values at each call; with one, it
returns the same values at each call.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import config, ops, registry, seeds, serialization
from cornu.errors import InvalidArgumentError, ShapeError, one_of
from cornu.ops.window_functions import check_scaling, window_values
from cornu.typing import Array, ArrayLike, Config

Shape = Sequence[int]

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")
_TRUNCATION = 2.0
_TRUNCATED_STDDEV = 0.87962566103423978  # of the standard normal distribution truncated at two deviations


class Initializer(serialization.Configurable):
    """Base class of initializers. Subclasses override :meth:`__call__`.

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
        """Return the initial values of a weight.

        Args:
            shape: Sequence of integers, the shape of the weight.
            dtype: Name of the dtype. Defaults to ``config.floatx()``. For ``"bfloat16"``, which NumPy does not support, the
                values are returned as ``float32``, and the caller rounds them.

        Returns:
            NumPy array of shape ``shape``.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `__call__(shape, dtype=None)`.")

    def clone(self) -> "Initializer":
        """Return a new initializer with the same arguments."""
        return type(self).from_config(self.get_config())


def _finish(values: np.ndarray, dtype: str | None) -> np.ndarray:
    """Cast values to the requested dtype; to ``float32`` for ``bfloat16``, which NumPy does not support."""
    dtype = dtype or config.floatx()
    return np.asarray(values, dtype="float32" if dtype == "bfloat16" else dtype)


# --- Constants --------------------------------------------------------------------------------------------------------


@registry.register("initializers", aliases=("zero",))
class Zeros(Initializer):
    """Initializer that returns zeros.

    Example:
        >>> from cornu.initializers import Zeros
        >>> Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return zeros of the given shape."""
        return _finish(np.zeros(shape, dtype="float32"), dtype)


@registry.register("initializers", aliases=("one",))
class Ones(Initializer):
    """Initializer that returns ones.

    Example:
        >>> from cornu.initializers import Ones
        >>> Ones()((2,)).tolist()
        [1.0, 1.0]
    """

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return ones of the given shape."""
        return _finish(np.ones(shape, dtype="float32"), dtype)


@registry.register("initializers")
class Constant(Initializer):
    """Initializer that returns a constant.

    Args:
        value: Scalar, or array-like that broadcasts to the shape. Defaults to 0.

    Example:
        >>> from cornu.initializers import Constant
        >>> Constant(3.0)((2,)).tolist()
        [3.0, 3.0]
    """

    _only_for: tuple[int, ...] | None = None
    """The only shape that the value may be used for, if it is an array that was passed in the place of an initializer."""

    def __init__(self, value: ArrayLike = 0.0):
        self.value = value

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return the value broadcast to the given shape."""
        if self._only_for not in (None, tuple(shape)):
            raise ShapeError(
                f"An array of shape {self._only_for} was passed as an initializer.",
                f"The weight has the shape {tuple(shape)}.",
                "Pass an array of this shape, or `initializers.Constant(value)` to broadcast it.",
            )
        return _finish(np.full(tuple(shape), self.value), dtype)


@registry.register("initializers", aliases=("IdentityInitializer",))
class Identity(Initializer):
    """Initializer that returns an identity matrix, ``gain * eye(rows, columns)``.

    Args:
        gain: Float, the value of the diagonal elements. Defaults to 1.

    Raises:
        ShapeError: When called with a shape that is not of rank 2.

    Example:
        >>> from cornu.initializers import Identity
        >>> Identity(gain=2.0)((2, 2)).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return the identity matrix of the given shape, times the gain."""
        if len(shape) != 2:
            raise ShapeError(
                f"`Identity` received the shape {tuple(shape)}.",
                "It can initialize only matrices, whose shape has two axes.",
                "Use another initializer for this weight.",
            )
        return _finish(self.gain * np.eye(shape[0], shape[1]), dtype)


@registry.register("initializers", aliases=("STFTInitializer",))
class STFT(Initializer):
    """Initializer of the kernel of a convolution that computes the short-time Fourier transform.

    ``kernel[t, 0, f] = window[t] * cos(2 * pi * t * f / fft_length)``, or with ``-sin``, divided by the scaling.

    Args:
        side: ``"real"`` (cosine) or ``"imag"`` (minus sine). Defaults to ``"real"``.
        window: Name of a window of :func:`scipy.signal.get_window`, array-like of its values, or None for none. Defaults to
            ``"hann"``.
        scaling: ``"density"`` divides by the root of the sum of the squares of the window, ``"spectrum"`` by the sum of their
            absolute values, and None by nothing. Defaults to ``"density"``.
        periodic: Whether a window given by its name is periodic, not symmetric. Defaults to False.

    Raises:
        InvalidArgumentError: If ``side`` or ``scaling`` is unknown, or there is no window of the name.
        ShapeError: When called with a shape that is not ``(frame_length, 1, fft_length // 2 + 1)``, or that does not fit the
            window.

    Example:
        >>> from cornu.initializers import STFT
        >>> STFT("real", window=None, scaling=None)((2, 1, 2)).round(2).tolist()
        [[[1.0, 1.0]], [[1.0, -1.0]]]
    """

    def __init__(
        self,
        side: str = "real",
        window: str | ArrayLike | None = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ):
        if side not in ("real", "imag"):
            raise one_of("side", side, ("real", "imag"))
        check_scaling(scaling)
        if isinstance(window, str):
            window_values(window, 1, periodic)
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return the kernel of the given shape."""
        if len(shape) != 3 or shape[1] != 1:
            raise ShapeError(
                f"`STFT` received the shape {tuple(shape)}.",
                "It initializes kernels of shape (frame_length, 1, fft_length // 2 + 1).",
                "Use another initializer for this weight.",
            )
        length, _, frequencies = shape
        angle = 2 * np.pi * np.arange(length)[:, np.newaxis] * np.arange(frequencies) / max(2 * (frequencies - 1), 1)
        kernel = np.cos(angle) if self.side == "real" else -np.sin(angle)
        if self.window is not None:
            window = window_values(self.window, length, self.periodic)
            scale = {"density": np.sqrt(np.sum(window**2)), "spectrum": np.sum(np.abs(window))}.get(self.scaling or "", 1.0)
            kernel *= window[:, np.newaxis] / scale
        return _finish(kernel[:, np.newaxis], dtype)


# --- Random values ----------------------------------------------------------------------------------------------------


class RandomInitializer(Initializer):
    """Base class of initializers that return random values; holds the seed.

    Args:
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).

    Raises:
        InvalidArgumentError: The seed is neither an integer nor None.

    Example:
        >>> from cornu.initializers import RandomNormal
        >>> bool((RandomNormal(seed=1)((3,)) == RandomNormal(seed=1)((3,))).all())
        True
    """

    def __init__(self, seed: int | None = None):
        if seed is not None and (isinstance(seed, bool) or not hasattr(seed, "__index__")):
            raise InvalidArgumentError(
                f"`{type(self).__name__}` received `seed={seed!r}`.",
                "`seed` must be an integer or None.",
                "Pass, for example, `seed=42`.",
            )
        self.seed = seed

    def _generator(self) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=np.array(seeds.key_from(self.seed), dtype="uint64")))

    def _normal(self, shape: Shape, mean: float, stddev: float, dtype: str | None) -> np.ndarray:
        values = self._generator().standard_normal(tuple(shape), dtype=_drawn_as(dtype))
        return _finish(mean + stddev * values, dtype)

    def _truncated_normal(self, shape: Shape, mean: float, stddev: float, dtype: str | None) -> np.ndarray:
        """Draw from a normal distribution; values more than two standard deviations from the mean are redrawn."""
        generator, drawn_as = self._generator(), _drawn_as(dtype)
        values = np.atleast_1d(generator.standard_normal(tuple(shape), dtype=drawn_as))
        while (outside := np.abs(values) > _TRUNCATION).any():
            values[outside] = generator.standard_normal(int(outside.sum()), dtype=drawn_as)
        return _finish(mean + stddev * values.reshape(tuple(shape)), dtype)

    def _uniform(self, shape: Shape, low: float, high: float, dtype: str | None) -> np.ndarray:
        values = self._generator().random(tuple(shape), dtype=_drawn_as(dtype))
        return _finish(low + (high - low) * values, dtype)


def _drawn_as(dtype: str | None) -> Any:
    """Return the dtype in which NumPy draws: ``float64`` or ``float32``; smaller dtypes are rounded from ``float32``."""
    return np.float64 if (dtype or config.floatx()) == "float64" else np.float32


@registry.register("initializers", aliases=("normal",))
class RandomNormal(RandomInitializer):
    """Initializer that draws from a normal distribution.

    Args:
        mean: Float, the mean of the distribution. Defaults to 0.
        stddev: Float, the standard deviation of the distribution. Defaults to 0.05.
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).

    Example:
        >>> from cornu.initializers import RandomNormal
        >>> RandomNormal(stddev=0.1, seed=1)((3, 4)).shape
        (3, 4)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return random values of the given shape."""
        return self._normal(shape, self.mean, self.stddev, dtype)


@registry.register("initializers", aliases=("uniform",))
class RandomUniform(RandomInitializer):
    """Initializer that draws from a uniform distribution over ``[minval, maxval)``.

    Args:
        minval: Float, the lower bound (inclusive). Defaults to -0.05.
        maxval: Float, the upper bound (exclusive). Defaults to 0.05.
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).

    Example:
        >>> from cornu.initializers import RandomUniform
        >>> bool((RandomUniform(0.0, 1.0)((100,)) < 1).all())
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return random values of the given shape."""
        return self._uniform(shape, self.minval, self.maxval, dtype)


@registry.register("initializers")
class TruncatedNormal(RandomInitializer):
    """Initializer that draws from a truncated normal distribution.

    Values more than two ``stddev`` from the mean are redrawn.

    Args:
        mean: Float, the mean of the distribution. Defaults to 0.
        stddev: Float, the standard deviation before the truncation (0.88 times this value after it). Defaults to 0.05.
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).

    Example:
        >>> from cornu.initializers import TruncatedNormal
        >>> bool((abs(TruncatedNormal(stddev=1.0)((100,))) <= 2).all())
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return random values of the given shape."""
        return self._truncated_normal(shape, self.mean, self.stddev, dtype)


@registry.register("initializers")
class VarianceScaling(RandomInitializer):
    """Initializer that adapts its variance to the shape of the weight.

    The values have the variance ``scale / n``, where ``n`` depends on ``mode`` and is at least 1. The uniform distribution has
    the limits ``-sqrt(3 * scale / n)`` and ``sqrt(3 * scale / n)``.

    Args:
        scale: Positive float, the scaling factor. Defaults to 1.
        mode: ``"fan_in"`` (default; ``n`` is the number of inputs of a unit), ``"fan_out"`` (outputs) or ``"fan_avg"`` (the
            mean of both).
        distribution: ``"truncated_normal"`` (default; also called ``"normal"``), ``"untruncated_normal"`` or ``"uniform"``.
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).
        input_axes: Sequence of integers, the axes of the weight that count inputs, if the shape alone does not determine them
            (see :func:`compute_fans`). Defaults to None.
        output_axes: Sequence of integers, the axes of the weight that count outputs. Defaults to None.

    Raises:
        InvalidArgumentError: ``scale`` is not positive, or ``mode`` or ``distribution`` is invalid.

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
            raise InvalidArgumentError(
                f"`{type(self).__name__}` received `scale={scale!r}`.",
                "`scale` must be a positive number.",
                "Pass, for example, `scale=1.0`.",
            )
        if mode not in _MODES:
            raise one_of("mode", mode, _MODES)
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in _DISTRIBUTIONS:
            raise one_of("distribution", distribution, _DISTRIBUTIONS)
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def get_config(self) -> Config:
        """Return the arguments of the constructor, with the full name of the distribution."""
        config = super().get_config()
        return {name: self.distribution if name == "distribution" else value for name, value in config.items()}

    def __call__(self, shape: Shape, dtype: str | None = None) -> np.ndarray:
        """Return random values of the given shape."""
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
    """Compute the number of inputs per output (fan-in) and of outputs per input (fan-out) of a weight.

    Args:
        shape: Sequence of integers: ``(inputs, outputs)``, ``(*kernel_size, inputs, outputs)`` of a convolution, or a lower
            rank.
        input_axes: Sequence of integers, the axes that count inputs if they differ from these; used only together with
            ``output_axes``. Defaults to None.
        output_axes: Sequence of integers, the axes that count outputs. Defaults to None.

    Returns:
        Tuple ``(fan_in, fan_out)``.

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
    """Base class of :class:`VarianceScaling` with fixed arguments."""

    _choice: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(*self._choice, seed=seed, input_axes=input_axes, output_axes=output_axes)


@registry.register("initializers")
class GlorotUniform(_Scaled):
    """Glorot uniform initializer, also called Xavier uniform initializer; the default for kernels.

    Uniform over ``[-limit, limit)``, where ``limit = sqrt(6 / (fan_in + fan_out))``.

    Args:
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).
        input_axes: Sequence of integers, the axes of the weight that count inputs, if the shape alone does not determine them
            (see :func:`compute_fans`). Defaults to None.
        output_axes: Sequence of integers, the axes of the weight that count outputs. Defaults to None.

    References:
        Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward neural networks",
        https://proceedings.mlr.press/v9/glorot10a.html

    Example:
        >>> from cornu.initializers import GlorotUniform
        >>> bool(abs(GlorotUniform(seed=0)((3, 3))).max() <= 1)
        True
    """

    _choice = (1.0, "fan_avg", "uniform")


@registry.register("initializers")
class GlorotNormal(_Scaled):
    """Glorot normal initializer, also called Xavier normal initializer.

    Truncated normal with mean 0 and standard deviation ``sqrt(2 / (fan_in + fan_out))``.

    Args:
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).
        input_axes: Sequence of integers, the axes of the weight that count inputs, if the shape alone does not determine them
            (see :func:`compute_fans`). Defaults to None.
        output_axes: Sequence of integers, the axes of the weight that count outputs. Defaults to None.

    References:
        Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward neural networks",
        https://proceedings.mlr.press/v9/glorot10a.html

    Example:
        >>> from cornu.initializers import GlorotNormal
        >>> GlorotNormal(seed=0)((2, 3)).shape
        (2, 3)
    """

    _choice = (1.0, "fan_avg", "truncated_normal")


@registry.register("initializers")
class HeUniform(_Scaled):
    """He uniform initializer, for layers followed by ReLU.

    Uniform over ``[-limit, limit)``, where ``limit = sqrt(6 / fan_in)``.

    Args:
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).
        input_axes: Sequence of integers, the axes of the weight that count inputs, if the shape alone does not determine them
            (see :func:`compute_fans`). Defaults to None.
        output_axes: Sequence of integers, the axes of the weight that count outputs. Defaults to None.

    References:
        He et al., 2015, "Delving Deep into Rectifiers", https://arxiv.org/abs/1502.01852

    Example:
        >>> from cornu.initializers import HeUniform
        >>> bool(abs(HeUniform(seed=0)((6, 3))).max() <= 1)
        True
    """

    _choice = (2.0, "fan_in", "uniform")


@registry.register("initializers")
class HeNormal(_Scaled):
    """He normal initializer, for layers followed by ReLU.

    Truncated normal with mean 0 and standard deviation ``sqrt(2 / fan_in)``.

    Args:
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).
        input_axes: Sequence of integers, the axes of the weight that count inputs, if the shape alone does not determine them
            (see :func:`compute_fans`). Defaults to None.
        output_axes: Sequence of integers, the axes of the weight that count outputs. Defaults to None.

    References:
        He et al., 2015, "Delving Deep into Rectifiers", https://arxiv.org/abs/1502.01852

    Example:
        >>> from cornu.initializers import HeNormal
        >>> HeNormal(seed=0)((2, 3)).shape
        (2, 3)
    """

    _choice = (2.0, "fan_in", "truncated_normal")


@registry.register("initializers")
class LecunUniform(_Scaled):
    """LeCun uniform initializer.

    Uniform over ``[-limit, limit)``, where ``limit = sqrt(3 / fan_in)``.

    Args:
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).
        input_axes: Sequence of integers, the axes of the weight that count inputs, if the shape alone does not determine them
            (see :func:`compute_fans`). Defaults to None.
        output_axes: Sequence of integers, the axes of the weight that count outputs. Defaults to None.

    References:
        Klambauer et al., 2017, "Self-Normalizing Neural Networks", https://arxiv.org/abs/1706.02515

    Example:
        >>> from cornu.initializers import LecunUniform
        >>> bool(abs(LecunUniform(seed=0)((3, 3))).max() <= 1)
        True
    """

    _choice = (1.0, "fan_in", "uniform")


@registry.register("initializers")
class LecunNormal(_Scaled):
    """LeCun normal initializer, for layers followed by SELU.

    Truncated normal with mean 0 and standard deviation ``sqrt(1 / fan_in)``.

    Args:
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).
        input_axes: Sequence of integers, the axes of the weight that count inputs, if the shape alone does not determine them
            (see :func:`compute_fans`). Defaults to None.
        output_axes: Sequence of integers, the axes of the weight that count outputs. Defaults to None.

    References:
        Klambauer et al., 2017, "Self-Normalizing Neural Networks", https://arxiv.org/abs/1706.02515

    Example:
        >>> from cornu.initializers import LecunNormal
        >>> LecunNormal(seed=0)((2, 3)).shape
        (2, 3)
    """

    _choice = (1.0, "fan_in", "truncated_normal")


@registry.register("initializers", aliases=("OrthogonalInitializer",))
class Orthogonal(RandomInitializer):
    """Initializer that returns a random orthogonal matrix, times ``gain``.

    The columns (or rows, if there are fewer) are orthogonal and have norm ``gain``. A weight of rank greater than 2 is created
    as a matrix of shape ``(product of all axes but the last, last axis)``.

    Args:
        gain: Float, the scaling factor. Defaults to 1.
        seed: Integer seed, for the same values at each call. Defaults to None (new values at each call).

    Raises:
        ShapeError: When called with a shape of rank less than 2.

    References:
        Saxe et al., 2014, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
        https://arxiv.org/abs/1312.6120

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
        """Return an orthogonal weight of the given shape."""
        if len(shape) < 2:
            raise ShapeError(
                f"`Orthogonal` received the shape {tuple(shape)}.",
                "It can initialize only weights with at least two axes.",
                "Use another initializer for this weight.",
            )
        rows, columns = math.prod(shape[:-1]), int(shape[-1])
        normal = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q = q * np.sign(np.diag(r))  # makes the distribution uniform over all orthogonal matrices
        return _finish(self.gain * (q if rows >= columns else q.T).reshape(tuple(shape)), dtype)


_by_name, serialize, deserialize = serialization.lookup_functions("initializers", "initializer", "Constant(2.0)")


def get(identifier: serialization.Identifier | Array) -> Any:
    """Return the initializer for an argument such as ``kernel_initializer="zeros"``.

    Args:
        identifier: Name, class, config, initializer, function of a shape, array that is the initial value, or None.

    Returns:
        The initializer; None for None.

    Raises:
        InvalidArgumentError: If there is no initializer of this name.
        InvalidTypeError: If ``identifier`` is of another type.

    Example:
        >>> import numpy as np
        >>> from cornu import initializers
        >>> initializers.get("ones")((2,)).tolist(), initializers.get(np.array([3.0, 4.0]))((2,)).tolist()
        ([1.0, 1.0], [3.0, 4.0])
    """
    if not hasattr(identifier, "shape") or callable(identifier):
        return _by_name(identifier)  # type: ignore[arg-type]
    value = ops.convert_to_numpy(identifier)
    initializer = Constant(value)
    initializer._only_for = value.shape
    return initializer


zeros, ones, constant = Zeros, Ones, Constant
identity, IdentityInitializer = Identity, Identity
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
stft, STFTInitializer = STFT, STFT
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
orthogonal, OrthogonalInitializer = Orthogonal, Orthogonal
