"""The vocabulary of a lookup layer: its tokens, their indices, and how one is learned from data."""

import collections
import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np

from cornu.layers.preprocessing.token_table import Places, TokenTable

T = TypeVar("T", bytes, int)
"""The type of tokens: strings in UTF-8, or integers."""

_MISSING = -2
"""What stands for the index of a token that is not in the vocabulary."""


class Vocabulary(Generic[T]):
    """Tokens with consecutive indices. It is never changed.

    Args:
        tokens: The tokens, without those that stand for something else.
        first: Integer, index of the first token.
        others: Indices of other tokens, such as the mask token. Defaults to none.

    Example:
        >>> from cornu.layers.preprocessing.vocabulary import Vocabulary
        >>> Vocabulary([b"a", b"b"], 1).indices_of([b"b", b"c", b"a"], lambda tokens: [0] * len(tokens)).tolist()
        [2, 0, 1]
    """

    def __init__(self, tokens: Iterable[T], first: int, others: dict[T, int] | None = None):
        self.tokens = tuple(tokens)
        self._first = first
        self._indices = dict(zip(self.tokens, itertools.count(first), strict=False)) | (others or {})

    def indices_of(self, tokens: Sequence[T], of_unknown: Callable[[list[T]], Sequence[int]]) -> np.ndarray:
        """Return the indices of tokens as ``int64``.

        Args:
            tokens: Sequence of tokens.
            of_unknown: Function from the tokens that are not in the vocabulary to their indices.
        """
        found = np.fromiter(map(self._indices.get, tokens, itertools.repeat(_MISSING)), np.int64, len(tokens))
        unknown = np.flatnonzero(found == _MISSING)
        if unknown.size:
            found[unknown] = of_unknown([tokens[place] for place in unknown.tolist()])
        return found

    @functools.cached_property
    def _table(self: "Vocabulary[bytes]") -> TokenTable:
        return TokenTable(self.tokens)

    def indices_in(
        self: "Vocabulary[bytes]", buffer: bytes, places: Places, of_unknown: Callable[[list[bytes]], Sequence[int]]
    ) -> np.ndarray:
        """Return the indices of the tokens at places of a buffer, as :meth:`indices_of` does of a sequence of tokens.

        Args:
            buffer: Bytes that end with ``token_table.PADDING``.
            places: Where the tokens are.
            of_unknown: See :meth:`indices_of`.
        """
        found = self._table.find(buffer, places) if self.tokens else np.full(len(places[0]), -1)
        rest = np.flatnonzero(found < 0)
        starts, ends = (bounds[rest].tolist() for bounds in (places[0], places[0] + places[1]))
        indices = found + self._first
        indices[rest] = self.indices_of([buffer[start:end] for start, end in zip(starts, ends, strict=True)], of_unknown)
        return indices


class TokenCounts(Generic[T]):
    """How often tokens occur in the data seen so far, and in how many documents."""

    def __init__(self):
        self._tokens: collections.Counter[T] = collections.Counter()
        self._documents: collections.Counter[T] = collections.Counter()
        self._document_count = 0

    def add(self, documents: Iterable[Sequence[T]], with_documents: bool) -> None:
        """Count the tokens of documents.

        Args:
            documents: Iterable of sequences of tokens.
            with_documents: Whether to count documents too, which takes longer.
        """
        for document in documents:
            self._tokens.update(document)
            if with_documents:
                self._documents.update(set(document))
                self._document_count += 1

    def most_common(self, without: Iterable[T], count: int | None) -> list[T]:
        """Return the most frequent tokens, those of equal counts in descending order, as in Keras.

        Args:
            without: Tokens to leave out.
            count: The largest number of tokens; None for all.
        """
        counts = dict(self._tokens)
        for token in without:
            counts.pop(token, None)
        return sorted(counts, key=lambda token: (counts[token], token), reverse=True)[:count]

    def idf_of(self, tokens: Sequence[T]) -> np.ndarray:
        """Return the inverse document frequencies of tokens: ``log(1 + documents / (1 + documents with the token))``."""
        found = np.array([self._documents[token] for token in tokens], "float64")
        return np.log1p(self._document_count / (1 + found)).astype("float32")
