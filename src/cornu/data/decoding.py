"""Decoding of image files: a Pillow image, or an array of 8-bit pixels, whatever the file stores.

The size in the header of a file is checked before its pixels are decoded. Files with 16 or 32 bits per pixel are converted to 8
bits by their value range, where Pillow would clip them.
"""

import contextlib
import io
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

import numpy as np

from cornu.errors import CornuError, DataError, InvalidTypeError, MissingFileError, one_of

if TYPE_CHECKING:
    from PIL.Image import Image

ImageSource: TypeAlias = str | os.PathLike | bytes | io.BytesIO
"""An image file: its path, its content, or an open file with its content."""

MAX_PIXELS = 2**27
"""Maximum number of pixels of an image (134 megapixels), so that a small file cannot fill the memory."""

_FORMATS = ["AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "TGA", "TIFF", "WEBP"]
"""Formats that are read. Pillow would run another program for some others, such as Ghostscript for EPS."""

_PILLOW_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
"""Color modes of Keras to those of Pillow."""

_ORIENTATION_TAG = 0x0112

_pillow_lock = threading.Lock()
"""Held while headers are read: Pillow warns of unusual ones, and Python's filters of warnings belong to all threads."""


def decode_image(
    source: ImageSource,
    color_mode: str = "rgb",
    orient: bool = False,
    background: tuple[int, int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decode an image file to an array. Of an animation or a file with several pages, the first image is decoded.

    JPEG files that are decoded to grayscale return the brightness that the file stores. Images with 16 bits per channel keep
    the upper 8 bits. See :func:`to_color_mode` for other formats.

    Args:
        source: Path of the file, its content as ``bytes``, or an ``io.BytesIO``.
        color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``. Defaults to ``"rgb"``.
        orient: Whether to rotate and flip the image as its EXIF data say, as image viewers do and Keras does not. Defaults to
            False.
        background: Three integers from 0 to 255, the color on which transparent pixels are drawn. Defaults to None (their
            colors are used and transparency is ignored, as in Keras).
        max_pixels: Integer, maximum number of pixels. Defaults to 2**27.

    Returns:
        ``uint8`` NumPy array of shape ``(height, width, channels)``, with 1, 3 or 4 channels.

    Raises:
        MissingFileError: If the file does not exist.
        DataError: If the file is a folder, is no image, is damaged, or has too many pixels.
        InvalidArgumentError: If ``color_mode`` is unknown.

    Example:
        >>> import io
        >>> from PIL import Image
        >>> from cornu.data.decoding import decode_image
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (4, 2), (200, 100, 0)).save(file, "png")
        >>> image = decode_image(file.getvalue())
        >>> image.shape, image[0, 0].tolist()
        ((2, 4, 3), [200, 100, 0])
    """
    check_color_mode(color_mode)
    with opened(source, max_pixels) as image:
        if color_mode == "grayscale":
            image.draft("L", image.size)
        if orient:
            image = _oriented(image)
        if background is not None and _has_transparency(image):
            image = _on_background(image, background)
        pixels = np.asarray(to_color_mode(image, color_mode))
    return pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]


@contextlib.contextmanager
def opened(source: ImageSource, max_pixels: int = MAX_PIXELS) -> "Iterator[Image]":
    """Context manager that yields an image file as a Pillow image whose pixels are not decoded yet.

    Errors that Pillow raises inside the block are converted to errors that name the file.

    Args:
        source: Path of the file, its content as ``bytes``, or an ``io.BytesIO``.
        max_pixels: Integer, maximum number of pixels. Defaults to 2**27.

    Raises:
        MissingFileError: If the file does not exist.
        DataError: If the file is a folder, is no image, is damaged, or has too many pixels.
        InvalidTypeError: If ``source`` has another type.
    """
    from PIL import Image

    name = f"`{os.fsdecode(source)}`" if isinstance(source, (str, os.PathLike)) else "The content of an image file"
    with _file_of(source) as file, _naming(name):
        with _pillow_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                Image.init()
                image = Image.open(file, formats=[name for name in _FORMATS if name in Image.OPEN])
            except Image.DecompressionBombError as error:
                raise _too_large(name, "more than 178 million", max_pixels) from error
        width, height = image.size
        if width * height > max_pixels:
            raise _too_large(name, f"{height:,} x {width:,}", max_pixels)
        yield image


def to_color_mode(image: "Image", color_mode: str) -> "Image":
    """Convert a Pillow image of any mode to a color mode.

    16-bit values keep their upper 8 bits, 32-bit integers up to 65,535 are converted as 16-bit values, and floats from 0 to 1
    are multiplied by 255. Other floats must be from 0 to 255; they are rounded.

    Args:
        image: ``PIL.Image.Image`` instance.
        color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``.

    Returns:
        ``PIL.Image.Image`` with 8 bits per channel.

    Raises:
        InvalidArgumentError: If ``color_mode`` is unknown.
        ValueError: If values of 32 bits are outside of these ranges.

    Example:
        >>> import numpy as np
        >>> from PIL import Image
        >>> from cornu.data.decoding import to_color_mode
        >>> bright = Image.fromarray(np.full((2, 2), 0.5, "float32"))
        >>> to_color_mode(bright, "rgb").getpixel((0, 0))
        (128, 128, 128)
    """
    check_color_mode(color_mode)
    from PIL import Image

    mode = _PILLOW_MODES[color_mode]
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_to_8_bits(np.asarray(image)))
    if image.mode in ("P", "LAB", "HSV"):  # not all conversions exist, and that of a palette with transparency would warn
        image = image.convert("RGBA" if _has_transparency(image) else "RGB")
    return image if image.mode == mode else image.convert(mode)


def check_color_mode(color_mode: str) -> None:
    """Raise ``InvalidArgumentError`` if a color mode is unknown."""
    if color_mode not in _PILLOW_MODES:
        raise one_of("color_mode", color_mode, _PILLOW_MODES)


def _to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Return grayscale values of 16 or 32 bits as ``uint8``."""
    low, high = pixels.min(), pixels.max()
    if pixels.dtype.kind == "f":
        if not 0 <= low <= high <= 255:
            raise ValueError(f"its values are from {low} to {high}, and floats must be from 0 to 1 or from 0 to 255")
        return np.rint(pixels * (255 if high <= 1 else 1)).astype("uint8")
    if not 0 <= low <= high < 2**16:
        raise ValueError(f"its values are from {low} to {high}, and integers of 32 bits must be from 0 to 65535")
    return (pixels >> 8).astype("uint8")


def _has_transparency(image: "Image") -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def _on_background(image: "Image", color: tuple[int, int, int]) -> "Image":
    """Return an image drawn on a plain background, without transparency."""
    from PIL import Image

    canvas = Image.new("RGBA", image.size, (*color, 255))
    canvas.alpha_composite(image.convert("RGBA"))
    return canvas.convert("RGB")


def _oriented(image: "Image") -> "Image":
    """Return an image rotated and flipped as its EXIF data say."""
    from PIL.Image import Transpose

    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        orientation = image.getexif().get(_ORIENTATION_TAG)
    steps = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(steps[orientation]) if orientation in steps else image


def _file_of(source: ImageSource) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Return a context manager that opens an image file."""
    if isinstance(source, io.BytesIO):
        return contextlib.nullcontext(source)
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidTypeError(
            f"An image file was given as {type(source).__name__}.",
            "It must be a path, the content of a file as `bytes`, or an `io.BytesIO`.",
            "Pass, for example, 'images/cat.jpg'.",
        )
    try:
        return open(source, "rb")
    except (IsADirectoryError, PermissionError) as error:  # Windows refuses to open a folder with the latter
        if not os.path.isdir(source):
            raise
        raise DataError(
            f"`{os.fsdecode(source)}` is a folder.",
            "The path must be that of an image file.",
            "Pass the path of a file in it, or load all of them with `cornu.utils.image_dataset_from_directory`.",
        ) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(
            f"There is no file `{os.fsdecode(source)}`.",
            "The path must be that of an image file.",
            f"Check the path; the current folder is `{Path.cwd()}`.",
        ) from error


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Context manager that converts the errors of Pillow to ones that name the file."""
    try:
        yield
    except CornuError:
        raise
    except Exception as error:  # Pillow raises a dozen exception types on damaged files
        reason = str(error).partition(" <_io")[0] or type(error).__name__
        raise DataError(
            f"{name} cannot be read as an image: {reason}.",
            "It must be a complete image file, such as JPEG or PNG.",
            "Open it with an image viewer; remove it if it is damaged, or save it again.",
        ) from error


def _too_large(name: str, size: str, max_pixels: int) -> DataError:
    return DataError(
        f"{name} has {size} pixels.",
        f"An image may have {max_pixels:,} pixels.",
        "Scale it down with an image editor.",
    )
