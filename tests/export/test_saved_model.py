"""SavedModels: what plain TensorFlow answers from the folder, against the model that was written."""

import importlib.util
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import InvalidArgumentError, MissingPackageError, NotBuiltError
from cornu.export import saved_model

tf = pytest.importorskip("tensorflow")
RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def loaded(folder: Any) -> Any:
    return tf.saved_model.load(str(folder)).signatures["serving_default"]


def images() -> tuple[Any, dict]:
    stack = [layers.Conv2D(4, 3, padding="same", activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D()]
    more = [layers.DepthwiseConv2D(3, dilation_rate=2), layers.Dropout(0.5), layers.Flatten(), layers.Dense(3, "softmax")]
    model = cornu.Sequential([cornu.Input((12, 12, 2), name="image"), *stack, *more])
    return model, {"image": floats(5, 12, 12, 2)}


def words() -> tuple[Any, dict]:
    stack = [layers.Embedding(20, 4, mask_zero=True), layers.LSTM(5, return_sequences=True), layers.GRU(3), layers.Dense(2)]
    return cornu.Sequential([cornu.Input((11,), dtype="int32", name="words"), *stack]), {
        "words": RNG.integers(0, 20, size=(4, 11)).astype("int32")
    }


def several() -> tuple[Any, dict]:
    left, right = cornu.Input((3,), name="left"), cornu.Input((4,), name="right-hand side")
    joined = layers.Concatenate()([left, right])
    outputs = [layers.Dense(2, name="a")(joined), ops.sum(joined, axis=-1, keepdims=True)]
    return cornu.Model([left, right], outputs), {"left": floats(3, 3), "right_hand_side": floats(3, 4)}


class Own(cornu.Model):
    """A custom model, whose outputs have names."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs: Any) -> dict:
        found = self.dense(inputs)
        return {"score": found / 2 + self.dense.bias, "most": ops.max(found, axis=-1)}


def own() -> tuple[Any, dict]:
    model, x = Own(), floats(6, 4)
    model(x)
    return model, {"input_1": x}


MODELS = {"images": images, "words": words, "several": several, "own": own}


@pytest.mark.parametrize("kind", MODELS)
def test_tensorflow_answers_as_the_model_does(kind, backend, tmp_path):
    model, batch = MODELS[kind]()
    model.set_weights([RNG.uniform(0.2, 1, size=weight.shape) for weight in model.weights])
    model.to_backend(backend)
    expected = model.predict(list(batch.values()) if len(batch) > 1 else next(iter(batch.values())), verbose=0)
    saved_model.write(model, tmp_path / "saved")
    found = loaded(tmp_path / "saved")(**{name: tf.constant(array) for name, array in batch.items()})
    names = list(expected) if isinstance(expected, dict) else model.output_names
    by_name = (
        expected if isinstance(expected, dict) else dict(zip(names, [*expected] if len(names) > 1 else [expected], strict=True))
    )
    assert set(found) == set(by_name)
    for name, array in by_name.items():
        np.testing.assert_allclose(found[name].numpy(), array, rtol=1e-4, atol=1e-5)


def test_a_batch_may_have_any_size(tmp_path):
    model, batch = images()
    saved_model.write(model, tmp_path / "saved")
    serve = loaded(tmp_path / "saved")
    assert serve.structured_input_signature[1]["image"].shape.as_list() == [None, 12, 12, 2]
    for count in (1, 3, 5):
        (found,) = serve(image=tf.constant(batch["image"][:count])).values()
        np.testing.assert_allclose(found.numpy(), model.predict(batch["image"], verbose=0)[:count], rtol=1e-4, atol=1e-5)


def test_it_needs_nothing_of_cornu(tmp_path):
    model, _ = images()
    saved_model.write(model, tmp_path / "saved")
    code = (
        "import sys, tensorflow as tf;"
        f"tf.saved_model.load({str(tmp_path / 'saved')!r}).signatures['serving_default'](image=tf.ones((1, 12, 12, 2)));"
        "assert 'cornu' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def test_writing_changes_nothing_about_the_model(backend, tmp_path):
    model, batch = images()
    model.to_backend(backend)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(batch["image"], np.zeros(5), verbose=0)
    before, answers = model.get_weights(), model.predict(batch["image"], verbose=0)
    saved_model.write(model, tmp_path / "saved")
    assert model.backend_name == backend
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.predict(batch["image"], verbose=0), answers)
    model.fit(batch["image"], np.zeros(5), verbose=0)


# --- The folder -------------------------------------------------------------------------------------------------------


def small() -> Any:
    return cornu.Sequential([cornu.Input((2,), name="x"), layers.Dense(1, name="y")])


def answer(folder: Any) -> float:
    return float(loaded(folder)(x=tf.ones((1, 2)))["y"][0, 0])


def test_an_older_one_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    model = small()
    (tmp_path / "saved").mkdir()
    for value in (1.0, 2.0):
        model.set_weights([np.full((2, 1), value), np.zeros(1)])
        saved_model.write(model, tmp_path / "saved")
        assert answer(tmp_path / "saved") == 2 * value
        assert os.listdir(tmp_path) == ["saved"]


def test_what_is_no_saved_model_stays(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("long")
    (tmp_path / "file").write_text("short")
    for name in ("thesis", "file"):
        with pytest.raises(InvalidArgumentError, match=r"exists and is not a SavedModel.*Choose another path"):
            saved_model.write(small(), tmp_path / name)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "long"


@pytest.mark.parametrize("failing", ["save", "rename"])
def test_if_writing_fails_the_older_one_stays(failing, tmp_path, monkeypatch):
    model = small()
    model.set_weights([np.ones((2, 1)), np.zeros(1)])
    saved_model.write(model, tmp_path / "saved")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("the disk is full")

    replace = os.replace
    if failing == "save":
        monkeypatch.setattr(tf.saved_model, "save", fail)
    else:
        monkeypatch.setattr(os, "replace", lambda old, new: fail() if str(old).endswith(".tmp") else replace(old, new))
    with pytest.raises(OSError, match="the disk is full"):
        saved_model.write(model, tmp_path / "saved")
    assert os.listdir(tmp_path) == ["saved"] and answer(tmp_path / "saved") == 2


# --- Mistakes ---------------------------------------------------------------------------------------------------------


def test_a_model_without_weights_is_refused(tmp_path):
    with pytest.raises(NotBuiltError, match=r"it is not built.*Add an `Input`"):
        saved_model.write(cornu.Sequential([layers.Dense(1)]), tmp_path / "saved")


def test_a_folder_to_write_into_must_exist(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"does not exist.*os\.makedirs"):
        saved_model.write(small(), tmp_path / "nowhere" / "saved")


def test_an_unknown_size_that_is_computed_with_is_named(tmp_path):
    model = cornu.Sequential([cornu.Input((None, 3), name="x"), layers.AveragePooling1D(2, padding="same")])
    with pytest.raises(InvalidArgumentError, match=r"an unknown size of its inputs \['x'\].*Build the model with a fixed size"):
        saved_model.write(model, tmp_path / "saved")
    assert os.listdir(tmp_path) == []


def test_without_tensorflow_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install tensorflow"):
        saved_model.write(small(), tmp_path / "saved")
