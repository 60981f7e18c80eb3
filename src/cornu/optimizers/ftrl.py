"""The FTRL optimizer."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.typing import Array
from cornu.validation import check_nonnegative, invalid_value

__all__ = ["Ftrl"]


@registry.register("optimizers")
class Ftrl(Optimizer):
    """FTRL optimizer ("follow the regularized leader"), for shallow models with many sparse features.

    With gradient ``g``, power ``p = -learning_rate_power`` and the two accumulators ``n`` and ``z``::

        n_new = n + g ** 2
        sigma = (n_new ** p - n ** p) / learning_rate
        z = z + g + 2 * l2_shrinkage * weight - sigma * weight
        weight = (clip(z, -l1, l1) - z) / ((n_new ** p + beta) / learning_rate + 2 * l2)

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        learning_rate_power: Float, at most 0, how the step decreases with the sum of squared gradients; 0 keeps it. Defaults
            to -0.5.
        initial_accumulator_value: Float, at least 0, the initial sum of squared gradients. Defaults to 0.1.
        l1_regularization_strength: Float, at least 0, the ``l1`` of the formula, which sets small weights to 0. Defaults to 0.
        l2_regularization_strength: Float, at least 0, the ``l2`` of the formula. Defaults to 0.
        l2_shrinkage_regularization_strength: Float, at least 0, the ``l2_shrinkage`` of the formula: an L2 penalty added to
            the loss. Defaults to 0.
        beta: Float, the ``beta`` of the formula. Defaults to 0.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    Raises:
        InvalidArgumentError: If an argument is out of its range.

    References:
        McMahan et al., 2013, "Ad Click Prediction: a View from the Trenches", https://doi.org/10.1145/2487575.2488200

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Ftrl(learning_rate=0.5).apply([[2.0]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.35]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self._check()

    def _check(self) -> None:
        """Raise ``InvalidArgumentError`` if an argument is out of its range."""
        if self.learning_rate_power > 0:
            raise invalid_value(self, "learning_rate_power", self.learning_rate_power, "0 or less", -0.5)
        strengths = ("l1_regularization_strength", "l2_regularization_strength", "l2_shrinkage_regularization_strength")
        for argument in ("initial_accumulator_value", *strengths):
            check_nonnegative(self, argument, getattr(self, argument))

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the sum of squared gradients and of the linear term."""
        return [{"accumulator": self.initial_accumulator_value, "linear": 0.0}]

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        power, old = -self.learning_rate_power, slots["accumulator"]
        accumulator = old + ops.square(gradient)
        root = accumulator**power
        sigma = (root - old**power) / learning_rate
        linear = slots["linear"] + (gradient + 2 * self.l2_shrinkage_regularization_strength * weight) - sigma * weight
        strength = self.l1_regularization_strength
        slope = root / learning_rate + 2 * (self.l2_regularization_strength + self.beta / (2 * learning_rate))
        return (ops.clip(linear, -strength, strength) - linear) / slope, {"accumulator": accumulator, "linear": linear}
