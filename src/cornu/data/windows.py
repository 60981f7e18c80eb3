"""Windows of a time series as a dataset."""

from typing import TYPE_CHECKING

import numpy as np

from cornu import ops
from cornu.data import tf_data
from cornu.data.dataset import Dataset, order_of
from cornu.data.formats import returns_tf_data
from cornu.data.host_array import host_array
from cornu.errors import InvalidArgumentError
from cornu.typing import ArrayLike, Tree
from cornu.validation import check_int

if TYPE_CHECKING:
    from cornu.data.tf_data import TfDataset


def timeseries_dataset_from_array(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> "Dataset | TfDataset":
    """Return a dataset of windows of a time series.

    Window ``i`` contains the steps ``s, s + r, ..., s + (n - 1) * r`` of ``data``, where ``s`` is ``i * sequence_stride``,
    ``r`` the ``sampling_rate`` and ``n`` the ``sequence_length``. Its target is ``targets[s]``.

    Args:
        data: Array-like of shape ``(steps, ...)``.
        targets: Array-like of a target for each first step of a window, or None for no targets.
        sequence_length: Integer, number of steps of a window.
        sequence_stride: Integer, number of steps between the starts of successive windows. Defaults to 1.
        sampling_rate: Integer, number of steps between successive steps of a window. Defaults to 1.
        batch_size: Integer, number of windows of a batch; None for single windows. Defaults to 128.
        shuffle: Whether to shuffle the windows. Defaults to False (in chronological order).
        seed: Integer, random seed. Defaults to None.
        start_index: Integer, first step of ``data`` that is used. Defaults to None (the first).
        end_index: Integer, the step of ``data`` before which windows end. Defaults to None (the end).
        format: ``"tf"`` for a ``tf.data.Dataset`` if TensorFlow is installed, or ``"cornu"`` for a
            :class:`cornu.data.dataset.Dataset`, which needs no TensorFlow; ``"grain"`` means the same. Defaults to ``"tf"``.

    Returns:
        Dataset of windows of shape ``(batch_size, sequence_length, ...)``, or of tuples of windows and targets.

    Raises:
        InvalidArgumentError: If an argument is invalid, or no window fits into the data.

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> series = np.arange(10)
        >>> dataset = cornu.utils.timeseries_dataset_from_array(
        ...     series[:-3], series[3:], sequence_length=3, batch_size=2, format="cornu"
        ... )
        >>> [(windows.tolist(), targets.tolist()) for windows, targets in dataset.take(1)]
        [([[0, 1, 2], [1, 2, 3]], [3, 4])]
    """
    function = "timeseries_dataset_from_array"
    length = check_int(function, "sequence_length", sequence_length)
    stride = check_int(function, "sequence_stride", sequence_stride)
    rate = check_int(function, "sampling_rate", sampling_rate)
    if batch_size is not None:
        check_int(function, "batch_size", batch_size)
    values, wanted = _on_host(data), None if targets is None else _on_host(targets)
    first, end = _range(len(values), start_index, end_index)
    values = values[first:end]
    if wanted is not None:
        wanted = wanted[first:]
    count = len(values) - (length - 1) * rate
    if wanted is not None:
        count = min(count, len(wanted))
    if count < 1:
        raise InvalidArgumentError(
            f"`{function}` received {len(values)} steps of data, `sequence_length={length}` and `sampling_rate={rate}`.",
            f"A window spans {(length - 1) * rate + 1} steps.",
            "Pass more data, or a smaller `sequence_length` or `sampling_rate`.",
        )
    starts = np.arange(0, count, stride)
    if shuffle:
        seed = int(np.random.randint(10**6)) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)  # NumPy's old generator, because Keras's order follows from it
    offsets = np.arange(0, length * rate, rate)
    if returns_tf_data(format):
        return tf_data.windows_dataset(values, wanted, starts, offsets, seed if shuffle else None, batch_size)
    return _own_dataset(values, wanted, starts, offsets, seed if shuffle else None, batch_size)


def _on_host(values: ArrayLike) -> np.ndarray:
    """Return an array of any engine as a NumPy array, and a NumPy array with its dtype."""
    return np.asarray(values) if isinstance(values, (np.ndarray, list, tuple)) else ops.convert_to_numpy(values)


def _range(steps: int, start_index: int | None, end_index: int | None) -> tuple[int, int]:
    """Return the first step that is used, and the step after the last one."""
    first = 0 if start_index is None else start_index
    end = steps if end_index is None else end_index
    if not 0 <= first < end <= steps:
        raise InvalidArgumentError(
            f"`timeseries_dataset_from_array` received `start_index={start_index}` and `end_index={end_index}`.",
            f"They must be indices of the {steps} steps of `data`, the first one smaller than the second.",
            "Pass other indices, or omit them.",
        )
    return first, end


def _own_dataset(
    values: np.ndarray,
    targets: np.ndarray | None,
    starts: np.ndarray,
    offsets: np.ndarray,
    seed: int | None,
    batch_size: int | None,
) -> Dataset:
    def windows(chosen: np.ndarray) -> Tree:
        first = starts[chosen]
        found = host_array(values[first[..., np.newaxis] + offsets])
        return found if targets is None else (found, host_array(targets[first]))

    order = order_of(len(starts), seed)
    return order.map(lambda index: windows(np.asarray(index))) if batch_size is None else order.batch(batch_size).map(windows)
