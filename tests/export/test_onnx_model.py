"""ONNX files as objects that predict: Cornu's own and others', and what they say to mistakes."""

import importlib.util

import numpy as np
import pytest

import cornu
from cornu import Input, Model, Sequential, config, layers
from cornu.errors import (
    DataError,
    InvalidArgumentError,
    InvalidTypeError,
    MissingPackageError,
    ModelFormatError,
    ShapeError,
)

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(autouse=True)
def on_numpy():
    before = config.backend()
    config.set_backend("numpy")
    yield
    config.set_backend(before)


def loaded(model, folder):
    model.export(folder / "model.onnx", verbose=False)
    return cornu.load_onnx(folder / "model.onnx")


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.fixture
def images():
    """A model of images with one channel."""
    return Sequential([Input((6, 6, 1), name="images"), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3, name="kind")])


@pytest.fixture
def pairs():
    """A model with two inputs and two outputs."""
    left, right = Input((4,), name="left"), Input((2,), name="right", dtype="int32")
    return Model([left, right], [layers.Dense(3, name="a")(left), layers.Dense(2, name="b")(right)])


# --- Outputs ----------------------------------------------------------------------------------------------------------


def test_it_gives_what_the_model_gives_in_batches_of_any_size(images, tmp_path):
    model, x = loaded(images, tmp_path), normal(10, 6, 6, 1)
    expected = images.predict(x)

    for found in (model.predict(x), model.predict(x, batch_size=3), model(x), model.predict(x, batch_size=100, verbose=0)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_it_says_what_goes_in_and_out(images, pairs, tmp_path):
    one, two = loaded(images, tmp_path), loaded(pairs, tmp_path)

    assert (one.input_names, one.output_names) == (["images"], ["kind"])
    assert (one.input_shape, one.output_shape) == ((None, 6, 6, 1), (None, 3))
    assert (two.input_names, two.output_names) == (["left", "right"], ["a", "b"])
    assert (two.input_shape, two.output_shape) == ([(None, 4), (None, 2)], [(None, 3), (None, 2)])


def test_numbers_are_converted_as_predict_converts_them(images, tmp_path):
    model, x = loaded(images, tmp_path), np.arange(72).reshape(2, 6, 6, 1)
    expected = images.predict(x)

    for given in (x, x.astype("float64"), x.astype("uint8"), x.tolist(), x[..., 0]):
        np.testing.assert_allclose(model.predict(given), expected, rtol=1e-4, atol=1e-4)


def test_several_inputs_come_as_a_list_or_by_name(pairs, tmp_path):
    model, x = loaded(pairs, tmp_path), [normal(5, 4), np.ones((5, 2), "int32")]
    expected = pairs.predict(x)

    for given in (x, tuple(x), dict(zip(model.input_names, x, strict=True))):
        found = model.predict(given, batch_size=2)
        assert isinstance(found, list)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_dict_comes_and_goes_with_its_own_keys(tmp_path):
    x = Input((4,), name="layer_name")
    model = Model({"key": x}, {"first": layers.Dense(3, name="d")(x), "second": layers.ReLU(name="r")(x)})
    loaded_model, data = loaded(model, tmp_path), normal(3, 4)

    for name in ("key", "layer_name"):
        found = loaded_model.predict({name: data})
        assert list(found) == ["first", "second"]
        np.testing.assert_allclose(found["second"], np.maximum(data, 0))


def test_what_stood_beside_the_model_comes_along(images, tmp_path):
    images.meta = {"class_names": ["cat", "dog", "horse"]}

    assert loaded(images, tmp_path).meta == images.meta


def test_a_fixed_batch_is_kept(tmp_path):
    model = loaded(Sequential([Input(batch_shape=(4, 3)), layers.Dense(2)]), tmp_path)

    assert model.predict(normal(8, 3)).shape == (8, 2)
    with pytest.raises(InvalidArgumentError, match="The file requires a batch size of 4"):
        model.predict(normal(8, 3), batch_size=8)
    with pytest.raises(ShapeError, match="a multiple of 4"):
        model.predict(normal(6, 3))


# --- Other programs' files --------------------------------------------------------------------------------------------


def somebody_elses(path, kind=None, shape=("n", 3)):
    kind = kind or onnx.TensorProto.FLOAT
    ends = [onnx.helper.make_tensor_value_info(name, kind, shape) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "other", ends[:1], ends[1:])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7), path)
    return cornu.load_onnx(str(path))


