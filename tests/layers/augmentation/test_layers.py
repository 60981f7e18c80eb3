"""What all image layers have in common: configs, files, shapes, dtypes, training, export; and boxes, masks and bad input."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cornu
from cornu import backends, config, layers, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.utils import bounding_boxes

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # of real Keras

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

part, sign = st.floats(0, 1).map(lambda value: round(value, 2)), st.floats(-1, 1).map(lambda value: round(value, 2))


def factors(number: Any) -> Any:
    return st.one_of(part, st.tuples(number, number).map(sorted).map(tuple))


inside = st.floats(-0.9, 1).map(lambda value: round(value, 2))  # as in Keras, which excludes -1
PAIR = st.tuples(part, part).map(sorted).map(tuple).filter(any)
RANGE = st.sampled_from([(0, 255), (0, 1)])
WARP = {"fill_mode": st.sampled_from(["constant", "nearest", "reflect", "wrap"]), "fill_value": part}
HOW = {"interpolation": st.sampled_from(["nearest", "bilinear"])}
SEED = st.one_of(st.none(), st.integers(0, 9))

ARGUMENTS: dict[str, dict] = {
    "RandomFlip": {"mode": st.sampled_from(["horizontal", "vertical", "horizontal_and_vertical"]), "seed": SEED},
    "RandomRotation": {"factor": factors(sign), **WARP, **HOW, "seed": SEED},
    "RandomZoom": {"height_factor": factors(inside), "width_factor": st.none() | factors(inside), **WARP, **HOW},
    "RandomTranslation": {"height_factor": factors(sign), "width_factor": factors(sign), **WARP, **HOW},
    "RandomShear": {"x_factor": PAIR, "y_factor": PAIR, **WARP, **HOW},
    "RandomPerspective": {"factor": factors(part), "scale": part, **HOW},
    "RandomElasticTransform": {"factor": factors(part), "scale": factors(part), **WARP, **HOW},
    "RandomCrop": {"height": st.integers(1, 9), "width": st.integers(1, 9), "seed": st.integers(0, 9)},
    "RandomContrast": {"factor": st.tuples(part, part).map(sorted).map(tuple), "value_range": RANGE, "seed": SEED},
    "RandomBrightness": {"factor": factors(sign), "value_range": RANGE},
    "RandomSaturation": {"factor": st.tuples(part, part).map(sorted).map(tuple), "value_range": RANGE},
    "RandomHue": {"factor": factors(part), "value_range": RANGE},
    "RandomColorJitter": {"brightness_factor": factors(sign), "hue_factor": st.none() | factors(part), "value_range": RANGE},
    "RandomColorDegeneration": {"factor": st.tuples(part, part).map(sorted).map(tuple), "value_range": RANGE},
    "RandomGrayscale": {"factor": part},
    "RandomPosterization": {"factor": st.integers(1, 8) | st.just((2, 5)), "value_range": RANGE},
    "RandomSharpness": {"factor": factors(part), "value_range": RANGE},
    "RandomInvert": {"factor": factors(part), "value_range": RANGE},
    "RandomGaussianBlur": {"factor": factors(part), "kernel_size": st.sampled_from([1, 3, 7]), "sigma": factors(part)},
    "RandomErasing": {"factor": factors(part), "scale": factors(part), "fill_value": st.none() | part},
    "AutoContrast": {"value_range": RANGE},
    "Equalization": {"value_range": RANGE, "bins": st.integers(2, 256)},
    "ContrastLimitedAdaptiveHistogramEqualization": {
        "value_range": RANGE,
        "clip_limit": st.floats(0, 9),
        "tile_grid_size": st.tuples(st.integers(1, 9), st.integers(1, 9)),
    },
    "Solarization": {"addition_factor": factors(part), "threshold_factor": factors(part), "value_range": RANGE},
    "MixUp": {"alpha": st.floats(0.1, 1)},
    "CutMix": {"factor": factors(part)},
    "RandAugment": {"num_ops": st.integers(1, 3), "factor": factors(part), "value_range": RANGE, **HOW},
    "AugMix": {
        "num_chains": st.integers(1, 3),
        "chain_depth": st.integers(1, 3),
        "factor": factors(part),
        "alpha": st.just(0.5),
    },
    "CenterCrop": {"height": st.integers(1, 9), "width": st.integers(1, 9)},
    "Resizing": {"height": st.integers(1, 9), "width": st.integers(1, 9), "crop_to_aspect_ratio": st.booleans()},
    "MaxNumBoundingBoxes": {"max_number": st.integers(1, 5), "fill_value": st.integers(-2, 0)},
}
"""Every layer with the values of its arguments."""

UNSAID = {"RandomGrayscale": ("seed",), "MaxNumBoundingBoxes": ("fill_value",)}
"""Arguments that Keras's configs leave out."""


