"""Folders of image files as datasets."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cornu import config
from cornu.data import resizing, tf_data
from cornu.data.dataset import Dataset
from cornu.data.decoding import check_color_mode, decode_image
from cornu.data.file_index import FileArguments
from cornu.data.folders import folder_datasets
from cornu.data.formats import returns_tf_data
from cornu.data.image_options import ImageOptions
from cornu.data.images import check_size
from cornu.errors import InvalidArgumentError
from cornu.typing import DataFormat

if TYPE_CHECKING:
    from cornu.data.tf_data import TfDataset

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
"""Extensions of the files that are read, as in Keras."""


def image_dataset_from_directory(
    directory: str | os.PathLike,
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: DataFormat = None,
    format: str = "tf",
    verbose: bool = True,
) -> "Dataset | TfDataset | tuple[Dataset, Dataset] | tuple[TfDataset, TfDataset]":
    """Return a dataset of the images in a folder that has a subfolder for each class.

    Files that end in ``.bmp``, ``.gif``, ``.jpeg``, ``.jpg`` and ``.png`` are read; of an animation, the first image. As in
    Keras, images are resized without antialiasing, and the orientation in EXIF data and transparency are ignored.

    Args:
        directory: Path of the folder.
        labels: ``"inferred"`` for the subfolders, a list of an integer for each file in the alphabetical order of the paths, or
            None for no labels. Defaults to ``"inferred"``.
        label_mode: ``"int"``, ``"categorical"`` (one-hot vectors), ``"binary"`` (0.0 or 1.0), or None for no labels.
            Defaults to ``"int"``.
        class_names: List of strings, the subfolders to use, in the order of their labels. Defaults to all in alphabetical
            order.
        color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``. Defaults to ``"rgb"``.
        batch_size: Integer, number of images of a batch; None for single images. Defaults to 32.
        image_size: Tuple ``(height, width)`` to which images are resized. Defaults to ``(256, 256)``.
        shuffle: Whether to shuffle the files, before they are split and again in each pass over the dataset. Defaults to True.
        seed: Integer, random seed. Defaults to None.
        validation_split: Float between 0 and 1, fraction of the files for validation. Defaults to None.
        subset: ``"training"``, ``"validation"``, or ``"both"`` for a tuple of two datasets; only with ``validation_split``.
            Defaults to None.
        interpolation: ``"bilinear"``, ``"nearest"``, ``"bicubic"``, ``"area"``, ``"lanczos3"``, ``"lanczos5"``,
            ``"gaussian"`` or ``"mitchellcubic"``. Defaults to ``"bilinear"``.
        follow_links: Whether to follow symbolic links to folders. Defaults to False.
        crop_to_aspect_ratio: Whether to center-crop images to the aspect ratio of ``image_size`` first. Defaults to False.
        pad_to_aspect_ratio: Whether to keep the aspect ratio and fill the rest with black. Defaults to False.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        format: ``"tf"`` for a ``tf.data.Dataset`` if TensorFlow is installed, or ``"cornu"`` for a
            :class:`cornu.data.dataset.Dataset`, which needs no TensorFlow; ``"grain"`` means the same. Defaults to ``"tf"``.
        verbose: Whether to print the number of files. Defaults to True.

    Returns:
        Dataset of ``float32`` images with values from 0 to 255, of shape ``(batch_size, height, width, channels)``, and their
        labels; or a tuple of two such datasets. Its attributes ``class_names`` and ``file_paths`` are lists of strings.

    Raises:
        InvalidArgumentError: If an argument is invalid.
        MissingFileError: If the folder does not exist.
        DataError: If there are no files, or, while the dataset is read, if a file is damaged.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import cornu
        >>> folder = tempfile.mkdtemp()
        >>> for name in ("cat", "dog"):
        ...     os.mkdir(os.path.join(folder, name))
        ...     cornu.utils.save_img(os.path.join(folder, name, "0.png"), np.ones((20, 30, 3)))
        >>> dataset = cornu.utils.image_dataset_from_directory(folder, image_size=(8, 8), format="cornu")
        Found 2 files belonging to 2 classes.
        >>> dataset.class_names, [images.shape for images, labels in dataset]
        (['cat', 'dog'], [(2, 8, 8, 3)])
    """
    check_color_mode(color_mode)
    resizing.check_interpolation(interpolation)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise InvalidArgumentError(
            "`crop_to_aspect_ratio=True` and `pad_to_aspect_ratio=True` were given.",
            "An image is either cropped or padded.",
            "Pass only one of the two.",
        )
    options = ImageOptions(
        color_mode,
        check_size("image_dataset_from_directory", "image_size", image_size),
        interpolation,
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        config.standardize_data_format(data_format) == "channels_first",
    )
    given = FileArguments(
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links, verbose
    )
    if returns_tf_data(format):
        return folder_datasets(given, EXTENSIONS, "images", batch_size, tf_data.image_loader(options), in_tensorflow=True)
    return folder_datasets(given, EXTENSIONS, "images", batch_size, lambda path: load_image(path, options))


def load_image(path: str, options: ImageOptions) -> np.ndarray:
    """Return the image of a file as a ``float32`` array of the requested size."""
    image = decode_image(path, options.color_mode)
    if options.crop:
        image = resizing.crop_to_aspect_ratio(image, options.size)
    if options.pad:
        image = resizing.pad_to_aspect_ratio(image, options.size, options.interpolation)
    else:
        image = resizing.resize_image(image, options.size, options.interpolation)
    return image.transpose(2, 0, 1) if options.channels_first else image
