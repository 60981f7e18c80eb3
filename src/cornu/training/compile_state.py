"""The state created by ``compile``: optimizer, losses, metrics, and the compiled functions built from them."""

from collections.abc import Callable, Hashable
from typing import Any, Protocol, cast

from cornu import config, optimizers, serialization, trees
from cornu.core.layer_placement import placement_of
from cornu.core.signature import Signature, SpecTree, output_names, signature_of
from cornu.core.structure_facts import structure_facts
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.metrics import Mean, Metric
from cornu.optimizers import LossScaleOptimizer, Optimizer
from cornu.training.batch import Batch, spec_key, spec_of
from cornu.training.compiled_loss import CompiledLoss, LossArgument, LossWeights, aligned, by_output, loss_names
from cornu.training.compiled_metrics import CompiledMetrics, MetricsArgument, OutputMetrics
from cornu.training.data_validation import array_checks, class_weights, inputs, targets
from cornu.training.data_validation.outputs import outputs_of
from cornu.training.execution import Execution
from cornu.training.model_protocol import TrainableModel
from cornu.training.step import micro_batches
from cornu.training.step.multi_step import MultiStepFunction
from cornu.training.step.train_state import StateSync, new_key
from cornu.training.step.train_step import test_step, train_step
from cornu.typing import Config, Tree


