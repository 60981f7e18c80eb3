"""Files of PyTorch, read as data: nothing that a file names is imported or called, and PyTorch is not needed.

``torch.save`` writes a pickle, which is a program that can call any object it names, and the values of the tensors in the
same file: in a zip archive, or, before PyTorch 1.6, one after the other. Here, the names that tensors need resolve to classes
that only record their arguments, and every other name raises an error.
"""

import io
import math
import pickle
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias, cast

import numpy as np

from cornu.errors import ModelFormatError
from cornu.validation import as_path

_DTYPES = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
}
"""The dtype of each kind of storage: ``torch.FloatStorage`` contains ``float32``."""

_MAGIC = 0x1950A86A20F9469CFC6C
_MAX_PICKLE_BYTES, _MAX_MEMO = 64 * 2**20, 2**22
"""Limits of the pickle: its size, and the largest index of its memo, which allocates memory."""
_CHECKPOINTS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training programs write the weights into a larger dict."""

_DAMAGE = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, MemoryError),
    *(ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError),
)
"""What reading a damaged file may raise."""


Content: TypeAlias = "dict | list | tuple | str | int | float | None"
"""What a pickle of data contains."""


class _Storage(NamedTuple):
    dtype: str
    key: str
    count: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


class _Dict(dict):
    """Replacement for an ordered dict, whose attributes are left out."""

    def __setstate__(self, state: dict) -> None: ...


def _tensor(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: bool | dict) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


_ALLOWED_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Dict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    **{("torch", f"{name}Storage"): dtype for name, dtype in _DTYPES.items()},
}


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED_NAMES:
            raise pickle.UnpicklingError(f"it refers to `{module}.{name}`, which is not allowed in a file of weights")
        return _ALLOWED_NAMES[module, name]

    def persistent_load(self, pid: tuple) -> _Storage:
        kind, dtype, key, _, count = pid[:5]
        if kind != "storage" or dtype not in _DTYPES.values():
            raise pickle.UnpicklingError("it has an unknown kind of storage")
        return _Storage(dtype, str(key), int(count))


def read_torch_state(path: str | PathLike) -> dict[str, np.ndarray]:
    """Read the tensors of a file that ``torch.save`` wrote, such as ``torch.save(model.state_dict(), path)``.

    Args:
        path: Path of the file.

    Returns:
        Dict from the names of the tensors to NumPy arrays; ``bfloat16`` becomes ``float32``. If the file is a checkpoint with
        the weights under a key such as ``"state_dict"``, those. A prefix ``"module."`` is removed.

    Raises:
        ModelFormatError: If the file contains anything but numbers, strings and dicts of tensors, or is damaged.

    Example:
        >>> from cornu.saving.torch_file import read_torch_state
        >>> state = read_torch_state("resnet50-0676ba61.pth")  # doctest: +SKIP
        >>> state["conv1.weight"].shape  # doctest: +SKIP
        (64, 3, 7, 7)
    """
    source = as_path(path)
    with open(source, "rb") as file:
        try:
            content, storages = (_read_zip if zipfile.is_zipfile(file) else _read_old)(file, source.stat().st_size)
        except _DAMAGE as error:
            raise _unreadable(source, str(error) or type(error).__name__) from None
    state = _weights_in(content)
    if not state:
        raise _unreadable(source, "it contains no dict of tensors")
    try:
        return {name.removeprefix("module."): _array(tensor, storages) for name, tensor in state.items()}
    except _DAMAGE as error:
        raise _unreadable(source, str(error)) from None


def _read_zip(file: BinaryIO, size: int) -> tuple[Content, dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("the archive was not written by `torch.save`")
        folder = pickles[0].removesuffix("data.pkl") + "data/"
        members = [archive.getinfo(pickles[0]), *(item for item in archive.infolist() if item.filename.startswith(folder))]
        if sum(item.file_size for item in members) > size or any(item.compress_type for item in members):
            raise ValueError("its parts are compressed, or larger than the file")
        content = _load(io.BytesIO(archive.read(pickles[0])))
        return content, {item.filename.removeprefix(folder): archive.read(item) for item in members[1:]}


def _read_old(file: BinaryIO, size: int) -> tuple[Content, dict[str, bytes]]:
    file.seek(0)
    if _load(file) != _MAGIC:
        raise ValueError("it was not written by `torch.save`")
    for _ in ("the version of the format", "the sizes of integers"):
        _load(file)
    content, keys = _load(file), _load(file)
    dtypes = {item.storage.key: item.storage.dtype for item in _tensors(content)}
    storages = {}
    for key in cast(list, keys):
        count = int.from_bytes(file.read(8), "little")
        length = count * (2 if dtypes[key] == "bfloat16" else np.dtype(dtypes[key]).itemsize)
        if length > size:
            raise ValueError("a tensor is larger than the file")
        storages[key] = file.read(length)
    return content, storages


def _load(file: BinaryIO) -> Content:
    """Read a pickle at the position of a file, after a check of what its instructions allocate."""
    start = file.tell()
    for instruction, argument, place in pickletools.genops(file):
        index = int(cast(Any, argument)) if "PUT" in instruction.name else 0
        if index > _MAX_MEMO or cast(int, place) - start > _MAX_PICKLE_BYTES:
            raise pickle.UnpicklingError("it is too large for a list of tensors")
    end = file.tell()
    file.seek(start)
    content = _DataOnly(io.BytesIO(file.read(end - start))).load()
    file.seek(end)
    return content


def _tensors(tree: Content) -> Iterator[_Tensor]:
    if isinstance(tree, _Tensor):
        yield tree
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from _tensors(part)
    elif isinstance(tree, (list, tuple)) and not isinstance(tree, _Storage):
        for part in tree:
            yield from _tensors(part)


def weights_of(checkpoint: Mapping) -> Mapping:
    """Return the dict of weights in a checkpoint of a training program, which has it under a key; another dict as it is.

    Example:
        >>> from cornu.saving.torch_file import weights_of
        >>> weights_of({"epoch": 3, "state_dict": {"fc.bias": 0}})
        {'fc.bias': 0}
    """
    inner = next((checkpoint[key] for key in _CHECKPOINTS if isinstance(checkpoint.get(key), Mapping)), None)
    return checkpoint if inner is None else weights_of(inner)


def _weights_in(content: Content) -> dict[str, _Tensor]:
    """Return the dict of tensors in a file."""
    if not isinstance(content, dict):
        return {}
    return {str(name): tensor for name, tensor in weights_of(content).items() if isinstance(tensor, _Tensor)}


def _array(tensor: _Tensor, storages: dict[str, bytes]) -> np.ndarray:
    dtype = "uint16" if tensor.storage.dtype == "bfloat16" else tensor.storage.dtype
    values = np.frombuffer(storages[tensor.storage.key], dtype)
    shape, strides = tuple(map(int, tensor.shape)), tuple(map(int, tensor.strides))
    reach = tensor.offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if min((*shape, *strides, tensor.offset), default=0) < 0 or math.prod(shape) > max(values.size, 1):
        raise ValueError("a tensor has an invalid shape")
    if math.prod(shape) and reach >= values.size:
        raise ValueError("a tensor is larger than its storage")
    steps = tuple(stride * values.itemsize for stride in strides)
    array = np.lib.stride_tricks.as_strided(values[tensor.offset :], shape, steps).copy()
    if tensor.storage.dtype == "bfloat16":
        return (array.astype("uint32") << 16).view("float32")
    return array


def _unreadable(source: Path, reason: str) -> ModelFormatError:
    return ModelFormatError(
        f"'{source.name}' cannot be read: {reason}.",
        "It must be a file of `torch.save(model.state_dict(), path)`: a dict of tensors.",
        "In PyTorch, load the file, and save the dict of its weights alone.",
    )
