"""Layers that map the values of images: inversion, fewer bits, contrast stretched to the range, filters."""

import functools
from collections.abc import Sequence
from typing import Unpack

import numpy as np

from cornu import ops, registry
from cornu.layers.augmentation.arguments import BoxArguments, Factor, ImageLayerArguments, as_range, up_to
from cornu.layers.augmentation.base import ImageSize, Transformation
from cornu.layers.augmentation.color import ColorArguments, ColorLayer, FactorLayer, RangeLayer, per_image
from cornu.layers.augmentation.draws import Draws
from cornu.ops.dispatch import arrays
from cornu.ops.image.filters import gaussian_kernel, separable_filter
from cornu.ops.image.layout import as_batch, from_batch
from cornu.serialization import with_signature
from cornu.typing import Array
from cornu.validation import check_int, check_ints, check_nonnegative, invalid_value

__all__ = [
    "AutoContrast",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Equalization",
    "RandomGaussianBlur",
    "RandomInvert",
    "RandomPosterization",
    "RandomSharpness",
    "Solarization",
]


class ValueMap(RangeLayer):
    """Base class of the layers without random parameters, which change images in training and outside of it."""

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        """Return the images, changed."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_changed(images, transformation)`.")

    def transform_images(self, images: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return the images, changed."""
        return self._changed(self._as_computed(images), transformation)


@registry.register("layers")
class AutoContrast(ValueMap):
    """Layer that stretches the values of each channel of each image to the whole value range.

    The smallest value becomes the lower bound and the largest the upper bound. A channel with one value is unchanged.

    Args:
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        **kwargs: ``data_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the range is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AutoContrast
        >>> AutoContrast()(np.array([[[10.0], [11.0]]])).tolist()
        [[[0.0], [255.0]]]
    """

    def __init__(self, value_range: Sequence[float] = (0, 255), **kwargs: Unpack[ImageLayerArguments]):
        super().__init__(value_range=value_range, **kwargs)

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        low = ops.min(images, self._rows_and_columns, keepdims=True)
        spread = ops.max(images, self._rows_and_columns, keepdims=True) - low
        is_flat = spread == 0
        stretched = self._unscaled((images - low) / ops.where(is_flat, ops.ones_like(spread), spread))
        return ops.where(is_flat, images, self._clipped(stretched))


