"""Layers that move the pixels of images: flips, and affine transformations, which share one warp."""

import math
from typing import Any, Unpack

from cornu import ops, registry
from cornu.backends.contract import Backend
from cornu.layers.augmentation.arguments import BoxArguments, Factor, WarpArguments, around_zero, as_range, without_sign
from cornu.layers.augmentation.base import Boxes, ImageSize, RandomImageLayer, Transformation, WarpLayer, as_number
from cornu.layers.augmentation.box_corners import boxes_around, corners
from cornu.layers.augmentation.draws import Draws
from cornu.ops.dispatch import arrays
from cornu.ops.image.layout import as_batch, from_batch, rows_axis
from cornu.ops.image.warping import affine_warp
from cornu.serialization import with_signature
from cornu.typing import Array
from cornu.validation import check_option

__all__ = ["RandomFlip", "RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom"]


@registry.register("layers")
class RandomFlip(RandomImageLayer):
    """Layer that flips images at random during training, each with probability 1/2.

    With ``"horizontal_and_vertical"`` the two flips are drawn separately.

    Args:
        mode: ``"horizontal"`` (left and right are exchanged), ``"vertical"`` (top and bottom) or
            ``"horizontal_and_vertical"``. Defaults to ``"horizontal_and_vertical"``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``mode`` is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomFlip
        >>> flipped = RandomFlip("horizontal", seed=3)(np.array([[[1.0], [2.0]]]))
        >>> sorted(np.ravel(flipped).tolist())
        [1.0, 2.0]
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[BoxArguments],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = check_option("mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"flips"``, booleans of shape ``(batch, 1, 1, 1)``, and ``"vertical_flips"`` if both kinds are drawn."""
        flags = {"flips": draws.flags((size.batch, 1, 1, 1), 0.5)}
        if self.mode == "horizontal_and_vertical":
            flags["vertical_flips"] = draws.flags((size.batch, 1, 1, 1), 0.5)
        return {**flags, "input_shape": size.shape}

    def _flags(self, transformation: Transformation) -> list[tuple[Array, str]]:
        """Return which images are flipped in which direction."""
        flips = transformation["flips"]
        flags = [(flips, "horizontal"), (transformation.get("vertical_flips", flips), "vertical")]
        return [(flag, direction) for flag, direction in flags if direction in self.mode]

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        """Return the images, those that were drawn flipped."""
        rows = rows_axis(len(images.shape), self.data_format)
        for flag, direction in self._flags(transformation):
            images = ops.where(flag, ops.flip(images, rows + 1 if direction == "horizontal" else rows), images)
        return images

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Transformation = None, training: bool = True
    ) -> Array:
        """Return the masks, flipped like their images."""
        return self.transform_images(segmentation_masks, transformation, training=training)

    def _changed_boxes(self, bounding_boxes: Boxes, transformation: Transformation) -> Boxes:
        """Return the boxes, flipped like their images."""
        height, width = self._image_size(transformation)
        boxes = self._edges(bounding_boxes, height, width)
        x0, y0, x1, y1 = ops.split(boxes, 4, axis=-1)
        for flag, direction in self._flags(transformation):
            flag = ops.squeeze(flag, -1)
            if direction == "horizontal":
                x0, x1 = ops.where(flag, width - x1, x0), ops.where(flag, width - x0, x1)
            else:
                y0, y1 = ops.where(flag, height - y1, y0), ops.where(flag, height - y0, y1)
        return self._boxes_inside(bounding_boxes, ops.concatenate([x0, y0, x1, y1], -1), height, width)


