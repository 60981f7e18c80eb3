"""Indexing in ONNX: slices, gathering by index, and NumPy's indexing derived from them."""

from typing import Any

import numpy as np

from cornu.backends.contract import Padding, Shape
from cornu.backends.onnx.graph_builder import PRIMITIVES, Constant, OnnxArray, constant, current
from cornu.backends.onnx.operands import as_array, broadcast_shape, cast
from cornu.backends.onnx.primitive import refused
from cornu.backends.onnx.symbolic_sizes import is_open

_LAST = 2**62
"""Stop of a slice that means the end of the axis."""


# --- Slices -----------------------------------------------------------------------------------------------------------


def sliced(x: OnnxArray, slices: dict[int, slice]) -> OnnxArray:
    """Slice an array along some axes, in its stored order.

    Args:
        x: Array to slice.
        slices: Slices by axis.
    """
    if not slices:
        return x
    graph, lies = current(), x.order or tuple(range(x.ndim))
    begins = [_begin(part) for part in slices.values()]
    ends = [_end(part) for part in slices.values()]
    steps = [part.step or 1 for part in slices.values()]
    rows = [graph.vector(row) for row in (begins, ends, [lies.index(axis) for axis in slices], steps)]
    name = graph.emit("Slice", [graph.in_order(x, lies), *rows], rank=x.ndim)[0]
    shape = [_length(slices[axis], size) if axis in slices else size for axis, size in enumerate(x.shape)]
    return OnnxArray(tuple(shape), x.dtype.name, name, lies)


def _begin(part: slice) -> int:
    if part.start is not None:
        return part.start
    return 0 if (part.step or 1) > 0 else _LAST


def _end(part: slice) -> int:
    if part.stop is not None:
        return part.stop
    return _LAST if (part.step or 1) > 0 else -_LAST


def _length(part: slice, size: int) -> int:
    """Return the length of a slice of an axis; it is symbolic if it depends on symbolic sizes."""
    count = len(range(*part.indices(int(size))))
    if not any(map(is_open, (size, part.start, part.stop))):
        return count
    step = part.step or 1
    begin, end = _inside_place(part.start, size, step, first=True), _inside_place(part.stop, size, step, first=False)
    found = -(-(end - begin) // step)
    return found if int(found) == count else count


def _inside_place(place: int | None, size: int, step: int, first: bool) -> int:
    """Return the start or stop of a slice, counted from the start of the axis."""
    if place is None:
        return (0 if first else size) if step > 0 else (size - 1 if first else -1)
    place = size + place if place < 0 else place
    return size if place > size else place


def mirrored(x: OnnxArray, pad_width: Padding) -> OnnxArray:
    """Pad an array in mode "symmetric", which ONNX does not have."""
    concatenate, back = PRIMITIVES["concatenate"], slice(None, None, -1)
    for axis, (before, after) in enumerate(pad_width):
        first = [sliced(sliced(x, {axis: slice(before)}), {axis: back})] if before else []
        last = [sliced(sliced(x, {axis: slice(-after, None)}), {axis: back})] if after else []
        x = concatenate([*first, x, *last], axis) if first or last else x
    return x


# --- Rows by number ---------------------------------------------------------------------------------------------------


def inside(indices: Any, size: int) -> OnnxArray:
    """Clip indices to the range of an axis; negative ones count from the end in ONNX too."""
    indices = cast(as_array(indices), "int64")
    if is_open(size):
        limits = [OnnxArray((), "int64", str(current().scalar(limit))) for limit in (size - 1, -size)]
        return PRIMITIVES["maximum"](PRIMITIVES["minimum"](indices, limits[0]), limits[1])
    if indices.value is not None:
        return constant(np.clip(indices.value, -size, size - 1))
    limits = [Constant(np.array(limit, "int64")) for limit in (-size, size - 1)]
    name = current().emit("Clip", [current().plain(indices), *limits], rank=indices.ndim)[0]
    return OnnxArray(indices.shape, "int64", name)


def gather(x: OnnxArray, indices: OnnxArray, axis: int) -> OnnxArray:
    """The parts of an array along an axis at indices that are inside."""
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    inputs = [current().plain(x), current().plain(indices)]
    return OnnxArray(shape, x.dtype.name, current().emit("Gather", inputs, 1, {"axis": axis}, len(shape))[0])


def grown(x: OnnxArray, shape: Shape) -> OnnxArray:
    """The array broadcast to a shape, or itself."""
    return x if tuple(map(int, x.shape)) == tuple(map(int, shape)) else PRIMITIVES["broadcast_to"](x, shape)


# --- NumPy's indexing -------------------------------------------------------------------------------------------------


def getitem(x: OnnxArray, index: Any) -> OnnxArray:
    """Return ``x[index]``: new axes first, then slices, then integers and integer arrays."""
    items = _one_for_each_axis(x, index)
    if None in [item if item is None else 0 for item in items]:
        sizes = iter(x.shape)
        x = PRIMITIVES["reshape"](x, tuple(1 if item is None else next(sizes) for item in items))
        items = [slice(None) if item is None else item for item in items]
    x = sliced(x, {axis: item for axis, item in enumerate(items) if isinstance(item, slice) and item != slice(None)})
    places = {axis: item for axis, item in enumerate(items) if not isinstance(item, slice)}
    if all(isinstance(item, int) for item in places.values()):
        for axis in sorted(places, reverse=True):
            x = gather(x, constant(np.int64(_checked(places[axis], x.shape[axis]))), axis)
        return x
    return _at_arrays(x, {axis: cast(as_array(item), "int64") for axis, item in places.items()})


def _one_for_each_axis(x: OnnxArray, index: Any) -> list:
    """An index as a list with one item for each axis of the array, and None for each new one."""
    items: list[Any] = []
    for item in index if isinstance(index, tuple) else (index,):
        if item is None or item is ... or isinstance(item, slice):
            items.append(item)
        elif isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_)):
            items.append(int(item))
        else:
            items += _whole_numbers(as_array(item))
    taken = len([item for item in items if item is not None and item is not ...])
    if taken > x.ndim:
        raise IndexError(f"too many indices: the array has {x.ndim} axes, and {taken} were indexed")
    gap = next((place for place, item in enumerate(items) if item is ...), len(items))
    return [*items[:gap], *[slice(None)] * (x.ndim - taken), *items[gap + 1 :]]


