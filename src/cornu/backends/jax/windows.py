"""Sliding windows over padded images, shared by convolution and pooling."""

import itertools
from collections.abc import Callable, Iterable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cornu.backends.contract import Padding, Shape


def once(x: Array) -> Array:
    """Prevent XLA from recomputing a long sum for each of its readers."""
    return lax.optimization_barrier(x)


def offsets(window: Shape) -> Iterable[Shape]:
    """Return the indices of all elements of a window."""
    return itertools.product(*map(range, window))


def padded(x: Array, padding: Padding, value: float) -> Array:
    """Return the images, padded with a value along the spatial axes."""
    if not np.any(padding):
        return x
    edges = [(0, 0, 0), *((before, after, 0) for before, after in padding), (0, 0, 0)]
    return lax.pad(x, jnp.asarray(value, x.dtype), edges)


def window_count(size: int, width: int, step: int, pads: tuple[int, int], gap: int) -> int:
    """Return the number of windows along one axis."""
    return (size + pads[0] + pads[1] - (width - 1) * gap - 1) // step + 1


def windows(x, window, strides, padding, dilation, value) -> list[tuple[Shape, Array]]:
    """Return ``(offset, elements)`` for each offset in the window: that element of every window, in the output's size."""
    size = [window_count(*sizes) for sizes in zip(x.shape[1:-1], window, strides, padding, dilation, strict=True)]
    return cut(padded(x, padding, value), window, size, strides, dilation)


def cut(x, window, size, strides, dilation) -> list[tuple[Shape, Array]]:
    """Return what :func:`windows` returns, for images that are padded already and ``size`` windows."""
    parts = []
    for at in offsets(window):
        starts = [offset * gap for offset, gap in zip(at, dilation, strict=True)]
        cuts = (slice(b, b + (n - 1) * step + 1, step) for b, n, step in zip(starts, size, strides, strict=True))
        parts.append((at, x[(slice(None), *cuts)]))
    return parts


def put_back(terms: list[tuple[Shape, Array]], x_shape: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """Return the transpose of :func:`windows`: the sum of the arrays, each at the input positions of its window offset.

    With a stride of ``s``, the offsets form ``s`` classes without common positions: each class is summed separately, at the
    output's size, and then the classes are interleaved. Dilating the arrays with zeros before the sum is twice as slow.
    """
    rank, size = len(strides), terms[0][1].shape[1:-1]
    starts = [[offset * gap for offset, gap in zip(at, dilation, strict=True)] for at, _ in terms]
    late = [max(start[axis] // strides[axis] for start in starts) for axis in range(rank)]
    classes = {}
    for start, (_, term) in zip(starts, terms, strict=True):
        shifts = [begin // step for begin, step in zip(start, strides, strict=True)]
        edges = [(0, 0, 0), *((shift, last - shift, 0) for shift, last in zip(shifts, late, strict=True)), (0, 0, 0)]
        which = tuple(begin % step for begin, step in zip(start, strides, strict=True))
        shifted = lax.pad(term, jnp.zeros((), term.dtype), edges)
        classes[which] = classes[which] + shifted if which in classes else shifted
    grown = [n + last for n, last in zip(size, late, strict=True)]
    zeros = jnp.zeros((x_shape[0], *grown, x_shape[-1]), terms[0][1].dtype)
    whole = _interleaved(lambda which: classes.get(which, zeros), strides, ())
    edges = [(0, 0, 0)]
    for axis in range(rank):
        before = padding[axis][0]
        edges.append((-before, x_shape[1 + axis] + before - grown[axis] * strides[axis], 0))
    return lax.pad(whole, jnp.zeros((), whole.dtype), [*edges, (0, 0, 0)])


def _interleaved(part: Callable, strides: Shape, which: Shape) -> Array:
    """Interleave the arrays ``part(remainders)`` along the spatial axes, one for each tuple of remainders by the strides."""
    axis = len(which)
    if axis == len(strides):
        return part(which)
    parts = [_interleaved(part, strides, (*which, i)) for i in range(strides[axis])]
    if len(parts) == 1:
        return parts[0]
    stacked = jnp.stack(parts, axis + 2)
    return stacked.reshape(*stacked.shape[: axis + 1], -1, *stacked.shape[axis + 3 :])
