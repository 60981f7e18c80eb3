"""Datasets split into two parts."""

import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cornu import config, trees
from cornu.data import tf_data
from cornu.data.dataset import Dataset
from cornu.data.host_array import host_array
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, one_of
from cornu.training.batch import Indexable
from cornu.typing import Tree
from cornu.validation import is_int

if TYPE_CHECKING:
    from cornu.data.tf_data import TfDataset


class Subset:
    """Some of the samples of an object that returns a sample for an index, such as a dataset of PyTorch.

    Args:
        source: Object with ``__getitem__`` and ``__len__``.
        indices: Sequence of integers, the samples to keep.

    Example:
        >>> from cornu.data.split import Subset
        >>> list(Subset(["a", "b", "c"], [2, 0]))
        ['c', 'a']
    """

    def __init__(self, source: Indexable, indices: Sequence[int]):
        self.source, self.indices = source, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.source[self.indices[index]]


class _Rows:
    """The samples of a tree of arrays."""

    def __init__(self, arrays: Tree):
        self._arrays = arrays

    def __len__(self) -> int:
        return len(trees.leaves(self._arrays)[0])

    def __getitem__(self, index: int) -> Tree:
        rows = trees.map(lambda array: host_array(array[index]), self._arrays)
        return tuple(rows) if isinstance(rows, list) else rows


def split_dataset(
    dataset: "Tree | Dataset | TfDataset | Indexable",
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple:
    """Split a dataset into its first and its last samples, for example for training and validation.

    Args:
        dataset: NumPy array, or list, tuple or dict of arrays of the same length; a dataset of Cornu or ``tf.data``; or an
            object that returns a sample for an index, such as a dataset of PyTorch. Of a dataset of batches, whole batches are
            split.
        left_size: Float, fraction of the samples in the first part, or integer, their number. Defaults to the rest.
        right_size: The same for the second part, which contains the last samples. Defaults to the rest.
        shuffle: Whether to shuffle the samples first. Defaults to False.
        seed: Integer, random seed. Defaults to None.
        preferred_backend: For arrays: ``"tensorflow"`` for datasets of ``tf.data``, ``"torch"`` for objects that return a
            sample for an index, as ``torch.utils.data.DataLoader`` takes them, or ``"jax"`` or ``"numpy"`` for
            :class:`cornu.data.dataset.Dataset`. Defaults to ``config.backend()``.

    Returns:
        Tuple of two datasets of single samples. They are of the kind of ``dataset`` unless this is an array.

    Raises:
        InvalidArgumentError: If the sizes are invalid.
        InvalidTypeError: If ``dataset`` is something else.

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> left, right = cornu.utils.split_dataset(np.arange(10), left_size=0.8, preferred_backend="numpy")
        >>> len(left), [sample.item() for sample in right]
        (8, [8, 9])
    """
    if preferred_backend is not None and preferred_backend not in config.BACKENDS:
        raise one_of("preferred_backend", preferred_backend, config.BACKENDS)
    seed = random.randint(0, 10**6) if seed is None else seed
    if hasattr(dataset, "take") and hasattr(dataset, "skip"):
        return _split_pipeline(cast("Dataset | TfDataset", dataset), left_size, right_size, seed if shuffle else None)
    is_indexable = not isinstance(dataset, (list, tuple, dict, np.ndarray))
    source = _indexable(dataset) if is_indexable else _rows(cast(Tree, dataset))
    count = len(source)
    left, right = _sizes(count, left_size, right_size)
    order = list(range(count))
    if shuffle:
        random.Random(seed).shuffle(order)  # Python's generator, because Keras's order follows from it
    kind = "torch" if is_indexable else preferred_backend or config.backend()
    return tuple(_part(source, indices, kind) for indices in (order[:left], order[count - right :]))


def _part(source: Indexable, indices: list[int], kind: str) -> Any:
    """Return some of the samples as a dataset of a kind."""
    if kind == "torch":
        return Subset(source, indices)
    if kind == "tensorflow":
        return tf_data.rows_dataset([source[index] for index in indices])

    def samples() -> Iterator[Tree]:
        return (source[index] for index in indices)

    return Dataset(samples, len(indices))


def _split_pipeline(
    dataset: "Dataset | TfDataset", left_size: float | None, right_size: float | None, seed: int | None
) -> tuple:
    """Split a dataset that has the methods of ``tf.data``."""
    count = int(dataset.cardinality())
    if count == -1:
        raise DataError(
            "`split_dataset` received a dataset that repeats without end.",
            "It must have a last element.",
            "Split the dataset before `.repeat()`.",
        )
    count = sum(1 for _ in dataset) if count < 0 else count
    left, right = _sizes(count, left_size, right_size)
    if seed is not None:
        dataset = dataset.shuffle(max(count, 1), seed=seed, reshuffle_each_iteration=False)
    return dataset.take(left), dataset.skip(count - right)


def _rows(dataset: Tree) -> _Rows:
    lengths = {len(array) if np.ndim(array) else 0 for array in trees.leaves(dataset)}
    if len(lengths) != 1 or lengths == {0}:
        raise DataError(
            f"`split_dataset` received arrays of the lengths {sorted(lengths)}.",
            "There must be at least one array, and all must have the same length, greater than 0.",
            "Pass arrays with a row for each sample; convert a list of numbers with `np.array`.",
        )
    return _Rows(dataset)


def _indexable(dataset: "Tree | Dataset | TfDataset | Indexable") -> Any:
    if isinstance(dataset, (str, bytes)) or not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise InvalidTypeError(
            f"`split_dataset` received `dataset` of the type {type(dataset).__name__}.",
            "It must be an array, a list, tuple or dict of arrays, a dataset, or an object with `__getitem__` and `__len__`.",
            "Convert the data to NumPy arrays.",
        )
    return dataset


def _sizes(count: int, left_size: float | None, right_size: float | None) -> tuple[int, int]:
    """Return the numbers of samples of both parts."""
    if left_size is None and right_size is None:
        raise InvalidArgumentError(
            "`split_dataset` was called without sizes.",
            "At least one of `left_size` and `right_size` is required.",
            "Pass, for example, `left_size=0.8`.",
        )
    left, right = _size("left_size", left_size, count), _size("right_size", right_size, count)
    left = count - (right or 0) if left is None else left
    right = count - left if right is None else right
    if left + right > count:
        raise InvalidArgumentError(
            f"`split_dataset` received `left_size={left_size}` and `right_size={right_size}`.",
            f"Together they must not be more than the {count} samples.",
            "Pass smaller sizes, or omit one of them for the rest.",
        )
    return left, right


def _size(name: str, size: float | None, count: int) -> int | None:
    if size is None:
        return None
    if is_int(size) and 0 < size < count:
        return int(size)
    if isinstance(size, float) and 0 <= size <= 1:
        return round(size * count)
    raise InvalidArgumentError(
        f"`split_dataset` received `{name}={size!r}`.",
        f"It must be a fraction from 0.0 to 1.0, or an integer from 1 to {count - 1}.",
        f"Pass, for example, `{name}=0.8`.",
    )
