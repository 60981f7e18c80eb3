"""Folders of audio files as datasets."""

import functools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cornu.data import tf_data
from cornu.data.dataset import Dataset
from cornu.data.file_index import FileArguments
from cornu.data.folders import folder_datasets
from cornu.data.formats import returns_tf_data
from cornu.data.wav import decode_wav
from cornu.errors import InvalidArgumentError
from cornu.validation import require_packages

if TYPE_CHECKING:
    from cornu.data.tf_data import TfDataset

EXTENSIONS = (".wav",)
"""Extensions of the files that are read, as in Keras."""


def audio_dataset_from_directory(
    directory: str | os.PathLike,
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> "Dataset | TfDataset | tuple[Dataset, Dataset] | tuple[TfDataset, TfDataset]":
    """Return a dataset of the WAV files in a folder that has a subfolder for each class.

    The files must contain integer samples of 8, 16 or 32 bits (PCM).

    Args:
        directory: Path of the folder.
        labels: ``"inferred"`` for the subfolders, a list of an integer for each file in the alphabetical order of the paths, or
            None for no labels. Defaults to ``"inferred"``.
        label_mode: ``"int"``, ``"categorical"`` (one-hot vectors), ``"binary"`` (0.0 or 1.0), or None for no labels.
            Defaults to ``"int"``.
        class_names: List of strings, the subfolders to use, in the order of their labels. Defaults to all in alphabetical
            order.
        batch_size: Integer, number of files of a batch; None for single files. Defaults to 32.
        sampling_rate: Integer, samples per second to which the files are resampled. Defaults to None (that of each file).
        output_sequence_length: Integer, number of samples of each file: longer files are cut, shorter ones padded with zeros.
            Defaults to None (the longest file of the batch).
        ragged: Whether batches are ragged tensors instead of padded; requires TensorFlow. Defaults to False.
        shuffle: Whether to shuffle the files, before they are split and again in each pass over the dataset. Defaults to True.
        seed: Integer, random seed. Defaults to None.
        validation_split: Float between 0 and 1, fraction of the files for validation. Defaults to None.
        subset: ``"training"``, ``"validation"``, or ``"both"`` for a tuple of two datasets; only with ``validation_split``.
            Defaults to None.
        follow_links: Whether to follow symbolic links to folders. Defaults to False.
        verbose: Whether to print the number of files. Defaults to True.

    Returns:
        Dataset of ``float32`` samples from -1 to 1, of shape ``(batch_size, length, channels)``, and their labels; or a tuple
        of two such datasets: ``tf.data.Dataset`` if TensorFlow is installed, otherwise :class:`cornu.data.dataset.Dataset`. The
        attributes ``class_names`` and ``file_paths`` are lists of strings.

    Raises:
        InvalidArgumentError: If an argument is invalid.
        MissingFileError: If the folder does not exist.
        DataError: If there are no files, or, while the dataset is read, if a file is damaged.

    Example:
        >>> import cornu
        >>> dataset = cornu.utils.audio_dataset_from_directory("sounds/")  # doctest: +SKIP
    """
    if ragged and output_sequence_length is not None:
        raise InvalidArgumentError(
            f"`ragged=True` and `output_sequence_length={output_sequence_length}` were given.",
            "The sequences of ragged batches have different lengths.",
            "Pass only one of the two.",
        )
    given = FileArguments(
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links, verbose
    )
    load = functools.partial(decode_wav, sampling_rate=sampling_rate, length=output_sequence_length)
    if ragged:
        require_packages("make ragged batches", "tensorflow", install="tensorflow")
    if returns_tf_data("tf"):
        combine = "ragged_batch" if ragged else "padded_batch"
        return folder_datasets(given, EXTENSIONS, "audio files", batch_size, tf_data.audio_loader(load), True, combine)
    return folder_datasets(given, EXTENSIONS, "audio files", batch_size, load, combine="padded_batch")
