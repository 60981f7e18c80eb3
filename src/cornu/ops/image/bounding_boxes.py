"""Bounding boxes: formats, clipping, overlaps and transformations, under the names of ``keras.utils.bounding_boxes``.

The formats, in any case, are:

* ``"xyxy"``: left, top, right, bottom;
* ``"yxyx"``: top, left, bottom, right;
* ``"xywh"``: left, top, width, height;
* ``"center_xywh"``: horizontal and vertical center, width, height;
* ``"center_yxhw"``: vertical and horizontal center, height, width;
* these with the prefix ``rel_``: as fractions of the width and the height of the image.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops import reductions
from cornu.ops.conversion import cast, convert_to_tensor
from cornu.ops.dispatch import arrays
from cornu.ops.logic import equal, less, logical_or, where
from cornu.ops.manipulation import concatenate, reshape, split, squeeze
from cornu.ops.math import divide_no_nan, exp, log, maximum, minimum, square
from cornu.ops.trigonometry import arctan2, cos, sin, tan
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import check_option

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]

Boxes: TypeAlias = ArrayLike | Mapping[str, ArrayLike]
"""Boxes of shape ``(..., 4)``, or a dict of ``"boxes"`` and ``"labels"``."""

_FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw")
_ALL_FORMATS = (*_FORMATS, *(f"rel_{name}" for name in _FORMATS))


def _from_edges(name: str, x0: Array, y0: Array, x1: Array, y1: Array) -> list[Array]:
    """Return the four values of a format for the edges of boxes."""
    if name == "xyxy":
        return [x0, y0, x1, y1]
    if name == "yxyx":
        return [y0, x0, y1, x1]
    width, height = x1 - x0, y1 - y0
    if name == "xywh":
        return [x0, y0, width, height]
    x, y = x0 + width / 2, y0 + height / 2
    return [x, y, width, height] if name == "center_xywh" else [y, x, height, width]


def _to_edges(name: str, a: Array, b: Array, c: Array, d: Array) -> list[Array]:
    """Return the edges of boxes ``[x0, y0, x1, y1]`` for the four values of a format."""
    if name == "xyxy":
        return [a, b, c, d]
    if name == "yxyx":
        return [b, a, d, c]
    if name == "xywh":
        return [a, b, a + c, b + d]
    x, y, width, height = (a, b, c, d) if name == "center_xywh" else (b, a, d, c)
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def format_of(argument: str, name: str) -> tuple[str, bool]:
    """Return the name of a format without its prefix, and whether it is relative.

    Args:
        argument: Name of the argument, for the error.
        name: Name of the format, in any case.

    Raises:
        InvalidArgumentError: If the format is unknown.

    Example:
        >>> from cornu.ops.image import bounding_boxes
        >>> bounding_boxes.format_of("source", "REL_XYXY")
        ('xyxy', True)
    """
    lower = check_option(argument, name.lower() if isinstance(name, str) else name, _ALL_FORMATS)
    return lower.removeprefix("rel_"), lower.startswith("rel_")


def _parts(boxes: Array) -> list[Array]:
    if len(boxes.shape) == 0 or boxes.shape[-1] != 4:
        raise ShapeError(
            f"Bounding boxes of shape {tuple(boxes.shape)} were given.",
            "The last axis must have the four values of a box.",
            "Pass an array of shape (boxes, 4) or (batch, boxes, 4).",
        )
    return split(boxes, 4, axis=-1)


def _size_of(height: Array | float | None, width: Array | float | None, argument: str, name: str) -> tuple:
    if height is None or width is None:
        raise InvalidArgumentError(
            f"`{argument}={name!r}` was given, with `height={height}` and `width={width}`.",
            "A relative format needs the size of the image.",
            "Pass `height` and `width`.",
        )
    return tuple(size if isinstance(size, (int, float)) else cast(size, "float32") for size in (height, width))


def _with_boxes(given: Boxes, change: Callable[[ArrayLike], Array]) -> Array | dict[str, Array]:
    """Return the boxes changed by a function, in a copy of the dict if they are in one."""
    if isinstance(given, Mapping):
        return {**given, "boxes": change(given["boxes"])}  # type: ignore[dict-item]
    return change(given)


def convert_format(
    boxes: Boxes,
    source: str,
    target: str,
    height: Array | float | None = None,
    width: Array | float | None = None,
    dtype: DType = "float32",
) -> Array | dict[str, Array]:
    """Convert bounding boxes to another format (the formats are listed at the top of this module).

    Args:
        boxes: Array-like of shape ``(..., 4)``, or dict whose ``"boxes"`` are one.
        source: Format of the boxes.
        target: Format of the result.
        height, width: Size of the image, required if one format is relative and the other is not. Default to None.
        dtype: Dtype of the result. Defaults to ``"float32"``.

    Returns:
        The boxes, or the dict, converted.

    Raises:
        InvalidArgumentError: If a format is unknown, or the size of the image is missing.
        ShapeError: If the boxes do not have four values each.

    Example:
        >>> from cornu.utils import bounding_boxes
        >>> bounding_boxes.convert_format([[1.0, 2.0, 5.0, 4.0]], "xyxy", "center_xywh").tolist()
        [[3.0, 3.0, 4.0, 2.0]]
    """
    (old, was_relative), (new, is_relative) = format_of("source", source), format_of("target", target)

    def change(given: ArrayLike) -> Array:
        values = _to_edges(old, *_parts(convert_to_tensor(given, dtype)))
        if was_relative != is_relative:
            argument, name = ("source", source) if was_relative else ("target", target)
            h, w = _size_of(height, width, argument, name)
            values = [v * s if was_relative else v / s for v, s in zip(values, (w, h, w, h), strict=True)]
        return concatenate(_from_edges(new, *values), -1)

    return _with_boxes(boxes, change)


def clip_to_image_size(
    bounding_boxes: Mapping[str, ArrayLike],
    height: Array | float | None = None,
    width: Array | float | None = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Array]:
    """Cut bounding boxes at the edges of the image. The labels of boxes without area become -1.

    Args:
        bounding_boxes: Dict of ``"boxes"`` of shape ``(..., 4)`` and ``"labels"`` of shape ``(...)``.
        height, width: Size of the image, required for all formats that are not relative. Default to None.
        bounding_box_format: Format of the boxes. Defaults to ``"xyxy"``.

    Returns:
        Dict of the same structure.

    Raises:
        InvalidArgumentError: If the format is unknown, or the size of the image is missing.

    Example:
        >>> from cornu.utils import bounding_boxes
        >>> data = {"boxes": [[-1.0, 0.0, 2.0, 9.0], [8.0, 0.0, 9.0, 1.0]], "labels": [3, 4]}
        >>> cut = bounding_boxes.clip_to_image_size(data, height=5, width=6)
        >>> cut["boxes"].tolist(), cut["labels"].tolist()
        ([[0.0, 0.0, 2.0, 5.0], [6.0, 0.0, 6.0, 1.0]], [3, -1])
    """
    name, is_relative = format_of("bounding_box_format", bounding_box_format)
    h, w = (1.0, 1.0) if is_relative else _size_of(height, width, "bounding_box_format", bounding_box_format)
    edges = _to_edges(name, *_parts(convert_to_tensor(bounding_boxes["boxes"])))
    x0, y0, x1, y1 = (minimum(maximum(v, 0.0), s) for v, s in zip(edges, (w, h, w, h), strict=True))
    labels = convert_to_tensor(bounding_boxes["labels"])
    is_empty = squeeze(equal((x1 - x0) * (y1 - y0), 0), -1)
    return {
        **bounding_boxes,
        "boxes": concatenate(_from_edges(name, x0, y0, x1, y1), -1),
        "labels": where(is_empty, -1, labels),
    }  # type: ignore[dict-item]


def crop(boxes: ArrayLike, top: float, left: float, height: float, width: float, bounding_box_format: str = "xyxy") -> Array:
    """Return bounding boxes in a cropped image, cut at its edges.

    Args:
        boxes: Array-like of shape ``(..., 4)``.
        top, left: Position of the cropped image.
        height, width: Size of the cropped image.
        bounding_box_format: Format of the boxes, which must not be relative. Defaults to ``"xyxy"``.

    Example:
        >>> from cornu.utils import bounding_boxes
        >>> bounding_boxes.crop([[1.0, 2.0, 9.0, 7.0]], top=1, left=2, height=5, width=6).tolist()
        [[0.0, 1.0, 6.0, 5.0]]
    """
    name, _ = format_of("bounding_box_format", bounding_box_format)
    edges = _to_edges(name, *_parts(convert_to_tensor(boxes)))
    moved = [value - shift for value, shift in zip(edges, (left, top, left, top), strict=True)]
    limits = (width, height, width, height)
    cut = [minimum(maximum(value, 0.0), float(limit)) for value, limit in zip(moved, limits, strict=True)]
    return concatenate(_from_edges(name, *cut), -1)


def pad(
    boxes: ArrayLike,
    top: float,
    left: float,
    height: float | None = None,
    width: float | None = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """Return bounding boxes in an image that was padded at the top and on the left.

    Args:
        boxes: Array-like of shape ``(..., 4)``.
        top, left: Numbers of rows and columns that were added.
        height, width: Accepted for compatibility with Keras.
        bounding_box_format: Format of the boxes, which must not be relative. Defaults to ``"xyxy"``.

    Example:
        >>> from cornu.utils import bounding_boxes
        >>> bounding_boxes.pad([[1.0, 2.0, 9.0, 7.0]], top=1, left=2).tolist()
        [[3.0, 3.0, 11.0, 8.0]]
    """
    name, _ = format_of("bounding_box_format", bounding_box_format)
    edges = _to_edges(name, *_parts(convert_to_tensor(boxes)))
    moved = [value + shift for value, shift in zip(edges, (left, top, left, top), strict=True)]
    return concatenate(_from_edges(name, *moved), -1)


def affine_transform(
    boxes: ArrayLike,
    angle: ArrayLike,
    translate_x: ArrayLike,
    translate_y: ArrayLike,
    scale: ArrayLike,
    shear_x: ArrayLike,
    shear_y: ArrayLike,
    height: float,
    width: float,
    center_x: ArrayLike | None = None,
    center_y: ArrayLike | None = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """Return the boxes around bounding boxes that were sheared, rotated, scaled and shifted.

    As in Keras, positions are those of pixels: the last one of an image is at ``(width - 1, height - 1)``.

    Args:
        boxes: Array-like of shape ``(boxes, 4)`` or ``(batch, boxes, 4)``.
        angle: Angle of the rotation in degrees, a number or an array of shape ``(batch,)``, as all of the following.
        translate_x, translate_y: Shifts, as fractions of the width and of the height.
        scale: Factor of the size.
        shear_x, shear_y: Angles of the shear in degrees.
        height, width: Size of the image.
        center_x, center_y: Center, as fractions of the width and of the height. Default to None (0.5).
        bounding_box_format: Format of the boxes and of the result. Defaults to ``"xyxy"``.

    Raises:
        InvalidArgumentError: If the format is unknown.
        ShapeError: If the boxes do not have four values each.

    Example:
        >>> from cornu import ops
        >>> from cornu.utils import bounding_boxes
        >>> moved = bounding_boxes.affine_transform([[0.0, 0.0, 2.0, 2.0]], 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, height=5, width=5)
        >>> moved.tolist()
        [[2.0, 0.0, 4.0, 2.0]]
    """
    format_of("bounding_box_format", bounding_box_format)
    center = (0.5 if center_x is None else center_x, 0.5 if center_y is None else center_y)
    _, boxes, *given = arrays(boxes, angle, translate_x, translate_y, scale, shear_x, shear_y, *center)
    shaped = [reshape(cast(value, "float32"), (-1, 1, 1)) if len(value.shape) else cast(value, "float32") for value in given]
    angle, right, down, size, shear_x, shear_y, center_x, center_y = shaped
    turn, along_x, along_y = (value * (-math.pi / 180.0) for value in (angle, shear_x, shear_y))
    x0, y0, x1, y1 = _parts(convert_format(boxes, bounding_box_format, "xyxy", height, width))  # type: ignore[arg-type]
    middle = center_x * (width - 1.0), center_y * (height - 1.0)
    x = concatenate([x0, x1, x1, x0], -1) - middle[0] + right * (width - 1.0)
    y = concatenate([y0, y0, y1, y1], -1) - middle[1] + down * (height - 1.0)
    # The inverse of a rotation by the angle after a shear, both of determinant 1.
    a, c = cos(turn - along_y) / cos(along_y), -sin(turn - along_y) / cos(along_y)
    b, d = a * tan(along_x) + sin(turn), cos(turn) - c * tan(along_x)
    moved = [(d * x - b * y) * size + middle[0], (a * y - c * x) * size + middle[1]]
    edges = concatenate([end(values, -1, keepdims=True) for end in (reductions.min, reductions.max) for values in moved], -1)
    return convert_format(edges, "xyxy", bounding_box_format, height, width)  # type: ignore[return-value]


def _size_in(image_shape: Sequence[int] | None) -> tuple[int | None, int | None]:
    """Return the height and the width in the shape of an image; None for both without a shape."""
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])


def _edges_of_two(boxes1: ArrayLike, boxes2: ArrayLike, name: str, image_shape: Sequence[int] | None) -> list[Array]:
    is_relative = format_of("bounding_box_format", name)[1] and image_shape is None
    target = "rel_xyxy" if is_relative else "xyxy"
    return [convert_format(boxes, name, target, *_size_in(image_shape)) for boxes in (boxes1, boxes2)]  # type: ignore[misc]


def _overlap(one: list[Array], other: list[Array]) -> tuple[Array, Array]:
    """Return the areas of the intersection and of the union of boxes, given their edges."""
    width = maximum(minimum(one[2], other[2]) - maximum(one[0], other[0]), 0.0)
    height = maximum(minimum(one[3], other[3]) - maximum(one[1], other[1]), 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    common = width * height
    return common, areas[0] + areas[1] - common


def compute_iou(
    boxes1: ArrayLike,
    boxes2: ArrayLike,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """Return the area of the intersection divided by that of the union, for each pair of boxes.

    Args:
        boxes1: Array-like of shape ``(M, 4)`` or ``(batch, M, 4)``.
        boxes2: Array-like of shape ``(N, 4)`` or ``(batch, N, 4)``.
        bounding_box_format: Format of the boxes.
        use_masking: Whether the boxes whose four values are negative are padding. Defaults to False.
        mask_val: Value of the result for padding. Defaults to -1.
        image_shape: Shape ``(height, width, channels)`` of the image, to convert relative boxes to pixels. Defaults to None.

    Returns:
        Array of shape ``(M, N)`` or ``(batch, M, N)``.

    Example:
        >>> from cornu.utils import bounding_boxes
        >>> bounding_boxes.compute_iou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 1.0]], "xyxy").tolist()
        [[0.5]]
    """
    first, second = _edges_of_two(boxes1, boxes2, bounding_box_format, image_shape)
    one = [squeeze(value, -1)[..., :, None] for value in _parts(first)]
    other = [squeeze(value, -1)[..., None, :] for value in _parts(second)]
    common, union = _overlap(one, other)
    found = divide_no_nan(common, union)
    if not use_masking:
        return found
    padding = logical_or(
        reductions.all(less(convert_to_tensor(boxes1), 0), -1)[..., :, None],
        reductions.all(less(convert_to_tensor(boxes2), 0), -1)[..., None, :],
    )
    return where(padding, float(mask_val), found)


def compute_ciou(
    boxes1: ArrayLike, boxes2: ArrayLike, bounding_box_format: str, image_shape: Sequence[int] | None = None
) -> Array:
    """Return the complete intersection over union of each box and the box at the same place of the other array.

    From the intersection over union it subtracts the squared distance of the centers, divided by the squared diagonal of the
    smallest box around both, and a penalty for different aspect ratios. Source: Zheng et al., 2020, Distance-IoU Loss,
    https://arxiv.org/abs/1911.08287

    Args:
        boxes1, boxes2: Array-likes of shape ``(..., 4)``.
        bounding_box_format: Format of the boxes.
        image_shape: Shape ``(height, width, channels)`` of the image, to convert relative boxes to pixels. Defaults to None.

    Returns:
        Array of shape ``(...)``.

    Example:
        >>> from cornu.utils import bounding_boxes
        >>> bounding_boxes.compute_ciou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 2.0]], "xyxy").tolist()
        [1.0]
    """
    first, second = _edges_of_two(boxes1, boxes2, bounding_box_format, image_shape)
    one, other = ([squeeze(value, -1) for value in _parts(boxes)] for boxes in (first, second))
    common, union = _overlap(one, other)
    iou = divide_no_nan(common, union)
    diagonal = square(maximum(one[2], other[2]) - minimum(one[0], other[0])) + square(
        maximum(one[3], other[3]) - minimum(one[1], other[1])
    )
    distance = square(one[0] + one[2] - other[0] - other[2]) + square(one[1] + one[3] - other[1] - other[3])
    angles = [arctan2(box[2] - box[0], box[3] - box[1]) for box in (one, other)]
    difference = square(angles[0] - angles[1]) * (4 / math.pi**2)
    weight = divide_no_nan(difference, difference + 1.0 - iou)
    return iou - divide_no_nan(distance / 4.0, diagonal) - weight * difference


_ENCODINGS = ("center_xywh", "center_yxhw")


def _centers_of(boxes: ArrayLike, name: str, encoding: str, image_shape: Sequence[int] | None) -> list[Array]:
    return _parts(convert_format(boxes, name, encoding, *_size_in(image_shape)))  # type: ignore[arg-type]


def _check_encoding(argument: str, encoding: str, variance: Sequence[float] | None) -> list[float]:
    check_option(argument, encoding, _ENCODINGS)
    if variance is not None and len(variance) != 4:
        raise InvalidArgumentError(
            f"`variance={variance!r}` was given.", "It must have four values.", "Pass, for example, `[0.1, 0.1, 0.2, 0.2]`."
        )
    return [1.0] * 4 if variance is None else [float(value) for value in variance]


def encode_box_to_deltas(
    anchors: ArrayLike,
    boxes: ArrayLike,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """Return bounding boxes relative to anchors: the shift of the center, and the logarithm of the ratio of the sizes.

    ::

        [(x - anchor_x) / anchor_width, ..., log(width / anchor_width), ...] / variance

    Args:
        anchors: Array-like of shape ``(N, 4)``.
        boxes: Array-like of shape ``(N, 4)`` or ``(batch, N, 4)``.
        anchor_format, box_format: Formats of the anchors and of the boxes.
        encoding_format: Order of the result, ``"center_yxhw"`` or ``"center_xywh"``. Defaults to ``"center_yxhw"``.
        variance: Four floats by which the result is divided. Defaults to None, for ones.
        image_shape: Shape ``(height, width, channels)`` of the image, required for relative formats. Defaults to None.

    Raises:
        InvalidArgumentError: If a format is unknown, or ``variance`` does not have four values.

    Example:
        >>> from cornu.utils import bounding_boxes
        >>> bounding_boxes.encode_box_to_deltas([[0.0, 0.0, 4.0, 2.0]], [[1.0, 0.0, 5.0, 2.0]], "xyxy", "xyxy").tolist()
        [[0.0, 0.25, 0.0, 0.0]]
    """
    divisors = _check_encoding("encoding_format", encoding_format, variance)
    anchor = _centers_of(anchors, anchor_format, encoding_format, image_shape)
    box = _centers_of(boxes, box_format, encoding_format, image_shape)
    deltas = [(box[i] - anchor[i]) / anchor[i + 2] for i in range(2)] + [log(box[i] / anchor[i]) for i in (2, 3)]
    return concatenate([delta / divisor for delta, divisor in zip(deltas, divisors, strict=True)], -1)


def decode_deltas_to_boxes(
    anchors: Boxes,
    boxes_delta: Boxes,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Array | dict[str, Array]:
    """Return bounding boxes from their description relative to anchors, the inverse of :func:`encode_box_to_deltas`.

    Args:
        anchors: Array-like of shape ``(N, 4)``, or a dict of them, such as one for each level of a network.
        boxes_delta: Array-like of shape ``(N, 4)`` or ``(batch, N, 4)``, or a dict of them with the same keys.
        anchor_format, box_format: Formats of the anchors and of the result.
        encoded_format: Order of ``boxes_delta``, ``"center_yxhw"`` or ``"center_xywh"``. Defaults to ``"center_yxhw"``.
        variance: Four floats by which ``boxes_delta`` is multiplied. Defaults to None, for ones.
        image_shape: Shape ``(height, width, channels)`` of the image, required for relative formats. Defaults to None.

    Raises:
        InvalidArgumentError: If a format is unknown, or ``variance`` does not have four values.

    Example:
        >>> from cornu.utils import bounding_boxes
        >>> bounding_boxes.decode_deltas_to_boxes([[0.0, 0.0, 4.0, 2.0]], [[0.0, 0.25, 0.0, 0.0]], "xyxy", "xyxy").tolist()
        [[1.0, 0.0, 5.0, 2.0]]
    """
    factors = _check_encoding("encoded_format", encoded_format, variance)

    def decoded(given: ArrayLike, deltas: ArrayLike) -> Array:
        anchor = _centers_of(given, anchor_format, encoded_format, image_shape)
        parts = [part * factor for part, factor in zip(_parts(convert_to_tensor(deltas)), factors, strict=True)]
        center = [parts[i] * anchor[i + 2] + anchor[i] for i in range(2)]
        size = [exp(parts[i]) * anchor[i] for i in (2, 3)]
        boxes = concatenate([*center, *size], -1)
        return convert_format(boxes, encoded_format, box_format, *_size_in(image_shape))  # type: ignore[return-value]

    if isinstance(anchors, Mapping):
        return {level: decoded(anchors[level], boxes_delta[level]) for level in anchors}  # type: ignore[index]
    return decoded(anchors, boxes_delta)  # type: ignore[arg-type]
