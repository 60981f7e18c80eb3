"""Regularization layers: random noise during training, and activity penalties."""

import math
from collections.abc import Sequence
from typing import Any, Unpack

from cornu import config, ops, registry, regularizers, validation
from cornu.core.layer_config import LayerArguments
from cornu.core.seed_generator import SeedGenerator
from cornu.layers import shape_arithmetic
from cornu.layers.shape_preserving import ShapePreserving
from cornu.typing import Array, DType, Shape, Size

__all__ = [
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]


class Noise(ShapePreserving):
    """Base class of the layers that change their input only during training; the shape is kept, the values are floats."""

    cornu_is_stateless = True

    def __init__(self, seed: int | None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Array, training: bool | None = None) -> Any:
        """Return the inputs, changed during training."""
        inputs = ops.cast(inputs, self.compute_dtype)
        return self._disturb(inputs) if training else inputs

    def _disturb(self, inputs: Array) -> Any:
        """Return the inputs as changed during training."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_disturb(inputs)`.")


@registry.register("layers")
class Dropout(Noise):
    """Dropout layer.

    During training, each value is set to 0 with probability ``rate`` and the others are scaled, so that the expected value is
    unchanged; otherwise the input is returned unchanged::

        y = x * keep / (1 - rate), with keep ~ Bernoulli(1 - rate)

    Source: Srivastava et al., 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting,
    https://jmlr.org/papers/v15/srivastava14a.html

    Args:
        rate: Float in [0, 1), the fraction of the values to drop.
        noise_shape: Tuple, the shape of the dropout mask, which is broadcast to the inputs: 1 for an axis along which values
            are dropped together, None for the size of the inputs. Defaults to None, for the shape of the inputs.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the rate is out of range.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Dropout
        >>> layer, x = Dropout(0.5, seed=1), np.ones((1, 1000))
        >>> float(layer(x).sum())
        1000.0
        >>> 800 < float(layer(x, training=True).sum()) < 1200
        True
    """

    cornu_preserves_value_range = True

    def __init__(
        self, rate: float, noise_shape: Sequence[Size] | None = None, seed: int | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(seed, **kwargs)
        self.rate = validation.check_fraction(self, rate)
        self.noise_shape = _noise_shape(self, noise_shape)
        if self.noise_shape is not None and self.noise_shape[0] is not None:  # shared or of fixed batch size
            self.batch_coupling = "unknown"

    def _shape_of_choices(self, inputs: Array) -> Any:
        return self.noise_shape

    def _disturb(self, inputs: Array) -> Any:
        return ops.random.dropout(inputs, self.rate, self._shape_of_choices(inputs), seed=self.seed_generator.next())

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        if self.noise_shape is not None and len(self.noise_shape) != len(input_shape):
            expected = f"Its `noise_shape={self.noise_shape}` must have one size for each axis, including the batch axis."
            raise shape_arithmetic.shape_error(self, input_shape, expected, "Use None for axes along which values differ.")
        return input_shape


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""The constants of the activation SELU."""


@registry.register("layers")
class AlphaDropout(Dropout):
    """Alpha dropout layer, which keeps mean and variance of values with mean 0 and variance 1, for the activation SELU.

    During training, each value is set to the value of SELU at minus infinity with probability ``rate``, and the result is
    scaled and shifted; otherwise the input is returned unchanged::

        y = a * where(keep, x, s) + b, with keep ~ Bernoulli(1 - rate), s = -1.7581,
        a = 1 / sqrt((1 - rate) * (1 + rate * s ** 2)), b = -a * s * rate

    Source: Klambauer et al., 2017, Self-Normalizing Neural Networks, https://arxiv.org/abs/1706.02515

    Args:
        rate: Float in [0, 1), the fraction of the values to replace.
        noise_shape: Tuple, the shape of the mask, which is broadcast to the inputs (see :class:`Dropout`). Defaults to None.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the rate is out of range.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AlphaDropout
        >>> layer, x = AlphaDropout(0.5, seed=1), np.random.default_rng(0).normal(size=(1, 10000))
        >>> 0.9 < float(layer(x, training=True).std()) < 1.1
        True
    """

    cornu_preserves_value_range = False

    def _disturb(self, inputs: Array) -> Any:
        marks = ops.random.dropout(ops.ones_like(inputs), self.rate, self.noise_shape, seed=self.seed_generator.next())
        saturated = -_SELU_ALPHA * _SELU_SCALE
        scale = ((1 - self.rate) * (1 + self.rate * saturated**2)) ** -0.5 if self.rate < 1 else 0.0
        return scale * ops.where(marks > 0, inputs, saturated) - scale * saturated * self.rate


def _noise_shape(layer: Noise, value: Sequence[Size] | None) -> tuple[int | None, ...] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        expected = "a tuple with one size for each axis, including the batch axis; None stands for the size of the input"
        raise validation.invalid_value(layer, "noise_shape", value, expected, (None, 1, None))
    return tuple(None if size is None else validation.check_int(layer, "noise_shape", size) for size in value)


