"""Boxes, masks and galleries: the pixels that are drawn, also where Keras's are right, and what is refused."""

import inspect
import re

import numpy as np
import pytest
from PIL import Image

from cornu import backends, visualization
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.ops.image import bounding_boxes
from cornu.visualization import (
    draw_bounding_boxes,
    draw_segmentation_masks,
    plot_bounding_box_gallery,
    plot_image_gallery,
    plot_segmentation_mask_gallery,
)

NUMBERS = np.random.default_rng(5)
IMAGES = NUMBERS.integers(0, 256, (3, 40, 60, 3)).astype("uint8")
BOXES = np.array([[[5.0, 8.0, 30.0, 20.0], [40.0, 2.0, 55.0, 39.0]]] * 3)
LABELS = np.array([[0, 1], [1, -1], [-1, -1]])
TRUTH = {"boxes": BOXES, "labels": LABELS}
MASKS = NUMBERS.integers(0, 5, (3, 40, 60, 1))


def shown(figure) -> np.ndarray:
    """The images of a figure."""
    return np.stack([axes.images[0].get_array() for axes in figure.axes if axes.images])


def framed(image: np.ndarray, box: np.ndarray, color: tuple, thickness: int) -> np.ndarray:
    """The image with a frame, drawn pixel by pixel: those within the thickness of an edge, which the box contains."""
    x0, y0, x1, y1 = box.astype(int)
    before, after = thickness // 2, thickness - thickness // 2
    expected = image.copy()
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            outer = x0 - before <= x <= x1 + before and y0 - before <= y <= y1 + before
            inner = x0 + after <= x <= x1 - after and y0 + after <= y <= y1 - after
            if outer and not inner:
                expected[y, x] = color
    return expected


@pytest.mark.parametrize("thickness", [1, 2, 3, 4])
def test_frames_are_where_the_boxes_are(thickness):
    drawn = draw_bounding_boxes(IMAGES, TRUTH, "xyxy", color=(255, 3, 7), line_thickness=thickness)
    expected = framed(framed(IMAGES[0], BOXES[0, 0], (255, 3, 7), thickness), BOXES[0, 1], (255, 3, 7), thickness)
    np.testing.assert_array_equal(drawn[0], expected)
    np.testing.assert_array_equal(drawn[1], framed(IMAGES[1], BOXES[1, 0], (255, 3, 7), thickness))
    np.testing.assert_array_equal(drawn[2], IMAGES[2])


@pytest.mark.parametrize("name", bounding_boxes._ALL_FORMATS)
def test_all_formats_of_boxes_give_the_same(name, backend):
    boxes = bounding_boxes.convert_format(BOXES, "xyxy", name, 40, 60)
    drawn = draw_bounding_boxes(IMAGES, {"boxes": backends.get(backend).asarray(np.asarray(boxes)), "labels": LABELS}, name)
    np.testing.assert_array_equal(drawn, draw_bounding_boxes(IMAGES, TRUTH, "xyxy"))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_all_kinds_of_images_give_the_same(dtype, data_format):
    images = np.moveaxis(IMAGES, -1, 1) if data_format == "channels_first" else IMAGES
    scaled = (images / 255.0).astype("float32") if dtype == "float32" else images
    drawn = draw_bounding_boxes(scaled, TRUTH, "xyxy", data_format=data_format)
    assert drawn.shape == images.shape
    assert drawn.dtype == "uint8"
    last = np.moveaxis(drawn, 1, -1) if data_format == "channels_first" else drawn
    np.testing.assert_allclose(last.astype(int), draw_bounding_boxes(IMAGES, TRUTH, "xyxy").astype(int), atol=1)


def test_gray_images_and_those_with_an_alpha_channel_are_drawn_on():
    for channels, ink in ((1, [40]), (4, [10, 40, 70, 255])):
        images = np.zeros((1, 20, 20, channels), "uint8")
        drawn = draw_bounding_boxes(images, {"boxes": [[[2, 3, 9, 9]]], "labels": [[0]]}, "xyxy", color=(10, 40, 70))
        assert drawn[0, 3, 2].tolist() == ink


