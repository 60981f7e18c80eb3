"""Micro-batches: the gradient of a batch as the sum of the gradients of its parts.

What the layers of a network make of a large batch does not fit into a processor's cache: every layer writes it to memory,
where the next one, and later the gradient, read it. A few pictures at a time stay in the cache, and training needs less
memory. Where samples do not meet, the gradient is the same, to rounding.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from cornu import backends, config, ops, trees
from cornu.backends.contract import ArraySpec
from cornu.core import context
from cornu.core.context import CallContext
from cornu.errors import InvalidArgumentError

_LEAST_SAMPLES = 4
"""Fewer samples at a time keep no processor busy: pictures of 150 x 150 train fastest 4 or 5 at a time."""

_LEAST_GAIN = 2
"""A batch that is less than so many times as large as a micro-batch stays whole."""


class Measured(NamedTuple):
    """What a batch gives in training.

    Attributes:
        gradients: Of the loss, for each trained weight.
        losses: See :class:`~cornu.training.objective.Losses`.
        outputs: List of what the model gave.
        non_trainable: Values of the variables that are not trained, after the batch.
    """

    gradients: list
    losses: Any
    outputs: list
    non_trainable: list


class Survey(NamedTuple):
    """What a network's layers do with data of some form.

    Attributes:
        activations: How many numbers the layers make of a sample.
        is_masked: Whether a layer masks what it gives.
    """

    activations: int
    is_masked: bool


def survey(model: Any, x: Any) -> Survey:
    """Looks at what the layers of a model do with samples like those of ``x``, without computing anything."""
    sizes: list[int] = []
    masks: list = []

    def note(layer: Any, args: tuple, outputs: Any) -> Any:
        if not list(layer.sublayers):
            for output in trees.leaves(outputs):
                sizes.append(math.prod(output.shape))
                masks.append(running.mask_of(output))
        return outputs

    running = CallContext(training=True, values={}, hooks=(note,), on_trial=True)

    def run(*leaves: Any) -> Any:
        with context.entered(running):
            return trees.leaves(model(trees.unflatten(x, list(leaves))))

    specs = [ArraySpec((1, *array.shape[1:]), backends.of(array).dtype(array)) for array in trees.leaves(x)]
    with config.running_on(*model.place):
        model.backend.abstract_eval(run, *specs)
    return Survey(sum(sizes), any(mask is not None for mask in masks))


def checked_size(size: Any) -> Any:
    """What a user said of the size of micro-batches: ``"auto"``, None or a number.

    Raises:
        InvalidArgumentError: It is something else.
    """
    if size is None or size == "auto" or (isinstance(size, int) and size > 0):
        return size
    raise InvalidArgumentError(
        f"`compile` was given micro_batch_size={size!r}.",
        "It is how many samples are taken at a time.",
        "Pass a number, None for whole batches, or 'auto'.",
    )


def best_size(model: Any, objective: Any, x: Any) -> int | None:
    """How many samples a micro-batch should have for data like ``x``; None if batches should stay whole.

    They stay whole where they may not be cut, where a layer masks (the loss is then no mean over samples), and where the
    device has no use for it.
    """
    with config.running_on(*model.place):
        room = model.backend.micro_batch_activations()
    if room is None or not may_be_cut(model, objective):
        return None
    found = survey(model, x)
    if found.is_masked:
        return None
    # The gradients of a micro-batch are added to the sum: that must be little beside what its layers do.
    wanted = max(room, model.count_params())
    return max(_LEAST_SAMPLES, wanted // max(found.activations, 1))


def may_be_cut(model: Any, objective: Any) -> bool:
    """Whether each sample is treated alone and the loss is a mean over samples."""
    return model.batch_coupling_of_all() == "none" and objective.is_mean_over_samples


def check_cut(model: Any, objective: Any, size: int) -> None:
    """Looks whether batches may be cut as a user wants it.

    Raises:
        InvalidArgumentError: They may not.
    """
    if not may_be_cut(model, objective):
        raise InvalidArgumentError(
            f"`compile` was given micro_batch_size={size}.",
            "Samples of a batch meet in this model (in batch normalisation, or in a layer or loss that says nothing of it), so "
            "that parts of a batch would give another gradient.",
            "Leave it out, or make the batches smaller.",
        )


def parts_of(batch_size: int, micro_batch_size: int | None) -> int:
    """Into how many equal parts to cut a batch so that they have at most the wanted size; 1 if none is near it."""
    if micro_batch_size is None or batch_size < _LEAST_GAIN * micro_batch_size:
        return 1
    divisors = (parts for parts in range(1, batch_size + 1) if batch_size % parts == 0)
    parts = next(parts for parts in divisors if batch_size // parts <= micro_batch_size)
    return parts if batch_size // parts * _LEAST_GAIN >= micro_batch_size else 1


def in_parts(measure: Callable[..., Measured], backend: Any, parts: int) -> Callable[..., Measured]:
    """Makes a function of a batch one that takes the batch in equal parts, one after the other.

    Args:
        measure: ``(state, batch, key, share) -> Measured``, where ``share`` is what the batch counts of a whole.
        backend: The backend that computes.
        parts: How many parts.

    Returns:
        ``(state, batch, key) -> Measured`` for the whole batch. Each part draws its random numbers from a key of its own.
    """

    def measure_all(state: Any, batch: Any, key: Any) -> Measured:
        cut = trees.map(lambda array: ops.reshape(array, (parts, -1, *array.shape[1:])), batch)
        numbers = backend.arange(0, parts, 1, "int32")

        def add(gradients: list, part: tuple) -> tuple[list, tuple]:
            number, share, some = part
            found = measure(state, some, backend.fold_in(key, number), share)
            total = trees.map(lambda a, b: a + b, gradients, found.gradients)
            return total, (found.losses, found.outputs, found.non_trainable)

        zeros = trees.map(ops.zeros_like, state.trainable)
        gradients, (losses, outputs, non_trainable) = backend.scan(add, zeros, (numbers, _shares(backend, cut, parts), cut))
        return Measured(
            gradients,
            trees.map(lambda values: ops.sum(values, axis=0), losses),
            trees.map(lambda values: ops.reshape(values, (-1, *values.shape[2:])), outputs),
            trees.map(lambda values: values[-1], non_trainable),
        )

    return measure_all


def _shares(backend: Any, cut: Any, parts: int) -> Any:
    """What each part counts of the whole: as many samples of it as are no padding."""
    if cut.sample_mask is None:
        return backend.full((parts,), 1 / parts, config.floatx())
    counts = ops.sum(cut.sample_mask, axis=1)
    return counts / ops.sum(counts)
