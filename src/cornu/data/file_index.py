"""The files of a folder with their labels: classes from subfolders, shuffling, and the split for validation, as in Keras."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cornu.errors import DataError, InvalidArgumentError, MissingFileError, did_you_mean, one_of

LABEL_MODES = ("int", "categorical", "binary", None)
"""Encodings of labels: integers, one-hot vectors, 0.0 or 1.0, or no labels."""

SUBSETS = ("training", "validation", "both", None)
"""Parts of the files that a function returns; None without a split."""


class FileIndex(NamedTuple):
    """Files and their labels.

    Attributes:
        paths: List of strings, paths of the files.
        labels: ``int32`` array of the classes of the files, or None without labels.
        class_names: List of strings, names of the classes, or None without labels.
    """

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None

    def rows(self, which: slice) -> "FileIndex":
        """Return the index of some of the files."""
        return FileIndex(self.paths[which], None if self.labels is None else self.labels[which], self.class_names)


class FileArguments(NamedTuple):
    """What the functions on folders have in common (see :func:`cornu.utils.image_dataset_from_directory`)."""

    directory: str | os.PathLike
    labels: str | Sequence[int] | None
    label_mode: str | None
    class_names: Sequence[str] | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool

    @property
    def is_inferred(self) -> bool:
        """Whether the classes are the subfolders."""
        return isinstance(self.labels, str)


def index_files(given: FileArguments, extensions: tuple[str, ...], kind: str) -> tuple[list[FileIndex], int]:
    """Find the files of a folder and split them for validation.

    Args:
        given: Arguments of the function that the user called.
        extensions: Extensions of the files, in lower case.
        kind: String, what the files are, in the plural.

    Returns:
        Tuple of the indices of the requested subsets, two for ``subset="both"``, and the seed, which is drawn if none is given.

    Raises:
        InvalidArgumentError: If an argument is invalid.
        MissingFileError: If the folder does not exist.
        DataError: If a subset has no files.
    """
    check_arguments(given)
    seed = int(np.random.randint(10**6)) if given.seed is None else given.seed
    index = _read_folder(given, extensions)
    _check_binary(given, index)
    if given.verbose:
        print(
            f"Found {len(index.paths)} files"
            + (f" belonging to {len(index.class_names)} classes." if index.class_names else ".")
        )
    if not index.paths:
        raise DataError(
            f"`{os.fspath(given.directory)}` contains no {kind}.",
            f"The names of the files must end in {', '.join(extensions)}.",
            "Check the path: it must be the folder that contains a subfolder for each class."
            if given.is_inferred
            else "Check the path.",
        )
    if given.shuffle:  # the two orders are the same; NumPy's old generator, because Keras's split follows from it
        np.random.RandomState(seed).shuffle(index.paths)
        if index.labels is not None:
            np.random.RandomState(seed).shuffle(index.labels)
    return [_subset(index, given, name) for name in _subset_names(given.subset)], seed


def check_arguments(given: FileArguments) -> None:
    """Raise ``InvalidArgumentError`` if arguments are invalid, or contradict each other."""
    if given.label_mode not in LABEL_MODES:
        raise one_of("label_mode", given.label_mode, LABEL_MODES)
    if given.subset not in SUBSETS:
        raise one_of("subset", given.subset, SUBSETS)
    if isinstance(given.labels, str) and given.labels != "inferred":
        raise InvalidArgumentError(
            f"`labels={given.labels!r}` was given.",
            "It must be 'inferred', a list of an integer for each file, or None.",
            "Pass `labels='inferred'` to use the names of the subfolders.",
        )
    if given.class_names is not None and not given.is_inferred:
        raise InvalidArgumentError(
            "`class_names` was given together with `labels`.",
            "Names of classes select subfolders, which are used only with `labels='inferred'`.",
            "Omit `class_names`, or pass `labels='inferred'`.",
        )
    split = given.validation_split
    if split is not None and not 0 < split < 1:
        raise InvalidArgumentError(
            f"`validation_split={split!r}` was given.",
            "It must be between 0 and 1: it is the fraction of the files for validation.",
            "Pass, for example, `validation_split=0.2`.",
        )
    if (split is None) != (given.subset is None):
        raise InvalidArgumentError(
            f"`validation_split={split!r}` and `subset={given.subset!r}` were given.",
            "A split requires both, the fraction and the subset to return.",
            "Pass, for example, `validation_split=0.2, subset='both'`.",
        )
    if split is not None and given.shuffle and given.seed is None and given.subset != "both":
        raise InvalidArgumentError(
            f"`subset={given.subset!r}` was given with shuffling and without a seed.",
            "Both subsets must be split in the same way, or some files would be in both of them.",
            "Pass the same `seed` for both subsets, such as `seed=0`, or `subset='both'`.",
        )


def encoded(labels: np.ndarray, label_mode: str | None, classes: int) -> np.ndarray:
    """Return labels in the form of a label mode.

    Args:
        labels: ``int32`` array of shape ``(n,)``.
        label_mode: ``"int"``, ``"binary"`` or ``"categorical"``.
        classes: Integer, number of classes.

    Returns:
        ``int32`` array of shape ``(n,)``, or ``float32`` array of shape ``(n, 1)`` or ``(n, classes)``.

    Example:
        >>> import numpy as np
        >>> from cornu.data.file_index import encoded
        >>> encoded(np.array([0, 1]), "categorical", 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if label_mode == "categorical":
        return (labels[:, np.newaxis] == np.arange(classes)).astype("float32")
    return labels.astype("float32")[:, np.newaxis] if label_mode == "binary" else labels.astype("int32")


def _read_folder(given: FileArguments, extensions: tuple[str, ...]) -> FileIndex:
    """Return all files of a folder, in alphabetical order."""
    directory = os.path.expanduser(os.fspath(given.directory))
    if not os.path.isdir(directory):
        raise MissingFileError(
            f"There is no folder `{directory}`.",
            "It must be the folder that contains the files, or a subfolder for each class.",
            f"Check the path; the current folder is `{os.getcwd()}`.",
        )
    if not given.is_inferred or given.label_mode is None:
        paths = list(_files_below(directory, given, extensions))
        if given.labels is None or given.label_mode is None:
            return FileIndex(paths, None, None)
        if len(given.labels) != len(paths):
            raise InvalidArgumentError(
                f"`labels` has {len(given.labels)} values, and there are {len(paths)} files in `{directory}`.",
                "There must be one label for each file, in the alphabetical order of the paths.",
                "Pass one label for each file, or `labels='inferred'`.",
            )
        return FileIndex(paths, np.array(given.labels, "int32"), [str(label) for label in np.unique(given.labels)])
    names = _class_folders(directory, given.class_names)
    paths = [list(_files_below(os.path.join(directory, name), given, extensions)) for name in names]
    labels = np.repeat(np.arange(len(names), dtype="int32"), [len(files) for files in paths])
    return FileIndex([path for files in paths for path in files], labels, names)


def _class_folders(directory: str, class_names: Sequence[str] | None) -> list[str]:
    """Return the names of the subfolders that are classes: those without a dot in front, or those that the user names."""
    found = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.startswith("."))
    for name in class_names or ():
        if name not in found:
            raise InvalidArgumentError(
                f"`class_names` contains {name!r}, and there is no such subfolder in `{directory}`.",
                f"Its subfolders are {', '.join(map(repr, found))}." if found else "It has no subfolders.",
                did_you_mean(name, found) or "Correct the name, or omit `class_names`.",
            )
    return list(class_names) if class_names is not None else found


