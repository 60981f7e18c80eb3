"""The schedule-free AdamW optimizer."""

from collections.abc import Callable
from typing import Any, Unpack

from cornu import ops, registry
from cornu.core.variable import Variable
from cornu.optimizers.adam import MomentOptimizer
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Update
from cornu.optimizers.shared_arguments import OptimizerArguments, with_shared_arguments
from cornu.optimizers.transforms import bias_correction, update_moment
from cornu.typing import Array, ArrayLike
from cornu.validation import check_between

__all__ = ["ScheduleFreeAdamW"]


@registry.register("optimizers", aliases=("schedulefreeadamw",))
class ScheduleFreeAdamW(MomentOptimizer):
    """Schedule-free AdamW optimizer, which averages the weights instead of decreasing the learning rate.

    With gradient ``g`` and step ``t`` (starting at 1), where ``z`` is the weight at first::

        x = (weight - (1 - beta_1) * z) / beta_1
        v = beta_2 * v + (1 - beta_2) * g ** 2
        z = z - learning_rate * minimum(t / warmup_steps, 1) * g / (sqrt(v / (1 - beta_2 ** t)) + epsilon)
        x = (1 - 1 / t) * x + 1 / t * z
        weight = (1 - beta_1) * z + beta_1 * x

    As in Keras, the model is evaluated and saved with ``weight``, not with the average ``x``.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.0025.
        beta_1: Float in (0, 1], the share of the average in the weight. Defaults to 0.9.
        beta_2: Float in [0, 1), the decay rate of the moving average of squared gradients. Defaults to 0.999.
        epsilon: Small positive float added for numerical stability. Defaults to 1e-8.
        warmup_steps: Integer, number of steps during which the learning rate increases. Defaults to 0.
        weight_decay: Float; see :class:`Optimizer` for this and the remaining arguments. Defaults to None.

    Raises:
        InvalidArgumentError: ``beta_1`` is out of its range.

    References:
        Defazio et al., 2024, "The Road Less Scheduled", https://arxiv.org/abs/2405.15682

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0, 1.0])
        >>> optimizers.ScheduleFreeAdamW(learning_rate=0.5).apply([[7.0, -0.1]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.5, 1.5]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **kwargs)
        check_between(self, "beta_1", beta_1, without=(0,))
        self.warmup_steps = warmup_steps

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the sequence without averaging (named momentum in Keras files) and of squared gradients."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def first_slot(self, name: str, value: float, weight: Variable | Array) -> ArrayLike | Callable | None:
        """Return the first value of a slot; that of the momentum is the weight, read when training begins."""
        if name == "momentum":
            return lambda shape, dtype: weight.numpy() if isinstance(weight, Variable) else weight
        return super().first_slot(name, value, weight)

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        if self.warmup_steps > 0:
            learning_rate = learning_rate * ops.minimum(step / self.warmup_steps, 1.0)
        momentum, share = slots["momentum"], 1 / step
        average = (weight - (1 - self.beta_1) * momentum) / self.beta_1
        velocity = update_moment(slots["velocity"], ops.square(gradient), self.beta_2)
        root = ops.sqrt(velocity / bias_correction(self.beta_2, step)) + self.epsilon
        momentum = momentum - learning_rate * gradient / root
        average = (1 - share) * average + share * momentum
        return update_moment(average, momentum, self.beta_1), {"momentum": momentum, "velocity": velocity}
