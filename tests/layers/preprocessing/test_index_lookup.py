"""StringLookup and IntegerLookup against real Keras: indices, vocabularies, shapes, configs; and the texts of errors."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cornu
from cornu import layers
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, MissingFileError, NotBuiltError, ShapeError

WORDS = ["a", "b", "é", "日本"]
ROWS = [["a", "日本", "zz"], ["é", "b", "ü"]]
NUMBERS = [12, 36, -1138, 2**40]
NUMBER_ROWS = np.array([[12, 2**40, 42], [-7, 1000, 36]])
DOCUMENTS = [["a", "a", "b"], ["a", "c", "d"], ["e", "e", "e"], ["é", "a", "Z"]]

STRINGS: dict[str, tuple[dict, Any]] = {
    "one string": ({}, "a"),
    "one axis": ({}, ["a", "x"]),
    "a column": ({}, [["a"], ["x"]]),
    "rows": ({}, ROWS),
    "three axes": ({}, [ROWS]),
    "a mask": ({"mask_token": ""}, ["a", "", "x"]),
    "several unknown": ({"num_oov_indices": 3}, ["a", "q", "r", "s", "tt", "ü" * 40]),
    "a salt": ({"num_oov_indices": 3, "salt": [1, 2]}, ["a", "q", "r", "s", "tt", "ü" * 40]),
    "an integer as salt": ({"num_oov_indices": 5, "salt": 7, "mask_token": "m"}, ["a", "q", "m", "s", "tt"]),
    "none unknown": ({"num_oov_indices": 0}, ["b", "a"]),
    "a limit": ({"max_tokens": 9}, ROWS),
    **{f"{mode}, {axes}": ({"output_mode": mode}, x)
       for mode in ("one_hot", "multi_hot", "count")
       for axes, x in {"one axis": ["a", "x"], "a column": [["a"], ["x"]], "rows": ROWS}.items()},
    "one_hot, three axes": ({"output_mode": "one_hot"}, [ROWS]),
    "multi-hot with a mask": ({"output_mode": "multi_hot", "mask_token": ""}, [["a", "x", ""]]),
    "one-hot with a mask": ({"output_mode": "one_hot", "mask_token": ""}, ["a", "x", ""]),
    "padded": ({"output_mode": "count", "max_tokens": 8, "pad_to_max_tokens": True}, ROWS),
    "tf-idf": ({"output_mode": "tf_idf", "idf_weights": [0.25, 0.75, 0.6, 0.4]}, [["a", "x", "a"]]),
    "tf-idf, padded": (
        {"output_mode": "tf_idf", "idf_weights": [0.25, 0.75, 0.6, 0.4], "max_tokens": 9, "pad_to_max_tokens": True},
        [["a", "x", "a"]],
    ),
    "integers out": ({"output_mode": "count", "dtype": "int32"}, ROWS),
}  # fmt: skip

INTEGERS: dict[str, tuple[dict, Any]] = {
    "rows": ({}, NUMBER_ROWS),
    "a mask": ({"mask_token": 0}, np.array([0, 12])),
    "several unknown": ({"num_oov_indices": 3}, np.arange(-4, 4)),
    "hashed": ({"num_oov_indices": 3, "oov_method": "farmhash"}, np.arange(-4, 9) * 1234567),
    "a salt": ({"num_oov_indices": 3, "oov_method": "farmhash", "salt": 3}, np.arange(-4, 9) * 1234567),
    "inverse": ({"invert": True}, np.array([[0, 1], [3, 9]])),
    "counts": ({"output_mode": "count"}, NUMBER_ROWS),
    "one-hot": ({"output_mode": "one_hot"}, NUMBER_ROWS),
    "floats": ({}, np.array([12.0, 13.0])),
}


@pytest.mark.parametrize("case", STRINGS.values(), ids=STRINGS.keys())
def test_strings_have_the_indices_of_keras(case: tuple, like_keras: Callable) -> None:
    arguments, x = case
    like_keras("StringLookup", {"vocabulary": WORDS, **arguments}, x if isinstance(x, str) else np.array(x))


@pytest.mark.parametrize("case", INTEGERS.values(), ids=INTEGERS.keys())
def test_integers_have_the_indices_of_keras(case: tuple, like_keras: Callable) -> None:
    arguments, x = case
    vocabulary = [12, 36, -1138] if arguments.get("invert") else NUMBERS
    like_keras("IntegerLookup", {"vocabulary": vocabulary, **arguments}, x)


def shapes(layer: Any, shape: tuple) -> tuple:
    symbolic = layer(cornu.Input(shape[1:], dtype="string"))
    return layer.compute_output_shape(shape), symbolic.shape, symbolic.dtype


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(None,), (None, 1), (None, 3)])
def test_the_shape_and_dtype_are_those_of_keras(mode: str, shape: tuple) -> None:
    ours, theirs = (library.layers.StringLookup(vocabulary=WORDS, output_mode=mode) for library in (cornu, keras))
    symbolic = theirs(keras.Input(shape[1:], dtype="string"))
    # In other modes than "int" Keras announces float32 and returns int64.
    assert shapes(ours, shape) == (theirs.compute_output_shape(shape), symbolic.shape, "int64")


def test_an_inverse_lookup_returns_strings(default_backend: str) -> None:
    layer = layers.StringLookup(vocabulary=WORDS, invert=True, mask_token="")
    found = layer(np.array([[0, 1, 2], [5, 9, -1]]))
    expected = [["", "[UNK]", "a"], ["日本", "[UNK]", "[UNK]"]]
    if default_backend == "tensorflow":
        assert found.numpy().tolist() == [[word.encode() for word in row] for row in expected]
    else:
        assert found.dtype == object
        assert found.tolist() == expected


# --- Learned vocabularies ---------------------------------------------------------------------------------------------------

ADAPTED: dict[str, tuple[dict, Any]] = {
    "equal counts": ({}, ["b", "a", "B", "é", "z", "b", "10", "9", "", "日"]),
    "the unknown token": ({}, ["[UNK]", "[UNK]", "a"]),
    "the mask token": ({"mask_token": ""}, ["", "", "a"]),
    "a limit": ({"max_tokens": 3}, list("aabbcd")),
    "tf-idf": ({"output_mode": "tf_idf"}, DOCUMENTS),
    "tf-idf of one axis": ({"output_mode": "tf_idf"}, ["a", "a", "b"]),
    "tf-idf with a limit": ({"output_mode": "tf_idf", "max_tokens": 4, "pad_to_max_tokens": True}, DOCUMENTS),
    "tf-idf with a mask": ({"output_mode": "tf_idf", "mask_token": "a"}, DOCUMENTS),
}


@pytest.mark.parametrize("case", ADAPTED.values(), ids=ADAPTED.keys())
def test_a_learned_vocabulary_is_that_of_keras(case: tuple, like_keras: Callable) -> None:
    arguments, data = case
    like_keras("StringLookup", arguments, np.array([["a", "b", "x", "é"]]), adapt=np.array(data))


def test_a_learned_vocabulary_of_integers_is_that_of_keras(like_keras: Callable) -> None:
    like_keras("IntegerLookup", {}, NUMBER_ROWS, adapt=np.array([[12, 1138, 42], [42, -1000, 36]]))


@settings(max_examples=20, deadline=None)
@given(
    data=st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=3, max_size=3),
        min_size=1,
        max_size=6,
    ),
    mode=st.sampled_from(["int", "one_hot", "multi_hot", "count", "tf_idf"]),
    oov=st.integers(1, 4),
    mask=st.sampled_from([None, "", "m"]),
    limit=st.sampled_from([None, 6, 9]),
)
def test_any_arguments_and_strings(data: list, mode: str, oov: int, mask: str | None, limit: int | None) -> None:
    x = np.array(data, dtype=object)
    arguments = {"output_mode": mode, "num_oov_indices": oov, "mask_token": mask, "max_tokens": limit}
    ours, theirs = (library.layers.StringLookup(**arguments) for library in (cornu, keras))
    seen = x[:-1] if len(x) > 1 else x
    assume(set(seen.flat) - {mask, "[UNK]"})  # without tokens Keras raises an error
    for layer in (ours, theirs):
        layer.adapt(seen)
    assert ours.get_vocabulary() == [str(word) for word in theirs.get_vocabulary()]
    np.testing.assert_allclose(np.asarray(ours(x)), np.asarray(theirs(x)), rtol=1e-6)


def test_data_without_tokens_has_the_special_tokens() -> None:
    """Keras fails: TensorFlow's tables cannot be empty."""
    ours, theirs = (library.layers.StringLookup(mask_token="") for library in (cornu, keras))
    ours.adapt(["", ""])
    assert ours.get_vocabulary() == ["", "[UNK]"]
    assert np.asarray(ours(["a", ""])).tolist() == [1, 0]
    with pytest.raises(Exception, match="cannot be empty"):
        theirs.adapt(["", ""])