def _files_below(directory: str, given: FileArguments, extensions: tuple[str, ...]):
    for folder, _, files in sorted(os.walk(directory, followlinks=given.follow_links), key=lambda found: found[0]):
        for name in sorted(files):
            if name.lower().endswith(extensions):
                yield os.path.join(folder, name)


def _check_binary(given: FileArguments, index: FileIndex) -> None:
    if given.label_mode == "binary" and index.class_names is not None and len(index.class_names) != 2:
        raise InvalidArgumentError(
            f"`label_mode='binary'` was given, and there are {len(index.class_names)} classes: {', '.join(index.class_names)}.",
            "Binary labels require two classes.",
            "Pass `label_mode='int'` or `label_mode='categorical'`, or two names as `class_names`.",
        )


def _subset_names(subset: str | None) -> tuple[str | None, ...]:
    return ("training", "validation") if subset == "both" else (subset,)


def _subset(index: FileIndex, given: FileArguments, name: str | None) -> FileIndex:
    """Return the files of a subset: those at the end are for validation."""
    if name is None or given.validation_split is None:
        return index
    first = len(index.paths) - int(given.validation_split * len(index.paths))
    chosen = index.rows(slice(first) if name == "training" else slice(first, None))
    if given.verbose:
        print(f"Using {len(chosen.paths)} files for {name}.")
    if not chosen.paths:
        raise DataError(
            f"`validation_split={given.validation_split}` leaves no files for {name}.",
            f"Of {len(index.paths)} files, both subsets must contain at least one.",
            "Pass another fraction, or add files.",
        )
    return chosen
