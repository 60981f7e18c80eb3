"""Attention layers: for each query, a mean of the values weighted by the similarity of their keys to the query."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import constraints, initializers, ops, regularizers, validation
from cornu.core.layer import Layer
from cornu.core.seed_generator import SeedGenerator
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.dtypes import LARGEST
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError, one_of
from cornu.layers import shape_arithmetic
from cornu.layers.basic.einsum_dense import EinsumDense, output_sizes
from cornu.layers.shape_arithmetic import Shape
from cornu.serialization import serialize

# --- Shared helpers ---------------------------------------------------------------------------------------------------


def _softmax_where(allowed: Any, scores: Any, axes: int = 1) -> Any:
    """Return the softmax of the allowed scores over the last axes; if none in a row is allowed, the softmax over all."""
    if allowed is not None:
        scores = ops.where(allowed, scores, -0.7 * LARGEST[ops.dtype(scores)])  # finite, since infinity would result in NaN
    return ops.softmax(scores, axis=tuple(range(-axes, 0)))


def _band(queries: Any, keys: Any, causal: bool, window: int | None) -> list:
    """Return masks of the keys each query may see by position: causal, and within the sliding window."""
    if not causal and window is None:
        return []
    ahead = ops.expand_dims(ops.arange(keys), 0) - ops.expand_dims(ops.arange(queries), 1)
    found = [ahead <= 0] if causal else []
    return found if window is None else [*found, ops.abs(ahead) < window]


def _all_of(masks: list) -> Any:
    """Return the logical AND of the masks; None if there are none."""
    return functools.reduce(ops.logical_and, masks) if masks else None


def _as_array(mask: Any) -> Any:
    """Return a mask, possibly a list, as an object with a shape."""
    return mask if hasattr(mask, "shape") else np.asarray(mask)


def _check_mask(layer: Layer, name: str, mask: Any, expected: Sequence[Any]) -> Any:
    """Return a mask as booleans after validation of its shape.

    Raises:
        ShapeError: If the mask has another shape.
    """
    mask = _as_array(mask)
    if tuple(mask.shape) == tuple(expected):
        return ops.cast(mask, "bool")
    raise ShapeError(
        f"The layer {layer.name!r} received `{name}` of shape {tuple(mask.shape)}.",
        f"It must have the shape {tuple(expected)}, with one value for each position.",
        "Compute it from the tensor that it masks, or omit it.",
    )


# --- Multi-head attention ---------------------------------------------------------------------------------------------


class ManyHeads(Layer):
    """Base class of multi-head attention: projections, masks, attention and output projection.

    A subclass defines the number and the size of the heads in ``_sizes`` and the output sizes in ``_projected_to``.
    """

    batch_coupling = "none"
    supports_masking = True
    attention_axes: tuple[int, ...] | None = None

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        use_gate: bool,
        seed: int | None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.dropout = validation.rate(self, dropout, "dropout")
        self.use_bias = use_bias
        self.sliding_window = None if sliding_window is None else validation.whole(self, "sliding_window", sliding_window)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.use_gate = use_gate
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self._penalty = regularizers.get(activity_regularizer)  # applied to the projections, as in Keras, not to the layer

    def _sizes(self) -> tuple[int, int, int, int]:
        """Return the numbers of query heads and key heads, and the sizes of the keys and the values of a head."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_sizes()`.")

    def _projected_to(self, query_shape: Shape) -> tuple:
        """Return the output sizes that replace the feature axis."""
        return (query_shape[-1],)

    def get_config(self) -> dict[str, Any]:
        """Return the config, without ``flash_attention``, which is ignored."""
        config = super().get_config() | {"activity_regularizer": serialize(self._penalty)}
        return {name: value for name, value in config.items() if name != "flash_attention"}

    # --- Weights ------------------------------------------------------------------------------------------------------

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        """Create the projections.

        Args:
            query_shape: Shape of the query.
            value_shape: Shape of the value.
            key_shape: Shape of the key. Defaults to that of the value.
        """
        query_shape, value_shape = tuple(query_shape), tuple(value_shape)
        key_shape = value_shape if key_shape is None else tuple(key_shape)
        self._check(query_shape, value_shape, key_shape)
        heads, key_heads, size, value_size = self._sizes()
        steps = "abcdefg"[: len(query_shape) - 1]
        into = f"{steps}h,hxy->{steps}xy"
        free = (None,) * (len(steps) - 1)
        self._query_dense = self._projection("query", into, (*free, heads, size), "xy")
        self._query_dense.build(query_shape)
        self._key_dense = self._projection("key", into, (*free, key_heads, size), "xy")
        self._key_dense.build(key_shape)
        if self.use_gate:
            self._gate_dense = self._projection("gate", into, (*free, heads, value_size), "xy", activation="sigmoid")
            self._gate_dense.build(query_shape)
        self._value_dense = self._projection("value", into, (*free, key_heads, value_size), "xy")
        self._value_dense.build(value_shape)
        sizes = self._projected_to(query_shape)
        letters = "ijklmn"[: len(sizes)]
        back = f"{steps}xy,xy{letters}->{steps}{letters}"
        self._output_dense = self._projection("attention_output", back, (*free, *sizes), letters)
        self._output_dense.build((*query_shape[:-1], heads, value_size))

    def _projection(self, name: str, equation: str, sizes: tuple, bias_axes: str, activation: Any = None) -> EinsumDense:
        return EinsumDense(
            equation,
            sizes,
            activation,
            bias_axes if self.use_bias else None,
            self.kernel_initializer,
            self.bias_initializer,
            self.kernel_regularizer,
            self.bias_regularizer,
            self.kernel_constraint,
            self.bias_constraint,
            activity_regularizer=self._penalty,
            name=name,
            dtype=self.dtype_policy,
        )

    # --- Shapes -------------------------------------------------------------------------------------------------------

    def _axes(self, rank: int) -> tuple[int, ...]:
        """Return the attention axes, by default all axes between the batch and the features."""
        if self.attention_axes is None:
            return tuple(range(1, rank - 1))
        found = tuple(axis % rank if -rank <= axis < rank else -1 for axis in self.attention_axes)
        if all(0 < axis < rank - 1 for axis in found) and len(set(found)) == len(found):
            return found
        raise InvalidArgumentError(
            f"The layer {self.name!r} has `attention_axes={self.attention_axes}` and received a query with {rank} axes.",
            f"They must be distinct axes between the batch axis and the feature axis: from 1 to {rank - 2}.",
            "Choose other axes, or omit `attention_axes` to attend over all of them.",
        )

    def _check(self, query: Shape, value: Shape, key: Shape) -> None:
        """Raise a :class:`ShapeError` unless the shapes of query, value and key are compatible."""
        shape_arithmetic.check_least_rank(self, query, ("batch", "steps", "features"))
        axes = self._axes(len(query))
        rest = [place for place in range(len(query) - 1) if place not in axes]
        if not len(query) == len(value) == len(key):
            raise self._misfit(query, value, key, "They must have the same number of axes.", "Reshape one of them.")
        if any(_differ(query[place], value[place]) for place in rest):
            expected = f"Query and value may differ only in the attention axes {axes} and in the features."
            raise self._misfit(query, value, key, expected, "Check `attention_axes` and the batch sizes.")
        if any(map(_differ, value[:-1], key[:-1])):
            expected = "Key and value must have the same shape except for the features, since each key belongs to one value."
            raise self._misfit(query, value, key, expected, "Check the inputs and their order: value, then key.")
        if self.built:
            named = ((self._query_dense, query), (self._key_dense, key), (self._value_dense, value))
            for projection, shape in named:
                shape_arithmetic.check_size(self, shape, -1, projection.kernel.shape[0], f"features of the {projection.name}")

    def _misfit(self, query: Shape, value: Shape, key: Shape, expected: str, advice: str) -> ShapeError:
        given = f"a query of shape {query}, a value of shape {value} and a key of shape {key}"
        return ShapeError(f"The layer {self.name!r} received {given}.", expected, advice)

    def compute_output_shape(self, query_shape: Shape, value_shape: Any = None, key_shape: Any = None) -> Shape:
        """Return the shape of the query with the feature axis replaced by ``output_shape``.

        Args:
            query_shape: Shape of the query.
            value_shape: Shape of the value. Defaults to None, for no validation.
            key_shape: Shape of the key. Defaults to that of the value.
        """
        if value_shape is not None:
            key_shape = value_shape if key_shape is None else key_shape
            self._check(tuple(query_shape), tuple(value_shape), tuple(key_shape))
        return (*query_shape[:-1], *self._projected_to(query_shape))

    def compute_output_spec(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Return symbolic tensors like the outputs of ``call`` for the same arguments."""
        query_shape, value_shape = tuple(query.shape), tuple(value.shape)
        shape = self.compute_output_shape(query_shape, value_shape, None if key is None else tuple(key.shape))
        outputs = SymbolicTensor(shape, self.compute_dtype)
        if not return_attention_scores:
            return outputs
        return outputs, SymbolicTensor(self._scores_shape(query_shape, value_shape), self.compute_dtype)

    def _scores_shape(self, query: Shape, value: Shape) -> Shape:
        axes = self._axes(len(query))
        rest = [query[place] for place in range(len(query) - 1) if place not in axes]
        return (*rest, self._sizes()[0], *(query[axis] for axis in axes), *(value[axis] for axis in axes))

    # --- The call -----------------------------------------------------------------------------------------------------

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Return the attention outputs.

        Args:
            query: Array of shape ``(batch, queries, features)``, possibly with more axes between batch and features.
            value: Array of shape ``(batch, keys, features)``.
            key: Array of shape ``(batch, keys, features)``. Defaults to ``value``.
            query_mask: Boolean array of shape ``(batch, queries)``, True for valid queries; other queries see no key.
            value_mask: Boolean array of shape ``(batch, keys)``, True for valid values.
            key_mask: Boolean array of shape ``(batch, keys)``, True for valid keys.
            attention_mask: Boolean array of shape ``(batch, queries, keys)``, True where a query may see a key. May have a head
                axis after the batch axis, or no batch axis. Sizes of 1 are broadcast.
            return_attention_scores: Whether to also return the attention weights, of shape ``(batch, heads, queries, keys)``.
                Defaults to False.
            training: Whether to apply dropout. Defaults to None (False).
            use_causal_mask: Whether a query sees only keys up to its own position. Defaults to False.

        Returns:
            The outputs, or ``(outputs, weights)``, with the weights before dropout.
        """
        key = value if key is None else key
        self._check(tuple(query.shape), tuple(value.shape), tuple(key.shape))
        axes = self._axes(len(query.shape))
        masks = {"query_mask": query_mask, "value_mask": value_mask, "key_mask": key_mask}
        allowed = self._allowed(query.shape, value.shape, masks, attention_mask, use_causal_mask)
        queries, keys, values = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        drops = training and self.dropout > 0
        weights = None
        if return_attention_scores or drops or len(query.shape) > 3:
            weights = self._weights(queries, keys, axes, allowed)
            outputs = self._mean(weights, values, axes, drops)
        else:
            outputs = ops.dot_product_attention(queries, keys, values, mask=allowed)
        if self.use_gate:
            outputs = outputs * self._gate_dense(query)
        outputs = self._output_dense(outputs)
        return (outputs, weights) if return_attention_scores else outputs

    def _weights(self, queries: Any, keys: Any, axes: tuple[int, ...], allowed: Any) -> Any:
        """Return the attention weights of the keys for each query; 0 where not allowed."""
        scale = 1 / math.sqrt(queries.shape[-1])
        ours, theirs, scores = _letters(len(queries.shape) - 2, axes)
        found = ops.einsum(f"{ours}xy,{theirs}xy->{scores}", queries * scale, self._for_each_head(keys))
        weights = _softmax_where(allowed, found, len(axes))
        return weights if allowed is None else ops.where(allowed, weights, 0)

    def _mean(self, weights: Any, values: Any, axes: tuple[int, ...], drops: Any) -> Any:
        if drops:
            weights = ops.random.dropout(weights, self.dropout, seed=self.seed_generator.next())
        ours, theirs, scores = _letters(len(values.shape) - 2, axes)
        return ops.einsum(f"{scores},{theirs}xz->{ours}xz", weights, self._for_each_head(values))

    def _for_each_head(self, x: Any) -> Any:
        """Return keys or values with one head per query head, by repeating shared heads."""
        heads, key_heads = self._sizes()[:2]
        return x if heads == key_heads else ops.repeat(x, heads // key_heads, axis=-2)

    def _allowed(self, query: Shape, value: Shape, masks: dict, attention_mask: Any, causal: bool) -> Any:
        """Return which keys each query may see, as booleans that broadcast to the scores; None if all."""
        axes = self._axes(len(query))
        count, between = len(axes), len(query) - 1 - len(axes)  # `between`: the other axes, including the batch axis
        queries, keys = [query[axis] for axis in axes], [value[axis] for axis in axes]
        found = []
        for name, mask in masks.items():
            if mask is not None:
                mine = queries if name == "query_mask" else keys
                mask = _check_mask(self, name, mask, (query[0], *mine))
                ones, after = ((1,) * between, (1,) * count) if name == "query_mask" else ((1,) * (between + count), ())
                found.append(ops.reshape(mask, (query[0], *ones, *mine, *after)))
        if attention_mask is not None:
            found.append(self._as_scores(attention_mask, self._scores_shape(query, value), 2 * count))
        if (causal or self.sliding_window is not None) and count > 1:
            raise InvalidArgumentError(
                f"The layer {self.name!r} attends over the axes {axes} and received "
                f"{'`use_causal_mask=True`' if causal else f'`sliding_window={self.sliding_window}`'}.",
                "Causal and sliding-window masks need exactly one attention axis.",
                "Choose one axis with `attention_axes`, or pass an `attention_mask`.",
            )
        return _all_of([*found, *_band(queries[0], keys[0], causal, self.sliding_window)])

    def _as_scores(self, mask: Any, expected: Shape, places: int) -> Any:
        """Return an ``attention_mask`` with the rank of the scores; missing axes precede the query and key axes."""
        mask = _as_array(mask)
        shape = tuple(mask.shape)
        full = (*shape[:-places], *(1,) * (len(expected) - len(shape)), *shape[-places:])
        fits = places <= len(shape) <= len(expected) and all(map(_repeats_to, full, expected))
        if not fits:
            raise ShapeError(
                f"The layer {self.name!r} received `attention_mask` of shape {shape}.",
                f"It must broadcast to the shape of the scores, {tuple(expected)}; the batch and head axes may be omitted.",
                f"Pass a mask of shape {(expected[0], *expected[-places:])}, with one value for each query and key.",
            )
        return ops.reshape(ops.cast(mask, "bool"), full)


def _differ(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one != other


def _repeats_to(size: Any, expected: Any) -> bool:
    return (isinstance(size, int) and size == 1) or size == expected


def _letters(steps: int, axes: tuple[int, ...]) -> tuple[str, str, str]:
    """Return the einsum letters of queries (up to the heads), keys and scores; ``x`` denotes the heads."""
    ours = "abcdefg"[:steps]
    theirs = "".join("ijklmno"[place] if place in axes else letter for place, letter in enumerate(ours))
    rest = "".join(letter for letter in ours if letter in theirs)
    return ours, theirs, f"{rest}x{''.join(ours[axis] for axis in axes)}{''.join(theirs[axis] for axis in axes)}"


class MultiHeadAttention(ManyHeads):
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
        flash_attention: Accepted for compatibility with Keras; ignored.
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

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            **kwargs,
        )
        self.num_heads = validation.whole(self, "num_heads", num_heads)
        self.key_dim = validation.whole(self, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else validation.whole(self, "value_dim", value_dim)
        self._given_shape = None if output_shape is None else output_sizes(self, output_shape)
        if attention_axes is not None:
            axes = validation.axes(self, attention_axes, "attention_axes")
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


class GroupQueryAttention(ManyHeads):
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
        flash_attention: Accepted for compatibility with Keras; ignored.
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

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            **kwargs,
        )
        self.head_dim = validation.whole(self, "head_dim", head_dim)
        self.num_query_heads = validation.whole(self, "num_query_heads", num_query_heads)
        self.num_key_value_heads = validation.whole(self, "num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise InvalidArgumentError(
                f"`GroupQueryAttention` received `num_query_heads={num_query_heads}` and "
                f"`num_key_value_heads={num_key_value_heads}`.",
                "`num_query_heads` must be divisible by `num_key_value_heads`.",
                f"Pass, for example, `num_query_heads={2 * self.num_key_value_heads}`.",
            )

    def _sizes(self) -> tuple[int, int, int, int]:
        return self.num_query_heads, self.num_key_value_heads, self.head_dim, self.head_dim

    def _check(self, query: Shape, value: Shape, key: Shape) -> None:
        shape_arithmetic.check_rank(self, query, ("batch", "steps", "features"))
        super()._check(query, value, key)


# --- Attention without projections ------------------------------------------------------------------------------------


class OneHead(Layer):
    """Base class of attention without projections, on a list ``[query, value]`` or ``[query, value, key]``.

    A subclass computes the scores of queries and keys in ``_scores(query, key)``.
    """

    batch_coupling = "none"
    supports_masking = True

    def __init__(self, use_scale: bool, dropout: float, seed: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.dropout = validation.rate(self, dropout, "dropout")
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)

    def _scores(self, query: Any, key: Any) -> Any:
        """Return the similarity scores, of shape ``(batch, queries, keys)``."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_scores(query, key)`.")

    def call(
        self,
        inputs: list,
        mask: Any = None,
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
        found += _band(query.shape[-2], value.shape[-2], use_causal_mask, None)
        weights = _softmax_where(_all_of(found), self._scores(query, others[0] if others else value))
        if training and self.dropout > 0:
            weights = ops.random.dropout(weights, self.dropout, seed=self.seed_generator.next())
        outputs = ops.matmul(weights, value)
        if query_mask is not None:
            outputs = ops.where(ops.expand_dims(query_mask, -1), outputs, 0)
        return (outputs, weights) if return_attention_scores else outputs

    def _masks(self, mask: Any, query: Shape, value: Shape) -> tuple[Any, Any]:
        if mask is None:
            return None, None
        if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
            raise InvalidTypeError(
                f"The layer {self.name!r} received a `mask` that is not a list of two masks.",
                "It must be `[query_mask, value_mask]`, since the inputs are a list.",
                "Pass None for a missing mask: `mask=[None, value_mask]`.",
            )
        pairs = (("query_mask", mask[0], query), ("value_mask", mask[1], value))
        found = [None if one is None else _check_mask(self, name, one, shape[:-1]) for name, one, shape in pairs]
        return found[0], found[1]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask of the query."""
        return previous_mask[0] if isinstance(previous_mask, (list, tuple)) else None

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape of the query with the features of the value."""
        is_list = isinstance(input_shape, (list, tuple)) and all(isinstance(shape, (list, tuple)) for shape in input_shape)
        if not is_list or len(input_shape) not in (2, 3):
            raise InvalidTypeError(
                f"The layer {self.name!r} was called on "
                + (f"a list of {len(input_shape)} tensors." if is_list else f"one tensor, of shape {input_shape}."),
                "It expects a list of two or three tensors: `[query, value]` or `[query, value, key]`.",
                f"Call it as `{type(self).__name__}()([query, value])`; for self-attention, pass `[x, x]`.",
            )
        query, value, key = (tuple(shape) for shape in (*input_shape, input_shape[1])[:3])
        shape_arithmetic.check_least_rank(self, query, ("batch", "steps", "features"))
        fits = len(query) == len(value) == len(key) and not any(map(_differ, query[:-2], value[:-2]))
        if not fits or any(map(_differ, value[:-1], key[:-1])) or _differ(query[-1], key[-1]):
            raise ShapeError(
                f"The layer {self.name!r} received a query of shape {query}, a value of shape {value} "
                f"and a key of shape {key}.",
                "They must be (batch, queries, size), (batch, keys, features) and (batch, keys, size). "
                "By default the key is the value.",
                "Project query and key to the same size with a `Dense` layer, and check the order: query, value, key.",
            )
        return (*query[:-1], value[-1])

    def compute_output_spec(
        self,
        inputs: list,
        mask: Any = None,
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


class Attention(OneHead):
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
        self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(use_scale, dropout, seed, **kwargs)
        if score_mode not in ("dot", "concat"):
            raise one_of("score_mode", score_mode, ("dot", "concat"))
        self.score_mode = score_mode

    def build(self, input_shape: Any) -> None:
        """Create the trainable scalars of the scores."""
        self.compute_output_shape(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _scores(self, query: Any, key: Any) -> Any:
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -1, -2))
            return scores * self.scale if self.use_scale else scores
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        return self.concat_score_weight * ops.sum(ops.tanh(pairs * self.scale if self.use_scale else pairs), axis=-1)


class AdditiveAttention(OneHead):
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
        super().__init__(use_scale, dropout, kwargs.pop("seed", None), **kwargs)

    def build(self, input_shape: Any) -> None:
        """Create ``scale``."""
        self.compute_output_shape(input_shape)
        if self.use_scale:
            size = shape_arithmetic.check_size(self, tuple(input_shape[0]), -1, None, "features")
            self.scale = self.add_weight((size,), "glorot_uniform", name="scale")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape of the query with the features of the value."""
        shape = super().compute_output_shape(input_shape)
        if self.built and self.use_scale:
            shape_arithmetic.check_size(self, tuple(input_shape[0]), -1, self.scale.shape[0], "features")
        return shape

    def _scores(self, query: Any, key: Any) -> Any:
        matches = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(matches * self.scale if self.use_scale else matches, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the config, including ``seed``."""
        return {**super().get_config(), "seed": self.seed}
