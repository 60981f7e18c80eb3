"""Image operations, under the names of ``keras.ops.image``."""

from cornu.ops.image.color import rgb_to_grayscale
from cornu.ops.image.resizing import resize

__all__ = ["resize", "rgb_to_grayscale"]
