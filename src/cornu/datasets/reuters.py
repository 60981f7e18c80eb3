"""Reuters: 11,228 newswires of 1987 in 46 topics, whose words are integers.

David Lewis: "Reuters-21578 Text Categorization Test Collection" (1997).
"""

import numpy as np

from cornu.datasets.reading import INTEGERS, TEXTS, Split, check_test_split, naming, read_npz, shuffled, split_off
from cornu.datasets.word_sequences import read_word_index, shorter_than, with_frequent_words, with_start
from cornu.io.cache import Source, get_path
from cornu.io.download import Checksum

SOURCE = Source(
    name="reuters.npz",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters.npz",
    checksum=Checksum("d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"),
    size=2_110_848,
)
WORD_INDEX = Source(
    name="reuters_word_index.json",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters_word_index.json",
    checksum=Checksum("4d44cc38712099c9e383dc6e5f11a921", "md5"),
    size=550_378,
)
LABEL_NAMES = tuple(
    """cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude
    nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber
    heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead""".split()  # noqa: SIM905 (one per line is long)
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Load the Reuters dataset: newswires with labels from 0 to 45.

    A word is the integer of its rank by frequency, 1 for the most frequent, plus ``index_from``. 0 stands for padding.

    Args:
        path: String, name of the file in the cache folder (see :mod:`cornu.datasets`), or path of the file. Defaults to
            ``"reuters.npz"``.
        num_words: Integer; words are kept if their integers are smaller. Defaults to None (all but the largest integer).
        skip_top: Integer; words are kept if their integers are at least this. Defaults to 0.
        maxlen: Integer; newswires with at least this many integers are left out. Defaults to None (all are kept).
        test_split: Float in [0, 1), fraction of the newswires in the test set. Defaults to 0.2.
        seed: Integer, seed of the order of the newswires. Defaults to 113.
        start_char: Integer with which each newswire starts, None for none. Defaults to 1.
        oov_char: Integer in place of words that are not kept; None removes them. Defaults to 2.
        index_from: Integer that is added to each rank. Defaults to 3.

    Returns:
        Tuple of NumPy arrays ``(x_train, y_train), (x_test, y_test)``.

        ``x_train``, ``x_test``: arrays of dtype ``object``, a list of integers for each newswire.
        ``y_train``, ``y_test``: ``int64`` labels that index :func:`get_label_names`.

    Raises:
        InvalidArgumentError: If ``test_split`` is out of range, or no newswire is shorter than ``maxlen``.
        DataError: If the file does not exist and cannot be downloaded, or if it is not Reuters.

    Example:
        >>> from cornu.datasets import reuters
        >>> (x_train, y_train), (x_test, y_test) = reuters.load_data(num_words=10000)  # doctest: +SKIP
        >>> len(x_train), len(x_test)  # doctest: +SKIP
        (8982, 2246)
    """
    check_test_split(test_split)
    found = get_path(SOURCE._replace(name=path))
    with naming(found, "Reuters in the form of Keras's reuters.npz"):
        arrays = read_npz(found, {"x": ((None,), TEXTS), "y": ((None,), INTEGERS)})
        texts, labels = shuffled(np.random.RandomState(seed), arrays["x"], arrays["y"])
    rows, labels = shorter_than(maxlen, with_start(texts, start_char, index_from), labels)
    return split_off(test_split, with_frequent_words(rows, num_words, skip_top, oov_char), labels)


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Return the words of the Reuters dataset and their ranks by frequency, from 1.

    Args:
        path: String, name of the file in the cache folder, or path of the file. Defaults to ``"reuters_word_index.json"``.

    Raises:
        DataError: If the file does not exist and cannot be downloaded, or is another one.

    Example:
        >>> from cornu.datasets import reuters
        >>> reuters.get_word_index()["the"]  # doctest: +SKIP
        1
    """
    return read_word_index(get_path(WORD_INDEX._replace(name=path)))


def get_label_names() -> tuple[str, ...]:
    """Return the names of the 46 topics, in the order of the labels.

    Example:
        >>> from cornu.datasets import reuters
        >>> reuters.get_label_names()[:3]
        ('cocoa', 'grain', 'veg-oil')
    """
    return LABEL_NAMES
