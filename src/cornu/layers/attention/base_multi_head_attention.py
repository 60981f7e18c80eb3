"""Base class of the attention layers with several heads."""

import math
from typing import Any

from cornu import ops, regularizers, validation
from cornu.core.layer import Layer
from cornu.core.seed_generator import SeedGenerator
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.layers import shape_arithmetic
from cornu.layers.attention import masks
from cornu.layers.basic.einsum_dense import EinsumDense
from cornu.layers.weight_arguments import KernelAndBiasArguments, KernelAndBiasOptions, store_weight_arguments
from cornu.ops.nn.attention import no_flash_attention
from cornu.serialization import serialize
from cornu.typing import Activation, Array, ArrayLike, Constraint, Initializer, Regularizer, Shape


class AttentionArguments(KernelAndBiasOptions, total=False):
    """The arguments of :class:`BaseMultiHeadAttention`, which the constructors of its subclasses accept as ``**kwargs``."""

    dropout: float
    sliding_window: int | None
    flash_attention: bool | None
    use_gate: bool
    seed: int | None


class BaseMultiHeadAttention(KernelAndBiasArguments, Layer):
    """Base class of multi-head attention: projections, masks, attention and output projection.

    A subclass defines the number and the size of the heads in ``_sizes`` and the output sizes in ``_projected_to``.
    """

    batch_coupling = "none"
    supports_masking = True
    attention_axes: tuple[int, ...] | None = None

    def __init__(
        self,
        *,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        activity_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.dropout = validation.check_fraction(self, dropout, "dropout")
        self.use_bias = use_bias
        self.sliding_window = None if sliding_window is None else validation.check_int(self, "sliding_window", sliding_window)
        store_weight_arguments(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        store_weight_arguments(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.use_gate = use_gate
        self._flash_attention = flash_attention
        self.seed = seed
        if self.dropout > 0:
            self.seed_generator = SeedGenerator(seed)
        self._penalty = regularizers.get(activity_regularizer)  # applied to the projections, as in Keras, not to the layer

    def _sizes(self) -> tuple[int, int, int, int]:
        """Return the numbers of query heads and key heads, and the sizes of the keys and the values of a head."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_sizes()`.")

    def _projected_to(self, query_shape: Shape) -> tuple:
        """Return the output sizes that replace the feature axis."""
        return (query_shape[-1],)

    def get_config(self) -> dict[str, Any]:
        """Return the config, without ``flash_attention``, as in Keras."""
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
        self._need_value(value_shape)
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

    def _projection(self, name: str, equation: str, sizes: tuple, bias_axes: str, activation: Activation = None) -> EinsumDense:
        layer = EinsumDense(
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
        layer.supports_masking = True  # the mask of the inputs is applied to the scores
        return layer

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
            raise masks.misfit(self, query, value, key, "They must have the same number of axes.", "Reshape one of them.")
        if any(masks.differ(query[place], value[place]) for place in rest):
            expected = f"Query and value may differ only in the attention axes {axes} and in the features."
            raise masks.misfit(self, query, value, key, expected, "Check `attention_axes` and the batch sizes.")
        if any(map(masks.differ, value[:-1], key[:-1])):
            expected = "Key and value must have the same shape except for the features, since each key belongs to one value."
            raise masks.misfit(self, query, value, key, expected, "Check the inputs and their order: value, then key.")
        if self.built:
            named = ((self._query_dense, query), (self._key_dense, key), (self._value_dense, value))
            for projection, shape in named:
                shape_arithmetic.check_size(self, shape, -1, projection.kernel.shape[0], f"features of the {projection.name}")

    def _need_value(self, value: Array | Shape | None) -> None:
        """Raise an ``InvalidTypeError`` if there is no value."""
        if value is None:
            raise InvalidTypeError(
                f"The layer {self.name!r} received None as `value`.",
                "It attends from a query to values: both must be tensors. Only `key` may be None, which is then the value.",
                "For self-attention, pass the same tensor twice: `layer(x, x)`.",
            )

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Shape | None = None, key_shape: Shape | None = None
    ) -> Shape:
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
        query: Array,
        value: Array,
        key: Array | None = None,
        query_mask: ArrayLike | None = None,
        value_mask: ArrayLike | None = None,
        key_mask: ArrayLike | None = None,
        attention_mask: ArrayLike | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Return symbolic tensors like the outputs of ``call`` for the same arguments."""
        self._need_value(value)
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
        query: Array,
        value: Array,
        key: Array | None = None,
        query_mask: ArrayLike | None = None,
        value_mask: ArrayLike | None = None,
        key_mask: ArrayLike | None = None,
        attention_mask: ArrayLike | None = None,
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
        if self._flash_attention:
            raise no_flash_attention(f"The layer {self.name!r}")
        self._need_value(value)
        key = value if key is None else key
        self._check(tuple(query.shape), tuple(value.shape), tuple(key.shape))
        axes = self._axes(len(query.shape))
        padding = {"query_mask": query_mask, "value_mask": value_mask, "key_mask": key_mask}
        allowed = self._allowed(query.shape, value.shape, padding, attention_mask, use_causal_mask)
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

    def _weights(self, queries: Array, keys: Array, axes: tuple[int, ...], allowed: Array | None) -> Any:
        """Return the attention weights of the keys for each query; 0 where not allowed."""
        scale = 1 / math.sqrt(queries.shape[-1])
        ours, theirs, scores = _letters(len(queries.shape) - 2, axes)
        found = ops.einsum(f"{ours}xy,{theirs}xy->{scores}", queries * scale, self._for_each_head(keys))
        weights = masks.masked_softmax(allowed, found, len(axes))
        return weights if allowed is None else ops.where(allowed, weights, 0)

    def _mean(self, weights: Array, values: Array, axes: tuple[int, ...], drops: bool | None) -> Any:
        if drops:
            weights = ops.random.dropout(weights, self.dropout, seed=self.seed_generator.next())
        ours, theirs, scores = _letters(len(values.shape) - 2, axes)
        return ops.einsum(f"{scores},{theirs}xz->{ours}xz", weights, self._for_each_head(values))

    def _for_each_head(self, x: Array) -> Any:
        """Return keys or values with one head per query head, by repeating shared heads."""
        heads, key_heads = self._sizes()[:2]
        return x if heads == key_heads else ops.repeat(x, heads // key_heads, axis=-2)

    def _allowed(self, query: Shape, value: Shape, padding: dict, attention_mask: ArrayLike | None, causal: bool) -> Any:
        """Return which keys each query may see, as booleans that broadcast to the scores; None if all."""
        axes = self._axes(len(query))
        count, between = len(axes), len(query) - 1 - len(axes)  # `between`: the other axes, including the batch axis
        queries, keys = [query[axis] for axis in axes], [value[axis] for axis in axes]
        found = []
        for name, mask in padding.items():
            if mask is not None:
                mine = queries if name == "query_mask" else keys
                mask = masks.check_mask(self, name, mask, (query[0], *mine))
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
        return masks.combine_masks([*found, *masks.band_masks(queries[0], keys[0], causal, self.sliding_window)])

    def _as_scores(self, mask: ArrayLike, expected: Shape, places: int) -> Any:
        """Return an ``attention_mask`` with the rank of the scores; missing axes precede the query and key axes."""
        array = masks.as_array(mask)
        shape = tuple(array.shape)
        full = (*shape[:-places], *(1,) * (len(expected) - len(shape)), *shape[-places:])
        fits = places <= len(shape) <= len(expected) and all(map(masks.repeats_to, full, expected))
        if not fits:
            raise ShapeError(
                f"The layer {self.name!r} received `attention_mask` of shape {shape}.",
                f"It must broadcast to the shape of the scores, {tuple(expected)}; the batch and head axes may be omitted.",
                f"Pass a mask of shape {(expected[0], *expected[-places:])}, with one value for each query and key.",
            )
        return ops.reshape(ops.cast(array, "bool"), full)


def _letters(steps: int, axes: tuple[int, ...]) -> tuple[str, str, str]:
    """Return the einsum letters of queries (up to the heads), keys and scores; ``x`` denotes the heads."""
    ours = "abcdefg"[:steps]
    theirs = "".join("ijklmno"[place] if place in axes else letter for place, letter in enumerate(ours))
    rest = "".join(letter for letter in ours if letter in theirs)
    return ours, theirs, f"{rest}x{''.join(ours[axis] for axis in axes)}{''.join(theirs[axis] for axis in axes)}"
