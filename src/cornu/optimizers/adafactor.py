"""The Adafactor optimizer."""

from typing import Any, Unpack

import numpy as np

from cornu import ops, registry
from cornu.core.variable import Variable
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.optimizers.transforms import update_moment
from cornu.typing import Array, ArrayLike

__all__ = ["Adafactor"]


@registry.register("optimizers")
class Adafactor(Optimizer):
    """Adafactor optimizer, which estimates the mean of squared gradients of a matrix from those of its rows and columns.

    With gradient ``g``, step ``t`` (starting at 1) and ``beta = 1 - t ** beta_2_decay``::

        r = beta * r + (1 - beta) * mean(g ** 2 + epsilon_1, axis=-1)
        c = beta * c + (1 - beta) * mean(g ** 2 + epsilon_1, axis=-2)
        v = r / mean(r, axis=-1) * c
        u = g / sqrt(v)
        rate = maximum(epsilon_2, rms(weight)) * minimum(learning_rate, 1 / sqrt(t))
        weight = weight - rate * u / maximum(1, rms(u) / clip_threshold)

    where ``rms`` is the root of the mean of squares. For a weight with fewer than two axes,
    ``v = beta * v + (1 - beta) * (g ** 2 + epsilon_1)``.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        beta_2_decay: Float, at most 0, how the decay rate of the averages changes with the step. Defaults to -0.8.
        epsilon_1: Small positive float, the ``epsilon_1`` of the formula. Defaults to 1e-30.
        epsilon_2: Small positive float, the least scale of a weight, so that weights of zeros are trained. Defaults to 1e-3.
        clip_threshold: Positive float, the largest root mean square of an update. Defaults to 1.0.
        relative_step: Whether the learning rate is limited to ``1 / sqrt(t)``. As in Keras, it is in any case. Defaults to
            True.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    References:
        Shazeer and Stern, 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost",
        https://arxiv.org/abs/1804.04235

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([[1.0, 1.0]])
        >>> optimizers.Adafactor(learning_rate=0.5).apply([[[7.0, -0.1]]], [weight])
        >>> [round(value, 4) for value in weight.numpy()[0].tolist()]
        [0.5, 1.5]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the averages of rows and columns and of their product (named velocity in Keras files)."""
        return [{"r": 0.0, "c": 0.0, "velocity": 0.0}]

    def first_slot(self, name: str, value: float, weight: Variable | Array) -> ArrayLike:
        """Return the first value of a slot; a weight with fewer than two axes has integers in the places of the averages."""
        shape = tuple(weight.shape)
        if name == "velocity":
            return np.zeros(shape)
        if len(shape) < 2:
            return np.int32(0)
        return np.zeros(shape[:-1] if name == "r" else (*shape[:-2], shape[-1]))

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        beta, squares, new = 1 - ops.power(step, self.beta_2_decay), ops.square(gradient) + self.epsilon_1, dict(slots)
        if len(weight.shape) < 2:
            new["velocity"] = update_moment(slots["velocity"], squares, beta)
        else:
            new["r"] = rows = update_moment(slots["r"], ops.mean(squares, axis=-1), beta)
            new["c"] = update_moment(slots["c"], ops.mean(squares, axis=-2), beta)
            shares = rows / ops.mean(rows, axis=-1, keepdims=True)
            new["velocity"] = ops.expand_dims(shares, -1) * ops.expand_dims(new["c"], -2)
        update = gradient / ops.sqrt(new["velocity"])
        update = update / ops.maximum(1.0, _root_mean_square(update) / self.clip_threshold)
        rate = ops.minimum(learning_rate, 1 / ops.sqrt(step))
        return weight - ops.maximum(self.epsilon_2, _root_mean_square(weight)) * rate * update, new


def _root_mean_square(x: Array) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))
