"""The state created by ``compile``: optimizer, losses, metrics, and the compiled functions built from them."""

from collections.abc import Callable
from typing import Any, cast

from cornu import config, optimizers, seeds, serialization, trees
from cornu.core.layer_placement import placement_of
from cornu.core.signature import Signature, signature_of
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.optimizers import Optimizer
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss, LossArgument, LossWeights, aligned
from cornu.training.compiled_metrics import CompiledMetrics, MetricsArgument
from cornu.training.model_protocol import TrainableModel
from cornu.training.step import micro_batches
from cornu.training.step.micro_batches import MicroBatchSize
from cornu.training.step.multi_step import MultiStepFunction
from cornu.training.step.train_state import StateSync
from cornu.training.step.train_step import test_step, train_step
from cornu.typing import Config


class CompileState:
    """The optimizer, losses and metrics of a model, and the functions compiled from them when the model first receives data.

    Args:
        model: The model.
        optimizer: Optimizer, as a name, a config or an object.
        loss: See :class:`~cornu.training.compiled_loss.CompiledLoss`.
        loss_weights: See :class:`~cornu.training.compiled_loss.CompiledLoss`.
        metrics: See :class:`~cornu.training.compiled_metrics.CompiledMetrics`.
        weighted_metrics: See :class:`~cornu.training.compiled_metrics.CompiledMetrics`.
        micro_batch_size: See ``Model.compile``. Defaults to ``"auto"``.

    Raises:
        InvalidArgumentError: If ``micro_batch_size`` is invalid.
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
        micro_batch_size: MicroBatchSize = "auto",
    ):
        if isinstance(loss_weights, (list, tuple)) and any(isinstance(weight, str) for weight in loss_weights):
            raise InvalidTypeError(
                f"`compile` received loss_weights={loss_weights!r}.",
                "Loss weights must be numbers; the third argument of `compile` is `loss_weights`, the fourth is `metrics`.",
                f"Pass `metrics={list(loss_weights)!r}`.",
            )
        self._model = model
        self._micro_batch_size = micro_batches.checked_size(micro_batch_size)
        self.optimizer = optimizers.get(optimizer)
        self.arguments = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics}
        self.compiled_loss: CompiledLoss | None = None  # built, like the metrics, when the model first receives data
        self.compiled_metrics: CompiledMetrics | None = None
        self._functions: dict[Any, MultiStepFunction] = {}
        self._signatures: dict[str, Signature] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the compiled functions, which belong to this model only."""
        return {**vars(self), "_functions": {}, "_signatures": {}}

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of ``compile`` in Keras 3's format."""
        given = {name: serialization.serialize(argument) for name, argument in self.arguments.items()}
        decided_by_cornu = {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": "auto"}
        return {"optimizer": serialization.serialize(self.optimizer), **given, **decided_by_cornu}

    def signature_for(self, spec: Batch) -> Signature:
        """Return the signature of the model for data, cached by shape, since a subclassed model must be evaluated to find it.

        Args:
            spec: Specification of the data, for which the model is built.
        """
        key = repr(spec.x)
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
        names, shapes = signature.output_names, _target_shapes(signature, spec)
        return CompiledLoss(self.arguments["loss"], self.arguments["loss_weights"], names, shapes, _output_shapes(signature))

    def ensure_built(self, spec: Batch) -> None:
        """Build the losses and metrics for data, if they are not built yet.

        Args:
            spec: Specification of validated data; the losses and metrics that are built for it are kept.
        """
        if self.compiled_metrics is not None:
            return
        compiled_loss, signature = self.losses_for(spec), self.signature_for(spec)
        metrics, weighted = self.arguments["metrics"], self.arguments["weighted_metrics"]
        shapes = _target_shapes(signature, spec), _output_shapes(signature)
        with config.placement_scope(*placement_of(self._model)):
            compiled_metrics = CompiledMetrics(metrics, weighted, compiled_loss, *shapes, placement_of(self._model).backend)
        self.compiled_loss, self.compiled_metrics = compiled_loss, compiled_metrics

    def _built(self) -> tuple[CompiledLoss, CompiledMetrics]:
        """Return the losses and the metrics, which :meth:`ensure_built` has built."""
        return cast(tuple[CompiledLoss, CompiledMetrics], (self.compiled_loss, self.compiled_metrics))

    def state_sync(self, training: bool) -> StateSync:
        """Return the object that reads and writes the training state, including the state of the optimizer if ``training``.

        Raises:
            InvalidArgumentError: If the optimizer was built for other weights than the trainable ones.
        """
        if training:
            self._build_optimizer()
        optimizer_variables = self.optimizer.variables if training else []
        key = seeds.next_key() if training else (0, 0)  # evaluation must not change later random draws
        return StateSync(self._model, optimizer_variables, self.compiled_metrics.variables, key)

    def _build_optimizer(self) -> None:
        wanted = self._model.trainable_variables
        if not self.optimizer.built:
            self.optimizer.build(wanted)
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
        parts_of = micro_batches.parts_for(self._micro_batch_size, self._model, compiled_loss, spec.x)
        return train_step(self._model, compiled_loss, compiled_metrics, self.optimizer, parts_of)

    def test_function(self, spec: Batch) -> MultiStepFunction:
        """Return the compiled function of evaluation steps for data of a specification."""
        return self._function("test", spec, lambda _: test_step(self._model, *self._built()))

    @property
    def variables(self) -> list:
        """The variables of the optimizer and of the metrics."""
        return [*self.optimizer.variables, *(self.compiled_metrics.variables if self.compiled_metrics is not None else [])]

    def forget(self) -> None:
        """Discard the compiled functions; they are compiled again when needed."""
        self._functions.clear()
        self._signatures.clear()

    def _function(self, kind: str, spec: Batch, make_step: Callable) -> MultiStepFunction:
        model = self._model
        trained = tuple(id(variable) for variable in model.trainable_variables)
        key = (kind, placement_of(model), trained, self.optimizer.schedule, repr(spec.x))
        if key not in self._functions:
            _, compiled_metrics = self._built()
            self._functions[key] = MultiStepFunction(make_step(spec), compiled_metrics, placement_of(model))
        return self._functions[key]


def _target_shapes(signature: Signature, spec: Batch) -> list:
    """Return the shape of the target of each output, or None."""
    return [getattr(target, "shape", None) for target in aligned(spec.y, signature.output_names)]


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
