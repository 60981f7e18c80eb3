"""Padded sequences are those of Keras."""

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
from hypothesis import given, settings

from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.utils import pad_sequences


@settings(max_examples=30, deadline=None)
@given(
    sequences=st.lists(st.lists(st.integers(-9, 9), max_size=6), min_size=1, max_size=5),
    maxlen=st.none() | st.integers(1, 8),
    dtype=st.sampled_from(["int32", "float32", "int64", object]),
    padding=st.sampled_from(["pre", "post"]),
    truncating=st.sampled_from(["pre", "post"]),
    value=st.sampled_from([0.0, -1.0]),
)
def test_padded_sequences_are_those_of_keras(sequences, **arguments):
    mine, theirs = pad_sequences(sequences, **arguments), keras.utils.pad_sequences(sequences, **arguments)
    assert mine.dtype == theirs.dtype
    np.testing.assert_array_equal(mine, theirs)


def test_elements_may_be_arrays():
    sequences = [np.arange(6.0).reshape(3, 2), np.arange(2.0).reshape(1, 2)]
    mine, theirs = pad_sequences(sequences, 2, "float32"), keras.utils.pad_sequences(sequences, 2, "float32")
    np.testing.assert_array_equal(mine, theirs)


def test_strings_are_padded_with_strings():
    assert pad_sequences([["a"], ["b", "long"]], dtype=object, value="-").tolist() == [["-", "a"], ["b", "long"]]


def test_no_sequences_are_an_empty_array():
    assert pad_sequences([], maxlen=3).shape == (0, 3)


def test_mistakes():
    with pytest.raises(InvalidArgumentError, match=r"`padding='left'`.*must be one of 'pre', 'post'"):
        pad_sequences([[1]], padding="left")
    with pytest.raises(InvalidArgumentError, match=r"`truncating='right'`"):
        pad_sequences([[1]], truncating="right")
    with pytest.raises(InvalidTypeError, match=r"received `sequences=\[1, 2\]`.*list of sequences.*Put a single sequence"):
        pad_sequences([1, 2])
    with pytest.raises(InvalidArgumentError, match=r"`value='-'` with `dtype='int32'`.*Pass `dtype=object`"):
        pad_sequences([["a"]], value="-")
    with pytest.raises(ShapeError, match=r"have the shapes \(2,\) and \(3,\).*same shape"):
        pad_sequences([np.ones((1, 2)), np.ones((1, 3))])
    with pytest.raises(InvalidArgumentError, match="`maxlen=-1`"):
        pad_sequences([[1]], maxlen=-1)
