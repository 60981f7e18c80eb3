"""Micro-batches: the gradient of a batch as the sum of the gradients of its parts.

The activations of a large batch do not fit into the cache of a processor: every layer writes its output to memory, where the
next layer, and later the gradient computation, read it. The activations of a few images at a time stay in the cache, and
training needs less memory. If samples do not interact, the gradient is the same up to rounding, unless layers draw random
values: those drawn for a part differ from those drawn for the whole batch.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from cornu import config, ops, trees
from cornu.core import layer_tree
from cornu.core.batch_coupling import coupling_of_layer
from cornu.core.layer_placement import backend_of, placement_of
from cornu.core.random_key import RandomKey
from cornu.errors import InvalidArgumentError
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss
from cornu.training.execution import MicroBatchSize
from cornu.training.model_protocol import TrainableModel
from cornu.training.step.activation_profile import profile_activations
from cornu.training.step.loss_gradient import GradientResult
from cornu.training.step.train_state import TrainState
from cornu.typing import Tree

_MIN_SAMPLES = 4
"""Fewer samples at a time do not keep a processor busy: images of 150 x 150 pixels train fastest with 4 or 5 at a time."""

_MIN_RATIO = 2
"""A batch is split only if it is at least this many times as large as a micro-batch."""


def parts_for(size: MicroBatchSize, model: TrainableModel, compiled_loss: CompiledLoss, inputs: Tree) -> Callable[[int], int]:
    """Return a function from the size of a batch to the number of parts to split it into.

    Args:
        size: The ``micro_batch_size`` argument of ``compile``.
        model: The model.
        compiled_loss: The losses of the model.
        inputs: Tree of symbolic tensors of shape ``(None, ...)`` with the shapes of the data.

    Raises:
        InvalidArgumentError: If ``size`` is an integer and batches of this model must not be split.
    """
    if size is None:
        return lambda batch_size: 1
    if size == "auto":
        best = best_size(model, compiled_loss, inputs)
        return lambda batch_size: 1 if best is None else worthwhile_parts(batch_size, best)
    reason = _coupling(model, compiled_loss) or profile_activations(model, inputs).blocker
    if reason is not None:
        reason = f"The gradients of parts of a batch would not add up to that of the whole batch: {reason}"
    check_whole_batches(size, reason)
    return lambda batch_size: equal_parts(batch_size, int(size))


def check_whole_batches(size: MicroBatchSize, reason: str | None) -> None:
    """Raise ``InvalidArgumentError`` if batches are to be split and there is a reason against it.

    Args:
        size: The ``micro_batch_size`` argument of ``compile``; ``"auto"`` and None do not require anything.
        reason: The reason, in words, or None.
    """
    if reason is not None and size not in (None, "auto"):
        raise InvalidArgumentError(
            f"`compile` received micro_batch_size={size}.",
            f"{reason}.",
            "Remove the argument, or use smaller batches.",
        )


def best_size(model: TrainableModel, compiled_loss: CompiledLoss, inputs: Tree) -> int | None:
    """Return the best number of samples of a micro-batch; None if the device or the model requires whole batches."""
    with config.placement_scope(*placement_of(model)):
        target_activations = backend_of(model).micro_batch_activations()
    if target_activations is None or _coupling(model, compiled_loss) is not None:
        return None
    found = profile_activations(model, inputs)
    if found.blocker is not None:
        return None
    # Adding the gradients of a micro-batch to the sum must be cheap compared with the computation of its layers.
    wanted = max(target_activations, model.count_params())
    return max(_MIN_SAMPLES, wanted // max(found.activations, 1))


def _coupling(model: TrainableModel, compiled_loss: CompiledLoss) -> str | None:
    """Return the reason, in words, why samples of a batch interact; None if they do not."""
    for layer in layer_tree.flatten(model):
        if coupling_of_layer(layer) != "none":
            return f"the layer {layer.name!r} does not declare that samples are independent (`batch_coupling = 'none'`)"
    if not compiled_loss.is_mean_over_samples:
        return "a loss is not a mean of independent losses per sample (see `Loss.is_per_sample`)"
    return None


def equal_parts(batch_size: int, size: int) -> int:
    """Return the smallest number of equal parts of a batch that have at most ``size`` samples."""
    return next(parts for parts in range(1, batch_size + 1) if batch_size % parts == 0 and batch_size // parts <= size)


def worthwhile_parts(batch_size: int, size: int) -> int:
    """Return :func:`equal_parts` if the batch is much larger than ``size`` and the parts are close to it, else 1."""
    parts = equal_parts(batch_size, size)
    return parts if batch_size >= _MIN_RATIO * size and batch_size // parts * _MIN_RATIO >= size else 1


def in_parts(measure: Callable[..., GradientResult], backend: ModuleType, parts: int) -> Callable[..., GradientResult]:
    """Return a function that processes a batch in equal parts, one after the other.

    Args:
        measure: Function ``(state, batch, key, share) -> GradientResult``, where ``share`` is the weight of the part in the
            whole batch.
        backend: Backend that runs the computation.
        parts: Number of parts.

    Returns:
        Function ``(state, batch, key) -> GradientResult`` for the whole batch. Each part has its own random key.
    """

    def measure_all(state: TrainState, batch: Batch, key: RandomKey) -> GradientResult:
        cut = trees.map(lambda array: ops.reshape(array, (parts, -1, *array.shape[1:])), batch)
        numbers = backend.arange(0, parts, 1, "int32")

        def add(gradients: list, part: tuple) -> tuple[list, tuple]:
            number, share, some = part
            found = measure(state, some, key.fold_in(number), share)
            total = trees.map(lambda a, b: a + b, gradients, found.gradients)
            return total, (found.losses, found.outputs)

        zeros = trees.map(ops.zeros_like, state.trainable)
        gradients, (losses, outputs) = backend.scan(add, zeros, (numbers, _shares(backend, cut, parts), cut))
        return GradientResult(
            gradients,
            trees.map(lambda values: ops.sum(values, axis=0), losses),
            trees.map(lambda values: ops.reshape(values, (-1, *values.shape[2:])), outputs),
            state.non_trainable,  # which no layer assigns to (see `profile_activations`)
        )

    return measure_all


def _shares(backend: ModuleType, cut: Batch, parts: int) -> Any:
    """Return the weight of each part in the whole batch, proportional to the number of its samples that are not padding."""
    if cut.sample_mask is None:
        return backend.full((parts,), 1 / parts, "float32")
    counts = ops.sum(cut.sample_mask, axis=1)
    return counts / ops.sum(counts)
