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


@pytest.mark.parametrize(
    "form", [list, np.array, lambda texts: np.array(texts, object), lambda texts: [[text] for text in texts]]
)
def test_strings_are_converted_on_tensorflow(form: Any) -> None:
    tf = pytest.importorskip("tensorflow")
    texts = TEXTS.tolist()
    found = cornu.ops.convert_to_tensor(form(texts), backend="tensorflow")
    assert found.dtype == tf.string and np.ravel(found.numpy()).tolist() == [text.encode() for text in texts]
    model = model_of(()).to_backend("tensorflow")
    np.testing.assert_allclose(model(found).numpy(), model(TEXTS).numpy(), rtol=1e-6)


@pytest.mark.parametrize("engine", [name for name in cornu.config.installed_backends() if name != "tensorflow"])
def test_other_engines_have_no_arrays_of_strings(engine: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Convert the data to numbers first, for example strings to indices"):
        cornu.ops.convert_to_tensor(["a"], backend=engine)


def test_a_model_of_strings_runs_in_a_pipeline(default_backend: str) -> None:
    tf = pytest.importorskip("tensorflow")
    model = model_of(())
    found = [batch.numpy() for batch in tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(model)]
    np.testing.assert_allclose(np.concatenate(found), np.asarray(model(TEXTS)), rtol=1e-6)


def trainable(strings: bool, layer: Any) -> Any:
    cornu.utils.set_random_seed(1)
    first = [cornu.Input((), dtype="string"), layer] if strings else [cornu.Input((None,), dtype="int32")]
    rest = [layers.Embedding(5, 4), layers.GlobalAveragePooling1D(), layers.Dense(1)]
    model = cornu.Sequential([*first, *rest]).to_backend("tensorflow")
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("length", [3, None])
@pytest.mark.parametrize("form", ["array", "objects", "bytes", "list", "dataset"])
def test_on_tensorflow_a_model_is_trained_on_strings(form: str, length: int | None) -> None:
    tf = pytest.importorskip("tensorflow")
    layer = layers.TextVectorization(output_sequence_length=length, vocabulary=["good", "bad", "film"]).to_backend("tensorflow")
    y = np.arange(5.0).reshape(5, 1)
    forms = {
        "array": (TEXTS, y),
        "objects": (TEXTS.astype(object), y),
        "bytes": (np.char.encode(TEXTS), y),
        "list": (TEXTS.tolist(), y),
        "dataset": (tf.data.Dataset.from_tensor_slices((TEXTS, y)).batch(5), None),
    }
    x, targets = forms[form]
    of_strings, of_indices = trainable(True, layer), trainable(False, None)
    indices = layer(TEXTS).numpy()
    of_indices.fit(indices, y, batch_size=5, epochs=3, shuffle=False, verbose=0)
    options = {} if targets is None else {"batch_size": 5}
    of_strings.fit(x, targets, **options, epochs=3, shuffle=False, verbose=0)
    for found, wanted in zip(of_strings.get_weights(), of_indices.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    wanted = of_indices.predict(indices, verbose=0)
    np.testing.assert_allclose(of_strings.predict(x, verbose=0), wanted, rtol=1e-5, atol=1e-6)
    assert of_strings.evaluate(x, targets, verbose=0) == pytest.approx(of_indices.evaluate(indices, y, verbose=0), rel=1e-5)


def test_incomplete_batches_of_strings_are_padded() -> None:
    pytest.importorskip("tensorflow")
    model = trainable(True, vectorize().to_backend("tensorflow"))
    model.fit(TEXTS, np.ones((5, 1)), batch_size=2, epochs=2, validation_split=0.4, verbose=0)
    whole = model.predict(TEXTS, verbose=0)
    np.testing.assert_allclose(model.predict(TEXTS, batch_size=2, verbose=0), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lookup", [False, True])
@pytest.mark.parametrize("dataset", [False, True])
def test_a_stack_that_begins_with_a_layer_for_strings_needs_no_input(lookup: bool, dataset: bool) -> None:
    tf = pytest.importorskip("tensorflow")
    words = ["good film", "bad film", "good", "bad unseen"]
    first = layers.StringLookup(vocabulary=words[:3], output_mode="one_hot") if lookup else vectorize()
    model = cornu.Sequential([first, layers.Dense(1)]).to_backend("tensorflow")
    model.compile("sgd", "mse")
    x, y = TEXTS[:4], np.ones((4, 1))
    assert model.predict(x, verbose=0).shape == (4, 1)
    data = (tf.data.Dataset.from_tensor_slices((x, y)).batch(2),) if dataset else (x, y)
    before = model.get_weights()[-1]
    model.fit(*data, verbose=0)
    assert (model.get_weights()[-1] != before).all()
    again = cornu.Sequential.from_config(model.get_config()).to_backend("tensorflow")
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(x, verbose=0), model(x).numpy(), rtol=1e-5)


@pytest.mark.parametrize("engine", [name for name in cornu.config.installed_backends() if name != "tensorflow"])
def test_other_engines_say_what_to_do(engine: str) -> None:
    model = model_of(()).to_backend(engine)
    model.compile("sgd", "mse")
    for call in (lambda: model.predict(TEXTS, verbose=0), lambda: model.fit(TEXTS, np.ones((5, 6)), verbose=0)):
        with pytest.raises(DataError, match=r"strings, which the model takes, but it is on \w+\..*Apply the layer to the data"):
            call()


def test_models_of_numbers_refuse_strings() -> None:
    pytest.importorskip("tensorflow")
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1)]).to_backend("tensorflow")
    with pytest.raises(DataError, match=r"`x` with the dtype string. Data must be real numbers"):
        model.predict(TEXTS[:, None], verbose=0)


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
