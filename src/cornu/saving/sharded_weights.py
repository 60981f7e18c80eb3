"""Weights distributed over several files of limited size, in the format of Keras 3.

``name.weights.json`` maps the path of each group of variables to the files ``name_00000.weights.h5``, ``name_00001.weights.h5``
and so on, next to it, that contain its arrays. When weights are saved again, the new files have other names than the previous
ones, which remain complete until the new ``name.weights.json`` replaces the old one.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cornu.errors import InvalidArgumentError, ModelFormatError, UnsafeModelError
from cornu.io.atomic import atomic_write
from cornu.saving import safe_json
from cornu.saving.h5_file import DatasetSpec
from cornu.saving.weight_paths import VariableGroup
from cornu.saving.weights_h5 import Store, WeightsFile, as_numpy, write_stores

_GIGABYTE = 1024**3
_MAX_SHARDS = 10_000


# --- Writing ----------------------------------------------------------------------------------------------------------


def write_shards(path: Path, groups: list[VariableGroup], max_shard_size: float) -> None:
    """Write variables to files of limited size.

    Args:
        path: Path of the map, ``name.weights.json``.
        groups: List returned by ``variable_groups``.
        max_shard_size: The largest size of the arrays of a file, in gigabytes (2**30 bytes).

    Raises:
        InvalidArgumentError: If a variable is larger than ``max_shard_size``.
    """
    shards = _distributed(groups, max_shard_size * _GIGABYTE)
    old, first = _names_of_previous(path), _first_free_number(path)
    weight_map: dict[str, list[str]] = {}
    for number, shard in enumerate(shards):
        name = _shard_name(path, first + number)
        with atomic_write(path.with_name(name)) as temporary:
            write_stores(temporary, shard)
        for store in shard:
            weight_map.setdefault(f"/{store.path}/vars".replace("//", "/"), []).append(name)
    sizes = {
        "total_size": sum(as_numpy(value).nbytes for shard in shards for store in shard for value in store.values.values())
    }
    names = {group: files[0] if len(files) == 1 else files for group, files in weight_map.items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(safe_json.write_json({"metadata": sizes, "weight_map": names}, "The map of the weights"))
    for name in old:
        path.with_name(name).unlink(missing_ok=True)
    beginning = path.with_name(_shard_name(path, 0))
    if not beginning.exists():  # Keras opens the file of this name first, whatever the map says
        with atomic_write(beginning) as temporary:
            write_stores(temporary, [])


def _distributed(groups: list[VariableGroup], limit: float) -> list[list[Store]]:
    """Return what each file stores; the variables of an owner may be distributed over several files."""
    shards: list[list[Store]] = [[]]
    size = 0.0
    for group in groups:
        shards[-1].append(Store(group.path, group.owner.name, {}))
        for name, value in group.to_store().items():
            needed = as_numpy(value).nbytes
            if needed > limit:
                raise InvalidArgumentError(
                    f"`max_shard_size` is {limit / _GIGABYTE:g} GB, and the variable {name!r} of {group.owner.name!r} has "
                    f"{needed:,} bytes.",
                    "Each variable must fit into one file.",
                    f"Pass at least `max_shard_size={needed / _GIGABYTE:.3g}`.",
                )
            if size + needed > limit:
                shards.append([Store(group.path, group.owner.name, {})])
                size = 0.0
            shards[-1][-1].values[name] = value
            size += needed
    return [[store for store in shard if store.values] for shard in shards]


def _base(path: Path) -> str:
    """Return the name of the map without its extensions, with which the names of the files begin."""
    return path.stem.replace(".weights", "")


def _shard_name(path: Path, number: int) -> str:
    return f"{_base(path)}_{number:05}.weights.h5"


def _first_free_number(path: Path) -> int:
    """Return the first number from which on no file has a name that a file of the map could have."""
    pattern = re.compile(rf"{re.escape(_base(path))}_(\d{{5,}})\.weights\.h5")
    found = [pattern.fullmatch(file.name) for file in path.parent.iterdir()] if path.parent.is_dir() else []
    return max((int(match[1]) for match in found if match is not None), default=-1) + 1


def _names_of_previous(path: Path) -> set[str]:
    """Return the names of the files of the map that will be replaced; other files are never removed."""
    try:
        return _names_in(path, path.name)
    except (OSError, ModelFormatError):  # there is no map, or it is damaged
        return set()


# --- Reading ----------------------------------------------------------------------------------------------------------


class ShardedWeights(contextlib.AbstractContextManager):
    """The weights in the files of a map, open for reading. Use it as a context manager.

    Args:
        path: Path of the map.
        source: Name of the map in error messages.

    Attributes:
        places: See :class:`~cornu.saving.weight_matching.StoredWeights`.

    Raises:
        ModelFormatError: If the map or a file is damaged or missing.
        UnsafeModelError: If the map names anything but files of weights next to it.
    """

    def __init__(self, path: Path, source: str):
        self._stack = contextlib.ExitStack()
        self._files: dict[tuple[str, str], WeightsFile] = {}
        self.places: dict[str, dict[str, DatasetSpec]] = {}
        with contextlib.ExitStack() as stack:
            for name in sorted(_names_in(path, source)):
                self._open(path.with_name(name), stack)
            self._stack = stack.pop_all()

    def _open(self, path: Path, stack: contextlib.ExitStack) -> None:
        if not path.is_file():
            raise ModelFormatError(
                f"The weights are distributed over several files, and {path.name!r} is missing.",
                "All files must be in the folder of the `.weights.json` file.",
                "Copy the folder again.",
            )
        weights = stack.enter_context(WeightsFile(path, repr(path.name)))
        for group, arrays in weights.places.items():
            for number, spec in arrays.items():
                self.places.setdefault(group, {})[number] = spec
                self._files[group, number] = weights

    def __exit__(self, *exception: Any) -> None:
        self._stack.close()

    def check_sizes(self, wanted: list[tuple[str, str]]) -> None:
        """Raise ``ModelFormatError`` if the declared size of some arrays is much larger than their size in the files."""
        for file in {id(file): file for file in self._files.values()}.values():
            file.check_sizes([place for place in wanted if self._files[place] is file])

    def read(self, path: str, number: str) -> np.ndarray:
        """Return one array: that of the index ``number`` in the group at ``path``."""
        return self._files[path, number].read(path, number)


def _names_in(path: Path, source: str) -> set[str]:
    """Return the names of the files of a map."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        found = safe_json.read_json(file.read(min(size, safe_json.MAX_BYTES + 1)), source)
    weight_map = found.get("weight_map")
    names = set(_flat(weight_map.values())) if isinstance(weight_map, dict) else set()
    if not names or len(names) > _MAX_SHARDS:
        raise ModelFormatError(
            f"{source} names {len(names)} files.",
            "The map of weights must contain an object `weight_map`, from the paths of layers to the names of files.",
            "The file is damaged or was not written by `save_weights(max_shard_size=...)`.",
        )
    for name in names:
        if not re.fullmatch(r"[^/\\:\0]+_\d{5,}\.weights\.h5", name):
            raise UnsafeModelError(
                f"{source} names the file {name!r:.80}.",
                "The map of weights may only name files such as 'model_00000.weights.h5', in its own folder.",
                "Do not trust this file.",
            )
    return names


def _flat(values: Any) -> Iterator[str]:
    for value in values:
        yield from map(str, value) if isinstance(value, list) else (str(value),)
