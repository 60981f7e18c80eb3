"""Bounded reads of files, of gzip streams, and of the files in an archive or folder."""

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

_LARGEST = 256 * 2**20
"""Maximum number of bytes that are unpacked; CIFAR-10 and CIFAR-100 each need 0.72 times as many."""


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
