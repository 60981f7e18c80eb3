"""Weights in files of the format safetensors: the arrays of a weights file of Keras 3, with their paths as names.

See https://github.com/huggingface/safetensors. A file is read by the package ``safetensors``, which checks its header, and
contains nothing but arrays.
"""

import contextlib
import math
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from types import ModuleType

import numpy as np

from cornu.errors import MissingPackageError, ModelFormatError
from cornu.saving.h5_file import DatasetSpec
from cornu.saving.weight_paths import VariableGroup
from cornu.saving.weights_h5 import array_path, as_numpy, places_of

_DTYPES = {
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    "BF16": "bfloat16",
    "BOOL": "bool",
}
"""The dtype of each kind of array."""


def write_safetensors(path: str | PathLike, groups: list[VariableGroup]) -> None:
    """Write variables to a file.

    Args:
        path: Path of the file; an existing file is overwritten.
        groups: List returned by ``variable_groups``.

    Raises:
        MissingPackageError: If the package ``safetensors`` is not installed.
    """
    arrays = {
        array_path(group.path, name): np.asarray(as_numpy(value), order="C")
        for group in groups
        for name, value in group.to_store().items()
    }
    _package().numpy.save_file(arrays, path, metadata={"format": "np"})


class SafetensorsFile(contextlib.AbstractContextManager):
    """A file open for reading. Use it as a context manager.

    Args:
        path: Path of the file.

    Attributes:
        arrays: Dict from the names of the arrays to their declarations.
        places: See :class:`~cornu.saving.weight_matching.StoredWeights`.

    Raises:
        ModelFormatError: If the file is damaged or has another format.
        MissingPackageError: If the package ``safetensors`` is not installed.
    """

    def __init__(self, path: Path):
        self._package, self._source = _package(), repr(path.name)
        with self._errors():
            self._file = self._package.safe_open(path, framework="numpy")
            names: list[str] = self._file.keys()
            self.arrays = {name: self._declaration(name) for name in names}
        self.places = places_of(dict(sorted(self.arrays.items(), key=lambda item: (len(item[0]), item[0]))))  # 2 before 10

    def __exit__(self, *exception: BaseException | None) -> None:
        del self._file

    def _declaration(self, name: str) -> DatasetSpec:
        part = self._file.get_slice(name)
        shape, dtype = tuple(part.get_shape()), _DTYPES.get(part.get_dtype(), "")
        size = 2 if dtype == "bfloat16" else np.dtype(dtype or "uint8").itemsize
        return DatasetSpec(shape, dtype, math.prod(shape) * size)

    def _errors(self) -> contextlib.AbstractContextManager:
        return _damage(self._source, self._package.SafetensorError)

    def check_sizes(self, wanted: list[tuple[str, str]]) -> None:
        """Return: the package has compared the declared sizes with the size of the file."""

    def read(self, path: str, number: str) -> np.ndarray:
        """Return one array: that of the index ``number`` in the group at ``path``."""
        return self.read_array(array_path(path, number))

    def read_array(self, name: str) -> np.ndarray:
        """Return the array of a name; ``float32`` for one of dtype ``bfloat16``.

        Raises:
            ModelFormatError: If its dtype is not one of NumPy.
        """
        import ml_dtypes  # noqa: F401 (NumPy then knows the dtype `bfloat16`)

        if not self.arrays[name].dtype:
            raise _unreadable(self._source, f"{name!r} has the dtype {self._file.get_slice(name).get_dtype()}")
        with self._errors():
            array = self._file.get_tensor(name)
        return array.astype("float32") if self.arrays[name].dtype == "bfloat16" else array


def read_safetensors(path: str | PathLike) -> dict[str, np.ndarray]:
    """Return all arrays of a file by their names.

    Args:
        path: Path of the file.

    Raises:
        ModelFormatError: If the file is damaged or has another format.
        MissingPackageError: If the package ``safetensors`` is not installed.
    """
    with SafetensorsFile(Path(path)) as file:
        return {name: file.read_array(name) for name in file.arrays}


def _package() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError:
        raise MissingPackageError(
            "A `.safetensors` file is read or written.",
            "That requires the package `safetensors`, which is not installed.",
            "Install it: `pip install safetensors`.",
        ) from None
    return safetensors


@contextlib.contextmanager
def _damage(source: str, error_class: type[Exception]) -> Iterator[None]:
    try:
        yield
    except error_class as error:
        raise _unreadable(source, str(error)) from None


def _unreadable(source: str, reason: str) -> ModelFormatError:
    return ModelFormatError(
        f"{source} cannot be read: {reason}.",
        "It must be a complete file of the format safetensors.",
        "Restore it from the original, or download it again.",
    )