def test_a_file_of_another_program(tmp_path):
    model = somebody_elses(tmp_path / "other.onnx")

    assert (model.input_shape, model.output_shape, model.meta) == ((None, 3), (None, 3), {})
    assert model.predict([[1, 2, 3]]).tolist() == [[-1, -2, -3]]


def test_an_input_of_integers(tmp_path):
    model = somebody_elses(tmp_path / "other.onnx", onnx.TensorProto.INT64)

    assert model.predict(np.int8([[1, 2, 3]])).dtype == "int64"
    with pytest.raises(InvalidTypeError, match=r"received float64 for the input 'x'\. It must be int64.*round"):
        model.predict([[1.0, 2.0, 3.0]])


def test_metadata_of_another_program_under_our_names_is_left_alone(tmp_path):
    path = tmp_path / "other.onnx"
    somebody_elses(path)
    message = onnx.load(path)
    onnx.helper.set_model_props(message, {"cornu.inputs": "{", "cornu.outputs": '["z"]', "cornu.meta": "[1]"})
    onnx.save(message, path)

    model = cornu.load_onnx(path)

    assert model.predict([[1, 2, 3]]).tolist() == [[-1, -2, -3]] and model.meta == {}


# --- Mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        (
            normal(2, 5, 6, 1),
            ShapeError,
            r"shape \(2, 5, 6, 1\) for the input 'images'\. The shape must be \(None, 6, 6, 1\)",
        ),
        (normal(6, 6, 1), ShapeError, r"add a batch axis to a single sample: `x\[None\]`"),
        (np.array([["a"]]), InvalidTypeError, "It must be float32. Pass numerical values"),
        (normal(0, 6, 6, 1), DataError, "`predict` received no samples"),
        ([normal(1, 6, 6, 1)] * 2, DataError, r"received 2 arrays\. The model has 1 input: \['images'\]"),
        ({"image": normal(1, 6, 6, 1)}, DataError, r"Did you mean 'images'\?"),
        ({}, DataError, "Pass one array for each of these names"),
        ([[[1.0], [2.0, 3.0]]], DataError, "samples of different lengths"),
    ],
)
def test_data_that_does_not_fit(x, error, text, images, tmp_path):
    with pytest.raises(error, match=text):
        loaded(images, tmp_path).predict(x)


def test_inputs_of_different_lengths(pairs, tmp_path):
    with pytest.raises(DataError, match=r"\{'left': 3, 'right': 2\} samples"):
        loaded(pairs, tmp_path).predict([normal(3, 4), np.ones((2, 2), "int32")])


def test_a_batch_size_that_is_none(images, tmp_path):
    with pytest.raises(InvalidArgumentError, match="batch_size=0"):
        loaded(images, tmp_path).predict(normal(1, 6, 6, 1), batch_size=0)


def test_files_that_are_none(tmp_path):
    with pytest.raises(InvalidArgumentError, match="file not found"):
        cornu.load_onnx(tmp_path / "nothing.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ModelFormatError, match="It must be an ONNX file"):
        cornu.load_onnx(tmp_path / "text.onnx")


def test_a_missing_package(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None)

    with pytest.raises(MissingPackageError, match=r"onnxruntime, which is not installed.*cornu\[export\]"):
        cornu.load_onnx(tmp_path / "model.onnx")
