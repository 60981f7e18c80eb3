"""Transformations of gradients and weights: pure functions of lists of arrays.

In a list of gradients, None represents a weight without a gradient.
"""

import functools
from typing import Any

from cornu import ops
from cornu.dtypes import HALVES
from cornu.typing import Array, ArrayLike


def scale(gradients: list, factor: float) -> list:
    """Return gradients multiplied by a factor.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import scale
        >>> [g.tolist() for g in scale([ops.array([2.0, 4.0])], 0.5)]
        [[1.0, 2.0]]
    """
    return [None if g is None else g * factor for g in gradients]


def clip_by_value(gradients: list, limit: float) -> list:
    """Return gradients with all elements clipped to ``[-limit, limit]``.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import clip_by_value
        >>> [g.tolist() for g in clip_by_value([ops.array([-3.0, 0.5])], 1.0)]
        [[-1.0, 0.5]]
    """
    return [None if g is None else ops.clip(g, -limit, limit) for g in gradients]


def clip_by_norm(gradients: list, limit: float) -> list:
    """Return gradients, each scaled to an L2 norm of at most ``limit``.

    ``g = g * limit / maximum(norm(g), limit)``

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import clip_by_norm
        >>> [g.tolist() for g in clip_by_norm([ops.array([3.0, 4.0]), ops.array([1.0])], 2.5)]
        [[1.5, 2.0], [1.0]]
    """
    return [None if g is None else _shorten(g, ops.sqrt(_sum_of_squares(g)), limit) for g in gradients]


def clip_by_global_norm(gradients: list, limit: float) -> list:
    """Return gradients scaled by a common factor so that their joint L2 norm is at most ``limit``.

    ``g = g * limit / maximum(norm, limit)``, where ``norm`` is the square root of the sum of squares of all elements.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import clip_by_global_norm
        >>> [g.tolist() for g in clip_by_global_norm([ops.array([3.0]), ops.array([4.0])], 2.5)]
        [[1.5], [2.0]]
    """
    norm = ops.sqrt(functools.reduce(ops.add, [_sum_of_squares(g) for g in gradients if g is not None], 0.0))
    return [None if g is None else _shorten(g, norm, limit) for g in gradients]


def _shorten(gradient: Array, norm: Array, limit: float) -> Any:
    return gradient * cast_like(gradient, limit / ops.maximum(norm, limit))


def _sum_of_squares(gradient: Array) -> Any:
    """Return the sum of squares in at least 32 bits; 16 bits overflow at 65504, and large sums lose precision."""
    wide = ops.cast(gradient, "float32") if ops.dtype(gradient) in HALVES else gradient
    return ops.sum(ops.square(wide))


def decay_weights(weights: list, amount: Array | float, decays: list[bool] | None = None) -> list:
    """Apply decoupled weight decay, ``weight = weight - amount * weight``.

    Args:
        weights: List of arrays.
        amount: Scalar, the fraction to subtract.
        decays: List of booleans, which weights decay. Defaults to None (all).

    References:
        Loshchilov and Hutter, 2019, "Decoupled Weight Decay Regularization", https://arxiv.org/abs/1711.05101

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import decay_weights
        >>> [w.tolist() for w in decay_weights([ops.array([2.0]), ops.array([2.0])], 0.5, [True, False])]
        [[1.0], [2.0]]
    """
    decays = [True] * len(weights) if decays is None else decays
    decayed = [
        ops.subtract(w, ops.multiply(w, amount)) if takes_part else w for w, takes_part in zip(weights, decays, strict=True)
    ]
    return list(map(cast_like, weights, decayed))


def average(averages: list, weights: list, momentum: Array | float) -> list:
    """Update exponential moving averages, ``average = momentum * average + (1 - momentum) * weight``.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import average
        >>> [a.tolist() for a in average([ops.array([0.0])], [ops.array([2.0])], 0.75)]
        [[0.5]]
    """
    mixed = [ops.add(ops.multiply(a, momentum), ops.multiply(w, 1 - momentum)) for a, w in zip(averages, weights, strict=True)]
    return list(map(cast_like, averages, mixed))


def update_moment(moment: Array, value: Array, decay: Array | float) -> Any:
    """Update an exponential moving average of gradients, or of their squares.

    ``moment = decay * moment + (1 - decay) * value``

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import update_moment
        >>> update_moment(ops.array([1.0]), ops.array([3.0]), 0.75).tolist()
        [1.5]
    """
    return decay * moment + (1 - decay) * value


def update_moments(slots: dict[str, Any], gradient: Array, beta_1: float, beta_2: float) -> dict[str, Any]:
    """Update the moving averages of Adam: ``"momentum"`` of gradients, and ``"velocity"`` of their squares.

    Args:
        slots: Dict of the two averages.
        gradient: The gradient.
        beta_1: Decay rate of the average of gradients.
        beta_2: Decay rate of the average of squared gradients.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import update_moments
        >>> slots = {"momentum": ops.array([1.0]), "velocity": ops.array([1.0])}
        >>> {name: x.tolist() for name, x in update_moments(slots, ops.array([3.0]), 0.75, 0.5).items()}
        {'momentum': [1.5], 'velocity': [5.0]}
    """
    momentum = update_moment(slots["momentum"], gradient, beta_1)
    return {"momentum": momentum, "velocity": update_moment(slots["velocity"], ops.square(gradient), beta_2)}


def bias_correction(decay: float, step: ArrayLike) -> Any:
    """Return ``1 - decay ** step``, by which a moving average that started at 0 is divided to make it unbiased.

    Args:
        decay: Decay rate of the average.
        step: Scalar, the number of updates.

    References:
        Kingma and Ba, 2014, "Adam: A Method for Stochastic Optimization", https://arxiv.org/abs/1412.6980 (section 3)

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import bias_correction
        >>> bias_correction(0.5, ops.array(2.0)).tolist()
        0.75
    """
    return 1 - ops.power(decay, step)


def choose(condition: Array, yes: list, no: list) -> list:
    """Return one of two lists of arrays, depending on a condition.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import choose
        >>> [x.tolist() for x in choose(ops.array(True), [ops.array([1.0])], [ops.array([2.0])])]
        [[1.0]]
    """
    return [a if a is b else ops.where(condition, a, b) for a, b in zip(yes, no, strict=True)]


def cast_like(before: Array, after: Array) -> Any:
    """Cast ``after`` to the dtype of ``before``.

    Example:
        >>> from cornu import ops
        >>> from cornu.optimizers.transforms import cast_like
        >>> ops.dtype(cast_like(ops.array([1.0], dtype="float16"), ops.array([2.0])))
        'float16'
    """
    dtype = ops.dtype(before)
    return after if ops.dtype(after) == dtype else ops.cast(after, dtype)
