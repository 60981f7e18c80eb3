"""The figures show the values that they received, with every label inside the image."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.plots import confusion_matrix, image_grid, kernels, learning_curves

HISTORY = {"loss": [0.9, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.7], "accuracy": [0.6, 0.8, 0.9], "learning_rate": [0.1, 0.1, 0.01]}


def is_cut_off(figure) -> bool:
    """Whether anything that is drawn reaches over the edge of the image."""
    figure.canvas.draw()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return drawn.x0 < 0 or drawn.y0 < 0 or drawn.x1 > width or drawn.y1 > height


def test_a_curve_goes_through_its_values():
    loss, accuracy, rate = learning_curves(HISTORY).axes
    training, validation = loss.lines
    np.testing.assert_array_equal(training.get_xydata(), [[1, 0.9], [2, 0.5], [3, 0.4]])
    np.testing.assert_array_equal(validation.get_xydata(), [[1, 0.8], [2, 0.6], [3, 0.7]])
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert accuracy.get_legend() is None
    assert [axes.get_title(loc="left") for axes in (loss, accuracy, rate)] == ["loss", "accuracy", "learning rate"]
    assert {axes.get_xlabel() for axes in (loss, accuracy, rate)} == {"epoch"}


def test_what_fit_gives_back_is_drawn_too():
    assert len(learning_curves(SimpleNamespace(history=HISTORY)).axes) == 3


def test_a_validation_curve_without_its_twin_has_its_own_panel():
    assert [axes.get_title(loc="left") for axes in learning_curves({"val_loss": [1.0]}).axes] == ["val loss"]


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 25])
def test_epochs_are_integers_from_one(epochs):
    figure = learning_curves({"loss": np.linspace(1, 0.5, epochs)})
    figure.canvas.draw()
    low, high = figure.axes[0].get_xlim()
    ticks = [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == int(tick) and 1 <= tick <= epochs for tick in ticks)


def test_two_curves_differ_without_color():
    training, validation = learning_curves(HISTORY).axes[0].lines
    assert training.get_linestyle() != validation.get_linestyle()


@pytest.mark.parametrize(
    ("history", "error"), [({}, DataError), ({"loss": []}, DataError), ([0.5], InvalidTypeError), (None, InvalidTypeError)]
)
def test_a_history_without_epochs_is_refused(history, error):
    with pytest.raises(error, match=r"`history` is .*model\.fit"):
        learning_curves(history)


def kernel_images(figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def test_kernels_share_one_scale_around_zero(rng):
    weights = rng.normal(size=(3, 4, 1, 10)).astype("float32")
    images = kernel_images(kernels(weights))
    largest = np.abs(weights).max()
    for number, image in enumerate(images):
        np.testing.assert_allclose(image, weights[:, :, 0, number] / largest / 2 + 0.5, rtol=1e-6)
    assert len(images) == 10


def test_kernels_for_three_channels_are_colored(rng):
    weights = rng.normal(size=(3, 3, 3, 5)).astype("float32")
    images = kernel_images(kernels(weights))
    np.testing.assert_allclose(images[4], weights[..., 4] / np.abs(weights).max() / 2 + 0.5, rtol=1e-6)


def test_of_many_channels_one_is_drawn(rng):
    weights = rng.normal(size=(3, 3, 8, 5)).astype("float32")
    figure = kernels(weights, channel=6)
    np.testing.assert_allclose(
        kernel_images(figure)[2], weights[:, :, 6, 2] / np.abs(weights[:, :, 6]).max() / 2 + 0.5, rtol=1e-6
    )
    assert "input channel 6 of 8" in figure.axes[0].get_title(loc="left")


def test_kernels_stand_in_reading_order(rng):
    figure = kernels(rng.normal(size=(3, 3, 1, 10)))
    places = [(image.get_extent()[3], image.get_extent()[0]) for image in figure.axes[0].images]
    assert places == sorted(places)
    starts = [int(label.get_text()) for label in figure.axes[0].get_yticklabels()]
    assert starts == list(range(0, 10, len(figure.axes[0].get_xticklabels())))


def test_the_bar_says_the_largest_weight(rng):
    weights = rng.uniform(-1, 1, size=(3, 3, 1, 4))
    weights[0, 0, 0, 0] = -2.5
    (bar,) = kernels(weights).axes[0].child_axes
    assert [label.get_text() for label in bar.get_yticklabels()] == ["-2.5", "0", "2.5"]


def test_kernels_that_are_all_zero_are_gray():
    assert all((image == 0.5).all() for image in kernel_images(kernels(np.zeros((3, 3, 1, 2)))))


def test_the_first_kernel_of_four_axes_in_a_model_is_drawn(rng):
    weights = rng.normal(size=(3, 3, 1, 4))
    dense = SimpleNamespace(kernel=np.ones((5, 2)))
    model = SimpleNamespace(flatten_layers=lambda: iter([SimpleNamespace(), dense, SimpleNamespace(kernel=weights)]))
    for given in (model, SimpleNamespace(kernel=weights)):
        assert len(kernel_images(kernels(given))) == 4


def test_the_kernels_of_a_layer_are_drawn(backend):
    layers = pytest.importorskip("cornu.layers")
    layer = layers.Conv2D(6, 3)
    layer.build((None, 8, 8, 1))
    layer.to_backend(backend)
    images = kernel_images(kernels(layer))
    weights = layer.get_weights()[0]
    np.testing.assert_allclose(images[5], weights[:, :, 0, 5] / np.abs(weights).max() / 2 + 0.5, rtol=1e-6)


def test_a_model_without_convolutions_is_named():
    with pytest.raises(InvalidArgumentError, match=r"`my_model` has no kernel with four axes.*Pass such a layer"):
        kernels(SimpleNamespace(name="my_model", kernel=None, flatten_layers=lambda: iter(())))


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"The weights have shape \(3, 3\)"):
        kernels(np.ones((3, 3)))


@pytest.mark.parametrize("channel", [-1, 8])
def test_a_channel_that_does_not_exist_is_refused(channel):
    with pytest.raises(InvalidArgumentError, match=rf"`kernels` received channel={channel}. The kernels have 8 .*from 0 to 7"):
        kernels(np.ones((3, 3, 8, 2)), channel=channel)


def test_gray_images_share_one_scale():
    figure = image_grid(np.array([[[0, 4]], [[2, 16]]], "uint8"))
    for axes in figure.axes:
        assert axes.images[0].get_clim() == (0, 16)


def test_a_white_image_has_a_visible_edge(tmp_path):
    image_grid(np.ones((1, 4, 4)), path=tmp_path / "white.png")
    with Image.open(tmp_path / "white.png") as image:
        dark = np.asarray(image.convert("L")) < 200
    rows, columns = np.nonzero(dark)
    assert np.ptp(rows) > 100 and np.ptp(columns) > 100 and not dark[np.ptp(rows) // 2 + rows.min(), np.ptp(columns) // 2]


def test_negative_values_are_darker_than_zero():
    assert image_grid(np.array([[[-3.0, 4.0]]])).axes[0].images[0].get_clim() == (-3, 4)


@pytest.mark.parametrize(("scale", "kind"), [(255, "uint8"), (1, "float32")])
def test_colored_images_may_go_to_one_or_to_255(scale, kind, rng):
    images = (rng.uniform(0, 1, size=(2, 4, 4, 3)) * scale).astype(kind)
    shown = np.asarray(image_grid(images).axes[1].images[0].get_array())
    np.testing.assert_allclose(shown, images[1] / scale, rtol=1e-6)


def test_images_of_different_sizes_stand_side_by_side():
    figure = image_grid([np.ones((4, 4)), np.ones((2, 8, 1)), np.ones((3, 3, 4))], titles=["a", "b", "c"], columns=2)
    assert [axes.images[0].get_array().shape[:2] for axes in figure.axes] == [(4, 4), (2, 8), (3, 3)]
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("images", "titles", "error", "message"),
    [
        ([], None, DataError, "`images` is empty"),
        (np.ones((4, 4)), None, ShapeError, r"shape \(4,\).*for a single image, `image\[None\]`"),
        (np.ones((1, 4, 4, 2)), None, ShapeError, r"shape \(4, 4, 2\)"),
        (np.ones((2, 4, 4)), ["one"], ShapeError, "There are 1 titles and 2 images"),
    ],
)
def test_what_is_no_grid_is_refused(images, titles, error, message):
    with pytest.raises(error, match=message):
        image_grid(images, titles)


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: learning_curves({"a_metric_with_quite_a_long_name_of_its_own_and_more": [1, 2], **HISTORY}, path=path),
        lambda path: kernels(np.random.default_rng(0).normal(size=(5, 5, 3, 40)), path=path),
        lambda path: kernels(np.random.default_rng(0).normal(size=(5, 1, 1, 2)), path=path),
        lambda path: image_grid(np.eye(8)[None].repeat(7, axis=0), ["a title"] * 7, path=path),
        lambda path: confusion_matrix([0, 1], [1, 1], ["a class with a long name", "another long name"], path=path),
    ],
)
def test_every_label_is_inside_the_saved_image(draw, tmp_path):
    figure = draw(tmp_path / "figure.png")
    assert not is_cut_off(figure)
    with Image.open(tmp_path / "figure.png") as image:
        assert image.format == "PNG"
        assert image.size == tuple(np.floor(figure.get_size_inches() * figure.dpi).astype(int))
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]


def test_no_window_and_no_global_state_is_touched():
    code = "import sys, cornu.plots; cornu.plots.learning_curves({'loss': [1]}); print('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
