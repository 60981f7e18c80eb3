"""Scaling of images and names of classes, like those of Keras."""

import importlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.applications import imagenet_utils
from cornu.errors import InvalidArgumentError, ShapeError

RNG = np.random.default_rng(0)
MODES = ("caffe", "tf", "torch")
FORMATS = ("channels_last", "channels_first")
FAMILIES = [
    *("convnext", "densenet", "efficientnet", "efficientnet_v2", "inception_resnet_v2", "inception_v3", "mobilenet"),
    *("mobilenet_v2", "mobilenet_v3", "nasnet", "resnet", "resnet50", "resnet_v2", "vgg16", "vgg19", "xception"),
]


def images(data_format: str, rank: int, dtype: str = "float32") -> np.ndarray:
    shape = (4, 5, 3) if data_format == "channels_last" else (3, 4, 5)
    return RNG.uniform(0, 255, (2, *shape)[4 - rank :]).astype(dtype)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("rank", [3, 4])
def test_images_are_scaled_as_by_keras(mode: str, data_format: str, rank: int, backend: str) -> None:
    x = images(data_format, rank)
    before, wanted = x.copy(), keras.applications.imagenet_utils.preprocess_input(x.copy(), data_format, mode)
    np.testing.assert_allclose(imagenet_utils.preprocess_input(x, data_format, mode), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(x, before)
    tensor = ops.convert_to_tensor(x, backend=backend)
    found = imagenet_utils.preprocess_input(tensor, data_format, mode)
    assert cornu.backends.owner(found) == backend
    np.testing.assert_allclose(ops.convert_to_numpy(found), wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data_format", FORMATS)
def test_symbolic_images_are_scaled_inside_a_model(mode: str, data_format: str, default_backend: str) -> None:
    x = images(data_format, 4)
    inputs = cornu.Input(x.shape[1:])
    model = cornu.Model(inputs, imagenet_utils.preprocess_input(inputs, data_format, mode))
    wanted = keras.applications.imagenet_utils.preprocess_input(x.copy(), data_format, mode)
    np.testing.assert_allclose(model.predict(x, verbose=0), wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64", "float16"])
def test_the_dtype_is_that_of_keras(dtype: str) -> None:
    x = images("channels_last", 4, dtype)
    wanted = keras.applications.imagenet_utils.preprocess_input(x.copy())
    found = imagenet_utils.preprocess_input(x)
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-2, atol=0.2)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_scales_as_that_of_keras(family: str) -> None:
    ours, theirs = (importlib.import_module(f"{name}.applications.{family}") for name in ("cornu", "keras"))
    x = images("channels_last", 4)
    np.testing.assert_allclose(ours.preprocess_input(x), theirs.preprocess_input(x.copy()), rtol=1e-5, atol=1e-5)
    assert ours.preprocess_input.__doc__
    assert ours.decode_predictions is imagenet_utils.decode_predictions


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 4, 1), (3, 4, 4), (1, 2, 4, 4, 3)])
def test_other_shapes_are_refused(shape: tuple) -> None:
    with pytest.raises(ShapeError, match="It must be an image or a batch of images with 3 channels, channels last"):
        imagenet_utils.preprocess_input(np.zeros(shape))


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"tourch.*Did you mean 'torch'"):
        imagenet_utils.preprocess_input(np.zeros((2, 2, 3)), mode="tourch")


@pytest.fixture
def class_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """A file with names of classes in Keras's folder, and no network."""
    names = {str(index): [f"n{index:08d}", f"thing {index}"] for index in range(1000)}
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(names))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    address = imagenet_utils._CLASS_INDEX[1]
    monkeypatch.setattr(imagenet_utils, "_CLASS_INDEX", ("imagenet_class_index.json", address, None))
    imagenet_utils._class_names.cache_clear()
    yield names
    imagenet_utils._class_names.cache_clear()


def test_predictions_have_the_names_of_the_largest_values(class_names: dict, backend: str) -> None:
    scores = RNG.uniform(size=(3, 1000)).astype("float32")
    found = imagenet_utils.decode_predictions(ops.convert_to_tensor(scores, backend=backend), top=4)
    for row, entries in zip(scores, found, strict=True):
        order = np.argsort(row)[::-1][:4]
        assert [entry[:2] for entry in entries] == [tuple(class_names[str(index)]) for index in order]
        assert [entry[2] for entry in entries] == [row[index] for index in order]


@pytest.mark.parametrize("shape", [(1000,), (2, 10)])
def test_predictions_of_other_classes_have_no_names(shape: tuple) -> None:
    with pytest.raises(ShapeError, match=r"It must have the shape \(batch, 1000\).*Your own classes have no names here"):
        imagenet_utils.decode_predictions(np.zeros(shape))


def test_without_a_network_the_error_says_where_to_put_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(imagenet_utils, "_CLASS_INDEX", ("names.json", "http://127.0.0.1:1/names.json", None))
    imagenet_utils._class_names.cache_clear()
    with pytest.raises(cornu.errors.DataError, match=rf"{tmp_path}/models/names.json"):
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))
