"""The training and evaluation steps: pure functions of the state and a batch, compiled as a group of several steps."""

from collections.abc import Callable

from cornu import trees
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of
from cornu.optimizers import Optimizer
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss
from cornu.training.compiled_metrics import CompiledMetrics
from cornu.training.model_protocol import TrainableModel
from cornu.training.step import micro_batches
from cornu.training.step.loss_gradient import gradients_of, total_loss
from cornu.training.step.train_state import TrainState, key_of_step, with_counted_step


def train_step(
    model: TrainableModel,
    compiled_loss: CompiledLoss,
    compiled_metrics: CompiledMetrics,
    optimizer: Optimizer,
    parts_of: Callable[[int], int],
) -> Callable[[TrainState, Batch], TrainState]:
    """Return the training step.

    Args:
        model: A built model.
        compiled_loss: The losses of the model.
        compiled_metrics: The metrics of the model.
        optimizer: Optimizer, built before the step first runs.
        parts_of: Function from the size of a batch to the number of parts to split it into (see
            ``micro_batches.parts_for``).

    Returns:
        Function ``(state, batch) -> state``.
    """
    measure = gradients_of(model, compiled_loss, optimizer)

    def step(state: TrainState, batch: Batch) -> TrainState:
        parts = parts_of(trees.leaves(batch.x)[0].shape[0])
        measure_all = measure if parts == 1 else micro_batches.in_parts(measure, backend_of(model), parts)
        found = measure_all(state, batch, key_of_step(state, training=True))
        trainable, optimizer_values = optimizer.stateless_apply(state.optimizer, found.gradients, state.trainable)
        metrics = compiled_metrics.update(state.metrics, found.losses, batch, found.outputs)
        non_trainable = with_counted_step(model, found.non_trainable)
        return TrainState(trainable, non_trainable, optimizer_values, metrics, state.key, state.step + 1)

    return step


def test_step(
    model: TrainableModel, compiled_loss: CompiledLoss, compiled_metrics: CompiledMetrics
) -> Callable[[TrainState, Batch], TrainState]:
    """Return the evaluation step, which changes only the metrics."""

    def step(state: TrainState, batch: Batch) -> TrainState:
        context = CallContext(training=False, key=key_of_step(state, training=False), sample_mask=batch.sample_mask)
        outputs, _, penalties = model.stateless_call(
            state.trainable, state.non_trainable, batch.x, return_losses=True, call_context=context
        )
        outputs = trees.leaves(outputs)
        losses = compiled_loss(batch.y, outputs, batch.sample_weight, batch.sample_mask)
        losses = losses._replace(total=total_loss(losses, penalties))
        return state._replace(metrics=compiled_metrics.update(state.metrics, losses, batch, outputs))

    return step
