"""Bounded reads: of a file, of what a gzip file unpacks to, and of the files in an archive or folder."""

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

_LARGEST = 256 * 2**20
"""Bytes that are unpacked at most; both data sets have 0.72 times as many."""


class Readable(Protocol):
    """A file, or what reads like one."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes."""
        ...


def read_exactly(file: Readable, size: int) -> bytearray:
    """Reads all of a file that must hold exactly so many bytes; no more than that is ever kept.

    Args:
        file: What to read; an unpacking file checks its own sum at its end, which this reaches.
        size: The number of bytes.

    Raises:
        EOFError: It holds fewer.
        ValueError: It holds more.

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
        raise ValueError(f"it holds more than the {size:,} bytes expected")
    return content


def folder_files(folder: Path, wanted: set[str]) -> Iterator[tuple[str, bytearray]]:
    for file in sorted(folder.rglob("*")):
        if file.name in wanted and file.is_file():
            with open(file, "rb") as opened:
                yield file.name, read_exactly(opened, min(file.stat().st_size, _LARGEST))


def archive_files(path: Path, wanted: set[str]) -> Iterator[tuple[str, bytearray]]:
    with BoundedGzip(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if name in wanted and (file := archive.extractfile(member)) is not None:
                yield name, read_exactly(file, member.size)
        while unpacked.read(2**20):  # only the end of the file holds its checksum
            pass


class BoundedGzip(gzip.GzipFile):
    """Stops when the file has unpacked to more than any data set is long."""

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        if self.tell() > _LARGEST:
            raise ValueError(f"it unpacks to more than {_LARGEST:,} bytes")
        return chunk
