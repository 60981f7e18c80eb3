"""Activation functions by name: what ``Dense(10, activation="softmax")`` means.

Most of them are ops and stand in ``cornu.ops`` with their descriptions; here are those whose arguments differ from the op's.
"""

from typing import Any

from cornu import ops, registry
from cornu.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from cornu.ops.batch_coupling import samples_alone


@samples_alone
def linear(x: Any) -> Any:
    """The argument itself.

    Example:
        >>> from cornu.activations import linear
        >>> linear(3.0)
        3.0
    """
    return x


@samples_alone
def exponential(x: Any) -> Any:
    """``exp(x)``.

    Example:
        >>> from cornu import ops
        >>> from cornu.activations import exponential
        >>> float(exponential(ops.array(0.0)))
        1.0
    """
    return ops.exp(x)


@samples_alone
def gelu(x: Any, approximate: bool = False) -> Any:
    """``x * P(X <= x)`` for a normally distributed ``X``.

    Source: Hendrycks and Gimpel, 2016, https://arxiv.org/abs/1606.08415

    Args:
        x: An array.
        approximate: Whether to approximate it with ``tanh``.

    Example:
        >>> from cornu import ops
        >>> from cornu.activations import gelu
        >>> round(float(gelu(ops.array(1.0))), 4)
        0.8413
    """
    return ops.gelu(x, approximate=approximate)


@samples_alone
def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``.

    Source: Misra, 2019, https://arxiv.org/abs/1908.08681

    Example:
        >>> from cornu import ops
        >>> from cornu.activations import mish
        >>> float(mish(ops.array(0.0)))
        0.0
    """
    return x * ops.tanh(ops.softplus(x))


@samples_alone
def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``max(x, 0)``, or with other arguments ``x`` between the threshold and ``max_value``.

    Args:
        x: An array.
        negative_slope: Below the threshold the value is ``negative_slope * (x - threshold)``.
        max_value: Larger values become this one.
        threshold: Where the function bends.

    Example:
        >>> from cornu import ops
        >>> from cornu.activations import relu
        >>> relu(ops.array([-2.0, 1.0, 9.0]), max_value=6.0).tolist()
        [0.0, 1.0, 6.0]
    """
    if negative_slope == 0 and threshold == 0:
        outputs = ops.relu(x)
    else:
        outputs = ops.where(ops.greater(x, threshold), x, negative_slope * (x - threshold))
    return outputs if max_value is None else ops.minimum(outputs, max_value)


swish, hard_swish = silu, hard_silu


# --- By name ----------------------------------------------------------------------------------------------------------


def get(identifier: Any) -> Any:
    """The activation function that a name, a config or a function means; None means :func:`linear`.

    Raises:
        InvalidArgumentError: There is none of that name.

    Example:
        >>> from cornu import activations
        >>> activations.get("relu").__name__
        'relu'
    """
    return linear if identifier is None else registry.get("activations", identifier)


def serialize(activation: Any) -> Any:
    """An activation function as JSON can hold it: its name, if it is one of Cornu's.

    Example:
        >>> from cornu import activations
        >>> activations.serialize(activations.relu)
        'relu'
    """
    return registry.serialize(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation function of a name or config.

    Example:
        >>> from cornu import activations
        >>> activations.deserialize("relu").__name__
        'relu'
    """
    with registry.custom_object_scope(custom_objects):
        return get(config)


registry.allow(
    "activations",
    [
        celu,
        elu,
        exponential,
        gelu,
        glu,
        hard_shrink,
        hard_sigmoid,
        hard_silu,
        hard_tanh,
        leaky_relu,
        linear,
        log_sigmoid,
        log_softmax,
        mish,
        relu,
        relu6,
        selu,
        sigmoid,
        silu,
        soft_shrink,
        softmax,
        softplus,
        softsign,
        sparse_plus,
        sparse_sigmoid,
        sparsemax,
        squareplus,
        tanh,
        tanh_shrink,
        threshold,
    ],
    aliases={"swish": silu, "hard_swish": hard_silu},
)
