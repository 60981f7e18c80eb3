"""The state and functions of training with own steps, losses and metrics."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from cornu import backends, trees
from cornu.backends import engine_variables
from cornu.backends.engine_variables import EngineVariable
from cornu.core import layer_tree
from cornu.core.layer_placement import placement_of
from cornu.core.variable import Variable
from cornu.optimizers import Optimizer
from cornu.scopes import construction_lock
from cornu.training.batch import Batch, spec_key
from cornu.training.compile_state import CompileState
from cornu.training.compiled_loss import CompiledLoss
from cornu.training.custom_steps import styles
from cornu.training.custom_steps.dry_run import dry_run
from cornu.training.custom_steps.in_place import InPlaceStateSync, InPlaceSteps
from cornu.training.custom_steps.overrides import overrides, reason_for_custom_steps
from cornu.training.custom_steps.pure_step import CustomStateSync, MetricLogs, StepLogs, StepVariables, call_step, pure_step
from cornu.training.data_validation import array_checks, class_weights, inputs
from cornu.training.data_validation.outputs import Output
from cornu.training.execution import Execution
from cornu.training.step import micro_batches
from cornu.training.step.multi_step import MultiStepFunction
from cornu.training.step.train_state import StateSync, new_key
from cornu.training.step_methods import StepMethods


class CustomStep(NamedTuple):
    """A step of the user.

    Attributes:
        function: Several steps as one call.
        state_sync: Function from a random key to the object that reads and writes the state of the step.
    """

    function: MultiStepFunction
    state_sync: Callable[[tuple[int, int]], StateSync]


def validated_loosely(where: str, model: StepMethods, batch: Batch, class_weight: dict | None) -> Batch:
    """Return data as arrays with class weights applied, without validation for the losses, which the user's code need not call.

    The arrays of a batch may have different numbers of rows, such as labeled and unlabeled images.
    A model that is not built is built for its inputs, so that the user's code finds its variables, if it can be called.

    Args:
        where: Name of the function the user called, for errors.
        model: The model.
        batch: ``x``, ``y`` and ``sample_weight`` as passed by the user.
        class_weight: Dict from class to weight, or None.
    """
    batch = array_checks.as_arrays(where, batch, allow_different_lengths=True)
    if not model.built:
        with construction_lock, contextlib.suppress(Exception):
            model.build(inputs.shapes_of(batch.x))
    shapes = [leaf.shape for leaf in trees.leaves(batch.y)[:1]] or [()]
    no_loss = CompiledLoss(None, None, ["y"], [None], shapes)
    return class_weights.with_class_weight(where, batch, class_weight, [Output("y", shapes[0], None)], no_loss)


class UserCodeTraining:
    """What trains a model by code of the user: the part that its methods and its functions have in common.

    Args:
        model: The model.
        compiled: Its compile state.
    """

    def __init__(self, model: StepMethods, compiled: CompileState):
        self._model, self._compiled = model, compiled

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer passed to ``compile``."""
        return self._compiled.optimizer

    @property
    def execution(self) -> Execution:
        """How the steps run."""
        return self._compiled.execution

    def may_pad(self) -> bool:
        """Return False: the user's code would compute with the padding."""
        return False

    def reset_metrics(self) -> None:
        """Reset the metrics of the model."""
        self._model.reset_metrics()


