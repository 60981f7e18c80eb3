"""Pooling: layers that sum up windows of a picture, or the whole of it, by the largest number or the mean."""

from typing import Any

from cornu import config, ops
from cornu.core.layer import Layer
from cornu.layers import arguments, shapes
from cornu.layers.shapes import Shape
from cornu.ops.window import standardize_padding


class Pooling(Layer):
    """The base of layers that pool windows.

    Attributes:
        rank: Number of spatial axes.
    """

    rank = 2
    batch_coupling = "none"
    cornu_preserves_value_range = True

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.pool_size = arguments.sizes(self, "pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else arguments.sizes(self, "strides", strides, self.rank)
        self.padding = standardize_padding(padding)
        self.data_format = config.standardize_data_format(data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The spatial sizes become the number of places of the window."""
        shapes.check_rank(self, input_shape, shapes.picture_names(self.rank, self.data_format))
        spatial = shapes.spatial_sizes(input_shape, self.data_format)
        spatial = shapes.after_window(self, spatial, self.pool_size, self.strides, self.padding)
        channels = input_shape[shapes.channel_axis(self.data_format)]
        return shapes.join(self.data_format, input_shape[0], spatial, channels)


class MaxPooling(Pooling):
    """The base of the max poolings, which differ in the number of spatial axes."""

    def call(self, inputs: Any) -> Any:
        """The largest number of each window."""
        inputs = ops.cast(inputs, self.compute_dtype)
        return ops.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class AveragePooling(Pooling):
    """The base of the average poolings, which differ in the number of spatial axes."""

    def call(self, inputs: Any) -> Any:
        """The mean of each window; padding is not counted."""
        inputs = ops.cast(inputs, self.compute_dtype)
        return ops.average_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class MaxPooling1D(MaxPooling):
    """The largest number of each window of a sequence, ``(batch, steps, channels)``.

    The arguments are those of :class:`MaxPooling2D`, with one number instead of two.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MaxPooling1D
        >>> MaxPooling1D(2)(np.array([[[1.0], [4.0], [2.0], [3.0]]])).tolist()
        [[[4.0], [3.0]]]
    """

    rank = 1


class MaxPooling2D(MaxPooling):
    """The largest number of each window of a picture: ``(batch, height, width, channels)`` to a smaller picture.

    Args:
        pool_size: Height and width of the window, or one number for both.
        strides: By how many places the window moves; default ``pool_size``.
        padding: ``"valid"`` drops what is left at the edge, ``"same"`` pads so that nothing is dropped.
        data_format: ``"channels_last"`` or ``"channels_first"``; default ``config.image_data_format()``.
        name: Its name.
        **kwargs: ``dtype`` (see :class:`Layer`).

    Raises:
        InvalidArgumentError: A number is not positive, or the padding has an unknown name.
        ShapeError: When called: the picture is smaller than the window.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MaxPooling2D
        >>> MaxPooling2D()(np.ones((1, 28, 28, 3))).shape
        (1, 14, 14, 3)
    """

    rank = 2


class MaxPooling3D(MaxPooling):
    """The largest number of each window of a volume, ``(batch, depth, height, width, channels)``.

    The arguments are those of :class:`MaxPooling2D`, with three numbers instead of two.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MaxPooling3D
        >>> MaxPooling3D()(np.ones((1, 4, 4, 4, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


class AveragePooling1D(AveragePooling):
    """The mean of each window of a sequence, ``(batch, steps, channels)``.

    The arguments are those of :class:`AveragePooling2D`, with one number instead of two.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AveragePooling1D
        >>> AveragePooling1D(2)(np.array([[[1.0], [4.0], [2.0], [3.0]]])).tolist()
        [[[2.5], [2.5]]]
    """

    rank = 1


class AveragePooling2D(AveragePooling):
    """The mean of each window of a picture: ``(batch, height, width, channels)`` to a smaller picture.

    Args:
        pool_size: Height and width of the window, or one number for both; default 2, as in Keras 2.
        strides: By how many places the window moves; default ``pool_size``.
        padding: ``"valid"`` drops what is left at the edge, ``"same"`` pads so that nothing is dropped.
        data_format: ``"channels_last"`` or ``"channels_first"``; default ``config.image_data_format()``.
        name: Its name.
        **kwargs: ``dtype`` (see :class:`Layer`).

    Raises:
        InvalidArgumentError: A number is not positive, or the padding has an unknown name.
        ShapeError: When called: the picture is smaller than the window.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AveragePooling2D
        >>> AveragePooling2D(4)(np.ones((1, 28, 28, 3))).shape
        (1, 7, 7, 3)
    """

    rank = 2


class AveragePooling3D(AveragePooling):
    """The mean of each window of a volume, ``(batch, depth, height, width, channels)``.

    The arguments are those of :class:`AveragePooling2D`, with three numbers instead of two.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AveragePooling3D
        >>> AveragePooling3D(2)(np.ones((1, 4, 4, 4, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


# --- The whole picture ------------------------------------------------------------------------------------------------


class GlobalPooling(Layer):
    """The base of layers that pool whole pictures, sequences or volumes: one number for each channel.

    Attributes:
        rank: Number of spatial axes.
    """

    rank = 2
    batch_coupling = "none"
    cornu_preserves_value_range = True

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = keepdims

    def _axes(self) -> tuple[int, ...]:
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(batch, channels)``, or with ``keepdims`` ones for the spatial sizes."""
        shapes.check_rank(self, input_shape, shapes.picture_names(self.rank, self.data_format))
        channels = input_shape[shapes.channel_axis(self.data_format)]
        return shapes.join(self.data_format, input_shape[0], (1,) * self.rank if self.keepdims else (), channels)


class GlobalMaxPooling(GlobalPooling):
    """The base of the global max poolings, which differ in the number of spatial axes."""

    def call(self, inputs: Any) -> Any:
        """The largest number of each channel."""
        return ops.max(ops.cast(inputs, self.compute_dtype), axis=self._axes(), keepdims=self.keepdims)


class GlobalAveragePooling(GlobalPooling):
    """The base of the global average poolings, which differ in the number of spatial axes."""

    def call(self, inputs: Any) -> Any:
        """The mean of each channel."""
        return ops.mean(ops.cast(inputs, self.compute_dtype), axis=self._axes(), keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest number of each channel of a sequence: ``(batch, steps, channels)`` to ``(batch, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalMaxPooling1D
        >>> GlobalMaxPooling1D()(np.array([[[1.0], [4.0]]])).tolist()
        [[4.0]]
    """

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest number of each channel of a picture: ``(batch, height, width, channels)`` to ``(batch, channels)``.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; default ``config.image_data_format()``.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: ``name`` and ``dtype`` (see :class:`Layer`).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalMaxPooling2D
        >>> GlobalMaxPooling2D()(np.ones((1, 7, 7, 3))).shape
        (1, 3)
    """

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest number of each channel of a volume: ``(batch, depth, height, width, channels)`` to ``(batch, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalMaxPooling3D
        >>> GlobalMaxPooling3D()(np.ones((1, 2, 2, 2, 3))).shape
        (1, 3)
    """

    rank = 3


class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean of each channel of a sequence: ``(batch, steps, channels)`` to ``(batch, channels)``.

    Steps that a mask marks as padding are left out.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalAveragePooling1D
        >>> x, mask = np.array([[[1.0], [4.0], [9.0]]]), np.array([[True, True, False]])
        >>> GlobalAveragePooling1D()(x, mask=mask).tolist()
        [[2.5]]
    """

    rank = 1
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The mean of each channel.

        Args:
            inputs: ``(batch, steps, channels)``.
            mask: ``(batch, steps)``: True for steps that count.
        """
        if mask is None:
            return super().call(inputs)
        inputs = ops.cast(inputs, self.compute_dtype)
        mask = ops.expand_dims(ops.cast(mask, "bool"), 1 if self.data_format == "channels_first" else 2)
        total = ops.sum(ops.where(mask, inputs, 0), axis=self._axes(), keepdims=self.keepdims)
        return total / ops.sum(ops.cast(mask, self.compute_dtype), axis=self._axes(), keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """None: there are no steps any more."""
        return None


class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of each channel of a picture: ``(batch, height, width, channels)`` to ``(batch, channels)``.

    Source: Lin et al., 2013, https://arxiv.org/abs/1312.4400

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; default ``config.image_data_format()``.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: ``name`` and ``dtype`` (see :class:`Layer`).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GlobalAveragePooling2D
        >>> GlobalAveragePooling2D()(np.ones((1, 7, 7, 3))).shape
        (1, 3)
    """

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean of each channel of a volume: ``(batch, depth, height, width, channels)`` to ``(batch, channels)``.

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
