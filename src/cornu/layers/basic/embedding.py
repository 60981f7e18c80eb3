"""Embedding layer: a table with one trainable vector per index."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import ops, registry, trees, validation
from cornu.core import shape_inference
from cornu.core.adapted_weight import rows_of
from cornu.core.layer_config import owner_of
from cornu.errors import DataError
from cornu.layers.lora import LowRankAdaptable
from cornu.layers.weight_arguments import add_described_weight, store_weight_arguments
from cornu.typing import Array, Constraint, Initializer, Regularizer, Shape

__all__ = ["Embedding"]


@registry.register("layers")
class Embedding(LowRankAdaptable):
    """Layer that maps integer indices from 0 to ``input_dim - 1`` to trainable vectors: ``y = embeddings[x]``.

    Its weight is ``embeddings``, of shape ``(input_dim, output_dim)``.

    Input shape: ``(batch, ...)``, integers. Output shape: ``(batch, ..., output_dim)``.

    An index outside of the table raises an error if its value is accessible: in NumPy data that the layer is called on, and on
    the NumPy backend. In compiled code its vector is NaN, so that it is not mistaken for another index.

    Args:
        input_dim: Positive integer, the number of indices (the largest index + 1).
        output_dim: Positive integer, the size of each vector.
        embeddings_initializer: Initializer for the table. Defaults to ``"uniform"``.
        embeddings_regularizer: Regularizer applied to the table. Defaults to None.
        embeddings_constraint: Constraint applied to the table after each optimizer update. Defaults to None.
        mask_zero: Whether index 0 stands for padding, which subsequent recurrent layers skip. Defaults to False.
        weights: Array, or list of one array, the initial value of the table, instead of the initializer. Defaults to None.
        lora_rank: Positive integer, the rank of a LoRA adaptation of the table (see :meth:`enable_lora`). Defaults to None.
        lora_alpha: Number that scales the adaptation. Defaults to ``lora_rank``.
        **kwargs: Arguments of the base class :class:`Layer`: ``name``, ``trainable``, ``dtype`` and ``activity_regularizer``.
            ``input_length``, of older code, is ignored.

    Raises:
        InvalidArgumentError: If a size is not a positive integer.
        ShapeError: If ``weights`` does not have the shape of the table.
        DataError: If, when called, an index is outside of the table.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Embedding
        >>> layer = Embedding(3, 2, weights=[[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
        >>> layer(np.array([[2, 1]])).tolist()
        [[[3.0, 4.0], [1.0, 2.0]]]
    """

    batch_coupling = "none"
    cornu_adapted_weight = "embeddings"
    embeddings_initializer: Callable[..., Array]

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Initializer = "uniform",
        embeddings_regularizer: Regularizer = None,
        embeddings_constraint: Constraint = None,
        mask_zero: bool = False,
        weights: np.ndarray | list | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ):
        kwargs.pop("input_length", None)  # of Keras 2
        super().__init__(**kwargs)
        self.input_dim = validation.check_int(self, "input_dim", input_dim)
        self.output_dim = validation.check_int(self, "output_dim", output_dim)
        store_weight_arguments(self, "embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.autocast = False  # a cast to 16 bits would round the numbers of the words
        if registry.is_builtin(owner_of(type(self), "__init__")) and self._cornu_arguments:  # a config holds no table
            self._cornu_arguments = {
                n: value for n, value in self._cornu_arguments.items() if n not in ("weights", "input_length")
            }
        self._keep_lora(lora_rank, lora_alpha)
        if weights is not None:
            self.build()
            self.set_weights([weights[0] if np.ndim(weights) == 3 else weights, *self.get_weights()[1:]])

    def build(self, input_shape: Shape | None = None) -> None:
        """Create the table."""
        shape = (self.input_dim, self.output_dim)
        self.embeddings = add_described_weight(self, "embeddings", shape, autocast=False)  # only the selected rows are cast

    @property
    def cornu_largest_index(self) -> int:  # type: ignore[override]
        """The index of the last row."""
        return self.input_dim - 1

    def call(self, inputs: Array) -> Any:
        """Return the vectors of the indices."""
        numbers = ops.cast(inputs, "int32")
        vectors = ops.cast(rows_of(self.embeddings, numbers), self.compute_dtype)
        known = ops.logical_and(ops.greater_equal(numbers, 0), ops.less(numbers, self.input_dim))
        return ops.where(ops.expand_dims(known, -1), vectors, float("nan"))

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Any:
        """Return a mask that is False for index 0 if ``mask_zero`` is True, else None."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape followed by ``output_dim``."""
        return (*input_shape, self.output_dim)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer, after a range check of NumPy indices."""
        for value in trees.leaves((args, kwargs)) if self._takes_indices(args, kwargs) else ():
            if isinstance(value, np.ndarray) and not shape_inference.is_inferring():
                self._check_range(value)
        return super().__call__(*args, **kwargs)

    def _takes_indices(self, args: tuple, kwargs: dict) -> bool:
        """Return whether a call with these arguments is one on indices."""
        return True

    def _check_range(self, numbers: np.ndarray) -> None:
        outside = numbers[(numbers < 0) | (numbers >= self.input_dim)]
        if not outside.size:
            return
        worst = int(outside.max()) if outside.max() >= self.input_dim else int(outside.min())
        raise DataError(
            f"The layer {self.name!r} received the index {worst}.",
            f"Its table has {self.input_dim} rows, for the indices 0 to {self.input_dim - 1}.",
            f"Use `Embedding({worst + 1}, {self.output_dim})`, or map rare tokens to one index."
            if worst > 0
            else "Start the indices at 0, or at 1 if 0 stands for padding.",
        )