class SpatialDropout(Dropout):
    """Base class of the layers that drop entire channels.

    Attributes:
        rank: Integer, the number of spatial axes.
    """

    rank = 2
    cornu_input_spec = shape_arithmetic.spatial_input_spec

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: DType = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def _shape_of_choices(self, inputs: Array) -> Any:
        return shape_arithmetic.make_shape(self.data_format, None, (1,) * self.rank, None)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        shape_arithmetic.check_rank(self, input_shape, shape_arithmetic.axis_names(self.rank, self.data_format))
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the config, without ``trainable``, which the spatial dropout layers of Keras do not accept."""
        return {name: value for name, value in super().get_config().items() if name != "trainable"}


@registry.register("layers")
class SpatialDropout1D(SpatialDropout):
    """1D spatial dropout layer, for sequences.

    During training, each channel is set to 0 at all time steps with probability ``rate``; the other channels are
    divided by ``1 - rate``.

    Input and output shape: ``(batch, steps, channels)``.

    Source: Tompson et al., 2014, Efficient Object Localization Using Convolutional Networks, https://arxiv.org/abs/1411.4280

    Args:
        rate: Float in [0, 1), the fraction of the channels to drop.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        name: Name of the layer. Defaults to a name derived from the class.
        dtype: Dtype or dtype policy of the layer's computations. Defaults to the global policy.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SpatialDropout1D
        >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((1, 9, 20)), training=True)
        >>> bool((y[:, 0] == y[:, 8]).all())
        True
    """

    rank = 1

    def __init__(self, rate: float, seed: int | None = None, name: str | None = None, dtype: DType = None, **kwargs: Any):
        super().__init__(rate=rate, data_format="channels_last", seed=seed, name=name, dtype=dtype, **kwargs)


@registry.register("layers")
class SpatialDropout2D(SpatialDropout):
    """2D spatial dropout layer, for images.

    During training, each channel is set to 0 at all positions with probability ``rate``; the other channels are
    divided by ``1 - rate``. Since neighboring pixels are strongly correlated, dropping single pixels would have little effect.

    Input and output shape: ``(batch, height, width, channels)``.

    Source: Tompson et al., 2014, Efficient Object Localization Using Convolutional Networks, https://arxiv.org/abs/1411.4280

    Args:
        rate: Float in [0, 1), the fraction of the channels to drop.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        name: Name of the layer. Defaults to a name derived from the class.
        dtype: Dtype or dtype policy of the layer's computations. Defaults to the global policy.

    Raises:
        InvalidArgumentError: If the rate is out of range.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SpatialDropout2D
        >>> y = SpatialDropout2D(0.5, seed=1)(np.ones((1, 4, 4, 20)), training=True)
        >>> bool((y[:, 0, 0] == y[:, 3, 3]).all())
        True
    """

    rank = 2


@registry.register("layers")
class SpatialDropout3D(SpatialDropout):
    """3D spatial dropout layer, for volumes.

    The formula and the arguments are those of :class:`SpatialDropout2D`.

    Input and output shape: ``(batch, depth, height, width, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SpatialDropout3D
        >>> SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 3))).shape
        (1, 2, 2, 2, 3)
    """

    rank = 3


@registry.register("layers")
class GaussianNoise(Noise):
    """Layer that adds Gaussian noise during training: ``y = x + noise``, with ``noise ~ Normal(0, stddev)``.

    Otherwise the input is returned unchanged.

    Args:
        stddev: Non-negative float, the standard deviation of the noise.
        seed: Integer seed of the noise. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``stddev`` is negative.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GaussianNoise
        >>> GaussianNoise(0.1)(np.ones((1, 3))).tolist()
        [[1.0, 1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(seed, **kwargs)
        self.stddev = validation.check_nonnegative(self, "stddev", stddev)

    def _disturb(self, inputs: Array) -> Any:
        return inputs + _normal_like(self, inputs, 0.0, self.stddev)


@registry.register("layers")
class GaussianDropout(Noise):
    """Gaussian dropout layer, which multiplies by Gaussian noise of mean 1 during training.

    The layer computes::

        y = x * noise, with noise ~ Normal(1, sqrt(rate / (1 - rate)))

    Otherwise the input is returned unchanged.

    Source: Srivastava et al., 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting, section 10,
    https://jmlr.org/papers/v15/srivastava14a.html

    Args:
        rate: Float in [0, 1), the rate of a :class:`Dropout` layer with the same standard deviation.
        seed: Integer seed of the noise. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the rate is out of range.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GaussianDropout
        >>> GaussianDropout(0.5)(np.ones((1, 3))).tolist()
        [[1.0, 1.0, 1.0]]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(seed, **kwargs)
        self.rate = validation.check_fraction(self, rate)

    def _disturb(self, inputs: Array) -> Any:
        return inputs * _normal_like(self, inputs, 1.0, math.sqrt(self.rate / (1 - self.rate)))


def _normal_like(layer: Noise, inputs: Array, mean: float, stddev: float) -> Any:
    return ops.random.normal(ops.shape(inputs), mean, stddev, dtype=layer.compute_dtype, seed=layer.seed_generator.next())


@registry.register("layers")
class ActivityRegularization(ShapePreserving):
    """Layer that returns its input and adds a penalty on it to the loss.

    The penalty is ``(l1 * sum(abs(x)) + l2 * sum(square(x))) / batch``.

    Args:
        l1: Float, the factor of the sum of absolute values. Defaults to 0.
        l2: Float, the factor of the sum of squares. Defaults to 0.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ActivityRegularization
        >>> layer = ActivityRegularization(l2=0.5)
        >>> layer(np.array([[1.0, 3.0]])).tolist(), float(layer.losses[0])
        ([[1.0, 3.0]], 5.0)
    """

    cornu_preserves_value_range = True
    cornu_is_stateless = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Array) -> Any:
        """Return the inputs."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Return the config, where ``l1`` and ``l2`` specify the regularizer."""
        return {name: value for name, value in super().get_config().items() if name != "activity_regularizer"}
