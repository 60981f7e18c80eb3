"""Attention with one head: dot-product and additive."""

from collections.abc import Sequence
from typing import Any, Unpack

from cornu import ops, registry, validation
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.seed_generator import SeedGenerator
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidTypeError
from cornu.layers import shape_arithmetic
from cornu.layers.attention.masks import band_masks, check_mask, combine_masks, differ, masked_softmax, misfit
from cornu.typing import Array, Shape

__all__ = ["AdditiveAttention", "Attention"]


class BaseAttention(Layer):
    """Base class of attention without projections, on a list ``[query, value]`` or ``[query, value, key]``.

    A subclass computes the scores of queries and keys in ``_scores(query, key)``.
    """

    batch_coupling = "none"
    supports_masking = True

    def __init__(self, use_scale: bool, dropout: float, seed: int | None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.dropout = validation.check_fraction(self, dropout, "dropout")
        self.seed = seed
        if self.dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def _scores(self, query: Array, key: Array) -> Any:
        """Return the similarity scores, of shape ``(batch, queries, keys)``."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_scores(query, key)`.")

    def call(
        self,
        inputs: list,
        mask: Sequence[Array | None] | None = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Return the attention outputs.

        Args:
            inputs: List ``[query, value]`` or ``[query, value, key]`` of arrays of shape ``(batch, queries, features)`` (query)
                and ``(batch, keys, features)`` (value and key). The key defaults to the value.
            mask: List ``[query_mask, value_mask]`` of boolean arrays of shape ``(batch, steps)`` or None, True for valid time
                steps. The output is 0 for invalid queries. Defaults to None.
            training: Whether to apply dropout. Defaults to None (False).
            return_attention_scores: Whether to also return the attention weights, of shape ``(batch, queries, keys)``. Defaults
                to False.
            use_causal_mask: Whether a query sees only keys up to its own position. Defaults to False.

        Returns:
            The outputs, or ``(outputs, weights)``, with the weights after dropout.
        """
        query, value, *others = (ops.cast(x, self.compute_dtype) for x in inputs)
        query_mask, value_mask = self._masks(mask, query.shape, value.shape)
        found = [] if value_mask is None else [ops.expand_dims(value_mask, -2)]
        found += band_masks(query.shape[-2], value.shape[-2], use_causal_mask, None)
        weights = masked_softmax(combine_masks(found), self._scores(query, others[0] if others else value))
        if training and self.dropout > 0:
            weights = ops.random.dropout(weights, self.dropout, seed=self.seed_generator.next())
        outputs = ops.matmul(weights, value)
        if query_mask is not None:
            outputs = ops.where(ops.expand_dims(query_mask, -1), outputs, 0)
        return (outputs, weights) if return_attention_scores else outputs

    def _masks(self, mask: Sequence[Array | None] | None, query: Shape, value: Shape) -> tuple[Any, Any]:
        if mask is None:
            return None, None
        if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
            raise InvalidTypeError(
                f"The layer {self.name!r} received a `mask` that is not a list of two masks.",
                "It must be `[query_mask, value_mask]`, since the inputs are a list.",
                "Pass None for a missing mask: `mask=[None, value_mask]`.",
            )
        pairs = (("query_mask", mask[0], query), ("value_mask", mask[1], value))
        found = [None if one is None else check_mask(self, name, one, shape[:-1]) for name, one, shape in pairs]
        return found[0], found[1]

    def compute_mask(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Any:
        """Return the mask of the query."""
        return mask[0] if isinstance(mask, (list, tuple)) else None

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Return the shape of the query with the features of the value."""
        is_list = isinstance(input_shape, (list, tuple)) and all(isinstance(part, (list, tuple)) for part in input_shape)
        missing = [role for role, part in zip(("query", "value", "key"), input_shape, strict=False) if part is None]
        if isinstance(input_shape, list) and missing:
            raise InvalidTypeError(
                f"The layer {self.name!r} was called on a list with None as the {missing[0]}.",
                "It expects a list of two or three tensors: `[query, value]` or `[query, value, key]`.",
                "For self-attention, pass `[x, x]`; without a key, which is then the value, `[query, value]`.",
            )
        if not is_list or len(input_shape) not in (2, 3):
            raise InvalidTypeError(
                f"The layer {self.name!r} was called on "
                + (f"a list of {len(input_shape)} tensors." if is_list else f"one tensor, of shape {input_shape}."),
                "It expects a list of two or three tensors: `[query, value]` or `[query, value, key]`.",
                f"Call it as `{type(self).__name__}()([query, value])`; for self-attention, pass `[x, x]`.",
            )
        query, value, key = (tuple(shape) for shape in (*input_shape, input_shape[1])[:3])
        shape_arithmetic.check_least_rank(self, query, ("batch", "steps", "features"))
        fits = len(query) == len(value) == len(key) and not any(map(differ, query[:-2], value[:-2]))
        if not fits or any(map(differ, value[:-1], key[:-1])) or differ(query[-1], key[-1]):
            expected = (
                "They must be (batch, queries, size), (batch, keys, features) and (batch, keys, size), by default the value."
            )
            advice = "Project query and key to the same size with a `Dense` layer, and check the order: query, value, key."
            raise misfit(self, query, value, key, expected, advice)
        return (*query[:-1], value[-1])

    def compute_output_spec(
        self,
        inputs: list,
        mask: Sequence[Array | None] | None = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Return symbolic tensors like the outputs of ``call`` for the same arguments."""
        given = [tuple(x.shape) for x in inputs] if isinstance(inputs, (list, tuple)) else inputs.shape
        outputs = SymbolicTensor(self.compute_output_shape(given), self.compute_dtype)
        if not return_attention_scores:
            return outputs
        return outputs, SymbolicTensor((*given[0][:-1], given[1][-2]), self.compute_dtype)


@registry.register("layers")
class Attention(BaseAttention):
    """Dot-product attention layer without projections (Luong-style attention).

    The layer computes::

        scores = query @ key.T, multiplied by ``scale`` if ``use_scale`` is True
        y = softmax(scores) @ value

    Inputs: a list ``[query, value]`` or ``[query, value, key]`` of shapes ``(batch, queries, size)``,
    ``(batch, keys, features)`` and ``(batch, keys, size)``. Output shape: ``(batch, queries, features)``.

    The masks of the inputs are used as ``mask``, and the mask of the query is propagated. For a query that may see no key, the
    output is the mean of all values.

    Source: Luong et al., 2015, Effective Approaches to Attention-based Neural Machine Translation,
    https://arxiv.org/abs/1508.04025

    Args:
        use_scale: Whether to multiply the scores by a trainable scalar ``scale``, initialized to 1. Defaults to False.
        score_mode: ``"dot"``, or ``"concat"`` for the scores ``concat_score_weight * sum(tanh(scale * (query + key)))``, with
            another trainable scalar. Defaults to ``"dot"``.
        dropout: Float in [0, 1), the fraction of the attention weights to drop during training. Defaults to 0.
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``score_mode`` or ``dropout`` is invalid.
        InvalidTypeError: If, when called, the inputs or the masks are not a list.
        ShapeError: If, when called, the shapes of query, value, key and masks are incompatible.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Attention
        >>> query, value = np.array([[[9.0, 0.0]]]), np.array([[[9.0, 0.0], [0.0, 9.0]]])
        >>> Attention()([query, value]).round(3).tolist()
        [[[9.0, 0.0]]]
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(use_scale=use_scale, dropout=dropout, seed=seed, **kwargs)
        self.score_mode = validation.check_option("score_mode", score_mode, ("dot", "concat"))

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Create the trainable scalars of the scores."""
        self.compute_output_shape(input_shape)
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _scores(self, query: Array, key: Array) -> Any:
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -1, -2))
            return scores if self.scale is None else scores * self.scale
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        return self.concat_score_weight * ops.sum(ops.tanh(pairs if self.scale is None else pairs * self.scale), axis=-1)