def _whole_numbers(item: OnnxArray) -> list[OnnxArray]:
    """Return an array of an index as integer arrays; a mask becomes the indices where it is true."""
    if item.dtype != bool:
        return [item]
    if item.value is None:
        raise refused(
            "getitem",
            "How many places a computed mask takes is known only when the model runs.",
            "Use `cornu.ops.where(mask, x, 0)`, which keeps the shape.",
        )
    return [constant(places) for places in np.nonzero(item.value)]


def _checked(place: int, size: int) -> int:
    if not -size <= place < size:
        raise IndexError(f"index {place} is out of bounds for an axis of size {int(size)}")
    return place


def _at_arrays(x: OnnxArray, places: dict[int, OnnxArray]) -> OnnxArray:
    """Index some axes with arrays; their axes come first in the result, or stay in place if they are adjacent."""
    axes = sorted(places)
    if len(axes) == 1:
        return gather(x, places[axes[0]], axes[0])
    transpose, reshape = PRIMITIVES["transpose"], PRIMITIVES["reshape"]
    others = [axis for axis in range(x.ndim) if axis not in axes]
    shape = broadcast_shape(*(places[axis].shape for axis in axes))
    rows = [reshape(grown(places[axis], shape), (*shape, 1)) for axis in axes]
    inputs = [current().plain(transpose(x, (*axes, *others))), current().plain(PRIMITIVES["concatenate"](rows, len(shape)))]
    found_shape = (*shape, *(x.shape[axis] for axis in others))
    found = OnnxArray(found_shape, x.dtype.name, current().emit("GatherND", inputs, rank=len(found_shape))[0])
    if axes != list(range(axes[0], axes[-1] + 1)):
        return found
    new = range(len(shape))
    before = range(len(shape), len(shape) + axes[0])
    return transpose(found, (*before, *new, *range(len(shape) + axes[0], len(found_shape))))


# --- Einstein's sums --------------------------------------------------------------------------------------------------


def einsum_form(subscripts: str, shapes: list[Shape]) -> tuple[str, list[Shape], Shape]:
    """Return the equation with an explicit result, and the shapes of the operands and of the result.

    In these shapes, ``...`` has the same sizes for all operands: ONNX does not broadcast it.
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = [term.partition("...") for term in left.split(",")]
    middles = [shape[len(a) : len(shape) - len(b)] for (a, dots, b), shape in zip(terms, shapes, strict=True) if dots]
    middle = broadcast_shape(*middles) if middles else ()
    sizes: dict[str, int] = {}
    for (before, _, after), shape in zip(terms, shapes, strict=True):
        for letter, size in [*zip(before, shape, strict=False), *zip(after, shape[len(shape) - len(after) :], strict=True)]:
            if sizes.get(letter, 1) == 1 or is_open(size):
                sizes[letter] = size
    if not arrow:
        letters = "".join(before + after for before, _, after in terms)
        right = ("..." if middles else "") + "".join(sorted(letter for letter in sizes if letters.count(letter) == 1))
    wanted = []
    for (before, dots, after), shape in zip(terms, shapes, strict=True):
        wanted.append((*shape[: len(before)], *(middle if dots else ()), *shape[len(shape) - len(after) :]))
    before, dots, after = right.partition("...")
    found = (*(sizes[one] for one in before), *(middle if dots else ()), *(sizes[one] for one in after))
    return f"{left}->{right}", wanted, found
