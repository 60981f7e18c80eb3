"""Inputs of models: ``InputLayer`` and ``Input``."""

from collections.abc import Sequence
from typing import Any

from cornu import config, registry
from cornu.core import graph
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError
from cornu.typing import Size


@registry.register("layers")
class InputLayer(Layer):
    """Layer that marks where data enters a model.

    Args:
        shape: Tuple of integers, shape of one sample without the batch axis; None for a size that may vary.
        batch_size: Integer, fixed size of the batch. Defaults to None (any size).
        dtype: Dtype of the data. Defaults to ``config.floatx()``.
        batch_shape: Shape including the batch size, in place of ``shape`` and ``batch_size``. Defaults to None.
        name: Name of the object. Defaults to a name derived from the class.

    Example:
        >>> from cornu.layers import InputLayer
        >>> InputLayer((28, 28, 1), name="images").graph_output.shape
        (None, 28, 28, 1)
    """

    batch_coupling = "none"

    def __init__(
        self,
        shape: int | Sequence[Size] | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        batch_shape: Sequence[Size] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        kwargs = {key: value for key, value in kwargs.items() if key not in ("sparse", "ragged", "optional") or value}
        super().__init__(name=name, **kwargs)
        self.batch_shape = _batch_shape(shape, batch_size, batch_shape)
        self.input_dtype = dtype or config.floatx()
        self.built = True
        self.graph_output = graph.record(self, (), {}, SymbolicTensor(self.batch_shape, self.input_dtype))

    def call(self) -> Any:
        """Raise an error: the model passes data to the input of its graph, without calling this layer."""
        raise InvalidArgumentError(
            f"The input layer {self.name!r} was called.", "It only marks where data enters a model.", "Call the model instead."
        )

    @property
    def dtype(self) -> str:
        """Dtype of the data."""
        return self.input_dtype

    def get_config(self) -> dict[str, Any]:
        """Return the config: shape, dtype and name."""
        return {"batch_shape": self.batch_shape, "dtype": self.input_dtype, "sparse": False, "ragged": False, "name": self.name}


def _batch_shape(
    shape: int | Sequence[Size] | None, batch_size: int | None, batch_shape: Sequence[Size] | None
) -> tuple[int | None, ...]:
    """Return the shape with the batch size from the arguments of ``Input``."""
    if (shape is None) == (batch_shape is None):
        raise InvalidArgumentError(
            f"`Input` received shape={shape!r} and batch_shape={batch_shape!r}.",
            "Exactly one of the two must be given.",
            "Pass the shape of one sample, such as `Input((28, 28, 1))`.",
        )
    whole = (batch_size, *_as_tuple(shape)) if batch_shape is None else _as_tuple(batch_shape)
    if any(size is not None and size < 1 for size in whole):
        raise InvalidArgumentError(
            f"`Input` received the shape {whole[1:]}.",
            "Sizes must be positive, or None if they vary.",
            "Check the shape of one sample.",
        )
    return whole


def _as_tuple(shape: Any) -> tuple[int | None, ...]:
    """Return a shape as a tuple; an integer means one axis, as in ``Input(3)``."""
    sizes = (shape,) if isinstance(shape, int) or not hasattr(shape, "__iter__") else shape
    return tuple(None if size is None else int(size) for size in sizes)


def Input(
    shape: int | Sequence[Size] | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    batch_shape: Sequence[Size] | None = None,
    name: str | None = None,
) -> SymbolicTensor:
    """Create a symbolic tensor, the starting point of a functional model.

    Args:
        shape: Tuple of integers, shape of one sample without the batch axis; None for a size that may vary.
        batch_size: Integer, fixed size of the batch. Defaults to None (any size).
        dtype: Dtype of the data. Defaults to ``config.floatx()``.
        batch_shape: Shape including the batch size, in place of ``shape`` and ``batch_size``. Defaults to None.
        name: Name of the input layer. Defaults to a generated name.

    Returns:
        A symbolic tensor of shape ``(batch_size, *shape)``.

    Raises:
        InvalidArgumentError: If neither or both of ``shape`` and ``batch_shape`` are given, or a size is not positive.

    Example:
        >>> import cornu
        >>> cornu.Input((28, 28, 1)).shape
        (None, 28, 28, 1)
    """
    return InputLayer(shape, batch_size, dtype, batch_shape, name).graph_output
