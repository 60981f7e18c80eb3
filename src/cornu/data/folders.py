"""Folders of files as datasets: what images, texts and audio files have in common."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.data import tf_data
from cornu.data.dataset import Dataset, dataset_of
from cornu.data.file_index import FileArguments, FileIndex, encoded, index_files
from cornu.data.host_array import host_array

if TYPE_CHECKING:
    from cornu.data.tf_data import TfDataset


def folder_datasets(
    given: FileArguments,
    extensions: tuple[str, ...],
    kind: str,
    batch_size: int | None,
    load: Callable[[Any], Any],
    in_tensorflow: bool = False,
    combine: str = "batch",
) -> "Dataset | TfDataset | tuple":
    """Return the dataset of a folder, or two for ``subset="both"``, of which that for validation keeps its order.

    Args:
        given: Arguments of the function that the user called.
        extensions: Extensions of the files, in lower case.
        kind: String, what the files are, in the plural.
        batch_size: Integer, number of samples of a batch; None for single samples.
        load: Function from a path to a sample.
        in_tensorflow: Whether ``load`` is a function of TensorFlow, and the result a ``tf.data.Dataset``. Defaults to False.
        combine: Name of the method of datasets that makes batches. Defaults to ``"batch"``.
    """
    indices, seed = index_files(given, extensions, kind)
    datasets = []
    for number, index in enumerate(indices):
        labels = None if index.labels is None else encoded(index.labels, given.label_mode, len(index.class_names or ()))
        own_seed = seed if given.shuffle and number == 0 else None
        if in_tensorflow:
            datasets.append(tf_data.files_dataset(index, labels, load, own_seed, batch_size, combine))
        else:
            datasets.append(_own_dataset(index, labels, load, own_seed, batch_size, combine))
    return datasets[0] if len(datasets) == 1 else tuple(datasets)


def _own_dataset(
    index: FileIndex,
    labels: np.ndarray | None,
    load: Callable[[str], Any],
    seed: int | None,
    batch_size: int | None,
    combine: str,
) -> Dataset:
    def sample(number: int) -> Any:
        loaded = host_array(load(index.paths[number]))
        return loaded if labels is None else (loaded, host_array(labels[number]))

    samples = dataset_of(len(index.paths), sample, seed)
    found = samples if batch_size is None else getattr(samples, combine)(batch_size)
    found.class_names, found.file_paths = index.class_names, index.paths
    return found
