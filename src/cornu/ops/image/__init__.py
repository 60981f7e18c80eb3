"""Image operations, under the names of ``keras.ops.image``."""

from cornu.ops.image.resizing import resize, rgb_to_grayscale

__all__ = ["resize", "rgb_to_grayscale"]
