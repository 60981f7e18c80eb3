"""What the datasets of texts share: words as integers, ranked by frequency, and the file that says which they are."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cornu.datasets.pickled_arrays import as_objects
from cornu.datasets.reading import naming
from cornu.errors import InvalidArgumentError

Rows = list[list[int]]
"""The words of each text."""

_LARGEST = 16 * 2**20
"""Maximum number of bytes of a word index; that of IMDB has 1.6 MiB."""


def with_start(rows: Iterable[list[int]], start_char: int | None, index_from: int | None) -> Rows:
    """Return texts whose words begin at ``index_from``, after the integer ``start_char`` unless that is None.

    Example:
        >>> with_start([[1, 2]], start_char=1, index_from=3)
        [[1, 4, 5]]
    """
    first, offset = ([] if start_char is None else [start_char]), index_from or 0
    return [first + [word + offset for word in row] for row in rows]


def shorter_than(maxlen: int | None, rows: Rows, labels: np.ndarray) -> tuple[Rows, np.ndarray]:
    """Return the texts with fewer than ``maxlen`` integers, and their labels; all of them if ``maxlen`` is None.

    Raises:
        InvalidArgumentError: If there is none.
    """
    if not maxlen:
        return rows, labels
    kept = [number for number, row in enumerate(rows) if len(row) < maxlen]
    if not kept:
        raise InvalidArgumentError(
            f"`load_data` received `maxlen={maxlen}`.",
            f"Texts with at least `maxlen` words are left out, and the shortest has {min(map(len, rows), default=0)}.",
            "Pass a larger `maxlen`.",
        )
    return [rows[number] for number in kept], labels[kept]


def with_frequent_words(rows: Rows, num_words: int | None, skip_top: int, oov_char: int | None) -> np.ndarray:
    """Return texts with integers from ``skip_top`` to ``num_words - 1``, and ``oov_char`` for others, or nothing if it is None.

    As in Keras, the largest integer is replaced too if ``num_words`` is None.

    Example:
        >>> with_frequent_words([[1, 4, 9, 5]], num_words=9, skip_top=2, oov_char=2).tolist()
        [[2, 4, 2, 5]]
    """
    end = num_words or max((max(row, default=0) for row in rows), default=0)
    if oov_char is None:
        return as_objects([[word for word in row if skip_top <= word < end] for row in rows])
    return as_objects([[word if skip_top <= word < end else oov_char for word in row] for row in rows])


def read_word_index(path: Path) -> dict[str, int]:
    """Read a JSON file that maps words to their ranks.

    Raises:
        DataError: If the file is another one.
    """
    with naming(path, "a JSON object of words and their ranks"):
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST:,} bytes")
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict) or not set(map(type, found.values())) <= {int}:
            raise ValueError("it is not an object of integers")
    return found