class AffineLayer(WarpLayer):
    """Base class of the layers that sample each image at an affine function of the pixels' positions.

    A subclass returns the function in ``_coefficients``.
    """

    def _coefficients(self, backend: Backend, transformation: Transformation) -> list[Any]:
        """Return ``a0, a1, a2, b0, b1, b2``: the pixel (x, y) is sampled at (a0 x + a1 y + a2, b0 x + b1 y + b2).

        They are numbers, or arrays of shape ``(batch,)``.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `_coefficients(backend, transformation)`.")

    def _columns(self, backend: Backend, transformation: Transformation) -> list[Any]:
        """Return the coefficients, those of each image as an array of shape ``(batch, 1, 1)``."""
        return [
            value if isinstance(value, (int, float)) else backend.reshape(backend.asarray(value), (-1, 1, 1))
            for value in self._coefficients(backend, transformation)
        ]

    def _warped(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        """Return the images, sampled at the function."""
        backend, images = arrays(images)
        batch, is_single = as_batch(backend, images, type(self).__name__, self.data_format)
        coefficients = self._columns(backend, transformation)
        found = affine_warp(backend, batch, coefficients, interpolation, self.fill_mode, self.fill_value)
        return from_batch(backend, found, is_single, self.data_format)

    def _changed_boxes(self, bounding_boxes: Boxes, transformation: Transformation) -> Boxes:
        """Return the smallest boxes that contain the moved boxes, cut at the edges of the image."""
        height, width = self._image_size(transformation)
        boxes = self._edges(bounding_boxes, height, width)
        backend, boxes = arrays(boxes)
        a0, a1, a2, b0, b1, b2 = self._columns(backend, transformation)
        x, y = corners(boxes)
        determinant = a0 * b1 - a1 * b0
        x, y = x - a2, y - b2
        moved = boxes_around((b1 * x - a1 * y) / determinant, (a0 * y - b0 * x) / determinant)
        return self._boxes_inside(bounding_boxes, moved, height, width)


@registry.register("layers")
class RandomRotation(AffineLayer):
    """Layer that rotates images about their center by a random angle during training.

    Args:
        factor: Float, or tuple of two floats: the range of the angle, as a fraction of a full turn; a single number ``f``
            denotes ``(-f, f)``. Positive angles turn counterclockwise.
        fill_mode: How images are extended beyond their edges: ``"reflect"``, ``"wrap"``, ``"nearest"`` or ``"constant"`` (see
            :func:`cornu.ops.image.map_coordinates`). Defaults to ``"reflect"``.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        fill_value: Float, value outside of the images for ``"constant"``. Defaults to 0.0.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the factor is not between -1 and 1, or another argument is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomRotation
        >>> quarter = RandomRotation((0.25, 0.25))(np.array([[[1.0], [2.0]], [[3.0], [4.0]]]))
        >>> np.round(quarter[..., 0]).tolist()
        [[2.0, 4.0], [1.0, 3.0]]
    """

    @with_signature("factor fill_mode interpolation seed fill_value data_format", AffineLayer)
    def __init__(self, factor: Factor, **kwargs: Unpack[WarpArguments]):
        super().__init__(**kwargs)
        self.factor = as_range(self, "factor", factor, (-1.0, 1.0), around_zero)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"angle"``, in degrees, and ``"rotation_matrix"``, of shape ``(batch, 8)``, for ``affine_transform``."""
        angle = draws.uniform((size.batch,), self.factor[0] * 360.0, self.factor[1] * 360.0)
        radians = angle * (math.pi / 180.0)
        cosine, sine = ops.cos(radians), ops.sin(radians)
        x, y = ((as_number(length) - 1.0) / 2.0 for length in (size.width, size.height))
        zeros = cosine * 0.0
        rows = [cosine, -sine, x - (cosine * x - sine * y), sine, cosine, y - (sine * x + cosine * y), zeros, zeros]
        return {
            "angle": angle,
            "rotation_matrix": ops.stack(rows, axis=1),
            "image_height": size.height,
            "image_width": size.width,
            "batch_size": size.batch,
        }

    def _image_size(self, transformation: Transformation) -> tuple[Any, Any]:
        return as_number(transformation["image_height"]), as_number(transformation["image_width"])

    def _coefficients(self, backend: Backend, transformation: Transformation) -> list[Any]:
        matrix = backend.reshape(backend.asarray(transformation["rotation_matrix"]), (-1, 8))
        return [backend.getitem(matrix, (slice(None), place)) for place in range(6)]


