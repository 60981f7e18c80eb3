"""The loss of a batch and its gradient."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cornu import ops, trees
from cornu.core import call_context, masks
from cornu.core.binding import run_bound
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of
from cornu.core.random_key import RandomKey
from cornu.errors import InvalidArgumentError
from cornu.optimizers import Optimizer
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss, Losses
from cornu.training.model_protocol import TrainableModel
from cornu.training.step.train_state import TrainState
from cornu.typing import ArrayLike


class GradientResult(NamedTuple):
    """Result of the forward and backward pass of a batch.

    Attributes:
        gradients: Gradients of the loss, one for each trainable variable.
        losses: See :class:`~cornu.training.compiled_loss.Losses`.
        outputs: List of the outputs of the model.
        non_trainable: Values of the non-trainable variables after the batch.
    """

    gradients: list
    losses: Losses
    outputs: list
    non_trainable: list


def gradients_of(model: TrainableModel, compiled_loss: CompiledLoss, optimizer: Optimizer) -> Callable[..., GradientResult]:
    """Return the function ``(state, batch, key, share=None) -> GradientResult`` that computes the gradients of a batch.

    The loss of a batch that is a part of another one is multiplied by its ``share``.
    """

    def measure(state: TrainState, batch: Batch, key: RandomKey, share: ArrayLike | None = None) -> GradientResult:
        def loss_of(trainable: list) -> tuple[Any, Any]:
            context = CallContext(training=True, key=key, sample_mask=batch.sample_mask)
            outputs, non_trainable, penalties = model.stateless_call(
                trainable, state.non_trainable, batch.x, return_losses=True, call_context=context
            )
            outputs = trees.leaves(outputs)  # a backend may return a dict in another order
            with call_context.in_gradient():
                losses = compiled_loss(batch.y, outputs, batch.sample_weight, batch.sample_mask)
            check_has_loss(losses, penalties)
            losses = losses._replace(total=total_loss(losses, penalties))
            if share is not None:
                losses = trees.map(lambda loss, share=share: loss * ops.cast(share, ops.dtype(loss)), losses)
            groups = ([optimizer.variables], [state.optimizer])  # which may hold the scale
            scaled, _ = run_bound(*groups, lambda: optimizer.scale_loss(losses.total))
            return scaled, (losses, outputs, masks.masks_of(outputs), non_trainable)

        (_, (losses, outputs, found, non_trainable)), gradients = backend_of(model).value_and_grad(loss_of, has_aux=True)(
            state.trainable
        )
        masks.restore(outputs, found)
        return GradientResult(gradients, losses, outputs, non_trainable)

    return measure


def check_has_loss(losses: Losses, penalties: list) -> None:
    """Raise ``InvalidArgumentError`` if there is neither a loss nor a penalty."""
    if not losses.parts and not penalties:
        raise InvalidArgumentError(
            "`fit` was called on a model that has no loss.",
            "Training requires a loss: `compile` received none, and no layer adds one.",
            "Pass one, such as `model.compile(optimizer='adam', loss='mse')`.",
        )


def total_loss(losses: Losses, penalties: list) -> Any:
    """Return the loss to minimize: the losses of the outputs, and what layers add; an array of several values is summed."""
    scalars = [ops.sum(penalty) if len(getattr(penalty, "shape", ())) else penalty for penalty in penalties]
    return sum(scalars, start=losses.total)