@registry.register("layers")
class Equalization(ValueMap):
    """Layer that equalizes the histogram of each channel of each image.

    The values are rounded to ``bins`` steps of the value range. A value ``v`` becomes the share of the other values up to it:
    ``(count(<= v) - count(<= smallest)) / (pixels - count(<= smallest))`` of the range.

    Args:
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        bins: Integer, number of steps. Defaults to 256.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the range or the number of steps is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Equalization
        >>> Equalization()(np.array([[[10.0], [11.0], [12.0]]])).tolist()
        [[[0.0], [128.0], [255.0]]]
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Unpack[BoxArguments],
    ):
        super().__init__(value_range=value_range, data_format=data_format, **kwargs)
        self.bins = check_int(self, "bins", bins, 2)

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        steps = float(self.bins - 1)
        values = self._scaled(ops.cast(images, "float32"))
        is_nan = ops.isnan(values)  # NaN has no integer: it counts as the smallest value, and stays NaN
        levels = ops.where(is_nan, 0.0, ops.clip(ops.round(values * steps), 0.0, steps))
        backend, levels = arrays(ops.cast(levels, "int32"))
        batch, is_single = as_batch(backend, levels, type(self).__name__, self.data_format)
        count, height, width, channels = ops.shape(batch)
        # Each channel of each image has bins of its own in one histogram of all.
        first = backend.multiply(backend.arange(0, count * channels, 1, "int32"), self.bins)
        places = backend.reshape(backend.add(batch, backend.reshape(first, (count, 1, 1, channels))), (-1,))
        empty = backend.full((count * channels * self.bins,), 0, "float32")
        histogram = backend.index_add(empty, places, backend.full(backend.shape(places), 1, "float32"))
        sums = backend.cumsum(backend.reshape(histogram, (-1, self.bins)), 1)
        lowest = backend.min(backend.where(backend.greater(sums, 0), sums, float(2**30)), 1, True)
        rest = backend.subtract(backend.cast(backend.asarray(height * width), "float32"), lowest)
        is_flat = backend.equal(rest, 0)
        share = backend.divide(backend.subtract(sums, lowest), backend.where(is_flat, 1.0, rest))
        new = backend.where(is_flat, backend.arange(0, self.bins, 1, "float32"), backend.round(backend.multiply(share, steps)))
        found = backend.reshape(backend.take(backend.reshape(new, (-1,)), places, 0), backend.shape(batch))
        found = self._unscaled(backend.divide(from_batch(backend, found, is_single, self.data_format), steps))
        return ops.cast(ops.where(is_nan, values, found), self.compute_dtype)


@registry.register("layers")
class ContrastLimitedAdaptiveHistogramEqualization(ValueMap):
    """Layer that equalizes the histograms of the parts of each channel of each image, with a limited slope (CLAHE).

    The image is divided into tiles. The histogram of a tile, in 256 steps of the value range, is cut at a limit, and what was
    cut is distributed evenly over all steps. A value ``v`` becomes the share
    ``(count(<= v) - count(<= 0)) / (pixels - count(<= 0))`` of the range, interpolated between the centers of the four nearest
    tiles. Source: Zuiderveld, 1994, Contrast Limited Adaptive Histogram Equalization, in: Graphics Gems IV.

    Args:
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        clip_limit: Float, the limit as a multiple of the mean of the histogram; 0 for none. Defaults to 4.0.
        tile_grid_size: Tuple of two integers, the numbers of rows and of columns of tiles. Defaults to ``(8, 8)``.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the range, the limit or the grid is invalid.
        ShapeError: If the height or width of the images is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ContrastLimitedAdaptiveHistogramEqualization
        >>> layer = ContrastLimitedAdaptiveHistogramEqualization(clip_limit=0, tile_grid_size=(1, 1))
        >>> np.asarray(layer(np.array([[[10.0], [11.0], [12.0]]]))).round(3).tolist()
        [[[85.0], [170.0], [255.0]]]
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Sequence[int] = (8, 8),
        data_format: str | None = None,
        **kwargs: Unpack[BoxArguments],
    ):
        super().__init__(value_range=value_range, data_format=data_format, **kwargs)
        self.clip_limit = check_nonnegative(self, "clip_limit", clip_limit)
        self.tile_grid_size = check_ints(self, "tile_grid_size", tile_grid_size, 2)

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        sizes, grid = self._known_size(images.shape), self.tile_grid_size
        levels = ops.clip(ops.cast(self._scaled(ops.cast(images, "float32")) * 255.0, "int32"), 0, 255)
        backend, levels = arrays(levels)
        batch, is_single = as_batch(backend, levels, type(self).__name__, self.data_format)
        count, _, _, channels = backend.shape(batch)
        tiles = tuple(-(-size // parts) for size, parts in zip(sizes, grid, strict=True))
        pixels = float(tiles[0] * tiles[1])
        # All tiles have the same size: what they lack at the end is mirrored.
        whole, numbers = batch, []
        for axis, (size, tile, parts) in enumerate(zip(sizes, tiles, grid, strict=True), start=1):
            mirrored = np.pad(np.arange(size, dtype="int32"), (0, tile * parts - size), "symmetric")
            whole = backend.take(whole, backend.asarray(mirrored), axis)
            numbers.append(np.arange(tile * parts, dtype="int32") // tile)
        first = backend.multiply(backend.arange(0, count * channels, 1, "int32"), grid[0] * grid[1])
        first = backend.reshape(first, (count, 1, 1, channels))

        def places(rows: np.ndarray, columns: np.ndarray, values: Array) -> Array:
            """Return the places of pixels, each in the histogram of a tile, among those of all histograms."""
            number = (rows[:, np.newaxis] * grid[1] + columns)[np.newaxis, :, :, np.newaxis]
            return backend.add(backend.multiply(backend.add(first, backend.asarray(number.astype("int32"))), 256), values)

        counted = backend.reshape(places(numbers[0], numbers[1], whole), (-1,))
        empty = backend.full((count * channels * grid[0] * grid[1] * 256,), 0, "float32")
        histogram = backend.index_add(empty, counted, backend.full(backend.shape(counted), 1, "float32"))
        histogram = backend.reshape(histogram, (-1, 256))
        if self.clip_limit:
            kept = backend.minimum(histogram, self.clip_limit * pixels / 256)
            cut = backend.sum(backend.subtract(histogram, kept), 1, True)
            histogram = backend.add(kept, backend.divide(cut, 256.0))
        sums = backend.cumsum(histogram, 1)
        lowest = backend.getitem(sums, (slice(None), slice(0, 1)))
        rest = backend.subtract(pixels, lowest)
        new = backend.divide(backend.subtract(sums, lowest), backend.where(backend.equal(rest, 0), 1.0, rest))
        new = backend.reshape(backend.minimum(backend.maximum(new, 0.0), 1.0), (-1,))

        parts = []
        for row, above in _neighbors(sizes[0], tiles[0], grid[0]):
            for column, beside in _neighbors(sizes[1], tiles[1], grid[1]):
                weight = backend.asarray(np.outer(above, beside)[:, :, np.newaxis].astype("float32"))
                parts.append(backend.multiply(backend.take(new, places(row, column, batch), 0), weight))
        found = functools.reduce(backend.add, parts)
        found = self._unscaled(from_batch(backend, found, is_single, self.data_format))
        return ops.cast(found, self.compute_dtype)


def _neighbors(size: int, tile: int, parts: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each pixel along an axis, the two tiles whose centers are nearest, each with its weight."""
    position = np.arange(size) / tile - 0.5
    before = np.floor(position)
    return [
        (np.clip(before, 0, parts - 1).astype("int32"), before + 1 - position),
        (np.clip(before + 1, 0, parts - 1).astype("int32"), position - before),
    ]


@registry.register("layers")
class Solarization(ColorLayer):
    """Layer that inverts the values of images above a threshold during training.

    A random number is added to each image, and the sum is clipped to the value range; then each value ``x`` that is not below
    a random threshold becomes ``high + low - x``.

    Args:
        addition_factor: Float, or tuple of two floats from 0 to 1: the range of the added number, as a fraction of the value
            range; a single number ``f`` denotes ``(0, f)``. Defaults to 0.0.
        threshold_factor: The range of the threshold, in the same form. Defaults to 0.0.
        value_range: Tuple ``(low, high)`` of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: ``data_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a factor or the range is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Solarization
        >>> Solarization()(np.array([[[0.0], [100.0]]])).tolist()
        [[[255.0], [155.0]]]
    """

    @with_signature("addition_factor threshold_factor value_range seed", ColorLayer)
    def __init__(self, addition_factor: Factor = 0.0, threshold_factor: Factor = 0.0, **kwargs: Unpack[ColorArguments]):
        super().__init__(**kwargs)
        self.addition_factor = as_range(self, "addition_factor", addition_factor, (0.0, 1.0), up_to)
        self.threshold_factor = as_range(self, "threshold_factor", threshold_factor, (0.0, 1.0), up_to)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"additions"`` and ``"thresholds"``, of shape ``(batch, 1, 1, 1)``."""
        shape = (size.batch, 1, 1, 1)
        additions, thresholds = (
            draws.uniform(shape, bounds[0] * self._span, bounds[1] * self._span)
            for bounds in (self.addition_factor, self.threshold_factor)
        )
        return {"additions": additions, "thresholds": thresholds + float(self.value_range[0])}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        additions, thresholds = (ops.cast(transformation[name], self.compute_dtype) for name in ("additions", "thresholds"))
        images = self._clipped(images + additions)
        return ops.where(images < thresholds, images, sum(self.value_range) - images)


@registry.register("layers")
class RandomInvert(FactorLayer):
    """Layer that inverts the values of images at random during training: ``high + low - x``.

    Args:
        factor: Float, or tuple of two floats from 0 to 1: the range that the probability of each image is drawn from; a single
            number ``f`` denotes ``(0, f)``. Defaults to 1.0.
        value_range: Tuple ``(low, high)`` of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the factor or the range is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomInvert
        >>> RandomInvert((1.0, 1.0))(np.array([[[0.0], [100.0]]])).tolist()
        [[[255.0], [155.0]]]
    """

    @with_signature("factor value_range seed data_format", FactorLayer)
    def __init__(self, factor: Factor = 1.0, **kwargs: Unpack[ColorArguments]):
        super().__init__(factor=factor, **kwargs)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"apply_inversion"``, booleans of shape ``(batch,)``."""
        return {"apply_inversion": draws.chosen(size.batch, self.factor)}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        return ops.where(per_image(transformation["apply_inversion"]), sum(self.value_range) - images, images)


@registry.register("layers")
class RandomPosterization(ColorLayer):
    """Layer that keeps only the highest of the 8 bits of each value during training.

    Args:
        factor: Integer, or tuple of two integers from 1 to 8: the range of the number of bits that are kept, drawn for each
            image, both bounds included; a single number ``n`` denotes ``(1, n)``.
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the factor or the range is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomPosterization
        >>> RandomPosterization((2, 2))(np.array([[[63.0], [64.0], [255.0]]])).tolist()
        [[[0.0], [64.0], [192.0]]]
    """

    @with_signature("factor value_range data_format seed", ColorLayer)
    def __init__(self, factor: int | Sequence[int], **kwargs: Unpack[ColorArguments]):
        super().__init__(**kwargs)
        low, high = as_range(self, "factor", factor, (1, 8), lambda bits: (1, bits))
        self.factor = int(low), int(high)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"shift_factor"``, integers of shape ``(batch,)``: the number of bits that are lost."""
        shape = (size.batch,)
        return {"shift_factor": draws.integers(shape, 8 - self.factor[1], 8 - self.factor[0])}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        step = ops.round(ops.exp2(ops.cast(per_image(transformation["shift_factor"]), "float32")))
        wide = self._scaled(ops.cast(images, "float32")) * 255.0
        whole = ops.floor(wide + 1e-3)  # images of the range (0, 1) lie a rounding error below the integer
        return ops.cast(self._unscaled(ops.floor(whole / step) * step / 255.0), self.compute_dtype)


@registry.register("layers")
class RandomSharpness(FactorLayer):
    """Layer that blurs or sharpens each image at random during training.

    The result is ``blurred + 2 f (x - blurred)``, clipped to the value range, with ``f`` drawn from the range ``factor``: 0
    yields a blurred image, 0.5 changes nothing and 1 yields a sharper one. The blurred image is the mean of the 3 x 3 pixels
    around each one, which counts 5 times; beyond the edges there are zeros.

    Args:
        factor: Float, or tuple of two floats from 0 to 1: the range of ``f``; a single number ``f`` denotes ``(0, f)``.
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the factor or the range is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomSharpness
        >>> RandomSharpness((0.5, 0.5))(np.array([[[10.0], [20.0]]])).tolist()
        [[[10.0], [20.0]]]
    """

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"factor"``, of shape ``(batch,)``."""
        return {"factor": draws.uniform((size.batch,), *self.factor)}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        backend, images = arrays(images)
        batch, is_single = as_batch(backend, images, type(self).__name__, self.data_format)
        ones = backend.full((3,), 1, backend.dtype(batch))
        around = separable_filter(backend, batch, ones, ones)
        blurred = from_batch(backend, (around + batch * 4.0) / 13.0, is_single, self.data_format)
        factor = ops.cast(per_image(transformation["factor"]), self.compute_dtype)
        return self._clipped(blurred + (images - blurred) * (factor * 2.0))


@registry.register("layers")
class RandomGaussianBlur(FactorLayer):
    """Layer that blurs images at random during training.

    Args:
        factor: Float, or tuple of two floats from 0 to 1: the range that the probability of each image is drawn from; a single
            number ``f`` denotes ``(0, f)``. Defaults to 1.0.
        kernel_size: Integer, or tuple of two integers, width and height of the Gaussian filter; odd. Defaults to 3.
        sigma: Float, or tuple of two floats: the range of the standard deviations of the filter along the width and along the
            height, in pixels, drawn once for the batch; a single number ``s`` denotes ``(0, s)``. Defaults to 1.0.
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomGaussianBlur
        >>> RandomGaussianBlur(1.0, kernel_size=3, sigma=1.0)(np.ones((4, 4, 3))).shape
        (4, 4, 3)
    """

    @with_signature("factor kernel_size sigma value_range data_format seed", FactorLayer)
    def __init__(
        self, factor: Factor = 1.0, kernel_size: int | Sequence[int] = 3, sigma: Factor = 1.0, **kwargs: Unpack[ColorArguments]
    ):
        super().__init__(factor=factor, **kwargs)
        self.sigma = as_range(self, "sigma", sigma, (0.0, float("inf")), up_to)
        sizes = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(sizes) != 2 or not all(isinstance(size, int) and size > 0 and size % 2 for size in sizes):
            expected = "an odd positive integer, or two of them, for the width and the height"
            raise invalid_value(self, "kernel_size", kernel_size, expected, 3)
        self.kernel_size = sizes

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"should_apply_blur"``, booleans of shape ``(batch,)``, and ``"blur_factor"``, two standard deviations."""
        chosen = draws.chosen(size.batch, self.factor)
        return {"should_apply_blur": chosen, "blur_factor": draws.uniform((2,), *self.sigma)}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        backend, images = arrays(images)
        batch, is_single = as_batch(backend, images, type(self).__name__, self.data_format)
        deviations = backend.asarray(transformation["blur_factor"])
        kernels = [
            gaussian_kernel(backend, size, backend.getitem(deviations, axis), backend.dtype(batch))
            for axis, size in enumerate(self.kernel_size)
        ]
        blurred = from_batch(backend, separable_filter(backend, batch, *kernels[::-1]), is_single, self.data_format)
        return ops.where(per_image(transformation["should_apply_blur"]), blurred, images)