def test_adapting_again_replaces_the_vocabulary() -> None:
    layer = layers.StringLookup()
    layer.adapt(["a", "b"])
    layer.adapt(["c"])
    assert layer.get_vocabulary() == ["[UNK]", "c"]


def test_failed_adapt_changes_nothing() -> None:
    layer = layers.StringLookup()
    layer.adapt(["a", "b"])
    for data in ([], iter(()), [["a"], ["b", "c"]], [1, 2]):
        with pytest.raises((DataError, ShapeError, InvalidTypeError)):
            layer.adapt(data)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]


def test_special_tokens_at_the_beginning_are_recognized() -> None:
    for words, mask in (["", "[UNK]", "a"], ""), (["[UNK]", "a"], None), (["a", "[UNK]"], None), (["", "[UNK]", "b"], None):
        ours, theirs = (k.layers.StringLookup(vocabulary=words, mask_token=mask) for k in (cornu, keras))
        assert ours.get_vocabulary() == [str(word) for word in theirs.get_vocabulary()]
        assert np.asarray(ours(words)).tolist() == np.asarray(theirs(words)).tolist()


def test_a_file_holds_a_vocabulary(tmp_path: Any) -> None:
    file = tmp_path / "words.txt"
    file.write_bytes("b\nä\r\nc d\n".encode())
    layer = layers.StringLookup(vocabulary=str(file))
    assert layer.get_vocabulary() == ["[UNK]", "b", "ä", "c d"]
    assert layer.get_config()["vocabulary"] == ["b", "ä", "c d"]
    file.write_text("3\n-5\n")
    assert layers.IntegerLookup(vocabulary=file).get_vocabulary() == [-1, 3, -5]