def test_boxes_beyond_the_image_are_cut():
    box = {"boxes": [[[-10.0, -10.0, 100.0, 20.0]]], "labels": [[0]]}
    drawn = draw_bounding_boxes(np.zeros((1, 40, 60, 3)), box, "xyxy", color=(9, 9, 9), line_thickness=1)
    assert np.flatnonzero(drawn[0].any((1, 2))).tolist() == [20]


@pytest.mark.parametrize(("corner", "row"), [((10.0, 30.0), 15), ((10.0, 2.0), 4)])
def test_names_are_written_above_the_box_or_in_it(corner, row):
    box = {"boxes": [[[*corner, corner[0] + 20, corner[1] + 8]]], "labels": [[3]]}
    blank = np.zeros((1, 60, 90, 3), "uint8")
    plain = draw_bounding_boxes(blank, box, "xyxy", color=(250, 250, 90))
    named = draw_bounding_boxes(blank, box, "xyxy", {3: "cät"}, (250, 250, 90), font_scale=0.5)
    rows = np.flatnonzero((plain != named).any((0, 2, 3)))
    assert rows[0] <= row <= rows[-1] <= max(corner[1] + 15, 30)
    assert (named[0, rows[0], 12] == [250, 250, 90]).all()
    assert (named[0, row, 10:40].max(-1) < 100).any()  # dark letters on the light plate
    np.testing.assert_array_equal(draw_bounding_boxes(blank, box, "xyxy", {4: "dog"}, (250, 250, 90)), plain)


def test_confidences_and_bold_text_change_what_is_written():
    box = {"boxes": [[[10.0, 30.0, 60.0, 50.0]]], "labels": [[0]]}
    blank, names = np.zeros((1, 60, 120, 3), "uint8"), {0: "cat"}
    first = draw_bounding_boxes(blank, box, "xyxy", names, font_scale=0.5)
    certain = draw_bounding_boxes(blank, {**box, "confidences": [[0.25]]}, "xyxy", names, font_scale=0.5)
    written = draw_bounding_boxes(blank, box, "xyxy", {0: "cat | 0.25"}, font_scale=0.5)
    np.testing.assert_array_equal(certain, written)
    assert (first != draw_bounding_boxes(blank, box, "xyxy", names, font_scale=0.5, text_thickness=2)).any()


def test_the_input_is_not_changed():
    images, boxes = IMAGES.copy(), {**TRUTH}
    draw_bounding_boxes(images, boxes, "xyxy")
    draw_segmentation_masks(images, MASKS)
    np.testing.assert_array_equal(images, IMAGES)
    assert boxes["boxes"] is BOXES


@pytest.mark.parametrize("alpha", [0.8, 0.3])
@pytest.mark.parametrize("mapping", [None, {0: (1, 2, 3), 1: (250, 0, 9), 2: (0, 99, 0), 3: (4, 5, 255)}])
def test_masks_of_classes_above_the_background_are_those_of_keras(alpha, mapping):
    keras = pytest.importorskip("keras")
    theirs = keras.visualization.draw_segmentation_masks(IMAGES, MASKS, 4, mapping, alpha)
    ours = draw_segmentation_masks(IMAGES, np.where(MASKS == 4, -1, MASKS), 3, mapping, alpha)
    drawn = np.isin(MASKS[..., 0], (1, 2, 3) if mapping is None else (0, 1, 2, 3))
    np.testing.assert_allclose(ours[drawn].astype(int), theirs[drawn].astype(int), atol=1)
    np.testing.assert_array_equal(ours[MASKS[..., 0] == 4], IMAGES[MASKS[..., 0] == 4])


