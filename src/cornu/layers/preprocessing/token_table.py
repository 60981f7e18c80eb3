"""The indices of many tokens of one buffer at once, without a Python object for each token."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

_MASKS = np.array([(1 << 8 * count) - 1 for count in range(9)], "uint64")
"""Masks of the first bytes of a little-endian word, by their number."""

_FACTORS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
"""Odd numbers whose products with words have well distributed high bits."""

PADDING = bytes(16)
"""What must follow the last token in a buffer."""

_LONGEST = 16

Places: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Where tokens start in a buffer, and their sizes in bytes."""


def places_of_words(texts: Sequence[bytes]) -> tuple[bytes, Places, np.ndarray]:
    """Find the words of texts, which ASCII whitespace separates, as ``bytes.split`` does.

    Args:
        texts: The texts.

    Returns:
        A buffer with all texts, the places of all words in it, and the number of words of each text.

    Example:
        >>> from cornu.layers.preprocessing.token_table import places_of_words
        >>> buffer, (starts, sizes), counts = places_of_words([b" a bc", b"", b"d"])
        >>> [buffer[start : start + size] for start, size in zip(starts, sizes)], counts.tolist()
        ([b'a', b'bc', b'd'], [2, 0, 1])
    """
    buffer = b"\n" + b"\n".join(texts) + b"\n" + PADDING
    is_space = _IS_SPACE[np.frombuffer(buffer, "uint8", len(buffer) - len(PADDING))]
    edges = np.flatnonzero(is_space[1:] != is_space[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    ends_of_texts = np.cumsum([len(text) + 1 for text in texts]) if texts else np.zeros(0, "int64")
    return buffer, (starts, ends - starts), np.diff(np.searchsorted(starts, ends_of_texts), prepend=0)


_IS_SPACE = np.isin(np.arange(256), list(b" \t\n\r\x0b\x0c"))


class TokenTable:
    """A hash table of tokens of at most 16 bytes.

    Of tokens with the same hash it contains the first one only. What it finds is compared with the token, so that it finds a
    token or nothing, and never another token.

    Args:
        tokens: The tokens, the most frequent first.

    Example:
        >>> import numpy as np
        >>> from cornu.layers.preprocessing.token_table import PADDING, TokenTable
        >>> places = np.array([0, 1, 3]), np.array([1, 2, 1])
        >>> TokenTable([b"a", b"bc"]).find(b"abcd" + PADDING, places).tolist()
        [0, 1, -1]
    """

    def __init__(self, tokens: Sequence[bytes]):
        self._sizes = np.array([len(token) for token in tokens], "int64")
        starts = np.cumsum(self._sizes) - self._sizes
        self._words = _words_of(b"".join(tokens) + PADDING, (starts, self._sizes))
        self._shift = np.uint64(64 - max(len(tokens) * 8, 2).bit_length())
        self._numbers = np.zeros(1 << (64 - int(self._shift)), "int64")
        short = np.flatnonzero(self._sizes <= _LONGEST)[::-1]  # the first token of a place is written last
        self._numbers[self._hash(self._words)[short]] = short

    def _hash(self, words: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return (words[0] * _FACTORS[0] ^ words[1] * _FACTORS[1]) >> self._shift

    def find(self, buffer: bytes, places: Places) -> np.ndarray:
        """Return the numbers of tokens; -1 for one that the table does not find.

        Args:
            buffer: Bytes that end with :data:`PADDING`.
            places: Where the tokens are.
        """
        words = _words_of(buffer, places)
        numbers = self._numbers[self._hash(words)]
        same = self._sizes[numbers] == np.where(places[1] <= _LONGEST, places[1], -1)
        for own, other in zip(self._words, words, strict=True):
            same &= own[numbers] == other
        return np.where(same, numbers, -1)


def _words_of(buffer: bytes, places: Places) -> tuple[np.ndarray, np.ndarray]:
    """Return the first 16 bytes of tokens as two integers each, with 0 after the end of a token."""
    starts, sizes = places
    words = np.ndarray((len(buffer) - 7,), "<u8", buffer, strides=(1,))  # at each byte
    return words[starts] & _MASKS[np.minimum(sizes, 8)], words[starts + 8] & _MASKS[np.clip(sizes - 8, 0, 8)]
