"""Models whose inputs are strings, and layers for strings in threads."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import DataError, InvalidArgumentError

TEXTS = np.array(["good film", "bad film", "good", "", "bad unseen"])


def vectorize() -> Any:
    return layers.TextVectorization(output_sequence_length=3, vocabulary=["good", "bad", "film"])


def model_of(shape: tuple) -> Any:
    return cornu.Sequential([cornu.Input(shape, dtype="string"), vectorize(), layers.Embedding(5, 2), layers.Flatten()])


@pytest.mark.parametrize("shape", [(), (1,)], ids=str)
def test_a_model_is_called_on_strings(shape: tuple, default_backend: str) -> None:
    model = model_of(shape)
    assert model.output_shape == (None, 6)
    embedding, indices = model.layers[-2], vectorize().to_backend("numpy")(TEXTS)
    wanted = np.asarray(embedding.get_weights()[0])[indices].reshape(5, 6)
    for x in (TEXTS, TEXTS[:, None], TEXTS.astype(object), np.char.encode(TEXTS)):
        found = model(x)
        assert cornu.backends.owner(found) == default_backend
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-6)


def test_a_model_is_called_on_tensors_of_strings(default_backend: str) -> None:
    tf = pytest.importorskip("tensorflow")
    model = model_of(())
    np.testing.assert_allclose(np.asarray(model(tf.constant(TEXTS))), np.asarray(model(TEXTS)), rtol=1e-6)


def test_a_model_of_strings_runs_in_a_pipeline(default_backend: str) -> None:
    tf = pytest.importorskip("tensorflow")
    model = model_of(())
    found = [batch.numpy() for batch in tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(model)]
    np.testing.assert_allclose(np.concatenate(found), np.asarray(model(TEXTS)), rtol=1e-6)


def test_training_and_prediction_say_what_to_do(default_backend: str) -> None:
    model = model_of(())
    with pytest.raises(DataError, match="such as words to indices with `TextVectorization`"):
        model.predict(TEXTS, verbose=0)


def test_other_layers_refuse_strings(backend: str) -> None:
    with pytest.raises((InvalidArgumentError, TypeError, ValueError)):
        layers.Dense(2).to_backend(backend)(TEXTS[:, None])


def test_the_dtype_of_an_input_is_kept_in_its_config() -> None:
    layer = layers.InputLayer((2,), dtype="string")
    assert layers.InputLayer.from_config(layer.get_config()).dtype == "string"


@pytest.mark.parametrize("name", ["model.onnx", "saved_model"])
def test_layers_that_compute_in_python_are_not_exported(name: str, tmp_path: Any) -> None:
    inputs = cornu.Input((2,), dtype="int32")
    for model in (model_of(()), cornu.Model(inputs, layers.IntegerLookup(vocabulary=[3])(inputs))):
        with pytest.raises(InvalidArgumentError, match="apply the layer to the data before"):
            model.export(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_threads_share_a_layer(default_backend: str) -> None:
    layer, data = vectorize(), [np.roll(TEXTS, shift) for shift in range(20)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda x: np.asarray(layer(x)), data))
    assert all((one == np.roll(found[0], shift, axis=0)).all() for shift, one in enumerate(found))
