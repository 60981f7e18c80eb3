"""Bounded reads of files, of gzip streams, and of the files in an archive or folder; safe extraction of archives."""

import contextlib
import errno
import gzip
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Protocol

from cornu.errors import DataError

_LARGEST = 256 * 2**20
"""Maximum number of bytes that are unpacked; CIFAR-10 and CIFAR-100 each need 0.72 times as many."""

_LARGEST_RATIO, _HARMLESS_SIZE = 250, 2**30
"""An extracted archive may have this many times the size of the file, and in any case 1 GiB."""

_MOST_MEMBERS = 10**7
"""Maximum number of files and folders in an archive."""


class Readable(Protocol):
    """File-like object open for reading."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes."""
        ...


def read_exactly(file: Readable, size: int) -> bytearray:
    """Read all of a file that must contain exactly ``size`` bytes, without keeping more than that in memory.

    Args:
        file: Readable file-like object. It is read to its end, where a gzip file verifies its checksum.
        size: Integer, expected number of bytes.

    Returns:
        ``bytearray`` of length ``size``.

    Raises:
        EOFError: If the file contains fewer bytes.
        ValueError: If the file contains more bytes.

    Example:
        >>> import io
        >>> read_exactly(io.BytesIO(b"abc"), 3)
        bytearray(b'abc')
    """
    content = bytearray()
    while len(content) < size:
        chunk = file.read(min(size - len(content), 2**20))
        if not chunk:
            raise EOFError(f"it ends after {len(content):,} of {size:,} bytes")
        content += chunk
    if file.read(1):
        raise ValueError(f"it contains more than the {size:,} bytes expected")
    return content


def folder_files(folder: Path, wanted: set[str]) -> Iterator[tuple[str, bytearray]]:
    """Yield name and content of the files in a folder, or below it, whose name is in ``wanted``."""
    for file in sorted(folder.rglob("*")):
        if file.name in wanted and file.is_file():
            with open(file, "rb") as opened:
                yield file.name, read_exactly(opened, min(file.stat().st_size, _LARGEST))


def archive_files(path: Path, wanted: set[str]) -> Iterator[tuple[str, bytearray]]:
    """Yield name and content of the files in a ``.tar.gz`` archive whose name is in ``wanted``."""
    with _BoundedGzip(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if name in wanted and (file := archive.extractfile(member)) is not None:
                yield name, read_exactly(file, member.size)
        while unpacked.read(2**20):  # the checksum at the end of the file is verified only when it is read
            pass


class _BoundedGzip(gzip.GzipFile):
    """Gzip file that raises an error once it has unpacked to more bytes than any dataset contains."""

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` unpacked bytes; -1 or None reads to the end.

        Raises:
            ValueError: If the file has unpacked to more than the maximum number of bytes.
        """
        chunk = super().read(size)
        if self.tell() > _LARGEST:
            raise ValueError(f"it unpacks to more than {_LARGEST:,} bytes")
        return chunk


def extract(path: Path, folder: Path, formats: tuple[str, ...] = ("tar", "zip")) -> bool:
    """Extract a tar or zip archive to a new folder, or to one that is replaced. The folder appears when it is complete.

    Only files and folders below ``folder`` are written. A link in a tar archive becomes a copy of the file in the archive that
    it names. Permissions and owners are not restored.

    Args:
        path: Path of the archive.
        folder: Path of the folder to create.
        formats: Formats that are accepted: ``"tar"``, which may be compressed with gzip, bzip2 or xz, and ``"zip"``.

    Returns:
        Whether the file is an archive of one of these formats.

    Raises:
        DataError: If the archive is damaged, too large, or contains a path outside of the folder, a device, or a link to
            something that is no file of the archive.

    Example:
        >>> import tempfile, zipfile
        >>> from pathlib import Path
        >>> from cornu.io.archives import extract
        >>> folder = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        ...     archive.writestr("notes/one.txt", "text")
        >>> extract(folder / "a.zip", folder / "new"), (folder / "new" / "notes" / "one.txt").read_text()
        (True, 'text')
    """
    if "tar" in formats and tarfile.is_tarfile(path):
        members = _tar_members
    elif "zip" in formats and zipfile.is_zipfile(path):
        members = _zip_members
    else:
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True) as temporary:
        complete = Path(temporary, "new")
        complete.mkdir()
        left = max(_HARMLESS_SIZE, _LARGEST_RATIO * path.stat().st_size)
        with _naming(path):
            for number, (name, file) in enumerate(members(path)):
                if number == _MOST_MEMBERS:
                    raise ValueError(f"it contains more than {_MOST_MEMBERS:,} files")
                left -= _write(complete / _checked(name), file, left)
        if folder.exists():
            os.replace(folder, Path(temporary, "old"))
        os.replace(complete, folder)
    return True


def _checked(name: str) -> PurePosixPath:
    """Return the path of a member of an archive, which must be below the folder on every operating system."""
    path, on_windows = PurePosixPath(name), PureWindowsPath(name)
    if path.is_absolute() or on_windows.anchor or ".." in (*path.parts, *on_windows.parts) or "\0" in name:
        raise ValueError(f"it contains {name!r}, a path outside of the folder")
    return path


def _write(target: Path, file: Readable | None, limit: int) -> int:
    """Write a file, or make a folder if there is no file; return the number of bytes."""
    if file is None:
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as copy:
        while chunk := file.read(2**20):
            if copy.tell() + len(chunk) > limit:
                raise ValueError(f"it extracts to more than {_LARGEST_RATIO} times its size")
            copy.write(chunk)
        return copy.tell()


def _tar_members(path: Path) -> Iterator[tuple[str, Readable | None]]:
    """Yield the names of the members of a tar archive with their content, None for folders."""
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isdir():
                yield member.name, None
                continue
            file = _content(archive, member)
            if file is None:
                raise ValueError(f"it contains {member.name!r}, which is a device or a link to something that is no file of it")
            with file:
                yield member.name, file
        while archive.fileobj.read(2**20):  # the checksum of a compressed file is at its end
            pass


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    """Return the content of a file, or of the file that a link names; None for others."""
    with contextlib.suppress(KeyError, RecursionError):  # a link to a missing file, or to itself
        return archive.extractfile(member)
    return None


def _zip_members(path: Path) -> Iterator[tuple[str, Readable | None]]:
    """Yield the names of the members of a zip archive with their content, None for folders."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                yield member.filename, None
                continue
            with archive.open(member) as file:
                yield member.filename, file


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Context manager that converts errors caused by a damaged or dangerous archive into ones that name it."""
    try:
        yield
    except Exception as error:  # the readers raise a dozen exception types on damaged files
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL, errno.EEXIST, errno.EISDIR, errno.ENOTDIR):
            raise  # an error of the disk or of permissions; those listed mean that the archive contradicts itself
        raise DataError(
            f"The archive `{path}` was not extracted: {error}.",
            "It must be complete, and contain only files and folders below its own folder.",
            "Remove it so that it is downloaded again, or obtain it elsewhere.",
        ) from error
