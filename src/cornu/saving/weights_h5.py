"""The weights file format of Keras 3: HDF5 files that contain only numerical arrays.

The variables of the owner at ``path`` are the arrays ``path/vars/0``, ``path/vars/1`` and so on.
"""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np

from cornu import ops
from cornu.core.variable import Variable
from cornu.saving.h5_file import DatasetSpec, H5File, write_array
from cornu.saving.weight_paths import VariableGroup
from cornu.typing import ArrayLike

# --- Writing ----------------------------------------------------------------------------------------------------------


def write_weights(file: str | PathLike | IO[bytes], groups: list[VariableGroup]) -> None:
    """Write variables to a weights file.

    Args:
        file: Path, or binary file object that can be read, written and seeked.
        groups: List returned by ``variable_groups``.
    """
    write_stores(file, (Store(group.path, group.owner.name, group.to_store()) for group in groups))


class Store(NamedTuple):
    """What a file stores for one owner.

    Attributes:
        path: Path of the group.
        name: Name of the owner.
        values: Variables or arrays by their names in the group.
    """

    path: str
    name: str
    values: dict[str, Any]


def write_stores(file: str | PathLike | IO[bytes], stores: Iterable[Store]) -> None:
    """Write what owners store to a weights file.

    Args:
        file: Path, or binary file object that can be read, written and seeked.
        stores: Iterable of stores.
    """
    import h5py

    datasets: dict[int, Any] = {}
    with h5py.File(file, "w") as root:
        for store in stores:
            parent = root.require_group(f"{store.path}/vars")
            parent.attrs["name"] = store.name
            for name, value in store.values.items():
                if id(value) in datasets:  # of an optimizer inside another one: a second name of the same array
                    parent[name] = datasets[id(value)]
                    continue
                array = as_numpy(value)
                written = write_array(parent, name, array, array.dtype.name)
                if isinstance(value, Variable):
                    datasets[id(value)] = written


def as_numpy(value: ArrayLike) -> np.ndarray:
    """Return a variable or array as a NumPy array."""
    return np.asarray(ops.convert_to_numpy(value))


def array_path(path: str, number: str) -> str:
    """Return the path of an array: that of the index ``number`` in the group at ``path``."""
    return f"{path}/vars/{number}".lstrip("/")


# --- Reading ----------------------------------------------------------------------------------------------------------


def places_of(arrays: Mapping[str, DatasetSpec]) -> dict[str, dict[str, DatasetSpec]]:
    """Return the declarations of arrays by the path of their group and their index in it; others are left out.

    Args:
        arrays: Dict from the paths of arrays to their declarations.
    """
    places: dict[str, dict[str, DatasetSpec]] = {}
    for path, spec in arrays.items():
        owner, _, number = path.rpartition("/")
        if owner == "vars" or owner.endswith("/vars"):
            places.setdefault(owner.removesuffix("vars").removesuffix("/"), {})[number] = spec
    return places


class WeightsFile(H5File):
    """Weights file open for reading. Use it as a context manager.

    Args:
        file: Binary file object open for reading, or the path of a file.
        source: String, name of the file in error messages.

    Attributes:
        places: Dict that maps the path of a group to a dict that maps the index of an array to its ``DatasetSpec``, as in
            ``places["layers/dense"]["0"].shape``.

    Raises:
        ModelFormatError: If the file is not an HDF5 file, is damaged, or exceeds the limits of a weights file.
        UnsafeModelError: If the file contains a link to another file.
    """

    def __init__(self, file: BinaryIO | Path, source: str):
        super().__init__(file, source=source)
        self.places = places_of(self.datasets)

    def check_sizes(self, wanted: list[tuple[str, str]]) -> None:
        """Raise an error if the declared size of some arrays is much larger than their size in the file.

        Args:
            wanted: List of tuples ``(path, index)`` of the arrays to read.

        Raises:
            ModelFormatError: If the declared size is too large.
        """
        self.check_size(array_path(*place) for place in wanted)

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
        return self.read_array(array_path(path, number))
