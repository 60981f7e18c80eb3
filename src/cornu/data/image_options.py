"""How image files become arrays of one size."""

from typing import NamedTuple

_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


class ImageOptions(NamedTuple):
    """Options of :func:`cornu.utils.image_dataset_from_directory`, validated.

    Attributes:
        color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``.
        size: Tuple ``(height, width)`` of the result.
        interpolation: Name of the interpolation method.
        crop: Whether to center-crop the image to the aspect ratio of ``size``.
        pad: Whether to keep the aspect ratio and fill the rest with black.
        channels_first: Whether the channels are the first axis.
    """

    color_mode: str
    size: tuple[int, int]
    interpolation: str
    crop: bool
    pad: bool
    channels_first: bool

    @property
    def channels(self) -> int:
        """Number of channels of the arrays."""
        return _CHANNELS[self.color_mode]
