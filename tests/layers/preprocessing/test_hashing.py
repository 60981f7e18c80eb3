"""Hashing and HashedCrossing against real Keras, and the hash functions against TensorFlow's."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.layers.preprocessing.fingerprints import fingerprint64, siphash64

tf = pytest.importorskip("tensorflow")

RNG = np.random.default_rng(0)
BINS = 2**31 - 1
WORDS = ["", "A", "ä", "日本語", "a sentence of more than thirty-two bytes", "x" * 200]


def test_fingerprints_are_those_of_tensorflow_for_every_length() -> None:
    """All branches: up to 3, 7, 16, 32, 64 bytes, and longer ones with whole and part blocks."""
    data = [RNG.bytes(length) for length in [*range(0, 140), 191, 192, 193, 1000, 4096]]
    wanted = tf.strings.to_hash_bucket_fast(data, 2**63 - 1).numpy()
    assert [fingerprint64(item) % (2**63 - 1) for item in data] == wanted.tolist()


def test_siphash_is_that_of_tensorflow_for_every_length() -> None:
    key = (2**63 + 12345, 2**64 - 1)
    data = [RNG.bytes(length) for length in [*range(0, 40), 255, 256, 257]]
    wanted = tf.strings.to_hash_bucket_strong(data, 2**63 - 1, [int(np.uint64(k).astype("int64")) for k in key]).numpy()
    assert [siphash64(item, key) % (2**63 - 1) for item in data] == wanted.tolist()


CASES: dict[str, tuple[dict, Any]] = {
    "strings": ({"num_bins": BINS}, WORDS),
    "integers": ({"num_bins": BINS}, [0, -1, 5, 2**40, -(2**40)]),
    "a mask": ({"num_bins": 5, "mask_value": ""}, WORDS),
    "an integer as mask": ({"num_bins": 5, "mask_value": 0}, [0, 1, 2]),
    "a salt": ({"num_bins": BINS, "salt": [133, 137]}, WORDS),
    "an integer as salt": ({"num_bins": BINS, "salt": 133}, [0, 1, -2]),
    **{f"{mode}, {axes}": ({"num_bins": 4, "output_mode": mode}, x)
       for mode in ("one_hot", "multi_hot", "count")
       for axes, x in {"one axis": WORDS, "a column": [["A"], ["ä"]], "rows": [["A", "B", "A"], ["C", "D", "ü"]]}.items()},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bins_are_those_of_keras(case: tuple, like_keras: Callable) -> None:
    arguments, x = case
    like_keras("Hashing", arguments, np.array(x))


A, B = np.array(["A", "B", "A", "ü", ""]), np.array([101, 101, -5, 2**40, 0])
CROSSINGS: dict[str, tuple[dict, Any]] = {
    "strings and integers": ({"num_bins": BINS}, (A, B)),
    "columns": ({"num_bins": BINS}, (A[:, None], B[:, None])),
    "three": ({"num_bins": BINS}, (A, B, A)),
    "one-hot": ({"num_bins": 5, "output_mode": "one_hot"}, (A, B)),
    "one-hot columns": ({"num_bins": 5, "output_mode": "one_hot"}, (A[:, None], B[:, None])),
    "scalars": ({"num_bins": 5}, ("A", 3)),
}


@pytest.mark.parametrize("case", CROSSINGS.values(), ids=CROSSINGS.keys())
def test_crossings_are_those_of_keras(case: tuple, like_keras: Callable) -> None:
    ours, _ = like_keras("HashedCrossing", *case)
    shapes = [(None, *np.shape(part)[1:]) for part in case[1]] if np.ndim(case[1][0]) else [(), ()]
    found = ours.compute_output_shape(shapes)
    assert len(found) == np.ndim(np.asarray(ours(case[1])))


@settings(max_examples=20, deadline=None)
@given(
    data=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=5),
    bins=st.integers(2, BINS),
    salt=st.one_of(st.none(), st.integers(0, 2**63 - 1), st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))),
    mask=st.sampled_from([None, "", "m"]),
)
def test_any_arguments_and_strings(data: list, bins: int, salt: Any, mask: str | None) -> None:
    ours, theirs = (library.layers.Hashing(bins, mask_value=mask, salt=salt) for library in (cornu, keras))
    assert np.asarray(ours(data)).tolist() == np.asarray(theirs(data)).tolist()


WRONG: dict[str, tuple[Callable, type, str]] = {
    "no bins": (lambda: layers.Hashing(0), InvalidArgumentError, "`num_bins=0`"),
    "only the bin of the mask": (lambda: layers.Hashing(1, mask_value=""), InvalidArgumentError, "`num_bins=1`"),
    "mode": (lambda: layers.Hashing(3, output_mode="tf_idf"), InvalidArgumentError, "`output_mode='tf_idf'`"),
    "three salts": (lambda: layers.Hashing(3, salt=[1, 2, 3]), InvalidTypeError, "or two integers"),
    "fractions": (lambda: layers.Hashing(3)(np.array([0.5])), InvalidTypeError, "Discretization"),
    "one feature": (lambda: layers.HashedCrossing(3)((A,)), InvalidArgumentError, "at least two features"),
    "no list": (lambda: layers.HashedCrossing(3)(A), InvalidArgumentError, "Call it like `layer"),
    "two columns": (lambda: layers.HashedCrossing(3)((np.ones((2, 2), int),) * 2), ShapeError, "`(batch, 1)`"),
    "two shapes": (lambda: layers.HashedCrossing(3)((A, B[:2])), ShapeError, "All must have the same shape"),
    "crossing of fractions": (lambda: layers.HashedCrossing(3)((A, B + 0.5)), InvalidTypeError, "strings or integers"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_mistakes_are_explained(case: tuple) -> None:
    function, kind, text = case
    with pytest.raises(kind, match=text.replace("(", r"\(").replace(")", r"\)")):
        function()
