"""Stochastic gradient descent with momentum."""

from typing import Any, Unpack

from cornu import registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.typing import Array
from cornu.validation import check_between

__all__ = ["SGD"]


@registry.register("optimizers")
class SGD(Optimizer):
    """Stochastic gradient descent optimizer, with optional momentum.

    With gradient ``g``::

        velocity = momentum * velocity - learning_rate * g
        weight = weight + velocity

    With ``nesterov``, the last line is ``weight = weight + momentum * velocity - learning_rate * g``. Without momentum,
    ``weight = weight - learning_rate * g``.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.01.
        momentum: Float in [0, 1], the decay rate of the velocity. Defaults to 0.
        nesterov: Whether to use Nesterov momentum. Defaults to False.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    Raises:
        InvalidArgumentError: ``momentum`` is not between 0 and 1.

    References:
        Sutskever et al., 2013, "On the importance of initialization and momentum in deep learning",
        https://proceedings.mlr.press/v28/sutskever13.html

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizer = optimizers.SGD(learning_rate=0.25, momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.apply([[1.0]], [weight])
        >>> weight.numpy().tolist()
        [0.375]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum, self.nesterov = check_between(self, "momentum", momentum), nesterov

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slot of the velocity (named momentum in Keras files) if there is momentum."""
        return [{"momentum": 0.0}] if self.momentum else []

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        move = -learning_rate * gradient
        if not self.momentum:
            return weight + move, {}
        velocity = self.momentum * slots["momentum"] + move
        return weight + (self.momentum * velocity + move if self.nesterov else velocity), {"momentum": velocity}