class TrainingSetup(Protocol):
    """What ``fit`` and ``evaluate`` use: the data is validated by it, and it provides the compiled steps and their state.

    A ``CompileState`` is one; another is used for models with steps of their own (see ``custom_steps``).
    """

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer."""
        ...

    @property
    def execution(self) -> Execution:
        """How the steps run."""
        ...

    @property
    def calls_model(self) -> bool:
        """Whether the training step is the call of the model, a loss, and an update of the weights."""
        ...

    def validated(self, where: str, batch: Batch, class_weight: dict | None, hint: bool) -> Batch:
        """Return data as validated arrays with class weights applied."""
        ...

    def may_pad(self) -> bool:
        """Return whether batches may be padded."""
        ...

    def ensure_built(self, spec: Batch, batch_size: int | None = None) -> None:
        """Build the losses and metrics for data, if they are not built yet."""
        ...

    def reset_metrics(self) -> None:
        """Reset the state of all metrics."""
        ...

    def train_function(self, spec: Batch) -> MultiStepFunction:
        """Return the compiled function of training steps for data of a specification."""
        ...

    def test_function(self, spec: Batch) -> MultiStepFunction:
        """Return the compiled function of evaluation steps for data of a specification."""
        ...

    def state_sync(self, training: bool) -> StateSync:
        """Return the object that reads and writes the state of the function that was returned last."""
        ...


class CompileState:
    """The optimizer, losses and metrics of a model, and the functions compiled from them when the model first receives data.

    Args:
        model: The model.
        optimizer: Optimizer, as a name, a config or an object.
        loss: See :class:`~cornu.training.compiled_loss.CompiledLoss`.
        loss_weights: See :class:`~cornu.training.compiled_loss.CompiledLoss`.
        metrics: See :class:`~cornu.training.compiled_metrics.OutputMetrics`.
        weighted_metrics: See :class:`~cornu.training.compiled_metrics.OutputMetrics`.
        execution: How the steps run. Defaults to the defaults of ``Model.compile``.

    Raises:
        InvalidTypeError: If ``loss_weights`` is a list of names of metrics.
    """

    def __init__(
        self,
        model: TrainableModel,
        optimizer: str | Config | Optimizer,
        loss: LossArgument,
        loss_weights: LossWeights,
        metrics: MetricsArgument,
        weighted_metrics: MetricsArgument,
        execution: Execution | None = None,
    ):
        if isinstance(loss_weights, (list, tuple)) and any(isinstance(weight, str) for weight in loss_weights):
            raise InvalidTypeError(
                f"`compile` received loss_weights={loss_weights!r}.",
                "Loss weights must be numbers; the third argument of `compile` is `loss_weights`, the fourth is `metrics`.",
                f"Pass `metrics={list(loss_weights)!r}`.",
            )
        self._model = model
        self.execution = execution or Execution()
        self.optimizer = optimizers.get(optimizer)
        self.arguments = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics}
        self.compiled_loss: CompiledLoss | None = None  # built, like the metrics, when the model first receives data
        self.compiled_metrics: CompiledMetrics | None = None
        with config.placement_scope(*placement_of(model)):
            self.loss_tracker = Mean(name="loss")
        self.output_metrics = OutputMetrics(self.ensure_built_for)
        self._functions: dict[Any, MultiStepFunction] = {}
        self._signatures: dict[Hashable, Signature] = {}

    calls_model = True
    """Whether the training step is the call of the model, a loss, and an update of the weights."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the compiled functions, which belong to this model only."""
        return {**vars(self), "_functions": {}, "_signatures": {}}

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of ``compile`` in Keras 3's format."""
        given = {name: serialization.serialize(argument) for name, argument in self.arguments.items()}
        is_mixed = self._model.dtype_policy.name == "mixed_float16"
        unscaled = {"auto_scale_loss": False} if is_mixed and not isinstance(self.optimizer, LossScaleOptimizer) else {}
        return {"optimizer": serialization.serialize(self.optimizer), **given, **self.execution.get_config(), **unscaled}

    def signature_for(self, spec: Batch) -> Signature:
        """Return the signature of the model for data, cached by shape, since a subclassed model must be evaluated to find it.

        Args:
            spec: Specification of the data, for which the model is built.
        """
        key = spec_key(spec.x)
        if key not in self._signatures:
            self._signatures[key] = signature_of(self._model, spec.x)
        return self._signatures[key]

    def losses_for(self, spec: Batch) -> CompiledLoss:
        """Return the losses; new ones until :meth:`ensure_built` was called.

        Args:
            spec: Specification of the data.
        """
        if self.compiled_loss is not None:
            return self.compiled_loss
        signature = self.signature_for(spec)
        targets = _target_shapes(signature, spec)
        return self._losses(signature.outputs, signature.output_names, targets, _output_shapes(signature))

    def validated(self, where: str, batch: Batch, class_weight: dict | None, hint: bool) -> Batch:
        """Return data as arrays with class weights applied, after validation against the model and its losses.

        A model without known shapes is built, since inputs can only be validated against shapes.

        Args:
            where: Name of the function the user called, for errors.
            batch: ``x``, ``y`` and ``sample_weight`` as passed by the user.
            class_weight: Dict from class to weight, or None.
            hint: Whether to warn about images that are not scaled, and about an activation with which a loss does not work.

        Raises:
            DataError: If the data is invalid (see ``data_validation``).
        """
        batch = array_checks.as_arrays(where, batch)
        inputs.check(where, self._model, batch.x, hint)
        signature = self.signature_for(spec_of(batch))
        y, sample_weight = (by_output(values, signature.outputs) for values in (batch.y, batch.sample_weight))
        batch = batch._replace(y=y, sample_weight=sample_weight)
        losses = self.losses_for(spec_of(batch))
        outputs = outputs_of(self._model, signature.output_names, trees.leaves(signature.outputs))
        targets.check(where, losses, outputs, batch, hint)
        return class_weights.with_class_weight(where, batch, class_weight, outputs, losses)

    def may_pad(self) -> bool:
        """Return whether batches may be padded, that is, whether all layers, losses and metrics exclude padding."""
        compiled_loss, compiled_metrics = self._built()
        layers_may = structure_facts(self._model).batch_coupling != "unknown"
        return layers_may and compiled_loss.padding_is_safe and compiled_metrics.padding_is_safe

    def ensure_built(self, spec: Batch, batch_size: int | None = None) -> None:
        """Build the losses and metrics for data, if they are not built yet.

        Args:
            spec: Specification of validated data; the losses and metrics that are built for it are kept.
            batch_size: Number of samples of the first batch. Not used here; own steps are evaluated with it.
        """
        if self.compiled_metrics is None:
            signature = self.signature_for(spec)
            targets = _target_shapes(signature, spec)
            self._build(signature.outputs, signature.output_names, targets, _output_shapes(signature))

    def ensure_built_for(self, y: Tree, y_pred: Tree) -> None:
        """Build the losses and metrics for targets and outputs, if they are not built yet."""
        if self.compiled_metrics is None:
            names = output_names(self._model, y_pred)
            targets_shapes = [_shape_of(target) for target in aligned(by_output(y, y_pred), names)]
            self._build(y_pred, names, targets_shapes, [_shape_of(output) for output in trees.leaves(y_pred)])

    def _build(self, structure: SpecTree | Tree, names: list[str], targets: list, outputs: list) -> None:
        """Build the losses and metrics for the structure, names and shapes of the outputs and the shapes of the targets."""
        compiled_loss = self._losses(structure, names, targets, outputs)
        metrics, weighted = (by_output(self.arguments[name], structure) for name in ("metrics", "weighted_metrics"))
        place = placement_of(self._model)
        with config.placement_scope(*place):
            names = [self.loss_tracker.name, *compiled_loss.part_names]
            self.output_metrics.create(metrics, weighted, compiled_loss, targets, outputs, names)
            compiled_metrics = CompiledMetrics(self.loss_tracker, self.output_metrics, compiled_loss, place.backend)
        self.compiled_loss, self.compiled_metrics = compiled_loss, compiled_metrics

    def _losses(self, structure: SpecTree | Tree, names: list[str], targets: list, outputs: list) -> CompiledLoss:
        """Return the losses for the structure, names and shapes of the outputs and the shapes of the targets."""
        loss, weights = (by_output(self.arguments[name], structure) for name in ("loss", "loss_weights"))
        return CompiledLoss(loss, weights, names, targets, outputs, loss_names(structure, names))

    @property
    def metrics(self) -> list[Metric]:
        """The metrics as Keras lists them: the mean loss, those passed to ``compile`` as one, and the losses of the outputs.

        The latter exist if there are several, and once they are built.
        """
        has_metrics = self.arguments["metrics"] is not None or self.arguments["weighted_metrics"] is not None
        parts = [] if self.compiled_metrics is None else self.compiled_metrics.part_trackers
        return [self.loss_tracker, *([self.output_metrics] if has_metrics else []), *parts]

    def reset_metrics(self) -> None:
        """Reset the state of all metrics that are built."""
        if self.compiled_metrics is not None:
            self.compiled_metrics.reset()

    def _built(self) -> tuple[CompiledLoss, CompiledMetrics]:
        """Return the losses and the metrics, which :meth:`ensure_built` has built."""
        return cast(tuple[CompiledLoss, CompiledMetrics], (self.compiled_loss, self.compiled_metrics))

    def replace_optimizer(self, optimizer: str | Config | Optimizer) -> None:
        """Train with another optimizer from now on."""
        self.optimizer = optimizers.get(optimizer)
        self.forget()

    def state_sync(self, training: bool) -> StateSync:
        """Return the object that reads and writes the training state, including the state of the optimizer if ``training``.

        Raises:
            InvalidArgumentError: If the optimizer was built for other weights than the trainable ones.
        """
        if training:
            self._build_optimizer()
        optimizer_variables = self.optimizer.variables if training else []
        key = new_key(training)
        return StateSync(self._model, optimizer_variables, self.compiled_metrics.variables, key)

    def _build_optimizer(self) -> None:
        wanted = structure_facts(self._model).trainable
        self.optimizer.ensure_built(wanted)
        if list(map(id, self.optimizer.trainable_variables)) != list(map(id, wanted)):
            raise InvalidArgumentError(
                f"The optimizer {self.optimizer.name!r} of {self._model.name!r} was built for a different set of weights.",
                "An optimizer belongs to one model and to the weights that were trainable when training started.",
                "Compile the model again with a new optimizer after freezing, unfreezing or adding layers.",
            )

    def train_function(self, spec: Batch) -> MultiStepFunction:
        """Return the compiled function of training steps for data of a specification."""
        return self._function("train", spec, self._train_step)

    def _train_step(self, spec: Batch) -> Callable:
        """Return the training step for data of a specification."""
        compiled_loss, compiled_metrics = self._built()
        parts_of = micro_batches.parts_for(self.execution.micro_batch_size, self._model, compiled_loss, spec.x)
        return train_step(self._model, compiled_loss, compiled_metrics, self.optimizer, parts_of)

    def test_function(self, spec: Batch) -> MultiStepFunction:
        """Return the compiled function of evaluation steps for data of a specification."""
        return self._function("test", spec, lambda _: test_step(self._model, *self._built()))

    @property
    def variables(self) -> list:
        """The variables of the optimizer and of the metrics."""
        return [*self.optimizer.variables, *(variable for metric in self.metrics for variable in metric.variables)]

    def forget(self) -> None:
        """Discard the compiled functions; they are compiled again when needed."""
        self._functions.clear()
        self._signatures.clear()

    def _function(self, kind: str, spec: Batch, make_step: Callable) -> MultiStepFunction:
        model = self._model
        trained = tuple(map(id, structure_facts(model).trainable))
        place, is_compiled = placement_of(model), self.execution.is_compiled(placement_of(model))
        key = (kind, place, is_compiled, trained, *self.optimizer.compiled_learning_rate, spec_key(spec.x))
        if key not in self._functions:
            _, compiled_metrics = self._built()
            self._functions[key] = MultiStepFunction(make_step(spec), compiled_metrics, place, is_compiled)
        return self._functions[key]


