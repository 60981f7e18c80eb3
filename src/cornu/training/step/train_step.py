"""The step: a pure function of the state and a batch, and the only hot code. A block of steps runs as one compiled call."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cornu import backends, config, ops, trees
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError
from cornu.training.step import micro_batches
from cornu.training.step.micro_batches import Measured
from cornu.training.step.train_state import TrainState


class Batch(NamedTuple):
    """What a step sees of the data.

    Attributes:
        x: Tree of arrays ``(batch, ...)``.
        y: Tree of arrays ``(batch, ...)``, or None.
        sample_weight: Tree of arrays ``(batch,)``, or None.
        sample_mask: ``(batch,)``, 1 for a sample and 0 for padding, or None if nothing is padding.
    """

    x: Any
    y: Any
    sample_weight: Any
    sample_mask: Any


class Plan(NamedTuple):
    """Which rows of the data make which batch.

    Attributes:
        rows: ``(steps, batch)``, indices of rows.
        counts: ``(steps,)``, how many of a batch's rows are samples (the rest is padding), or None for all.
    """

    rows: Any
    counts: Any


class Report(NamedTuple):
    """What a block of steps says of itself.

    Attributes:
        finite: Whether all trained weights and the loss are finite.
        logs: Name to mean since the epoch began.
    """

    finite: Any
    logs: dict[str, Any]


def train_step(
    model: Any, objective: Any, scores: Any, optimizer: Any, parts_of: Callable[[int], int]
) -> Callable[[TrainState, Batch], TrainState]:
    """Makes the step that trains.

    Args:
        model: The model, built.
        objective: Gives the loss (see ``objective.py``).
        scores: Keeps the metrics (see ``scores.py``).
        optimizer: The optimizer, built before the step first runs.
        parts_of: Into how many parts to cut a batch of some size (see ``micro_batches.parts_for``).

    Returns:
        ``step(state, batch) -> state``.
    """
    measure = gradients_of(model, objective, optimizer)

    def step(state: TrainState, batch: Batch) -> TrainState:
        key = backend_of(model).fold_in(state.key, state.step)
        parts = parts_of(trees.leaves(batch.x)[0].shape[0])
        measure_all = measure if parts == 1 else micro_batches.in_parts(measure, backend_of(model), parts)
        found = measure_all(state, batch, key)
        trainable, optimizer_values = optimizer.stateless_apply(state.optimizer, found.gradients, state.trainable)
        metrics = scores.update(state.metrics, found.losses, batch, found.outputs)
        return TrainState(trainable, found.non_trainable, optimizer_values, metrics, state.key, state.step + 1)

    return step


def gradients_of(model: Any, objective: Any, optimizer: Any) -> Callable[..., Measured]:
    """Makes the function from a batch to the gradients of its loss: ``(state, batch, key, share=None) -> Measured``.

    The loss of a batch that is a part of another one is multiplied by its ``share``.
    """

    def measure(state: TrainState, batch: Batch, key: Any, share: Any = None) -> Measured:
        def loss_of(trainable: list) -> tuple[Any, Any]:
            surroundings = CallContext(training=True, key=key, sample_mask=batch.sample_mask)
            outputs, non_trainable, penalties = model.stateless_call(
                trainable, state.non_trainable, batch.x, return_losses=True, call_context=surroundings
            )
            outputs = trees.leaves(outputs)  # a backend may give a dict back in another order
            losses = objective(batch.y, outputs, batch.sample_weight, _masks(surroundings, outputs))
            _refuse_nothing(losses, penalties)
            losses = losses._replace(total=sum(penalties, start=losses.total))
            if share is not None:
                losses = trees.map(lambda loss: loss * ops.cast(share, ops.dtype(loss)), losses)
            return optimizer.scale_loss(losses.total), (losses, outputs, non_trainable)

        (_, (losses, outputs, non_trainable)), gradients = backend_of(model).value_and_grad(loss_of, has_aux=True)(
            state.trainable
        )
        return Measured(gradients, losses, outputs, non_trainable)

    return measure


def test_step(model: Any, objective: Any, scores: Any) -> Callable[[TrainState, Batch], TrainState]:
    """Makes the step that only measures: it changes nothing but the metrics."""

    def step(state: TrainState, batch: Batch) -> TrainState:
        key = backend_of(model).fold_in(state.key, state.step)
        surroundings = CallContext(training=False, key=key, sample_mask=batch.sample_mask)
        outputs, _, penalties = model.stateless_call(
            state.trainable, state.non_trainable, batch.x, return_losses=True, call_context=surroundings
        )
        outputs = trees.leaves(outputs)
        losses = objective(batch.y, outputs, batch.sample_weight, _masks(surroundings, outputs))
        losses = losses._replace(total=sum(penalties, start=losses.total))
        return state._replace(metrics=scores.update(state.metrics, losses, batch, outputs))

    return step


def _refuse_nothing(losses: Any, penalties: list) -> None:
    if not losses.parts and not penalties:
        raise InvalidArgumentError(
            "`fit` was called on a model that has no loss.",
            "There is nothing to make small: `compile` was given no loss, and no layer adds one.",
            "Pass one, such as `model.compile(optimizer='adam', loss='mse')`.",
        )


def _masks(surroundings: CallContext, outputs: list) -> list:
    """What counts of each output: the samples that are no padding, and of these what its layers did not mask; None for all."""
    return [_both(surroundings.mask_of(output), surroundings.sample_mask) for output in outputs]


def _both(mask: Any, sample_mask: Any) -> Any:
    if mask is None or sample_mask is None:
        return sample_mask if mask is None else mask
    return ops.logical_and(mask, ops.reshape(ops.not_equal(sample_mask, 0), (-1, *(1,) * (len(mask.shape) - 1))))


class Block:
    """Many steps as one compiled call.

    The number of steps is an argument of the compiled function and not part of it, so that any number runs without
    compiling again.

    Args:
        step: ``step(state, batch) -> state``.
        scores: Gives the logs.
        place: The backend that compiles, and the device that it runs on.
    """

    def __init__(self, step: Callable[[TrainState, Batch], TrainState], scores: Any, place: config.Place):
        self._scores, self._place = scores, place
        self._compiled_for: set[tuple] = set()

        def one_step(state: TrainState, data_and_plan: tuple[Batch, Plan], number: Any) -> TrainState:
            return step(state, batch_of(*data_and_plan, number))

        def report_of(state: TrainState) -> Report:
            logs = scores.results(state.metrics)
            return Report(_all_finite([*state.trainable, logs["loss"]]), logs)

        with config.running_on(*place):
            self._run = backends.get(place.backend).repeat(one_step, report_of)

    def is_compiled_for(self, data: Batch, plan: Plan) -> bool:
        """Whether it has run for data and a plan of these shapes and dtypes, and so is compiled for them."""
        return shapes_and_dtypes((data, plan)) in self._compiled_for

    def __call__(self, state: TrainState, data: Batch, plan: Plan, start: int, stop: int) -> tuple[TrainState, Report]:
        """Makes the steps ``start`` to ``stop - 1`` of a plan."""
        with config.running_on(*self._place):
            state, report = self._run(state, (data, plan), start, stop)
        self._compiled_for.add(shapes_and_dtypes((data, plan)))
        return state, report._replace(logs=self._scores.in_order(report.logs))


def shapes_and_dtypes(tree: Any) -> tuple:
    """Those of the arrays of a tree: a function is compiled anew for each new ones."""
    return tuple((tuple(array.shape), array.dtype) for array in trees.leaves(tree))


def spec_of(data: Batch) -> Batch:
    """Return the specification of data: its shapes, with the batch left open, and dtypes, as symbolic tensors."""
    return trees.map(lambda array: SymbolicTensor((None, *array.shape[1:]), array.dtype.name), data)


def batch_of(data: Batch, plan: Plan, number: Any) -> Batch:
    """The batch of a step: the rows that the plan names, and a mask if it says that some are padding."""
    rows = ops.get_item(plan.rows, number)
    x, y, sample_weight = trees.map(lambda array: ops.take(array, rows, axis=0), (data.x, data.y, data.sample_weight))
    if plan.counts is None:
        return Batch(x, y, sample_weight, None)
    places = backends.of(rows).arange(0, plan.rows.shape[1], 1, "int32")
    return Batch(x, y, sample_weight, ops.cast(places < ops.get_item(plan.counts, number), "float32"))


def _all_finite(arrays: list) -> Any:
    """Whether all numbers are finite. A sum is not finite if one of its terms is not, and costs one reading."""
    return ops.isfinite(sum(ops.sum(ops.cast(array, "float32")) * 0.0 for array in arrays))
