"""Images between files, Pillow and arrays: the functions on single images of ``keras.utils``."""

import os
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

import numpy as np

from cornu import config, ops
from cornu.data.decoding import ImageSource, opened, to_color_mode
from cornu.errors import InvalidArgumentError, ShapeError, one_of, warn
from cornu.io.atomic import atomic_write
from cornu.typing import ArrayLike, DataFormat, DType
from cornu.validation import standardize_dtype

if TYPE_CHECKING:
    from PIL.Image import Image

PILLOW_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
"""Names of the interpolation methods of Pillow."""

_KEPT_GRAYSCALE = ("L", "I", "I;16")
"""Modes of Pillow for grayscale images that :func:`load_img` does not convert to 8 bits, as in Keras."""


def load_img(
    path: ImageSource,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> "Image":
    """Load an image file as a Pillow image.

    The orientation in EXIF data is ignored, as in Keras.

    Args:
        path: Path of the file, or an ``io.BytesIO`` with its content.
        color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``. With ``"grayscale"``, 16-bit and 32-bit images keep their values.
            Defaults to ``"rgb"``.
        target_size: Tuple ``(height, width)`` of the result. Defaults to None (the size of the file).
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"hamming"``, ``"box"`` or ``"lanczos"``. Defaults to
            ``"nearest"``.
        keep_aspect_ratio: Whether to center-crop the image to the aspect ratio of ``target_size`` first. Defaults to False.

    Returns:
        ``PIL.Image.Image`` instance.

    Raises:
        MissingFileError: If the file does not exist.
        DataError: If the file is a folder, is no image, is damaged, or has too many pixels.
        InvalidArgumentError: If an argument has an invalid value.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import cornu
        >>> path = os.path.join(tempfile.mkdtemp(), "a.png")
        >>> cornu.utils.save_img(path, np.zeros((20, 30, 3)))
        >>> cornu.utils.load_img(path, target_size=(8, 8)).size
        (8, 8)
    """
    if interpolation not in PILLOW_INTERPOLATIONS:
        raise one_of("interpolation", interpolation, PILLOW_INTERPOLATIONS)
    size = None if target_size is None else check_size("load_img", "target_size", target_size)
    with opened(path) as image:
        if color_mode != "grayscale" or image.mode not in _KEPT_GRAYSCALE:
            image = to_color_mode(image, color_mode)
        if size is not None:
            image = _resized(image, size, interpolation, keep_aspect_ratio)
        image.load()
    return image


def _resized(image: "Image", size: tuple[int, int], interpolation: str, keep_aspect_ratio: bool) -> "Image":
    from PIL.Image import Resampling

    height, width = size
    if image.size == (width, height):
        return image
    top, left, bottom, right = centered_crop(image.height, image.width, size)
    box = (left, top, right, bottom) if keep_aspect_ratio else None
    return image.resize((width, height), Resampling[interpolation.upper()], box=box)


def centered_crop(height: int, width: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the edges ``(top, left, bottom, right)`` of the largest centered crop with the aspect ratio of ``size``.

    Example:
        >>> from cornu.data.images import centered_crop
        >>> centered_crop(100, 300, (50, 50))
        (0, 100, 100, 200)
    """
    crop_height = min(height, width * size[0] // size[1])
    crop_width = min(width, height * size[1] // size[0])
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return top, left, top + crop_height, left + crop_width


def check_size(owner: str, argument: str, size: Sequence[int]) -> tuple[int, int]:
    """Return the height and width of images.

    Raises:
        InvalidArgumentError: If the value is not two positive integers.
    """
    if not isinstance(size, (list, tuple)) or len(size) != 2 or not all(int(n) == n and n > 0 for n in size):
        raise InvalidArgumentError(
            f"`{owner}` received `{argument}={size!r}`.",
            "It must be two positive integers.",
            f"Pass `{argument}=(height, width)`, for example (180, 180).",
        )
    height, width = size
    return int(height), int(width)


def img_to_array(img: "Image", data_format: DataFormat = None, dtype: DType = None) -> np.ndarray:
    """Convert a Pillow image to a NumPy array with three axes.

    Args:
        img: ``PIL.Image.Image`` instance.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.

    Returns:
        NumPy array of shape ``(height, width, channels)`` or ``(channels, height, width)``.

    Raises:
        ShapeError: If ``img`` has neither two nor three axes.

    Example:
        >>> from PIL import Image
        >>> import cornu
        >>> cornu.utils.img_to_array(Image.new("L", (3, 2), 7)).shape
        (2, 3, 1)
    """
    layout = config.standardize_data_format(data_format)
    pixels = np.asarray(img, dtype=standardize_dtype(dtype))
    if pixels.ndim not in (2, 3):
        raise ShapeError(
            f"`img_to_array` received an image of shape {pixels.shape}.",
            "An image has two axes, or three with its channels.",
            "Convert the images of a batch one by one.",
        )
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    return pixels.transpose(2, 0, 1) if layout == "channels_first" else pixels


def array_to_img(x: ArrayLike, data_format: DataFormat = None, scale: bool = True, dtype: DType = None) -> "Image":
    """Convert an array with three axes to a Pillow image.

    Args:
        x: Array-like of shape ``(height, width, channels)`` or ``(channels, height, width)``, with 1, 3 or 4 channels.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        scale: Whether to scale the values so that the smallest becomes 0 and the largest 255. Otherwise fractional parts are
            removed. Defaults to True.
        dtype: Dtype with which to compute. Defaults to ``config.floatx()``.

    Returns:
        ``PIL.Image.Image`` of mode ``"L"``, ``"RGB"`` or ``"RGBA"``; of mode ``"I"`` if ``x`` has one channel and values above
        255.

    Raises:
        ShapeError: If ``x`` does not have three axes, has no pixels, or not 1, 3 or 4 channels.

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> image = cornu.utils.array_to_img(np.arange(24.0).reshape(2, 4, 3))
        >>> image.mode, image.size, image.getpixel((3, 1))
        ('RGB', (4, 2), (232, 243, 255))
    """
    from PIL import Image

    layout = config.standardize_data_format(data_format)
    pixels = np.asarray(ops.convert_to_numpy(x), dtype=standardize_dtype(dtype))
    shape = pixels.shape
    if pixels.ndim == 3 and layout == "channels_first":
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.size == 0:
        raise ShapeError(
            f"`array_to_img` received an array of shape {shape}, with the data format {layout!r}.",
            "It must have three axes, at least one pixel, and 1, 3 or 4 channels.",
            "Pass one image of a batch, `x[0]`, or another `data_format`.",
        )
    if scale:
        pixels = pixels - pixels.min()
        highest = pixels.max()
        pixels = pixels / (highest if highest else 1) * 255
    if pixels.shape[2] == 1:
        gray = pixels[:, :, 0]
        return Image.fromarray(gray.astype("int32" if gray.max() > 255 else "uint8"))
    return Image.fromarray(pixels.astype("uint8"))


def save_img(
    path: str | os.PathLike | IO[bytes],
    x: ArrayLike,
    data_format: DataFormat = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: str | float | bool,
) -> None:
    """Save an array as an image file. The file is written atomically.

    JPEG files store no transparency: the alpha channel is left out, with a warning.

    Args:
        path: Path of the file, whose folder must exist, or a file object.
        x: Array-like of shape ``(height, width, channels)`` or ``(channels, height, width)``, with 1, 3 or 4 channels.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        file_format: String, format of the file, such as ``"png"``. Defaults to the format of the extension of ``path``; a file
            object requires it.
        scale: Whether to scale the values so that the smallest becomes 0 and the largest 255. Defaults to True.
        **kwargs: Options of the format, which are passed to ``PIL.Image.Image.save``, such as ``quality=90``.

    Raises:
        ShapeError: If ``x`` does not have three axes, has no pixels, or not 1, 3 or 4 channels.
        InvalidArgumentError: If the format is unknown.

    Example:
        >>> import io
        >>> import numpy as np
        >>> import cornu
        >>> file = io.BytesIO()
        >>> cornu.utils.save_img(file, np.eye(4)[:, :, None], file_format="png")
        >>> cornu.utils.load_img(file, color_mode="grayscale").getpixel((0, 0))
        255
    """
    image = array_to_img(x, data_format, scale)
    file_format = _format_of(path, file_format)
    if image.mode == "RGBA" and file_format == "JPEG":
        warn("The alpha channel is not saved, because JPEG files store no transparency. Save a PNG file to keep it.")
        image = image.convert("RGB")
    if isinstance(path, (str, os.PathLike)):
        with atomic_write(path) as temporary:
            image.save(temporary, file_format, **kwargs)
    else:
        image.save(path, file_format, **kwargs)


def _format_of(path: str | os.PathLike | IO[bytes], file_format: str | None) -> str:
    """Return Pillow's name of the format in which to save an image."""
    from PIL import Image

    Image.init()
    if file_format is None and isinstance(path, (str, os.PathLike)):
        received, extension = f"the path {os.fsdecode(path)!r}", os.path.splitext(os.fsdecode(path))[1]
    else:
        received, extension = f"`file_format={file_format!r}`", f".{file_format}"
    found = Image.EXTENSION.get(extension.lower(), extension[1:].upper())
    if found not in Image.SAVE:
        raise InvalidArgumentError(
            f"`save_img` received {received}.",
            "The format of an image file must be known, such as 'png', 'jpeg', 'bmp' or 'gif'.",
            "Add an extension to the path, such as '.png', or pass `file_format`.",
        )
    return found


def smart_resize(
    x: ArrayLike, size: Sequence[int], interpolation: str = "bilinear", data_format: DataFormat = "channels_last"
) -> ArrayLike:
    """Resize images without distortion: center-crop them to the aspect ratio of the result first.

    Args:
        x: Array-like, an image of shape ``(height, width, channels)`` or a batch of images, or with channels first.
        size: Tuple ``(height, width)`` of the result.
        interpolation: ``"bilinear"``, ``"nearest"``, ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``. Defaults to
            ``"bilinear"``.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``"channels_last"``.

    Returns:
        The resized images; a NumPy array if ``x`` is one, otherwise an array of the engine.

    Raises:
        InvalidArgumentError: If ``size`` or ``interpolation`` is invalid.
        ShapeError: If ``x`` is neither an image nor a batch of images.

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> image = np.arange(12.0).reshape(2, 6, 1)
        >>> cornu.preprocessing.image.smart_resize(image, (2, 2))[:, :, 0].tolist()
        [[2.0, 3.0], [8.0, 9.0]]
    """
    height, width = check_size("smart_resize", "size", size)
    resized = ops.image.resize(
        x, (height, width), interpolation=interpolation, crop_to_aspect_ratio=True, data_format=data_format
    )
    return ops.convert_to_numpy(resized) if isinstance(x, np.ndarray) else resized
