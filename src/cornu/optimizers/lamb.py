"""The LAMB optimizer."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.optimizers.transforms import bias_correction, update_moment
from cornu.typing import Array

__all__ = ["Lamb"]


@registry.register("optimizers")
class Lamb(Optimizer):
    """LAMB optimizer: Adam whose step for each weight is scaled to the norm of the weight, for large batches.

    With gradient ``g`` and step ``t`` (starting at 1)::

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g ** 2
        direction = m / (1 - beta_1 ** t) / (sqrt(v / (1 - beta_2 ** t)) + epsilon)
        weight = weight - learning_rate * norm(weight) / norm(direction) * direction

    The ratio of the norms is 1 where one of them is 0.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        beta_1: Float in [0, 1), the decay rate of the moving average of gradients. Defaults to 0.9.
        beta_2: Float in [0, 1), the decay rate of the moving average of squared gradients. Defaults to 0.999.
        epsilon: Small positive float added for numerical stability. Defaults to 1e-7.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    References:
        You et al., 2020, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
        https://arxiv.org/abs/1904.00962

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([3.0, 4.0])
        >>> optimizers.Lamb(learning_rate=0.1).apply([[7.0, 7.0]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [2.6464, 3.6464]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the two moving averages."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def update_one(
        self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array
    ) -> tuple[Any, dict]:
        """Compute one step for one weight."""
        momentum = update_moment(slots["momentum"], gradient, self.beta_1)
        velocity = update_moment(slots["velocity"], ops.square(gradient), self.beta_2)
        root = ops.sqrt(velocity / bias_correction(self.beta_2, step)) + self.epsilon
        direction = momentum / bias_correction(self.beta_1, step) / root
        length, goal = ops.norm(direction), ops.norm(weight)
        ratio = ops.where(ops.logical_and(goal > 0, length > 0), goal / ops.where(length > 0, length, 1), 1)
        return weight - learning_rate * ratio * direction, {"momentum": momentum, "velocity": velocity}