def test_the_background_and_the_ignored_class_keep_their_pixels_and_the_last_class_is_drawn():
    drawn = draw_segmentation_masks(IMAGES, MASKS, ignore_index=2, blend=False)
    for index in range(5):
        expected = IMAGES if index in (0, 2) else np.broadcast_to(visualization._palette_color(index), IMAGES.shape)
        np.testing.assert_array_equal(drawn[MASKS[..., 0] == index], expected[MASKS[..., 0] == index])


@pytest.mark.parametrize("rank", [3, 4])
def test_masks_and_images_may_have_channels_first(rank):
    masks = MASKS[..., 0] if rank == 3 else np.moveaxis(MASKS, -1, 1)
    drawn = draw_segmentation_masks(np.moveaxis(IMAGES, -1, 1), masks, data_format="channels_first")
    np.testing.assert_array_equal(np.moveaxis(drawn, 1, -1), draw_segmentation_masks(IMAGES, MASKS[..., 0]))


@pytest.mark.parametrize("value_range", [(0, 255), (0, 1), (-1, 1)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_gallery_shows_the_pixels_of_all_images(value_range, data_format):
    low, high = value_range
    images = IMAGES / 255 * (high - low) + low
    images = np.moveaxis(images, -1, 1) if data_format == "channels_first" else images
    figure = plot_image_gallery(images, value_range=value_range, data_format=data_format, show=False)
    np.testing.assert_allclose(shown(figure).astype(int), IMAGES.astype(int), atol=1)


@pytest.mark.parametrize(("arguments", "panels"), [({}, 4), ({"cols": 3}, 3), ({"rows": 1}, 3), ({"rows": 1, "cols": 2}, 2)])
def test_rows_and_columns_are_those_asked_for(arguments, panels):
    figure = plot_image_gallery(IMAGES, show=False, **arguments)
    assert len(figure.axes) == panels


def test_titles_are_the_names_of_labels(backend):
    labels = backends.get(backend).asarray(np.array([0, 1, 7]))
    figure = plot_image_gallery(IMAGES, labels, [1, 1, 0], {0: "cat", 1: "dog"}, show=False)
    titles = [axes.get_title() for axes in figure.axes][:3]
    assert titles == ["Label: cat  Pred: dog", "Label: dog  Pred: dog", "Label: Unknown  Pred: cat"]


def test_boxes_are_right_on_images_of_every_range():
    for images, value_range in ((IMAGES, (0, 255)), (IMAGES / 255, (0, 1)), (IMAGES / 127.5 - 1, (-1, 1))):
        figure = plot_bounding_box_gallery(images, "xyxy", TRUTH, value_range=value_range, show=False)
        expected = draw_bounding_boxes(IMAGES, TRUTH, "xyxy", color=(0, 188, 212))
        np.testing.assert_allclose(shown(figure).astype(int), expected.astype(int), atol=1)


def test_true_and_predicted_boxes_have_their_colors_and_names():
    first = {"boxes": [[[5.0, 30.0, 15.0, 38.0]]], "labels": [[0]]}
    second = {"boxes": [[[30.0, 30.0, 45.0, 38.0]]], "labels": [[0]]}
    images = np.zeros((1, 40, 60, 3))
    arguments = {"ground_truth_mapping": {0: "a"}, "prediction_mapping": {0: "b"}, "font_scale": 0.4}
    figure = plot_bounding_box_gallery(images, "xyxy", first, second, legend=True, show=False, **arguments)
    true = draw_bounding_boxes(images, first, "xyxy", {0: "a"}, (0, 188, 212), 2, None, 0.4)
    both = draw_bounding_boxes(true, second, "xyxy", {0: "b"}, (255, 235, 59), 2, None, 0.4)
    np.testing.assert_array_equal(shown(figure), both)
    assert [patch.get_facecolor() for patch in figure.legends[0].get_patches()] == [
        (0, 188 / 255, 212 / 255, 1),
        (1, 235 / 255, 59 / 255, 1),
    ]


def test_masks_are_shown_beside_their_images():
    figure = plot_segmentation_mask_gallery(IMAGES / 255, 4, (0, 1), MASKS, MASKS[:, ::-1], show=False)
    panels = shown(figure)
    assert len(panels) == 9
    np.testing.assert_allclose(panels[3].astype(int), IMAGES[1].astype(int), atol=1)
    expected = [draw_segmentation_masks(IMAGES, masks, 4) for masks in (MASKS, MASKS[:, ::-1])]
    np.testing.assert_allclose(panels[4].astype(int), expected[0][1].astype(int), atol=1)
    np.testing.assert_allclose(panels[8].astype(int), expected[1][2].astype(int), atol=1)
    first = [np.moveaxis(array, -1, 1) for array in (IMAGES / 255, MASKS, MASKS[:, ::-1])]
    other = plot_segmentation_mask_gallery(first[0], 4, (0, 1), *first[1:], show=False, data_format="channels_first")
    np.testing.assert_array_equal(shown(other), panels)


def test_a_file_has_the_images_side_by_side(tmp_path):
    figure = plot_image_gallery(np.full((2, 30, 30, 3), 200), rows=1, path=tmp_path / "a.png", transparent=False, dpi=50)
    assert len(figure.axes) == 2
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == pytest.approx(200, abs=10)
        assert image.height == pytest.approx(100, abs=10)


def test_a_shown_gallery_is_closed():
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    assert plot_image_gallery(IMAGES) is None
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: draw_bounding_boxes(IMAGES[0], TRUTH, "xyxy"), ShapeError, r"shape \(40, 60, 3\).*a batch.*image\[None\]"),
        (lambda: draw_bounding_boxes(IMAGES, BOXES, "xyxy"), InvalidTypeError, "is a ndarray.*must be a dict"),
        (lambda: draw_bounding_boxes(IMAGES, {"boxes": BOXES}, "xyxy"), InvalidArgumentError, r"keys \['boxes'\]"),
        (lambda: draw_bounding_boxes(IMAGES, TRUTH, "xyz"), InvalidArgumentError, "'xyz'"),
        (lambda: draw_bounding_boxes(IMAGES[:2], TRUTH, "xyxy"), ShapeError, "for 2 images.*label -1"),
        (lambda: draw_bounding_boxes(IMAGES, TRUTH, "xyxy", data_format="last"), InvalidArgumentError, "data_format"),
        (lambda: draw_segmentation_masks(IMAGES, MASKS * 1.0), InvalidTypeError, "dtype float32.*must be integers"),
        (lambda: draw_segmentation_masks(IMAGES, MASKS[:, :9]), ShapeError, "a class for each pixel"),
        (lambda: draw_segmentation_masks(IMAGES, MASKS, alpha=2), InvalidArgumentError, r"`alpha` is 2.*\[0, 1\]"),
        (lambda: draw_segmentation_masks(IMAGES, MASKS, 2, {1: (0, 0, 0)}), InvalidArgumentError, r"keys \[1\].*Add one for 2"),
        (lambda: plot_image_gallery(IMAGES, path="a.png", show=True), InvalidArgumentError, "either written or shown"),
        (lambda: plot_image_gallery(IMAGES, [0, 1, 2]), InvalidArgumentError, "without `label_map`"),
        (lambda: plot_image_gallery(IMAGES[:0]), DataError, "`images` is empty"),
        (lambda: plot_image_gallery(IMAGES, value_range=(1, 0)), InvalidArgumentError, "ascending order"),
        (
            lambda: plot_bounding_box_gallery(IMAGES, "xyxy", legend=True, legend_handles=[1]),
            InvalidArgumentError,
            "both `legend` and `legend_handles`",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, error, text):
    with pytest.raises(error, match=re.compile(text, re.DOTALL)):
        call()


@pytest.mark.parametrize("name", visualization.__all__)
def test_the_signatures_are_those_of_keras(name):
    keras = pytest.importorskip("keras")
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (visualization, keras.visualization))
    assert [(key, value.default) for key, value in ours.items()] == [(key, value.default) for key, value in theirs.items()]
