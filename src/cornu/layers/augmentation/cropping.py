"""Layers that change the size of images, and their bounding boxes and masks with them."""

import math
from typing import Any, Unpack

from cornu import ops, registry
from cornu.core.seed_generator import SeedGenerator
from cornu.layers.augmentation.arguments import BoxArguments
from cornu.layers.augmentation.base import BaseImagePreprocessingLayer, Transformation
from cornu.ops.image.layout import rows_axis
from cornu.ops.image.resizing import centered_part, check_resize_arguments
from cornu.ops.random import Seed
from cornu.serialization import with_signature
from cornu.typing import Array, Shape, Tree
from cornu.validation import check_int

__all__ = ["CenterCrop", "RandomCrop", "Resizing"]


class SizeLayer(BaseImagePreprocessingLayer):
    """Base class of the layers whose images have a given size.

    Args:
        height, width: Integers, size of the result.
        **kwargs: Arguments of the base class.
    """

    cornu_preserves_value_range = True

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Unpack[BoxArguments]):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = check_int(self, "height", height), check_int(self, "width", width)

    def _output_shape(self, shape: Shape) -> Shape:
        rows = rows_axis(len(shape), self.data_format)
        return (*shape[:rows], self.height, self.width, *shape[rows + 2 :])

    def _resized(self, images: Array, interpolation: str = "bilinear") -> Array:
        """Return the largest part in the middle of the images that has the aspect ratio of the result, resized."""
        return ops.image.resize(
            images, (self.height, self.width), interpolation, crop_to_aspect_ratio=True, data_format=self.data_format
        )

    def _cut(self, images: Array, top: Any, left: Any) -> Array:
        """Return the part of the images that starts at a row and a column, integers or arrays."""
        rows = rows_axis(len(images.shape), self.data_format)
        for axis, start, length in ((rows, top, self.height), (rows + 1, left, self.width)):
            if isinstance(start, int):
                images = images[(slice(None),) * axis + (slice(start, start + length),)]
            else:
                images = ops.take(images, ops.arange(length, dtype="int32") + ops.cast(start, "int32"), axis)
        return images

    def _is_smaller(self, height: int, width: int) -> bool:
        return height < self.height or width < self.width

    def get_random_transformation(self, data: Tree, training: bool = True, seed: Seed = None) -> Transformation:
        """Return ``"input_shape"``, the shape of the images."""
        return {"input_shape": ops.shape(self._images_of(data))}

    def _changed(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        """Return images of the size of the layer."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_changed(images, transformation, interpolation)`.")

    def transform_images(self, images: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return images of the size of the layer."""
        return self._changed(self._as_computed(images), transformation, "bilinear")

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Transformation = None, training: bool = True
    ) -> Array:
        """Return masks of the size of the layer, without interpolation."""
        return self._changed(segmentation_masks, transformation, "nearest")

    def _moved_boxes(
        self, bounding_boxes: dict[str, Array], old: tuple[Any, Any], scale: tuple[Any, Any], start: tuple[Any, Any]
    ) -> dict[str, Array]:
        """Return boxes of images of a size that are scaled and then cut, at ``start`` of the scaled images."""
        boxes = self._edges(bounding_boxes, old[0], old[1])
        x0, y0, x1, y1 = ops.split(boxes, 4, axis=-1)
        x0, x1 = (x * scale[1] - start[1] for x in (x0, x1))
        y0, y1 = (y * scale[0] - start[0] for y in (y0, y1))
        moved = ops.concatenate([x0, y0, x1, y1], -1)
        return self._boxes_inside(bounding_boxes, moved, self.height, self.width)

    def _boxes_of_resized(self, bounding_boxes: dict[str, Array], old: tuple[Any, Any]) -> dict[str, Array]:
        """Return the boxes of images that :meth:`_resized` changes."""
        top, left, height, width = centered_part(*old, self.height, self.width)
        scale = self.height / height, self.width / width
        return self._moved_boxes(bounding_boxes, old, scale, (top * scale[0], left * scale[1]))


