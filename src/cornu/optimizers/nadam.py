"""The Nadam optimizer."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.optimizers.transforms import bias_correction, cast_like, update_moment
from cornu.typing import Array, ArrayLike

__all__ = ["Nadam"]


@registry.register("optimizers")
class Nadam(Optimizer):
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

    def update_scalars(self, scalars: dict[str, Any], step: ArrayLike) -> dict[str, Any]:
        """Return the product of all momentum values so far."""
        product = scalars["u_product"]
        return {"u_product": cast_like(product, ops.multiply(product, self._momentum(step)))}

    def _momentum(self, step: ArrayLike) -> Any:
        """Return the momentum at a step, which increases from about half of ``beta_1`` to ``beta_1``."""
        return self.beta_1 * (1 - 0.5 * ops.power(0.96, step))

    def update_one(
        self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array
    ) -> tuple[Any, dict]:
        """Compute one step for one weight."""
        momentum = update_moment(slots["momentum"], gradient, self.beta_1)
        velocity = update_moment(slots["velocity"], ops.square(gradient), self.beta_2)
        now, following, product = self._momentum(step), self._momentum(step + 1), slots["u_product"]
        m_hat = following * momentum / (1 - product * following) + (1 - now) * gradient / (1 - product)
        v_hat = velocity / bias_correction(self.beta_2, step)
        move = learning_rate * m_hat / (ops.sqrt(v_hat) + self.epsilon)
        return weight - move, {"momentum": momentum, "velocity": velocity}
