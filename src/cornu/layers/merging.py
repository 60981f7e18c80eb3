"""Merging layers, which combine several tensors into one: sums, products, concatenation."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from cornu import ops, registry
from cornu.core import batch_coupling
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.masks import expand_mask
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.dtypes import is_float
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.layers.shape_arithmetic import find_axis
from cornu.typing import Array, IntOrInts, Shape, Size
from cornu.validation import invalid_value

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]


class Merge(Layer):
    """Base class of the layers that are called on a list of tensors."""

    batch_coupling = "none"
    supports_masking = True
    least, most = 1, None
    """Minimum and maximum number of inputs; None for no maximum."""

    def call(self, inputs: Sequence[Array]) -> Any:
        """Return the merged inputs."""
        if len({str(x.dtype) for x in inputs}) > 1:
            inputs = [ops.cast(x, self.compute_dtype) for x in inputs]
        return self._merge(inputs)

    def _merge(self, inputs: Sequence[Array]) -> Any:
        """Merge tensors of the same dtype."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_merge(inputs)`.")

    def _merged_shape(self, shapes: list[Shape]) -> Shape:
        """Return the output shape."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `_merged_shape(shapes)`.")

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Return the output shape for a list of input shapes."""
        if not _is_list_of_shapes(input_shape):
            raise InvalidTypeError(
                f"The layer {self.name!r} was called on one tensor, of shape {input_shape}.",
                "It expects a list of tensors.",
                f"Call it as `{type(self).__name__}()([a, b])`.",
            )
        if len(input_shape) < self.least or (self.most is not None and len(input_shape) > self.most):
            count = f"{self.least}" if self.least == self.most else f"at least {self.least}"
            raise InvalidArgumentError(
                f"The layer {self.name!r} was called on a list of {len(input_shape)} tensors.",
                f"It expects {count}.",
                "Check the length of the list.",
            )
        return self._merged_shape([tuple(shape) for shape in input_shape])

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        """Return a symbolic tensor with the common dtype of the inputs, or with the compute dtype if they differ."""
        shape = self.compute_output_shape([x.shape for x in inputs] if isinstance(inputs, (list, tuple)) else inputs.shape)
        dtypes = {self.compute_dtype if is_float(x.dtype) else x.dtype for x in inputs}
        return SymbolicTensor(shape, dtypes.pop() if len(dtypes) == 1 else self.compute_dtype)

    def compute_mask(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Any:
        """Return the time steps that are valid in any of the inputs; None if one of them has no mask."""
        known = [part for part in mask or () if part is not None]
        return functools.reduce(ops.logical_or, known) if mask is not None and len(known) == len(mask) else None

    def _refusal(self, shapes: Sequence[Shape], expected: str, advice: str) -> ShapeError:
        listed = ", ".join(str(shape) for shape in shapes)
        return ShapeError(f"The layer {self.name!r} received inputs of shapes {listed}.", expected, advice)


def _is_list_of_shapes(value: Sequence[Shape]) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(shape, (list, tuple)) for shape in value)


class Elementwise(Merge):
    """Base class of elementwise merging layers; sizes of 1 are broadcast, missing axes are inserted after the batch axis."""

    operation: Callable

    def _merge(self, inputs: Sequence[Array]) -> Any:
        return functools.reduce(type(self).operation, _of_one_rank(inputs))

    def _merged_shape(self, shapes: list[Shape]) -> Shape:
        rank = max(map(len, shapes))
        sizes = zip(*[(shape[0], *(1,) * (rank - len(shape)), *shape[1:]) for shape in shapes], strict=True)
        merged = tuple(map(_common_size, sizes))
        if "differ" in merged:
            advice = "Match the shapes first: channels by a 1 x 1 `Conv2D`, sizes by `Cropping2D` or `UpSampling2D`."
            raise self._refusal(shapes, "They must have the same shape, or sizes of 1, which are broadcast.", advice)
        return merged


