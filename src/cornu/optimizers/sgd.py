"""Steps along the gradient: stochastic gradient descent and Lion."""

from typing import Any

from cornu import ops
from cornu.errors import InvalidArgumentError
from cornu.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted.

    ``velocity = momentum * velocity - learning_rate * gradient``, and the weight moves by the velocity, or with ``nesterov`` by
    ``momentum * velocity - learning_rate * gradient``.

    Source: Sutskever et al., 2013, https://proceedings.mlr.press/v28/sutskever13.html

    Args:
        learning_rate: How far to go: a number or a schedule.
        momentum: From 0 to 1: how much of the last step is kept.
        nesterov: Whether to look ahead along the velocity.
        weight_decay: This and all further arguments: see :class:`Optimizer`.

    Raises:
        InvalidArgumentError: ``momentum`` is not between 0 and 1.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizer = optimizers.SGD(learning_rate=0.25, momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.apply([[1.0]], [weight])
        >>> weight.numpy().tolist()
        [0.375]
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        if not 0 <= momentum <= 1:
            raise InvalidArgumentError(
                f"`momentum={momentum!r}` was given.", "It must lie between 0 and 1.", "Pass `momentum=0.9`."
            )
        self.momentum, self.nesterov = momentum, nesterov

    def slot_groups(self) -> list[dict[str, float]]:
        """The velocity (Keras's files call it momentum), if there is any."""
        return [{"momentum": 0.0}] if self.momentum else []

    def update_one(self, gradient: Any, slots: dict[str, Any], weight: Any, learning_rate: Any, step: Any) -> tuple[Any, dict]:
        """One step for one weight."""
        move = -learning_rate * gradient
        if not self.momentum:
            return weight + move, {}
        velocity = self.momentum * slots["momentum"] + move
        return weight + (self.momentum * velocity + move if self.nesterov else velocity), {"momentum": velocity}


class Lion(Optimizer):
    """Steps of one size: only the sign of a mean of gradients counts. Wants a learning rate 3 to 10 times smaller than Adam's.

    Source: Chen et al., 2023, https://arxiv.org/abs/2302.06675

    Args:
        learning_rate: How far to go: a number or a schedule.
        beta_1: How much of the mean is mixed with the gradient to make the step; between 0 and 1.
        beta_2: How much of the mean is kept.
        weight_decay: This and all further arguments: see :class:`Optimizer`.

    Raises:
        InvalidArgumentError: ``beta_1`` is not between 0 and 1.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0, 1.0])
        >>> optimizers.Lion(learning_rate=0.5).apply([[7.0, -0.1]], [weight])
        >>> weight.numpy().tolist()
        [0.5, 1.5]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
        if not 0 < beta_1 <= 1:
            raise InvalidArgumentError(f"`beta_1={beta_1!r}` was given.", "It must lie between 0 and 1.", "Pass `beta_1=0.9`.")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def slot_groups(self) -> list[dict[str, float]]:
        """The mean of the gradients."""
        return [{"momentum": 0.0}]

    def update_one(self, gradient: Any, slots: dict[str, Any], weight: Any, learning_rate: Any, step: Any) -> tuple[Any, dict]:
        """One step for one weight."""
        mean = slots["momentum"]
        direction = ops.sign(self.beta_1 * mean + (1 - self.beta_1) * gradient)
        return weight - learning_rate * direction, {"momentum": self.beta_2 * mean + (1 - self.beta_2) * gradient}
