"""The files that layers keep beside their weights, such as vocabularies, in the layout of Keras 3.

A layer, or another owner of variables, that defines ``save_assets(dir)`` and ``load_assets(dir)`` writes files into a folder
and reads them from one. In a ``.keras`` file they are the members ``assets/<path of the layer>/...``, with the paths that
weights have.
"""

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cornu.errors import InvalidArgumentError
from cornu.saving.weight_paths import VariableGroup

ASSETS = "assets"

_MAX_NAME, _MAX_DEPTH = 200, 32
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}
"""Names that are devices on Windows."""


class Asset(NamedTuple):
    """A file of an owner.

    Attributes:
        name: Its name in the archive, with ``/``.
        file: Where it is on the disk.
    """

    name: str
    file: Path


def is_usable(name: str) -> bool:
    """Return whether a name in an archive is a relative path that every system takes as it is.

    Example:
        >>> from cornu.saving.assets import is_usable
        >>> is_usable("assets/layers/lookup/vocabulary.txt"), is_usable("assets/../config.json")
        (True, False)
    """
    parts = name.split("/")
    return len(parts) <= _MAX_DEPTH and all(map(_is_usable_part, parts))


def _is_usable_part(part: str) -> bool:
    return (
        0 < len(part) <= _MAX_NAME
        and part.isprintable()
        and not set(part) & set('\\:*?"<>|')
        and part == part.strip(" ").rstrip(".")
        and part.partition(".")[0].lower() not in _RESERVED
    )


# --- Writing ----------------------------------------------------------------------------------------------------------


def write_assets(archive: zipfile.ZipFile, places: list[VariableGroup]) -> None:
    """Write the files of all owners into an archive.

    Args:
        archive: A zip that is open for writing.
        places: What ``places_of`` returned.

    Raises:
        InvalidArgumentError: An owner left something that is no plain file, or a name that another system would not take.
    """
    seen: set[str] = set()
    for place in places:
        save = _method(place.owner, "save_assets")
        if save is not None:
            with tempfile.TemporaryDirectory(prefix="cornu-assets-") as folder:
                save(folder)
                for asset in _files_in(Path(folder), place, seen):
                    archive.write(asset.file, asset.name)


def _method(owner: Any, name: str) -> Callable | None:
    method = getattr(owner, name, None)
    return method if callable(method) else None


def _files_in(folder: Path, place: VariableGroup, seen: set[str]) -> Iterator[Asset]:
    """Return the files that an owner left in a folder; ``seen`` holds the names that were used, in lower case."""
    for file in sorted(folder.rglob("*")):
        name = "/".join(part for part in (ASSETS, place.path, file.relative_to(folder).as_posix()) if part)
        is_plain = (file.is_dir() or file.is_file()) and not file.is_symlink()
        if not (is_plain and is_usable(name)) or name.lower() in seen:
            raise InvalidArgumentError(
                f"`save_assets` of {place.owner.name!r} left {str(file.relative_to(folder))!r}.",
                "Assets are plain files with names of their own that every system takes, also in lower case.",
                "Give it another name, or write its contents into an ordinary file.",
            )
        if file.is_file():
            seen.add(name.lower())
            yield Asset(name, file)


# --- Reading ----------------------------------------------------------------------------------------------------------


def load_assets(places: list[VariableGroup], extract: Callable[[Path], None]) -> None:
    """Let owners load their files, those that have some.

    Args:
        places: What ``places_of`` returned.
        extract: Writes the members under ``assets/`` into a folder; called only if an owner wants them.
    """
    loaders = [(place, load) for place in places if (load := _method(place.owner, "load_assets")) is not None]
    if not loaders:
        return
    with tempfile.TemporaryDirectory(prefix="cornu-assets-") as temporary:
        extract(Path(temporary))
        for place, load in loaders:
            folder = Path(temporary, ASSETS, *place.path.split("/"))
            if folder.is_dir():
                try:
                    load(os.fspath(folder))
                except Exception as error:
                    error.add_note(f"This happened in `load_assets` of {place.owner.name!r} ({type(place.owner).__name__}).")
                    raise