def _of_one_rank(inputs: Sequence[Array]) -> list:
    rank = max(x.ndim for x in inputs)
    return [_of_rank(x, rank) for x in inputs]


def _of_rank(x: Array, rank: int) -> Any:
    """Insert axes of size 1 after the batch axis."""
    return ops.reshape(x, (x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:])) if x.ndim < rank else x


def _common_size(sizes: tuple[Size, ...]) -> Any:
    """Return the size that sizes on one axis broadcast to; None if unknown, ``"differ"`` if they are incompatible."""
    known = {size for size in sizes if size not in (1, None)}
    if len(known) > 1:
        return "differ"
    if known:
        return known.pop()
    return None if None in sizes else 1


@registry.register("layers")
class Add(Elementwise):
    """Layer that adds tensors elementwise: ``y = x[0] + x[1] + ...``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Add
        >>> Add()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
        [[11.0, 22.0]]
    """

    operation = staticmethod(ops.add)


@registry.register("layers")
class Subtract(Elementwise):
    """Layer that subtracts the second of two tensors from the first: ``y = x[0] - x[1]``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Subtract
        >>> Subtract()([np.array([[3.0]]), np.array([[1.0]])]).tolist()
        [[2.0]]
    """

    operation = staticmethod(ops.subtract)
    least, most = 2, 2


