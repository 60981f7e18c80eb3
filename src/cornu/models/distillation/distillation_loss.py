"""Losses that compare the outputs of a teacher with those of a student."""

from collections.abc import Callable
from typing import Any

from cornu import losses, ops, registry, serialization, structures
from cornu.errors import InvalidArgumentError
from cornu.losses import KLDivergence, Loss
from cornu.models.model import Model
from cornu.typing import Array, Config, Tree

__all__ = ["DistillationLoss", "FeatureDistillation", "LogitsDistillation"]


class DistillationLoss:
    """Base class of the losses of a :class:`Distiller`. Subclasses override :meth:`compute_loss`.

    An own loss is saved together with the distiller if it has ``get_config`` and ``from_config`` and is registered.

    Example:
        >>> from cornu import ops
        >>> from cornu.distillation import DistillationLoss
        >>> class Furthest(DistillationLoss):
        ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        ...         return ops.max(ops.abs(teacher_outputs - student_outputs))
        >>> float(Furthest().compute_loss(ops.array([[1.0, 2.0]]), ops.array([[1.0, 5.0]])))
        3.0
    """

    def compute_loss(self, teacher_outputs: Tree, student_outputs: Tree, **kwargs: Tree) -> Any:
        """Compute the loss of a batch.

        Args:
            teacher_outputs: Array of shape ``(batch, ...)``, or a tree of arrays, the outputs of the teacher.
            student_outputs: The same outputs of the student.
            **kwargs: Not used by :class:`Distiller`.

        Returns:
            Scalar array.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `compute_loss(teacher_outputs, student_outputs)`.")

    def validate_outputs(self, teacher_outputs: Tree, student_outputs: Tree) -> None:
        """Check that the outputs of both models have the same structure.

        Raises:
            InvalidArgumentError: If they do not.
        """
        structures.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Model, student: Model) -> None:
        """Check that the loss can compare two models. The base class accepts all."""


@registry.register("distillation")
class FeatureDistillation(DistillationLoss):
    """Distillation loss that compares outputs of a layer of the teacher with those of a layer of the student.

    Args:
        loss: Loss as a name, a function or an object; for layers with several outputs a list or dict of losses, with None for
            an output that is not compared. Defaults to ``"mse"``.
        teacher_layer_name: Name of the layer of the teacher. Defaults to None (the outputs of the model).
        student_layer_name: Name of the layer of the student. Defaults to None (the outputs of the model).

    Raises:
        InvalidArgumentError: If all losses are None.

    Reference:
        Romero et al., *FitNets: Hints for Thin Deep Nets*, https://arxiv.org/abs/1412.6550

    Example:
        >>> from cornu import ops
        >>> from cornu.distillation import FeatureDistillation
        >>> float(FeatureDistillation("mae").compute_loss(ops.array([[1.0, 2.0]]), ops.array([[1.0, 5.0]])))
        1.5
    """

    def __init__(
        self,
        loss: str | Loss | Callable | Tree = "mse",
        teacher_layer_name: str | None = None,
        student_layer_name: str | None = None,
    ):
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name
        self.loss = losses_of("FeatureDistillation", loss)

    def validate_model_compatibility(self, teacher: Model, student: Model) -> None:
        """Check that the named layers exist.

        Raises:
            InvalidArgumentError: If a layer does not exist, or a layer is named and one of the models has no graph of layers.
        """
        models = {"teacher": (teacher, self.teacher_layer_name), "student": (student, self.student_layer_name)}
        named = [name for _, name in models.values() if name is not None]
        without_graph = [role for role, (model, _) in models.items() if model.cornu_graph is None]
        if named and without_graph:
            raise InvalidArgumentError(
                f"`FeatureDistillation` received the names of layers {named}, and the {' and the '.join(without_graph)} "
                "is a subclassed model or a `Sequential` without shapes.",
                "The outputs of a layer can be read in functional and sequential models with an `Input`.",
                "Use such models, or leave the names out, to compare the outputs of the models.",
            )
        for role, (model, name) in models.items():
            if name is not None:
                _check_has_layer(role, model, name)

    def validate_outputs(self, teacher_outputs: Tree, student_outputs: Tree) -> None:
        """Check that the outputs of both models and the losses have the same structure.

        Raises:
            InvalidArgumentError: If they do not.
        """
        super().validate_outputs(teacher_outputs, student_outputs)
        _check_structure(self, self.loss, teacher_outputs)

    def compute_loss(self, teacher_outputs: Tree, student_outputs: Tree, **kwargs: Tree) -> Any:
        """Compute the sum of the mean losses of the outputs; arguments as in :class:`DistillationLoss`."""
        return total_loss(self.loss, teacher_outputs, student_outputs)

    def get_config(self) -> Config:
        """Return the arguments of the constructor in a form that JSON can hold."""
        names = {"teacher_layer_name": self.teacher_layer_name, "student_layer_name": self.student_layer_name}
        return {"loss": losses.serialize(self.loss), **names}

    @classmethod
    def from_config(cls, config: Config) -> "FeatureDistillation":
        """Create the loss from a config returned by :meth:`get_config`."""
        return cls(**{**config, "loss": serialization.deserialize(config["loss"], "losses")})


@registry.register("distillation")
class LogitsDistillation(DistillationLoss):
    """Distillation loss that compares the outputs of both models, divided by a temperature.

    A Kullback-Leibler divergence (the default) compares the probabilities ``softmax(logits / temperature)`` and is multiplied
    by ``temperature ** 2``, so that its gradient does not depend much on the temperature. Other losses compare
    ``logits / temperature``.

    Args:
        temperature: Positive number; the higher it is, the more the small probabilities count. Defaults to 3.0.
        loss: Loss as a name, a function or an object; for several outputs a list or dict of losses, with None for an output
            that is not compared. Defaults to ``"kl_divergence"``.

    Raises:
        InvalidArgumentError: If ``temperature`` is not a positive number, or all losses are None.

    Reference:
        Hinton et al., *Distilling the Knowledge in a Neural Network*, https://arxiv.org/abs/1503.02531

    Example:
        >>> from cornu import ops
        >>> from cornu.distillation import LogitsDistillation
        >>> round(float(LogitsDistillation(temperature=2.0).compute_loss(ops.array([[2.0, 0.0]]), ops.array([[0.0, 0.0]]))), 3)
        0.444
    """

    def __init__(self, temperature: float = 3.0, loss: str | Loss | Callable | Tree = "kl_divergence"):
        if not isinstance(temperature, (int, float)) or not temperature > 0:
            raise InvalidArgumentError(
                f"`LogitsDistillation` received temperature={temperature!r}.",
                "`temperature` must be a positive number.",
                "Pass a value such as 3.0.",
            )
        self.temperature = temperature
        self.loss = losses_of("LogitsDistillation", loss)

    def compute_loss(self, teacher_outputs: Tree, student_outputs: Tree, **kwargs: Tree) -> Any:
        """Compute the sum of the mean losses of the outputs; arguments as in :class:`DistillationLoss`."""
        _check_structure(self, self.loss, teacher_outputs)
        return total_loss(structures.map_structure(self._softened, self.loss), teacher_outputs, student_outputs)

    def get_config(self) -> Config:
        """Return the arguments of the constructor in a form that JSON can hold."""
        return {"temperature": self.temperature, "loss": losses.serialize(self.loss)}

    @classmethod
    def from_config(cls, config: Config) -> "LogitsDistillation":
        """Create the loss from a config returned by :meth:`get_config`."""
        return cls(**{**config, "loss": serialization.deserialize(config["loss"], "losses")})

    def _softened(self, loss: Callable | None) -> Callable | None:
        """Return the function of the logits of both models for a loss."""
        if loss is None:
            return None
        scale = self.temperature
        if loss is losses.kl_divergence or isinstance(loss, KLDivergence):
            return lambda teacher, student: loss(_probabilities(teacher, scale), _probabilities(student, scale)) * scale**2
        return lambda teacher, student: loss(ops.divide(teacher, scale), ops.divide(student, scale))


def _probabilities(logits: Array, temperature: float) -> Any:
    return ops.softmax(ops.divide(logits, temperature))


def losses_of(user: str, loss: str | Loss | Callable | Tree) -> Any:
    """Return the losses of a structure of names, functions and objects; None stays None.

    Args:
        user: Name of the class that received the argument ``loss``, for the error.
        loss: The structure.

    Raises:
        InvalidArgumentError: If a name is unknown, or all losses are None.

    Example:
        >>> from cornu.models.distillation.distillation_loss import losses_of
        >>> [loss and loss.__name__ for loss in losses_of("LogitsDistillation", ["mse", None])]
        ['mean_squared_error', None]
    """
    found = structures.map_structure(lambda item: losses.get(item) if isinstance(item, str) else item, loss)
    if all(item is None for item in structures.flatten(found)):
        raise InvalidArgumentError(
            f"`{user}` received loss={loss!r}.", "At least one loss must not be None.", "Pass a loss such as 'mse'."
        )
    return found


def total_loss(loss: Tree, y_true: Tree, y_pred: Tree) -> Any:
    """Return the sum of the means of losses.

    Args:
        loss: Structure of functions of two arrays, with None for 0.
        y_true: Structure of arrays, nested like ``loss``; lists and tuples are alike.
        y_pred: Structure of arrays, nested like ``loss``.

    Raises:
        InvalidArgumentError: If the structures are nested in different ways.

    Example:
        >>> from cornu import losses, ops
        >>> from cornu.models.distillation.distillation_loss import total_loss
        >>> teacher, student = [ops.array([[1.0]]), ops.array([[2.0]])], [ops.array([[3.0]]), ops.array([[4.0]])]
        >>> float(total_loss([losses.get("mse"), None], teacher, student))
        4.0
    """

    def mean_of(function: Callable | None, true: Array, pred: Array) -> Any:
        return 0.0 if function is None else ops.mean(function(true, pred))

    parts = structures.map_structure(mean_of, *map(structures.lists_to_tuples, (loss, y_true, y_pred)))
    return sum(structures.flatten(parts))


def _check_structure(user: DistillationLoss, loss: Tree, outputs: Tree) -> None:
    """Check that there is a loss for each output."""
    try:
        structures.assert_same_structure(loss, outputs)
    except InvalidArgumentError:
        empty = structures.map_structure(lambda _: "loss", outputs)
        raise InvalidArgumentError(
            f"`{type(user).__name__}` received loss={loss!r}, which is not nested like the outputs that it compares.",
            f"There must be one loss for each output: {empty}.",
            "Pass a list or dict of losses like the outputs, with None for outputs that are not compared.",
        ) from None


def _check_has_layer(role: str, model: Model, name: str) -> None:
    """Check that a model has a layer of a name."""
    try:
        model.get_layer(name)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"In the {role} model: {error.received}", error.expected, error.hint) from None
