"""Memory maps as data: the pages of the file that a pass over the data has read are unmapped."""

import mmap

import numpy as np

from cornu.training.batch import DataArray

_LARGE = 2**27
"""Number of bytes of a map from which on its pages are unmapped; the pages of smaller ones remain in memory."""

_READ_BYTES = 2**24
"""Bytes of single rows that are read before pages are unmapped; the system maps several pages around each row."""


def rows_of(array: DataArray, rows: np.ndarray | slice) -> DataArray:
    """Return some rows of an array, so that few pages of a large memory map are in memory at a time.

    Args:
        array: Array of the rows.
        rows: Their indices, or a slice.

    Example:
        >>> import numpy as np
        >>> from cornu.training.memory_maps import rows_of
        >>> rows_of(np.arange(5) * 10, np.array([1, 4])).tolist()
        [10, 40]
    """
    if isinstance(rows, slice) or _pages_of(array) is None:
        return array[rows]
    found = np.empty((len(rows), *array.shape[1:]), array.dtype)
    step = max(1, _READ_BYTES * len(rows) // max(found.nbytes, 1))
    for start in range(0, len(rows), step):
        found[start : start + step] = array[rows[start : start + step]]
        release_pages(array)
    return found


def release_pages(array: DataArray) -> None:
    """Unmap the pages of a large memory map that have been read, which would count as memory of the process.

    The pages remain in the cache of the system, and reading them again maps them again.

    Args:
        array: Array; for anything but a large memory map, or a view of one, nothing happens.

    Example:
        >>> import numpy as np
        >>> from cornu.training.memory_maps import release_pages
        >>> release_pages(np.ones(3))
    """
    pages = _pages_of(array)
    if pages is not None:
        pages.madvise(mmap.MADV_DONTNEED)


def _pages_of(array: DataArray) -> mmap.mmap | None:
    """Return the pages of a large memory map, or None; changes that are not in the file (``mode="c"``) would be lost."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base  # type: ignore[assignment]
    pages = array._mmap if isinstance(array, np.memmap) and array.mode != "c" else None  # type: ignore[attr-defined]
    is_large = isinstance(pages, mmap.mmap) and len(pages) >= _LARGE and hasattr(mmap, "MADV_DONTNEED")
    return pages if is_large else None
