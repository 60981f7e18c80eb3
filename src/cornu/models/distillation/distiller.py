"""``Distiller``: a model that trains a student on the outputs of a teacher."""

from collections.abc import Callable, Sequence
from typing import Any

from cornu import ops, registry, serialization
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError, ShapeError, warn
from cornu.losses import Loss
from cornu.metrics import Mean
from cornu.models.distillation.distillation_loss import DistillationLoss, losses_of, total_loss
from cornu.models.model import Model
from cornu.optimizers import Optimizer
from cornu.training.compiled_metrics import MetricsArgument
from cornu.typing import Array, Config, Tree

__all__ = ["Distiller"]


@registry.register("models")
@registry.register("distillation")
class Distiller(Model):
    """Model that trains a student to reproduce the outputs of a trained teacher, which does not change.

    The loss is ``student_loss_weight * student_loss + (1 - student_loss_weight) * distillation_loss``: the loss of the student
    for the targets, and the weighted sum of the distillation losses. Calling the distiller calls the student. Sample weights
    and the penalties of layers are not part of the loss.

    Args:
        teacher: Trained model; its ``trainable`` is set to False.
        student: Model to train, with inputs and outputs of the same shapes and dtypes.
        distillation_losses: :class:`DistillationLoss`, or a list of them.
        distillation_loss_weights: List of floats, one for each distillation loss. Defaults to None (all 1).
        student_loss_weight: Float between 0 and 1. Defaults to 0.5.
        name: Name of the model. Defaults to ``"distiller"``.
        **kwargs: Arguments of ``Model``, such as ``dtype``.

    Raises:
        InvalidArgumentError: If a model is no ``Model``, the models do not fit together or to a loss, or a weight is invalid.

    Reference:
        Hinton et al., *Distilling the Knowledge in a Neural Network*, https://arxiv.org/abs/1503.02531

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> from cornu import distillation, layers
        >>> teacher = cornu.Sequential([cornu.Input((4,)), layers.Dense(16, "relu"), layers.Dense(3)])
        >>> student = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
        >>> distiller = distillation.Distiller(teacher, student, distillation.LogitsDistillation(temperature=2.0))
        >>> distiller.compile("adam", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> history = distiller.fit(np.ones((8, 4)), np.zeros(8), verbose=0)
        >>> sorted(history.history)
        ['distillation_loss', 'loss', 'student_loss', 'total_loss']
    """

    def __init__(
        self,
        teacher: Model,
        student: Model,
        distillation_losses: DistillationLoss | Sequence[DistillationLoss],
        distillation_loss_weights: Sequence[float] | None = None,
        student_loss_weight: float = 0.5,
        name: str = "distiller",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        self.teacher, self.student = teacher, student
        self.student_loss_weight = _checked_student_weight(student_loss_weight)
        self.distillation_losses = _checked_losses(distillation_losses)
        self.distillation_loss_weights = _checked_weights(distillation_loss_weights, self.distillation_losses)
        for loss in self.distillation_losses:
            loss.validate_model_compatibility(teacher, student)
        self._teacher_layers = _layer_names(self.distillation_losses, "teacher_layer_name")
        self._student_layers = _layer_names(self.distillation_losses, "student_layer_name")
        self._teacher_feature_extractor = _feature_extractor(teacher, self._teacher_layers)
        self._student_feature_extractor = _feature_extractor(student, self._student_layers)
        self.teacher.trainable = False
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")

    def compile(
        self,
        optimizer: str | Config | Optimizer = "adam",
        loss: str | Loss | Callable | Tree = None,
        metrics: MetricsArgument = None,
        **kwargs: Any,
    ) -> None:
        """Configure the training of the student.

        Args:
            optimizer: Optimizer, as a name or an object. Defaults to ``"adam"``.
            loss: Loss of the student for the targets, as a name, a function or an object; for several outputs a list or dict of
                them.
            metrics: List of metrics of the student. Defaults to None.
            **kwargs: Further arguments of ``Model.compile``.

        Raises:
            InvalidArgumentError: If ``loss`` is None, or ``metrics`` is no list.
        """
        self._student_loss = losses_of("Distiller.compile", loss)
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise InvalidArgumentError(
                f"`Distiller.compile` received metrics={metrics!r}.", "`metrics` must be a list.", "Pass a list of them."
            )
        super().compile(optimizer=optimizer, loss=None, metrics=metrics, **kwargs)

    def call(self, inputs: Tree, training: bool | None = None, **kwargs: Tree) -> Any:
        """Return the outputs of the student."""
        return self.student(inputs, training=training, **kwargs)

    def compute_loss(
        self, x: Tree = None, y: Tree = None, y_pred: Tree = None, sample_weight: Tree = None, training: bool = True
    ) -> Any:
        """Compute the loss of a batch and update the means of its parts.

        Args:
            x: Inputs of the batch.
            y: Targets of the batch; None for training on the outputs of the teacher alone.
            y_pred: Outputs of the student. Defaults to None (they are computed).
            sample_weight: Not used.
            training: Whether the student behaves as in training. Defaults to True.

        Returns:
            Scalar array.
        """
        if y_pred is None:
            y_pred = self(x, training=training)
        weight = self.student_loss_weight
        student_loss = total_loss(self._student_loss, y, y_pred) if weight > 0 and y is not None else 0.0
        distillation_loss = self._distillation_loss(x, y_pred, training) if weight < 1 else 0.0
        loss = weight * student_loss + (1 - weight) * distillation_loss
        self.student_loss_tracker.update_state(student_loss)
        self.distillation_loss_tracker.update_state(distillation_loss)
        self.total_loss_tracker.update_state(loss)
        return loss

    def _distillation_loss(self, x: Tree, y_pred: Tree, training: bool) -> Any:
        """Return the weighted sum of the distillation losses."""
        teacher_outputs: dict[str | None, Any]
        if self._teacher_feature_extractor is None:
            teacher_outputs = {None: self.teacher(x, training=False)}
        else:
            teacher_outputs = _by_layer(self._teacher_layers, self._teacher_feature_extractor(x, training=False))
        student_outputs = {}
        if self._student_feature_extractor is not None:
            student_outputs = _by_layer(self._student_layers, self._student_feature_extractor(x, training=training))
        student_outputs[None] = y_pred
        total: Any = 0.0
        for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights, strict=True):
            teacher_output = teacher_outputs[_layer_name(loss, "teacher_layer_name")]
            student_output = student_outputs[_layer_name(loss, "student_layer_name")]
            loss.validate_outputs(teacher_output, student_output)
            total = total + weight * _checked_scalar(loss, loss.compute_loss(teacher_output, student_output))
        return total

    def get_config(self) -> Config:
        """Return the arguments of the constructor in a form that JSON can hold."""
        return {
            **super().get_config(),
            "distillation_losses": serialization.serialize(list(self.distillation_losses)),
            "distillation_loss_weights": list(self.distillation_loss_weights),
        }

    def get_compile_config(self) -> Config | None:
        """Return the arguments of :meth:`compile` in a serializable form; None if the model is not compiled."""
        config = super().get_compile_config()
        return None if config is None else {**config, "loss": serialization.serialize(self._student_loss)}

    def compile_from_config(self, config: Config) -> None:
        """Compile the model from a dict returned by :meth:`get_compile_config`.

        A file of Keras lacks the loss of the student: with a warning, the model is not compiled.
        """
        if config.get("loss") is None:
            warn("The file has no loss of the student. Call `distiller.compile(optimizer, loss=...)`.")
        else:
            super().compile_from_config(config)


