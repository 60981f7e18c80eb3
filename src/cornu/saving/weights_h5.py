"""The weights file format of Keras 3: HDF5 files that contain only numerical arrays.

The declared arrays are listed before any data are read, and a file with links to other files raises an error.
"""

import zlib
from collections.abc import Iterator
from os import PathLike
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np

from cornu import ops
from cornu.core.variable import Variable
from cornu.errors import ModelFormatError, UnsafeModelError
from cornu.saving.weight_paths import VariableGroup

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_RANK = 32
"""Limits of the contents of a weights file."""

_FREE_BYTES = 16 * 2**20
_MAX_RATIO = 200
"""Limits of the declared size: at most ``_FREE_BYTES + _MAX_RATIO * stored bytes``."""

_KNOWN_FILTERS = (1, 2, 3)
"""HDF5's built-in compression, shuffle and checksum filters; others would load a library."""


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


# --- Writing ----------------------------------------------------------------------------------------------------------


def write_weights(file: str | PathLike | IO[bytes], groups: list[VariableGroup]) -> None:
    """Write variables to a weights file.

    Args:
        file: Path, or binary file object that can be read, written and seeked.
        groups: List returned by ``variable_groups``.
    """
    import h5py

    datasets: dict[int, Any] = {}
    with h5py.File(file, "w") as root:
        for group in groups:
            parent = root.require_group(f"{group.path}/vars")
            parent.attrs["name"] = group.owner.name
            for name, value in group.to_store().items():
                if id(value) in datasets:  # of an optimizer inside another one: a second name of the same array
                    parent[name] = datasets[id(value)]
                    continue
                array = np.asarray(ops.convert_to_numpy(value))
                written = parent.create_dataset(name, data=array)
                if isinstance(value, Variable):
                    datasets[id(value)] = written
                written.attrs["crc32"] = _checksum(array)
                if array.dtype.name == "bfloat16":
                    written.attrs["dtype"] = "bfloat16"


def _checksum(array: np.ndarray) -> np.uint32:
    return np.uint32(zlib.crc32(np.ascontiguousarray(array).tobytes()))


# --- Reading ----------------------------------------------------------------------------------------------------------


class WeightsFile:
    """Weights file open for reading. Use it as a context manager.

    Args:
        file: Binary file object, open for reading.
        source: String, name of the file in error messages.

    Attributes:
        places: Dict that maps the path of a group to a dict that maps the index of an array to its ``DatasetSpec``, as in
            ``places["layers/dense"]["0"].shape``.

    Raises:
        ModelFormatError: If the file is not an HDF5 file, is damaged, or exceeds the limits of a weights file.
        UnsafeModelError: If the file contains a link to another file.
    """

    def __init__(self, file: BinaryIO, source: str):
        import h5py

        self._source = source
        self._objects = 0
        self.places: dict[str, dict[str, DatasetSpec]] = {}
        try:
            self._root = h5py.File(file, "r")
            self._list(self._root)
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError, OverflowError) as error:
            if isinstance(error, ModelFormatError):
                raise
            raise _damaged(source, error) from None

    def __enter__(self) -> "WeightsFile":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._root.close()

    def is_of_keras_2(self) -> bool:
        """Return whether the file has the format of Keras 1 and 2, which store the layer names at the root or in a group."""
        return "layer_names" in self._root.attrs or "model_config" in self._root.attrs or "model_weights" in self._root

    def _list(self, root: Any) -> None:
        """Add the declared arrays to :attr:`places`. A group that was already visited (a cycle) is skipped."""
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
                        stack.append((full, child, depth + 1))
                elif isinstance(child, h5py.Dataset):
                    self._enter(full, child)

    def _children(self, path: str, group: Any, depth: int) -> Iterator[tuple[str, Any]]:
        import h5py

        self._objects += len(group)
        if self._objects > MAX_OBJECTS or depth > MAX_DEPTH:
            raise ModelFormatError(
                f"{self._source} contains more than {MAX_OBJECTS:,} objects or more than {MAX_DEPTH} levels.",
                "A weights file contains one group per layer and one dataset per array.",
                "The file was not written by Keras or Cornu: do not load it.",
            )
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UnsafeModelError(
                    f"{self._source}: `{path}/{name}` is a link to another location.",
                    "A weights file must contain its arrays itself.",
                    "Do not trust this file.",
                )
            yield name, group[name]

    def _enter(self, path: str, dataset: Any) -> None:
        properties = dataset.id.get_create_plist()
        filters = {properties.get_filter(number)[0] for number in range(properties.get_nfilters())}
        if dataset.is_virtual or dataset.external or filters - set(_KNOWN_FILTERS):
            raise UnsafeModelError(
                f"{self._source}: the array `{path}` is stored in another file, or requires a filter library.",
                "A weights file must contain its arrays itself.",
                "Do not trust this file.",
            )
        owner, _, number = path.rpartition("/")
        if owner == "vars" or owner.endswith("/vars"):
            self.places.setdefault(owner[: -len("/vars")] if owner != "vars" else "", {})[number] = _declared(dataset)

    def check_size(self, wanted: list[tuple[str, str]]) -> None:
        """Raise an error if the declared size of some arrays is much larger than their size in the file.

        Args:
            wanted: List of tuples ``(path, index)`` of the arrays to read.

        Raises:
            ModelFormatError: If the declared size is too large.
        """
        stored = sum(self._root[f"{path}/vars/{number}"].id.get_storage_size() for path, number in wanted)
        declared = sum(self.places[path][number].nbytes for path, number in wanted)
        if declared > _FREE_BYTES + _MAX_RATIO * stored:
            raise ModelFormatError(
                f"{self._source} declares {declared:,} bytes of weights stored in {stored:,} bytes.",
                f"The compression ratio of weights can be at most {_MAX_RATIO}.",
                "The file is damaged, or was crafted to exhaust memory: do not load it.",
            )

    def read(self, path: str, number: str) -> np.ndarray:
        """Read one array.

        Args:
            path: String, path of the group.
            number: String, index of the array in its group.

        Returns:
            NumPy array; ``float32`` for an array of dtype ``bfloat16``.

        Raises:
            ModelFormatError: If the array is damaged.
        """
        dataset: Any = self._root[f"{path}/vars/{number}"]
        try:
            array = np.asarray(dataset[()])
            written = int(dataset.attrs["crc32"]) if "crc32" in dataset.attrs else None
        except (OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
            raise _damaged(self._source, error, f"the array `{path}/vars/{number}`") from None
        if written is not None and written != _checksum(array):
            raise _damaged(self._source, "the checksum differs", f"the array `{path}/vars/{number}`")
        if self.places[path][number].dtype == "bfloat16":
            return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        return array


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


def _damaged(source: str, error: str | Exception, what: str = "") -> ModelFormatError:
    return ModelFormatError(
        f"{source} cannot be read{': ' + what if what else ''} ({error}).",
        "It must be a complete HDF5 file as written by Keras or Cornu.",
        "The file is truncated or damaged: copy or download it again.",
    )