@registry.register("layers")
class AdditiveAttention(BaseAttention):
    """Additive attention layer without projections (Bahdanau-style attention).

    The layer computes, for each query and key::

        scores = sum(scale * tanh(query + key), axis=-1)
        y = softmax(scores) @ value

    Inputs: a list ``[query, value]`` or ``[query, value, key]`` of shapes ``(batch, queries, size)``,
    ``(batch, keys, features)`` and ``(batch, keys, size)``. Output shape: ``(batch, queries, features)``.

    The masks of the inputs are used as ``mask``, and the mask of the query is propagated. For a query that may see no key, the
    output is the mean of all values.

    Source: Bahdanau et al., 2015, Neural Machine Translation by Jointly Learning to Align and Translate,
    https://arxiv.org/abs/1409.0473

    Args:
        use_scale: Whether to use a trainable ``scale``, of shape ``(size,)``. Defaults to True.
        dropout: Float in [0, 1), the fraction of the attention weights to drop during training. Defaults to 0.
        **kwargs: ``seed``, the integer seed of the dropout, and arguments of the base class :class:`Layer`, such as ``name``,
            ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``dropout`` is not in [0, 1).
        InvalidTypeError: If, when called, the inputs or the masks are not a list.
        ShapeError: If, when called, the shapes of query, value, key and masks are incompatible.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AdditiveAttention
        >>> AdditiveAttention()([np.ones((1, 2, 3)), np.ones((1, 4, 3))]).shape
        (1, 2, 3)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        super().__init__(use_scale=use_scale, dropout=dropout, seed=kwargs.pop("seed", None), **kwargs)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Create ``scale``."""
        self.compute_output_shape(input_shape)
        self.scale = None
        if self.use_scale:
            size = shape_arithmetic.check_size(self, tuple(input_shape[0]), -1, None, "features")
            self.scale = self.add_weight((size,), "glorot_uniform", name="scale")

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Return the shape of the query with the features of the value."""
        shape = super().compute_output_shape(input_shape)
        if self.built and self.scale is not None:
            shape_arithmetic.check_size(self, tuple(input_shape[0]), -1, self.scale.shape[0], "features")
        return shape

    def _scores(self, query: Array, key: Array) -> Any:
        matches = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(matches if self.scale is None else matches * self.scale, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the config, including ``seed``."""
        return {**super().get_config(), "seed": self.seed}
