"""Layers that change the colors of images at random during training."""

from collections.abc import Sequence
from typing import Any, Unpack

from cornu import ops, registry
from cornu.layers.augmentation.arguments import (
    BoxArguments,
    Factor,
    RandomImageArguments,
    around_zero,
    as_range,
    check_value_range,
    up_to,
    without_sign,
)
from cornu.layers.augmentation.base import BaseImagePreprocessingLayer, ImageSize, RandomImageLayer, Transformation
from cornu.layers.augmentation.draws import Draws
from cornu.ops.random import Seed
from cornu.serialization import with_signature
from cornu.typing import Array, Tree

__all__ = [
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomGrayscale",
    "RandomHue",
    "RandomSaturation",
]


def per_image(values: Array) -> Array:
    """Return one value for each image of a batch as an array that broadcasts to images."""
    return ops.reshape(values, (-1, 1, 1, 1))


class RangeLayer(BaseImagePreprocessingLayer):
    """Base class of the layers that compute new values of images, of a known range.

    Args:
        value_range: Pair of numbers, the smallest and the largest value of images.
        **kwargs: Arguments of the base class.
    """

    cornu_preserves_value_range = True

    def __init__(self, *, value_range: Sequence[float] = (0, 255), **kwargs: Any):
        super().__init__(**kwargs)
        self.value_range = check_value_range(self, value_range)

    @property
    def _span(self) -> float:
        return float(self.value_range[1] - self.value_range[0])

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else -3

    @property
    def _rows_and_columns(self) -> tuple[int, int]:
        return (-3, -2) if self.data_format == "channels_last" else (-2, -1)

    def _clipped(self, images: Array) -> Array:
        return ops.clip(images, *self.value_range)

    def _scaled(self, images: Array) -> Array:
        """Return images of the value range scaled to [0, 1]."""
        return (images - self.value_range[0]) / self._span

    def _unscaled(self, images: Array) -> Array:
        return images * self._span + self.value_range[0]

    def _as_hsv(self, images: Array) -> list[Array]:
        """Return the hue, the saturation and the value of RGB images, each in [0, 1]."""
        return ops.split(ops.image.rgb_to_hsv(self._scaled(images), data_format=self.data_format), 3, axis=self._channel_axis)

    def _from_hsv(self, *parts: Array) -> Array:
        """Undo :meth:`_as_hsv`."""
        hsv = ops.concatenate(parts, self._channel_axis)
        return self._unscaled(ops.image.hsv_to_rgb(hsv, data_format=self.data_format))

    def _gray(self, images: Array) -> Array:
        """Return grayscale images with the channels of the images."""
        gray = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        return ops.repeat(gray, 3, axis=self._channel_axis)


class ColorLayer(RangeLayer, RandomImageLayer):
    """Base class of the layers that compute new values of images at random during training."""


class ColorArguments(RandomImageArguments, total=False):
    """The arguments of :class:`ColorLayer`, which the constructors of its subclasses accept as ``**kwargs``."""

    value_range: Sequence[float]


class FactorLayer(ColorLayer):
    """Base class of the layers whose transformation of an image depends on a factor, drawn from a range.

    Args:
        factor: Float, or tuple of two floats from 0 to 1: the range; a single number ``f`` denotes ``(0, f)``.
        value_range: Pair of numbers, the smallest and the largest value of images. Defaults to ``(0, 255)``.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class.
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Sequence[float] = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Unpack[BoxArguments],
    ):
        super().__init__(value_range=value_range, seed=seed, data_format=data_format, **kwargs)
        self.factor = self._range_of(factor)

    def _range_of(self, factor: Factor) -> tuple[float, float]:
        """Return the range that the argument denotes."""
        return as_range(self, "factor", factor, (0.0, 1.0), up_to)


@registry.register("layers")
class RandomBrightness(ColorLayer):
    """Layer that adds a random number to the values of each image during training.

    The number is ``f * (high - low)``, with ``f`` drawn from the range ``factor``; the result is clipped to the value range.

    Args:
        factor: Float, or tuple of two floats from -1 to 1: the range of ``f``; a single number ``f`` denotes ``(-f, f)``.
        value_range: Tuple ``(low, high)`` of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: ``data_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the factor or the range is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomBrightness
        >>> RandomBrightness((0.5, 0.5), value_range=(0, 1))(np.array([[[0.25, 0.75, 0.0]]])).tolist()
        [[[0.75, 1.0, 0.5]]]
    """

    @with_signature("factor value_range seed", ColorLayer)
    def __init__(self, factor: Factor, **kwargs: Unpack[ColorArguments]):
        super().__init__(**kwargs)
        self.factor = as_range(self, "factor", factor, (-1.0, 1.0), around_zero)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"rgb_delta"``, of shape ``(batch, 1, 1, 1)``."""
        low, high = (bound * self._span for bound in self.factor)
        return {"rgb_delta": draws.uniform((size.batch, 1, 1, 1), low, high)}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        return self._clipped(images + ops.cast(transformation["rgb_delta"], self.compute_dtype))


