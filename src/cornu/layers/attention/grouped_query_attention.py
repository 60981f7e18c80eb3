"""Multi-head attention in which groups of queries share keys and values."""

from typing import Unpack

from cornu import registry, validation
from cornu.layers import shape_arithmetic
from cornu.layers.attention.base_multi_head_attention import AttentionArguments, BaseMultiHeadAttention
from cornu.serialization import with_signature
from cornu.typing import Shape

__all__ = ["GroupQueryAttention"]


@registry.register("layers")
class GroupQueryAttention(BaseMultiHeadAttention):
    """Grouped-query attention layer, in which groups of query heads share the heads of key and value.

    Each query head h uses the key and value head g of its group::

        weights = softmax(q[h] @ k[g].T / sqrt(head_dim)), with g = h // (num_query_heads / num_key_value_heads)
        output[h] = weights @ v[g]

    and the outputs of all heads are projected together. Fewer key and value heads save computation and memory. With
    ``num_key_value_heads=num_query_heads`` this is :class:`MultiHeadAttention`, with 1 it is multi-query attention.

    Input shapes: ``(batch, queries, features)`` for the query and ``(batch, keys, features)`` for value and key. Output shape:
    ``(batch, queries, features)``.

    The masks of the inputs are used as ``query_mask``, ``value_mask`` and ``key_mask``, and the mask of the query is
    propagated.

    Source: Ainslie et al., 2023, GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints,
    https://arxiv.org/abs/2305.13245

    Args:
        head_dim: Positive integer, the size of each head.
        num_query_heads: Positive integer, the number of query heads.
        num_key_value_heads: Positive integer, the number of key and value heads; must divide ``num_query_heads``.
        dropout: Float in [0, 1), the fraction of the attention weights to drop during training. Defaults to 0.
        use_bias: Whether the projections add a bias vector. Defaults to True.
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
        InvalidArgumentError: If an argument is out of range, or ``num_key_value_heads`` does not divide ``num_query_heads``.
        ShapeError: If, when called, the shapes of query, value, key and masks are incompatible with each other or with those
            the layer was built with.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GroupQueryAttention
        >>> x = np.ones((1, 5, 8))
        >>> GroupQueryAttention(head_dim=4, num_query_heads=6, num_key_value_heads=2)(x, x).shape
        (1, 5, 8)
    """

    @with_signature(
        "head_dim num_query_heads num_key_value_heads dropout use_bias sliding_window flash_attention kernel_initializer "
        "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint "
        "use_gate seed",
        BaseMultiHeadAttention,
    )
    def __init__(self, head_dim: int, num_query_heads: int, num_key_value_heads: int, **kwargs: Unpack[AttentionArguments]):
        super().__init__(**kwargs)
        self.head_dim = validation.check_int(self, "head_dim", head_dim)
        self.num_query_heads = validation.check_int(self, "num_query_heads", num_query_heads)
        self.num_key_value_heads = validation.check_int(self, "num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            given = {"num_query_heads": num_query_heads, "num_key_value_heads": num_key_value_heads}
            hint = f"Pass, for example, `num_query_heads={2 * self.num_key_value_heads}`."
            expected = "`num_query_heads` must be divisible by `num_key_value_heads`."
            raise validation.invalid_together(self, given, expected, hint)

    @property
    def num_repeats(self) -> int:
        """Number of query heads that share a head of keys and values."""
        return self.num_query_heads // self.num_key_value_heads

    def _sizes(self) -> tuple[int, int, int, int]:
        return self.num_query_heads, self.num_key_value_heads, self.head_dim, self.head_dim

    def _check(self, query: Shape, value: Shape, key: Shape) -> None:
        shape_arithmetic.check_rank(self, query, ("batch", "steps", "features"))
        super()._check(query, value, key)
