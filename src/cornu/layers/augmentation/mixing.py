"""Layers that replace parts of images: by noise or a constant, or by parts of other images of the batch."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.layers.augmentation.arguments import BoxArguments, Factor, as_range, up_to
from cornu.layers.augmentation.base import Boxes, ImageSize, RandomImageLayer, Transformation, as_number
from cornu.layers.augmentation.color import ColorArguments, FactorLayer, per_image
from cornu.layers.augmentation.draws import Draws
from cornu.serialization import with_signature
from cornu.typing import Array
from cornu.validation import check_between

__all__ = ["CutMix", "MixUp", "RandomErasing"]


def random_boxes(draws: Draws, size: ImageSize, heights: Any, widths: Any, data_format: str) -> Array:
    """Return masks that are True in a box of each image, at a random place.

    Args:
        draws: Source of random values.
        size: Sizes of the batch of images.
        heights, widths: Sizes of the boxes as fractions of those of the images, arrays of shape ``(batch,)``.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Returns:
        Booleans of shape ``(batch, height, width, 1)`` or ``(batch, 1, height, width)``.
    """
    inside = []
    for fraction, length in ((heights, size.height), (widths, size.width)):
        extent = ops.floor(fraction * as_number(length))
        start = ops.floor(draws.uniform((size.batch,)) * (as_number(length) - extent + 1.0))
        places = draws.backend.arange(0, length, 1, "float32")
        start, extent = ops.reshape(start, (-1, 1)), ops.reshape(extent, (-1, 1))
        inside.append(ops.logical_and(places >= start, places < start + extent))
    rows, columns = inside
    masks = ops.logical_and(ops.expand_dims(rows, 2), ops.expand_dims(columns, 1))
    return ops.expand_dims(masks, -1 if data_format == "channels_last" else 1)


@registry.register("layers")
class RandomErasing(FactorLayer):
    """Layer that erases a random box of images during training.

    Source: Zhong et al., 2020, Random Erasing Data Augmentation, https://arxiv.org/abs/1708.04896

    Args:
        factor: Float, or tuple of two floats from 0 to 1: the range that the probability of each image is drawn from; a single
            number ``f`` denotes ``(0, f)``. Defaults to 1.0.
        scale: Tuple of two floats from 0 to 1: the range of two numbers whose square roots are the height and the width of the
            box, as fractions of those of the image; a single number ``s`` denotes ``(0, s)``. Defaults to ``(0.02, 0.33)``.
        fill_value: Float, value of the box. Defaults to None, for normally distributed noise of the value range.
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomErasing
        >>> layer = RandomErasing((1.0, 1.0), scale=(0.25, 0.25), fill_value=0.0)
        >>> float(np.asarray(layer(np.ones((4, 4, 1)))).sum())
        12.0
    """

    @with_signature("factor scale fill_value value_range seed data_format", FactorLayer)
    def __init__(
        self,
        factor: Factor = 1.0,
        scale: Factor = (0.02, 0.33),
        fill_value: float | None = None,
        **kwargs: Unpack[ColorArguments],
    ):
        super().__init__(factor=factor, **kwargs)
        self.scale = as_range(self, "scale", scale, (0.0, 1.0), up_to)
        self.fill_value = fill_value

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"apply_erasing"``, booleans of shape ``(batch,)``, ``"batch_masks"`` and ``"fill_value"``.

        The masks are True in the box; the noise has the shape of the images.
        """
        chosen = draws.chosen(size.batch, self.factor)
        height, width = (ops.sqrt(draws.uniform((size.batch,), *self.scale)) for _ in range(2))
        masks = random_boxes(draws, size, height, width, self.data_format)
        value = self.fill_value
        if value is None:
            value = self._unscaled(ops.clip(draws.normal(size.shape), 0.0, 1.0))
        return {"apply_erasing": chosen, "batch_masks": masks, "fill_value": value}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        erased = ops.logical_and(transformation["batch_masks"], per_image(transformation["apply_erasing"]))
        return ops.where(erased, ops.cast(transformation["fill_value"], self.compute_dtype), images)