def as_json(layer: Any) -> dict:
    return {n: v for n, v in json.loads(json.dumps(layer.get_config())).items() if n not in ("name", "dtype")}


@pytest.mark.parametrize("name", ARGUMENTS)
@few
@given(data=st.data(), data_format=st.sampled_from(["channels_last", "channels_first"]))
def test_configs_are_those_of_keras(name: str, data: st.DataObject, data_format: str) -> None:
    arguments = {"data_format": data_format} | {n: data.draw(values, label=n) for n, values in ARGUMENTS[name].items()}
    mine, theirs = (getattr(library.layers, name)(**arguments) for library in (cornu, keras))
    found = as_json(mine)
    assert {n: v for n, v in found.items() if n not in UNSAID.get(name, ())} == as_json(theirs)
    again = type(mine).from_config(json.loads(json.dumps(theirs.get_config())))
    assert {n: v for n, v in as_json(again).items() if n not in UNSAID.get(name, ())} == as_json(theirs)
    assert as_json(getattr(keras.layers, name).from_config(json.loads(json.dumps(mine.get_config())))) == as_json(theirs)


def test_single_numbers_where_keras_is_wrong() -> None:
    """Its documentation says what is done here; a file of Keras's is read as it was meant."""
    assert layers.RandomContrast(0.2).factor == (0.2, 0.2)
    for kind in (layers.RandomSaturation, layers.RandomColorDegeneration):
        assert kind(0.2).factor == kind(factor=(-0.2, 0.2)).factor == (0, 0.2)
    shear = layers.RandomShear(0.2, y_factor=(-0.3, 0.3))  # Keras refuses the pair that it writes itself
    assert keras.layers.RandomShear.from_config(shear.get_config()).x_factor == (-0.2, 0.2)
    assert (shear.x_factor, shear.y_factor) == (0.2, 0.3)


IMAGES = np.random.default_rng(1).uniform(0, 255, (4, 6, 7, 3)).astype("float32")

