"""Where a model begins: the input layer and ``Input``."""

from typing import Any

from cornu import config, registry
from cornu.core import graph
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError


@registry.register("layers")
class InputLayer(Layer):
    """The place where data enters a model.

    Args:
        shape: Shape of one sample, without the batch; None for a size that may vary.
        batch_size: Size of the batch if it is fixed.
        dtype: Default ``config.floatx()``.
        batch_shape: The shape with the batch size, instead of ``shape`` and ``batch_size``.
        name: Its name.

    Example:
        >>> from cornu.layers import InputLayer
        >>> InputLayer((28, 28, 1), name="pictures").graph_output.shape
        (None, 28, 28, 1)
    """

    batch_coupling = "none"

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        batch_shape: Any = None,
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
        """Gives nothing by itself: the model puts the data in its place."""
        raise InvalidArgumentError(
            f"The input layer {self.name!r} was called.", "It only marks where data enters a model.", "Call the model instead."
        )

    @property
    def dtype(self) -> str:
        """Dtype of the data."""
        return self.input_dtype

    def get_config(self) -> dict[str, Any]:
        """Shape, dtype and name."""
        return {"batch_shape": self.batch_shape, "dtype": self.input_dtype, "sparse": False, "ragged": False, "name": self.name}


def _batch_shape(shape: Any, batch_size: int | None, batch_shape: Any) -> tuple[int | None, ...]:
    if (shape is None) == (batch_shape is None):
        raise InvalidArgumentError(
            f"`Input` was given shape={shape!r} and batch_shape={batch_shape!r}.",
            "It needs one of the two.",
            "Pass the shape of one sample, such as `Input((28, 28, 1))`.",
        )
    whole = (batch_size, *_as_tuple(shape)) if batch_shape is None else _as_tuple(batch_shape)
    if any(size is not None and size < 1 for size in whole):
        raise InvalidArgumentError(
            f"`Input` was given the shape {whole[1:]}.",
            "Sizes must be positive, or None if they vary.",
            "Check the shape of one sample.",
        )
    return whole


def _as_tuple(shape: Any) -> tuple[int | None, ...]:
    """A shape as a tuple; a bare number means one axis: ``Input(3)``."""
    sizes = (shape,) if isinstance(shape, int) or not hasattr(shape, "__iter__") else shape
    return tuple(None if size is None else int(size) for size in sizes)


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    batch_shape: Any = None,
    name: str | None = None,
) -> SymbolicTensor:
    """A symbolic tensor to begin a model with.

    Args:
        shape: Shape of one sample, without the batch; None for a size that may vary.
        batch_size: Size of the batch if it is fixed.
        dtype: Default ``config.floatx()``.
        batch_shape: The shape with the batch size, instead of ``shape`` and ``batch_size``.
        name: Name of the input layer.

    Returns:
        A symbolic tensor of shape ``(batch_size, *shape)``.

    Raises:
        InvalidArgumentError: Neither or both of ``shape`` and ``batch_shape`` are given, or a size is not positive.

    Example:
        >>> import cornu
        >>> cornu.Input((28, 28, 1)).shape
        (None, 28, 28, 1)
    """
    return InputLayer(shape, batch_size, dtype, batch_shape, name).graph_output
