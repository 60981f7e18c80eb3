"""The Adamax optimizer."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.optimizers.transforms import bias_correction, update_moment
from cornu.typing import Array

__all__ = ["Adamax"]


@registry.register("optimizers")
class Adamax(Optimizer):
    """Adamax optimizer, a variant of Adam based on the infinity norm.

    With gradient ``g`` and step ``t`` (starting at 1)::

        m = beta_1 * m + (1 - beta_1) * g
        u = maximum(beta_2 * u, abs(g))
        weight = weight - learning_rate / (1 - beta_1 ** t) * m / (u + epsilon)

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        beta_1: Float in [0, 1), the decay rate of the moving average of gradients. Defaults to 0.9.
        beta_2: Float in [0, 1), the decay rate of the exponentially weighted infinity norm. Defaults to 0.999.
        epsilon: Small positive float added for numerical stability. Defaults to 1e-7.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    References:
        Kingma and Ba, 2014, "Adam: A Method for Stochastic Optimization", section 7, https://arxiv.org/abs/1412.6980

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Adamax(learning_rate=0.5).apply([[7.0]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.5]
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
        """Return the slots of the average of gradients and of the infinity norm."""
        return [{"momentum": 0.0, "norm": 0.0}]

    def update_one(
        self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array
    ) -> tuple[Any, dict]:
        """Compute one step for one weight."""
        mean = update_moment(slots["momentum"], gradient, self.beta_1)
        norm = ops.maximum(self.beta_2 * slots["norm"], ops.abs(gradient))
        rate = learning_rate / bias_correction(self.beta_1, step)
        return weight - rate * mean / (norm + self.epsilon), {"momentum": mean, "norm": norm}