MADE = {
    **{name: {} for name in ("RandomFlip", "RandomPerspective", "RandomElasticTransform", "RandomShear", "RandomGrayscale")},
    **{
        name: {"factor": 0.3}
        for name in ("RandomRotation", "RandomContrast", "RandomBrightness", "RandomSaturation", "RandomHue")
    },
    **{name: {"factor": 0.3} for name in ("RandomColorDegeneration", "RandomSharpness")},
    **{name: {} for name in ("RandomInvert", "RandomGaussianBlur", "RandomErasing", "Solarization", "MixUp", "CutMix")},
    **{name: {} for name in ("RandAugment", "AugMix")},
    "RandomZoom": {"height_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.2},
    "RandomColorJitter": {"brightness_factor": 0.2, "contrast_factor": 0.1, "saturation_factor": 0.6, "hue_factor": 0.1},
    "RandomPosterization": {"factor": 3},
}
"""The layers that return images unchanged outside of training."""


@pytest.mark.parametrize("name", MADE)
def test_outside_of_training_nothing_changes(name: str, backend: str) -> None:
    layer = getattr(layers, name)(**MADE[name]).to_backend(backend)
    whole = {"images": IMAGES, "labels": np.eye(4, dtype="float32"), "segmentation_masks": IMAGES[..., :1], "extra": np.ones(3)}
    found = layer(whole, training=False)
    for part in whole:
        np.testing.assert_array_equal(ops.convert_to_numpy(found[part]), whole[part], err_msg=part)
    assert ops.dtype(layer(IMAGES.astype("uint8"), training=False)) == "float32"


ALL = {**MADE, "RandomCrop": {"height": 4, "width": 5}, "CenterCrop": {"height": 4, "width": 5}, "AutoContrast": {}}
ALL |= {"Resizing": {"height": 4, "width": 5}, "Equalization": {}}
ALL |= {"ContrastLimitedAdaptiveHistogramEqualization": {"tile_grid_size": (2, 3)}}
"""All layers, with arguments."""


@pytest.mark.parametrize("name", ALL)
def test_shapes_and_dtypes(name: str, backend: str) -> None:
    layer = getattr(layers, name)(**ALL[name], seed=2) if name in MADE else getattr(layers, name)(**ALL[name])
    layer.to_backend(backend)
    for images in (IMAGES, IMAGES[0], IMAGES.astype("uint8")):
        found = layer(images, training=True)
        assert tuple(found.shape) == tuple(layer.compute_output_shape(images.shape))
        assert ops.dtype(found) == "float32"
        values = ops.convert_to_numpy(found)
        assert np.isfinite(values).all() and values.min() > -0.01 and values.max() < 255.01
    shapes = {"images": (None, 6, 7, 3), "labels": (None, 4)}
    assert layer.compute_output_shape(shapes) == {**shapes, "images": layer.compute_output_shape((None, 6, 7, 3))}


@pytest.mark.parametrize("name", ["RandomFlip", "RandomRotation", "RandomZoom", "RandomInvert", "RandomCrop"])
def test_integers_and_half_precision(name: str, backend: str) -> None:
    for dtype in ("uint8", "float16"):
        layer = getattr(layers, name)(**ALL[name], seed=2, dtype=dtype).to_backend(backend)
        whole = getattr(layers, name)(**ALL[name], seed=2).to_backend(backend)
        images = IMAGES.round().astype(dtype)
        found, expected = layer(images, training=True), whole(images.astype("float32"), training=True)
        assert ops.dtype(found) == dtype
        difference = np.abs(ops.convert_to_numpy(found).astype("float32") - ops.convert_to_numpy(expected))
        assert difference.max() <= 0.51


def network(library: Any) -> Any:
    parts = [getattr(library.layers, name)(**ALL[name]) for name in ("RandomFlip", "RandomRotation", "RandomZoom", "RandomHue")]
    more = [library.layers.RandomContrast((0.2, 0.2)), library.layers.Resizing(4, 4), library.layers.Flatten()]
    return library.Sequential([library.Input((6, 7, 3)), *parts, *more, library.layers.Dense(2)])


def test_models_are_trained_with_them(default_backend: str) -> None:
    model = network(cornu)
    model.compile("sgd", "mse")
    before = model.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(before, ops.convert_to_numpy(model(IMAGES, training=False)), rtol=1e-4, atol=1e-3)
    history = model.fit(IMAGES / 255, np.ones((4, 2)), epochs=3, batch_size=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("name", ["MixUp", "CutMix", "RandAugment", "RandomErasing", "RandomCrop", "RandomElasticTransform"])
def test_a_step_of_training_draws_with_the_engine(name: str, default_backend: str) -> None:
    inputs = cornu.Input((6, 7, 3))
    outputs = layers.Dense(1)(layers.Flatten()(getattr(layers, name)(**ALL[name])(inputs)))
    model = cornu.Model(inputs, outputs)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(IMAGES / 255, np.ones((4, 1)), epochs=1, batch_size=4, verbose=0).history["loss"]).all()


def test_files_are_exchanged_with_keras(tmp_path: Path) -> None:
    mine, theirs = network(cornu), network(keras)
    theirs.layers[-1].set_weights([np.ones((48, 2), "float32"), np.ones(2, "float32")])
    theirs.save(tmp_path / "theirs.keras")
    loaded = cornu.models.load_model(tmp_path / "theirs.keras")
    np.testing.assert_allclose(loaded.predict(IMAGES, verbose=0), theirs.predict(IMAGES, verbose=0), rtol=1e-4)
    mine.save(tmp_path / "mine.keras")
    again = keras.models.load_model(tmp_path / "mine.keras")
    np.testing.assert_allclose(again.predict(IMAGES, verbose=0), mine.predict(IMAGES, verbose=0), rtol=1e-3, atol=1e-3)
    assert [type(layer).__name__ for layer in again.layers] == [type(layer).__name__ for layer in mine.layers]


def test_exported_models_return_the_images(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = network(cornu)
    model.export(tmp_path / "model.onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    [found] = session.run(None, {session.get_inputs()[0].name: IMAGES})
    np.testing.assert_allclose(found, model.predict(IMAGES, verbose=0), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("name", [name for name in ALL if name != "Equalization"])  # whose rounded values differ by 1
def test_each_layer_is_exported(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    inputs = cornu.Input((6, 7, 3))
    model = cornu.Model(inputs, getattr(layers, name)(**ALL[name])(inputs))
    model.export(tmp_path / "model.onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    [found] = session.run(None, {session.get_inputs()[0].name: IMAGES})
    np.testing.assert_allclose(found, model.predict(IMAGES, verbose=0), rtol=1e-5, atol=1e-4)


def test_pipelines(tmp_path: Path, backend: str) -> None:
    steps = [layers.RandomFlip(seed=1), layers.RandomRotation(0.2, seed=1), layers.Resizing(4, 4)]
    pipeline = layers.Pipeline(steps).to_backend(backend)
    found = pipeline({"images": IMAGES, "labels": np.eye(4)}, training=True)
    assert tuple(found["images"].shape) == (4, 4, 4, 3) == pipeline.compute_output_shape(IMAGES.shape)
    again = layers.Pipeline.from_config(json.loads(json.dumps(pipeline.get_config()))).to_backend(backend)
    alone = again({"images": IMAGES, "labels": np.eye(4)}, training=True)
    np.testing.assert_array_equal(*(ops.convert_to_numpy(each["images"]) for each in (found, alone)))
    theirs = keras.layers.Pipeline.from_config(json.loads(json.dumps(pipeline.get_config())))
    assert [type(layer).__name__ for layer in theirs.layers] == ["RandomFlip", "RandomRotation", "Resizing"]
    with pytest.raises(InvalidTypeError, match=r"`Pipeline` received `layers=\[3\]`"):
        layers.Pipeline([3])


# --- Bounding boxes -----------------------------------------------------------------------------------------------------------


def square(x0: int, y0: int, x1: int, y1: int, height: int = 24, width: int = 30) -> np.ndarray:
    image = np.zeros((height, width, 1), "float32")
    image[y0:y1, x0:x1] = 1
    return image


@pytest.mark.parametrize("box_format", ["xyxy", "rel_yxyx", "center_xywh"])
@pytest.mark.parametrize(
    "name",
    [
        "RandomFlip",
        "RandomRotation",
        "RandomZoom",
        "RandomTranslation",
        "RandomShear",
        "RandomPerspective",
        "RandomCrop",
        "CenterCrop",
        "Resizing",
    ],
)
def test_boxes_follow_what_they_contain(name: str, box_format: str) -> None:
    """The box of a white square is still around it after the transformation."""
    corners = np.array([[9, 7, 17, 15], [12, 10, 20, 14], [8, 9, 14, 17]], "float32")
    images = np.stack([square(*map(int, box)) for box in corners])
    size = {"height": 24, "width": 30}
    boxes = bounding_boxes.convert_format(corners[:, None], "xyxy", box_format, **size)
    arguments = {
        **{"RandomRotation": {"factor": 0.1}, "RandomZoom": {"height_factor": 0.2, "width_factor": 0.2}},
        **{"RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2}, "RandomShear": {"x_factor": 0.2, "y_factor": 0.2}},
        **{"RandomPerspective": {"factor": (1.0, 1.0), "scale": 0.2}, "RandomCrop": {"height": 20, "width": 25}},
        **{"CenterCrop": {"height": 20, "width": 26}, "Resizing": {"height": 36, "width": 50}},
    }.get(name, {})
    layer = getattr(layers, name)(**arguments, bounding_box_format=box_format).to_backend("numpy")
    data = {"images": images, "bounding_boxes": {"boxes": np.asarray(boxes), "labels": np.array([[1], [2], [3]])}}
    found = layer(data, training=True)
    height, width = found["images"].shape[1:3]
    edges = bounding_boxes.convert_format(
        ops.convert_to_numpy(found["bounding_boxes"]["boxes"]), box_format, "xyxy", height=height, width=width
    )
    for image, edge in zip(ops.convert_to_numpy(found["images"]), np.asarray(edges)[:, 0], strict=True):
        rows, columns = np.nonzero(image[..., 0] > 0.5)
        around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(edge, around, atol=1.3)
    assert np.asarray(found["bounding_boxes"]["labels"]).tolist() == [[1], [2], [3]]


def test_one_image_with_boxes(backend: str) -> None:
    data = {"images": IMAGES[0], "bounding_boxes": {"boxes": np.array([[1.0, 2.0, 3.0, 4.0]]), "labels": np.array([5])}}
    layer = layers.RandomFlip("horizontal", seed=1, bounding_box_format="xyxy").to_backend(backend)
    found = {tuple(np.ravel(layer(data)["bounding_boxes"]["boxes"]).tolist()) for _ in range(9)}
    assert found == {(1.0, 2.0, 3.0, 4.0), (4.0, 2.0, 6.0, 4.0)}


@pytest.mark.parametrize(
    ("resize", "box"),
    [
        ({"crop_to_aspect_ratio": True}, [2.0, 3.0, 4.0, 5.0]),
        ({"pad_to_aspect_ratio": True}, [3.0, 2.0, 4.0, 3.0]),
    ],
)
def test_boxes_of_images_with_another_aspect_ratio(resize: dict, box: list) -> None:
    image = square(4, 4, 6, 6, 12, 16)[None]
    layer = layers.Resizing(10, 8, **resize, interpolation="nearest", bounding_box_format="xyxy").to_backend("numpy")
    found = layer({"images": image, "bounding_boxes": {"boxes": np.array([[[4.0, 4.0, 6.0, 6.0]]]), "labels": np.array([[1]])}})
    rows, columns = np.nonzero(found["images"][0, ..., 0])
    around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(found["bounding_boxes"]["boxes"][0, 0], around, atol=1)


def test_boxes_of_mixed_images_and_of_a_fixed_number(backend: str) -> None:
    boxes = {"boxes": np.arange(16.0).reshape(2, 2, 4), "labels": np.array([[1, 2], [3, 4]])}
    mix = layers.MixUp(bounding_box_format="xyxy").to_backend(backend)
    order = {"mix_weight": np.float32([0.5, 0.5]), "permutation_order": backends.get(backend).asarray([1, 0])}
    given = {name: backends.get(backend).asarray(values) for name, values in boxes.items()}
    found = mix.transform_bounding_boxes(given, order)
    assert ops.convert_to_numpy(found["labels"]).tolist() == [[1, 2, 3, 4], [3, 4, 1, 2]]
    assert tuple(found["boxes"].shape) == (2, 4, 4)
    for count in (1, 3):
        arguments = {"max_number": count, "bounding_box_format": "xyxy"}
        cut = layers.MaxNumBoundingBoxes(**arguments).to_backend(backend)({"images": IMAGES[:2], "bounding_boxes": boxes})
        theirs = keras.layers.MaxNumBoundingBoxes(**arguments)(
            {"images": IMAGES[:2], "bounding_boxes": {name: values.copy() for name, values in boxes.items()}}
        )
        for name in boxes:
            np.testing.assert_array_equal(ops.convert_to_numpy(cut["bounding_boxes"][name]), theirs["bounding_boxes"][name])


# --- Bad input ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        (
            "RandomRotation",
            {"factor": 2},
            r"`factor=2`. It must be a number, or a pair of a lower and an upper bound, from -1.0 to 1.0",
        ),
        ("RandomRotation", {"factor": (1, 2, 3)}, r"`factor=\(1, 2, 3\)`"),
        ("RandomZoom", {"height_factor": "a"}, r"`height_factor='a'`"),
        ("RandomShear", {"x_factor": -0.5}, r"`RandomShear` received `x_factor=-0.5`.*from 0.0 to 1.0"),
        ("RandomRotation", {"factor": 0.1, "fill_mode": "reflekt"}, r"Did you mean 'reflect'"),
        ("RandomZoom", {"height_factor": 0.1, "interpolation": "cubic"}, r"`interpolation='cubic'` was given"),
        ("RandomFlip", {"mode": "horizontl"}, r"Did you mean 'horizontal'"),
        (
            "RandomBrightness",
            {"factor": 0.1, "value_range": (255, 0)},
            r"`value_range=\(255, 0\)`. It must be the smallest and the",
        ),
        ("RandomPosterization", {"factor": 0}, r"`factor=0`.*from 1 to 8"),
        ("RandomGaussianBlur", {"kernel_size": 4}, r"`kernel_size=4`. It must be an odd positive integer"),
        ("MixUp", {"alpha": 0}, r"`MixUp` received `alpha=0`. It must be a number between 0 and 1, not 0"),
        ("RandomCrop", {"height": 0, "width": 2}, r"`height"),
        ("Resizing", {"height": 2, "width": 2, "interpolation": "linear"}, r"Did you mean"),
        ("RandAugment", {"interpolation": "linear"}, r"Did you mean 'bilinear'"),
    ],
)
def test_arguments_are_checked(name: str, arguments: dict, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        getattr(layers, name)(**arguments)


def test_images_are_checked(backend: str) -> None:
    layer = layers.RandomFlip().to_backend(backend)
    with pytest.raises(ShapeError, match=r"`RandomFlip` received `images` of shape \(6, 7\). They must be one image"):
        layer(IMAGES[0, ..., 0])
    boxes = {"boxes": np.ones((4, 1, 4)), "labels": np.ones((4, 1))}
    with pytest.raises(
        InvalidArgumentError, match=r"`RandomFlip` received data with 'bounding_boxes'.*bounding_box_format='xyxy'"
    ):
        layer({"images": IMAGES, "bounding_boxes": boxes})
    with pytest.raises(InvalidArgumentError, match=r"`bounding_box_format='xyxyx'` was given. It must be one of 'xyxy'"):
        layers.RandomFlip(bounding_box_format="xyxyx")
    with pytest.raises(ShapeError, match=r"three channels"):
        layers.RandomHue(0.2).to_backend(backend)(IMAGES[..., :1])
    assert config.image_data_format() == "channels_last"


@pytest.mark.parametrize("name", ["RandomRotation", "RandAugment", "RandomColorJitter"])
def test_copies_draw_the_same(name: str, backend: str) -> None:
    layer = getattr(layers, name)(**ALL[name], seed=1).to_backend(backend)
    layer(IMAGES, training=True)
    copies = copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))
    found = [ops.convert_to_numpy(each(IMAGES, training=True)) for each in (layer, *copies)]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-3)
