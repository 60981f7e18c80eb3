"""Pickled NumPy arrays read as data: nothing that a pickle names is imported or called.

A pickle is a program that can call any object it names. Here, the names used to pickle NumPy arrays resolve to classes that
only record their arguments, and every other name raises an error.
"""

import io
import pickle
import re

import numpy as np


class Dtype:
    """Replacement for ``numpy.dtype`` in a pickle."""

    def __init__(self, name: bytes | str = "", *_):
        self.name = name.decode() if isinstance(name, bytes) else name

    def __setstate__(self, state: object) -> None: ...


class PickledArray:
    """Replacement for ``numpy.ndarray``, and for the function that creates one, in a pickle; records what the pickle says.

    Attributes:
        shape: The shape, not verified.
        dtype: String, such as ``"u1"`` or ``"O8"``; empty if the pickle has none.
        content: ``bytes``, or for objects a list of them.
    """

    shape: tuple[int, ...] = ()
    dtype: str = ""
    content: bytes | list = b""

    def __init__(self, *_): ...

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, dtype, _, self.content = state
        self.dtype = dtype.name.lstrip("|") if isinstance(dtype, Dtype) and isinstance(dtype.name, str) else ""


_ALLOWED_NAMES = {
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): Dtype,
    ("numpy.core.multiarray", "_reconstruct"): PickledArray,
    ("numpy._core.multiarray", "_reconstruct"): PickledArray,
}


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED_NAMES:
            raise pickle.UnpicklingError(f"it refers to `{module}.{name}`, which is not allowed in a file of data")
        return _ALLOWED_NAMES[module, name]


def load(content: bytes | bytearray) -> object:
    """Return what a pickle contains, with :class:`PickledArray` in place of arrays; strings of Python 2 become ``bytes``.

    Args:
        content: The pickle. Its memo indices are not checked here: a large one allocates memory.

    Raises:
        pickle.UnpicklingError: If it refers to anything but arrays.

    Example:
        >>> from cornu.datasets import pickled_arrays
        >>> pickled_arrays.load(pickle.dumps(np.array([7, 8], "uint8"))).content
        b'\\x07\\x08'
    """
    return _DataOnly(io.BytesIO(content), encoding="bytes").load()


def _spellings(text: str) -> list[bytes]:
    """Return the ways to write a string in a pickle as regular expressions."""
    size, literal = len(text).to_bytes(4, "little"), re.escape(text.encode())
    return [re.escape(start) + literal for start in (b"\x8c" + size[:1], b"X" + size, b"C" + size[:1], b"U" + size[:1])]


_STRINGS = ("numpy", "ndarray", "dtype", "numpy.core.multiarray", "numpy._core.multiarray", "_reconstruct", "O", "O8", "|", "b")
_LISTS_OF_INTEGERS = re.compile(
    rb"(?:"
    + b"|".join(
        (
            *(rb"M..", rb"K.", rb"J....", rb"[\](ea\x94]", rb"[qh].", rb"[rj]..[\x00-\x0f]\x00"),  # integers, lists, the memo
            *(rb"\x80.", rb"\x95.{8}", rb"[)tRbN\x85\x86\x87\x88\x89\x93]", rb"c[\w.]+\n\w+\n"),  # tuples, names and calls
            *(spelling for text in _STRINGS for spelling in _spellings(text)),
        )
    )
    + rb")*+\.",
    re.DOTALL,
)
"""The instructions that pickle an array of lists of integers. The memo index, which allocates memory, is below 2**20."""


def lists_of_integers(content: bytes | bytearray, count: int) -> np.ndarray:
    """Read a pickled one-dimensional array of lists of integers.

    Args:
        content: The pickle.
        count: Integer, expected number of lists.

    Returns:
        Array of dtype ``object`` and shape ``(count,)``.

    Raises:
        pickle.UnpicklingError: If it contains instructions that such an array does not need.
        ValueError: If it contains something else.

    Example:
        >>> from cornu.datasets import pickled_arrays
        >>> array = np.empty(2, object)
        >>> array[:] = [[1, 2], [3]]
        >>> pickled_arrays.lists_of_integers(pickle.dumps(array), 2).tolist()
        [[1, 2], [3]]
    """
    if not _LISTS_OF_INTEGERS.fullmatch(content):
        raise pickle.UnpicklingError("it contains pickled objects other than lists of integers")
    array = load(content)
    rows = array.content if isinstance(array, PickledArray) and array.dtype in ("O", "O8") else None
    if not isinstance(rows, list) or len(rows) != count or not all(type(row) is list for row in rows):
        raise ValueError(f"it does not contain {count:,} lists")
    if sum(map(len, rows)) > len(content):  # one list may be named many times
        raise ValueError("its lists repeat each other")
    if not all(set(map(type, row)) <= {int} for row in rows):
        raise ValueError("its lists contain something other than integers")
    return as_objects(rows)


def as_objects(rows: list[list[int]]) -> np.ndarray:
    """Return lists as an array of dtype ``object`` with one axis, also if all of them have the same length.

    Example:
        >>> from cornu.datasets import pickled_arrays
        >>> pickled_arrays.as_objects([[1, 2], [3, 4]]).shape
        (2,)
    """
    return np.fromiter(rows, object, len(rows))
