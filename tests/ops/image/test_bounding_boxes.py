"""Bounding boxes against Keras's ``utils.bounding_boxes``."""

import keras
import numpy as np
import pytest

from cornu.errors import InvalidArgumentError, ShapeError
from cornu.utils import bounding_boxes

THEIRS = keras.utils.bounding_boxes
FORMATS = ["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"]
SIZE = {"height": 10, "width": 14}


@pytest.fixture
def boxes(rng):
    start = rng.uniform(-2, 9, size=(2, 5, 2))
    return np.concatenate([start, start + rng.uniform(0.5, 6, size=(2, 5, 2))], -1).astype("float32")


@pytest.mark.parametrize("target", [*FORMATS, "REL_YXYX"])
@pytest.mark.parametrize("source", FORMATS)
def test_formats(source, target, boxes, make, check):
    expected = np.asarray(THEIRS.convert_format(boxes, source.lower(), target.lower(), **SIZE), "float32")
    check(bounding_boxes.convert_format(make(boxes), source, target, **SIZE), expected, atol=1e-4)


@pytest.mark.parametrize("box_format", ["xyxy", "rel_yxyx", "center_xywh"])
def test_clipping(box_format, boxes, make, check):
    given = {"boxes": THEIRS.convert_format(boxes, "xyxy", box_format, **SIZE), "labels": np.arange(10.0).reshape(2, 5)}
    given = {name: np.asarray(values, "float32") for name, values in given.items()}
    expected = np.clip(boxes, 0, [14, 10, 14, 10]).astype("float32")
    found = bounding_boxes.clip_to_image_size({n: make(v) for n, v in given.items()}, **SIZE, bounding_box_format=box_format)
    check(bounding_boxes.convert_format(found["boxes"], box_format, "xyxy", **SIZE), expected, atol=1e-4)
    areas = (expected[..., 2] - expected[..., 0]) * (expected[..., 3] - expected[..., 1])
    check(found["labels"], np.where(areas == 0, -1, given["labels"]).astype("float32"))


def test_overlaps(boxes, make, check, rng):
    other = boxes + rng.uniform(-1, 1, size=boxes.shape).astype("float32")
    check(bounding_boxes.compute_iou(make(boxes), make(other), "xyxy"), THEIRS.compute_iou(boxes, other, "xyxy"), atol=1e-5)
    check(
        bounding_boxes.compute_iou(make(boxes[0]), make(other), "xywh"), THEIRS.compute_iou(boxes[0], other, "xywh"), atol=1e-5
    )
    other[0, 1] = -1
    options = {"use_masking": True, "mask_val": -3, "bounding_box_format": "xyxy"}
    check(
        bounding_boxes.compute_iou(make(boxes), make(other), **options), THEIRS.compute_iou(boxes, other, **options), atol=1e-5
    )
    other = np.abs(other) + np.array([0, 0, 20, 20], "float32")
    check(bounding_boxes.compute_ciou(make(boxes), make(other), "xyxy"), THEIRS.compute_ciou(boxes, other, "xyxy"), atol=1e-4)


@pytest.mark.parametrize("encoding", ["center_yxhw", "center_xywh"])
@pytest.mark.parametrize("variance", [None, [0.1, 0.2, 0.3, 0.4]], ids=str)
def test_deltas(encoding, variance, boxes, make, check):
    anchors = np.abs(boxes[0]) + np.array([0, 0, 20, 20], "float32")
    arguments = ("xyxy", "xyxy", encoding, variance)
    deltas = THEIRS.encode_box_to_deltas(anchors, boxes, *arguments)
    check(bounding_boxes.encode_box_to_deltas(make(anchors), make(boxes), *arguments), deltas, rtol=1e-4, atol=1e-5)
    again = bounding_boxes.decode_deltas_to_boxes(make(anchors), make(np.asarray(deltas)), *arguments)
    check(again, boxes, atol=1e-4)
    levels = bounding_boxes.decode_deltas_to_boxes({"one": make(anchors)}, {"one": make(np.asarray(deltas))}, *arguments)
    check(levels["one"], boxes, atol=1e-4)


def test_crops_and_pads(boxes, make, check):
    found = bounding_boxes.crop(make(boxes), top=1, left=2, height=5, width=6)
    check(found, THEIRS.crop(boxes, 1, 2, 5, 6), atol=1e-5)
    check(bounding_boxes.pad(make(boxes), top=1, left=2), THEIRS.pad(boxes, 1, 2), atol=1e-5)


def test_mistakes_are_named(make):
    box = make(np.ones((1, 4), "float32"))
    with pytest.raises(InvalidArgumentError, match=r"`target='xyx'` was given. It must be one of 'xyxy', 'yxyx'"):
        bounding_boxes.convert_format(box, "xyxy", "xyx")
    with pytest.raises(
        InvalidArgumentError, match=r"`target='rel_xyxy'` was given, with `height=None`.*Pass `height` and `width`"
    ):
        bounding_boxes.convert_format(box, "xyxy", "rel_xyxy")
    with pytest.raises(ShapeError, match=r"Bounding boxes of shape \(1, 3\) were given"):
        bounding_boxes.convert_format(make(np.ones((1, 3))), "xyxy", "xywh")
    with pytest.raises(InvalidArgumentError, match=r"`variance=\[1\]` was given. It must have four values"):
        bounding_boxes.encode_box_to_deltas(box, box, "xyxy", "xyxy", variance=[1])
    with pytest.raises(InvalidArgumentError, match=r"`encoding_format='xyxy'` was given"):
        bounding_boxes.encode_box_to_deltas(box, box, "xyxy", "xyxy", "xyxy")


def test_affine_transformations_are_those_of_keras(boxes, make, check, rng):
    batch = [rng.uniform(-1, 1, size=2).astype("float32") * scale for scale in (40, 0.3, 0.3, 0.5, 20, 20)]
    batch[3] += 1.2
    for center in ({}, {"center_x": np.float32([0.3, 0.6]), "center_y": np.float32([0.1, 0.4])}):
        expected = THEIRS.affine_transform(boxes, *batch, 10, 14, **center)
        ours = {name: make(value) for name, value in center.items()}
        check(bounding_boxes.affine_transform(make(boxes), *map(make, batch), 10, 14, **ours), expected, rtol=1e-4, atol=1e-4)
    first = [float(value[0]) for value in batch]
    expected = THEIRS.affine_transform(boxes, *batch, 10, 14)[0]
    check(bounding_boxes.affine_transform(make(boxes[0]), *first, 10, 14), expected, rtol=1e-4, atol=1e-4)


def test_affine_transformations_take_every_format(boxes, make, check, rng):
    given = (30.0, 0.1, -0.2, 1.5, 10.0, 0.0, 10, 14)
    expected = bounding_boxes.affine_transform(make(boxes), *given)
    other = bounding_boxes.convert_format(make(boxes), "xyxy", "rel_xywh", 10, 14)
    found = bounding_boxes.affine_transform(other, *given, bounding_box_format="rel_xywh")
    check(bounding_boxes.convert_format(found, "rel_xywh", "xyxy", 10, 14), np.asarray(expected), rtol=1e-4, atol=1e-4)


def test_the_names_are_those_of_keras():
    import cornu.utils.bounding_boxes

    names = {name for name in dir(keras.utils.bounding_boxes) if not name.startswith("_")}
    assert set(cornu.utils.bounding_boxes.__all__) == names and len(names) == 9
