"""Scaled dot-product attention."""

import math

import numpy as np

from cornu.dtypes import LARGEST
from cornu.errors import InvalidArgumentError
from cornu.ops.batch_coupling import aligned
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.nn.activations import softmax
from cornu.ops.shape_checks import shapes_error
from cornu.typing import Array, ArrayLike

__all__ = ["dot_product_attention"]


@op(batch_coupling=aligned)
def dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    bias: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Array:
    """Scaled dot-product attention ``softmax(scale * query @ key.T + bias) @ value`` (Vaswani et al., 2017).

    Args:
        query: Array-like of shape ``(batch, queries, heads, size)``.
        key: Array-like of shape ``(batch, keys, key_heads, size)``; ``heads`` must be a multiple of ``key_heads``.
        value: Array-like of shape ``(batch, keys, key_heads, value_size)``.
        bias: Array-like added to the scores, broadcastable to ``(batch, heads, queries, keys)``. Defaults to None.
        mask: Array-like of booleans, True for the keys to attend to, broadcastable to the same shape. Defaults to None.
        scale: Float, factor of the scores. Defaults to ``1 / sqrt(size)``.
        is_causal: Whether each query attends only to keys up to its own position. Defaults to False.
        flash_attention: None or False: no engine of Cornu has flash attention. Defaults to None.
        attn_logits_soft_cap: Float ``c`` that limits the scores to ``(-c, c)`` by ``c * tanh(scores / c)``. Defaults to None
            (no limit).

    Returns:
        Array of shape ``(batch, queries, heads, value_size)``.

    Raises:
        ShapeError: If the shapes do not match.
        InvalidArgumentError: If ``flash_attention`` is True.

    Example:
        >>> from cornu import ops
        >>> x = ops.ones((1, 3, 2, 4))
        >>> ops.dot_product_attention(x, x, x).shape
        (1, 3, 2, 4)
    """
    if flash_attention:
        raise no_flash_attention("`dot_product_attention`")
    backend, query, key, value = floats(query, key, value)
    _check_attention(tuple(query.shape), tuple(key.shape), tuple(value.shape))
    batch, queries, heads, size = query.shape
    keys, groups = key.shape[1], key.shape[2]
    dtype = backend.dtype(query)
    if dtype == "float16":  # in which scores overflow
        query, key = backend.cast(query, "float32"), backend.cast(key, "float32")
    grouped = backend.reshape(query, (batch, queries, groups, heads // groups, size))
    scores = backend.multiply(
        backend.einsum("bqghd,bkgd->bghqk", grouped, key), 1 / math.sqrt(size) if scale is None else scale
    )
    scores = backend.reshape(scores, (batch, heads, queries, keys))
    if bias is not None:
        scores = backend.add(scores, arrays(bias, query)[1])
    if attn_logits_soft_cap is not None:
        scores = backend.multiply(backend.tanh(backend.divide(scores, attn_logits_soft_cap)), attn_logits_soft_cap)
    hidden = -0.7 * LARGEST[backend.dtype(scores)]  # finite, so that a query without any key does not yield NaN
    if mask is not None:
        scores = backend.where(backend.cast(arrays(mask, query)[1], "bool"), scores, hidden)
    if is_causal:
        scores = backend.where(backend.asarray(np.tri(queries, keys, dtype=bool)), scores, hidden)
    weights = softmax(scores, (-1,)) if dtype != "float16" else backend.cast(softmax(scores, (-1,)), dtype)
    weights = backend.reshape(weights, (batch, groups, heads // groups, queries, keys))
    return backend.reshape(backend.einsum("bghqk,bkgd->bqghd", weights, value), (batch, queries, heads, value.shape[3]))


def no_flash_attention(received_by: str) -> InvalidArgumentError:
    """Return the error for ``flash_attention=True``."""
    return InvalidArgumentError(
        f"{received_by} received `flash_attention=True`.",
        "It must be None or False: no engine of Cornu has flash attention.",
        "Omit it. The results are the same.",
    )


def _check_attention(query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...]) -> None:
    ranks = {len(query), len(key), len(value)} == {4}
    if ranks and key[:3] == value[:3] and query[0] == key[0] and query[3] == key[3] and key[2] and query[2] % key[2] == 0:
        return
    expected = "They must be (batch, queries, heads, size), (batch, keys, heads, size) and (batch, keys, heads, size)."
    hint = "Add the head axis with `expand_dims`, or check how the three arrays were computed."
    raise shapes_error("dot_product_attention", {"query": query, "key": key, "value": value}, expected, hint)
