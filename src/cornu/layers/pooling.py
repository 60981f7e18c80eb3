"""Pooling layers: the maximum or the mean over windows, or over all spatial axes."""

from typing import Any, Unpack

from cornu import config, ops, registry, validation
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.dtypes import HALVES
from cornu.layers import shape_arithmetic
from cornu.typing import Array, IntOrInts, Shape
from cornu.validation import standardize_padding

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]


class SpatialPooling(Layer):
    """Base class of the pooling layers.

    Attributes:
        rank: Integer, the number of spatial axes.
    """

    rank = 2
    batch_coupling = "none"
    cornu_preserves_value_range = True
    cornu_is_stateless = True
    data_format: str

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape: the batch size and the channels of the input, and the spatial sizes after pooling."""
        shape_arithmetic.check_rank(self, input_shape, shape_arithmetic.axis_names(self.rank, self.data_format))
        spatial = self._pooled_sizes(shape_arithmetic.spatial_sizes(input_shape, self.data_format))
        channels = input_shape[shape_arithmetic.channel_axis(self.data_format)]
        return shape_arithmetic.make_shape(self.data_format, input_shape[0], spatial, channels)

    def _pooled_sizes(self, spatial: Shape) -> Shape:
        raise NotImplementedError


class Pooling(SpatialPooling):
    """Base class of the layers that pool over windows."""

    cornu_input_spec = shape_arithmetic.spatial_input_spec

    def __init__(
        self,
        pool_size: IntOrInts = 2,
        strides: IntOrInts | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.pool_size = validation.check_ints(self, "pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else validation.check_ints(self, "strides", strides, self.rank)
        self.padding = standardize_padding(padding)
        self.data_format = config.standardize_data_format(data_format)

    def _pooled_sizes(self, spatial: Shape) -> Shape:
        return shape_arithmetic.conv_output_shape(self, spatial, self.pool_size, self.strides, self.padding)


class MaxPooling(Pooling):
    """Base class of the max pooling layers, which differ in the number of spatial axes."""

    pool_mode = "max"

    def call(self, inputs: Array) -> Any:
        """Return the maximum of each window."""
        inputs = ops.cast(inputs, self.compute_dtype)
        return ops.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class AveragePooling(Pooling):
    """Base class of the average pooling layers, which differ in the number of spatial axes."""

    pool_mode = "average"

    def call(self, inputs: Array) -> Any:
        """Return the mean of each window, without padding."""
        inputs = ops.cast(inputs, self.compute_dtype)
        return ops.average_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


@registry.register("layers", aliases=("MaxPool1D",))
class MaxPooling1D(MaxPooling):
    """1D max pooling layer, for sequences.

    The arguments are those of :class:`MaxPooling2D` with one integer instead of two.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, new_steps, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MaxPooling1D
        >>> MaxPooling1D(2)(np.array([[[1.0], [4.0], [2.0], [3.0]]])).tolist()
        [[[4.0], [3.0]]]
    """

    rank = 1


@registry.register("layers", aliases=("MaxPool2D",))
class MaxPooling2D(MaxPooling):
    """2D max pooling layer, for images.

    The layer returns the maximum of each window, for each channel separately. Without padding::

        y[i, j, c] = max over (m, n) of x[i * strides + m, j * strides + n, c]

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, new_height, new_width, channels)``.

    Args:
        pool_size: Integer or tuple of 2 integers, the height and width of the window. Defaults to 2.
        strides: Integer or tuple of integers, the step of the window along each spatial axis. Defaults to ``pool_size``.
        padding: ``"valid"`` (no padding; incomplete windows at the edge are dropped) or ``"same"`` (pad so that the output has
            the size of the input divided by the strides, rounded up). Defaults to ``"valid"``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        name: Name of the layer. Defaults to a name derived from the class.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or ``padding`` is unknown.
        ShapeError: If, when called, the input is smaller than the window.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MaxPooling2D
        >>> MaxPooling2D()(np.ones((1, 28, 28, 3))).shape
        (1, 14, 14, 3)
    """

    rank = 2


@registry.register("layers", aliases=("MaxPool3D",))
class MaxPooling3D(MaxPooling):
    """3D max pooling layer, for volumes.

    The arguments are those of :class:`MaxPooling2D` with three integers instead of two.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape:
    ``(batch, new_depth, new_height, new_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MaxPooling3D
        >>> MaxPooling3D()(np.ones((1, 4, 4, 4, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


@registry.register("layers", aliases=("AvgPool1D",))
class AveragePooling1D(AveragePooling):
    """1D average pooling layer, for sequences.

    The arguments are those of :class:`AveragePooling2D` with one integer instead of two.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, new_steps, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AveragePooling1D
        >>> AveragePooling1D(2)(np.array([[[1.0], [4.0], [2.0], [3.0]]])).tolist()
        [[[2.5], [2.5]]]
    """

    rank = 1


@registry.register("layers", aliases=("AvgPool2D",))
class AveragePooling2D(AveragePooling):
    """2D average pooling layer, for images.

    The layer returns the mean of each window, for each channel separately; padding is not counted. Without padding::

        y[i, j, c] = mean over (m, n) of x[i * strides + m, j * strides + n, c]

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, new_height, new_width, channels)``.

    Args:
        pool_size: Integer or tuple of 2 integers, the height and width of the window. Defaults to 2, as in Keras 2.
        strides: Integer or tuple of integers, the step of the window along each spatial axis. Defaults to ``pool_size``.
        padding: ``"valid"`` (no padding; incomplete windows at the edge are dropped) or ``"same"`` (pad so that the output has
            the size of the input divided by the strides, rounded up). Defaults to ``"valid"``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        name: Name of the layer. Defaults to a name derived from the class.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or ``padding`` is unknown.
        ShapeError: If, when called, the input is smaller than the window.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AveragePooling2D
        >>> AveragePooling2D(4)(np.ones((1, 28, 28, 3))).shape
        (1, 7, 7, 3)
    """

    rank = 2


@registry.register("layers", aliases=("AvgPool3D",))
class AveragePooling3D(AveragePooling):
    """3D average pooling layer, for volumes.

    The arguments are those of :class:`AveragePooling2D` with three integers instead of two.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape:
    ``(batch, new_depth, new_height, new_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AveragePooling3D
        >>> AveragePooling3D(2)(np.ones((1, 4, 4, 4, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


# --- Global pooling ----------------------------------------------------------------------------------------------------


class GlobalPooling(SpatialPooling):
    """Base class of the layers that pool over all spatial axes, to one value per channel."""

    cornu_input_spec = shape_arithmetic.spatial_input_spec

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = keepdims

    def _axes(self) -> tuple[int, ...]:
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))

    def _pooled_sizes(self, spatial: Shape) -> Shape:
        return (1,) * self.rank if self.keepdims else ()


class GlobalMaxPooling(GlobalPooling):
    """Base class of the global max pooling layers, which differ in the number of spatial axes."""

    def call(self, inputs: Array) -> Any:
        """Return the maximum of each channel."""
        return ops.max(ops.cast(inputs, self.compute_dtype), axis=self._axes(), keepdims=self.keepdims)


class GlobalAveragePooling(GlobalPooling):
    """Base class of the global average pooling layers, which differ in the number of spatial axes."""

    def call(self, inputs: Array) -> Any:
        """Return the mean of each channel."""
        return ops.mean(ops.cast(inputs, self.compute_dtype), axis=self._axes(), keepdims=self.keepdims)


@registry.register("layers", aliases=("GlobalMaxPool1D",))
class GlobalMaxPooling1D(GlobalMaxPooling):
    """1D global max pooling layer, for sequences: ``y = max(x, axis=steps)``.

    The arguments are those of :class:`GlobalMaxPooling2D`.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalMaxPooling1D
        >>> GlobalMaxPooling1D()(np.array([[[1.0], [4.0]]])).tolist()
        [[4.0]]
    """

    rank = 1


@registry.register("layers", aliases=("GlobalMaxPool2D",))
class GlobalMaxPooling2D(GlobalMaxPooling):
    """2D global max pooling layer, for images: ``y = max(x, axis=(height, width))``.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, channels)``, or ``(batch, 1, 1, channels)`` with
    ``keepdims``.

    Args:
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        keepdims: Whether to keep the reduced spatial axes with size 1. Defaults to False.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalMaxPooling2D
        >>> GlobalMaxPooling2D()(np.ones((1, 7, 7, 3))).shape
        (1, 3)
    """

    rank = 2


@registry.register("layers", aliases=("GlobalMaxPool3D",))
class GlobalMaxPooling3D(GlobalMaxPooling):
    """3D global max pooling layer, for volumes: ``y = max(x, axis=(depth, height, width))``.

    The arguments are those of :class:`GlobalMaxPooling2D`.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape: ``(batch, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalMaxPooling3D
        >>> GlobalMaxPooling3D()(np.ones((1, 2, 2, 2, 3))).shape
        (1, 3)
    """

    rank = 3


@registry.register("layers", aliases=("GlobalAvgPool1D",))
class GlobalAveragePooling1D(GlobalAveragePooling):
    """1D global average pooling layer, for sequences: ``y = mean(x, axis=steps)``.

    Masked time steps are excluded from the mean, which is 0 for a sample whose time steps are all masked. The arguments are
    those of :class:`GlobalAveragePooling2D`.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalAveragePooling1D
        >>> x, mask = np.array([[[1.0], [4.0], [9.0]]]), np.array([[True, True, False]])
        >>> GlobalAveragePooling1D()(x, mask=mask).tolist()
        [[2.5]]
    """

    rank = 1
    supports_masking = True

    def call(self, inputs: Array, mask: Array | None = None) -> Any:
        """Return the mean of each channel.

        Args:
            inputs: Array of shape ``(batch, steps, channels)``.
            mask: Boolean array of shape ``(batch, steps)``, True for time steps to include. Defaults to None.
        """
        if mask is None:
            return super().call(inputs)
        wide = self.compute_dtype if self.compute_dtype not in HALVES else "float32"  # sums of half precision overflow
        inputs = ops.cast(inputs, wide)
        mask = ops.expand_dims(ops.cast(mask, "bool"), 1 if self.data_format == "channels_first" else 2)
        total = ops.sum(ops.where(mask, inputs, 0), axis=self._axes(), keepdims=self.keepdims)
        count = ops.sum(ops.cast(mask, wide), axis=self._axes(), keepdims=self.keepdims)
        return ops.cast(ops.divide_no_nan(total, count), self.compute_dtype)

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Any:
        """Return None, since the output has no time steps."""
        return None


@registry.register("layers", aliases=("GlobalAvgPool2D",))
class GlobalAveragePooling2D(GlobalAveragePooling):
    """2D global average pooling layer, for images: ``y = mean(x, axis=(height, width))``.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, channels)``, or ``(batch, 1, 1, channels)`` with
    ``keepdims``.

    Source: Lin et al., 2013, Network In Network, https://arxiv.org/abs/1312.4400

    Args:
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        keepdims: Whether to keep the reduced spatial axes with size 1. Defaults to False.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalAveragePooling2D
        >>> GlobalAveragePooling2D()(np.ones((1, 7, 7, 3))).shape
        (1, 3)
    """

    rank = 2


@registry.register("layers", aliases=("GlobalAvgPool3D",))
class GlobalAveragePooling3D(GlobalAveragePooling):
    """3D global average pooling layer, for volumes: ``y = mean(x, axis=(depth, height, width))``.

    The arguments are those of :class:`GlobalAveragePooling2D`.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape: ``(batch, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalAveragePooling3D
        >>> GlobalAveragePooling3D()(np.ones((1, 2, 2, 2, 3))).shape
        (1, 3)
    """

    rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D


# --- A given number of windows ------------------------------------------------------------------------------------------


class AdaptivePooling(SpatialPooling):
    """Base class of the layers that pool over as many windows as are requested, whatever the size of the input."""

    def __init__(self, output_size: IntOrInts, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.output_size = validation.check_ints(self, "output_size", output_size, self.rank)
        self.data_format = config.standardize_data_format(data_format)

    def _pooled_sizes(self, spatial: Shape) -> Shape:
        return self.output_size


class AdaptiveAveragePooling(AdaptivePooling):
    """Base class of the adaptive average pooling layers, which differ in the number of spatial axes."""

    def call(self, inputs: Array) -> Any:
        """Return the mean of each window."""
        return ops.adaptive_average_pool(ops.cast(inputs, self.compute_dtype), self.output_size, self.data_format)


class AdaptiveMaxPooling(AdaptivePooling):
    """Base class of the adaptive max pooling layers, which differ in the number of spatial axes."""

    def call(self, inputs: Array) -> Any:
        """Return the maximum of each window."""
        return ops.adaptive_max_pool(ops.cast(inputs, self.compute_dtype), self.output_size, self.data_format)


@registry.register("layers")
class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """1D adaptive average pooling layer, for sequences.

    The arguments are those of :class:`AdaptiveAveragePooling2D` with one integer instead of two.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, output_size, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AdaptiveAveragePooling1D
        >>> AdaptiveAveragePooling1D(2)(np.array([[[1.0], [4.0], [2.0], [3.0]]])).tolist()
        [[[2.5], [2.5]]]
    """

    rank = 1


@registry.register("layers")
class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """2D adaptive average pooling layer, for images: the output has the same size for images of all sizes.

    The image is divided into windows, and the layer returns the mean of each, for each channel separately. Window ``i`` of
    ``n`` along an axis covers the indices from ``floor(i * size / n)`` to ``ceil((i + 1) * size / n)``.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, *output_size, channels)``.

    Args:
        output_size: Integer or tuple of 2 integers, the height and width of the output.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer.
        ShapeError: If, when called, the input has another number of axes.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AdaptiveAveragePooling2D
        >>> AdaptiveAveragePooling2D((1, 2))(np.ones((1, 5, 7, 3))).shape
        (1, 1, 2, 3)
    """


@registry.register("layers")
class AdaptiveAveragePooling3D(AdaptiveAveragePooling):
    """3D adaptive average pooling layer, for volumes.

    The arguments are those of :class:`AdaptiveAveragePooling2D` with three integers instead of two.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape: ``(batch, *output_size, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AdaptiveAveragePooling3D
        >>> AdaptiveAveragePooling3D(2)(np.ones((1, 5, 7, 3, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


@registry.register("layers")
class AdaptiveMaxPooling1D(AdaptiveMaxPooling):
    """1D adaptive max pooling layer, for sequences.

    The arguments are those of :class:`AdaptiveMaxPooling2D` with one integer instead of two.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, output_size, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AdaptiveMaxPooling1D
        >>> AdaptiveMaxPooling1D(2)(np.array([[[1.0], [4.0], [2.0], [3.0]]])).tolist()
        [[[4.0], [3.0]]]
    """

    rank = 1


@registry.register("layers")
class AdaptiveMaxPooling2D(AdaptiveMaxPooling):
    """2D adaptive max pooling layer, for images: the output has the same size for images of all sizes.

    The image is divided into the windows of :class:`AdaptiveAveragePooling2D`, and the layer returns the maximum of each, for
    each channel separately.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, *output_size, channels)``.

    Args:
        output_size: Integer or tuple of 2 integers, the height and width of the output.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer.
        ShapeError: If, when called, the input has another number of axes.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AdaptiveMaxPooling2D
        >>> AdaptiveMaxPooling2D((1, 2))(np.ones((1, 5, 7, 3))).shape
        (1, 1, 2, 3)
    """


@registry.register("layers")
class AdaptiveMaxPooling3D(AdaptiveMaxPooling):
    """3D adaptive max pooling layer, for volumes.

    The arguments are those of :class:`AdaptiveMaxPooling2D` with three integers instead of two.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape: ``(batch, *output_size, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AdaptiveMaxPooling3D
        >>> AdaptiveMaxPooling3D(2)(np.ones((1, 5, 7, 3, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3
