"""Micro-batches: the gradient of a batch as the sum of the gradients of its parts.

What the layers of a network make of a large batch does not fit into a processor's cache: every layer writes it to memory,
where the next one, and later the gradient, read it. A few pictures at a time stay in the cache, and training needs less
memory. Where samples do not meet, the gradient is the same, to rounding, if no layer draws random numbers; those drawn for a
part are others than for the whole.
"""

from collections.abc import Callable
from typing import Any

from cornu import config, ops, trees, validation
from cornu.core import layer_tree
from cornu.core.batch_coupling import coupling_of_layer
from cornu.core.layer_placement import backend_of, placement_of
from cornu.errors import InvalidArgumentError
from cornu.training.step.activation_profile import profile_activations
from cornu.training.step.loss_gradient import GradientResult

_LEAST_SAMPLES = 4
"""Fewer samples at a time keep no processor busy: pictures of 150 x 150 train fastest 4 or 5 at a time."""

_LEAST_GAIN = 2
"""A batch that is less than so many times as large as a micro-batch stays whole."""


def checked_size(size: Any) -> Any:
    """What a user said of the size of micro-batches: ``"auto"``, None or a number.

    Raises:
        InvalidArgumentError: It is something else.
    """
    if size is None or (isinstance(size, str) and size == "auto") or (validation.is_int(size) and int(size) > 0):
        return size
    raise InvalidArgumentError(
        f"`compile` was given micro_batch_size={size!r}.",
        "It is how many samples are taken at a time.",
        "Pass a positive whole number, None for whole batches, or 'auto'.",
    )


def parts_for(size: Any, model: Any, compiled_loss: Any, inputs: Any) -> Callable[[int], int]:
    """Into how many parts to cut a batch of some size.

    Args:
        size: What the user said (see :func:`checked_size`).
        model: The model.
        objective: Its objective.
        inputs: Tree of symbolic tensors ``(None, ...)`` like the data.

    Raises:
        InvalidArgumentError: The user said a number, and batches of this model may not be cut.
    """
    if size is None:
        return lambda batch_size: 1
    if size == "auto":
        best = best_size(model, compiled_loss, inputs)
        return lambda batch_size: 1 if best is None else worthwhile_parts(batch_size, best)
    reason = _coupling(model, compiled_loss) or profile_activations(model, inputs).blocker
    if reason is not None:
        raise InvalidArgumentError(
            f"`compile` was given micro_batch_size={size}.",
            f"Parts of a batch would give another gradient than the whole: {reason}.",
            "Leave it out, or make the batches smaller.",
        )
    return lambda batch_size: equal_parts(batch_size, int(size))


def best_size(model: Any, compiled_loss: Any, inputs: Any) -> int | None:
    """How many samples a micro-batch should have; None if batches should stay whole, as the device or the model wants it."""
    with config.placement_scope(*placement_of(model)):
        room = backend_of(model).micro_batch_activations()
    if room is None or _coupling(model, compiled_loss) is not None:
        return None
    found = profile_activations(model, inputs)
    if found.blocker is not None:
        return None
    # The gradients of a micro-batch are added to the sum: that must be little beside what its layers do.
    wanted = max(room, model.count_params())
    return max(_LEAST_SAMPLES, wanted // max(found.activations, 1))


def _coupling(model: Any, compiled_loss: Any) -> str | None:
    """Where samples of a batch meet, in words; None if they do not."""
    for layer in layer_tree.flatten(model):
        if coupling_of_layer(layer) != "none":
            return f"the layer {layer.name!r} does not say that it treats each sample alone (`batch_coupling = 'none'`)"
    if not compiled_loss.is_mean_over_samples:
        return "a loss is no mean over samples that it judges alone (see `Loss.is_per_sample`)"
    return None


def equal_parts(batch_size: int, size: int) -> int:
    """The smallest number of equal parts of a batch that have at most so many samples."""
    return next(parts for parts in range(1, batch_size + 1) if batch_size % parts == 0 and batch_size // parts <= size)


def worthwhile_parts(batch_size: int, size: int) -> int:
    """The same, if the batch is much too large and the parts come near the size; else 1."""
    parts = equal_parts(batch_size, size)
    return parts if batch_size >= _LEAST_GAIN * size and batch_size // parts * _LEAST_GAIN >= size else 1


def in_parts(measure: Callable[..., GradientResult], backend: Any, parts: int) -> Callable[..., GradientResult]:
    """Makes a function of a batch one that takes the batch in equal parts, one after the other.

    Args:
        measure: ``(state, batch, key, share) -> Measured``, where ``share`` is what the batch counts of a whole.
        backend: The backend that computes.
        parts: How many parts.

    Returns:
        ``(state, batch, key) -> Measured`` for the whole batch. Each part draws its random numbers from a key of its own.
    """

    def measure_all(state: Any, batch: Any, key: Any) -> GradientResult:
        cut = trees.map(lambda array: ops.reshape(array, (parts, -1, *array.shape[1:])), batch)
        numbers = backend.arange(0, parts, 1, "int32")

        def add(gradients: list, part: tuple) -> tuple[list, tuple]:
            number, share, some = part
            found = measure(state, some, backend.fold_in(key, number), share)
            total = trees.map(lambda a, b: a + b, gradients, found.gradients)
            return total, (found.losses, found.outputs)

        zeros = trees.map(ops.zeros_like, state.trainable)
        gradients, (losses, outputs) = backend.scan(add, zeros, (numbers, _shares(backend, cut, parts), cut))
        return GradientResult(
            gradients,
            trees.map(lambda values: ops.sum(values, axis=0), losses),
            trees.map(lambda values: ops.reshape(values, (-1, *values.shape[2:])), outputs),
            state.non_trainable,  # which no layer assigns to (see `survey`)
        )

    return measure_all


def _shares(backend: Any, cut: Any, parts: int) -> Any:
    """What each part counts of the whole: as many samples of it as are no padding."""
    if cut.sample_mask is None:
        return backend.full((parts,), 1 / parts, "float32")
    counts = ops.sum(cut.sample_mask, axis=1)
    return counts / ops.sum(counts)
