"""The weights file: HDF5 with the paths that Keras 3 uses, written, and read as nothing but numbers.

What a file declares is listed before anything of it is read, and a file that points outside itself is refused whole.
"""

import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from cornu.errors import ModelFormatError, UnsafeModelError
from cornu.saving.weight_paths import VariableGroup

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_RANK = 32
"""Limits of what a weights file may hold."""

_FREE_BYTES = 16 * 2**20
_MAX_RATIO = 200
"""How much larger than the bytes it holds a file may claim to be: so many bytes, and so many times the bytes."""

_KNOWN_FILTERS = (1, 2, 3)
"""HDF5's own compression, shuffling and checksum; others would load a library."""


class DatasetSpec(NamedTuple):
    """What a file declares of one array.

    Attributes:
        shape: Its shape.
        dtype: NumPy's name of its dtype, ``"bfloat16"``, or ``""`` if it holds no plain numbers.
        nbytes: How many bytes it takes when it is read.
    """

    shape: tuple[int, ...]
    dtype: str
    nbytes: int


# --- Writing ----------------------------------------------------------------------------------------------------------


def write_weights(file: Any, places: list[VariableGroup]) -> None:
    """Writes the variables of some places.

    Args:
        file: A path, or a file that can be read, written and searched.
        places: What ``places_of`` gave.
    """
    import h5py

    with h5py.File(file, "w") as root:
        for place in places:
            group = root.require_group(f"{place.path}/vars")
            group.attrs["name"] = place.owner.name
            for number, variable in enumerate(place.variables):
                array = np.asarray(variable.numpy())
                written = group.create_dataset(str(number), data=array)
                written.attrs["crc32"] = _checksum(array)
                if variable.dtype == "bfloat16":
                    written.attrs["dtype"] = "bfloat16"


def _checksum(array: np.ndarray) -> np.uint32:
    return np.uint32(zlib.crc32(np.ascontiguousarray(array).tobytes()))


# --- Reading ----------------------------------------------------------------------------------------------------------


class WeightsFile:
    """A weights file that is open for reading: what it declares, and the arrays one by one. Use it in a ``with`` block.

    Args:
        file: The file, open for reading.
        source: What to call it in errors.

    Attributes:
        places: Path of a place to number to what is declared: ``places["layers/dense"]["0"].shape``.

    Raises:
        ModelFormatError: It is no HDF5 file, is damaged, or larger than such a file can be.
        UnsafeModelError: Something in it points out of the file.
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
        """Whether it is laid out as Keras 1 and 2 did, which wrote the names of the layers at the root or in a group."""
        return "layer_names" in self._root.attrs or "model_config" in self._root.attrs or "model_weights" in self._root

    def _list(self, root: Any) -> None:
        """Enters what the file declares into :attr:`places`. A group that is met again (a circle) is passed over."""
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
                f"{self._source} holds more than {MAX_OBJECTS:,} objects or more than {MAX_DEPTH} levels.",
                "A weights file has a group for each layer and an entry for each array.",
                "It was not written by Keras or Cornu.",
            )
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UnsafeModelError(
                    f"{self._source}: `{path}/{name}` is a link to somewhere else.",
                    "A weights file must hold its numbers itself.",
                    "Do not trust this file.",
                )
            yield name, group[name]

    def _enter(self, path: str, dataset: Any) -> None:
        properties = dataset.id.get_create_plist()
        filters = {properties.get_filter(number)[0] for number in range(properties.get_nfilters())}
        if dataset.is_virtual or dataset.external or filters - set(_KNOWN_FILTERS):
            raise UnsafeModelError(
                f"{self._source}: the numbers of `{path}` stand in another file, or need a library to be read.",
                "A weights file must hold its numbers itself.",
                "Do not trust this file.",
            )
        owner, _, number = path.rpartition("/")
        if owner == "vars" or owner.endswith("/vars"):
            self.places.setdefault(owner[: -len("/vars")] if owner != "vars" else "", {})[number] = _declared(dataset)

    def check_size(self, wanted: list[tuple[str, str]]) -> None:
        """Refuses arrays that claim to be much larger than the file is.

        Args:
            wanted: Paths and numbers of the arrays that will be read.
        """
        held = sum(self._root[f"{path}/vars/{number}"].id.get_storage_size() for path, number in wanted)
        claimed = sum(self.places[path][number].nbytes for path, number in wanted)
        if claimed > _FREE_BYTES + _MAX_RATIO * held:
            raise ModelFormatError(
                f"{self._source} claims to hold {claimed:,} bytes of weights in {held:,} bytes.",
                f"Weights do not shrink to less than a {_MAX_RATIO}th.",
                "The file is damaged or was made to fill your memory.",
            )

    def read(self, path: str, number: str) -> np.ndarray:
        """The numbers of one array; those of dtype ``bfloat16`` as ``float32``.

        Raises:
            ModelFormatError: They are damaged.
        """
        dataset: Any = self._root[f"{path}/vars/{number}"]
        try:
            array = np.asarray(dataset[()])
            written = int(dataset.attrs["crc32"]) if "crc32" in dataset.attrs else None
        except (OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
            raise _damaged(self._source, error, f"the numbers of `{path}/vars/{number}`") from None
        if written is not None and written != _checksum(array):
            raise _damaged(self._source, "the checksum differs", f"the numbers of `{path}/vars/{number}`")
        if self.places[path][number].dtype == "bfloat16":
            return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        return array


def _declared(dataset: Any) -> DatasetSpec:
    """What a dataset declares. Anything but plain numbers has no dtype here, and so fits no variable."""
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


def _damaged(source: str, error: Any, what: str = "") -> ModelFormatError:
    return ModelFormatError(
        f"{source} cannot be read{': ' + what if what else ''} ({error}).",
        "It must be a complete HDF5 file as Keras and Cornu write it.",
        "It is cut short or damaged: copy or download it again.",
    )
