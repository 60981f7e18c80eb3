"""Steps from moving averages of gradients and of their squares: Adam and its relatives."""

from typing import Any

from cornu import ops
from cornu.backends import shortcuts
from cornu.optimizers import transforms
from cornu.optimizers.optimizer import Optimizer


class Adam(Optimizer):
    """A moving average of gradients, divided by the root of a moving average of their squares.

    Source: Kingma and Ba, 2014, https://arxiv.org/abs/1412.6980

    Args:
        learning_rate: How far to go: a number or a schedule.
        beta_1: How much of the average of gradients is kept at each step.
        beta_2: How much of the average of squares is kept at each step.
        epsilon: A small number that keeps the division finite.
        amsgrad: Whether to divide by the largest average of squares so far (https://arxiv.org/abs/1904.09237).
        weight_decay: This and all further arguments: see :class:`Optimizer`.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0, 1.0])
        >>> optimizers.Adam(learning_rate=0.5).apply([[7.0, -0.1]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.5, 1.5]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def slot_groups(self) -> list[dict[str, float]]:
        """The two averages, and with ``amsgrad`` the largest average of squares."""
        return [{"momentum": 0.0, "velocity": 0.0}, *([{"velocity_hat": 0.0}] if self.amsgrad else [])]

    def update_one(self, gradient: Any, slots: dict[str, Any], weight: Any, learning_rate: Any, step: Any) -> tuple[Any, dict]:
        """One step for one weight."""
        rate = learning_rate * ops.sqrt(1 - ops.power(self.beta_2, step)) / (1 - ops.power(self.beta_1, step))
        quick = None if self.amsgrad else shortcuts.find("adam", weight)
        if quick is not None:
            moments, settings = (slots["momentum"], slots["velocity"]), (self.beta_1, self.beta_2, self.epsilon)
            weight, momentum, velocity = quick(weight, gradient, *moments, rate, *settings)
            return weight, {"momentum": momentum, "velocity": velocity}
        new = _next_moments(gradient, slots, self.beta_1, self.beta_2)
        velocity = new["velocity"]
        if self.amsgrad:
            velocity = new["velocity_hat"] = ops.maximum(slots["velocity_hat"], velocity)
        return weight - rate * new["momentum"] / (ops.sqrt(velocity) + self.epsilon), new


def _next_moments(gradient: Any, slots: dict[str, Any], beta_1: float, beta_2: float) -> dict[str, Any]:
    """The moving averages of gradients, the momentum, and of their squares, the velocity, one step on."""
    momentum, velocity = slots["momentum"], slots["velocity"]
    return {
        "momentum": momentum + (gradient - momentum) * (1 - beta_1),
        "velocity": velocity + (ops.square(gradient) - velocity) * (1 - beta_2),
    }


class AdamW(Adam):
    """Adam with weight decay.

    Source: Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101

    Args:
        learning_rate: How far to go: a number or a schedule.
        weight_decay: The part of each weight that is taken away at each step, times the learning rate.
        beta_1: As in :class:`Adam`, and so all further arguments.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.AdamW(learning_rate=0.5, weight_decay=0.5).apply([[7.0]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.25]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )


class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of the root of the average of squares.

    Source: Kingma and Ba, 2014, https://arxiv.org/abs/1412.6980, section 7

    Args:
        learning_rate: How far to go: a number or a schedule.
        beta_1: How much of the average of gradients is kept at each step.
        beta_2: How much of the largest gradient is kept at each step.
        epsilon: A small number that keeps the division finite.
        weight_decay: This and all further arguments: see :class:`Optimizer`.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Adamax(learning_rate=0.5).apply([[7.0]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.5]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self) -> list[dict[str, float]]:
        """The average of gradients and the largest of them."""
        return [{"momentum": 0.0, "norm": 0.0}]

    def update_one(self, gradient: Any, slots: dict[str, Any], weight: Any, learning_rate: Any, step: Any) -> tuple[Any, dict]:
        """One step for one weight."""
        mean = slots["momentum"] + (gradient - slots["momentum"]) * (1 - self.beta_1)
        norm = ops.maximum(self.beta_2 * slots["norm"], ops.abs(gradient))
        rate = learning_rate / (1 - ops.power(self.beta_1, step))
        return weight - rate * mean / (norm + self.epsilon), {"momentum": mean, "norm": norm}


class Nadam(Optimizer):
    """Adam with Nesterov's look ahead.

    Source: Dozat, 2016, https://cs229.stanford.edu/proj2015/054_report.pdf

    Args:
        learning_rate: How far to go: a number or a schedule.
        beta_1: How much of the average of gradients is kept at each step.
        beta_2: How much of the average of squares is kept at each step.
        epsilon: A small number that keeps the division finite.
        weight_decay: This and all further arguments: see :class:`Optimizer`.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Nadam(learning_rate=0.5).apply([[7.0]], [weight])
        >>> [round(value, 4) for value in weight.numpy().tolist()]
        [0.4686]
    """

    scalar_slots = (("u_product", 1.0),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self) -> list[dict[str, float]]:
        """The two averages."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def update_scalars(self, scalars: dict[str, Any], step: Any) -> dict[str, Any]:
        """The product of all momenta so far."""
        product = scalars["u_product"]
        return {"u_product": transforms.as_dtype_of(product, ops.multiply(product, self._momentum(step)))}

    def _momentum(self, step: Any) -> Any:
        """The momentum at a step, which grows from half of ``beta_1`` to ``beta_1``."""
        return self.beta_1 * (1 - 0.5 * ops.power(0.96, step))

    def update_one(self, gradient: Any, slots: dict[str, Any], weight: Any, learning_rate: Any, step: Any) -> tuple[Any, dict]:
        """One step for one weight."""
        new = _next_moments(gradient, slots, self.beta_1, self.beta_2)
        now, following, product = self._momentum(step), self._momentum(step + 1), slots["u_product"]
        momentum = following * new["momentum"] / (1 - product * following) + (1 - now) * gradient / (1 - product)
        velocity = new["velocity"] / (1 - ops.power(self.beta_2, step))
        return weight - learning_rate * momentum / (ops.sqrt(velocity) + self.epsilon), new
