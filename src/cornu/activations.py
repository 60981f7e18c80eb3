"""Activation functions by name, as used by ``Dense(10, activation="softmax")``.

Most of them are ops defined and documented in ``cornu.ops``; this module defines those whose arguments differ from the op's.
"""

from typing import Any

from cornu import ops, registry, serialization
from cornu.ops.batch_coupling import samples_alone
from cornu.ops.math import sigmoid as sigmoid
from cornu.ops.nn.activations import *
from cornu.ops.trigonometry import tanh as tanh
from cornu.typing import Array, ArrayLike


@registry.register("activations")
@samples_alone
def linear(x: ArrayLike) -> Any:
    """Return the input unchanged, ``x``.

    Example:
        >>> from cornu.activations import linear
        >>> linear(3.0)
        3.0
    """
    return x


@registry.register("activations")
@samples_alone
def exponential(x: ArrayLike) -> Any:
    """Return the exponential, ``exp(x)``.

    Example:
        >>> from cornu import ops
        >>> from cornu.activations import exponential
        >>> float(exponential(ops.array(0.0)))
        1.0
    """
    return ops.exp(x)


@registry.register("activations")
@samples_alone
def gelu(x: ArrayLike, approximate: bool = False) -> Any:
    """Apply the Gaussian error linear unit, ``x * P(X <= x)`` with ``X ~ N(0, 1)``.

    Args:
        x: Array.
        approximate: Whether to use the approximation with ``tanh``. Defaults to False.

    Returns:
        Array of the shape of ``x``.

    References:
        Hendrycks and Gimpel, 2016, "Gaussian Error Linear Units (GELUs)", https://arxiv.org/abs/1606.08415

    Example:
        >>> from cornu import ops
        >>> from cornu.activations import gelu
        >>> round(float(gelu(ops.array(1.0))), 4)
        0.8413
    """
    return ops.gelu(x, approximate=approximate)


@registry.register("activations")
@samples_alone
def mish(x: ArrayLike) -> Any:
    """Apply the Mish activation, ``x * tanh(softplus(x))``.

    Args:
        x: Array.

    Returns:
        Array of the shape of ``x``.

    References:
        Misra, 2019, "Mish: A Self Regularized Non-Monotonic Activation Function", https://arxiv.org/abs/1908.08681

    Example:
        >>> from cornu import ops
        >>> from cornu.activations import mish
        >>> float(mish(ops.array(0.0)))
        0.0
    """
    return ops.multiply(x, ops.tanh(ops.softplus(x)))


@registry.register("activations")
@samples_alone
def relu(x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Apply the rectified linear unit, ``maximum(x, 0)`` with the default arguments.

    In general, the result is ``x`` where ``x > threshold`` and ``negative_slope * (x - threshold)`` elsewhere, limited to
    ``max_value``.

    Args:
        x: Array.
        negative_slope: Float, the slope below the threshold. Defaults to 0.
        max_value: Float, the maximum of the result. Defaults to None (no maximum).
        threshold: Float, the value above which ``x`` is returned unchanged. Defaults to 0.

    Returns:
        Array of the shape of ``x``.

    Example:
        >>> from cornu import ops
        >>> from cornu.activations import relu
        >>> relu(ops.array([-2.0, 1.0, 9.0]), max_value=6.0).tolist()
        [0.0, 1.0, 6.0]
    """
    if negative_slope == 0 and threshold == 0:
        outputs = ops.relu(x)
    else:
        outputs = ops.where(ops.greater(x, threshold), x, ops.multiply(negative_slope, ops.subtract(x, threshold)))
    return outputs if max_value is None else ops.minimum(outputs, max_value)


swish, hard_swish = ops.silu, ops.hard_silu  # `ops.swish` and `ops.hard_swish` are other functions

get, serialize, deserialize = serialization.lookup_functions("activations", "activation", "relu", default=linear)
