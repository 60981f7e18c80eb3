"""State and vocabularies in ``.keras`` files, which Keras and Cornu read from each other; copies; ONNX files."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError

X = np.random.default_rng(0).normal(2, 3, (20, 3)).astype("float32")
TEXTS = ["x y z x", "é q x", "日本 y"]


def adapted(layer: Any, data: Any) -> Any:
    layer.adapt(data)
    return layer


MODELS: dict[str, tuple[Callable, tuple, str, Any]] = {
    "Normalization": (lambda k: adapted(k.layers.Normalization(), X), (3,), "float32", X),
    "Normalization with constants": (lambda k: k.layers.Normalization(mean=[1, 2, 3], variance=[2, 3, 4]), (3,), "float32", X),
    "Discretization": (lambda k: adapted(k.layers.Discretization(num_bins=4), X), (3,), "float32", X),
    "CategoryEncoding": (lambda k: k.layers.CategoryEncoding(9), (3,), "int32", np.arange(9).reshape(3, 3)),
    "Hashing": (lambda k: k.layers.Hashing(9, salt=3, mask_value="é"), (), "string", np.array(TEXTS)),
    "StringLookup": (lambda k: adapted(k.layers.StringLookup(mask_token=""), TEXTS), (), "string", np.array(TEXTS)),
    "StringLookup, tf-idf": (
        lambda k: adapted(k.layers.StringLookup(output_mode="tf_idf"), np.array([["x", "y"], ["x", "é"]])),
        (2,),
        "string",
        np.array([["x", "q"]]),
    ),
    "StringLookup with a vocabulary": (
        lambda k: k.layers.StringLookup(vocabulary=["x", "é"], num_oov_indices=3), (), "string", np.array(["x", "é", "q"])),
    "IntegerLookup": (
        lambda k: adapted(k.layers.IntegerLookup(output_mode="count"), np.array([5, -6, 5])),
        (2,),
        "int64",
        np.array([[5, 7]]),
    ),
    "TextVectorization": (
        lambda k: adapted(k.layers.TextVectorization(max_tokens=5, ngrams=2), TEXTS), (), "string", np.array(TEXTS)),
    "TextVectorization, tf-idf": (
        lambda k: adapted(k.layers.TextVectorization(output_mode="tf_idf"), TEXTS), (), "string", np.array(TEXTS)),
    "TextVectorization with a vocabulary": (
        lambda k: k.layers.TextVectorization(vocabulary=["x", "é"], output_sequence_length=4), (), "string", np.array(TEXTS)),
}  # fmt: skip


def model_of(library: Any, name: str) -> Any:
    make, shape, dtype, _ = MODELS[name]
    inputs = library.Input(shape, dtype=dtype)
    return library.Model(inputs, make(library)(inputs))


def last_layer(model: Any) -> Any:
    return model.layers[-1]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's variables
@pytest.mark.parametrize("name", MODELS)
def test_cornu_reads_what_keras_wrote(name: str, tmp_path: Path) -> None:
    theirs = model_of(keras, name)
    theirs.save(tmp_path / "model.keras")
    ours = cornu.models.load_model(tmp_path / "model.keras")
    x = MODELS[name][-1]
    np.testing.assert_allclose(np.asarray(last_layer(ours)(x)), np.asarray(last_layer(theirs)(x)), rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_keras_reads_what_cornu_wrote(name: str, tmp_path: Path) -> None:
    ours = model_of(cornu, name)
    ours.save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras")
    x = MODELS[name][-1]
    np.testing.assert_allclose(np.asarray(last_layer(ours)(x)), np.asarray(last_layer(theirs)(x)), rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_cornu_reads_what_it_wrote(name: str, tmp_path: Path, default_backend: str) -> None:
    ours = model_of(cornu, name)
    ours.save(tmp_path / "model.keras")
    again = cornu.models.load_model(tmp_path / "model.keras")
    x = MODELS[name][-1]
    wanted = np.asarray(last_layer(ours)(x))
    for layer in (last_layer(again), copy.deepcopy(last_layer(ours)), pickle.loads(pickle.dumps(last_layer(ours)))):
        np.testing.assert_array_equal(np.asarray(layer(x)), wanted)


def test_a_vocabulary_set_later_replaces_that_of_the_config(tmp_path: Path) -> None:
    ours = model_of(cornu, "StringLookup with a vocabulary")
    last_layer(ours).set_vocabulary(["p", "q", "r"])
    ours.save(tmp_path / "model.keras")
    assert last_layer(cornu.models.load_model(tmp_path / "model.keras")).get_vocabulary(False) == ["p", "q", "r"]


def test_a_token_with_a_line_break_is_not_saved(tmp_path: Path) -> None:
    inputs = cornu.Input((), dtype="string")
    model = cornu.Model(inputs, layers.StringLookup(vocabulary=["a\nb"])(inputs))
    with pytest.raises(InvalidArgumentError, match="Remove line breaks"):
        model.save(tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())


NUMERIC = [name for name in MODELS if name.startswith(("Normalization", "Discretization", "CategoryEncoding"))]


@pytest.mark.parametrize("name", NUMERIC)
def test_layers_of_numbers_are_exported(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model, x = model_of(cornu, name), MODELS[name][-1].astype(MODELS[name][2])
    model.export(tmp_path / "model.onnx")
    found = cornu.export.load_onnx(tmp_path / "model.onnx")(x)
    np.testing.assert_allclose(np.asarray(found), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


ENCODED: dict[str, tuple[Callable, str, Any]] = {
    "StringLookup": (lambda k: adapted(k.layers.StringLookup(output_mode="one_hot"), ["p", "q", "r"]), "string", ["q"]),
    "IntegerLookup": (lambda k: adapted(k.layers.IntegerLookup(output_mode="multi_hot"), [3, 5, 7]), "int32", [5]),
    "TextVectorization": (
        lambda k: adapted(k.layers.TextVectorization(output_mode="multi_hot"), ["p q", "r s"]), "string", ["q s"]),
    "TextVectorization, tf-idf": (
        lambda k: adapted(k.layers.TextVectorization(output_mode="tf_idf"), ["p q", "r s"]), "string", ["q s"]),
    "Discretization": (
        lambda k: adapted(k.layers.Discretization(num_bins=3, output_mode="one_hot"), np.arange(9.0)), "float32", [4.0]),
}  # fmt: skip
"""Layers whose adapted state decides the size of the input of the next layer."""


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's variables
@pytest.mark.parametrize("library", [cornu, keras])
@pytest.mark.parametrize("name", ENCODED)
def test_a_layer_with_weights_follows_in_a_model_of_a_file(name: str, library: Any, tmp_path: Path) -> None:
    make, dtype, x = ENCODED[name]
    inputs = library.Input((1,), dtype=dtype)
    saved = library.Model(inputs, library.layers.Dense(2)(make(library)(inputs)))
    saved.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    *_, layer, dense = loaded.layers
    for ours, theirs in zip(dense.get_weights(), saved.layers[-1].get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    found, wanted = (np.asarray(one(np.array([x]))) for one in (layer, saved.layers[-2]))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert cornu.models.clone_model(loaded).layers[-1].get_weights()[0].shape == dense.get_weights()[0].shape
