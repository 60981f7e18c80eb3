"""The Adadelta optimizer."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.optimizers.transforms import update_moment
from cornu.typing import Array

__all__ = ["Adadelta"]


@registry.register("optimizers")
class Adadelta(Optimizer):
    """Adadelta optimizer.

    With gradient ``g``::

        s = rho * s + (1 - rho) * g ** 2
        delta = -sqrt(d + epsilon) / sqrt(s + epsilon) * g
        d = rho * d + (1 - rho) * delta ** 2
        weight = weight + learning_rate * delta

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function; 1.0 as in the paper. Defaults to 0.001.
        rho: Float in [0, 1), the decay rate of the moving averages. Defaults to 0.95.
        epsilon: Small positive float for numerical stability, which also determines the size of the first steps. Defaults to
            1e-7.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    References:
        Zeiler, 2012, "ADADELTA: An Adaptive Learning Rate Method", https://arxiv.org/abs/1212.5701

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Adadelta(learning_rate=1.0, rho=0.75, epsilon=0.01).apply([[5.0]], [weight])
        >>> round(float(weight.numpy()[0]), 4)
        0.8002
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the moving averages of squared gradients and squared steps."""
        return [{"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}]

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        squares = update_moment(slots["accumulated_grad"], ops.square(gradient), self.rho)
        steps = slots["accumulated_delta_var"]
        move = -ops.sqrt(steps + self.epsilon) / ops.sqrt(squares + self.epsilon) * gradient
        steps = update_moment(steps, ops.square(move), self.rho)
        return weight + learning_rate * move, {"accumulated_grad": squares, "accumulated_delta_var": steps}
