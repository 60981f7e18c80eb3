"""TextVectorization against real Keras: tokens, indices, shapes, configs; inside ``tf.data``; and the texts of errors."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cornu
from cornu import layers
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError
from cornu.layers.preprocessing import text_processing

tf = pytest.importorskip("tensorflow")

WORDS = ["earth", "wind", "fire", "École", "école", "ÉCOLE", "straße", "earth wind"]
TEXTS = ["Earth wind Fire! École  xx", "fire", "", "ÉCOLE\tcafé wind\nwind"]
UNICODE = (
    "École ÉCOLE STRASSE Straße İstanbul ΣΑΣ a.b-c_d! «q» “w” … x\u00a0y z\u3000w a\tb\nc\x0bd\x0ce\x1cf\x85g\u2028h don't $5 "
    "~`|^ ǅ Ⅷ \u13a0 👩‍👧 日本語"
)

CASES: dict[str, tuple[dict, Any]] = {
    "texts": ({}, TEXTS),
    "a column": ({}, [[text] for text in TEXTS]),
    "one text": ({}, "earth wind"),
    "no words": ({}, ["", ""]),
    "cut and padded": ({"output_sequence_length": 3}, TEXTS),
    "one text, padded": ({"output_sequence_length": 3}, "earth"),
    "not standardized": ({"standardize": None}, TEXTS),
    "lower": ({"standardize": "lower"}, TEXTS),
    "without punctuation": ({"standardize": "strip_punctuation"}, TEXTS),
    "tokens": ({"split": None}, ["earth", "wind"]),
    "a column of tokens": ({"split": None}, [["earth"], ["wind"]]),
    "rows of tokens": ({"split": None}, [["earth", "fire"], ["wind", "q"]]),
    "n-grams of tokens": ({"split": None, "ngrams": 2}, [["earth", "wind"], ["wind", "q"]]),
    "counts of tokens": ({"split": None, "output_mode": "count"}, [["earth", "earth"], ["wind", "q"]]),
    "counts of single tokens": ({"split": None, "output_mode": "count"}, ["earth", "q"]),
    "n-grams": ({"ngrams": 2}, TEXTS),
    "n-grams, cut": ({"ngrams": 2, "output_sequence_length": 4}, TEXTS),
    "n-grams of two sizes": ({"ngrams": (2, 1)}, TEXTS),
    "characters": ({"split": "character"}, TEXTS),
    "counts": ({"output_mode": "count"}, TEXTS),
    "multi-hot": ({"output_mode": "multi_hot"}, TEXTS),
    "counts of one text": ({"output_mode": "count"}, "earth earth q"),
    "padded counts": ({"output_mode": "count", "max_tokens": 20, "pad_to_max_tokens": True}, TEXTS),
    "tf-idf": ({"output_mode": "tf_idf", "idf_weights": [0.5 + i for i in range(len(WORDS))]}, TEXTS),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_texts_have_the_indices_of_keras(case: tuple, like_keras: Callable) -> None:
    arguments, x = case
    vocabulary = ["e", "É", "é", " ", "w"] if arguments.get("split") == "character" else WORDS
    if "ngrams" in arguments:  # Keras's config holds a tuple
        arguments = {"standardize": "lower", **arguments}
    like_keras("TextVectorization", {"vocabulary": vocabulary, **arguments}, x if isinstance(x, str) else np.array(x))


ADAPTED: dict[str, tuple[dict, Any]] = {
    **{f"{how}": ({"standardize": how}, [UNICODE, UNICODE[:40]]) for how in (None, *text_processing.STANDARDIZATIONS)},
    "characters": ({"split": "character"}, [UNICODE]),
    "three-grams": ({"ngrams": 3}, ["a b c d", "b c", "a"]),
    "sizes": ({"ngrams": (3, 1)}, ["a b c d", "b c", "a"]),
    "n-grams of characters": ({"ngrams": 2, "split": "character"}, ["abc"]),
    "a limit": ({"max_tokens": 4}, ["x y z x y x"]),
    "a limit of counts": ({"max_tokens": 3, "output_mode": "multi_hot"}, ["x y z x y x"]),
    "tf-idf": ({"output_mode": "tf_idf"}, ["x y x", "x z", "q"]),
    "tf-idf, padded": ({"output_mode": "tf_idf", "max_tokens": 3, "pad_to_max_tokens": True}, ["x y x", "x z", "q"]),
    "a column": ({}, [["x y"], ["z"]]),
}


@pytest.mark.parametrize("case", ADAPTED.values(), ids=ADAPTED.keys())
def test_a_learned_vocabulary_is_that_of_keras(case: tuple, like_keras: Callable) -> None:
    arguments, data = case
    like_keras("TextVectorization", arguments, np.array(["x y a b École", UNICODE]), adapt=np.array(data))


def ways_to_pass(texts: list[str]) -> dict[str, Any]:
    import torch

    class Batches(cornu.utils.PyDataset):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Any:
            return np.array(texts[2 * index : 2 * index + 2]), np.zeros(2)

    labels = list(range(len(texts)))
    pairs = list(zip(texts, labels, strict=True))
    dataset = tf.data.Dataset.from_tensor_slices(texts)
    return {
        "list": texts,
        "tuple": tuple(texts),
        "column": [[text] for text in texts],
        "array of objects": np.array(texts, dtype=object),
        "array of bytes": np.array([text.encode() for text in texts]),
        "tensor": tf.constant(texts),
        "dataset": dataset.batch(2),
        "dataset of single texts": dataset,
        "dataset with labels": tf.data.Dataset.from_tensor_slices((texts, labels)).batch(3),
        "dataset of single texts with labels": tf.data.Dataset.from_tensor_slices((texts, labels)),
        "generator": (texts[start : start + 2] for start in (0, 2)),
        "generator of pairs": ((np.array(texts[start : start + 2]), np.zeros(2)) for start in (0, 2)),
        "list of batches": [np.array(texts[:2]), np.array(texts[2:])],
        "PyDataset": Batches(),
        "DataLoader": torch.utils.data.DataLoader(texts, batch_size=3),
        "DataLoader with labels": torch.utils.data.DataLoader(pairs, batch_size=3),
    }


@pytest.mark.parametrize("way", ways_to_pass(TEXTS))
def test_adapt_takes_every_kind_of_data(way: str) -> None:
    layer, wanted = layers.TextVectorization(), layers.TextVectorization()
    wanted.adapt(TEXTS)
    layer.adapt(ways_to_pass(TEXTS)[way])
    assert layer.get_vocabulary() == wanted.get_vocabulary()


def test_steps_count_batches() -> None:
    for arguments in (
        {"data": tf.data.Dataset.from_tensor_slices(["x", "y"]).repeat().batch(1)},
        {"data": ["x", "y", "z"], "batch_size": 1},
    ):
        layer = layers.TextVectorization()
        layer.adapt(**arguments, steps=2)
        assert layer.get_vocabulary() == ["", "[UNK]", "y", "x"]


@settings(max_examples=20, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40), min_size=2, max_size=5),
    how=st.sampled_from([None, *text_processing.STANDARDIZATIONS]),
    split=st.sampled_from(text_processing.SPLITS),
    ngrams=st.sampled_from([None, 2, (3,), (3, 1)]),
    mode=st.sampled_from(["int", "multi_hot", "count", "tf_idf"]),
    length=st.sampled_from([None, 2, 7]),
)
def test_any_arguments_and_texts(texts: list, how: Any, split: str, ngrams: Any, mode: str, length: int | None) -> None:
    arguments = {"standardize": how, "split": split, "ngrams": ngrams, "output_mode": mode}
    if mode == "int":
        arguments["output_sequence_length"] = length
    ours, theirs = (library.layers.TextVectorization(**arguments) for library in (cornu, keras))
    ours.adapt(texts[:-1])
    assume(ours.get_vocabulary(False))  # without tokens Keras raises an error
    theirs.adapt(texts[:-1])
    assert ours.get_vocabulary() == [str(word) for word in theirs.get_vocabulary()]
    np.testing.assert_allclose(np.asarray(ours(texts)), np.asarray(theirs(texts)), rtol=1e-6)


def test_bytes_that_are_no_utf8_are_unknown_tokens() -> None:
    layer = layers.TextVectorization(vocabulary=WORDS)
    assert np.asarray(layer(np.array([b"\xff\xfe earth"], dtype=object))).tolist() == [[1, 2]]


# --- Functions of the user -----------------------------------------------------------------------------------------------


def lower(texts: Any) -> Any:
    return tf.strings.lower(texts)


def at_commas(texts: Any) -> Any:
    return tf.strings.split(texts, sep=",")


def to_lists(texts: Any) -> list:
    return [str(text).split(",") for text in texts]


FUNCTIONS = {
    "standardize": {"standardize": lower},
    "split": {"split": at_commas},
    "both": {"standardize": lower, "split": at_commas},
    "both, counted": {"standardize": lower, "split": at_commas, "output_mode": "count"},
    "both, cut": {"standardize": lower, "split": at_commas, "output_sequence_length": 2},
    "n-grams": {"standardize": lower, "split": at_commas, "ngrams": 2},
    "a dense tensor": {"standardize": None, "split": lambda texts: tf.strings.unicode_split(texts, "UTF-8").to_tensor("")},
}


@pytest.mark.parametrize("arguments", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_functions_of_the_user_standardize_and_split(arguments: dict, default_backend: str) -> None:
    x = ["earth,WIND,é", "fire,x,,earth,earth"]
    ours, theirs = (library.layers.TextVectorization(**arguments) for library in (cornu, keras))
    for layer in (ours, theirs):
        layer.adapt(["earth,WIND", "fire,wind"])
    assert ours.get_vocabulary() == [str(word) for word in theirs.get_vocabulary()]
    wanted = np.asarray(theirs(x))
    assert np.asarray(ours(x)).tolist() == wanted.tolist()
    assert next(iter(tf.data.Dataset.from_tensor_slices(x).batch(2).map(ours))).numpy().tolist() == wanted.tolist()


def test_a_split_function_may_return_lists() -> None:
    layer = layers.TextVectorization(split=to_lists, standardize=None).to_backend("numpy")
    layer.adapt(["a,b", "b"])
    assert layer(["b,q", "a"]).tolist() == [[2, 1], [3, 0]]


# --- Inside `tf.data` ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [None, 4, tf.data.AUTOTUNE])
def test_it_runs_in_a_pipeline_whatever_the_engine(workers: int | None, default_backend: str) -> None:
    layer = layers.TextVectorization(output_sequence_length=5, vocabulary=WORDS)
    texts = TEXTS * 5
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(4).map(layer, num_parallel_calls=workers).prefetch(1)
    assert dataset.element_spec == tf.TensorSpec((None, 5), "int64")
    np.testing.assert_array_equal(np.concatenate([batch.numpy() for batch in dataset]), np.asarray(layer(texts)))


SPECS = {
    "any length": ({}, (None, None)),
    "counts": ({"output_mode": "count"}, (None, 10 - 1)),
    "tokens": ({"split": None}, (None,)),
}


@pytest.mark.parametrize("case", SPECS.values(), ids=SPECS.keys())
def test_static_shapes_are_those_of_keras(case: tuple) -> None:
    arguments, shape = case
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS)
    ours, theirs = (library.layers.TextVectorization(vocabulary=WORDS, **arguments) for library in (cornu, keras))
    assert dataset.batch(2).map(ours).element_spec == dataset.batch(2).map(theirs).element_spec
    assert dataset.batch(2).map(ours).element_spec.shape.as_list() == list(shape)
    assert dataset.map(ours).element_spec == dataset.map(theirs).element_spec


@pytest.mark.parametrize("name", ["StringLookup", "IntegerLookup", "Hashing"])
def test_lookups_run_in_a_pipeline(name: str, default_backend: str) -> None:
    x = np.arange(12).reshape(6, 2) if name == "IntegerLookup" else np.array([["a", "b"], ["ü", "q"]] * 3)
    arguments = {"num_bins": 7} if name == "Hashing" else {"vocabulary": [1, 2] if name == "IntegerLookup" else ["b", "ü"]}
    layer = getattr(layers, name)(**arguments, output_mode="count")
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(4).map(layer, num_parallel_calls=2)
    np.testing.assert_array_equal(np.concatenate([batch.numpy() for batch in dataset]), np.asarray(layer(x)))


def test_crossing_runs_in_a_pipeline(default_backend: str) -> None:
    layer = layers.HashedCrossing(1000)
    a, b = np.array(["a", "ü", "b"]), np.array([3, -5, 7])
    dataset = tf.data.Dataset.from_tensor_slices((a, b)).batch(2).map(lambda a, b: layer((a, b)))
    assert dataset.element_spec == tf.TensorSpec((None,), "int64")
    np.testing.assert_array_equal(np.concatenate([batch.numpy() for batch in dataset]), np.asarray(layer((a, b))))


def test_other_engines_refuse_it_in_compiled_functions() -> None:
    import jax

    layer = layers.IntegerLookup(vocabulary=[1, 2]).to_backend("jax")
    with pytest.raises(cornu.errors.BackendError, match="Apply the layer to the data before it is passed to the model"):
        jax.jit(lambda x: layer(x))(np.array([1, 2]))


# --- Mistakes ------------------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[Callable, type, str]] = {
    "standardize": (
        lambda: layers.TextVectorization(standardize="lowr"), InvalidArgumentError, "Did you mean 'lower'"),
    "split": (lambda: layers.TextVectorization(split="words"), InvalidArgumentError, "'whitespace', 'character'"),
    "ngrams": (lambda: layers.TextVectorization(ngrams=0), InvalidArgumentError, "`ngrams=0`"),
    "length": (
        lambda: layers.TextVectorization(output_sequence_length=0), InvalidArgumentError, "`output_sequence_length=0`"),
    "length of counts": (
        lambda: layers.TextVectorization(output_sequence_length=3, output_mode="count"),
        InvalidArgumentError, "Only outputs of `output_mode='int'` have a length"),
    "one-hot": (lambda: layers.TextVectorization(output_mode="one_hot"), InvalidArgumentError, "'multi_hot'"),
    "ragged": (lambda: layers.TextVectorization(ragged=True), InvalidArgumentError, "Cornu has no ragged arrays"),
    "sparse": (lambda: layers.TextVectorization(sparse=True), InvalidArgumentError, "Cornu has no sparse arrays"),
    "no vocabulary": (lambda: layers.TextVectorization()(["a"]), NotBuiltError, "before it had a vocabulary"),
    "two strings": (
        lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]), ShapeError, "each text must be one string"),
    "numbers": (lambda: layers.TextVectorization(vocabulary=["a"])([1]), InvalidTypeError, "They must be strings"),
    "no data": (lambda: layers.TextVectorization().adapt([]), DataError, "`TextVectorization.adapt` received no data"),
    "fixed": (
        lambda: layers.TextVectorization(vocabulary=["a"]).adapt(["b"]), InvalidArgumentError, "was passed or set"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_mistakes_are_explained(case: tuple) -> None:
    function, kind, text = case
    with pytest.raises(kind, match=text):
        function()


def test_a_missing_vocabulary_is_that_of_the_layer_that_the_user_made() -> None:
    with pytest.raises(NotBuiltError, match=r"'mine' was called before it had a vocabulary\. `TextVectorization` needs"):
        layers.TextVectorization(name="mine")(["a b"])
