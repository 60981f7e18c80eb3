"""Text to tokens: standardization, splitting and n-grams, on bytes in UTF-8, with the results of TensorFlow's string ops."""

import itertools
from collections.abc import Sequence

PUNCTUATION = b"!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
"""The characters that ``"strip_punctuation"`` removes."""

_LOWER = bytes(range(256)).lower()
"""Each byte in lower case, for ``bytes.translate``."""

STANDARDIZATIONS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLITS = ("whitespace", "character")


def standardized(texts: list[bytes], how: str | None) -> list[bytes]:
    """Return texts in lower case, without punctuation, or both.

    Args:
        texts: Texts in UTF-8.
        how: One of :data:`STANDARDIZATIONS`; None for the texts as they are.

    Example:
        >>> from cornu.layers.preprocessing.text_processing import standardized
        >>> standardized([b"Don't panic!"], "lower_and_strip_punctuation")
        [b'dont panic']
    """
    if how is None:
        return texts
    table = None if how == "strip_punctuation" else _LOWER
    removed = b"" if how == "lower" else PUNCTUATION
    return [text.translate(table, removed) for text in texts]


def split(texts: list[bytes], how: str) -> list[list[bytes]]:
    """Return the tokens of each text.

    Args:
        texts: Texts in UTF-8.
        how: One of :data:`SPLITS`; ``"whitespace"`` is that of ASCII.

    Example:
        >>> from cornu.layers.preprocessing.text_processing import split
        >>> split([b"a bc", b"d"], "whitespace"), split([b"bc"], "character")
        ([[b'a', b'bc'], [b'd']], [[b'b', b'c']])
    """
    if how == "character":
        return [[character.encode() for character in text.decode(errors="replace")] for text in texts]
    return [text.split() for text in texts]


def with_ngrams(rows: Sequence[Sequence[bytes]], sizes: Sequence[int]) -> list[list[bytes]]:
    """Return the n-grams of each row of tokens, joined by spaces, one size after the other.

    Example:
        >>> from cornu.layers.preprocessing.text_processing import with_ngrams
        >>> with_ngrams([[b"a", b"b", b"c"]], (1, 2))
        [[b'a', b'b', b'c', b'a b', b'b c']]
    """
    return [list(itertools.chain.from_iterable(_ngrams(row, size) for size in sizes)) for row in rows]


def _ngrams(row: Sequence[bytes], size: int) -> list[bytes]:
    return [b" ".join(row[start : start + size]) for start in range(len(row) - size + 1)]
