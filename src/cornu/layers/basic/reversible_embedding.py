"""Embedding layer that also maps vectors back to scores of the indices."""

from typing import Any

from cornu import ops, registry, validation
from cornu.core import masks
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.layers import shape_arithmetic
from cornu.layers.basic.embedding import Embedding
from cornu.serialization import with_signature
from cornu.typing import Array, DType, Shape

__all__ = ["ReversibleEmbedding"]


@registry.register("layers")
class ReversibleEmbedding(Embedding):
    """Embedding layer for both ends of a language model: ``y = embeddings[x]``, and in reverse ``x @ transpose(embeddings)``.

    Input shape: ``(batch, ...)``, integers. Output shape: ``(batch, ..., output_dim)``. A call with ``reverse=True`` maps
    ``(batch, ..., output_dim)`` to ``(batch, ..., input_dim)``.

    Source: Press and Wolf, 2017, Using the Output Embedding to Improve Language Models, https://arxiv.org/abs/1608.05859

    Args:
        input_dim: Positive integer, the number of indices (the largest index + 1).
        output_dim: Positive integer, the size of each vector.
        tie_weights: Whether the reverse call uses the transposed table. If False, it uses a weight of its own,
            ``reverse_embeddings``, of shape ``(output_dim, input_dim)``. Defaults to True.
        embeddings_initializer: Initializer for the table. Defaults to ``"uniform"``.
        embeddings_regularizer: Regularizer applied to the table. Defaults to None.
        embeddings_constraint: Constraint applied to the table after each optimizer update. Defaults to None.
        mask_zero: Whether index 0 stands for padding, which subsequent layers skip. Defaults to False.
        reverse_dtype: Dtype in which the reverse call computes, such as ``"float32"`` in mixed precision. Defaults to the
            compute dtype of the layer.
        logit_soft_cap: Positive number c, to return ``c * tanh(logits / c)`` in the reverse call. Defaults to None.
        **kwargs: Further arguments of :class:`Embedding`, such as ``weights``, ``lora_rank``, ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size or ``logit_soft_cap`` is not positive.
        ShapeError: If, when called in reverse, the last axis does not have the size ``output_dim``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ReversibleEmbedding
        >>> layer = ReversibleEmbedding(10, 4)
        >>> vectors = layer(np.array([[2, 1]]))
        >>> vectors.shape, layer(vectors, reverse=True).shape
        ((1, 2, 4), (1, 2, 10))
    """

    @with_signature(
        "input_dim output_dim tie_weights embeddings_initializer embeddings_regularizer embeddings_constraint mask_zero "
        "reverse_dtype logit_soft_cap",
        Embedding,
    )
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        reverse_dtype: DType = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ):
        self.tie_weights = tie_weights
        super().__init__(input_dim=input_dim, output_dim=output_dim, **kwargs)
        self.reverse_dtype = None if reverse_dtype is None else validation.standardize_dtype(reverse_dtype)
        self.logit_soft_cap = logit_soft_cap
        if logit_soft_cap is not None:
            validation.check_positive(self, "logit_soft_cap", logit_soft_cap, 30.0)

    def build(self, input_shape: Shape | None = None) -> None:
        """Create the table, and that of the reverse call if it has one of its own."""
        super().build(input_shape)
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            self.reverse_embeddings = self.add_weight(shape, self.embeddings_initializer, name="reverse_embeddings")

    def call(self, inputs: Array, reverse: bool = False) -> Any:
        """Return the vectors of indices, or with ``reverse`` the scores of all indices for vectors."""
        if not reverse:
            vectors, mask = super().call(inputs), super().compute_mask(inputs)
            if mask is not None:
                masks.set_mask(vectors, mask)
            return vectors
        shape_arithmetic.check_size(self, inputs.shape, -1, self.output_dim, "features")
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        logits = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        if self.logit_soft_cap is not None:
            logits = ops.tanh(logits / self.logit_soft_cap) * self.logit_soft_cap
        return logits

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> None:
        """Return None: scores have no mask, and vectors have the one that :meth:`call` sets."""

    def compute_output_shape(self, input_shape: Shape, reverse: bool = False) -> Shape:
        """Return the input shape followed by ``output_dim``; with ``reverse``, its last size replaced by ``input_dim``."""
        return (*input_shape[:-1], self.input_dim) if reverse else super().compute_output_shape(input_shape)

    def compute_output_spec(self, inputs: Array, reverse: bool = False) -> SymbolicTensor:
        """Return a symbolic tensor of the output."""
        dtype = self.reverse_dtype if reverse else None
        return SymbolicTensor(self.compute_output_shape(inputs.shape, reverse), dtype or self.compute_dtype)

    def _takes_indices(self, args: tuple, kwargs: dict) -> bool:
        return not (args[1] if len(args) > 1 else kwargs.get("reverse"))
