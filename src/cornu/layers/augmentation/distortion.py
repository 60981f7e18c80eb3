"""Layers that distort images: perspective and elastic transformations."""

from collections.abc import Sequence
from typing import Unpack

from cornu import ops, registry
from cornu.layers.augmentation.arguments import Factor, PerspectiveArguments, WarpArguments, as_range, check_value_range, up_to
from cornu.layers.augmentation.base import Boxes, ImageSize, Transformation, WarpLayer
from cornu.layers.augmentation.box_corners import boxes_around, corners
from cornu.layers.augmentation.color import per_image
from cornu.layers.augmentation.draws import Draws
from cornu.ops.dispatch import arrays
from cornu.ops.image.layout import as_batch, from_batch
from cornu.ops.image.warping import displaced, homography, smoothed
from cornu.serialization import with_signature
from cornu.typing import Array

__all__ = ["RandomElasticTransform", "RandomPerspective"]

_DISPLACEMENT = 0.05
"""Standard deviation of the noise of an elastic transformation of scale 1, as a fraction of the smaller side of the image."""


class DistortionLayer(WarpLayer):
    """Base class of the layers that distort some of the images of a batch.

    A subclass defines ``_distorted``.

    Args:
        factor: The range that the probability of each image is drawn from.
        **kwargs: Arguments of the base class.
    """

    _flags_name: str

    def __init__(self, *, factor: Factor, **kwargs: Unpack[WarpArguments]):
        super().__init__(**kwargs)
        self.factor = as_range(self, "factor", factor, (0.0, 1.0), up_to)

    def _distorted(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        """Return all images of a batch, distorted."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_distorted(images, transformation, interpolation)`.")

    def _warped(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        """Return the images, those that were drawn distorted."""
        chosen = per_image(transformation[self._flags_name])
        return ops.where(chosen, self._distorted(images, transformation, interpolation), images)


@registry.register("layers")
class RandomPerspective(DistortionLayer):
    """Layer that changes the perspective of images at random during training, by moving their corners.

    The coordinates of the corners of an image are multiplied by random numbers between ``1 - scale / 2`` and
    ``1 + scale / 2``.

    Args:
        factor: Float, or tuple of two floats from 0 to 1: the range that the probability of each image is drawn from; a single
            number ``f`` denotes ``(0, f)``. Defaults to 1.0.
        scale: Float from 0 to 1, strength of the distortion. Defaults to 1.0.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_value: Float, value outside of the images. Defaults to 0.0.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomPerspective
        >>> RandomPerspective(scale=0.5, seed=1)(np.ones((4, 6, 3))).shape
        (4, 6, 3)
    """

    _flags_name = "apply_perspective"

    @with_signature("factor scale interpolation fill_value seed data_format", DistortionLayer)
    def __init__(self, factor: Factor = 1.0, scale: float = 1.0, **kwargs: Unpack[PerspectiveArguments]):
        super().__init__(factor=factor, fill_mode="constant", **kwargs)
        self.scale = as_range(self, "scale", (scale, scale), (0.0, 1.0), up_to)[0]

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"apply_perspective"``, booleans of shape ``(batch,)``, and the old and the new corners.

        ``"start_points"`` and ``"end_points"`` have the shape ``(batch, 4, 2)``.
        """
        chosen = draws.chosen(size.batch, self.factor)
        height, width = self._image_size({"input_shape": size.shape})
        unit = ops.cast(draws.backend.asarray([[[0, 0], [1, 0], [0, 1], [1, 1]]]), "float32")
        corners = unit * draws.backend.asarray([width - 1.0, height - 1.0])
        factors = draws.uniform((size.batch, 4, 2), 1.0 - self.scale / 2, 1.0 + self.scale / 2)
        return {
            "apply_perspective": chosen,
            "start_points": corners + factors * 0.0,
            "end_points": corners * factors,
            "input_shape": size.shape,
        }

    def _distorted(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        return ops.image.perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation=interpolation,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def _changed_boxes(self, bounding_boxes: Boxes, transformation: Transformation) -> Boxes:
        """Return the smallest boxes that contain the moved boxes, cut at the edges of the image."""
        height, width = self._image_size(transformation)
        boxes = self._edges(bounding_boxes, height, width)
        backend, boxes, start, end = arrays(boxes, transformation["start_points"], transformation["end_points"])
        a0, a1, a2, b0, b1, b2, c0, c1 = homography(backend, end, start)  # where a point of the image is moved to
        x, y = corners(boxes)
        depth = c0 * x + c1 * y + 1.0
        moved = boxes_around((a0 * x + a1 * y + a2) / depth, (b0 * x + b1 * y + b2) / depth)
        chosen = ops.reshape(transformation["apply_perspective"], (-1, 1, 1))
        return self._boxes_inside(bounding_boxes, ops.where(chosen, moved, boxes), height, width)


@registry.register("layers")
class RandomElasticTransform(DistortionLayer):
    """Layer that moves the pixels of images by smooth random displacements during training.

    The displacements are normally distributed noise, smoothed by a Gaussian filter whose standard deviation is a twentieth of
    the smaller side of the image, and scaled so that their standard deviation is ``s`` twentieths of that side, with ``s``
    drawn from the range ``scale``. Source: Simard et al., 2003, Best Practices for Convolutional Neural Networks.

    Bounding boxes are unchanged.

    Args:
        factor: Float, or tuple of two floats from 0 to 1: the range that the probability of each image is drawn from; a single
            number ``f`` denotes ``(0, f)``. Defaults to 1.0.
        scale: Float, or tuple of two floats from 0 to 1: the range of the strength of the distortion, drawn once for the batch;
            a single number ``s`` denotes ``(0, s)``. Defaults to 1.0.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_mode: How images are extended beyond their edges: ``"reflect"``, ``"wrap"``, ``"nearest"`` or ``"constant"`` (see
            :func:`cornu.ops.image.map_coordinates`). Defaults to ``"reflect"``.
        fill_value: Float, value outside of the images for ``"constant"``. Defaults to 0.0.
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandomElasticTransform
        >>> RandomElasticTransform(scale=0.5, seed=1)(np.ones((8, 8, 3))).shape
        (8, 8, 3)
    """

    _flags_name = "apply_transform"

    @with_signature("factor scale interpolation fill_mode fill_value value_range seed data_format", DistortionLayer)
    def __init__(
        self,
        factor: Factor = 1.0,
        scale: Factor = 1.0,
        value_range: Sequence[float] = (0, 255),
        **kwargs: Unpack[WarpArguments],
    ):
        super().__init__(factor=factor, **kwargs)
        self.scale = as_range(self, "scale", scale, (0.0, 1.0), up_to)
        self.value_range = check_value_range(self, value_range)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return ``"apply_transform"``, booleans of shape ``(batch,)``, ``"distortion_factor"`` and ``"noise"``."""
        return {
            "apply_transform": draws.chosen(size.batch, self.factor),
            "distortion_factor": draws.uniform((), *self.scale),
            "noise": draws.normal((size.batch, size.height, size.width, 2)),
        }

    def _distorted(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        backend, images, noise, strength = arrays(images, transformation["noise"], transformation["distortion_factor"])
        batch, is_single = as_batch(backend, images, type(self).__name__, self.data_format)
        side = min(self._known_size(ops.shape(images)))
        smooth = smoothed(backend, noise, side * _DISPLACEMENT)
        deviation = backend.sqrt(backend.mean(backend.square(smooth), (1, 2, 3), True))
        moves = smooth / (deviation + 1e-7) * (strength * (side * _DISPLACEMENT))
        found = displaced(backend, batch, moves, interpolation, self.fill_mode, self.fill_value)
        return from_batch(backend, found, is_single, self.data_format)