@registry.register("layers")
class RandomContrast(ColorLayer):
    """Layer that changes the contrast of each image at random during training.

    In each channel of an image, ``x`` becomes ``(x - mean) * f + mean``, with the mean of the channel and ``f`` drawn from
    ``[1 - lower, 1 + upper]``; the result is clipped to the value range.

    Args:
        factor: Float from 0 to 1, ``lower`` and ``upper``; or the tuple ``(lower, upper)``.
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: ``data_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the factor or the range is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomContrast
        >>> RandomContrast(0.3, seed=1)(np.full((2, 2, 1), 100.0))[..., 0].tolist()
        [[100.0, 100.0], [100.0, 100.0]]
    """

    @with_signature("factor value_range seed", ColorLayer)
    def __init__(self, factor: Factor, **kwargs: Unpack[ColorArguments]):
        super().__init__(**kwargs)
        as_range(self, "factor", factor, (0.0, 1.0), up_to)  # only a check: the lower number may be the larger one
        self.factor = (factor, factor) if isinstance(factor, (int, float)) else (factor[0], factor[1])

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"contrast_factor"``, of shape ``(batch, 1, 1, 1)``."""
        shape = (size.batch, 1, 1, 1)
        return {"contrast_factor": draws.uniform(shape, 1.0 - self.factor[0], 1.0 + self.factor[1])}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        mean = ops.mean(images, self._rows_and_columns, keepdims=True)
        factor = ops.cast(transformation["contrast_factor"], self.compute_dtype)
        return self._clipped((images - mean) * factor + mean)


@registry.register("layers")
class RandomSaturation(FactorLayer):
    """Layer that changes the saturation of each RGB image at random during training.

    The saturation (see :func:`cornu.ops.image.rgb_to_hsv`) is multiplied by ``f / (1 - f)`` and limited to 1, with ``f`` drawn
    from the range ``factor``: 0 yields grayscale images, 0.5 changes nothing and 1 yields full saturation.

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
        >>> from cornu.layers import RandomSaturation
        >>> np.round(RandomSaturation((0.0, 0.0))(np.array([[[100.0, 50.0, 0.0]]]))).tolist()
        [[[100.0, 100.0, 100.0]]]
    """

    def _range_of(self, factor: Factor) -> tuple[float, float]:
        return super()._range_of(without_sign(factor))

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"factor"``, of shape ``(batch,)``: the factor of the saturation."""
        part = draws.uniform((size.batch,), *self.factor)
        return {"factor": part / ops.maximum(1.0 - part, 1e-7)}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        hue, saturation, value = self._as_hsv(images)
        saturation = ops.clip(saturation * ops.cast(per_image(transformation["factor"]), self.compute_dtype), 0.0, 1.0)
        return self._from_hsv(hue, saturation, value)


