"""The RMSprop optimizer."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.optimizers.transforms import update_moment
from cornu.typing import Array

__all__ = ["RMSprop"]


@registry.register("optimizers", aliases=("rmsprop",))
class RMSprop(Optimizer):
    """RMSprop optimizer.

    With gradient ``g``::

        v = rho * v + (1 - rho) * g ** 2
        step = learning_rate * g / sqrt(v + epsilon)
        weight = weight - step

    With ``momentum``, ``step = momentum * previous_step + learning_rate * g / sqrt(v + epsilon)``. If ``centered``,
    ``v - average_gradient ** 2`` replaces ``v``, where ``average_gradient = rho * average_gradient + (1 - rho) * g``.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        rho: Float in [0, 1), the decay rate of the moving averages. Defaults to 0.9.
        momentum: Float, the fraction of the previous step that is added. Defaults to 0.
        epsilon: Small positive float added for numerical stability. Defaults to 1e-7.
        centered: Whether to divide by the estimated standard deviation of the gradients. Defaults to False.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    References:
        Tieleman and Hinton, 2012, "Lecture 6.5 - RMSProp",
        http://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.RMSprop(learning_rate=0.1, rho=0.75).apply([[5.0]], [weight])
        >>> round(float(weight.numpy()[0]), 4)
        0.8
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots: averages of squared gradients and (if ``centered``) of gradients, (with ``momentum``) the step."""
        names = ["velocity", *(["momentum"] if self.momentum else []), *(["average_gradient"] if self.centered else [])]
        return [{name: 0.0} for name in names]

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        new = {"velocity": update_moment(slots["velocity"], ops.square(gradient), self.rho)}
        variance = new["velocity"]
        if self.centered:
            new["average_gradient"] = update_moment(slots["average_gradient"], gradient, self.rho)
            variance = variance - ops.square(new["average_gradient"])
        move = learning_rate * gradient / ops.sqrt(variance + self.epsilon)
        if self.momentum:
            move = new["momentum"] = self.momentum * slots["momentum"] + move
        return weight - move, new
