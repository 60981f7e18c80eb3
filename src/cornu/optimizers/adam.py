"""The Adam and AdamW optimizers."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.backends import fused_ops
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.shared_arguments import OptimizerArguments, SharedArguments, with_shared_arguments
from cornu.optimizers.transforms import bias_correction, update_moment
from cornu.typing import Array

__all__ = ["Adam", "AdamW"]


@registry.register("optimizers")
class Adam(Optimizer):
    """Adam optimizer.

    With gradient ``g`` and step ``t`` (starting at 1)::

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g ** 2
        rate = learning_rate * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t)
        weight = weight - rate * m / (sqrt(v) + epsilon)

    With ``amsgrad``, ``v_hat = maximum(v_hat, v)`` replaces ``v`` in the last line.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        beta_1: Float in [0, 1), the decay rate of the moving average of gradients. Defaults to 0.9.
        beta_2: Float in [0, 1), the decay rate of the moving average of squared gradients. Defaults to 0.999.
        epsilon: Small positive float added for numerical stability. Defaults to 1e-7.
        amsgrad: Whether to divide by the maximum of the averages of squared gradients so far. Defaults to False.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    References:
        Kingma and Ba, 2014, "Adam: A Method for Stochastic Optimization", https://arxiv.org/abs/1412.6980
        Reddi et al., 2018, "On the Convergence of Adam and Beyond", https://arxiv.org/abs/1904.09237 (``amsgrad``)

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0, 1.0])
        >>> optimizers.Adam(learning_rate=0.5).apply([[7.0, -0.1]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.5, 1.5]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the two moving averages, and with ``amsgrad`` of the maximum average of squared gradients."""
        return [{"momentum": 0.0, "velocity": 0.0}, *([{"velocity_hat": 0.0}] if self.amsgrad else [])]

    def update_one(
        self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array
    ) -> tuple[Any, dict]:
        """Compute one step for one weight."""
        rate = learning_rate * ops.sqrt(bias_correction(self.beta_2, step)) / bias_correction(self.beta_1, step)
        quick = None if self.amsgrad else fused_ops.find("adam", weight)
        if quick is not None:
            moments, settings = (slots["momentum"], slots["velocity"]), (self.beta_1, self.beta_2, self.epsilon)
            weight, momentum, velocity = quick(weight, gradient, *moments, rate, *settings)
            return weight, {"momentum": momentum, "velocity": velocity}
        momentum = update_moment(slots["momentum"], gradient, self.beta_1)
        velocity = update_moment(slots["velocity"], ops.square(gradient), self.beta_2)
        new = {"momentum": momentum, "velocity": velocity}
        if self.amsgrad:
            velocity = new["velocity_hat"] = ops.maximum(slots["velocity_hat"], velocity)
        return weight - rate * momentum / (ops.sqrt(velocity) + self.epsilon), new


@registry.register("optimizers", aliases=("adamw",))
class AdamW(Adam):
    """Adam optimizer with decoupled weight decay.

    At each step, ``weight = weight - weight_decay * learning_rate * weight``, followed by the update of :class:`Adam`.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        weight_decay: Float, the fraction of each weight, times the learning rate, that is subtracted at each step. Defaults to
            0.004.
        beta_1: Float; see :class:`Adam` for this and the remaining arguments. Defaults to 0.9.

    References:
        Loshchilov and Hutter, 2019, "Decoupled Weight Decay Regularization", https://arxiv.org/abs/1711.05101

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.AdamW(learning_rate=0.5, weight_decay=0.5).apply([[7.0]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.25]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[SharedArguments],
    ):
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            **kwargs,
        )
