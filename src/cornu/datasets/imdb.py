"""IMDB: 50,000 movie reviews, half of them positive and half negative, whose words are integers.

Andrew Maas et al.: "Learning Word Vectors for Sentiment Analysis" (2011).
"""

import numpy as np

from cornu.datasets.reading import INTEGERS, TEXTS, Split, naming, read_npz, shuffled
from cornu.datasets.word_sequences import read_word_index, shorter_than, with_frequent_words, with_start
from cornu.io.cache import Source, get_path
from cornu.io.download import Checksum

SOURCE = Source(
    name="imdb.npz",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz",
    checksum=Checksum("69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"),
    size=17_464_789,
)
WORD_INDEX = Source(
    name="imdb_word_index.json",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb_word_index.json",
    checksum=Checksum("bfafd718b763782e994055a2d397834f", "md5"),
    size=1_641_221,
)


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Load the IMDB dataset: 25,000 training reviews and 25,000 test reviews, with labels 1 (positive) and 0 (negative).

    A word is the integer of its rank by frequency, 1 for the most frequent, plus ``index_from``. 0 stands for padding.

    Args:
        path: String, name of the file in the cache folder (see :mod:`cornu.datasets`), or path of the file. Defaults to
            ``"imdb.npz"``.
        num_words: Integer; words are kept if their integers are smaller. Defaults to None (all but the largest integer).
        skip_top: Integer; words are kept if their integers are at least this. Defaults to 0.
        maxlen: Integer; reviews with at least this many integers are left out. Defaults to None (all are kept).
        seed: Integer, seed of the order of the reviews. Defaults to 113.
        start_char: Integer with which each review starts, None for none. Defaults to 1.
        oov_char: Integer in place of words that are not kept; None removes them. Defaults to 2.
        index_from: Integer that is added to each rank. Defaults to 3.

    Returns:
        Tuple of NumPy arrays ``(x_train, y_train), (x_test, y_test)``.

        ``x_train``, ``x_test``: arrays of dtype ``object``, a list of integers for each review.
        ``y_train``, ``y_test``: ``int64`` labels.

    Raises:
        InvalidArgumentError: If no review is shorter than ``maxlen``.
        DataError: If the file does not exist and cannot be downloaded, or if it is not IMDB.

    Example:
        >>> from cornu.datasets import imdb
        >>> (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=10000)  # doctest: +SKIP
        >>> x_train[0][:5]  # doctest: +SKIP
        [1, 14, 22, 16, 43]
    """
    found = get_path(SOURCE._replace(name=path))
    with naming(found, "IMDB in the form of Keras's imdb.npz"):
        x, y = ((None,), TEXTS), ((None,), INTEGERS)
        arrays = read_npz(found, {"x_train": x, "y_train": y, "x_test": x, "y_test": y})
        generator = np.random.RandomState(seed)
        parts = [shuffled(generator, arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test")]
    (train, y_train), (test, y_test) = (
        shorter_than(maxlen, with_start(texts, start_char, index_from), labels) for texts, labels in parts
    )
    x = with_frequent_words(train + test, num_words, skip_top, oov_char)
    return (x[: len(train)], y_train), (x[len(train) :], y_test)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Return the words of the IMDB dataset and their ranks by frequency, from 1.

    Args:
        path: String, name of the file in the cache folder, or path of the file. Defaults to ``"imdb_word_index.json"``.

    Raises:
        DataError: If the file does not exist and cannot be downloaded, or is another one.

    Example:
        >>> from cornu.datasets import imdb
        >>> words = {rank + 3: word for word, rank in imdb.get_word_index().items()}  # doctest: +SKIP
        >>> " ".join(words.get(index, "?") for index in x_train[0][:5])  # doctest: +SKIP
        '? this film was just'
    """
    return read_word_index(get_path(WORD_INDEX._replace(name=path)))
