"""Datasets of ``tf.data``, made with TensorFlow's functions in the way of Keras, so that values and order are Keras's."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cornu import trees
from cornu.data.file_index import FileIndex
from cornu.data.image_options import ImageOptions

if TYPE_CHECKING:
    import tensorflow as tf

    TfDataset: TypeAlias = tf.data.Dataset

_BUFFERED_BATCHES, _BUFFERED_SAMPLES = 8, 1024
"""Size of the buffer from which items are drawn when they are shuffled: in batches, and without batches in samples."""


def files_dataset(
    index: FileIndex,
    labels: np.ndarray | None,
    load: "Callable[[tf.Tensor], Any]",
    seed: int | None,
    batch_size: int | None,
    combine: str = "batch",
) -> "TfDataset":
    """Return a dataset of files that are loaded, with their labels.

    Args:
        index: Paths of the files.
        labels: Labels of the files, or None.
        load: Function of TensorFlow from a path to a sample.
        seed: Integer seed of the shuffle; None to keep the order.
        batch_size: Integer, samples of a batch; None for single samples.
        combine: Name of the method that makes batches. Defaults to ``"batch"``.
    """
    import tensorflow as tf

    if labels is None:
        found = loaded(tf.data.Dataset.from_tensor_slices(index.paths), load, seed, batch_size, combine)
    else:
        items = tf.data.Dataset.from_tensor_slices((index.paths, labels))
        found = loaded(items, lambda path, label: (load(path), label), seed, batch_size, combine)
    found.class_names, found.file_paths = index.class_names, index.paths  # type: ignore[attr-defined]
    return found


def loaded(
    items: "TfDataset", load: Callable[..., Any], seed: int | None, batch_size: int | None, combine: str = "batch"
) -> "TfDataset":
    """Shuffle items, load a sample for each of them, and make batches (see :func:`files_dataset`)."""
    import tensorflow as tf

    if seed is not None:
        items = items.shuffle(_BUFFERED_SAMPLES if batch_size is None else _BUFFERED_BATCHES * batch_size, seed=seed)
    samples = items.map(load, num_parallel_calls=tf.data.AUTOTUNE)
    if batch_size is not None:
        samples = getattr(samples, combine)(batch_size)
    return samples.prefetch(tf.data.AUTOTUNE)


def image_loader(options: "ImageOptions") -> "Callable[[tf.Tensor], tf.Tensor]":
    """Return a function of TensorFlow that loads an image file."""
    import tensorflow as tf

    height, width = options.size

    def load(path: "tf.Tensor") -> "tf.Tensor":
        image = tf.image.decode_image(tf.io.read_file(path), channels=options.channels, expand_animations=False)
        if options.crop:
            image = _cropped(image, options.size)
        resize = tf.image.resize_with_pad if options.pad else _resize
        image = resize(image, height, width, method=options.interpolation)
        image.set_shape((height, width, options.channels))
        return tf.transpose(image, (2, 0, 1)) if options.channels_first else image

    return load


def _resize(image: "tf.Tensor", height: int, width: int, method: str) -> "tf.Tensor":
    import tensorflow as tf

    return tf.cast(tf.image.resize(image, (height, width), method=method), "float32")


def _cropped(image: "tf.Tensor", size: tuple[int, int]) -> "tf.Tensor":
    """Return the largest centered part of an image that has the aspect ratio of ``size`` (see ``images.centered_crop``)."""
    import tensorflow as tf

    height, width = tf.unstack(tf.shape(image)[:2])
    crop_height = tf.minimum(height, width * size[0] // size[1])
    crop_width = tf.minimum(width, height * size[1] // size[0])
    return tf.image.crop_to_bounding_box(image, (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width)


def text_loader(max_length: int | None) -> "Callable[[tf.Tensor], tf.Tensor]":
    """Return a function of TensorFlow that loads a text file."""
    import tensorflow as tf

    def load(path: "tf.Tensor") -> "tf.Tensor":
        text = tf.io.read_file(path)
        return text if max_length is None else tf.strings.substr(text, 0, max_length)

    return load


def audio_loader(load: Callable[[str], np.ndarray]) -> "Callable[[tf.Tensor], tf.Tensor]":
    """Return a function of TensorFlow that loads an audio file with a function of NumPy."""
    import tensorflow as tf

    def load_audio(path: "tf.Tensor") -> "tf.Tensor":
        audio = tf.numpy_function(lambda name: load(name.decode()), [path], tf.float32)
        audio.set_shape((None, None))
        return audio

    return load_audio


def windows_dataset(
    data: np.ndarray,
    targets: np.ndarray | None,
    starts: np.ndarray,
    offsets: np.ndarray,
    seed: int | None,
    batch_size: int | None,
) -> "TfDataset":
    """Return a dataset of the windows of a time series (see :mod:`cornu.data.windows`)."""
    import tensorflow as tf

    values = tf.constant(data)
    wanted = None if targets is None else tf.constant(targets)

    def window(start: "tf.Tensor") -> Any:
        rows = tf.gather(values, start + offsets)
        return rows if wanted is None else (rows, wanted[start])

    return loaded(tf.data.Dataset.from_tensor_slices(starts), window, seed, batch_size)


def rows_dataset(samples: list) -> "TfDataset":
    """Return a dataset of samples, trees of arrays of the same structure and shapes."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(trees.map(lambda *arrays: np.stack(arrays), *samples))