def _target_shapes(signature: Signature, spec: Batch) -> list:
    """Return the shape of the target of each output, or None."""
    return [getattr(target, "shape", None) for target in aligned(spec.y, signature.output_names)]


def _shape_of(array: Any) -> Any:
    """Return the shape of an array with None for the batch size; None for what is no array."""
    return None if not hasattr(array, "shape") else (None, *array.shape[1:])


def _output_shapes(signature: Signature) -> list[tuple]:
    """Return the shape of each output."""
    return [output.shape for output in trees.leaves(signature.outputs)]


_MEASURES = ("metrics", "losses")
_KINDS = {"optimizer": ("optimizers",), "loss": ("losses",), "metrics": _MEASURES, "weighted_metrics": _MEASURES}
"""Registry tables that each argument of ``compile`` may refer to in a config."""


def compile_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``compile`` for a config returned by :meth:`CompileState.get_config`.

    Raises:
        UnsafeModelError: If the config names something that is not an optimizer, loss or metric.
    """
    return {name: _made(value, _KINDS.get(name)) for name, value in config.items()}


def _made(value: Any, kinds: tuple[str, ...] | None) -> Any:
    """Create the objects of a config, or of a tree of configs; names and numbers are returned unchanged."""
    if isinstance(value, dict) and "class_name" not in value:
        return {name: _made(part, kinds) for name, part in value.items()}
    if isinstance(value, list):
        return [_made(part, kinds) for part in value]
    return serialization.deserialize(value, kinds)