class CustomTraining(UserCodeTraining):
    """What ``fit`` and ``evaluate`` use in place of a ``CompileState`` if a model has steps, losses or metrics of its own.

    Args:
        model: The model.
        compiled: Its compile state.
    """

    def __init__(self, model: StepMethods, compiled: CompileState):
        super().__init__(model=model, compiled=compiled)
        self._batch_size = 32
        self._steps: dict[Any, CustomStep] = {}
        self._current: dict[str, CustomStep] = {}

    @property
    def calls_model(self) -> bool:
        """Whether the training step is the call of the model, a loss, and an update of the weights."""
        return not overrides(self._model, "train_step")

    def validated(self, where: str, batch: Batch, class_weight: dict | None, hint: bool) -> Batch:
        """Return data as arrays with class weights applied. What the model's own methods receive is not validated further.

        Args:
            where: Name of the function the user called, for errors.
            batch: ``x``, ``y`` and ``sample_weight`` as passed by the user.
            class_weight: Dict from class to weight, or None.
            hint: Whether to warn about images that are not scaled.
        """
        if self.calls_model and not overrides(self._model, "compute_loss"):
            return self._compiled.validated(where, batch, class_weight, hint)
        if self.calls_model:
            batch = array_checks.as_arrays(where, batch)
            inputs.check(where, self._model, batch.x, hint)
        return validated_loosely(where, self._model, batch, class_weight)

    def ensure_built(self, spec: Batch, batch_size: int | None = None) -> None:
        """Remember the size of the batches. Losses and metrics are built when the step first runs."""
        self._batch_size = batch_size or self._batch_size

    def state_sync(self, training: bool) -> StateSync:
        """Return the object that reads and writes the state of the step that was returned last."""
        return self._current["train" if training else "test"].state_sync(new_key(training))

    def train_function(self, spec: Batch) -> MultiStepFunction:
        """Return the compiled function of training steps for data of a specification."""
        return self._function("train", spec)

    def test_function(self, spec: Batch) -> MultiStepFunction:
        """Return the compiled function of evaluation steps for data of a specification."""
        return self._function("test", spec)

    def forget(self) -> None:
        """Discard the compiled functions; they are compiled again when needed."""
        self._steps.clear()

    def _function(self, kind: str, spec: Batch) -> MultiStepFunction:
        trained = tuple(id(variable) for variable in self._model.trainable_variables)
        rates = [part for each in self._optimizers() for part in each.compiled_learning_rate]
        place = placement_of(self._model)
        key = (kind, place, self.execution.is_compiled(place), trained, *rates, spec_key(spec[:3]))
        if key not in self._steps:
            self._steps[key] = self._make(kind, spec)
        self._current[kind] = self._steps[key]
        return self._steps[key].function

    def _make(self, kind: str, spec: Batch) -> CustomStep:
        """Return the step for data of a specification, after evaluating it once without values."""
        model, method, place = self._model, f"{kind}_step", placement_of(self._model)
        if kind == "train":
            reason = f"Batches of this model are not split: {reason_for_custom_steps(model)}"
            micro_batches.check_whole_batches(self.execution.micro_batch_size, reason)
        takes_state = overrides(model, method) and styles.takes_state(getattr(model, method))
        styles.check_style(model, method, takes_state)
        if takes_state:
            self._build_all(spec)
        engine_variable = engine_variables.find(backends.get(place.backend)) if overrides(model, method) else None
        given = self._step_variables(kind) if takes_state else None

        def logs_of(data: Any) -> Any:
            returned = call_step(model, method, data, given)
            return returned[0] if takes_state else returned

        try:
            with construction_lock:
                found = dry_run(logs_of, f"{type(model).__name__}.{method}", spec, self._batch_size, place)
        except Exception as error:
            if engine_variable is None:
                raise styles.explain_failure(model, method, error)  # noqa: B904 - the cause is set there, or it is the error
            return self._in_place(method, engine_variable)
        if found.error is not None:
            raise found.error
        if engine_variable is not None and not found.differentiates:
            return self._in_place(method, engine_variable)
        variables = self._step_variables(kind)
        known = {id(variable) for variable in (*model.variables, *variables.optimizer, *variables.metrics)}
        variables = variables._replace(others=[variable for variable in found.touched if id(variable) not in known])
        is_own = any(overrides(model, name) for name in (method, "compute_metrics", "get_metrics_result"))
        logs = StepLogs(found.logs) if is_own else MetricLogs(model, variables.metrics)
        step = pure_step(model, method, variables, logs, takes_state)
        function = MultiStepFunction(step, logs, place, self.execution.is_compiled(place))
        return CustomStep(function, lambda key: CustomStateSync(model, variables, logs, key))

    def _in_place(self, method: str, kind: type[EngineVariable]) -> CustomStep:
        """Return a step that runs as the engine itself runs it, since it uses functions of the engine."""
        model = self._model

        def others() -> list[Variable]:
            return [*(variable for each in self._optimizers() for variable in each.variables), *model.metrics_variables]

        state_sync = InPlaceStateSync(model, others)
        is_compiled = not self.execution.run_eagerly
        combine = functools.partial(kind.steps_of, differentiates=method == "train_step", is_compiled=is_compiled)
        function = InPlaceSteps(model, method, getattr(model, method), combine, state_sync)
        return CustomStep(function, lambda key: state_sync)  # type: ignore[arg-type]

    def _optimizers(self) -> list[Optimizer]:
        """Return the optimizer passed to ``compile`` and those that are attributes of the model, also in lists and dicts."""
        return [self.optimizer, *layer_tree.owned(self._model, Optimizer)]

    def _step_variables(self, kind: str) -> StepVariables:
        """Return the variables of the optimizer and the metrics, as far as they are built."""
        optimizer = self.optimizer.variables if kind == "train" and self.optimizer.built else []
        return StepVariables(optimizer, self._model.metrics_variables, [])

    def _build_all(self, spec: Batch) -> None:
        """Build all that has variables, since a step in the form ``step(state, data)`` receives their values."""
        self._compiled.ensure_built(spec)
        self.optimizer.ensure_built(self._model.trainable_variables)
