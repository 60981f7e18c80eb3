"""Folders of text files as datasets."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cornu.data import tf_data
from cornu.data.dataset import Dataset
from cornu.data.file_index import FileArguments
from cornu.data.folders import folder_datasets
from cornu.data.formats import returns_tf_data

if TYPE_CHECKING:
    from cornu.data.tf_data import TfDataset

EXTENSIONS = (".txt",)
"""Extensions of the files that are read, as in Keras."""


def text_dataset_from_directory(
    directory: str | os.PathLike,
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> "Dataset | TfDataset | tuple[Dataset, Dataset] | tuple[TfDataset, TfDataset]":
    """Return a dataset of the texts in a folder that has a subfolder of ``.txt`` files for each class.

    Args:
        directory: Path of the folder.
        labels: ``"inferred"`` for the subfolders, a list of an integer for each file in the alphabetical order of the paths, or
            None for no labels. Defaults to ``"inferred"``.
        label_mode: ``"int"``, ``"categorical"`` (one-hot vectors), ``"binary"`` (0.0 or 1.0), or None for no labels.
            Defaults to ``"int"``.
        class_names: List of strings, the subfolders to use, in the order of their labels. Defaults to all in alphabetical
            order.
        batch_size: Integer, number of texts of a batch; None for single texts. Defaults to 32.
        max_length: Integer, number of bytes after which texts are cut. Defaults to None (not cut).
        shuffle: Whether to shuffle the files, before they are split and again in each pass over the dataset. Defaults to True.
        seed: Integer, random seed. Defaults to None.
        validation_split: Float between 0 and 1, fraction of the files for validation. Defaults to None.
        subset: ``"training"``, ``"validation"``, or ``"both"`` for a tuple of two datasets; only with ``validation_split``.
            Defaults to None.
        follow_links: Whether to follow symbolic links to folders. Defaults to False.
        format: ``"tf"`` for a ``tf.data.Dataset`` if TensorFlow is installed, or ``"cornu"`` for a
            :class:`cornu.data.dataset.Dataset`, which needs no TensorFlow; ``"grain"`` means the same. Defaults to ``"tf"``.
        verbose: Whether to print the number of files. Defaults to True.

    Returns:
        Dataset of texts, of shape ``(batch_size,)``, and their labels; or a tuple of two such datasets. Texts are ``bytes``, as
        in Keras. The attributes ``class_names`` and ``file_paths`` are lists of strings.

    Raises:
        InvalidArgumentError: If an argument is invalid.
        MissingFileError: If the folder does not exist.
        DataError: If there are no files.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import cornu
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("bad", "good"):
        ...     (folder / name).mkdir()
        ...     _ = (folder / name / "0.txt").write_text(f"a {name} film")
        >>> dataset = cornu.utils.text_dataset_from_directory(folder, shuffle=False, format="cornu", verbose=False)
        >>> [(texts.tolist(), labels.tolist()) for texts, labels in dataset]
        [([b'a bad film', b'a good film'], [0, 1])]
    """
    given = FileArguments(
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links, verbose
    )
    if returns_tf_data(format):
        return folder_datasets(given, EXTENSIONS, "texts", batch_size, tf_data.text_loader(max_length), in_tensorflow=True)
    return folder_datasets(given, EXTENSIONS, "texts", batch_size, lambda path: Path(path).read_bytes()[:max_length])
