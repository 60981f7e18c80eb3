"""Where the files of the data sets are: in a folder that already has them, or downloaded into Cornu's cache."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import platformdirs

from cornu.io.download import fetch


class Source(NamedTuple):
    """A published file.

    Attributes:
        name: Its path inside the cache folder.
        url: Where it is published.
        sha256: Its SHA-256 sum; whatever is downloaded must have it.
        size: Its length in bytes.
        also: Other paths, relative to the cache folder, under which people have it.
        shared_name: One more such path, which a file of another data set may have as well: there the sum must be right.

    Example:
        >>> Source("a.npz", "https://example.org/a.npz", sha256="00", size=3).also
        ()
    """

    name: str
    url: str
    sha256: str
    size: int
    also: tuple[str, ...] = ()
    shared_name: str = ""


def cache_folder() -> Path:
    """The folder of Cornu's data sets: ``CORNU_DATASETS``, or ``cornu/datasets`` in the user's cache folder.

    The user's cache folder is that of the system: on Linux ``~/.cache``, or ``XDG_CACHE_HOME`` if that is set.

    Example:
        >>> os.environ["CORNU_DATASETS"] = "/data/pictures"
        >>> cache_folder().as_posix()
        '/data/pictures'
        >>> del os.environ["CORNU_DATASETS"]
    """
    if chosen := os.environ.get("CORNU_DATASETS"):
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("cornu", appauthor=False).expanduser() / "datasets"


def keras_folder() -> Path:
    """Keras's own folder of data sets, which Cornu reads and never writes: in ``KERAS_HOME``, by default ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


def get_path(source: Source) -> Path:
    """The path of a published file on this machine; downloads it if nobody has done so yet.

    A file that is already there is taken as it is, without its checksum: what reads it looks at it closely.

    Args:
        source: The file.

    Returns:
        The path of a file (or of the unpacked folder, if ``also`` names one and it is there).

    Raises:
        DataError: The file is nowhere and cannot be downloaded.
    """
    for folder in (cache_folder(), keras_folder()):
        for name in (source.name, *source.also):
            if (folder / name).exists():
                return folder / name
        if source.shared_name and _is_published(folder / source.shared_name, source):
            return folder / source.shared_name
    return fetch(source.url, cache_folder() / source.name, source.sha256, source.size)


def _is_published(path: Path, source: Source) -> bool:
    if not path.is_file() or path.stat().st_size != source.size:
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == source.sha256
