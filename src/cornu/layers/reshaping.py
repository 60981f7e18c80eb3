"""Layers that move numbers and compute none: flatten, reshape, pad, crop, repeat."""

from typing import Any

from cornu import config, ops
from cornu.core.graph import SymbolicTensor
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError, one_of
from cornu.layers import arguments, shapes
from cornu.layers.shapes import Shape, Size
from cornu.ops.dtypes import is_float

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
"""Ways to make up the pixels of a larger picture."""


class Rearranging(Layer):
    """The base of layers that only move numbers: whole numbers stay whole."""

    batch_coupling = "none"

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        """A symbolic tensor of the dtype of the input."""
        dtype = self.compute_dtype if is_float(inputs.dtype) else inputs.dtype
        return SymbolicTensor(self.compute_output_shape(inputs.shape), dtype)


class Flatten(Rearranging):
    """Makes one row of numbers of each sample: ``(batch, ...)`` to ``(batch, numbers)``.

    Args:
        data_format: With ``"channels_first"`` the channels are brought to the end first, so that the numbers stand in the
            same order.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Flatten
        >>> Flatten()(np.ones((2, 7, 7, 3))).shape
        (2, 147)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        """The inputs in rows."""
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 2:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        return ops.reshape(inputs, (inputs.shape[0], shapes.product(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The batch size, and the product of the others."""
        shapes.check_least_rank(self, input_shape, ("batch",))
        return (input_shape[0], shapes.product(input_shape[1:]))


class Reshape(Rearranging):
    """Gives each sample another shape.

    Args:
        target_shape: The shape of one sample, without the batch; one size may be -1: what is left over.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: More than one size is -1, or one is not positive.
        ShapeError: When called: the numbers of a sample do not fill the shape.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Reshape
        >>> Reshape((2, -1))(np.ones((5, 6))).shape
        (5, 2, 3)
    """

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        sizes = target_shape if isinstance(target_shape, (list, tuple)) else (target_shape,)
        self.target_shape = tuple(
            -1 if size in (-1, None) else arguments.whole(self, "target_shape", size, least=0) for size in sizes
        )
        if self.target_shape.count(-1) > 1:
            raise InvalidArgumentError(
                f"`Reshape` received `target_shape={target_shape!r}`.",
                "At most one size may be -1 (inferred from the others).",
                "Specify the other sizes.",
            )

    def call(self, inputs: Any) -> Any:
        """The inputs in their new shape."""
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The batch size and the target shape."""
        count = shapes.product(input_shape[1:])
        known = shapes.product(size for size in self.target_shape if size != -1)
        if count is None or known is None:
            return (input_shape[0], *(None if size == -1 else size for size in self.target_shape))
        fits = (known and count % known == 0) if -1 in self.target_shape else count == known
        if not fits:
            expected = f"Its samples have {count} elements, but `target_shape={self.target_shape}` needs "
            expected += f"a multiple of {known}." if -1 in self.target_shape else f"{known}."
            raise shapes.refusal(self, input_shape, expected, "Change `target_shape`, or use -1 for one of its sizes.")
        return (input_shape[0], *(count // known if size == -1 else size for size in self.target_shape))


class Permute(Rearranging):
    """Changes the order of the axes.

    Args:
        dims: The old axes in their new order, counted from 1; the batch stays where it is.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: ``dims`` are not the numbers from 1 on, each once.
        ShapeError: When called: the input has another number of axes.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Permute
        >>> Permute((2, 1))(np.ones((1, 10, 64))).shape
        (1, 64, 10)
    """

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(int(axis) for axis in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise InvalidArgumentError(
                f"`Permute` received `dims={dims!r}`.",
                f"They must be a permutation of the axes 1 to {len(self.dims)}; the batch axis (0) is not included.",
                f"Pass, for example, `dims={tuple(range(len(self.dims), 0, -1))}`.",
            )

    def call(self, inputs: Any) -> Any:
        """The inputs with their axes in the new order."""
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The sizes in their new order."""
        shapes.check_rank(self, input_shape, ("batch", *(f"axis {axis}" for axis in range(1, len(self.dims) + 1))))
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


