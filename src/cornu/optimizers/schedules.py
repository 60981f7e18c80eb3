"""Learning rate schedules: functions of the step that can be used in compiled code."""

import math
from collections.abc import Sequence
from typing import Any

from cornu import config, ops, registry, serialization
from cornu.errors import InvalidArgumentError
from cornu.typing import Array, ArrayLike
from cornu.validation import check_positive


class LearningRateSchedule(serialization.Configurable):
    """Base class of learning rate schedules. Subclasses override :meth:`__call__`.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.schedules import LearningRateSchedule
        >>> class Falling(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.5 / (1 + ops.cast(step, "float32"))
        >>> float(Falling()(1))
        0.25
    """

    def __call__(self, step: ArrayLike) -> Any:
        """Return the learning rate at a step.

        Args:
            step: Integer or array of shape ``()``, the number of steps made, starting at 0.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `__call__(step)`.")


def _float(step: ArrayLike) -> Array:
    return ops.cast(step, config.floatx())


@registry.register("optimizers.schedules")
class ExponentialDecay(LearningRateSchedule):
    """Exponential decay, ``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Args:
        initial_learning_rate: Float, the learning rate at step 0.
        decay_steps: Positive integer, the number of steps in which the rate decreases by the factor ``decay_rate``.
        decay_rate: Float, the decay factor.
        staircase: Whether ``step / decay_steps`` is rounded down, so that the rate changes every ``decay_steps`` steps.
            Defaults to False.
        name: Name of the schedule.

    Raises:
        InvalidArgumentError: ``decay_steps`` is not positive.

    Example:
        >>> from cornu.optimizers.schedules import ExponentialDecay
        >>> float(ExponentialDecay(1.0, decay_steps=10, decay_rate=0.5)(20))
        0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = check_positive(self, "decay_steps", decay_steps, 1000), staircase, name

    def __call__(self, step: ArrayLike) -> Any:
        """Return the learning rate at a step."""
        part = _float(step) / self.decay_steps
        return self.initial_learning_rate * ops.power(self.decay_rate, ops.floor(part) if self.staircase else part)


@registry.register("optimizers.schedules")
class InverseTimeDecay(LearningRateSchedule):
    """Inverse time decay, ``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Args:
        initial_learning_rate: Float, the learning rate at step 0.
        decay_steps: Positive integer, the number of steps per unit of decay.
        decay_rate: Float, the decay rate.
        staircase: Whether ``step / decay_steps`` is rounded down, so that the rate changes every ``decay_steps`` steps.
            Defaults to False.
        name: Name of the schedule.

    Raises:
        InvalidArgumentError: ``decay_steps`` is not positive.

    Example:
        >>> from cornu.optimizers.schedules import InverseTimeDecay
        >>> float(InverseTimeDecay(1.0, decay_steps=1, decay_rate=0.5)(2))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = check_positive(self, "decay_steps", decay_steps, 1000), staircase, name

    def __call__(self, step: ArrayLike) -> Any:
        """Return the learning rate at a step."""
        part = _float(step) / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (ops.floor(part) if self.staircase else part))


@registry.register("optimizers.schedules")
class PiecewiseConstantDecay(LearningRateSchedule):
    """Piecewise constant schedule: ``values[0]`` up to and including step ``boundaries[0]``, then ``values[1]``, and so on.

    Args:
        boundaries: Sequence of steps in increasing order.
        values: Sequence of learning rates, with one element more than ``boundaries``.
        name: Name of the schedule.

    Raises:
        InvalidArgumentError: ``values`` does not have exactly one element more than ``boundaries``.

    Example:
        >>> from cornu.optimizers.schedules import PiecewiseConstantDecay
        >>> schedule = PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
        >>> float(schedule(10)), float(schedule(11)), float(schedule(100))
        (1.0, 0.5, 0.25)
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(values) != len(boundaries) + 1:
            raise InvalidArgumentError(
                f"`PiecewiseConstantDecay` received {len(boundaries)} boundaries and {len(values)} values.",
                "`values` must have one element more than `boundaries`.",
                "Pass one value for the steps up to each boundary, and one for the steps after the last.",
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: ArrayLike) -> Any:
        """Return the learning rate at a step."""
        step = _float(step)
        rate = ops.full_like(step, self.values[0])
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = ops.where(ops.greater(step, boundary), value, rate)
        return rate


