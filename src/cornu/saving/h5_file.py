"""Inspection of HDF5 files from any source: everything that a file declares is listed and checked before data are read.

A file with links to other files, with data in other files, or with a filter that would load a library, raises an error.
"""

import contextlib
import functools
import itertools
import math
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from cornu.errors import ModelFormatError, UnsafeModelError

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_RANK = 32
MAX_ATTRIBUTE_BYTES = 16 * 2**20
"""Limits of the contents of a file."""

_FREE_BYTES = 16 * 2**20
_MAX_RATIO = 200
"""Limits of the declared size: at most ``_FREE_BYTES + _MAX_RATIO * stored bytes``."""

_KNOWN_FILTERS = (1, 2, 3)
"""HDF5's built-in compression, shuffle and checksum filters; others would load a library."""

_BYTES_PER_STRING = 16
"""The least that a file needs for an element of a list of strings: a reference to its characters."""

_MAX_SHARED_BYTES = 2**30
"""The most that strings of variable length in a list may take: all of them may refer to the longest string in the file."""

_STRINGS = re.compile(rb"GCOL\x01.{3}(.{8})", re.DOTALL)
"""The head of a collection of strings of variable length, a "global heap collection" of the HDF5 format, with its size."""
_CHUNK = 2**22
"""Number of bytes in which a file is searched for such collections."""

_H5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError, OverflowError)
"""What h5py raises for a damaged file."""

_MAX_PARTS = 1000
"""The most attributes over which Keras distributes a list of names that is too long for one."""


class DatasetSpec(NamedTuple):
    """Declaration of one array in a file.

    Attributes:
        shape: Tuple of integers, shape of the array.
        dtype: String, name of the NumPy dtype, ``"bfloat16"``, or ``""`` if the array is not numerical.
        nbytes: Integer, size of the array in memory in bytes.
    """

    shape: tuple[int, ...]
    dtype: str
    nbytes: int


