"""The Adagrad optimizer."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.typing import Array

__all__ = ["Adagrad"]


@registry.register("optimizers")
class Adagrad(Optimizer):
    """Adagrad optimizer.

    With gradient ``g``::

        accumulator = accumulator + g ** 2
        weight = weight - learning_rate * g / sqrt(accumulator + epsilon)

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Larger values than for other optimizers, such as 1.0,
            are suitable. Defaults to 0.001.
        initial_accumulator_value: Float, the initial value of the accumulator. Defaults to 0.1.
        epsilon: Small positive float added for numerical stability. Defaults to 1e-7.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    References:
        Duchi et al., 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
        https://www.jmlr.org/papers/v12/duchi11a.html

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Adagrad(learning_rate=0.5, initial_accumulator_value=0.0).apply([[5.0]], [weight])
        >>> round(float(weight.numpy()[0]), 4)
        0.5
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slot of the sum of squared gradients."""
        return [{"accumulator": self.initial_accumulator_value}]

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        total = slots["accumulator"] + ops.square(gradient)
        return weight - learning_rate * gradient / ops.sqrt(total + self.epsilon), {"accumulator": total}
