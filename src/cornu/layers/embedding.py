"""A table of vectors, one for each word or other thing that has a number."""

from typing import Any

import numpy as np

from cornu import constraints, initializers, ops, regularizers, trees
from cornu.core.layer import Layer
from cornu.errors import DataError
from cornu.layers import arguments
from cornu.layers.shapes import Shape


class Embedding(Layer):
    """Gives each whole number from 0 to ``input_dim - 1`` a vector, which is trained.

    Takes whole numbers ``(batch, ...)`` and gives ``(batch, ..., output_dim)``. Its weight is ``embeddings``, of shape
    ``(input_dim, output_dim)``.

    A number outside of the table is an error where the numbers can be looked at: in NumPy data that the layer is called on,
    and on the NumPy backend. In compiled code its vector is NaN, so that it cannot pass for another word.

    Args:
        input_dim: How many numbers there are: the largest one and 1 more.
        output_dim: Size of a vector.
        embeddings_initializer: First value of the table.
        embeddings_regularizer: Penalty on the table.
        embeddings_constraint: What the table is brought to after each update.
        mask_zero: Whether 0 is no word but padding, which recurrent layers then skip.
        weights: First value of the table as an array, or a list with it; instead of the initializer.
        input_length: Is taken for the sake of old code and has no effect.
        **kwargs: Arguments of the base class :class:`Layer`: ``name``, ``trainable``, ``dtype`` and ``activity_regularizer``.

    Raises:
        InvalidArgumentError: A size is no whole number above 0.
        ShapeError: ``weights`` is not of the table's shape.
        DataError: When called: a number is outside of the table.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Embedding
        >>> layer = Embedding(3, 2, weights=[[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
        >>> layer(np.array([[2, 1]])).tolist()
        [[[3.0, 4.0], [1.0, 2.0]]]
    """

    batch_coupling = "none"

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        input_length: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_dim = arguments.whole(self, "input_dim", input_dim)
        self.output_dim = arguments.whole(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.autocast = False  # a cast to 16 bits would round the numbers of the words
        if type(self).__init__ is Embedding.__init__ and self._arguments:  # a config holds no table
            self._arguments = {n: value for n, value in self._arguments.items() if n not in ("weights", "input_length")}
        if weights is not None:
            self.build()
            self.set_weights([weights[0] if np.ndim(weights) == 3 else weights])

    def build(self, input_shape: Shape | None = None) -> None:
        """Makes the table."""
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
            autocast=False,  # the few rows that are wanted are cast, not the table
        )

    def call(self, inputs: Any) -> Any:
        """The vectors of the numbers."""
        numbers = ops.cast(inputs, "int32")
        vectors = ops.cast(ops.take(self.embeddings, numbers, axis=0), self.compute_dtype)
        known = ops.logical_and(ops.greater_equal(numbers, 0), ops.less(numbers, self.input_dim))
        return ops.where(ops.expand_dims(known, -1), vectors, float("nan"))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """False for padding, if 0 is padding."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The size of a vector comes last."""
        return (*input_shape, self.output_dim)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer; looks at the numbers first where they are NumPy's."""
        for value in trees.leaves((args, kwargs)):
            if isinstance(value, np.ndarray):
                self._check_range(value)
        return super().__call__(*args, **kwargs)

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