class RepeatVector(Rearranging):
    """Makes a sequence of one vector again and again: ``(batch, features)`` to ``(batch, n, features)``.

    Args:
        n: How many times.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: ``n`` is no whole number above 0.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RepeatVector
        >>> RepeatVector(3)(np.array([[1.0, 2.0]])).tolist()
        [[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]]
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = arguments.whole(self, "n", n)

    def call(self, inputs: Any) -> Any:
        """The inputs ``n`` times."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(batch, n, features)``."""
        shapes.check_rank(self, input_shape, ("batch", "features"))
        return (input_shape[0], self.n, input_shape[1])


# --- Pictures, sequences and volumes ----------------------------------------------------------------------------------


class SpatialRearranging(Rearranging):
    """The base of layers that change the spatial sizes of sequences, pictures and volumes.

    Attributes:
        rank: Number of spatial axes.
    """

    rank = 2

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def _new_size(self, size: int, place: int, input_shape: Shape) -> int:
        """The size of the spatial axis of a place."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_new_size`.")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The spatial sizes change, batch and channels stay."""
        shapes.check_rank(self, input_shape, shapes.picture_names(self.rank, self.data_format))
        sizes: list[Size] = [
            None if size is None else self._new_size(size, place, input_shape)
            for place, size in enumerate(shapes.spatial_sizes(input_shape, self.data_format))
        ]
        return shapes.join(self.data_format, input_shape[0], sizes, input_shape[shapes.channel_axis(self.data_format)])


class ZeroPadding(SpatialRearranging):
    """The base of the zero paddings, which differ in the number of spatial axes."""

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self._margins = arguments.margins(self, "padding", padding, self.rank)
        self.padding: Any = self._margins

    def call(self, inputs: Any) -> Any:
        """The inputs with zeros around."""
        return ops.pad(inputs, shapes.join(self.data_format, (0, 0), self._margins, (0, 0)))

    def _new_size(self, size: int, place: int, input_shape: Shape) -> int:
        return size + sum(self._margins[place])