@registry.register("layers")
class MixUp(RandomImageLayer):
    """Layer that mixes each image, and its label, with another one of the batch during training.

    ::

        w * x + (1 - w) * other, with w ~ Beta(alpha, alpha) for each image

    The boxes of both images are kept. Labels must be one-hot or probabilities. Source: Zhang et al., 2018, mixup: Beyond
    Empirical Risk Minimization, https://arxiv.org/abs/1710.09412

    Args:
        alpha: Float larger than 0, at most 1: parameter of the distribution of the weights. Defaults to 0.2.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``alpha`` is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MixUp
        >>> mixed = MixUp(seed=1)({"images": np.ones((2, 4, 4, 3)), "labels": np.eye(2)})
        >>> np.round(np.asarray(mixed["labels"]).sum(1), 5).tolist()
        [1.0, 1.0]
    """

    batch_coupling = "unknown"

    def __init__(
        self, alpha: float = 0.2, data_format: str | None = None, seed: int | None = None, **kwargs: Unpack[BoxArguments]
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = check_between(self, "alpha", alpha, without=(0,))

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"mix_weight"`` and ``"permutation_order"``, both of shape ``(batch,)``."""
        weights = draws.beta((size.batch,), self.alpha, self.alpha)
        return {"mix_weight": weights, "permutation_order": draws.permutation(size.batch)}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        """Return the images, mixed."""
        return mixed(images, transformation)

    def _changed_labels(self, labels: Array, transformation: Transformation) -> Array:
        """Return the labels, mixed like their images."""
        return mixed(self._as_computed(labels), transformation)

    def _changed_boxes(self, bounding_boxes: Boxes, transformation: Transformation) -> Boxes:
        """Return the boxes of both images."""
        order = transformation["permutation_order"]
        return {name: ops.concatenate([values, ops.take(values, order, 0)], 1) for name, values in bounding_boxes.items()}

    def _changed_masks(self, masks: Array, transformation: Transformation) -> Array:
        """Return the masks, mixed like their images."""
        return mixed(self._as_computed(masks), transformation)


def mixed(values: Array, transformation: Transformation) -> Array:
    """Return the weighted mean of each value of a batch and the value that the permutation names."""
    weight = ops.cast(transformation["mix_weight"], ops.dtype(values))
    weight = ops.reshape(weight, (-1, *(1,) * (len(values.shape) - 1)))
    return values * weight + ops.take(values, transformation["permutation_order"], 0) * (1.0 - weight)


@registry.register("layers")
class CutMix(RandomImageLayer):
    """Layer that replaces a random box of each image by that of another image of the batch during training.

    The area of the box is ``1 - w`` of the image, rounded to pixels, with ``w ~ Beta(a, a)`` and ``a`` drawn from the range
    ``factor``. The labels, which must be one-hot or probabilities, are mixed in proportion to the areas. Source: Yun et al.,
    2019, CutMix: Regularization Strategy to Train Strong Classifiers, https://arxiv.org/abs/1905.04899

    Args:
        factor: Float, or tuple of two floats from 0 to 1: the range of ``a``; a single number ``f`` denotes ``(0, f)``.
            Defaults to 1.0.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the factor is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import CutMix
        >>> mixed = CutMix(seed=1)({"images": np.ones((2, 4, 4, 3)), "labels": np.eye(2)})
        >>> np.round(np.asarray(mixed["labels"]).sum(1), 5).tolist()
        [1.0, 1.0]
    """

    batch_coupling = "unknown"

    def __init__(
        self, factor: Factor = 1.0, seed: int | None = None, data_format: str | None = None, **kwargs: Unpack[BoxArguments]
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = as_range(self, "factor", factor, (0.0, 1.0), up_to)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"permutation_order"``, of shape ``(batch,)``, ``"batch_masks"`` and ``"mix_weight"``.

        The masks are True in the box. The weight is the area outside of it.
        """
        parameter = ops.maximum(draws.uniform((size.batch,), *self.factor), 1e-3)
        side = ops.sqrt(1.0 - draws.beta((size.batch,), parameter, parameter))
        masks = random_boxes(draws, size, side, side, self.data_format)
        area = ops.mean(ops.cast(masks, "float32"), (1, 2, 3), keepdims=True)
        return {"permutation_order": draws.permutation(size.batch), "batch_masks": masks, "mix_weight": 1.0 - area}

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        """Return the images, each with a box of another one."""
        others = ops.take(images, transformation["permutation_order"], 0)
        return ops.where(transformation["batch_masks"], others, images)

    def _changed_labels(self, labels: Array, transformation: Transformation) -> Array:
        """Return the labels, mixed in proportion to the areas."""
        return mixed(self._as_computed(labels), transformation)

    def _changed_masks(self, masks: Array, transformation: Transformation) -> Array:
        """Return the masks, each with a box of another one."""
        return self._changed(masks, transformation)
