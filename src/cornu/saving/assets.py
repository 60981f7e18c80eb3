"""Assets: files that layers save in addition to their weights, such as vocabularies, in the format of Keras 3.

A layer, or another owner of variables, saves assets by defining ``save_assets(dir)``, which writes files to a folder, and
``load_assets(dir)``, which reads them. In a ``.keras`` file they are the members ``assets/<path of the layer>/...``, with the
same path as the weights of the layer.
"""

import os
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from cornu.errors import InvalidArgumentError
from cornu.saving.weight_paths import Owner, VariableGroup

ASSETS = "assets"

_MAX_NAME, _MAX_DEPTH = 200, 32
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}
"""Names of devices on Windows, which are invalid file names."""


class Asset(NamedTuple):
    """Asset file of a layer.

    Attributes:
        name: String, name of the member of the archive, with ``/`` as the separator.
        file: ``Path`` of the file on the disk.
    """

    name: str
    file: Path


def is_usable(name: str) -> bool:
    """Return whether the name of a member is a relative path that is valid on every operating system.

    Example:
        >>> from cornu.saving.assets import is_usable
        >>> is_usable("assets/layers/lookup/vocabulary.txt"), is_usable("assets/../config.json")
        (True, False)
    """
    parts = name.split("/")
    return len(parts) <= _MAX_DEPTH and all(map(_is_usable_part, parts))


def folded(name: str) -> str:
    """Return the form of a name that is the same for all names that some file system takes for one.

    Example:
        >>> from cornu.saving.assets import folded
        >>> folded("Words/A\u0308") == folded("words/\u00e4")
        True
    """
    return unicodedata.normalize("NFC", name.lower())


def _is_usable_part(part: str) -> bool:
    return (
        0 < len(part) <= _MAX_NAME
        and part.isprintable()
        and not set(part) & set('\\:*?"<>|')
        and part == part.strip(" ").rstrip(".")
        and part.partition(".")[0].lower() not in _RESERVED
    )


# --- Writing ----------------------------------------------------------------------------------------------------------


class _Taken:
    """Names of the files and folders written so far, such that names are equal if a file system may not tell them apart."""

    def __init__(self):
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def accepts(self, name: str, is_folder: bool) -> bool:
        """Return whether a name is free, and take it with its folders."""
        parts = folded(name).split("/")
        paths = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        folders = paths if is_folder else paths[:-1]
        clashes = not self._files.isdisjoint(folders)
        if not is_folder:
            clashes = clashes or paths[-1] in self._files or paths[-1] in self._folders
            self._files.add(paths[-1])
        self._folders.update(folders)
        return not clashes


def write_assets(archive: zipfile.ZipFile, groups: list[VariableGroup]) -> None:
    """Write the assets of all owners to an archive.

    Args:
        archive: ``ZipFile`` open for writing.
        groups: List returned by ``variable_groups``.

    Raises:
        InvalidArgumentError: If ``save_assets`` wrote something other than a regular file, or a file whose name is not valid on
            every operating system.
    """
    taken = _Taken()
    for group in groups:
        save = _method(group.owner, "save_assets")
        if save is not None:
            with tempfile.TemporaryDirectory(prefix="cornu-assets-") as folder:
                save(folder)
                for asset in _files_in(Path(folder), group, taken):
                    archive.write(asset.file, asset.name)


def _method(owner: Owner, name: str) -> Callable | None:
    method = getattr(owner, name, None)
    return method if callable(method) else None


def _files_in(folder: Path, group: VariableGroup, taken: _Taken) -> Iterator[Asset]:
    """Yield the assets that an owner wrote to a folder."""
    for file in sorted(folder.rglob("*")):
        name = "/".join(part for part in (ASSETS, group.path, file.relative_to(folder).as_posix()) if part)
        is_plain = (file.is_dir() or file.is_file()) and not file.is_symlink()
        if not (is_plain and is_usable(name) and taken.accepts(name, file.is_dir())):
            raise InvalidArgumentError(
                f"`save_assets` of {group.owner.name!r} wrote {str(file.relative_to(folder))!r}.",
                "Assets must be regular files whose names are valid on every system and differ, ignoring case, from those of "
                "other assets and from the paths of layers.",
                "Use another name, or write the contents to a regular file.",
            )
        if file.is_file():
            yield Asset(name, file)


# --- Reading ----------------------------------------------------------------------------------------------------------


def load_assets(groups: list[VariableGroup], extract: Callable[[Path], None]) -> None:
    """Call ``load_assets`` of every owner that has assets.

    Args:
        groups: List returned by ``variable_groups``.
        extract: Function of a folder that extracts the members under ``assets/`` to it; called only if an owner defines
            ``load_assets``.
    """
    loaders = [(group, load) for group in groups if (load := _method(group.owner, "load_assets")) is not None]
    if not loaders:
        return
    with tempfile.TemporaryDirectory(prefix="cornu-assets-") as temporary:
        extract(Path(temporary))
        for group, load in loaders:
            folder = Path(temporary, ASSETS, *group.path.split("/"))
            if folder.is_dir():
                try:
                    load(os.fspath(folder))
                except Exception as error:
                    error.add_note(f"This happened in `load_assets` of {group.owner.name!r} ({type(group.owner).__name__}).")
                    raise