@registry.register("layers")
class RandomZoom(AffineLayer):
    """Layer that zooms images in or out by a random factor during training.

    Args:
        height_factor: Float, or tuple of two floats: the range of the vertical factor minus 1; a single number ``f`` denotes
            ``(-f, f)``. Positive values zoom out: at 0.2, the height of the result shows 1.2 times the height of the image.
        width_factor: The range of the horizontal factor, in the same form. Defaults to None: the vertical factor, which
            preserves the aspect ratio.
        fill_mode: How images are extended beyond their edges: ``"reflect"``, ``"wrap"``, ``"nearest"`` or ``"constant"`` (see
            :func:`cornu.ops.image.map_coordinates`). Defaults to ``"reflect"``.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        fill_value: Float, value outside of the images for ``"constant"``. Defaults to 0.0.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a factor is not between -1 and 1, or another argument is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomZoom
        >>> RandomZoom(0.2, seed=1)(np.ones((4, 6, 3))).shape
        (4, 6, 3)
    """

    @with_signature("height_factor width_factor fill_mode interpolation seed fill_value data_format", AffineLayer)
    def __init__(self, height_factor: Factor, width_factor: Factor | None = None, **kwargs: Unpack[WarpArguments]):
        super().__init__(**kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = as_range(self, "height_factor", height_factor, (-1.0, 1.0), around_zero)
        self._width_range = (
            None if width_factor is None else as_range(self, "width_factor", width_factor, (-1.0, 1.0), around_zero)
        )

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"height_zoom"`` and ``"width_zoom"``, of shape ``(batch, 1)``: the factors of the distances."""
        height = draws.uniform((size.batch, 1), 1.0 + self._height_range[0], 1.0 + self._height_range[1])
        width = height
        if self._width_range is not None:
            width = draws.uniform((size.batch, 1), 1.0 + self._width_range[0], 1.0 + self._width_range[1])
        return {"height_zoom": height, "width_zoom": width, "input_shape": size.shape}

    def _coefficients(self, backend: Backend, transformation: Transformation) -> list[Any]:
        height, width = self._image_size(transformation)
        vertical, horizontal = (backend.asarray(transformation[name]) for name in ("height_zoom", "width_zoom"))
        return [
            *(horizontal, 0.0, (1.0 - horizontal) * ((width - 1.0) / 2.0)),
            *(0.0, vertical, (1.0 - vertical) * ((height - 1.0) / 2.0)),
        ]


@registry.register("layers")
class RandomTranslation(AffineLayer):
    """Layer that shifts images by a random distance during training.

    Args:
        height_factor: Float, or tuple of two floats: the range of the shift down, as a fraction of the height; a single number
            ``f`` denotes ``(-f, f)``.
        width_factor: The range of the shift to the right, as a fraction of the width, in the same form.
        fill_mode: How images are extended beyond their edges: ``"reflect"``, ``"wrap"``, ``"nearest"`` or ``"constant"`` (see
            :func:`cornu.ops.image.map_coordinates`). Defaults to ``"reflect"``.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        fill_value: Float, value outside of the images for ``"constant"``. Defaults to 0.0.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a factor is not between -1 and 1, or another argument is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomTranslation
        >>> right = RandomTranslation(0.0, (0.5, 0.5), fill_mode="constant")(np.array([[[1.0], [2.0]]]))
        >>> right.tolist()
        [[[0.0], [1.0]]]
    """

    @with_signature("height_factor width_factor fill_mode interpolation seed fill_value data_format", AffineLayer)
    def __init__(self, height_factor: Factor, width_factor: Factor, **kwargs: Unpack[WarpArguments]):
        super().__init__(**kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = as_range(self, "height_factor", height_factor, (-1.0, 1.0), around_zero)
        self._width_range = as_range(self, "width_factor", width_factor, (-1.0, 1.0), around_zero)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"translations"``, of shape ``(batch, 2)``: the shifts to the right and down, in pixels."""
        down = draws.uniform((size.batch, 1), *self._height_range)
        right = draws.uniform((size.batch, 1), *self._width_range)
        moves = ops.concatenate([right * as_number(size.width), down * as_number(size.height)], 1)
        return {"translations": moves, "input_shape": size.shape}

    def _coefficients(self, backend: Backend, transformation: Transformation) -> list[Any]:
        moves = backend.asarray(transformation["translations"])
        right, down = (backend.getitem(moves, (slice(None), place)) for place in range(2))
        return [1.0, 0.0, -right, 0.0, 1.0, -down]


@registry.register("layers")
class RandomShear(AffineLayer):
    """Layer that shears images at random during training: rows and columns are shifted in proportion to their position.

    Args:
        x_factor: Float, or tuple of two floats from 0 to 1: the range of the horizontal shift of each row, as a fraction of its
            distance from the top; a single number ``f`` denotes ``(-f, f)``. The direction is random. Defaults to 0.0.
        y_factor: The range of the vertical shift of each column, in the same form. Defaults to 0.0.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_mode: How images are extended beyond their edges: ``"reflect"``, ``"wrap"``, ``"nearest"`` or ``"constant"`` (see
            :func:`cornu.ops.image.map_coordinates`). Defaults to ``"reflect"``.
        fill_value: Float, value outside of the images for ``"constant"``. Defaults to 0.0.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a factor is not between 0 and 1, or another argument is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomShear
        >>> RandomShear(0.3, seed=1)(np.ones((4, 6, 3))).shape
        (4, 6, 3)
    """

    @with_signature("x_factor y_factor interpolation fill_mode fill_value data_format seed", AffineLayer)
    def __init__(self, x_factor: Factor = 0.0, y_factor: Factor = 0.0, **kwargs: Unpack[WarpArguments]):
        super().__init__(**kwargs)
        self.x_factor, self.y_factor = without_sign(x_factor), without_sign(y_factor)
        self._x_range, self._y_range = (
            as_range(self, name, getattr(self, name), (0.0, 1.0), around_zero) for name in ("x_factor", "y_factor")
        )

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"shear_factor"``, of shape ``(batch, 2)``: the shifts per row and per column, in pixels."""
        shape = (size.batch, 1)
        factors = [draws.uniform(shape, *bounds) * draws.signs(shape) for bounds in (self._x_range, self._y_range)]
        return {"shear_factor": ops.concatenate(factors, 1), "input_shape": size.shape}

    def _coefficients(self, backend: Backend, transformation: Transformation) -> list[Any]:
        factors = backend.asarray(transformation["shear_factor"])
        x, y = (backend.getitem(factors, (slice(None), place)) for place in range(2))
        return [1.0, x, 0.0, y, 1.0, 0.0]