@registry.register("layers")
class RandomHue(FactorLayer):
    """Layer that shifts the hue of each RGB image at random during training.

    The hue (see :func:`cornu.ops.image.rgb_to_hsv`) is shifted by ``f / 2`` of the color circle in a random direction, with
    ``f`` drawn from the range ``factor``.

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
        >>> from cornu.layers import RandomHue
        >>> np.round(RandomHue((1.0, 1.0))(np.array([[[200.0, 0.0, 0.0]]]))).tolist()
        [[[0.0, 200.0, 200.0]]]
    """

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"factor"``, of shape ``(batch,)``: the shift, as a fraction of the color circle."""
        shape = (size.batch,)
        return {"factor": draws.uniform(shape, *self.factor) * draws.signs(shape) * 0.5}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        hue, saturation, value = self._as_hsv(images)
        hue = ops.mod(hue + ops.cast(per_image(transformation["factor"]), self.compute_dtype), 1.0)
        return self._from_hsv(hue, saturation, value)


@registry.register("layers")
class RandomColorDegeneration(FactorLayer):
    """Layer that mixes each RGB image with its grayscale image during training: ``x + f * (gray - x)``.

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
        >>> from cornu.layers import RandomColorDegeneration
        >>> np.round(RandomColorDegeneration((1.0, 1.0))(np.array([[[100.0, 100.0, 100.0]]]))).tolist()
        [[[100.0, 100.0, 100.0]]]
    """

    def _range_of(self, factor: Factor) -> tuple[float, float]:
        return super()._range_of(without_sign(factor))

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"factor"``, of shape ``(batch, 1, 1, 1)``."""
        return {"factor": draws.uniform((size.batch, 1, 1, 1), *self.factor)}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        factor = ops.cast(transformation["factor"], self.compute_dtype)
        return self._clipped(images + (self._gray(images) - images) * factor)


@registry.register("layers")
class RandomGrayscale(RandomImageLayer):
    """Layer that makes RGB images grayscale at random during training; they keep three channels.

    Args:
        factor: Float from 0 to 1, the probability. Defaults to 0.5.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the factor is not between 0 and 1.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomGrayscale
        >>> np.round(RandomGrayscale(1.0)(np.array([[[255.0, 0.0, 0.0]]]))).tolist()
        [[[76.0, 76.0, 76.0]]]
    """

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Unpack[BoxArguments]
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = as_range(self, "factor", (factor, factor), (0.0, 1.0), up_to)[0]

    def _draw(self, draws: Draws, size: ImageSize) -> Any:
        """Return booleans of shape ``(batch, 1, 1, 1)``."""
        return draws.flags((size.batch, 1, 1, 1), self.factor)

    def _changed(self, images: Array, transformation: Any) -> Array:
        """Return the images, those that were drawn without colors."""
        gray = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        return ops.where(transformation, gray, images)


@registry.register("layers")
class RandomColorJitter(RandomImageLayer):
    """Layer that changes brightness, contrast, saturation and hue of each RGB image at random during training.

    It applies :class:`RandomBrightness`, :class:`RandomContrast`, :class:`RandomSaturation` and :class:`RandomHue`, those whose
    factor is given, one after the other.

    Args:
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: The ``factor`` of each layer. Default to None, for
            no such change.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a factor or the range is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomColorJitter
        >>> RandomColorJitter(brightness_factor=0.2, hue_factor=0.1)(np.ones((4, 4, 3))).shape
        (4, 4, 3)
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        brightness_factor: Factor | None = None,
        contrast_factor: Factor | None = None,
        saturation_factor: Factor | None = None,
        hue_factor: Factor | None = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[BoxArguments],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = check_value_range(self, value_range)
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        shared = {"value_range": self.value_range, "data_format": self.data_format, "dtype": self.dtype_policy}
        factors = {
            "random_brightness": (RandomBrightness, brightness_factor),
            "random_contrast": (RandomContrast, contrast_factor),
            "random_saturation": (RandomSaturation, saturation_factor),
            "random_hue": (RandomHue, hue_factor),
        }
        for name, (kind, factor) in factors.items():
            setattr(self, name, None if factor is None else kind(factor=factor, seed=seed, **shared))

    def _steps(self) -> dict[str, ColorLayer]:
        names = ("random_brightness", "random_contrast", "random_saturation", "random_hue")
        return {name: layer for name in names if (layer := getattr(self, name)) is not None}

    def get_random_transformation(self, data: Tree, training: bool = True, seed: Seed = None) -> Transformation:
        """Return the transformation of each layer, by the name of the attribute."""
        if not training:
            return None
        source = self.generator if seed is None else seed
        return {name: layer.get_random_transformation(data, training, source) for name, layer in self._steps().items()}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        """Return the images, changed by each layer."""
        for name, layer in self._steps().items():
            images = layer.transform_images(images, transformation[name])
        return images