@registry.register("layers")
class CenterCrop(SizeLayer):
    """Layer that cuts out the middle of images.

    Images that are smaller are resized: the largest part in the middle that has the aspect ratio of the result.

    Args:
        height, width: Integers, size of the result.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import CenterCrop
        >>> CenterCrop(1, 2)(np.arange(12.0).reshape(3, 4, 1))[..., 0].tolist()
        [[5.0, 6.0]]
    """

    def _changed(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        height, width = self._known_size(ops.shape(images))
        if self._is_smaller(height, width):
            return self._resized(images, interpolation)
        return self._cut(images, (height - self.height) // 2, (width - self.width) // 2)

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Transformation = None, training: bool = True
    ) -> dict[str, Array]:
        """Return the boxes in the middle of the images."""
        height, width = self._known_size(transformation["input_shape"])
        if self._is_smaller(height, width):
            return self._boxes_of_resized(bounding_boxes, (height, width))
        start = (height - self.height) // 2, (width - self.width) // 2
        return self._moved_boxes(bounding_boxes, (height, width), (1.0, 1.0), start)


@registry.register("layers")
class RandomCrop(SizeLayer):
    """Layer that cuts out a random part of images during training, the same part of all images of a batch.

    Outside of training, and for images that are smaller than the result, it is the largest part in the middle that has the
    aspect ratio of the result, resized.

    Args:
        height, width: Integers, size of the result.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        name: Name of the layer. Defaults to a name derived from the class.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomCrop
        >>> RandomCrop(2, 3, seed=1)(np.ones((5, 5, 1))).shape
        (2, 3, 1)
    """

    @with_signature("height width seed data_format name", SizeLayer)
    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any):
        super().__init__(height=height, width=width, **kwargs)
        self.seed, self.generator = seed, SeedGenerator(seed)

    def get_random_transformation(self, data: Tree, training: bool = True, seed: Seed = None) -> Transformation:
        """Return ``"h_start"`` and ``"w_start"``, where the part begins; None for both if the images are resized."""
        shape = ops.shape(self._images_of(data))
        height, width = self._known_size(shape)
        top = left = None
        if training and not self._is_smaller(height, width):
            draws = self._draws(seed)
            top, left = draws.integers((), 0, height - self.height), draws.integers((), 0, width - self.width)
        return {"h_start": top, "w_start": left, "input_shape": shape}

    def _changed(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        if transformation["h_start"] is None:
            return self._resized(images, interpolation)
        return self._cut(images, transformation["h_start"], transformation["w_start"])

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Transformation = None, training: bool = True
    ) -> dict[str, Array]:
        """Return the boxes in the part of the images."""
        size = self._known_size(transformation["input_shape"])
        if transformation["h_start"] is None:
            return self._boxes_of_resized(bounding_boxes, size)
        top, left = (ops.cast(transformation[name], "float32") for name in ("h_start", "w_start"))
        return self._moved_boxes(bounding_boxes, size, (1.0, 1.0), (top, left))


@registry.register("layers")
class Resizing(SizeLayer):
    """Layer that resizes images.

    Args:
        height, width: Integers, size of the result.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``. Defaults to
            ``"bilinear"``.
        crop_to_aspect_ratio: Whether to cut the images to the aspect ratio of the result first. Defaults to False.
        pad_to_aspect_ratio: Whether to pad the images on both sides to the aspect ratio of the result first. Defaults to
            False.
        fill_mode: ``"constant"``, the only padding mode.
        fill_value: Float, value of the padding. Defaults to 0.0.
        antialias: Whether to take all pixels into account when downsampling. Defaults to False.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or another argument is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Resizing
        >>> Resizing(1, 4)(np.array([[[0.0], [4.0]]])).tolist()
        [[[0.0], [1.0], [3.0], [4.0]]]
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Unpack[BoxArguments],
    ):
        super().__init__(height=height, width=width, data_format=data_format, **kwargs)
        check_resize_arguments((self.height, self.width), interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode)
        self.interpolation, self.antialias = interpolation, antialias
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def transform_images(self, images: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return the images, resized."""
        return self._changed(self._as_computed(images), transformation, self.interpolation)

    def _changed(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Transformation = None, training: bool = True
    ) -> dict[str, Array]:
        """Return the boxes of the resized images."""
        height, width = self._image_size(transformation)
        if self.crop_to_aspect_ratio:
            return self._boxes_of_resized(bounding_boxes, (height, width))
        top = left = 0.0
        if self.pad_to_aspect_ratio:
            top = max(math.floor(width * self.height / self.width) - height, 0.0) // 2
            left = max(math.floor(height * self.width / self.height) - width, 0.0) // 2 if not top else 0.0
        scale = self.height / (height + 2 * top), self.width / (width + 2 * left)
        return self._moved_boxes(bounding_boxes, (height, width), scale, (-top * scale[0], -left * scale[1]))