def _layer_name(loss: DistillationLoss, argument: str) -> str | None:
    """Return the name of the layer whose outputs a loss compares; None for the outputs of the model."""
    return getattr(loss, argument, None)


def _layer_names(distillation_losses: list[DistillationLoss], argument: str) -> list[str]:
    """Return the names of the layers whose outputs the losses compare, each once."""
    names = [_layer_name(loss, argument) for loss in distillation_losses]
    return list(dict.fromkeys(name for name in names if name is not None))


def _feature_extractor(model: Model, layer_names: list[str]) -> Model | None:
    """Return a model on the same layers that returns the outputs of a model, then those of some layers; None for no layers."""
    if not layer_names:
        return None
    outputs = [model.output, *(model.get_layer(name).output for name in layer_names)]
    return Model(model.input, outputs, name=f"{model.name}_multi_feature_extractor")


def _by_layer(layer_names: list[str], outputs: list) -> dict[str | None, Any]:
    """Return the outputs of a feature extractor by the names of the layers; those of the model under None."""
    return dict(zip([None, *layer_names], outputs, strict=True))


def _checked_scalar(loss: DistillationLoss, value: Array) -> Any:
    """Return what a distillation loss computed; raise ``ShapeError`` if it is no scalar."""
    if ops.shape(value):
        raise ShapeError(
            f"`{type(loss).__name__}.compute_loss` returned an array of shape {ops.shape(value)}.",
            "A distillation loss must be a scalar.",
            "Return its mean, `ops.mean(loss)`.",
        )
    return value


