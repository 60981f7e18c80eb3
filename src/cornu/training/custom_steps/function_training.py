"""Training and evaluation with a ``train_function`` or ``test_function`` of the user."""

from collections.abc import Callable

from cornu.backends import engine_variables
from cornu.core.variable import Variable
from cornu.training.batch import Batch
from cornu.training.compile_state import CompileState, TrainingSetup
from cornu.training.custom_steps.custom_training import UserCodeTraining, validated_loosely
from cornu.training.custom_steps.in_place import InPlaceStateSync, InPlaceSteps
from cornu.training.custom_steps.step_functions import Kind, StepFunctionMethods, in_place
from cornu.training.step.multi_step import MultiStepFunction
from cornu.training.step.train_state import StateSync


class FunctionTraining(UserCodeTraining):
    """What ``fit`` and ``evaluate`` use in place of ``steps`` if functions of the user replace those of the model.

    Args:
        model: The model.
        compiled: Its compile state.
        steps: What trains the model without these functions, for the kind of steps that has none.
        functions: Dict from the kind of steps to the function of the user.
    """

    def __init__(
        self, model: StepFunctionMethods, compiled: CompileState, steps: TrainingSetup, functions: dict[Kind, Callable]
    ):
        super().__init__(model=model, compiled=compiled)
        self._steps, self._functions = steps, functions
        self._state_sync = InPlaceStateSync(model, self._others)

    calls_model = False
    """Whether the training step is the call of the model, a loss, and an update of the weights; the user's may be anything."""

    @property
    def _has_loss(self) -> bool:
        return self._compiled.arguments["loss"] is not None

    def validated(self, where: str, batch: Batch, class_weight: dict | None, hint: bool) -> Batch:
        """Return data as arrays with class weights applied, validated for the losses if ``compile`` received any."""
        if self._has_loss:
            return self._steps.validated(where, batch, class_weight, hint)
        return validated_loosely(where, self._model, batch, class_weight)

    def ensure_built(self, spec: Batch, batch_size: int | None = None) -> None:
        """Build what the user's function finds built in Keras: the losses, the metrics and the optimizer."""
        self._steps.ensure_built(spec, batch_size)
        if self._has_loss:
            self._compiled.ensure_built(spec)
        if self._model.built:
            self.optimizer.ensure_built(self._model.trainable_variables)

    def train_function(self, spec: Batch) -> MultiStepFunction:
        """Return the training steps for data of a specification."""
        return self._function("train") or self._steps.train_function(spec)

    def test_function(self, spec: Batch) -> MultiStepFunction:
        """Return the evaluation steps for data of a specification."""
        return self._function("test") or self._steps.test_function(spec)

    def state_sync(self, training: bool) -> StateSync:
        """Return the object that reads and writes the state of the steps."""
        if ("train" if training else "test") not in self._functions:
            return self._steps.state_sync(training)
        return self._state_sync  # type: ignore[return-value]

    def _function(self, kind: Kind) -> MultiStepFunction | None:
        function = self._functions.get(kind)
        if function is None:
            return None
        run = in_place(self._model, kind, function)
        name, combine = f"{kind}_function", engine_variables.one_by_one
        return InPlaceSteps(self._model, name, run, combine, self._state_sync)  # type: ignore[return-value]

    def _others(self) -> list[Variable]:
        return [*self.optimizer.variables, *self._model.metrics_variables]