class ZeroPadding1D(ZeroPadding):
    """Adds zeros before and after sequences, ``(batch, steps, channels)``.

    Args:
        padding: How many: one number, or ``(before, after)``.
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

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(_one_axis(padding), data_format, **kwargs)
        self.padding = self._margins[0]


class ZeroPadding2D(ZeroPadding):
    """Adds zeros around pictures, ``(batch, height, width, channels)``.

    Args:
        padding: How many: one number, or ``(height, width)``, or ``((top, bottom), (left, right))``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: The padding has another form, or is negative.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ZeroPadding2D
        >>> ZeroPadding2D(((1, 0), (2, 2)))(np.ones((1, 4, 4, 3))).shape
        (1, 5, 8, 3)
    """

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """Adds zeros around volumes, ``(batch, depth, height, width, channels)``. The arguments are as of :class:`ZeroPadding2D`.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ZeroPadding3D
        >>> ZeroPadding3D()(np.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3


class Cropping(SpatialRearranging):
    """The base of the croppings, which differ in the number of spatial axes."""

    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self._margins = arguments.margins(self, "cropping", cropping, self.rank)
        self.cropping: Any = self._margins

    def call(self, inputs: Any) -> Any:
        """The inputs without their margins."""
        sizes: Any = shapes.spatial_sizes(inputs.shape, self.data_format)
        middle = [slice(before, size - after) for size, (before, after) in zip(sizes, self._margins, strict=True)]
        return inputs[shapes.join(self.data_format, slice(None), middle, slice(None))]

    def _new_size(self, size: int, place: int, input_shape: Shape) -> int:
        left = size - sum(self._margins[place])
        if left < 1:
            expected = f"It crops {text_of_margins(self._margins)}, which leaves no elements along an axis of size {size}."
            raise shapes.refusal(self, input_shape, expected, "Crop less, or pass larger inputs.")
        return left


def text_of_margins(margins: tuple[tuple[int, int], ...]) -> str:
    """Margins in words: ``1 + 1 and 2 + 0``."""
    return " and ".join(f"{before} + {after}" for before, after in margins)


class Cropping1D(Cropping):
    """Cuts off the first and last steps of sequences, ``(batch, steps, channels)``.

    Args:
        cropping: How many: one number, or ``(before, after)``.
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

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(_one_axis(cropping), "channels_last", **kwargs)
        self.cropping = self._margins[0]


class Cropping2D(Cropping):
    """Cuts off the edges of pictures, ``(batch, height, width, channels)``.

    Args:
        cropping: How much: one number, or ``(height, width)``, or ``((top, bottom), (left, right))``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: The cropping has another form, or is negative.
        ShapeError: If, when called, the output would be empty.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Cropping2D
        >>> Cropping2D(((1, 0), (2, 2)))(np.ones((1, 8, 8, 3))).shape
        (1, 7, 4, 3)
    """

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """Cuts off the edges of volumes, ``(batch, depth, height, width, channels)``. The arguments are as of :class:`Cropping2D`.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Cropping3D
        >>> Cropping3D(1)(np.ones((1, 4, 4, 4, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


def _one_axis(value: Any) -> Any:
    """The margins of the only spatial axis: ``(1, 2)`` means one pair and not two axes."""
    return (value,)


class UpSampling(SpatialRearranging):
    """The base of the upsamplings, which differ in the number of spatial axes."""

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self._factors = arguments.sizes(self, "size", size, self.rank)
        self.size: Any = self._factors

    def call(self, inputs: Any) -> Any:
        """The inputs with each place repeated."""
        first = 2 if self.data_format == "channels_first" else 1
        for axis, factor in enumerate(self._factors, start=first):
            inputs = ops.repeat(inputs, factor, axis=axis)
        return inputs

    def _new_size(self, size: int, place: int, input_shape: Shape) -> int:
        return size * self._factors[place]


class UpSampling1D(UpSampling):
    """Repeats each step of sequences, ``(batch, steps, channels)``.

    Args:
        size: How many times.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import UpSampling1D
        >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]])).tolist()
        [[[1.0], [1.0], [2.0], [2.0]]]
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(size, "channels_last", **kwargs)
        self.size = self._factors[0]


class UpSampling2D(UpSampling):
    """Makes pictures, ``(batch, height, width, channels)``, larger by whole factors.

    Args:
        size: By how much: one number, or ``(height, width)``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        interpolation: ``"nearest"`` repeats each pixel; ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` and ``"lanczos5"`` mix
            neighbours.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: A factor is no whole number above 0, or the interpolation has an unknown name.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import UpSampling2D
        >>> UpSampling2D(2)(np.ones((1, 7, 7, 3))).shape
        (1, 14, 14, 3)
    """

    rank = 2

    def __init__(self, size: Any = 2, data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any):
        super().__init__(size, data_format, **kwargs)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in INTERPOLATIONS:
            raise one_of("interpolation", interpolation, INTERPOLATIONS)

    def call(self, inputs: Any) -> Any:
        """The larger pictures."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        sizes = shapes.spatial_sizes(self.compute_output_shape(inputs.shape), self.data_format)
        inputs = ops.cast(inputs, self.compute_dtype)
        return ops.image.resize(inputs, sizes, interpolation=self.interpolation, data_format=self.data_format)

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        """A symbolic tensor of the dtype of the input, or of floats where pixels are mixed."""
        if self.interpolation == "nearest":
            return super().compute_output_spec(inputs)
        return SymbolicTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)


class UpSampling3D(UpSampling):
    """Repeats each place of volumes, ``(batch, depth, height, width, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import UpSampling3D
        >>> UpSampling3D(2)(np.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3
