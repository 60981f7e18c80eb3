"""Implementation of ``predict``: from the user's data through the compiled forward function to NumPy arrays."""

import contextlib
import itertools
from collections.abc import Callable, Generator
from typing import Any, Protocol

import numpy as np

from cornu import trees
from cornu.core.layer_placement import backend_of
from cornu.errors import DataError
from cornu.training import batch
from cornu.training.batch import Data
from cornu.training.callback import CallbackList
from cornu.training.data_adapters.data_adapter import as_batch
from cornu.training.data_adapters.iterable_data_adapter import iterate
from cornu.training.data_adapters.prefetch import may_prefetch, prefetched
from cornu.training.loop.progress import Progress
from cornu.training.model_protocol import TrainableModel
from cornu.typing import Tree

_IN_FLIGHT = 2
"""Maximum number of batches on the device before their outputs are copied to the host."""


class Forward(Protocol):
    """A function from a batch of inputs to outputs, such as a ``PredictFunction``."""

    def meets_first(self, x: Tree) -> bool:
        """Return whether the function must be compiled for these inputs."""
        ...

    def __call__(self, x: Tree) -> Any:
        """Return the outputs for a batch."""
        ...


def predict(
    model: TrainableModel,
    forward: Forward,
    batches: Generator[tuple[Any, int]],
    callbacks: CallbackList,
    progress: Progress,
    steps: int | None,
) -> Any:
    """Run a model over batches.

    Args:
        model: The model.
        forward: Compiled prediction function of the model.
        batches: Pairs of a batch and the number of its rows that are samples; the others are padding.
        callbacks: Callbacks to call.
        progress: Progress display.
        steps: Number of batches, if known, else None.

    Returns:
        The outputs of all samples, concatenated, as NumPy arrays.

    Raises:
        DataError: If there is no batch.
    """
    parts: list[tuple[Any, Any]] = []  # outputs and number of samples; None once they are on the host
    if model.stop_predicting:  # setting any attribute makes the next call traverse the structure of the model
        model.stop_predicting = False
    callbacks.call("on_predict_begin", {})
    with progress, contextlib.closing(batches):
        progress.begin("Predicting", steps)
        for number, (x, count) in enumerate(batches):
            if callbacks.wants_batches():
                callbacks.call("on_predict_batch_begin", number, {})
            if progress.is_moving and forward.meets_first(x):
                progress.wait_for("compiling")
            outputs = forward(x)
            parts.append((outputs, count))
            if number >= _IN_FLIGHT:
                earlier = number - _IN_FLIGHT
                parts[earlier] = (_to_host(model, *parts[earlier]), None)
            progress.update(number + 1, {})
            if callbacks.wants_batches():
                callbacks.call("on_predict_batch_end", number, {"outputs": _to_host(model, outputs, count)})
                if model.stop_predicting:
                    break
        progress.end({})
    callbacks.call("on_predict_end", {})
    if not parts:
        raise DataError(
            "`predict` received no batches.", "At least one batch is required.", "Create an exhausted generator again."
        )
    hosts = [outputs if count is None else _to_host(model, outputs, count) for outputs, count in parts]
    return hosts[0] if len(hosts) == 1 else trees.map(lambda *arrays: np.concatenate(arrays), *hosts)


def cut(x: Tree, batch_size: int | None, steps: int | None) -> tuple[Any, int]:
    """Return the samples and the batch size: all samples for ``steps`` alone, ``steps * batch_size`` samples with both."""
    size = int(batch_size or (32 if steps is None else -(-batch.sample_count_of(x) // steps)))
    steps = batch.limited_steps(steps)
    return x if steps is None else trees.map(lambda array: array[: steps * size], x), size


def batches_of_arrays(x: Tree, batch_size: int, pad: bool) -> Generator[tuple[Any, int]]:
    """Split arrays into batches for :func:`predict`.

    To limit the number of compilations, an incomplete batch is padded to the next power of two if padding is allowed.
    """
    samples = len(trees.leaves(x)[0])
    for start in range(0, samples, batch_size):
        count = min(batch_size, samples - start)
        size = min(batch_size, 1 << (count - 1).bit_length()) if pad else count
        if size == samples:
            yield x, count
            continue
        rows = np.resize(np.arange(start, start + count), size)
        yield trees.map(lambda array, rows=rows: array[rows], x), count


def batches_of_iterable(
    batches: Data, steps: int | None, prepare: Callable[[Any], Any], prefetch: bool
) -> Generator[tuple[Any, int]]:
    """Yield the inputs of the batches of an iterable.

    Args:
        batches: Iterable of batches.
        steps: Number of batches; None for all.
        prepare: Function that validates inputs and returns them as arrays.
        prefetch: Whether batches may be drawn in advance, in a separate thread.
    """
    given = (each for each in itertools.islice(iterate(batches), batch.limited_steps(steps)))
    with contextlib.closing(prefetched(given, prefetch and may_prefetch(batches))) as given:
        for each in given:
            x = prepare(as_batch(each).x)
            yield x, batch.sample_count_of(x)


def _to_host(model: TrainableModel, outputs: Tree, count: int) -> Any:
    """Return the first ``count`` rows of outputs as NumPy arrays."""
    return trees.map(
        lambda array: array[:count] if isinstance(array, np.ndarray) else backend_of(model).to_numpy(array)[:count], outputs
    )
