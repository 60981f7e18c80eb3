"""Inputs of models: ``InputLayer`` and ``Input``."""

from collections.abc import Sequence
from typing import Any

from cornu import registry, validation
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import Node, SymbolicTensor, check_dense, is_symbolic
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.typing import DType, Shape, Size


@registry.register("layers")
class InputLayer(Layer):
    """Layer that marks where data enters a model.

    Args:
        shape: Tuple of integers, shape of one sample without the batch axis; None for a size that may vary.
        batch_size: Integer, fixed size of the batch. Defaults to None (any size).
        dtype: Dtype of the data; ``"string"`` for strings. Defaults to ``config.floatx()``.
        sparse: Must be False or None: Cornu has no sparse arrays. Defaults to None.
        ragged: Must be False or None: Cornu has no ragged arrays. Defaults to None.
        batch_shape: Shape including the batch size, in place of ``shape`` and ``batch_size``. Defaults to None.
        input_tensor: Symbolic tensor that becomes the input, with its shape and dtype. Defaults to None (a new one).
        optional: Whether the model may be called with None in the place of this input. Defaults to False.
        name: Name of the object. Defaults to a name derived from the class.

    Raises:
        InvalidArgumentError: If the arguments contradict each other, or a size is not positive.
        InvalidTypeError: If ``input_tensor`` is not a symbolic tensor.

    Example:
        >>> from cornu.layers import InputLayer
        >>> InputLayer((28, 28, 1), name="images").output.shape
        (None, 28, 28, 1)
    """

    batch_coupling = "none"

    def __init__(
        self,
        shape: int | Sequence[Size] | None = None,
        batch_size: int | None = None,
        dtype: DType = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[Size] | None = None,
        input_tensor: SymbolicTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        shape = kwargs.pop("input_shape", shape)  # the names of Keras 2
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        super().__init__(name=name, **kwargs)
        check_dense("Input", sparse, ragged)
        self.sparse = self.ragged = False
        self.optional = bool(optional)
        if input_tensor is None:
            whole, dtype = _batch_shape(shape, batch_size, batch_shape), _dtype_of_data(dtype)
            input_tensor = SymbolicTensor(whole, dtype, name=self.name)
        else:
            _check_tensor(input_tensor, shape, batch_size, batch_shape, dtype)
        self.batch_shape: Shape = input_tensor.shape
        self._data_dtype = input_tensor.dtype
        self.built = True
        self.graph_output = input_tensor
        Node(self, (), {}, input_tensor)

    def call(self) -> Any:
        """Raise an error: the model passes data to the input of its graph, without calling this layer."""
        raise InvalidArgumentError(
            f"The input layer {self.name!r} was called.", "It only marks where data enters a model.", "Call the model instead."
        )

    @property
    def dtype(self) -> str:
        """Dtype of the data."""
        return self._data_dtype

    @property
    def input(self) -> SymbolicTensor:
        """The symbolic tensor that data replaces. Same as :attr:`output`."""
        return self.graph_output

    def get_config(self) -> dict[str, Any]:
        """Return the config: shape, dtype and name."""
        names = ("batch_shape", "dtype", "sparse", "ragged", "name", "optional")
        return {name: getattr(self, name) for name in names}


def _check_tensor(
    tensor: SymbolicTensor,
    shape: int | Sequence[Size] | None,
    batch_size: int | None,
    batch_shape: Sequence[Size] | None,
    dtype: DType,
) -> None:
    """Raise an error unless a symbolic tensor has the shape and dtype that were passed together with it."""
    if not is_symbolic(tensor):
        raise InvalidTypeError(
            f"`Input` received {tensor!r:.80} as its tensor.",
            "It must be a symbolic tensor.",
            "Pass the result of `Input` or of a layer called on one, or pass a `shape` instead.",
        )
    given = {
        "shape": (tensor.shape[1:], None if shape is None else _as_tuple(shape)),
        "batch_shape": (tensor.shape, None if batch_shape is None else _as_tuple(batch_shape)),
        "batch_size": (tensor.shape[:1], None if batch_size is None else (batch_size,)),
        "dtype": (tensor.dtype, None if dtype is None else _dtype_of_data(dtype)),
    }
    for argument, (has, value) in given.items():
        if value is not None and has != value:
            raise InvalidArgumentError(
                f"`Input` received `{argument}={value}` and a tensor of shape {tensor.shape} and dtype {tensor.dtype}.",
                "The tensor determines shape and dtype.",
                f"Omit `{argument}`.",
            )


def _dtype_of_data(dtype: DType) -> str:
    """Return the name of a dtype; that of strings, which only data has, is ``"string"``."""
    return "string" if dtype == "string" else validation.standardize_dtype(dtype)


def _batch_shape(shape: int | Sequence[Size] | None, batch_size: int | None, batch_shape: Sequence[Size] | None) -> Shape:
    """Return the shape with the batch size from the arguments of ``Input``."""
    if (shape is None) == (batch_shape is None):
        raise InvalidArgumentError(
            f"`Input` received shape={shape!r} and batch_shape={batch_shape!r}.",
            "Exactly one of the two must be given.",
            "Pass the shape of one sample, such as `Input((28, 28, 1))`.",
        )
    if batch_shape is not None and batch_size is not None:
        raise InvalidArgumentError(
            f"`Input` received batch_size={batch_size!r} and batch_shape={batch_shape!r}.",
            "`batch_shape` includes the size of the batch.",
            "Omit `batch_size`, or pass `shape` in place of `batch_shape`.",
        )
    whole = (batch_size, *_as_tuple(shape)) if batch_shape is None else _as_tuple(batch_shape)
    if any(size is not None and size < 1 for size in whole):
        raise InvalidArgumentError(
            f"`Input` received the shape {whole[1:]}.",
            "Sizes must be positive, or None if they vary.",
            "Check the shape of one sample.",
        )
    return whole


def _as_tuple(shape: Any) -> Shape:
    """Return a shape as a tuple; an integer means one axis, as in ``Input(3)``."""
    sizes = (shape,) if isinstance(shape, int) or not hasattr(shape, "__iter__") else shape
    return tuple(None if size is None else int(size) for size in sizes)


def Input(
    shape: int | Sequence[Size] | None = None,
    batch_size: int | None = None,
    dtype: DType = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[Size] | None = None,
    name: str | None = None,
    tensor: SymbolicTensor | None = None,
    optional: bool = False,
) -> SymbolicTensor:
    """Create a symbolic tensor, the starting point of a functional model.

    Args:
        shape: Tuple of integers, shape of one sample without the batch axis; None for a size that may vary.
        batch_size: Integer, fixed size of the batch. Defaults to None (any size).
        dtype: Dtype of the data; ``"string"`` for strings. Defaults to ``config.floatx()``.
        sparse: Must be False or None: Cornu has no sparse arrays. Defaults to None.
        ragged: Must be False or None: Cornu has no ragged arrays. Defaults to None.
        batch_shape: Shape including the batch size, in place of ``shape`` and ``batch_size``. Defaults to None.
        name: Name of the input layer. Defaults to a generated name.
        tensor: Symbolic tensor that becomes the input, with its shape and dtype. Defaults to None (a new one).
        optional: Whether the model may be called with None in the place of this input. Defaults to False.

    Returns:
        A symbolic tensor of shape ``(batch_size, *shape)``.

    Raises:
        InvalidArgumentError: If the arguments contradict each other, or a size is not positive.
        InvalidTypeError: If ``tensor`` is not a symbolic tensor.

    Example:
        >>> import cornu
        >>> cornu.Input((28, 28, 1)).shape
        (None, 28, 28, 1)
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name)
    return layer.graph_output
