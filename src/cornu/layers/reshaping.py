"""Reshaping layers, which move values without computation: flatten, reshape, pad, crop, repeat."""

from collections.abc import Sequence
from typing import Any, TypeAlias, Unpack

from cornu import config, ops, registry, validation
from cornu.core.input_spec import InputSpec
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.dtypes import is_float
from cornu.layers import shape_arithmetic
from cornu.typing import Array, IntOrInts, Shape, Size

__all__ = [
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Flatten",
    "Permute",
    "RepeatVector",
    "Reshape",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]

Margins: TypeAlias = int | Sequence[IntOrInts]
"""Elements to add or remove: for all sides, for both sides of each spatial axis, or for each side of each axis."""

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
"""Interpolation methods of enlarged images."""


class BaseReshaping(Layer):
    """Base class of the layers that only move values; integers keep their dtype."""

    batch_coupling = "none"
    cornu_preserves_value_range = True

    def compute_output_spec(self, inputs: Array) -> SymbolicTensor:
        """Return a symbolic tensor with the dtype of the input."""
        dtype = self.compute_dtype if is_float(inputs.dtype) else inputs.dtype
        return SymbolicTensor(self.compute_output_shape(inputs.shape), dtype)


@registry.register("layers")
class Flatten(BaseReshaping):
    """Layer that flattens each sample to a vector.

    Input shape: ``(batch, ...)``. Output shape: ``(batch, features)``, where ``features`` is the product of the sizes of a
    sample.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``. With ``"channels_first"`` the channel axis is moved to the end
            first, so that the order of the values is the same. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Flatten
        >>> Flatten()(np.ones((2, 7, 7, 3))).shape
        (2, 147)
    """

    cornu_input_spec = InputSpec(min_ndim=1)

    def __init__(self, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Array) -> Any:
        """Return the flattened inputs."""
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 2:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        return ops.reshape(inputs, (ops.shape(inputs)[0], shape_arithmetic.product(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the batch size and the product of the other sizes."""
        shape_arithmetic.check_least_rank(self, input_shape, ("batch",))
        return (input_shape[0], shape_arithmetic.product(input_shape[1:]))


@registry.register("layers")
class Reshape(BaseReshaping):
    """Layer that reshapes each sample.

    Input shape: ``(batch, ...)``. Output shape: ``(batch, *target_shape)``.

    Args:
        target_shape: Tuple of integers, the shape of one sample without the batch axis; one size may be -1 (inferred).
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If more than one size is -1, or a size is negative or not an integer.
        ShapeError: If, when called, the number of elements of a sample does not match the target shape.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Reshape
        >>> Reshape((2, -1))(np.ones((5, 6))).shape
        (5, 2, 3)
    """

    cornu_is_stateless = True

    def __init__(self, target_shape: Size | Sequence[Size], **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        sizes = target_shape if isinstance(target_shape, (list, tuple)) else (target_shape,)
        self.target_shape = tuple(
            -1 if size in (-1, None) else validation.check_int(self, "target_shape", size, least=0) for size in sizes
        )
        if self.target_shape.count(-1) > 1:
            expected = "a shape with at most one size of -1 (inferred from the others)"
            raise validation.invalid_value(self, "target_shape", target_shape, expected, (-1, 4))

    def call(self, inputs: Array) -> Any:
        """Return the reshaped inputs."""
        return ops.reshape(inputs, (ops.shape(inputs)[0], *self.compute_output_shape(inputs.shape)[1:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the batch size followed by the target shape."""
        count = shape_arithmetic.product(input_shape[1:])
        known = shape_arithmetic.product(size for size in self.target_shape if size != -1)
        if count is None or known is None:
            return (input_shape[0], *(None if size == -1 else size for size in self.target_shape))
        fits = (known and count % known == 0) if -1 in self.target_shape else count == known
        if not fits:
            expected = f"Its samples have {count} elements, but `target_shape={self.target_shape}` needs "
            expected += f"a multiple of {known}." if -1 in self.target_shape else f"{known}."
            raise shape_arithmetic.shape_error(
                self, input_shape, expected, "Change `target_shape`, or use -1 for one of its sizes."
            )
        return (input_shape[0], *(count // known if size == -1 else size for size in self.target_shape))


@registry.register("layers")
class Permute(BaseReshaping):
    """Layer that permutes the axes of each sample: ``y = transpose(x, (0, *dims))``.

    Args:
        dims: Tuple of integers, the input axes in their new order, counted from 1; the batch axis is not included.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``dims`` is not a permutation of the axes 1 to n.
        ShapeError: If, when called, the input has another number of axes.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Permute
        >>> Permute((2, 1))(np.ones((1, 10, 64))).shape
        (1, 64, 10)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.dims = tuple(int(axis) for axis in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            expected = f"a permutation of the axes 1 to {len(self.dims)}; the batch axis (0) is not included"
            raise validation.invalid_value(self, "dims", dims, expected, tuple(range(len(self.dims), 0, -1)))

    @property
    def cornu_input_spec(self) -> InputSpec:  # type: ignore[override]
        """The batch axis and the permuted ones."""
        return InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Array) -> Any:
        """Return the inputs with permuted axes."""
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the permuted sizes."""
        shape_arithmetic.check_rank(self, input_shape, ("batch", *(f"axis {axis}" for axis in range(1, len(self.dims) + 1))))
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


@registry.register("layers")
class RepeatVector(BaseReshaping):
    """Layer that repeats a vector ``n`` times.

    Input shape: ``(batch, features)``. Output shape: ``(batch, n, features)``.

    Args:
        n: Positive integer, the number of repetitions.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``n`` is not a positive integer.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RepeatVector
        >>> RepeatVector(3)(np.array([[1.0, 2.0]])).tolist()
        [[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]]
    """

    cornu_input_spec = InputSpec(ndim=2)

    def __init__(self, n: int, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.n = validation.check_int(self, "n", n)

    def call(self, inputs: Array) -> Any:
        """Return the inputs repeated ``n`` times."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(batch, n, features)``."""
        shape_arithmetic.check_rank(self, input_shape, ("batch", "features"))
        return (input_shape[0], self.n, input_shape[1])


# --- Sequences, images and volumes ------------------------------------------------------------------------------------


class SpatialRearranging(BaseReshaping):
    """Base class of the layers that change the spatial sizes of sequences, images and volumes.

    Attributes:
        rank: Integer, the number of spatial axes.
    """

    rank = 2
    cornu_input_spec = shape_arithmetic.spatial_input_spec

    def __init__(self, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def _new_size(self, size: int, place: int, input_shape: Shape) -> int:
        """Return the output size of the spatial axis ``place``."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_new_size`.")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with new spatial sizes."""
        shape_arithmetic.check_rank(self, input_shape, shape_arithmetic.axis_names(self.rank, self.data_format))
        sizes: list[Size] = [
            None if size is None else self._new_size(size, place, input_shape)
            for place, size in enumerate(shape_arithmetic.spatial_sizes(input_shape, self.data_format))
        ]
        return shape_arithmetic.make_shape(
            self.data_format, input_shape[0], sizes, input_shape[shape_arithmetic.channel_axis(self.data_format)]
        )


class Margined(SpatialRearranging):
    """Base class of the layers that add or remove elements at the ends of the spatial axes."""

    def _set_margins(self, argument: str, value: Margins) -> tuple[tuple[int, int], ...] | tuple[int, int]:
        """Store an argument as pairs ``(before, after)``, and return them; for one spatial axis, return its pair."""
        given = (value,) if self.rank == 1 else value  # of one axis, `(1, 2)` is a pair and does not mean two axes
        self._margins = validation.check_margins(self, argument, given, self.rank)  # type: ignore[arg-type]
        return self._margins[0] if self.rank == 1 else self._margins


class ZeroPadding(Margined):
    """Base class of the zero-padding layers, which differ in the number of spatial axes."""

    def __init__(self, padding: Margins = 1, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(data_format, **kwargs)
        self.padding = self._set_margins("padding", padding)

    def call(self, inputs: Array) -> Any:
        """Return the zero-padded inputs."""
        return ops.pad(inputs, shape_arithmetic.make_shape(self.data_format, (0, 0), self._margins, (0, 0)))

    def _new_size(self, size: int, place: int, input_shape: Shape) -> int:
        return size + sum(self._margins[place])


@registry.register("layers")
class ZeroPadding1D(ZeroPadding):
    """1D zero-padding layer, for sequences.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, padded_steps, channels)``.

    Args:
        padding: Integer, or pair of integers ``(before, after)``, the number of zeros to add. Defaults to 1.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ZeroPadding1D
        >>> ZeroPadding1D((0, 2))(np.ones((1, 2, 1))).tolist()
        [[[1.0], [1.0], [0.0], [0.0]]]
    """

    rank = 1


@registry.register("layers")
class ZeroPadding2D(ZeroPadding):
    """2D zero-padding layer, for images.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, padded_height, padded_width, channels)``.

    Args:
        padding: Number of zeros to add: an integer, ``(height, width)``, or ``((top, bottom), (left, right))``. Defaults to 1.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``padding`` has another form, or is negative.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ZeroPadding2D
        >>> ZeroPadding2D(((1, 0), (2, 2)))(np.ones((1, 4, 4, 3))).shape
        (1, 5, 8, 3)
    """

    rank = 2


@registry.register("layers")
class ZeroPadding3D(ZeroPadding):
    """3D zero-padding layer, for volumes.

    The arguments are those of :class:`ZeroPadding2D` with three axes instead of two.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape:
    ``(batch, padded_depth, padded_height, padded_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ZeroPadding3D
        >>> ZeroPadding3D()(np.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3


class Cropping(Margined):
    """Base class of the cropping layers, which differ in the number of spatial axes."""

    def __init__(self, cropping: Margins, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(data_format, **kwargs)
        self.cropping = self._set_margins("cropping", cropping)

    def call(self, inputs: Array) -> Any:
        """Return the cropped inputs."""
        sizes: Any = shape_arithmetic.spatial_sizes(inputs.shape, self.data_format)
        middle = [slice(before, size - after) for size, (before, after) in zip(sizes, self._margins, strict=True)]
        return inputs[shape_arithmetic.make_shape(self.data_format, slice(None), middle, slice(None))]

    def _new_size(self, size: int, place: int, input_shape: Shape) -> int:
        left = size - sum(self._margins[place])
        if left < 1:
            expected = f"It crops {text_of_margins(self._margins)}, which leaves no elements along an axis of size {size}."
            raise shape_arithmetic.shape_error(self, input_shape, expected, "Crop less, or pass larger inputs.")
        return left


def text_of_margins(margins: tuple[tuple[int, int], ...]) -> str:
    """Return margins as a string, such as ``1 + 1 and 2 + 0``."""
    return " and ".join(f"{before} + {after}" for before, after in margins)


@registry.register("layers")
class Cropping1D(Cropping):
    """1D cropping layer, for sequences.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, cropped_steps, channels)``.

    Args:
        cropping: Integer, or pair of integers ``(before, after)``, the number of time steps to remove. Defaults to (1, 1).
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        ShapeError: If, when called, the output would be empty.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Cropping1D
        >>> Cropping1D((1, 0))(np.array([[[1.0], [2.0]]])).tolist()
        [[[2.0]]]
    """

    rank = 1

    def __init__(self, cropping: IntOrInts = (1, 1), **kwargs: Unpack[LayerArguments]):
        super().__init__(cropping=cropping, data_format="channels_last", **kwargs)


@registry.register("layers")
class Cropping2D(Cropping):
    """2D cropping layer, for images.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, cropped_height, cropped_width, channels)``.

    Args:
        cropping: Number of pixels to remove: an integer, ``(height, width)``, or ``((top, bottom), (left, right))``. Defaults
            to 0 on all sides.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``cropping`` has another form, or is negative.
        ShapeError: If, when called, the output would be empty.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Cropping2D
        >>> Cropping2D(((1, 0), (2, 2)))(np.ones((1, 8, 8, 3))).shape
        (1, 7, 4, 3)
    """

    rank = 2

    def __init__(self, cropping: Margins = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(cropping=cropping, data_format=data_format, **kwargs)


@registry.register("layers")
class Cropping3D(Cropping):
    """3D cropping layer, for volumes.

    The arguments are those of :class:`Cropping2D` with three axes instead of two. ``cropping`` defaults to 1 on all sides.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape:
    ``(batch, cropped_depth, cropped_height, cropped_width, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Cropping3D
        >>> Cropping3D(1)(np.ones((1, 4, 4, 4, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3

    def __init__(
        self, cropping: Margins = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(cropping=cropping, data_format=data_format, **kwargs)


class UpSampling(SpatialRearranging):
    """Base class of the upsampling layers, which differ in the number of spatial axes."""

    def __init__(self, size: IntOrInts = 2, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(data_format, **kwargs)
        self._factors = validation.check_ints(self, "size", size, self.rank)
        self.size: tuple[int, ...] | int = self._factors

    def call(self, inputs: Array) -> Any:
        """Return the inputs with each element repeated along the spatial axes."""
        first = 2 if self.data_format == "channels_first" else 1
        for axis, factor in enumerate(self._factors, start=first):
            inputs = ops.repeat(inputs, factor, axis=axis)
        return inputs

    def _new_size(self, size: int, place: int, input_shape: Shape) -> int:
        return size * self._factors[place]


@registry.register("layers")
class UpSampling1D(UpSampling):
    """1D upsampling layer, which repeats each time step: ``y[:, i] = x[:, i // size]``.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, steps * size, channels)``.

    Args:
        size: Positive integer, the number of repetitions. Defaults to 2.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import UpSampling1D
        >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]])).tolist()
        [[[1.0], [1.0], [2.0], [2.0]]]
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Unpack[LayerArguments]):
        super().__init__(size=size, data_format="channels_last", **kwargs)
        self.size = self._factors[0]


@registry.register("layers")
class UpSampling2D(UpSampling):
    """2D upsampling layer, which enlarges images by integer factors.

    With ``interpolation="nearest"`` each pixel is repeated: ``y[:, i, j] = x[:, i // size[0], j // size[1]]``.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, height * size[0], width * size[1], channels)``.

    Args:
        size: Integer or pair of integers ``(height, width)``, the upsampling factors. Defaults to 2.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``. Defaults to
            ``"nearest"``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a factor is not a positive integer, or ``interpolation`` is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import UpSampling2D
        >>> UpSampling2D(2)(np.ones((1, 7, 7, 3))).shape
        (1, 14, 14, 3)
    """

    rank = 2

    def __init__(
        self,
        size: IntOrInts = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(size=size, data_format=data_format, **kwargs)
        self.interpolation = validation.check_option("interpolation", str(interpolation).lower(), INTERPOLATIONS)

    def call(self, inputs: Array) -> Any:
        """Return the enlarged images."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        sizes = shape_arithmetic.spatial_sizes(self.compute_output_shape(inputs.shape), self.data_format)
        inputs = ops.cast(inputs, self.compute_dtype)
        return ops.image.resize(inputs, sizes, interpolation=self.interpolation, data_format=self.data_format)

    def compute_output_spec(self, inputs: Array) -> SymbolicTensor:
        """Return a symbolic tensor with the dtype of the input, or with the compute dtype if pixels are interpolated."""
        if self.interpolation == "nearest":
            return super().compute_output_spec(inputs)
        return SymbolicTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)


@registry.register("layers")
class UpSampling3D(UpSampling):
    """3D upsampling layer, which repeats each element along the spatial axes.

    The arguments are ``size``, an integer or tuple of 3 integers (defaults to 2), ``data_format`` and those of :class:`Layer`.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape:
    ``(batch, depth * size[0], height * size[1], width * size[2], channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import UpSampling3D
        >>> UpSampling3D(2)(np.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3
