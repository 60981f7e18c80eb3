"""Layer that encodes integer categories."""

from typing import Any, Unpack

import numpy as np

from cornu import ops, registry, validation
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.errors import DataError, InvalidArgumentError
from cornu.layers.preprocessing.host_data import as_array
from cornu.layers.preprocessing.output_modes import check_output_mode, encode_array, encoded_shape
from cornu.ops.shape_checks import shapes_error
from cornu.typing import Array, ArrayLike, Shape

__all__ = ["CategoryEncoding"]


@registry.register("layers")
class CategoryEncoding(Layer):
    """Layer that encodes integers from 0 to ``num_tokens - 1`` as one vector for each sample or for each integer.

    An integer out of range raises an error if its value is accessible: in data that the layer is called on. In compiled code it
    is left out.

    Input shape: any, integers. Output shape: see ``output_mode``.

    Args:
        num_tokens: Positive integer, number of categories.
        output_mode: ``"one_hot"`` (a vector for each integer; a last axis of size 1 is replaced), ``"multi_hot"`` (for each
            sample, the last axis, 1 at each of its integers) or ``"count"`` (how often each integer occurs in a sample).
            Defaults to ``"multi_hot"``.
        sparse: Must be False: Cornu has no sparse arrays. Defaults to False.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``num_tokens`` is not a positive integer, or there is no such mode.
        DataError: If, when called, an integer is out of range.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import CategoryEncoding
        >>> CategoryEncoding(num_tokens=4)(np.array([[0, 1], [3, 3]])).tolist()
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    batch_coupling = "none"

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.num_tokens = validation.check_int(self, "num_tokens", num_tokens)
        self.output_mode = check_output_mode(self, output_mode, ("one_hot", "multi_hot", "count"), sparse)
        self.sparse = sparse
        self.autocast = False  # half precision would round large integers

    def __call__(self, inputs: ArrayLike, count_weights: ArrayLike | None = None, **kwargs: bool) -> Any:
        """Call the layer, after a check of the range of data.

        Args:
            inputs: Integers.
            count_weights: Weight of each integer, for ``output_mode="count"``. Defaults to None (weights of 1).
            **kwargs: Further arguments of the call, such as ``training``.
        """
        data, weights = (value if value is None else as_array(value) for value in (inputs, count_weights))
        if isinstance(data, np.ndarray):
            self._check_range(data)
        return super().__call__(data, **kwargs) if weights is None else super().__call__(data, count_weights=weights, **kwargs)

    def _check_range(self, values: np.ndarray) -> None:
        outside = values[(values < 0) | (values >= self.num_tokens) | (values % 1 != 0)]
        if outside.size:
            raise DataError(
                f"The layer {self.name!r} received {outside.size} values such as {outside.flat[0]}.",
                f"They must be integers from 0 to {self.num_tokens - 1}, since `num_tokens` is {self.num_tokens}.",
                "Pass a larger `num_tokens`, or number the categories with `IntegerLookup` first.",
            )

    def call(self, inputs: Array, count_weights: Array | None = None) -> Any:
        """Return the integers in the output mode."""
        if count_weights is not None:
            if self.output_mode != "count":
                raise InvalidArgumentError(
                    f"The layer {self.name!r} received `count_weights` with `output_mode={self.output_mode!r}`.",
                    "Only counts have weights.",
                    "Omit `count_weights`, or create the layer with `output_mode='count'`.",
                )
            if tuple(count_weights.shape) != tuple(inputs.shape):
                shapes = {"inputs": inputs.shape, "count_weights": count_weights.shape}
                raise shapes_error(
                    "CategoryEncoding", shapes, "Both must have the same shape.", "Pass one weight for each integer."
                )
        indices = ops.cast(inputs, "int32")
        return encode_array(indices, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output in the output mode."""
        return encoded_shape(tuple(input_shape), self.output_mode, self.num_tokens)
