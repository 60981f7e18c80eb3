"""The Lion optimizer."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.optimizers.transforms import update_moment
from cornu.typing import Array
from cornu.validation import check_between

__all__ = ["Lion"]


@registry.register("optimizers")
class Lion(Optimizer):
    """Lion optimizer, whose steps use only the sign of a mean of gradients.

    With gradient ``g``::

        weight = weight - learning_rate * sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g

    It requires a learning rate 3 to 10 times smaller than that of Adam.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        beta_1: Float in (0, 1], the weight of the average when it is combined with the gradient for the step. Defaults to 0.9.
        beta_2: Float in [0, 1], the decay rate of the moving average of gradients. Defaults to 0.99.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    Raises:
        InvalidArgumentError: ``beta_1`` is not in (0, 1].

    References:
        Chen et al., 2023, "Symbolic Discovery of Optimization Algorithms", https://arxiv.org/abs/2302.06675

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0, 1.0])
        >>> optimizers.Lion(learning_rate=0.5).apply([[7.0, -0.1]], [weight])
        >>> weight.numpy().tolist()
        [0.5, 1.5]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta_1, self.beta_2 = check_between(self, "beta_1", beta_1, without=(0,)), beta_2

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slot of the moving average of gradients."""
        return [{"momentum": 0.0}]

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        mean = slots["momentum"]
        direction = ops.sign(update_moment(mean, gradient, self.beta_1))
        return weight - learning_rate * direction, {"momentum": update_moment(mean, gradient, self.beta_2)}
