"""Base class of the layers that transform images, with their labels, bounding boxes and masks."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, Unpack

from cornu import backends, config, ops, registry, trees
from cornu.backends.contract import Backend
from cornu.core import call_context
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.layer_placement import placement_of
from cornu.core.seed_generator import SeedGenerator
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.layers.augmentation.arguments import ImageLayerArguments, RandomImageArguments
from cornu.layers.augmentation.draws import Draws
from cornu.ops.image import bounding_boxes as boxes_ops
from cornu.ops.image.layout import check_images, rows_axis
from cornu.ops.image.warping import check_warp_arguments
from cornu.ops.random import Seed
from cornu.typing import Array, Config, Shape, Tree

Transformation: TypeAlias = Mapping[str, Any] | None
"""The parameters of a transformation, as a layer draws them: a dict, of arrays for the most part; None for none."""

Boxes: TypeAlias = dict[str, Array]
"""The bounding boxes of images, ``"boxes"``, and their ``"labels"``."""

_PLAIN = (bool, int, float, str, tuple)
"""Types of the settings of a layer that its compiled functions depend on."""


class ImageSize(NamedTuple):
    """Sizes of an image, or of a batch of images; in functions of ``tf.data`` a size may be an array.

    Attributes:
        batch: Number of images, 1 for one image.
        height, width: Size of the images.
        shape: Shape of the image, or of the batch.
    """

    batch: int
    height: int
    width: int
    shape: tuple[int, ...]


class BaseImagePreprocessingLayer(Layer):
    """Base class of layers that transform images.

    A call takes one image or a batch of images, or a dict of them with the keys ``"images"``, ``"labels"``,
    ``"bounding_boxes"`` (a dict of ``"boxes"`` and ``"labels"``) and ``"segmentation_masks"``, and returns the same structure.
    It draws the parameters of the transformation once (:meth:`get_random_transformation`) and applies them to each part
    (:meth:`transform_images` and so on). A subclass overrides these methods.

    On an engine that compiles each operation of an eager call separately (JAX), the built-in methods run compiled as a whole.

    Args:
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        bounding_box_format: Format of the bounding boxes, such as ``"xyxy"`` (see
            :func:`cornu.utils.bounding_boxes.convert_format`). Required for data with bounding boxes. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu import ops
        >>> from cornu.layers.augmentation.base import BaseImagePreprocessingLayer
        >>> class Darker(BaseImagePreprocessingLayer):
        ...     def get_random_transformation(self, data, training=True, seed=None):
        ...         return {"factor": 0.5}
        ...     def transform_images(self, images, transformation, training=True):
        ...         return images * transformation["factor"] if training else images
        >>> Darker()(np.ones((1, 1, 1, 3)), training=True).tolist()
        [[[[0.5, 0.5, 0.5]]]]
    """

    batch_coupling = "none"
    cornu_is_stateless = True

    def __init__(
        self, *, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        if bounding_box_format is not None:
            boxes_ops.format_of("bounding_box_format", bounding_box_format)
        self.bounding_box_format = bounding_box_format
        self._compiled: dict[tuple, Callable] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without compiled functions."""
        return {**super().__getstate__(), "_compiled": {}}

    # --- Methods for subclasses to override -------------------------------------------------------------------------------

    def get_random_transformation(self, data: Tree, training: bool = True, seed: Seed = None) -> Transformation:
        """Return the parameters of a random transformation of an image or a batch.

        Args:
            data: Images, or a dict of them and what belongs to them.
            training: Whether the layer is called for training. Defaults to True.
            seed: Key, integer seed or a SeedGenerator. Defaults to the generator of the layer.

        Returns:
            The parameters, usually a dict of arrays; None if there are none, or outside of training.
        """
        return None

    def transform_images(self, images: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return a batch of images, transformed."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `transform_images(images, transformation, training)`.")

    def transform_labels(self, labels: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return the labels of a batch of images, which most transformations keep."""
        return labels

    def transform_bounding_boxes(
        self, bounding_boxes: Boxes, transformation: Transformation = None, training: bool = True
    ) -> Boxes:
        """Return the bounding boxes of a batch of images, which transformations of colors keep."""
        return bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Transformation = None, training: bool = True
    ) -> Array:
        """Return the masks of a batch of images, which transformations of colors keep."""
        return segmentation_masks

    # --- Calls --------------------------------------------------------------------------------------------------------------

    def call(self, data: Tree, training: bool = True) -> Any:
        """Return the images, or the dict of images and what belongs to them, transformed.

        Args:
            data: Image, batch of images or dict.
            training: Whether the layer is called for training; otherwise most layers return the images unchanged. Defaults to
                True.

        Raises:
            ShapeError: If the images are neither an image nor a batch of images.
            InvalidArgumentError: If there are bounding boxes, and ``bounding_box_format`` is None.
        """
        images = self._images_of(data)
        is_single = check_images(images, type(self).__name__) == 3
        transformation = self.get_random_transformation(data, training=training)
        if not isinstance(data, dict):
            method = self.transform_single_image if is_single else self.transform_images
            return self._run(method, images, transformation, training)
        if "bounding_boxes" in data and not self.bounding_box_format:
            raise InvalidArgumentError(
                f"`{type(self).__name__}` received data with 'bounding_boxes', and its `bounding_box_format` is None.",
                "It needs to know what the four numbers of a box mean.",
                "Pass, for example, `bounding_box_format='xyxy'` to the layer.",
            )
        parts = {
            "images": (self.transform_images, self.transform_single_image),
            "bounding_boxes": (self.transform_bounding_boxes, self.transform_single_bounding_box),
            "labels": (self.transform_labels, self.transform_single_label),
            "segmentation_masks": (self.transform_segmentation_masks, self.transform_single_segmentation_mask),
        }
        changed = {
            name: self._run(methods[is_single], data[name], transformation, training)
            for name, methods in parts.items()
            if name in data
        }
        return {**data, **changed}

    def transform_single_image(self, image: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return one image, transformed."""
        return self._of_one(self.transform_images, image, transformation, training)

    def transform_single_label(self, label: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return the label of one image."""
        return self._of_one(self.transform_labels, label, transformation, training)

    def transform_single_bounding_box(
        self, bounding_box: Boxes, transformation: Transformation = None, training: bool = True
    ) -> Boxes:
        """Return the bounding boxes of one image."""
        return self._of_one(self.transform_bounding_boxes, bounding_box, transformation, training)

    def transform_single_segmentation_mask(
        self, segmentation_mask: Array, transformation: Transformation = None, training: bool = True
    ) -> Array:
        """Return the mask of one image."""
        return self._of_one(self.transform_segmentation_masks, segmentation_mask, transformation, training)

    @staticmethod
    def _of_one(method: Callable, values: Tree, transformation: Transformation, training: bool) -> Any:
        batch = trees.map(lambda value: ops.expand_dims(value, 0), values)
        return trees.map(lambda value: value[0], method(batch, transformation, training=training))

    def _run(self, method: Callable, values: Any, transformation: Transformation, training: bool) -> Any:
        """Call a method, as one compiled function where the engine would compile each operation separately."""
        context = call_context.current()
        leaves = trees.leaves((values, transformation))
        arrays = [leaf for leaf in leaves if backends.owner(leaf) is not None]
        backend = backends.of(*arrays)
        is_eager = context is None or context.values is None
        if not (is_eager and registry.is_builtin(type(self)) and arrays and backend.prefers_compiled(*arrays)):
            return method(values, transformation, training=training)
        fixed = tuple((place, leaf) for place, leaf in enumerate(leaves) if backends.owner(leaf) is None)
        settings = tuple(value for value in vars(self).values() if type(value) in _PLAIN)
        structure = trees.map(lambda _: 0, (values, transformation))
        key = (method.__name__, training, self.compute_dtype, settings, repr(structure), repr(fixed))
        if key not in self._compiled:
            known = dict(fixed)

            def function(given: list) -> Any:
                rest = iter(given)
                filled = [known[place] if place in known else next(rest) for place in range(len(leaves))]
                return method(*trees.unflatten(structure, filled), training=training)

            self._compiled[key] = backend.compile(function)
        return self._compiled[key]([backend.asarray(array) for array in arrays])

    # --- What the layers share ----------------------------------------------------------------------------------------------

    @staticmethod
    def _images_of(data: Any) -> Any:
        return data["images"] if isinstance(data, dict) else data

    def _height_and_width(self, shape: Shape) -> Any:
        """Return the two sizes among the shape of an image or a batch of images."""
        rows = rows_axis(len(shape), self.data_format)
        return shape[rows : rows + 2]

    def _size_of(self, data: Tree) -> ImageSize:
        """Return the sizes of the images among the data."""
        shape = ops.shape(self._images_of(data))
        height, width = self._height_and_width(shape)
        return ImageSize(shape[0] if len(shape) == 4 else 1, height, width, shape)

    def _image_size(self, transformation: Transformation) -> tuple[Any, Any]:
        """Return height and width of the images, as floats, from the ``"input_shape"`` among the parameters."""
        height, width = self._height_and_width(transformation["input_shape"])
        return as_number(height), as_number(width)

    def _known_size(self, shape: Shape) -> tuple[int, int]:
        """Return height and width of images of a shape.

        Raises:
            ShapeError: If they are known only when a function of ``tf.data`` runs.
        """
        height, width = self._height_and_width(shape)
        if not (isinstance(height, int) and isinstance(width, int)):
            raise ShapeError(
                f"`{type(self).__name__}` received images whose height or width is not known.",
                "What it does depends on them.",
                "Apply a `Resizing` layer first, or set the shape of the images.",
            )
        return height, width

    def _edges(self, bounding_boxes: Boxes, height: Array | float, width: Array | float) -> Array:
        """Return the boxes in the format ``"xyxy"``."""
        known = str(self.bounding_box_format)
        return boxes_ops.convert_format(bounding_boxes["boxes"], known, "xyxy", height=height, width=width)  # type: ignore[return-value]

    def _boxes_inside(self, bounding_boxes: Boxes, boxes: Array, height: Any, width: Any) -> Boxes:
        """Return bounding boxes with new boxes ``"xyxy"``, cut at the edges of the image and in the format of the layer."""
        changed = boxes_ops.clip_to_image_size({**bounding_boxes, "boxes": boxes}, height, width, "xyxy")
        return boxes_ops.convert_format(changed, "xyxy", str(self.bounding_box_format), height=height, width=width)  # type: ignore[return-value]

    def _draws(self, seed: Seed) -> Draws:
        """Return the source of random values of a call, on the backend that runs it."""
        generator: SeedGenerator = self.generator  # type: ignore[attr-defined]
        return Draws(generator if seed is None else seed, self._backend())

    def _backend(self) -> Backend:
        return backends.get(placement_of(self).backend)

    def _as_computed(self, images: Array) -> Array:
        """Return images in the compute dtype of the layer."""
        return ops.cast(images, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape | dict[str, Shape]) -> Any:
        """Return the shape of the images after the transformation, or the dict of shapes."""
        if not isinstance(input_shape, dict):
            return self._output_shape(input_shape)
        changed = {
            name: self._output_shape(input_shape[name]) for name in ("images", "segmentation_masks") if name in input_shape
        }
        return {**input_shape, **changed}

    def _output_shape(self, shape: Shape) -> Shape:
        return shape

    def get_config(self) -> Config:
        """Return the config of the layer, with the data format, and the format of the bounding boxes if there is one."""
        boxes = {} if self.bounding_box_format is None else {"bounding_box_format": self.bounding_box_format}
        return {**super().get_config(), "data_format": self.data_format, **boxes}


class RandomImageLayer(BaseImagePreprocessingLayer):
    """Base class of the layers that change images at random during training, and return them unchanged otherwise.

    A subclass draws the parameters of a transformation in ``_draw``, and applies them in ``_changed``. If what belongs to the
    images changes with them, it defines ``_changed_labels``, ``_changed_boxes`` and ``_changed_masks``.

    Args:
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class.
    """

    cornu_preserves_value_range = True

    def __init__(self, *, seed: int | None = None, **kwargs: Unpack[ImageLayerArguments]):
        super().__init__(**kwargs)
        self.seed, self.generator = seed, SeedGenerator(seed)

    def _draw(self, draws: Draws, size: ImageSize) -> Transformation:
        """Return the parameters of a random transformation of images of a size."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_draw(draws, size)`.")

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        """Return the images as changed by the transformation."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_changed(images, transformation)`.")

    def _changed_labels(self, labels: Array, transformation: Transformation) -> Array:
        return labels

    def _changed_boxes(self, bounding_boxes: Boxes, transformation: Transformation) -> Boxes:
        return bounding_boxes

    def _changed_masks(self, masks: Array, transformation: Transformation) -> Array:
        return masks

    def get_random_transformation(self, data: Tree, training: bool = True, seed: Seed = None) -> Transformation:
        """Return the parameters of a random transformation; None outside of training."""
        return self._draw(self._draws(seed), self._size_of(data)) if training else None

    def transform_images(self, images: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return the images, changed during training."""
        images = self._as_computed(images)
        return self._changed(images, transformation) if training and transformation is not None else images

    def transform_labels(self, labels: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return the labels, changed during training if the images are mixed."""
        return self._changed_labels(labels, transformation) if training and transformation is not None else labels

    def transform_bounding_boxes(
        self, bounding_boxes: Boxes, transformation: Transformation = None, training: bool = True
    ) -> Boxes:
        """Return the boxes, changed during training if the pixels are moved."""
        is_changed = training and transformation is not None
        return self._changed_boxes(bounding_boxes, transformation) if is_changed else bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Transformation = None, training: bool = True
    ) -> Array:
        """Return the masks, changed during training if the pixels are moved."""
        is_changed = training and transformation is not None
        return self._changed_masks(segmentation_masks, transformation) if is_changed else segmentation_masks


class WarpLayer(RandomImageLayer):
    """Base class of the layers that move pixels, those of masks without interpolation.

    A subclass defines ``_warped``.

    Args:
        fill_mode: How images are extended beyond their edges.
        interpolation: ``"nearest"`` or ``"bilinear"``.
        fill_value: Float, value outside of the images for ``fill_mode="constant"``.
        **kwargs: Arguments of the base class.
    """

    def __init__(
        self,
        *,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        **kwargs: Unpack[RandomImageArguments],
    ):
        super().__init__(**kwargs)
        check_warp_arguments(interpolation, fill_mode)
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _warped(self, images: Array, transformation: Transformation, interpolation: str) -> Array:
        """Return the images, warped."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_warped(images, transformation, interpolation)`.")

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        """Return the images, warped."""
        return self._warped(images, transformation, self.interpolation)

    def _changed_masks(self, masks: Array, transformation: Transformation) -> Array:
        """Return the masks, warped like their images, without interpolation."""
        return self._warped(masks, transformation, "nearest")


def as_number(size: Any) -> Any:
    """Return a size as a float, or as an array of floats where it is an array."""
    return float(size) if isinstance(size, int) else ops.cast(size, "float32")
