"""What a layer requires of its inputs: ``InputSpec``, and the check of the inputs of a call."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from cornu import trees, validation
from cornu.core.layer_protocol import LayerLike
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError, did_you_mean
from cornu.typing import Config, DType, Shape, Size, Tree


class InputSpec:
    """Rank, shape and dtype that a layer requires of an input.

    A custom layer sets ``self.input_spec`` to an ``InputSpec``, or to a list or dict of them, one for each input; each
    call then checks its first argument. None in a shape fits any size.

    Args:
        dtype: Dtype of the input. Defaults to None (any).
        shape: Shape of the input, the batch axis first. Defaults to None (any).
        ndim: Integer, number of axes. Defaults to None (any), or to that of ``shape``.
        max_ndim: Integer, largest number of axes. Defaults to None (any).
        min_ndim: Integer, smallest number of axes. Defaults to None (any).
        axes: Dict from axis to its size. Defaults to None (any sizes).
        allow_last_axis_squeeze: Whether a last axis of size 1 may be missing or added. Defaults to False.
        name: Key of the input if the inputs are a dict. Defaults to None.
        optional: Whether the input may be None. Defaults to False.

    Raises:
        InvalidTypeError: If ``axes`` is not a dict with integer keys.
        InvalidArgumentError: If one of ``axes`` is not an axis of the input.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> class Rows(layers.Layer):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.input_spec = layers.InputSpec(ndim=2, axes={-1: 3})
        ...     def call(self, inputs):
        ...         return inputs
        >>> Rows()(np.ones((5, 3))).shape
        (5, 3)
    """

    def __init__(
        self,
        dtype: DType = None,
        shape: Sequence[Size] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, Size] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype = None if dtype is None else validation.standardize_dtype(dtype)
        self.shape: Shape | None = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.name, self.optional, self.allow_last_axis_squeeze = name, optional, allow_last_axis_squeeze
        self.axes = _checked_axes(axes or {}, self.ndim or max_ndim)

    def __repr__(self) -> str:
        parts = {name: getattr(self, name) for name in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")}
        return f"InputSpec({', '.join(f'{name}={value}' for name, value in parts.items() if value)})"

    def get_config(self) -> Config:
        """Return the arguments of the constructor, without ``allow_last_axis_squeeze`` and ``name``, as in Keras."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Config) -> "InputSpec":
        """Create a specification from a config returned by :meth:`get_config`."""
        return cls(**config)


InputSpecs: TypeAlias = InputSpec | Sequence["InputSpecs"] | Mapping[str, "InputSpecs"] | None
"""Nested lists and dicts of :class:`InputSpec`; None for any input."""


def _checked_axes(axes: Mapping[int, Size], most: int | None) -> dict[int, Size]:
    """Return the sizes by axis; ``most`` is the number of axes of the input, if it is known."""
    if not isinstance(axes, Mapping) or not all(validation.is_int(axis, allow_float=True) for axis in axes):
        raise InvalidTypeError(
            f"`InputSpec` received `axes={axes!r}`.",
            "It must be a dict from an axis, an integer, to its size.",
            "For 3 features on the last axis, pass `axes={-1: 3}`.",
        )
    found = {int(axis): size for axis, size in axes.items()}
    if most is not None and found and max(found) >= most:
        raise InvalidArgumentError(
            f"`InputSpec` received `axes={axes!r}` for inputs with at most {most} axes.",
            f"The largest axis is {most - 1}.",
            "Correct `axes`, or the number of axes.",
        )
    return found


def check_inputs(layer: LayerLike, specs: InputSpecs, inputs: Tree) -> None:
    """Check the first argument of a call against the specification of a layer.

    Raises:
        ShapeError: If the number of inputs, a rank or a shape differs.
        InvalidArgumentError: If a dtype differs, an input is missing or is no array.
    """
    flat = trees.all_leaves(specs)
    arrays = _in_order(layer, flat, inputs)
    if len(arrays) != len(flat):
        raise ShapeError(
            f"The layer {layer.name!r} received {len(arrays)} inputs.",
            f"Its `input_spec` describes {len(flat)}.",
            "Pass one array for each of them.",
        )
    for place, (spec, array) in enumerate(zip(flat, arrays, strict=True)):
        if spec is not None and not (array is None and spec.optional):
            which = f"input {place if spec.name is None else repr(spec.name)}" if len(flat) > 1 else "input"
            _check_input(layer, which, spec, array)


def _in_order(layer: LayerLike, specs: list, inputs: Tree) -> list:
    """Return the inputs in the order of the specifications: by name for a dict, if all have a name."""
    names: list[Any] = [getattr(spec, "name", None) for spec in specs]
    if not isinstance(inputs, Mapping) or not all(names):
        return trees.all_leaves(inputs)
    missing = next((name for name in names if name not in inputs), None)
    if missing is not None:
        raise InvalidArgumentError(
            f"The layer {layer.name!r} received inputs named {list(inputs)}.",
            f"Its `input_spec` names {names}.",
            did_you_mean(missing, list(inputs)) or f"Add the input {missing!r}.",
        )
    return [inputs[name] for name in names]


def _check_input(layer: LayerLike, which: str, spec: InputSpec, array: Any) -> None:
    if not hasattr(array, "shape"):
        raise InvalidArgumentError(
            f"The {which} of the layer {layer.name!r} is {array!r:.80}.",
            "It must be an array or a symbolic tensor.",
            "Convert it first: `np.array(x)`.",
        )
    shape = tuple(array.shape)
    rank = _rank_required(spec, len(shape))
    if rank is not None:
        raise _misfit(layer, which, shape, f"Its `input_spec` requires {rank}.", "Reshape the input.")
    dtype = validation.standardize_dtype(array.dtype)
    if spec.dtype is not None and dtype != spec.dtype:
        raise InvalidArgumentError(
            f"The {which} of the layer {layer.name!r} has the dtype {dtype}.",
            f"Its `input_spec` requires dtype={spec.dtype}.",
            f"Cast it first: `ops.cast(x, {spec.dtype!r})`.",
        )
    for axis, size in spec.axes.items():
        exists = -len(shape) <= axis < len(shape)
        if size is not None and not (exists and shape[axis] in (size, None)):
            expected = f"Its `input_spec` requires the size {size} on axis {axis}."
            raise _misfit(layer, which, shape, expected, "Pass an input of this size.")
    if spec.shape is not None and not _fits(spec, shape):
        raise _misfit(layer, which, shape, f"Its `input_spec` requires shape={spec.shape}.", "Pass an input of this shape.")


def _rank_required(spec: InputSpec, rank: int) -> str | None:
    """Return the requirement that a number of axes does not meet, as text; None if it meets all."""
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and rank != spec.ndim:
        return f"ndim={spec.ndim}"
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"max_ndim={spec.max_ndim}"
    return f"min_ndim={spec.min_ndim}" if spec.min_ndim is not None and rank < spec.min_ndim else None


def _fits(spec: InputSpec, shape: Shape) -> bool:
    wanted = spec.shape or ()
    if spec.allow_last_axis_squeeze:
        wanted, shape = (sizes[:-1] if sizes[-1:] == (1,) else sizes for sizes in (wanted, shape))
    return all(size is None or found is None or size == found for size, found in zip(wanted, shape, strict=False))


def _misfit(layer: LayerLike, which: str, shape: Shape, expected: str, hint: str) -> ShapeError:
    return ShapeError(f"The {which} of the layer {layer.name!r} has {len(shape)} axes, shape {shape}.", expected, hint)