class H5File(contextlib.AbstractContextManager):
    """HDF5 file open for reading. Use it as a context manager.

    Args:
        file: Binary file object open for reading, or the path of a file.
        source: String, name of the file in error messages.

    Attributes:
        datasets: Dict that maps the path of each array to its ``DatasetSpec``, as in ``datasets["layers/dense/vars/0"].shape``.
        groups: Set of the paths of the groups; the root is ``""``.

    Raises:
        ModelFormatError: If the file is not an HDF5 file, is damaged, or exceeds the limits of the contents.
        UnsafeModelError: If the file contains a link to another file.
    """

    def __init__(self, file: BinaryIO | Path, source: str):
        import h5py

        self.source, self._file = source, file
        self._objects = 0
        self.datasets: dict[str, DatasetSpec] = {}
        self.groups: set[str] = {""}
        try:
            self._root = h5py.File(file, "r")
            self._list(self._root)
        except _H5_ERRORS as error:
            if isinstance(error, ModelFormatError):
                raise
            raise damaged(source, error) from None

    def __exit__(self, *exception: Any) -> None:
        self._root.close()

    def _list(self, root: Any) -> None:
        """Add the declared arrays to :attr:`datasets`. A group that was already visited (a cycle) is skipped."""
        import h5py
        from h5py import h5o  # pyright: ignore[reportAttributeAccessIssue] - a compiled module

        seen = {h5o.get_info(root.id).addr}
        stack = [("", root, 0)]
        while stack:
            path, group, depth = stack.pop()
            for name, child in self._children(path, group, depth):
                full = f"{path}/{name}".lstrip("/")
                if isinstance(child, h5py.Group):
                    address = h5o.get_info(child.id).addr
                    if address not in seen:
                        seen.add(address)
                        self.groups.add(full)
                        stack.append((full, child, depth + 1))
                elif isinstance(child, h5py.Dataset):
                    self._enter(full, child)

    def _children(self, path: str, group: Any, depth: int) -> Iterator[tuple[str, Any]]:
        import h5py

        self._objects += len(group)
        if self._objects > MAX_OBJECTS or depth > MAX_DEPTH:
            raise ModelFormatError(
                f"{self.source} contains more than {MAX_OBJECTS:,} objects or more than {MAX_DEPTH} levels.",
                "A weights file contains one group per layer and one dataset per array.",
                "The file was not written by Keras or Cornu: do not load it.",
            )
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UnsafeModelError(
                    f"{self.source}: `{path}/{name}` is a link to another location.",
                    "A weights file must contain its arrays itself.",
                    "Do not trust this file.",
                )
            yield name, group[name]

    def _enter(self, path: str, dataset: Any) -> None:
        properties = dataset.id.get_create_plist()
        filters = {properties.get_filter(number)[0] for number in range(properties.get_nfilters())}
        if dataset.is_virtual or dataset.external or filters - set(_KNOWN_FILTERS):
            raise UnsafeModelError(
                f"{self.source}: the array `{path}` is stored in another file, or requires a filter library.",
                "A weights file must contain its arrays itself.",
                "Do not trust this file.",
            )
        self.datasets[path] = _declared(dataset)

    # --- Attributes ---------------------------------------------------------------------------------------------------

    def has_attribute(self, name: str, group: str = "") -> bool:
        """Return whether there is a group that has an attribute; raise ``ModelFormatError`` if the file is damaged there."""
        try:
            return group in self.groups and name in self._root[group or "/"].attrs
        except _H5_ERRORS as error:
            raise damaged(self.source, error, f"the attribute `{name}`") from None

    def text(self, name: str, group: str = "") -> str | None:
        """Return an attribute that is a string; None if there is none.

        Args:
            name: Name of the attribute.
            group: Path of the group. Defaults to the root.

        Raises:
            ModelFormatError: If the attribute is not a string, or is too large.
        """
        if not self.has_attribute(name, group):
            return None
        value = self._attribute(name, group)
        texts = [value] if isinstance(value, (bytes, str)) else []
        return self._decoded(texts, name, group)[0] if texts else self._refuse(name, group, "a string")

    def texts(self, name: str, group: str = "") -> list[str]:
        """Return an attribute that is a list of strings, which Keras distributes over several attributes if it is long.

        Args:
            name: Name of the attribute.
            group: Path of the group. Defaults to the root.

        Raises:
            ModelFormatError: If the attribute is missing or is not a list of strings, or is too large.
        """
        if self.has_attribute(name, group):
            parts = [name]
        else:
            numbered = (f"{name}{number}" for number in range(_MAX_PARTS))
            parts = list(itertools.takewhile(lambda part: self.has_attribute(part, group), numbered))
        if sum(self._declared_size(part, group) for part in parts) > MAX_ATTRIBUTE_BYTES:
            self._refuse(name, group, f"a list of at most {MAX_ATTRIBUTE_BYTES:,} bytes")
        found: list[str] = []
        for part in parts or [name]:
            value = self._attribute(part, group)
            is_list = isinstance(value, np.ndarray) and value.ndim == 1
            if not is_list or any(not isinstance(text, (bytes, str)) for text in value):  # an empty list has a dtype of floats
                self._refuse(part, group, "a list of strings")
            found += self._decoded(list(value), part, group)
        return found

    def _declared_size(self, name: str, group: str) -> int:
        """Return the size of an attribute in bytes, after checks of what reading it may allocate."""
        if group not in self.groups:
            raise damaged(self.source, "there is no such group", f"the attribute `{name}` of `{group}`")
        try:
            declared = self._root[group or "/"].attrs.get_id(name)
            count, dtype, file_size = math.prod(declared.shape), declared.dtype, self._root.id.get_filesize()
        except _H5_ERRORS as error:
            raise damaged(self.source, error, f"the attribute `{name}`") from None
        size = count * dtype.itemsize
        if size > MAX_ATTRIBUTE_BYTES:
            raise damaged(self.source, f"it declares {size:,} bytes", f"the attribute `{name}`")
        if count > max(1, file_size // _BYTES_PER_STRING):
            self._refuse(name, group, "a list that fits into the file")
        longest = self._longest_string if dtype.kind == "O" and count * file_size > _MAX_SHARED_BYTES else 0
        if count > 1 and count * longest > _MAX_SHARED_BYTES:
            self._refuse(name, group, f"a list of strings that takes at most {_MAX_SHARED_BYTES:,} bytes")
        return size

    @functools.cached_property
    def _longest_string(self) -> int:
        """A number of bytes that no string of variable length in the file exceeds: the size of the largest collection."""
        sizes, position = [0], 0
        with open(self._file, "rb") if isinstance(self._file, Path) else contextlib.nullcontext(self._file) as file:
            while True:
                file.seek(position)
                part = file.read(_CHUNK + 16)  # a head may begin at the end of a chunk
                sizes += [int.from_bytes(head[1], "little") for head in _STRINGS.finditer(part)]
                position += _CHUNK
                if len(part) <= _CHUNK:
                    return max(sizes)

    def _attribute(self, name: str, group: str) -> Any:
        """Return the value of an attribute after its declared size was checked."""
        self._declared_size(name, group)
        try:
            return self._root[group or "/"].attrs[name]
        except _H5_ERRORS as error:
            raise damaged(self.source, error, f"the attribute `{name}`") from None

    def _decoded(self, texts: list, name: str, group: str) -> list[str]:
        try:
            return [text.decode("utf-8") if isinstance(text, bytes) else text for text in texts]
        except UnicodeDecodeError:
            return self._refuse(name, group, "text in UTF-8")

    def _refuse(self, name: str, group: str, kind: str) -> Any:
        raise damaged(self.source, f"it must be {kind}", f"the attribute `{name}` of `{group}`")

    # --- Arrays -------------------------------------------------------------------------------------------------------

    def check_size(self, paths: Iterable[str]) -> None:
        """Raise an error if the declared size of some arrays is much larger than their size in the file.

        Args:
            paths: Paths of the arrays to read.

        Raises:
            ModelFormatError: If the declared size is too large.
        """
        wanted = set(paths)
        stored = sum(self._root[path].id.get_storage_size() for path in wanted)
        declared = sum(self.datasets[path].nbytes for path in wanted)
        if declared > _FREE_BYTES + _MAX_RATIO * stored:
            raise ModelFormatError(
                f"{self.source} declares {declared:,} bytes of weights stored in {stored:,} bytes.",
                f"The compression ratio of weights can be at most {_MAX_RATIO}.",
                "The file is damaged, or was crafted to exhaust memory: do not load it.",
            )

    def read_array(self, path: str) -> np.ndarray:
        """Read one array; ``float32`` for an array of dtype ``bfloat16``.

        Raises:
            ModelFormatError: If the array is damaged, or differs from its checksum.
        """
        dataset: Any = self._root[path]
        try:
            array = np.asarray(dataset[()])
            written = int(dataset.attrs["crc32"]) if "crc32" in dataset.attrs else None
        except (OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
            raise damaged(self.source, error, f"the array `{path}`") from None
        if written is not None and written != checksum(array):
            raise damaged(self.source, "the checksum differs", f"the array `{path}`")
        if self.datasets[path].dtype == "bfloat16":
            return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        return array


def write_array(group: Any, name: str, array: np.ndarray, dtype: str) -> Any:
    """Write one array to an open file, and return the dataset.

    Args:
        group: HDF5 group.
        name: Path of the array in the group.
        array: NumPy array.
        dtype: Name of the dtype of the variable.
    """
    written = group.create_dataset(name, data=array)
    written.attrs["crc32"] = checksum(array)
    if dtype == "bfloat16":
        written.attrs["dtype"] = "bfloat16"
    return written


def checksum(array: np.ndarray) -> np.uint32:
    """Return the checksum that is stored with an array."""
    return np.uint32(zlib.crc32(np.ascontiguousarray(array).tobytes()))


def _declared(dataset: Any) -> DatasetSpec:
    """Return the declaration of a dataset. Its dtype is empty if it is not numerical, so that it matches no variable."""
    shape = tuple(dataset.shape) if dataset.shape is not None else (0,)
    dtype = dataset.dtype
    name = ""
    if dtype.kind in "fiub" and len(shape) <= MAX_RANK:
        name = dtype.newbyteorder("=").name
    elif dtype.kind == "V" and dtype.itemsize == 2 and dtype.fields is None and dataset.attrs.get("dtype") == "bfloat16":
        name = "bfloat16"
    size = dtype.itemsize
    for count in shape:
        size *= count
    return DatasetSpec(shape, name, size)


def damaged(source: str, error: str | Exception, what: str = "") -> ModelFormatError:
    """Return the error for a file that cannot be read.

    Args:
        source: Name of the file.
        error: The reason.
        what: The part of the file. Defaults to the whole file.
    """
    return ModelFormatError(
        f"{source} cannot be read{': ' + what if what else ''} ({error}).",
        "It must be a complete HDF5 file as written by Keras or Cornu.",
        "The file is truncated or damaged: copy or download it again.",
    )
