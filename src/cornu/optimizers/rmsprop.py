"""Steps divided by the usual size of the gradient: RMSprop, Adagrad and Adadelta."""

from typing import Any

from cornu import ops
from cornu.optimizers.optimizer import Optimizer


class RMSprop(Optimizer):
    """Gradient descent divided by the root of a moving average of squared gradients.

    Source: Hinton, 2012, http://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf

    Args:
        learning_rate: How far to go: a number or a schedule.
        rho: How much of the average is kept at each step.
        momentum: How much of the last step is kept.
        epsilon: A small number that keeps the division finite.
        centered: Whether to divide by the gradients' deviation (their mean taken off) instead.
        weight_decay: This and all further arguments: see :class:`Optimizer`.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.RMSprop(learning_rate=0.1, rho=0.75).apply([[5.0]], [weight])
        >>> round(float(weight.numpy()[0]), 4)
        0.8
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def slot_groups(self) -> list[dict[str, float]]:
        """The mean of squared gradients; with ``momentum`` the last step; if ``centered`` the mean of gradients."""
        names = ["velocity", *(["momentum"] if self.momentum else []), *(["average_gradient"] if self.centered else [])]
        return [{name: 0.0} for name in names]

    def update_one(self, gradient: Any, slots: dict[str, Any], weight: Any, learning_rate: Any, step: Any) -> tuple[Any, dict]:
        """One step for one weight."""
        new = {"velocity": self.rho * slots["velocity"] + (1 - self.rho) * ops.square(gradient)}
        variance = new["velocity"]
        if self.centered:
            new["average_gradient"] = self.rho * slots["average_gradient"] + (1 - self.rho) * gradient
            variance = variance - ops.square(new["average_gradient"])
        move = learning_rate * gradient / ops.sqrt(variance + self.epsilon)
        if self.momentum:
            move = new["momentum"] = self.momentum * slots["momentum"] + move
        return weight - move, new


class Adagrad(Optimizer):
    """Gradient descent divided by the root of the sum of all squared gradients so far.

    Source: Duchi et al., 2011, https://www.jmlr.org/papers/v12/duchi11a.html

    Args:
        learning_rate: How far to go: a number or a schedule. Wants larger ones than other optimizers, such as 1.0.
        initial_accumulator_value: Where the sum starts.
        epsilon: A small number that keeps the division finite.
        weight_decay: This and all further arguments: see :class:`Optimizer`.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Adagrad(learning_rate=0.5, initial_accumulator_value=0.0).apply([[5.0]], [weight])
        >>> round(float(weight.numpy()[0]), 4)
        0.5
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
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
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def slot_groups(self) -> list[dict[str, float]]:
        """The sum of squared gradients."""
        return [{"accumulator": self.initial_accumulator_value}]

    def update_one(self, gradient: Any, slots: dict[str, Any], weight: Any, learning_rate: Any, step: Any) -> tuple[Any, dict]:
        """One step for one weight."""
        total = slots["accumulator"] + ops.square(gradient)
        return weight - learning_rate * gradient / ops.sqrt(total + self.epsilon), {"accumulator": total}


class Adadelta(Optimizer):
    """Steps as large as recent steps, by the size of the gradient against recent gradients.

    Source: Zeiler, 2012, https://arxiv.org/abs/1212.5701

    Args:
        learning_rate: A factor: a number or a schedule; 1.0 as in the paper.
        rho: How much of the averages is kept at each step.
        epsilon: A small number that keeps the division finite and gets things moving.
        weight_decay: This and all further arguments: see :class:`Optimizer`.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0])
        >>> optimizers.Adadelta(learning_rate=1.0, rho=0.75, epsilon=0.01).apply([[5.0]], [weight])
        >>> round(float(weight.numpy()[0]), 4)
        0.8002
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
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
        self.rho, self.epsilon = rho, epsilon

    def slot_groups(self) -> list[dict[str, float]]:
        """The means of squared gradients and of squared steps."""
        return [{"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}]

    def update_one(self, gradient: Any, slots: dict[str, Any], weight: Any, learning_rate: Any, step: Any) -> tuple[Any, dict]:
        """One step for one weight."""
        squares, steps = slots["accumulated_grad"], slots["accumulated_delta_var"]
        squares = self.rho * squares + (1 - self.rho) * ops.square(gradient)
        move = -ops.sqrt(steps + self.epsilon) / ops.sqrt(squares + self.epsilon) * gradient
        steps = self.rho * steps + (1 - self.rho) * ops.square(move)
        return weight + learning_rate * move, {"accumulated_grad": squares, "accumulated_delta_var": steps}
