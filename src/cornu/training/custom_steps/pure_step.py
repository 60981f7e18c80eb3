"""A user's step as a pure function of the training state."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cornu import autograph, ops
from cornu.backends.contract import ArraySpec
from cornu.core import call_context
from cornu.core.binding import bindings, run_bound, values_in
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError
from cornu.training.batch import Batch, pack_x_y_sample_weight
from cornu.training.custom_steps.state_checks import arrays_of_state, result_and_state
from cornu.training.logs import flat_logs, in_order
from cornu.training.step.train_state import StateSync, TrainState, key_of_step, with_counted_step
from cornu.training.step_methods import StepMethods


class StepVariables(NamedTuple):
    """The variables that a step uses besides those of the model.

    Attributes:
        optimizer: Variables of the model's optimizer; empty in evaluation.
        metrics: Variables of the metrics.
        others: Variables that belong to neither, such as those of a second optimizer.
    """

    optimizer: list[Variable]
    metrics: list[Variable]
    others: list[Variable]


class StepLogs:
    """The logs of a user's step, which are part of the state: the last values of ``TrainState.metrics``.

    Args:
        specs: Shapes and dtypes of the logs, by name.
    """

    def __init__(self, specs: dict[str, ArraySpec]):
        self.specs = specs

    def results(self, values: list) -> dict[str, Any]:
        """Return the logs for the values of ``TrainState.metrics``."""
        return dict(zip(self.specs, values[len(values) - len(self.specs) :], strict=True))


class MetricLogs(StepLogs):
    """The logs of a step that are the results of the metrics, which are computed when they are read, not in each step.

    Args:
        model: The model.
        metrics: The variables of its metrics, which are the first values of ``TrainState.metrics``.
    """

    def __init__(self, model: StepMethods, metrics: list[Variable]):
        super().__init__(specs={})
        self._model, self._metrics = model, metrics

    def results(self, values: list) -> dict[str, Any]:
        """Return the logs for the values of ``TrainState.metrics``."""
        return in_order(run_bound([self._metrics], [values[: len(self._metrics)]], self._model.get_metrics_result)[0])


class CustomStateSync(StateSync):
    """Reads and writes the state of a user's step, which includes its logs.

    Args:
        model: The model.
        variables: The variables that the step uses besides those of the model.
        logs: The logs of the step.
        key: Two integers from which all random keys of the steps are derived.
    """

    def __init__(self, model: StepMethods, variables: StepVariables, logs: StepLogs, key: tuple[int, int]):
        others = [*variables.metrics, *variables.others]
        super().__init__(model=model, optimizer_variables=variables.optimizer, metric_variables=others, key=key)
        backend = backend_of(model)
        self._logs = [backend.full(spec.shape, 0, spec.dtype) for spec in logs.specs.values()]

    def pull(self) -> TrainState:
        """Return the current state of the variables, with the logs of the last step."""
        state = super().pull()
        return state._replace(metrics=[*state.metrics, *self._logs])

    def push(self, state: TrainState) -> None:
        """Set the variables to the arrays of a state."""
        count = len(state.metrics) - len(self._logs)
        self._logs = state.metrics[count:]
        super().push(state._replace(metrics=state.metrics[:count]))


def pure_step(
    model: StepMethods, method: str, variables: StepVariables, logs: StepLogs, takes_state: bool
) -> Callable[[TrainState, Batch], TrainState]:
    """Return a step of the user as a function ``(state, batch) -> state``.

    Args:
        model: The model.
        method: Name of the method: ``"train_step"`` or ``"test_step"``.
        variables: The variables that the step uses besides those of the model.
        logs: The logs of the step.
        takes_state: Whether the method has the form ``step(state, data)``.
    """
    name, training = f"{type(model).__name__}.{method}", method == "train_step"
    others = [*variables.metrics, *variables.others]
    groups = [model.trainable_variables, model.non_trainable_variables, variables.optimizer, others]

    def step(state: TrainState, batch: Batch) -> TrainState:
        bound = bindings(groups, [*state[:3], state.metrics[: len(others)]])
        context = CallContext.of_step(dict(bound), key_of_step(state, training))
        with call_context.entered(context):
            returned = call_step(model, method, data_of(batch), variables if takes_state else None)
            found = flat_logs(name, returned[0] if takes_state else returned)
        _check_assigned(name, context, bound)
        after = list(values_in(context.values or {}, groups))
        if takes_state:
            arrays = arrays_of_state(name, _state_groups(model, variables), returned[1])
            for place, part in zip([0, 1, 2, 3] if variables.optimizer else [0, 1, 3], arrays, strict=True):
                after[place][: len(part)] = part
        values = [ops.cast(found[each], spec.dtype) for each, spec in logs.specs.items()]
        trainable, non_trainable, optimizer, kept = after
        if training:
            non_trainable = with_counted_step(model, non_trainable)
        return TrainState(trainable, non_trainable, optimizer, [*kept, *values], state.key, state.step + 1)

    return step


def data_of(batch: Batch) -> Any:
    """Return a batch in the form that a step receives."""
    return pack_x_y_sample_weight(batch.x, batch.y, batch.sample_weight)


def call_step(model: StepMethods, method: str, data: Any, variables: StepVariables | None) -> Any:
    """Call a step of a model in the running context.

    Args:
        model: The model.
        method: Name of the method.
        data: The batch, in the form that a step receives.
        variables: Variables whose values are passed as ``state`` after those of the model; None for ``step(data)``.

    Returns:
        What the step returns: the logs, or a tuple of the logs and the state.
    """
    function = autograph.not_recorded(getattr(model, method))
    if variables is None:
        return function(data)
    state = tuple([variable.value for variable in group] for group in _state_groups(model, variables))
    return result_and_state(f"{type(model).__name__}.{method}", function(state, data))


def _state_groups(model: StepMethods, variables: StepVariables) -> list[list[Variable]]:
    """Return the variables whose values are the ``state`` of a step in the form ``step(state, data)``."""
    optimizer = [variables.optimizer] if variables.optimizer else []
    return [model.trainable_variables, model.non_trainable_variables, *optimizer, variables.metrics]


def _check_assigned(name: str, context: CallContext, bound: dict[int, Any]) -> None:
    """Raise ``InvalidArgumentError`` if a step assigned to a variable that is not part of the state."""
    lost = [variable.path for number, variable in context.assigned.items() if number not in bound]
    if lost:
        raise InvalidArgumentError(
            f"`{name}` assigned to the variables {lost}, which it did not use when it was first evaluated.",
            "A step must use the same variables each time.",
            "Create variables, metrics and optimizers in the constructor of the model.",
        )
