"""Learning rates that follow a plan: functions of the step, usable in compiled code."""

import math
from collections.abc import Sequence
from typing import Any

from cornu import config, ops, registry
from cornu.errors import InvalidArgumentError


class LearningRateSchedule(registry.Configurable):
    """The base of all schedules. Write one of your own by overriding :meth:`__call__`.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.schedules import LearningRateSchedule
        >>> class Falling(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.5 / (1 + ops.cast(step, "float32"))
        >>> float(Falling()(1))
        0.25
    """

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step.

        Args:
            step: How many steps were made, from 0: a whole number or an array of shape ``()``.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `__call__(step)`.")


def _float(step: Any) -> Any:
    return ops.cast(step, config.floatx())


def _positive(name: str, value: float) -> float:
    if not value > 0:
        raise InvalidArgumentError(f"`{name}={value!r}` was given.", "It must be positive.", f"Pass `{name}=1000`.")
    return value


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Args:
        initial_learning_rate: The learning rate at step 0.
        decay_steps: After how many steps it has fallen by the factor ``decay_rate``.
        decay_rate: The factor.
        staircase: Whether it falls all at once each ``decay_steps``.
        name: Its name.

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
        self.decay_steps, self.staircase, self.name = _positive("decay_steps", decay_steps), staircase, name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        part = _float(step) / self.decay_steps
        return self.initial_learning_rate * ops.power(self.decay_rate, ops.floor(part) if self.staircase else part)


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Args:
        initial_learning_rate: The learning rate at step 0.
        decay_steps: How many steps count as one.
        decay_rate: How fast it falls.
        staircase: Whether it falls all at once each ``decay_steps``.
        name: Its name.

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
        self.decay_steps, self.staircase, self.name = _positive("decay_steps", decay_steps), staircase, name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        part = _float(step) / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (ops.floor(part) if self.staircase else part))


class PiecewiseConstantDecay(LearningRateSchedule):
    """One value after another: ``values[0]`` up to and at step ``boundaries[0]``, then ``values[1]``, and so on.

    Args:
        boundaries: Steps, in order.
        values: Learning rates, one more than boundaries.
        name: Its name.

    Raises:
        InvalidArgumentError: There is not one value more than boundaries.

    Example:
        >>> from cornu.optimizers.schedules import PiecewiseConstantDecay
        >>> schedule = PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
        >>> float(schedule(10)), float(schedule(11)), float(schedule(100))
        (1.0, 0.5, 0.25)
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(values) != len(boundaries) + 1:
            raise InvalidArgumentError(
                f"{len(boundaries)} boundaries and {len(values)} values were given.",
                "There must be one value more than boundaries.",
                "The first value holds before the first boundary, the last one after the last.",
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        step = _float(step)
        rate = ops.full_like(step, self.values[0])
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = ops.where(ops.greater(step, boundary), value, rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """``(initial - end) * (1 - step / decay_steps) ** power + end``, and ``end`` from step ``decay_steps`` on.

    Args:
        initial_learning_rate: The learning rate at step 0.
        decay_steps: After how many steps the end is reached.
        end_learning_rate: The learning rate at the end.
        power: 1 for a straight line.
        cycle: Whether to go on falling after ``decay_steps``, over the next multiple of it.
        name: Its name.

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
        self.decay_steps, self.power, self.cycle, self.name = _positive("decay_steps", decay_steps), power, cycle, name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        part = _float(step) / self.decay_steps
        part = part / ops.maximum(ops.ceil(part), 1) if self.cycle else ops.minimum(part, 1)
        return (self.initial_learning_rate - self.end_learning_rate) * ops.power(1 - part, self.power) + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a wave of a cosine from the initial learning rate down to ``alpha`` times it, after an optional warm-up on a line.

    Source: Loshchilov and Hutter, 2016, https://arxiv.org/abs/1608.03983

    Args:
        initial_learning_rate: The learning rate at step 0.
        decay_steps: How many steps the decay takes (after the warm-up).
        alpha: The part of the highest learning rate that is left at the end.
        name: Its name.
        warmup_target: The learning rate at the end of the warm-up; None for no warm-up.
        warmup_steps: How many steps the warm-up takes.

    Raises:
        InvalidArgumentError: ``decay_steps`` is not positive.

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
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        step = _float(step)
        if self.warmup_target is None:
            return self._decay(step, self.initial_learning_rate)
        decayed = self._decay(step - self.warmup_steps, self.warmup_target)
        if not self.warmup_steps:
            return decayed
        rise = (self.warmup_target - self.initial_learning_rate) * step / self.warmup_steps
        return ops.where(ops.less(step, self.warmup_steps), self.initial_learning_rate + rise, decayed)

    def _decay(self, step: Any, highest: float) -> Any:
        return highest * _cosine(ops.minimum(step / self.decay_steps, 1), self.alpha)


def _cosine(part: Any, alpha: float) -> Any:
    """From 1 down to ``alpha`` as ``part`` goes from 0 to 1."""
    return (1 - alpha) * 0.5 * (1 + ops.cos(math.pi * part)) + alpha


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decays, one after another, each longer (``t_mul``) and lower (``m_mul``) than the one before.

    Source: Loshchilov and Hutter, 2016, https://arxiv.org/abs/1608.03983

    Args:
        initial_learning_rate: The learning rate at step 0.
        first_decay_steps: How many steps the first decay takes.
        t_mul: How many times longer each decay is than the one before.
        m_mul: How many times higher each decay starts than the one before.
        alpha: The part of the initial learning rate that is left at the end of a decay.
        name: Its name.

    Raises:
        InvalidArgumentError: ``first_decay_steps`` is not positive.

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
        self.initial_learning_rate, self.first_decay_steps = (
            initial_learning_rate,
            _positive("first_decay_steps", first_decay_steps),
        )
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
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

    def _start(self, restarts: Any) -> Any:
        """When a decay begins, counted in first decays."""
        return (ops.power(self.t_mul, restarts) - 1) / (self.t_mul - 1)


def serialize(learning_rate_schedule: Any) -> Any:
    """A schedule as JSON can hold it.

    Example:
        >>> from cornu.optimizers import schedules
        >>> schedules.serialize(schedules.ExponentialDecay(0.1, 10, 0.5))["config"]["decay_rate"]
        0.5
    """
    return registry.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule of a config.

    Example:
        >>> from cornu.optimizers import schedules
        >>> config = {"class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 10}}
        >>> schedules.deserialize(config).decay_steps
        10
    """
    return registry.deserialize(config, "optimizers.schedules", custom_objects)


registry.allow(
    "optimizers.schedules",
    [ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, CosineDecay, CosineDecayRestarts],
)
