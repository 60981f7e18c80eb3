"""``predict``: from a user's data through the compiled forward function to NumPy arrays."""

import contextlib
import itertools
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from cornu import trees
from cornu.core.layer_placement import backend_of
from cornu.errors import DataError
from cornu.training import batch
from cornu.training.callback import CallbackList
from cornu.training.data_adapters.data_adapter import as_batch
from cornu.training.data_adapters.iterable_data_adapter import iterate
from cornu.training.data_adapters.prefetch import may_prefetch, prefetched
from cornu.training.loop.progress import Progress
from cornu.training.predict_function import PredictFunction

_IN_FLIGHT = 2
"""How many batches may be on the device before their outputs are copied to the host."""


def predict(
    model: Any,
    forward: PredictFunction,
    batches: Generator[tuple[Any, int]],
    callbacks: CallbackList,
    progress: Progress,
    steps: int | None,
) -> Any:
    """Runs a model over batches.

    Args:
        model: The model.
        forward: Its compiled function.
        batches: Pairs of a batch and how many of its rows are samples; the others are padding.
        callbacks: Whom to call.
        progress: Where to show it.
        steps: How many batches there are, if it is known.

    Returns:
        The outputs of all samples, stacked, as NumPy arrays.

    Raises:
        DataError: There is no batch.
    """
    parts: list[tuple[Any, Any]] = []  # outputs and how many rows count; None once they are on the host
    callbacks.call("on_predict_begin", {})
    with progress, contextlib.closing(batches):
        progress.begin("Predicting", steps)
        for number, (x, count) in enumerate(batches):
            if callbacks.wants_batches():
                callbacks.call("on_predict_batch_begin", number, {})
            if progress.is_moving and not forward.is_compiled_for(x):
                progress.wait_for("compiling")
            outputs = forward(x)
            parts.append((outputs, count))
            if number >= _IN_FLIGHT:
                earlier = number - _IN_FLIGHT
                parts[earlier] = (_to_host(model, *parts[earlier]), None)
            progress.update(number + 1, {})
            if callbacks.wants_batches():
                callbacks.call("on_predict_batch_end", number, {"outputs": _to_host(model, outputs, count)})
        progress.end({})
    callbacks.call("on_predict_end", {})
    if not parts:
        raise DataError(
            "`predict` was given no batch.", "It needs at least one.", "A generator that was used up must be made anew."
        )
    hosts = [outputs if count is None else _to_host(model, outputs, count) for outputs, count in parts]
    return hosts[0] if len(hosts) == 1 else trees.map(lambda *arrays: np.concatenate(arrays), *hosts)


def cut(x: Any, batch_size: int | None, steps: int | None) -> tuple[Any, int]:
    """The samples to take and the size of a batch: ``steps`` alone take all samples, with ``batch_size`` only so many."""
    if steps is None:
        return x, int(batch_size or 32)
    size = int(batch_size or -(-batch.sample_count_of(x) // steps))
    return trees.map(lambda array: array[: steps * size], x), size


def batches_of_arrays(x: Any, batch_size: int, pad: bool) -> Generator[tuple[Any, int]]:
    """Cuts arrays into batches for :func:`predict`.

    Few sizes mean few compilations: a batch that is not full is filled up to the next power of two, if it may be.
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
    batches: Any, steps: int | None, prepare: Callable[[Any], Any], prefetch: bool
) -> Generator[tuple[Any, int]]:
    """The inputs of batches that come ready.

    Args:
        batches: Gives batches.
        steps: How many to take; None for all.
        prepare: Checks inputs and gives them as arrays.
        prefetch: Whether batches may be drawn before they are needed, in a thread of their own.
    """
    given = (each for each in itertools.islice(iterate(batches), steps))
    with contextlib.closing(prefetched(given, prefetch and may_prefetch(batches))) as given:
        for each in given:
            x = prepare(as_batch(each).x)
            yield x, batch.sample_count_of(x)


def _to_host(model: Any, outputs: Any, count: int) -> Any:
    return trees.map(
        lambda array: array[:count] if isinstance(array, np.ndarray) else backend_of(model).to_numpy(array)[:count], outputs
    )
