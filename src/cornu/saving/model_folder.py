"""Models saved as a folder (``model.save(path, zipped=False)``) that holds the members of a ``.keras`` file as files."""

import contextlib
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from cornu.errors import ModelFormatError, UnsafeModelError
from cornu.io.atomic import publish
from cornu.saving import safe_json
from cornu.saving.assets import ASSETS, is_usable
from cornu.saving.keras_archive import CONFIG, METADATA, WEIGHTS, parse_metadata, write_archive
from cornu.saving.weight_paths import VariableGroup


def write_folder(path: Path, config: dict[str, Any], extras: dict[str, Any], groups: list[VariableGroup]) -> None:
    """Write a model folder. Existing files of a model are replaced when the new ones are complete; other files are kept.

    Args:
        path: Path of the folder, which is created if it does not exist.
        config: Dict, config of the model.
        extras: Dict of Cornu's additional metadata.
        groups: List returned by ``variable_groups``.
    """
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cornu-", dir=path) as temporary:
        packed = Path(temporary, "packed")
        write_archive(packed, config, extras, groups)
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(temporary)
            names = archive.namelist()
        if (path / ASSETS).is_dir() and not (path / ASSETS).is_symlink():
            shutil.rmtree(path / ASSETS)
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            publish(Path(temporary, name), path / name)


def is_model_folder(path: Path) -> bool:
    """Return whether a path is that of a folder with the config of a model."""
    return path.is_dir() and (path / CONFIG).exists()


class Folder(contextlib.AbstractContextManager):
    """Model folder open for reading, with the methods of ``Archive``. Use it as a context manager.

    Args:
        path: Path of the folder.
        source: String, name of the folder in error messages.

    Raises:
        ModelFormatError: If a file is missing.
        UnsafeModelError: If a file is a link.
    """

    def __init__(self, path: Path, source: str):
        self._path, self._source = path, source
        for name in (METADATA, CONFIG, WEIGHTS):
            if not (path / name).exists():
                raise ModelFormatError(
                    f"{source} has no file `{name}`.",
                    f"A model folder must contain `{METADATA}`, `{CONFIG}` and `{WEIGHTS}`.",
                    "Save the model again with `zipped=False`.",
                )
            self._check(path / name)

    def _check(self, file: Path) -> None:
        if file.is_symlink() or not file.is_file():
            raise UnsafeModelError(
                f"{self._source}: {str(file.relative_to(self._path))!r} is a link, or not a regular file.",
                "A model folder must contain its files itself.",
                "Do not trust this folder; if the links are yours, copy the files in their places.",
            )

    def __exit__(self, *exception: Any) -> None:
        """End the block; no file is kept open."""

    def _read(self, name: str) -> bytes:
        with open(self._path / name, "rb") as file:
            return file.read(safe_json.MAX_BYTES + 1)

    def metadata(self) -> dict[str, Any]:
        """Return the metadata (see ``Archive.metadata``)."""
        return parse_metadata(self._read(METADATA), f"{self._source}: {METADATA}")

    def config(self) -> dict[str, Any]:
        """Return the config of the model as a dict."""
        return safe_json.read_json(self._read(CONFIG), f"{self._source}: {CONFIG}")

    def weights(self, expected: int) -> Path:
        """Return the path of the weights file; its size is not compared, since it is not unpacked."""
        return self._path / WEIGHTS

    def extract_assets(self, folder: Path) -> None:
        """Copy the assets to an empty folder.

        Raises:
            UnsafeModelError: If an asset is a link, or its name is not valid on every system.
        """
        for file in sorted((self._path / ASSETS).rglob("*")):
            name = file.relative_to(self._path).as_posix()
            if file.is_dir() and not file.is_symlink():
                continue
            self._check(file)
            if not is_usable(name):
                raise UnsafeModelError(
                    f"{self._source} has an asset named {name!r}.",
                    "The names of assets must be valid on every system.",
                    "Do not trust this folder.",
                )
            target = folder.joinpath(*name.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
