"""Layers that keep a model from learning its pictures by heart: noise while training, and penalties."""

import math
from typing import Any

from cornu import config, ops, regularizers
from cornu.core.layer import Layer
from cornu.core.seed_generator import SeedGenerator
from cornu.errors import InvalidArgumentError
from cornu.layers import arguments, shapes
from cornu.layers.shapes import Shape


class Noise(Layer):
    """The base of layers that change something while training only: same shape, floats."""

    batch_coupling = "none"
    supports_masking = True

    def __init__(self, seed: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The inputs, changed while training."""
        inputs = ops.cast(inputs, self.compute_dtype)
        return self._disturb(inputs) if training else inputs

    def _disturb(self, inputs: Any) -> Any:
        """What the layer does while training."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_disturb(inputs)`.")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        return input_shape


class Dropout(Noise):
    """While training, sets a random part of the numbers to 0 and divides the others by ``1 - rate``, so that the mean stays.

    Source: Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html

    Args:
        rate: The part that is dropped, in [0, 1).
        noise_shape: Shape of the choices, which broadcast to the inputs: 1 for an axis along which numbers are dropped
            together, None for the size of the inputs.
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

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        self.rate = arguments.rate(self, rate)
        self.noise_shape = _noise_shape(self, noise_shape)
        if self.noise_shape is not None and self.noise_shape[0] is not None:  # a choice for the batch, or for so many samples
            self.batch_coupling = "unknown"

    def _shape_of_choices(self, inputs: Any) -> Any:
        return self.noise_shape

    def _disturb(self, inputs: Any) -> Any:
        return ops.random.dropout(inputs, self.rate, self._shape_of_choices(inputs), seed=self.seed_generator.next())

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        if self.noise_shape is not None and len(self.noise_shape) != len(input_shape):
            expected = f"Its `noise_shape={self.noise_shape}` must have one size for each axis, including the batch axis."
            raise shapes.refusal(self, input_shape, expected, "Use None for axes along which values differ.")
        return input_shape


def _noise_shape(layer: Layer, value: Any) -> tuple[int | None, ...] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        raise InvalidArgumentError(
            f"`{type(layer).__name__}` received `noise_shape={value!r}`.",
            "It must be a tuple with one size for each axis, including the batch axis; None stands for the size of the input.",
            "To drop the same features at all time steps, pass `noise_shape=(None, 1, None)`.",
        )
    return tuple(None if size is None else arguments.whole(layer, "noise_shape", size) for size in value)


class SpatialDropout(Dropout):
    """The base of dropouts that drop whole channels.

    Attributes:
        rank: Number of spatial axes.
    """

    rank = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def _shape_of_choices(self, inputs: Any) -> Any:
        return shapes.join(self.data_format, None, (1,) * self.rank, None)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        shapes.check_rank(self, input_shape, shapes.picture_names(self.rank, self.data_format))
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """As of every layer, but without ``trainable``, which Keras's spatial dropouts do not take."""
        return {name: value for name, value in super().get_config().items() if name != "trainable"}


class SpatialDropout1D(SpatialDropout):
    """While training, sets random channels of sequences, ``(batch, steps, channels)``, to 0 at all steps.

    Source: Tompson et al., 2014, https://arxiv.org/abs/1411.4280

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

    def __init__(self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(rate, "channels_last", seed, name, dtype, **kwargs)


class SpatialDropout2D(SpatialDropout):
    """While training, sets random channels of pictures, ``(batch, height, width, channels)``, to 0 everywhere.

    Neighbouring pixels say nearly the same, so dropping them one by one would change little.

    Source: Tompson et al., 2014, https://arxiv.org/abs/1411.4280

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


class SpatialDropout3D(SpatialDropout):
    """While training, sets random channels of volumes, ``(batch, depth, height, width, channels)``, to 0 everywhere.

    The arguments are those of :class:`SpatialDropout2D`.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SpatialDropout3D
        >>> SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 3))).shape
        (1, 2, 2, 2, 3)
    """

    rank = 3


class GaussianNoise(Noise):
    """While training, adds normally distributed noise of mean 0.

    Args:
        stddev: Standard deviation of the noise.
        seed: Integer seed of the noise. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: The deviation is negative.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GaussianNoise
        >>> GaussianNoise(0.1)(np.ones((1, 3))).tolist()
        [[1.0, 1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        self.stddev = arguments.at_least_zero(self, "stddev", stddev)

    def _disturb(self, inputs: Any) -> Any:
        return inputs + _normal_like(self, inputs, 0.0, self.stddev)


class GaussianDropout(Noise):
    """While training, multiplies by normally distributed noise of mean 1 and deviation ``sqrt(rate / (1 - rate))``.

    Source: Srivastava et al., 2014, section 10, https://jmlr.org/papers/v15/srivastava14a.html

    Args:
        rate: The rate of a :class:`Dropout` with the same deviation, in [0, 1).
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

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        self.rate = arguments.rate(self, rate)

    def _disturb(self, inputs: Any) -> Any:
        return inputs * _normal_like(self, inputs, 1.0, math.sqrt(self.rate / (1 - self.rate)))


def _normal_like(layer: Noise, inputs: Any, mean: float, stddev: float) -> Any:
    return ops.random.normal(inputs.shape, mean, stddev, dtype=layer.compute_dtype, seed=layer.seed_generator.next())


class ActivityRegularization(Layer):
    """Adds a penalty on its input to what training makes small, and gives the input back.

    The penalty is ``l1 * sum(abs(x)) + l2 * sum(square(x))``, divided by the number of samples.

    Args:
        l1: The factor of the absolute values.
        l2: The factor of the squares.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ActivityRegularization
        >>> layer = ActivityRegularization(l2=0.5)
        >>> layer(np.array([[1.0, 3.0]])).tolist(), float(layer.losses[0])
        ([[1.0, 3.0]], 5.0)
    """

    batch_coupling = "none"
    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """As of every layer; the regularizer is said by ``l1`` and ``l2``."""
        return {name: value for name, value in super().get_config().items() if name != "activity_regularizer"}
