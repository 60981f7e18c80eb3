"""Dynamic loss scaling, for training in ``float16``."""

import functools
from collections.abc import Mapping
from typing import Any

from cornu import ops, registry, serialization, validation
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError
from cornu.optimizers import transforms
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Slots, State
from cornu.optimizers.shared_arguments import SHARED
from cornu.typing import Array

__all__ = ["LossScaleOptimizer"]

_LEAST_SCALE = 2.0**-16
"""Gradients that are not finite at a smaller scale are not finite without scaling either, and are applied."""

_LARGEST_SCALE = 2.0**127
"""The scale does not grow further: infinity would remain infinity when halved."""

_OF_INNER = {parameter.name: parameter.default for parameter in SHARED if parameter.name != "name"}
"""Arguments of optimizers that only the inner one can have, with the values that files of older versions of Keras name."""


@registry.register("optimizers")
class LossScaleOptimizer(Optimizer):
    """Optimizer that wraps another one and scales the loss, so that small gradients do not vanish in ``float16``.

    The loss is multiplied by a scale before gradients are computed, and the gradients are divided by it before the inner
    optimizer clips and applies them. If a gradient is not finite, the step is skipped and the scale is halved. After
    ``dynamic_growth_steps`` steps without such a gradient, the scale is doubled.

    ``compile`` wraps the optimizer of a model with the dtype policy ``"mixed_float16"``, unless ``auto_scale_loss`` is False.
    For a fixed scale, pass ``loss_scale_factor`` to an optimizer instead.

    Args:
        inner_optimizer: Optimizer to wrap. Its ``loss_scale_factor`` is set to None.
        initial_scale: Positive float, the first scale. Too large a scale is soon halved. Defaults to ``2.0**15``.
        dynamic_growth_steps: Positive integer, the number of steps with finite gradients after which the scale is doubled.
            Defaults to 2000.
        name: Name of the optimizer. Defaults to a name derived from the class.
        **kwargs: Not used, except for values in files of older versions of Keras.

    Attributes:
        inner_optimizer: The wrapped optimizer. Attributes that this class does not have are those of the inner optimizer.
        dynamic_scale: Variable with the scale, once the optimizer is built.
        step_counter: Variable with the number of steps since the scale changed, once the optimizer is built.

    Raises:
        InvalidArgumentError: An argument is invalid or unknown.
        InvalidTypeError: ``inner_optimizer`` is not an optimizer.

    References:
        Micikevicius et al., 2018, "Mixed Precision Training", https://arxiv.org/abs/1710.03740 (section 3.2)

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0, 2.0])
        >>> optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(learning_rate=0.5), initial_scale=4.0)
        >>> optimizer.apply([[4.0, 4.0]], [weight])
        >>> weight.numpy().tolist()
        [0.5, 1.5]
        >>> optimizer.apply([[float("inf"), 4.0]], [weight])
        >>> weight.numpy().tolist(), float(optimizer.dynamic_scale)
        ([0.5, 1.5], 2.0)
    """

    dynamic_scale: Variable
    step_counter: Variable

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(learning_rate=0.0, name=name, **_without_defaults(kwargs))
        if not isinstance(inner_optimizer, Optimizer):
            hint = "Pass, for example, `LossScaleOptimizer(Adam(learning_rate=0.001))`."
            raise validation.invalid_type(self, "inner_optimizer", inner_optimizer, "an optimizer", hint)
        is_number = isinstance(initial_scale, (int, float)) and not isinstance(initial_scale, bool)
        if not (is_number and 0 < initial_scale < float("inf")):
            raise validation.invalid_value(self, "initial_scale", initial_scale, "a positive number", 32768.0)
        self.inner_optimizer = inner_optimizer
        self.inner_optimizer.loss_scale_factor = None  # gradients would be divided twice
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = validation.check_int(self, "dynamic_growth_steps", dynamic_growth_steps)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the inner optimizer, such as ``momentum``, if there is none of this name here."""
        inner = vars(self).get("inner_optimizer")
        if inner is None or name.startswith("_") or not hasattr(inner, name):
            return super().__getattr__(name)
        return getattr(inner, name)

    # --- Pure functions -----------------------------------------------------------------------------------------------

    def init(self, weights: list) -> Slots:
        """Return the initial slots of the inner optimizer."""
        return self.inner_optimizer.init(weights)

    def update(
        self,
        gradients: list,
        slots: Slots,
        weights: list,
        learning_rate: Array | float,
        step: Array | int,
        decays: list[bool] | None = None,
    ) -> tuple[list, Slots]:
        """Compute one step of the inner optimizer, for gradients that are not scaled."""
        return self.inner_optimizer.update(gradients, slots, weights, learning_rate, step, decays)

    def _step(self, state: State, gradients: list, weights: list) -> list:
        """Return the weights after a step of the inner optimizer, or the weights themselves if a gradient is not finite."""
        inner, own = self.inner_optimizer.variables, [self.step_counter, self.dynamic_scale]
        count, scale = state.get(own)
        finite = _all_finite(gradients)
        is_applied = ops.logical_or(finite, ops.less(scale, _LEAST_SCALE))
        unscaled = [None if g is None else ops.where(is_applied, ops.divide(g, scale), 0.0) for g in gradients]
        after, values = self.inner_optimizer.stateless_apply(state.get(inner), unscaled, weights)
        state.put(inner, transforms.choose(is_applied, values, state.get(inner)))
        grows = ops.logical_and(finite, ops.equal(count, self.dynamic_growth_steps - 1))
        count = ops.where(ops.logical_and(finite, ops.logical_not(grows)), count + 1, ops.zeros_like(count))
        scale = ops.where(finite, ops.where(grows, ops.minimum(scale, _LARGEST_SCALE / 2) * 2.0, scale), scale * 0.5)
        state.put(own, [count, scale])
        return transforms.choose(is_applied, after, weights)

    # --- Keras interface ----------------------------------------------------------------------------------------------

    def _make_variables(self, variables: list[Variable]) -> None:
        super()._make_variables(variables)
        self.step_counter = self._variable(0, "step_counter", "int32")
        self.dynamic_scale = self._variable(self.initial_scale, "dynamic_scale", "float32")
        build_inner(self.inner_optimizer, variables)

    @property
    def variables(self) -> list[Variable]:
        """All variables, in the order of Keras files: those of this class, then those of the inner optimizer."""
        return [*super().variables, *self.inner_optimizer.variables]

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times the scale; gradients are computed of the result."""
        return ops.multiply(loss, self.dynamic_scale if self.built else self.initial_scale)

    @property
    def iterations(self) -> Any:
        """The number of updates made by the inner optimizer."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: LearningRate) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def compiled_learning_rate(self) -> tuple:
        """What a compiled step contains of the learning rate of the inner optimizer."""
        return self.inner_optimizer.compiled_learning_rate

    def finalize_variable_values(self, var_list: list[Variable]) -> None:
        """Assign the moving averages of the inner optimizer to the weights at the end of training, if it has them."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(self, var_list: list[Variable] | None = None, var_names: list[str] | None = None) -> None:
        """Exclude variables from the weight decay of the inner optimizer."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, with the config of the inner optimizer."""
        return {
            "name": self.name,
            "inner_optimizer": serialization.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> "LossScaleOptimizer":
        """Create an optimizer from a config returned by :meth:`get_config`.

        Args:
            config: The config.
            custom_objects: Dict of names to custom optimizers. Defaults to None.
        """
        inner = serialization.deserialize(config["inner_optimizer"], "optimizers", custom_objects)
        return cls(inner, **{name: value for name, value in config.items() if name != "inner_optimizer"})


def with_loss_scaling(optimizer: Optimizer) -> LossScaleOptimizer:
    """Return an optimizer wrapped in a ``LossScaleOptimizer``, unless it is one.

    Example:
        >>> from cornu import optimizers
        >>> from cornu.optimizers.loss_scale_optimizer import with_loss_scaling
        >>> type(with_loss_scaling(optimizers.SGD()).inner_optimizer).__name__
        'SGD'
    """
    if isinstance(optimizer, LossScaleOptimizer):
        return optimizer
    return LossScaleOptimizer(optimizer, name="loss_scale_optimizer")


def build_inner(optimizer: Optimizer, variables: list[Variable]) -> None:
    """Build an optimizer inside another one; raise ``InvalidArgumentError`` if it was built for other variables."""
    optimizer.ensure_built(variables)
    if list(map(id, optimizer.trainable_variables)) != list(map(id, variables)):
        raise InvalidArgumentError(
            f"The inner optimizer {optimizer.name!r} was built for a different set of weights.",
            "An optimizer belongs to one model and to the weights that were trainable when training started.",
            "Create a new inner optimizer.",
        )


def _all_finite(gradients: list) -> Any:
    """Return whether all values of the gradients are finite."""
    each = [ops.all(ops.isfinite(gradient)) for gradient in gradients if gradient is not None]
    return functools.reduce(ops.logical_and, each, True)


def _without_defaults(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return unknown arguments, after checking those that Keras accepted in an earlier version."""
    if not kwargs.get("dynamic", True):
        raise InvalidArgumentError(
            "`LossScaleOptimizer` received `dynamic=False`.",
            "Its loss scale is always dynamic.",
            "For a fixed scale, pass `loss_scale_factor` to the optimizer, and do not wrap it.",
        )
    for name, default in _OF_INNER.items():
        if kwargs.get(name, default) != default:
            raise InvalidArgumentError(
                f"`LossScaleOptimizer` received `{name}={kwargs[name]!r}`.",
                f"`LossScaleOptimizer` does not support `{name}`.",
                f"Pass `{name}` to the inner optimizer.",
            )
    return {name: value for name, value in kwargs.items() if name not in ("dynamic", *_OF_INNER)}