@registry.register("layers")
class Multiply(Elementwise):
    """Layer that multiplies tensors elementwise: ``y = x[0] * x[1] * ...``.

    If the tensors have masks, masked time steps of a tensor are treated as 1; the product is 0 where all are masked.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Multiply
        >>> Multiply()([np.array([[2.0, 3.0]]), np.array([[4.0, 5.0]])]).tolist()
        [[8.0, 15.0]]
    """

    operation = staticmethod(ops.multiply)

    def call(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Any:
        """Return the product.

        Args:
            inputs: List of tensors.
            mask: List of masks or None, one for each tensor. Defaults to None.
        """
        masks = mask or [None] * len(inputs)
        inputs = [x if m is None else _where_valid(m, x, 1) for x, m in zip(inputs, masks, strict=True)]
        product = super().call(inputs)
        together = self.compute_mask(inputs, masks)
        return product if together is None else _where_valid(together, product, 0)


def _where_valid(mask: Array, x: Array, otherwise: float) -> Any:
    """Return a tensor with another value at the masked positions."""
    return ops.where(expand_mask(ops.cast(mask, "bool"), x.ndim), x, otherwise)


@registry.register("layers")
class Average(Elementwise):
    """Layer that averages tensors elementwise: ``y = (x[0] + ... + x[n - 1]) / n``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Average
        >>> Average()([np.array([[1.0]]), np.array([[4.0]])]).tolist()
        [[2.5]]
    """

    operation = staticmethod(ops.add)

    def _merge(self, inputs: Sequence[Array]) -> Any:
        return super()._merge([ops.cast(x, self.compute_dtype) for x in inputs]) / len(inputs)

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        """Return a symbolic tensor with the compute dtype."""
        return SymbolicTensor(super().compute_output_spec(inputs).shape, self.compute_dtype)


class _Extremum(Elementwise):
    """Base class of the layers that return the largest or smallest of the values at each position."""

    def call(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Any:
        """Return the extremum of the valid values; where all are masked, the values of the first tensor.

        Args:
            inputs: List of tensors.
            mask: List of masks or None, one for each tensor. Defaults to None.
        """
        if mask is None or all(part is None for part in mask):
            return super().call(inputs)
        if len({str(x.dtype) for x in inputs}) > 1:
            inputs = [ops.cast(x, self.compute_dtype) for x in inputs]
        rank = max(x.ndim for x in inputs)
        valid = [
            None if part is None else _of_rank(expand_mask(ops.cast(part, "bool"), x.ndim), rank)
            for x, part in zip(inputs, mask, strict=True)
        ]
        (result, *others), (known, *masks) = _of_one_rank(inputs), valid
        for x, part in zip(others, masks, strict=True):
            if part is not None:
                x = ops.where(part, x, result)
            if known is not None:
                result = ops.where(known, result, x)
            known = None if known is None or part is None else ops.logical_or(known, part)
            result = type(self).operation(result, x)
        return result


@registry.register("layers")
class Maximum(_Extremum):
    """Layer that returns the elementwise maximum of tensors: ``y = max(x[0], x[1], ...)``.

    If the tensors have masks, masked time steps of a tensor are not compared.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Maximum
        >>> Maximum()([np.array([[1.0, 5.0]]), np.array([[4.0, 2.0]])]).tolist()
        [[4.0, 5.0]]
    """

    operation = staticmethod(ops.maximum)


@registry.register("layers")
class Minimum(_Extremum):
    """Layer that returns the elementwise minimum of tensors: ``y = min(x[0], x[1], ...)``.

    If the tensors have masks, masked time steps of a tensor are not compared.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Minimum
        >>> Minimum()([np.array([[1.0, 5.0]]), np.array([[4.0, 2.0]])]).tolist()
        [[1.0, 2.0]]
    """

    operation = staticmethod(ops.minimum)


@registry.register("layers")
class Concatenate(Merge):
    """Layer that concatenates tensors along an axis.

    Args:
        axis: Integer, the axis to concatenate along; 0 is the batch axis. Defaults to -1.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        ShapeError: If, when called, the shapes differ on other axes than ``axis``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Concatenate
        >>> Concatenate()([np.array([[1.0]]), np.array([[2.0, 3.0]])]).tolist()
        [[1.0, 2.0, 3.0]]
    """

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.axis = int(axis)
        self.batch_coupling = batch_coupling.coupling_along(self.axis)

    def _merge(self, inputs: Sequence[Array]) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def _merged_shape(self, shapes: list[Shape]) -> Shape:
        axis = find_axis(self.axis, shapes[0])
        if len({len(shape) for shape in shapes}) > 1:
            raise self._refusal(shapes, "They must have the same number of axes.", "Reshape or flatten one of them first.")
        columns = list(zip(*shapes, strict=True))
        if any(len(set(column) - {None}) > 1 for place, column in enumerate(columns) if place != axis):
            advice = "Choose another `axis`, or match the other sizes first with `Cropping2D` or `UpSampling2D`."
            raise self._refusal(shapes, f"All sizes except those on axis {axis} must be equal.", advice)
        known = [next((size for size in column if size is not None), None) for column in columns]
        joined = columns[axis]
        known[axis] = None if None in joined else sum(joined)
        return tuple(known)

    def compute_mask(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Any:
        """Return the concatenated masks; for the last axis, the time steps that are valid in any of the inputs."""
        if mask is None or all(part is None for part in mask):
            return None
        full = [
            ops.ones_like(x, dtype="bool")
            if part is None
            else ops.logical_and(expand_mask(ops.cast(part, "bool"), x.ndim), ops.ones_like(x, dtype="bool"))
            for x, part in zip(inputs, mask, strict=True)
        ]
        return ops.any(ops.concatenate(full, axis=self.axis), axis=-1)


@registry.register("layers")
class Dot(Merge):
    """Layer that computes dot products between two tensors for each sample: ``y = sum(x[0] * x[1])`` along the given axes.

    The output has the remaining axes of the first tensor followed by those of the second, or shape ``(batch, 1)`` if none
    remains.

    Args:
        axes: Integer or pair of integers, the axis of the first and of the second tensor to sum over.
        normalize: Whether to scale the vectors to unit L2 norm first, so that the result is their cosine similarity. Defaults
            to False.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``axes`` is invalid, or includes the batch axis.
        ShapeError: If, when called, the sizes of the two axes differ.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Dot
        >>> Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
        [[11.0]]
    """

    least, most = 2, 2

    def __init__(self, axes: IntOrInts, normalize: bool = False, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        numbers = list(axes) if isinstance(axes, (list, tuple)) else [axes, axes]
        if len(numbers) != 2 or not all(isinstance(axis, int) and axis != 0 for axis in numbers):
            raise invalid_value(self, "axes", axes, "one or two integers, none of which is 0 (the batch axis)", -1)
        self.axes = axes
        self.normalize = normalize

    def _places(self, shapes: Sequence[Any]) -> tuple[int, int]:
        numbers = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return find_axis(numbers[0], shapes[0], "axes"), find_axis(numbers[1], shapes[1], "axes")

    def _merge(self, inputs: Sequence[Array]) -> Any:
        first, second = inputs
        places = self._places([first.shape, second.shape])
        if self.normalize:
            first, second = (ops.normalize(x, axis=place) for x, place in zip((first, second), places, strict=True))
        letters = iter("cdefghijkl")
        one = ["b", *(next(letters) for _ in first.shape[1:])]
        two = ["b", *(next(letters) for _ in second.shape[1:])]
        one[places[0]] = two[places[1]] = "a"
        left = [letter for letter in (*one, *two[1:]) if letter != "a"]
        product = ops.einsum(f"{''.join(one)},{''.join(two)}->{''.join(left)}", first, second)
        return ops.expand_dims(product, -1) if product.ndim == 1 else product

    def _merged_shape(self, shapes: list[Shape]) -> Shape:
        first, second = self._places(shapes)
        sizes = (shapes[0][first], shapes[1][second])
        if None not in sizes and sizes[0] != sizes[1]:
            expected = f"Axis {first} of the first input and axis {second} of the second input must have the same size."
            raise self._refusal(shapes, expected, f"Their sizes are {sizes[0]} and {sizes[1]}: choose other `axes`.")
        left = [size for place, size in enumerate(shapes[0]) if place != first]
        left += [size for place, size in enumerate(shapes[1]) if place not in (0, second)]
        return (*left, 1) if len(left) == 1 else tuple(left)

    def compute_mask(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Any:
        """Return None, since the output has no time steps."""
        return None


# --- Functional interface ---------------------------------------------------------------------------------------------


def add(inputs: list, **kwargs: Any) -> Any:
    """Return the elementwise sum of tensors. Functional interface to :class:`Add`.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layers.add([np.array([[1.0]]), np.array([[3.0]])]).tolist()
        [[4.0]]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: list, **kwargs: Any) -> Any:
    """Return the difference of two tensors. Functional interface to :class:`Subtract`.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layers.subtract([np.array([[1.0]]), np.array([[3.0]])]).tolist()
        [[-2.0]]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: list, **kwargs: Any) -> Any:
    """Return the elementwise product of tensors. Functional interface to :class:`Multiply`.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layers.multiply([np.array([[1.0]]), np.array([[3.0]])]).tolist()
        [[3.0]]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: list, **kwargs: Any) -> Any:
    """Return the elementwise mean of tensors. Functional interface to :class:`Average`.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layers.average([np.array([[1.0]]), np.array([[3.0]])]).tolist()
        [[2.0]]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: list, **kwargs: Any) -> Any:
    """Return the elementwise maximum of tensors. Functional interface to :class:`Maximum`.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layers.maximum([np.array([[1.0]]), np.array([[3.0]])]).tolist()
        [[3.0]]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: list, **kwargs: Any) -> Any:
    """Return the elementwise minimum of tensors. Functional interface to :class:`Minimum`.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layers.minimum([np.array([[1.0]]), np.array([[3.0]])]).tolist()
        [[1.0]]
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: list, axis: int = -1, **kwargs: Any) -> Any:
    """Return tensors concatenated along an axis. Functional interface to :class:`Concatenate`.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layers.concatenate([np.array([[1.0]]), np.array([[3.0]])]).tolist()
        [[1.0, 3.0]]
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: list, axes: IntOrInts = -1, **kwargs: Any) -> Any:
    """Return the dot products of two tensors. Functional interface to :class:`Dot`.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layers.dot([np.array([[1.0]]), np.array([[3.0]])]).tolist()
        [[3.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