@registry.register("optimizers.schedules")
class PolynomialDecay(LearningRateSchedule):
    """Polynomial decay.

    ``(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps) ** power + end_learning_rate``, and
    ``end_learning_rate`` after step ``decay_steps``.

    Args:
        initial_learning_rate: Float, the learning rate at step 0.
        decay_steps: Positive integer, the number of steps until ``end_learning_rate`` is reached.
        end_learning_rate: Float, the final learning rate. Defaults to 0.0001.
        power: Float, the exponent; 1 (default) for linear decay.
        cycle: Whether to continue after ``decay_steps`` with a decay over the next multiple of it. Defaults to False.
        name: Name of the schedule.

    Raises:
        InvalidArgumentError: ``decay_steps`` is not positive.

    Example:
        >>> from cornu.optimizers.schedules import PolynomialDecay
        >>> float(PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.0)(5))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        self.initial_learning_rate, self.end_learning_rate = initial_learning_rate, end_learning_rate
        self.decay_steps = check_positive(self, "decay_steps", decay_steps, 1000)
        self.power, self.cycle, self.name = power, cycle, name

    def __call__(self, step: ArrayLike) -> Any:
        """Return the learning rate at a step."""
        part = _float(step) / self.decay_steps
        part = part / ops.maximum(ops.ceil(part), 1) if self.cycle else ops.minimum(part, 1)
        return (self.initial_learning_rate - self.end_learning_rate) * ops.power(1 - part, self.power) + self.end_learning_rate


@registry.register("optimizers.schedules")
class CosineDecay(LearningRateSchedule):
    """Cosine decay after an optional linear warm-up.

    ``peak * ((1 - alpha) * 0.5 * (1 + cos(pi * t)) + alpha)`` with ``t = minimum(step / decay_steps, 1)``, where ``peak`` is
    ``initial_learning_rate``. With a warm-up, the rate first increases linearly from ``initial_learning_rate`` to
    ``warmup_target`` in ``warmup_steps`` steps; ``peak`` is ``warmup_target``, and the steps of the decay are counted from the
    end of the warm-up.

    Args:
        initial_learning_rate: Float, the learning rate at step 0.
        decay_steps: Positive integer, the number of steps of the decay, without the warm-up.
        alpha: Float, the final learning rate as a fraction of the highest one. Defaults to 0.
        name: Name of the schedule.
        warmup_target: Float, the learning rate at the end of the warm-up. Defaults to None (no warm-up).
        warmup_steps: Integer, the number of steps of the warm-up. Defaults to 0.

    Raises:
        InvalidArgumentError: ``decay_steps`` is not positive.

    References:
        Loshchilov and Hutter, 2016, "SGDR: Stochastic Gradient Descent with Warm Restarts", https://arxiv.org/abs/1608.03983

    Example:
        >>> from cornu.optimizers.schedules import CosineDecay
        >>> schedule = CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=4)
        >>> float(schedule(1)), float(schedule(4)), float(schedule(14))
        (0.25, 1.0, 0.0)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.decay_steps = check_positive(self, "decay_steps", decay_steps, 1000)
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: ArrayLike) -> Any:
        """Return the learning rate at a step."""
        step = _float(step)
        if self.warmup_target is None:
            return self._decay(step, self.initial_learning_rate)
        decayed = self._decay(step - self.warmup_steps, self.warmup_target)
        if not self.warmup_steps:
            return decayed
        rise = (self.warmup_target - self.initial_learning_rate) * step / self.warmup_steps
        return ops.where(ops.less(step, self.warmup_steps), self.initial_learning_rate + rise, decayed)

    def _decay(self, step: Array, highest: float) -> Any:
        return highest * _cosine(ops.minimum(step / self.decay_steps, 1), self.alpha)


def _cosine(part: Array, alpha: float) -> Any:
    """Return a factor that decreases from 1 to ``alpha`` as ``part`` increases from 0 to 1."""
    return (1 - alpha) * 0.5 * (1 + ops.cos(math.pi * part)) + alpha


@registry.register("optimizers.schedules")
class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay with warm restarts.

    ``initial_learning_rate * ((1 - alpha) * m_mul ** i * 0.5 * (1 + cos(pi * t)) + alpha)``, where ``i`` is the number of
    restarts so far and ``t`` is the fraction of the current decay that has passed. Decay ``i`` lasts
    ``first_decay_steps * t_mul ** i`` steps.

    Args:
        initial_learning_rate: Float, the learning rate at step 0.
        first_decay_steps: Positive integer, the number of steps of the first decay.
        t_mul: Float, the factor by which each decay is longer than the previous one. Defaults to 2.
        m_mul: Float, the factor by which the initial learning rate of each decay is multiplied. Defaults to 1.
        alpha: Float, the learning rate at the end of a decay as a fraction of ``initial_learning_rate``. Defaults to 0.
        name: Name of the schedule.

    Raises:
        InvalidArgumentError: ``first_decay_steps`` is not positive.

    References:
        Loshchilov and Hutter, 2016, "SGDR: Stochastic Gradient Descent with Warm Restarts", https://arxiv.org/abs/1608.03983

    Example:
        >>> from cornu.optimizers.schedules import CosineDecayRestarts
        >>> schedule = CosineDecayRestarts(1.0, first_decay_steps=10, m_mul=0.5)
        >>> float(schedule(0)), float(schedule(10)), float(schedule(30))
        (1.0, 0.5, 0.25)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = check_positive(self, "first_decay_steps", first_decay_steps, 1000)
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: ArrayLike) -> Any:
        """Return the learning rate at a step."""
        part = _float(step) / self.first_decay_steps
        if self.t_mul == 1:
            restarts = ops.floor(part)
            part = part - restarts
        else:
            restarts = ops.floor(ops.log(1 + part * (self.t_mul - 1)) / math.log(self.t_mul))
            restarts = ops.where(ops.greater_equal(part, self._start(restarts + 1)), restarts + 1, restarts)  # rounding
            part = (part - self._start(restarts)) / ops.power(self.t_mul, restarts)
        highest = ops.power(self.m_mul, restarts)
        return self.initial_learning_rate * ((1 - self.alpha) * highest * 0.5 * (1 + ops.cos(math.pi * part)) + self.alpha)

    def _start(self, restarts: Array) -> Any:
        """Return the start of a decay in units of ``first_decay_steps``."""
        return (ops.power(self.t_mul, restarts) - 1) / (self.t_mul - 1)


serialize, deserialize = serialization.lookup_functions(
    "optimizers.schedules", "learning_rate_schedule", "ExponentialDecay(0.1, 10, 0.5)"
)[1:]
