"""Locations of the dataset files: an existing folder, or Cornu's cache folder after a download."""

import os
from pathlib import Path
from typing import NamedTuple

import platformdirs

from cornu.io.download import Checksum, fetch


class Source(NamedTuple):
    """Published file of a dataset.

    Attributes:
        name: String, path of the file relative to the cache folder.
        url: String, address of the file.
        checksum: ``Checksum`` with which the downloaded file is verified.
        size: Integer, size in bytes.
        also: Tuple of alternative paths relative to the cache folder. Defaults to ``()``.
        shared_name: String, alternative path that a file of another dataset may have too, so that its checksum is verified.
            Defaults to ``""`` (none).

    Example:
        >>> Source("a.npz", "https://example.org/a.npz", checksum=Checksum("00"), size=3).also
        ()
    """

    name: str
    url: str
    checksum: Checksum
    size: int
    also: tuple[str, ...] = ()
    shared_name: str = ""


def cache_folder() -> Path:
    """Return the dataset folder of Cornu: ``CORNU_DATASETS``, or ``cornu/datasets`` in the user's cache folder.

    The user's cache folder depends on the operating system; on Linux it is ``XDG_CACHE_HOME``, which defaults to ``~/.cache``.

    Example:
        >>> os.environ["CORNU_DATASETS"] = "/data/images"
        >>> cache_folder().as_posix()
        '/data/images'
        >>> del os.environ["CORNU_DATASETS"]
    """
    if chosen := os.environ.get("CORNU_DATASETS"):
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("cornu", appauthor=False).expanduser() / "datasets"


def keras_home() -> Path:
    """Return the folder of Keras: ``KERAS_HOME``, or ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


def keras_folder() -> Path:
    """Return the dataset folder of Keras, in :func:`keras_home`. The datasets of Cornu are only read from it."""
    return keras_home() / "datasets"


def get_path(source: Source) -> Path:
    """Return the local path of a published file, after downloading the file if necessary.

    The checksum of an existing file is not verified; the dataset readers validate its contents.

    Args:
        source: ``Source`` instance.

    Returns:
        ``Path`` of the file, or of the unpacked folder if ``source.also`` contains it and it exists.

    Raises:
        DataError: If the file does not exist and cannot be downloaded.
    """
    for folder in (cache_folder(), keras_folder()):
        for name in (source.name, *source.also):
            if (folder / name).exists():
                return folder / name
        if source.shared_name and _is_published(folder / source.shared_name, source):
            return folder / source.shared_name
    return fetch(source.url, cache_folder() / source.name, source.checksum, source.size)


def _is_published(path: Path, source: Source) -> bool:
    return path.is_file() and path.stat().st_size == source.size and source.checksum.matches(path)
