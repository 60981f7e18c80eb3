"""Bounding boxes and their corners."""

from cornu import ops
from cornu.typing import Array


def corners(boxes: Array) -> tuple[Array, Array]:
    """Return the positions ``(x, y)``, as pixels, of the four corners of boxes ``"xyxy"``.

    The pixel at (0, 0) is the square from (0, 0) to (1, 1): its center is at (0.5, 0.5) of a box.
    """
    x, y = (ops.take(boxes, ops.array(places), -1) - 0.5 for places in ([0, 2, 0, 2], [1, 1, 3, 3]))
    return x, y


def boxes_around(x: Array, y: Array) -> Array:
    """Return the smallest boxes ``"xyxy"`` that contain moved corners (see :func:`corners`)."""
    ends = [f(values + 0.5, -1, keepdims=True) for f in (ops.min, ops.max) for values in (x, y)]
    return ops.concatenate(ends, -1)
