"""Adam and its variants."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.backends import fused_ops
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import OptimizerArguments, SharedArguments, with_shared_arguments
from cornu.optimizers.transforms import bias_correction, cast_like, update_moment, update_moments
from cornu.typing import Array, ArrayLike

__all__ = ["Adam", "AdamW", "Adamax", "Lamb", "Nadam"]


class MomentOptimizer(Optimizer):
    """Base class of optimizers with moving averages of gradients and of their squares, whose decay rates are arguments.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        beta_1: Float, the decay rate of the moving average of gradients. Defaults to 0.9.
        beta_2: Float, the decay rate of the moving average of squared gradients. Defaults to 0.999.
        epsilon: Small positive float added for numerical stability. Defaults to 1e-7.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.
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


@registry.register("optimizers")
class Adam(MomentOptimizer):
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
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **kwargs)
        self.amsgrad = amsgrad

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the two moving averages, and with ``amsgrad`` of the maximum average of squared gradients."""
        return [*super().slot_groups(), *([{"velocity_hat": 0.0}] if self.amsgrad else [])]

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        rate = learning_rate * ops.sqrt(bias_correction(self.beta_2, step)) / bias_correction(self.beta_1, step)
        quick = None if self.amsgrad else fused_ops.find("adam", weight)
        if quick is not None:
            moments, settings = (slots["momentum"], slots["velocity"]), (self.beta_1, self.beta_2, self.epsilon)
            weight, momentum, velocity = quick(weight, gradient, *moments, rate, *settings)
            return weight, {"momentum": momentum, "velocity": velocity}
        new = update_moments(slots, gradient, self.beta_1, self.beta_2)
        velocity = new["velocity"]
        if self.amsgrad:
            velocity = new["velocity_hat"] = ops.maximum(slots["velocity_hat"], velocity)
        return weight - rate * new["momentum"] / (ops.sqrt(velocity) + self.epsilon), new


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
            learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, amsgrad=amsgrad, weight_decay=weight_decay, **kwargs
        )


@registry.register("optimizers")
class Adamax(MomentOptimizer):
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

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the average of gradients and of the infinity norm."""
        return [{"momentum": 0.0, "norm": 0.0}]

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        mean = update_moment(slots["momentum"], gradient, self.beta_1)
        norm = ops.maximum(self.beta_2 * slots["norm"], ops.abs(gradient))
        rate = learning_rate / bias_correction(self.beta_1, step)
        return weight - rate * mean / (norm + self.epsilon), {"momentum": mean, "norm": norm}


@registry.register("optimizers")
class Nadam(MomentOptimizer):
    """Nadam optimizer, Adam with Nesterov momentum.

    With gradient ``g``, step ``t`` (starting at 1) and ``u_t = beta_1 * (1 - 0.5 * 0.96 ** t)``::

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g ** 2
        m_hat = u_(t+1) * m / (1 - u_1 * ... * u_(t+1)) + (1 - u_t) * g / (1 - u_1 * ... * u_t)
        v_hat = v / (1 - beta_2 ** t)
        weight = weight - learning_rate * m_hat / (sqrt(v_hat) + epsilon)

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        beta_1: Float in [0, 1), the decay rate of the moving average of gradients. Defaults to 0.9.
        beta_2: Float in [0, 1), the decay rate of the moving average of squared gradients. Defaults to 0.999.
        epsilon: Small positive float added for numerical stability. Defaults to 1e-7.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    References:
        Dozat, 2016, "Incorporating Nesterov Momentum into Adam", https://cs229.stanford.edu/proj2015/054_report.pdf

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Nadam(learning_rate=0.5).apply([[7.0]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.4686]
    """

    scalar_slots = (("u_product", 1.0),)

    def update_scalars(self, scalars: dict[str, Any], step: ArrayLike) -> dict[str, Any]:
        """Return the product of all momentum values so far."""
        product = scalars["u_product"]
        return {"u_product": cast_like(product, ops.multiply(product, self._momentum(step)))}

    def _momentum(self, step: ArrayLike) -> Any:
        """Return the momentum at a step, which increases from about half of ``beta_1`` to ``beta_1``."""
        return self.beta_1 * (1 - 0.5 * ops.power(0.96, step))

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        new = update_moments(slots, gradient, self.beta_1, self.beta_2)
        now, following, product = self._momentum(step), self._momentum(step + 1), slots["u_product"]
        m_hat = following * new["momentum"] / (1 - product * following) + (1 - now) * gradient / (1 - product)
        v_hat = new["velocity"] / bias_correction(self.beta_2, step)
        return weight - learning_rate * m_hat / (ops.sqrt(v_hat) + self.epsilon), new


@registry.register("optimizers")
class Lamb(MomentOptimizer):
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

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        new = update_moments(slots, gradient, self.beta_1, self.beta_2)
        root = ops.sqrt(new["velocity"] / bias_correction(self.beta_2, step)) + self.epsilon
        direction = new["momentum"] / bias_correction(self.beta_1, step) / root
        length, goal = ops.norm(direction), ops.norm(weight)
        ratio = ops.where(ops.logical_and(goal > 0, length > 0), goal / ops.where(length > 0, length, 1), 1)
        return weight - learning_rate * ratio * direction, new
