"""Multi-head attention."""

from typing import Any, Unpack

from cornu import registry, validation
from cornu.layers.attention.base_multi_head_attention import AttentionArguments, BaseMultiHeadAttention
from cornu.layers.basic.einsum_dense import EinsumDense, output_sizes
from cornu.serialization import with_signature
from cornu.typing import IntOrInts, Shape

__all__ = ["MultiHeadAttention"]


@registry.register("layers")
class MultiHeadAttention(BaseMultiHeadAttention):
    """Multi-head attention layer.

    Each head h computes, with its own projections of query, key and value::

        q, k, v = query @ Wq[h] + bq[h], key @ Wk[h] + bk[h], value @ Wv[h] + bv[h]
        weights = softmax(q @ k.T / sqrt(key_dim))
        output[h] = weights @ v

    and the outputs of all heads are projected together: ``y = concatenate(output) @ Wo + bo``. If query, value and key are the
    same, this is self-attention.

    Input shapes: ``(batch, queries, features)`` for the query and ``(batch, keys, features)`` for value and key. Output shape:
    ``(batch, queries, features)``.

    The masks of the inputs are used as ``query_mask``, ``value_mask`` and ``key_mask``, and the mask of the query is
    propagated. For a query that may see no key, the output of a head is the mean of all values, or 0 if the weights are
    computed explicitly (with ``return_attention_scores``, ``attention_axes`` or dropout), as in Keras.

    Source: Vaswani et al., 2017, Attention Is All You Need, https://arxiv.org/abs/1706.03762. Gate: Qiu et al., 2025,
    https://arxiv.org/abs/2505.06708

    Args:
        num_heads: Positive integer, the number of heads.
        key_dim: Positive integer, the size of the queries and keys of each head.
        value_dim: Positive integer, the size of the values of each head. Defaults to ``key_dim``.
        dropout: Float in [0, 1), the fraction of the attention weights to drop during training. Defaults to 0.
        use_bias: Whether the projections add a bias vector. Defaults to True.
        output_shape: Integer or tuple of integers, the output sizes that replace the feature axis. Defaults to the number of
            features of the query.
        attention_axes: Integer or tuple of integers, the axes of the query over which attention is applied. Defaults to all
            axes between the batch and the features.
        sliding_window: Positive integer; a query attends only to keys less than this many positions away. Defaults to None (no
            limit).
        flash_attention: None or False: no engine of Cornu has flash attention, so calls are an error if it is True. Defaults
            to None.
        kernel_initializer: Initializer for the kernel weights. Defaults to ``"glorot_uniform"``.
        bias_initializer: Initializer for the bias vectors. Defaults to ``"zeros"``.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vectors. Defaults to None.
        activity_regularizer: Regularizer applied to the output of each projection. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        bias_constraint: Constraint applied to the bias vectors after each optimizer update. Defaults to None.
        use_gate: Whether to multiply the output of the heads by the sigmoid of a projection of the query. Defaults to False.
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is out of range, or, when called, the query does not have ``attention_axes``.
        ShapeError: If, when called, the shapes of query, value, key and masks are incompatible with each other or with those
            the layer was built with.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MultiHeadAttention
        >>> layer, x = MultiHeadAttention(num_heads=2, key_dim=4), np.ones((1, 5, 8))
        >>> outputs, weights = layer(x, x, return_attention_scores=True)
        >>> outputs.shape, weights.shape
        ((1, 5, 8), (1, 2, 5, 5))
    """

    @with_signature(
        "num_heads key_dim value_dim dropout use_bias output_shape attention_axes sliding_window flash_attention "
        "kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
        "bias_constraint use_gate seed",
        BaseMultiHeadAttention,
    )
    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        output_shape: IntOrInts | None = None,
        attention_axes: IntOrInts | None = None,
        **kwargs: Unpack[AttentionArguments],
    ):
        super().__init__(**kwargs)
        self.num_heads = validation.check_int(self, "num_heads", num_heads)
        self.key_dim = validation.check_int(self, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else validation.check_int(self, "value_dim", value_dim)
        self._given_shape = None if output_shape is None else output_sizes(self, output_shape)
        if attention_axes is not None:
            axes = validation.check_axes(self, attention_axes, "attention_axes")
            self.attention_axes = (tuple(axes) if isinstance(axes, list) else (axes,)) or None

    def _sizes(self) -> tuple[int, int, int, int]:
        return self.num_heads, self.num_heads, self.key_dim, self.value_dim

    def _projected_to(self, query_shape: Shape) -> tuple:
        return self._given_shape or super()._projected_to(query_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the config, including ``output_shape``."""
        return {**super().get_config(), "output_shape": self._given_shape}

    @property
    def query_dense(self) -> EinsumDense:
        """The query projection. Files store the projections under these names."""
        return self._query_dense

    @property
    def key_dense(self) -> EinsumDense:
        """The key projection."""
        return self._key_dense

    @property
    def value_dense(self) -> EinsumDense:
        """The value projection."""
        return self._value_dense

    @property
    def output_dense(self) -> EinsumDense:
        """The output projection."""
        return self._output_dense