# --- Arguments of the constructor ---------------------------------------------------------------------------------------------


def _checked_student_weight(weight: float) -> float:
    """Return ``student_loss_weight`` if it is a number from 0 to 1."""
    if not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
        raise InvalidArgumentError(
            f"`Distiller` received student_loss_weight={weight!r}.",
            "`student_loss_weight` must be a number between 0 and 1.",
            "Pass 0.5 to weight the targets and the teacher equally.",
        )
    return weight


def _checked_losses(distillation_losses: DistillationLoss | Sequence[DistillationLoss]) -> list[DistillationLoss]:
    """Return the distillation losses as a list."""
    found: list[Any] = list(distillation_losses) if isinstance(distillation_losses, (list, tuple)) else [distillation_losses]
    if not all(isinstance(loss, DistillationLoss) for loss in found):
        raise InvalidArgumentError(
            f"`Distiller` received distillation_losses={distillation_losses!r}.",
            "`distillation_losses` must be a `DistillationLoss` or a list of them.",
            "Pass `LogitsDistillation()`, `FeatureDistillation(...)` or an object of an own subclass of `DistillationLoss`.",
        )
    return found


def _checked_weights(weights: Sequence[float] | None, distillation_losses: list[DistillationLoss]) -> list[float]:
    """Return the weights of the distillation losses as a list."""
    if weights is None:
        return [1.0] * len(distillation_losses)
    if len(weights) != len(distillation_losses):
        raise InvalidArgumentError(
            f"`Distiller` received {len(weights)} weights in `distillation_loss_weights`.",
            f"There must be one for each of the {len(distillation_losses)} distillation losses.",
            "Pass a list of the same length as `distillation_losses`.",
        )
    return list(weights)


def _check_models(teacher: Model, student: Model) -> None:
    """Check that both are models, and, where their graphs are known, that their inputs and outputs fit together."""
    for argument, model in (("teacher", teacher), ("student", student)):
        if not isinstance(model, Model):
            raise InvalidArgumentError(
                f"`Distiller` received {argument}={model!r:.80}.", "It must be a `Model`.", "Pass a model, not a layer."
            )
    if teacher.cornu_graph is not None and student.cornu_graph is not None:
        for kind in ("inputs", "outputs"):
            _check_tensors(kind, getattr(teacher, kind), getattr(student, kind))


def _check_tensors(kind: str, teacher: list[SymbolicTensor], student: list[SymbolicTensor]) -> None:
    """Check that the inputs or outputs of the models have the same number, dtypes and shapes, as far as they are known."""
    same = len(teacher) == len(student) and all(map(_fits, teacher, student))
    if not same:
        described = [[f"{tensor.shape} {tensor.dtype}" for tensor in tensors] for tensors in (teacher, student)]
        raise InvalidArgumentError(
            f"`Distiller` received a teacher with the {kind} {described[0]} and a student with the {kind} {described[1]}.",
            f"Shapes and dtypes of the {kind} must be the same.",
            f"Give the student the {kind} of the teacher.",
        )


def _fits(first: SymbolicTensor, second: SymbolicTensor) -> bool:
    """Return whether two tensors have the same dtype and shape; an unknown size fits every size."""
    known = zip(first.shape, second.shape, strict=False)
    same_shape = len(first.shape) == len(second.shape) and all(a == b or None in (a, b) for a, b in known)
    return same_shape and first.dtype == second.dtype
