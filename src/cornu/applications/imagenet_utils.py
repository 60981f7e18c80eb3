"""Inputs and outputs of networks that were trained on ImageNet: scaling of images, and names of classes."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np

from cornu import backends, config, ops
from cornu.core.symbolic_tensor import is_symbolic
from cornu.errors import ShapeError, one_of
from cornu.io.get_file import get_file
from cornu.typing import Array, ArrayLike
from cornu.validation import check_int

__all__ = ["decode_predictions", "preprocess_input"]

_MODES = {
    "caffe": (1.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
    "tf": (127.5, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    "torch": (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Divisor of the values, and mean and standard deviation of the channels, which are then subtracted and divided by."""

_CLASS_INDEX = (
    "imagenet_class_index.json",
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
)
"""Name, address and checksum of the file with the names of the classes."""


def preprocess_input(x: ArrayLike, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Scale images of values from 0 to 255 as a network was trained with.

    - ``"caffe"``: from RGB to BGR, and each channel minus its mean in ImageNet
    - ``"tf"``: ``x / 127.5 - 1``, from -1 to 1
    - ``"torch"``: ``(x / 255 - mean) / std`` with the mean and the standard deviation of each channel in ImageNet

    Args:
        x: Array, or symbolic tensor, of shape ``(height, width, 3)`` or ``(batch, height, width, 3)``; with the channels first
            for ``data_format="channels_first"``. It is not changed.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        mode: ``"caffe"``, ``"tf"`` or ``"torch"``. Defaults to ``"caffe"``.

    Returns:
        Array of the shape of ``x``: a NumPy array for a NumPy array, otherwise an array of the engine; floating point.

    Raises:
        InvalidArgumentError: If ``mode`` or ``data_format`` is invalid.
        ShapeError: If ``x`` is not an image or a batch of images with three channels.

    Example:
        >>> import numpy as np
        >>> from cornu.applications.imagenet_utils import preprocess_input
        >>> preprocess_input(np.full((1, 1, 3), 255.0), mode="tf")
        array([[[1., 1., 1.]]])
    """
    return _scaled(x, data_format, mode)


def _scaled(images: ArrayLike, data_format: str | None, mode: str) -> Any:
    x = cast(Any, images)
    if mode not in _MODES:
        raise one_of("mode", mode, _MODES)
    data_format = config.standardize_data_format(data_format)
    on_numpy = isinstance(x, np.ndarray)
    if not is_symbolic(x) and not on_numpy:
        x = cast(Any, ops.convert_to_tensor(x))
    rank, axis = len(x.shape), -1 if data_format == "channels_last" else -3
    if rank not in (3, 4) or x.shape[axis] != 3:
        raise ShapeError(
            f"`preprocess_input` received an array of shape {tuple(x.shape)}.",
            f"It must be an image or a batch of images with 3 channels, {data_format.replace('_', ' ')}.",
            "Repeat the channel of a gray image three times, or pass another `data_format`.",
        )
    divisor, mean, std = (np.asarray(value, "float32").reshape(-1, *[1] * (-1 - axis)) for value in _MODES[mode])
    dtype = str(x.dtype) if on_numpy or is_symbolic(x) else backends.home(x).dtype(x)
    if "float" not in dtype:
        dtype = config.floatx()
        x = x.astype(dtype) if on_numpy else cast(Any, ops.cast(x, dtype))
    if mode == "caffe":
        x = cast(Any, np.flip(x, axis) if on_numpy else ops.flip(x, axis))
    if on_numpy:
        return ((x / divisor - mean) / std).astype(dtype)
    return ops.cast(ops.divide(ops.subtract(ops.divide(x, divisor), mean), std), dtype)


def preprocessing(mode: str | None) -> Callable[..., Any]:
    """Return the function ``preprocess_input`` of networks that were trained with a mode; None if they scale images themselves.

    Example:
        >>> from cornu.applications.imagenet_utils import preprocessing
        >>> preprocessing(None)(255)
        255
    """
    scaling = "Return the images unchanged: the network scales them itself."
    if mode is not None:
        scaling = f"Scale images as by :func:`cornu.applications.imagenet_utils.preprocess_input` with ``mode={mode!r}``."

    def preprocess_input(x: ArrayLike, data_format: str | None = None) -> Any:
        return x if mode is None else _scaled(x, data_format, mode)

    preprocess_input.__doc__ = scaling
    return preprocess_input


def decode_predictions(preds: Array, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """Return the classes of ImageNet with the largest probabilities.

    Args:
        preds: Array of shape ``(batch, 1000)``, the outputs of a network.
        top: Integer, number of classes for each image. Defaults to 5.

    Returns:
        A list for each image of tuples ``(WordNet ID, name, probability)``, the largest probability first.

    Raises:
        ShapeError: If ``preds`` has another shape.
        DataError: If the file with the names of the classes is not in ``~/.keras/models`` and cannot be downloaded.

    Example:
        >>> import numpy as np
        >>> from cornu.applications.imagenet_utils import decode_predictions
        >>> decode_predictions(np.eye(1000)[:1], top=1)  # doctest: +SKIP
        [[('n01440764', 'tench', 1.0)]]
    """
    check_int("decode_predictions", "top", top)
    shape = tuple(getattr(preds, "shape", ()))
    if len(shape) != 2 or shape[1] != 1000:
        raise ShapeError(
            f"`decode_predictions` received an array of shape {shape}.",
            "It must have the shape (batch, 1000): the probabilities of the classes of ImageNet.",
            "Your own classes have no names here: use `class_names[np.argmax(preds[0])]`.",
        )
    names = _class_names()
    return [
        [(*names[str(index)], row[index]) for index in np.argsort(row, kind="stable")[::-1][:top]]
        for row in ops.convert_to_numpy(preds)
    ]


@cache
def _class_names() -> dict[str, tuple[str, str]]:
    name, address, digits = _CLASS_INDEX
    with open(get_file(name, address, cache_subdir="models", file_hash=digits)) as file:
        return {index: tuple(entry) for index, entry in json.load(file).items()}
