"""Tests of boston_housing, california_housing, imdb, reuters and word_sequences: files in the published form, against Keras."""

import inspect
import json

import numpy as np
import pytest

from cornu.datasets import boston_housing, california_housing, imdb, reuters
from cornu.errors import DataError, InvalidArgumentError

ALL = {"boston_housing": boston_housing, "california_housing": california_housing, "imdb": imdb, "reuters": reuters}


def texts(count: int, seed: int) -> np.ndarray:
    numbers = np.random.default_rng(seed)
    rows = [numbers.geometric(0.003, size).tolist() for size in numbers.integers(1, 60, count)]
    return np.fromiter(rows, object, count)


def arrays_of(name: str) -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(3)
    if name == "imdb":
        labels = numbers.integers(0, 2, (2, 40))
        return {"x_train": texts(40, 1), "y_train": labels[0], "x_test": texts(30, 2), "y_test": labels[1, :30]}
    if name == "reuters":
        return {"x": texts(70, 1), "y": numbers.integers(0, 46, 70)}
    width, dtype, count = {"boston_housing": (13, "float64", 506), "california_housing": (8, "float32", 700)}[name]
    return {"x": numbers.normal(size=(count, width)).astype(dtype), "y": numbers.normal(size=count).astype(dtype)}


@pytest.fixture
def load(cache, monkeypatch):
    """A function that writes a file in the published form, and loads it here and with real Keras."""
    keras = pytest.importorskip("keras")

    def both(name: str, **arguments):
        np.savez(cache / f"{name}.npz", **arrays_of(name))
        theirs = getattr(keras.datasets, name)
        monkeypatch.setitem(theirs.load_data.__globals__, "get_file", lambda *_, **__: str(cache / f"{name}.npz"))
        return ALL[name].load_data(**arguments), theirs.load_data(**arguments)

    return both


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("boston_housing", {}),
        ("boston_housing", {"test_split": 0.37, "seed": 7}),
        ("boston_housing", {"test_split": 0.0}),
        ("california_housing", {}),
        ("california_housing", {"version": "small", "test_split": 0.1, "seed": 2}),
        ("imdb", {}),
        ("imdb", {"num_words": 200, "skip_top": 10, "seed": 5}),
        ("imdb", {"num_words": 150, "oov_char": None, "start_char": None}),
        ("imdb", {"maxlen": 30, "index_from": 10, "oov_char": 9}),
        ("imdb", {"index_from": 0, "start_char": None, "num_words": 100}),
        ("imdb", {"index_from": None, "start_char": None}),
        ("reuters", {}),
        ("reuters", {"num_words": 200, "skip_top": 10, "test_split": 0.3, "seed": 5}),
        ("reuters", {"maxlen": 25, "oov_char": None}),
        ("reuters", {"index_from": 5, "start_char": None, "test_split": 0.0}),
    ],
)
def test_samples_and_their_order_are_those_of_keras(load, name, arguments):
    ours, theirs = load(name, **arguments)
    for part, expected in zip(ours, theirs, strict=True):
        for array, other in zip(part, expected, strict=True):
            assert len(array) == len(other)
            assert array.dtype == (other.dtype if len(other) else array.dtype)
            assert array.tolist() == other.tolist()
            assert array.flags.writeable


@pytest.mark.parametrize("name", ALL)
def test_the_signature_is_that_of_keras(name):
    keras = pytest.importorskip("keras")
    theirs = inspect.signature(getattr(keras.datasets, name).load_data).parameters
    ours = inspect.signature(ALL[name].load_data).parameters
    expected = [(name, value.default) for name, value in theirs.items() if name != "kwargs"]  # of imdb, which ignores them
    assert [(name, value.default) for name, value in ours.items()] == expected


def test_texts_of_one_length_are_lists_too(cache):
    rows = {"x": np.fromiter([[5, 6], [7, 8]], object, 2), "y": np.array([0, 1])}
    np.savez(cache / "reuters.npz", **rows)
    (x_train, _), _ = reuters.load_data(test_split=0.0)
    assert x_train.shape == (2,)
    assert isinstance(x_train[0], list)


def test_the_folder_of_keras_is_searched(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    np.savez(tmp_path / "keras" / "datasets" / "reuters.npz", **arrays_of("reuters"))
    assert len(reuters.load_data()[0][0]) == 56


@pytest.mark.parametrize("module", [imdb, reuters])
def test_the_word_index_is_read(cache, module):
    index = {"the": 1, "né": 2, "'": 3}
    (cache / module.WORD_INDEX.name).write_text(json.dumps(index))
    assert module.get_word_index() == index


@pytest.mark.parametrize("content", ["[1]", '{"the": "1"}', '{"the": true}', "{", ""])
def test_another_word_index_is_refused(cache, content):
    (cache / "imdb_word_index.json").write_text(content)
    with pytest.raises(DataError, match=r"It should be a JSON object of words and their ranks"):
        imdb.get_word_index()


def test_the_names_of_topics_are_those_of_keras():
    keras = pytest.importorskip("keras")
    assert reuters.get_label_names() == keras.datasets.reuters.get_label_names()


@pytest.mark.parametrize("module", [boston_housing, california_housing, reuters])
@pytest.mark.parametrize("fraction", [1.0, -0.1, float("nan")])
def test_a_fraction_outside_its_range_is_refused(module, fraction):
    with pytest.raises(InvalidArgumentError, match=r"`test_split=.*It must be at least 0 and less than 1"):
        module.load_data(test_split=fraction)


def test_another_version_is_refused():
    with pytest.raises(InvalidArgumentError, match="version"):
        california_housing.load_data("medium")


def test_a_length_that_no_text_is_below_is_refused(cache):
    np.savez(cache / "reuters.npz", **arrays_of("reuters"))
    with pytest.raises(InvalidArgumentError, match=r"`maxlen=1`.*the shortest has 3.*Pass a larger `maxlen`"):
        reuters.load_data(maxlen=1)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("reuters", {"y": np.zeros(69, int)}, "its arrays have different lengths: 70, 69"),
        ("reuters", {"y": np.zeros((70, 1), int)}, r"`y` is int64 of shape \(70, 1\), but int64 of shape \(n,\) was expected"),
        ("reuters", {"x": np.zeros(70)}, r"`x` is float64 of shape \(70,\), but object of shape \(n,\) was expected"),
        ("boston_housing", {"x": np.zeros((506, 12))}, r"float64 of shape \(n, 13\) was expected"),
        ("reuters", {"x": np.array([{"a": 1}, *[[1]] * 69], object)}, "pickled objects other than lists of integers"),
    ],
)
def test_another_file_is_named(cache, name, change, reason):
    np.savez(cache / f"{name}.npz", **{**arrays_of(name), **change})
    with pytest.raises(DataError, match=reason):
        ALL[name].load_data()
