"""Pipelines of image layers, and bounding boxes of a fixed number."""

from collections.abc import Sequence
from typing import Any, Unpack

from cornu import ops, registry, serialization
from cornu.core.layer import Layer
from cornu.layers.augmentation.arguments import ImageLayerArguments
from cornu.layers.augmentation.base import BaseImagePreprocessingLayer, Transformation
from cornu.typing import Array, Config, CustomObjects, Tree
from cornu.validation import check_int, invalid_type

__all__ = ["MaxNumBoundingBoxes", "Pipeline"]


@registry.register("layers")
class Pipeline(Layer):
    """Layer that calls other layers, one after the other, on images or on dicts of images and what belongs to them.

    Args:
        layers: List of layers.
        name: Name of the layer. Defaults to a name derived from the class.

    Raises:
        InvalidTypeError: If an element of the list is not a layer.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> pipeline = layers.Pipeline([layers.RandomFlip(seed=1), layers.Rescaling(1 / 255)])
        >>> pipeline(np.full((1, 2, 2, 1), 255.0))[0, ..., 0].tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """

    batch_coupling = "none"

    def __init__(self, layers: Sequence[Layer], name: str | None = None):
        super().__init__(name=name)
        for layer in layers:
            if not isinstance(layer, Layer):
                hint = "Pass, for example, `[RandomFlip(), RandomRotation(0.1)]`."
                raise invalid_type(self, "layers", layers, "a list of layers", hint)
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list[Layer]:
        """The layers."""
        return self._pipeline_layers

    def call(self, inputs: Tree, training: bool = True, mask: Tree = None) -> Any:
        """Return the result of the layers.

        Args:
            inputs: Images, or a dict of them and what belongs to them.
            training: Whether the layers are called for training. Defaults to True.
            mask: Accepted for compatibility with Keras.
        """
        for layer in self.layers:
            inputs = layer(inputs, training=training)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape after all layers."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> Config:
        """Return the name and the configs of the layers."""
        return {"name": self.name, "layers": [serialization.serialize(layer) for layer in self.layers]}

    @classmethod
    def from_config(cls, config: Config, custom_objects: CustomObjects = None) -> "Pipeline":
        """Create a pipeline from a config returned by :meth:`get_config`."""
        with registry.custom_object_scope(custom_objects):
            layers = [serialization.deserialize(layer) for layer in config["layers"]]
        return cls(layers, name=config.get("name"))


@registry.register("layers")
class MaxNumBoundingBoxes(BaseImagePreprocessingLayer):
    """Layer that cuts or pads the bounding boxes of each image to one number of boxes.

    Args:
        max_number: Integer, number of boxes.
        fill_value: Integer, value of the boxes and labels that are added. Defaults to -1.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``max_number`` is not a positive integer.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MaxNumBoundingBoxes
        >>> boxes = {"boxes": np.ones((1, 1, 4)), "labels": np.array([[7]])}
        >>> layer = MaxNumBoundingBoxes(2, bounding_box_format="xyxy")
        >>> layer({"images": np.ones((1, 4, 4, 3)), "bounding_boxes": boxes})["bounding_boxes"]["labels"].tolist()
        [[7, -1]]
    """

    cornu_preserves_value_range = True

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Unpack[ImageLayerArguments]):
        super().__init__(**kwargs)
        self.max_number, self.fill_value = check_int(self, "max_number", max_number), fill_value

    def transform_images(self, images: Array, transformation: Transformation = None, training: bool = True) -> Array:
        """Return the images."""
        return self._as_computed(images)

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Transformation = None, training: bool = True
    ) -> dict[str, Array]:
        """Return ``max_number`` boxes of each image."""
        return {name: self._resized(values) for name, values in bounding_boxes.items()}

    def _resized(self, values: Array) -> Array:
        values = values[:, : self.max_number]
        missing = self.max_number - ops.shape(values)[1]
        pairs = [(0, 0), (0, missing), *[(0, 0)] * (len(values.shape) - 2)]
        return ops.pad(values, pairs, constant_values=self.fill_value)
