"""Words and their indices in one buffer, against Python's own methods."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cornu.layers.preprocessing.token_table import PADDING, TokenTable, places_of_words
from cornu.layers.preprocessing.vocabulary import Vocabulary

ALPHABET = b"ab\0\xff \t\n\x0b\x0c\r\x1c"
TEXTS = st.lists(st.lists(st.sampled_from(ALPHABET), max_size=60).map(bytes), max_size=6)


def words_in(buffer: bytes, places: tuple) -> list[bytes]:
    return [buffer[start : start + size] for start, size in zip(*places, strict=True)]


@settings(max_examples=50, deadline=None)
@given(texts=TEXTS)
def test_words_are_those_of_split(texts: list) -> None:
    buffer, places, counts = places_of_words(texts)
    assert words_in(buffer, places) == [word for text in texts for word in text.split()]
    assert counts.tolist() == [len(text.split()) for text in texts]


@settings(max_examples=50, deadline=None)
@given(texts=TEXTS, tokens=st.lists(st.lists(st.sampled_from(b"ab\0\xff"), min_size=1, max_size=40).map(bytes), unique=True))
def test_indices_are_those_of_a_dict(texts: list, tokens: list) -> None:
    vocabulary = Vocabulary(tokens, 3)
    buffer, places, _ = places_of_words([*texts, b" ".join(tokens), b" ".join(token[:-1] for token in tokens)])
    words = words_in(buffer, places)
    found = vocabulary.indices_in(buffer, places, lambda unknown: [-len(word) for word in unknown])
    assert found.tolist() == [tokens.index(word) + 3 if word in tokens else -len(word) for word in words]


def test_tokens_that_share_a_place_are_found_too() -> None:
    """The table of 50,000 tokens has many such places: it finds one of each, and the dictionary the others."""
    tokens = [f"word{number}".encode() for number in range(50_000)]
    buffer, places, _ = places_of_words([b" ".join(tokens)])
    found = TokenTable(tokens).find(buffer, places)
    assert 0.9 < (found >= 0).mean() < 1
    assert (found[found >= 0] == np.flatnonzero(found >= 0)).all()
    assert Vocabulary(tokens, 0).indices_in(buffer, places, list).tolist() == list(range(50_000))


def test_a_table_knows_only_short_tokens() -> None:
    places = np.array([0, 0]), np.array([16, 17])
    assert TokenTable([b"x" * 16, b"x" * 17]).find(b"x" * 17 + PADDING, places).tolist() == [0, -1]
    for last in (b"x", b"y"):
        assert TokenTable([b"x" * 17]).find(b"x" * 16 + last + PADDING, (np.array([0]), np.array([17]))).tolist() == [-1]