def test_the_path_in_a_config_is_not_read(tmp_path: Any) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("a\nb\n")
    config = {**layers.StringLookup().get_config(), "vocabulary": str(file)}
    assert layers.StringLookup.from_config(config).get_vocabulary() == ["[UNK]"]


WRONG: dict[str, tuple[Callable, type, str]] = {
    "twice": (lambda: layers.StringLookup(vocabulary=["a", "b", "a"]), InvalidArgumentError, "contains 1 tokens several times"),
    "too many": (lambda: layers.StringLookup(vocabulary=WORDS, max_tokens=3), InvalidArgumentError, "`max_tokens` is 3"),
    "the mask": (lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""), InvalidArgumentError, "the mask token ''"),
    "empty": (lambda: layers.StringLookup(vocabulary=[]), InvalidArgumentError, "received an empty vocabulary"),
    "no file": (lambda: layers.StringLookup(vocabulary="no.txt"), MissingFileError, "received the vocabulary 'no.txt'"),
    "mode": (lambda: layers.StringLookup(output_mode="cnt"), InvalidArgumentError, "Did you mean 'int'|Did you mean 'count'"),
    "inverse counts": (
        lambda: layers.StringLookup(output_mode="count", invert=True), InvalidArgumentError, "`invert=True` without"),
    "no limit": (lambda: layers.StringLookup(pad_to_max_tokens=True), InvalidArgumentError, "without `max_tokens`"),
    "weights": (
        lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]), InvalidArgumentError, "`idf_weights` without"),
    "no weights": (
        lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"), InvalidArgumentError, "no `idf_weights`"),
    "too few weights": (
        lambda: layers.StringLookup(vocabulary=["a", "b"], output_mode="tf_idf", idf_weights=[1.0]),
        InvalidArgumentError, "2 tokens and 1 `idf_weights`"),
    "sparse": (lambda: layers.StringLookup(sparse=True), InvalidArgumentError, "Cornu has no sparse arrays"),
    "encoding": (lambda: layers.StringLookup(encoding="latin-1"), InvalidArgumentError, "must be 'utf-8'"),
    "salt": (lambda: layers.StringLookup(salt="a"), InvalidTypeError, "It must be an integer, or two integers"),
    "salt of a remainder": (lambda: layers.IntegerLookup(salt=1), InvalidArgumentError, "A remainder has no salt"),
    "method": (lambda: layers.IntegerLookup(oov_method="hash"), InvalidArgumentError, "'floormod', 'farmhash'"),
    "dtype": (lambda: layers.IntegerLookup(vocabulary_dtype="string"), InvalidArgumentError, "one of 'int64'"),
    "no vocabulary": (lambda: layers.StringLookup()(["a"]), NotBuiltError, "before it had a vocabulary"),
    "unseen": (
        lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["a", "q"]), DataError, "tokens such as 'q'"),
    "numbers": (lambda: layers.StringLookup(vocabulary=["a"])([1, 2]), InvalidTypeError, "They must be strings"),
    "missing": (
        lambda: layers.StringLookup(vocabulary=["a"])(np.array(["a", None], dtype=object)),
        InvalidTypeError, "received None .*Replace missing values"),
    "NaN": (
        lambda: layers.StringLookup(vocabulary=["a"])(np.array(["a", float("nan")], dtype=object)),
        InvalidTypeError, "received nan .*Replace missing values"),
    "strings": (lambda: layers.IntegerLookup(vocabulary=[1])(["a"]), InvalidTypeError, "use `StringLookup`"),
    "fractions": (lambda: layers.IntegerLookup(vocabulary=[1])([1.5]), InvalidTypeError, "must be integers"),
    "rows of two lengths": (lambda: layers.StringLookup(vocabulary=["a"])([["a"], ["b", "c"]]), ShapeError, "same length"),
    "no data": (lambda: layers.StringLookup().adapt([]), DataError, "`StringLookup.adapt` received no data"),
    "a number": (lambda: layers.StringLookup().adapt(3), InvalidTypeError, "must be an array, a list, or an iterable"),
    "steps of an array": (lambda: layers.StringLookup().adapt(["a"], steps=1), InvalidArgumentError, "Omit `steps`"),
    "fixed": (lambda: layers.StringLookup(vocabulary=["a"]).adapt(["b"]), InvalidArgumentError, "was passed or set"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_mistakes_are_explained(case: tuple) -> None:
    function, kind, text = case
    with pytest.raises(kind, match=text):
        function()
