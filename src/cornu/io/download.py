"""Download of a single file: verified, atomic and resumable."""

import hashlib
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, NamedTuple

from filelock import FileLock

from cornu.errors import DataError
from cornu.io.atomic import publish

_TIMEOUT = 30.0
"""Seconds without data after which a connection counts as lost."""
_MIN_SPEED = 20_000
"""Bytes per second; a download whose average speed is lower is aborted."""
_ATTEMPTS = 3
_MAX_SIZE = 4 * 2**30
"""Maximum number of bytes to download if the size of the file is unknown."""
_CHUNK_SIZE = 2**18


class Checksum(NamedTuple):
    """Checksum of a file.

    Attributes:
        digits: String, the checksum in hexadecimal digits, lower or upper case.
        algorithm: ``"sha256"`` or ``"md5"``. Defaults to ``"sha256"``.

    Example:
        >>> from cornu.io.download import Checksum
        >>> Checksum("00").name
        'SHA-256'
    """

    digits: str
    algorithm: str = "sha256"

    @property
    def name(self) -> str:
        """Name of the algorithm for messages."""
        return {"sha256": "SHA-256", "md5": "MD5"}[self.algorithm]

    def of(self, path: Path) -> str:
        """Return the checksum of a file by the same algorithm, in lower case."""
        with open(path, "rb") as file:
            return hashlib.file_digest(file, self.algorithm).hexdigest()

    def matches(self, path: Path) -> bool:
        """Return whether a file has this checksum."""
        return self.of(path) == self.digits.lower()


def fetch(
    url: str,
    path: str | os.PathLike,
    checksum: str | Checksum | None,
    size: int | None = None,
    setting: str = "Set CORNU_DATASETS",
    replace: bool = False,
) -> Path:
    """Download a file, verify its checksum and rename it to its final path.

    Partial downloads are kept in a ``.part`` file next to the target and are resumed by a later call if there is a checksum.
    Processes that request the same file wait for each other, so that it is downloaded once. On a terminal a progress bar is
    shown, otherwise one line.

    Args:
        url: String, address that begins with ``https://`` or ``http://``; redirects to other schemes raise an error.
        path: Path of the target. Missing folders are created. An existing file is returned unchanged, unless ``replace``.
        checksum: ``Checksum`` of the file, or a string with the hexadecimal digits of its SHA-256 checksum; None if it is not
            known.
        size: Integer, size of the file in bytes; longer downloads raise an error. Defaults to None (unknown).
        setting: String, how the user chooses the folder, for errors. Defaults to ``"Set CORNU_DATASETS"``.
        replace: Whether to replace an existing file, once the new one is complete and verified. Defaults to False.

    Returns:
        ``Path`` of the file.

    Raises:
        DataError: If the file cannot be downloaded or written, or if its size or checksum is wrong.

    Example:
        >>> from cornu.io.download import fetch
        >>> fetch("file:///a", "a", checksum="00")
        Traceback (most recent call last):
        cornu.errors.DataError: Cannot download from `file:///a`. Only https:// and http:// are allowed. ...
    """
    target = Path(path)
    check_address(url)
    if target.is_dir():
        raise DataError(
            f"The file `{target}` is required, and a folder has this name.",
            "It must be a file, or not exist yet.",
            f"Rename the folder, or choose another name for the file. {setting} to use another folder.",
        )
    if target.exists() and not replace:
        return target
    checksum = Checksum(checksum) if isinstance(checksum, str) else checksum
    with explain_errors(url, target, setting):
        target.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(target):
            if replace or not target.exists():
                _download(url, target, checksum, size)
    return target


def _download(url: str, target: Path, checksum: Checksum | None, size: int | None) -> None:
    """Download into the ``.part`` file and publish it; restart once if a resumed download has a wrong checksum."""
    part = target.with_name(target.name + ".part")
    if checksum is None:  # nothing would tell whether the rest belongs to the same file
        part.unlink(missing_ok=True)
    resumed = part.exists() and part.stat().st_size > 0
    _download_part(url, part, target, size)
    wanted = None if checksum is None else checksum.digits.lower()
    found = None if checksum is None else checksum.of(part)
    if checksum is not None and resumed and found != wanted:
        part.unlink()
        _download_part(url, part, target, size)
        found = checksum.of(part)
    if checksum is not None and found != wanted:
        part.unlink()
        raise DataError(
            f"The file downloaded from `{url}` has the {checksum.name} checksum {found}.",
            f"The checksum of `{target.name}` must be {wanted}: this is another file, or it was modified in transit.",
            f"Try again later, or obtain the file elsewhere and save it as `{target}`.",
        )
    publish(part, target)


def _download_part(url: str, part: Path, target: Path, size: int | None) -> None:
    """Download the missing rest of the file, reconnecting after lost connections, until the ``.part`` file is complete."""
    deadline = time.monotonic() + 2 * _TIMEOUT + (size or _MAX_SIZE) / _MIN_SPEED
    with open(part, "ab") as file, _progress(url, target, size) as report:
        for _ in range(_ATTEMPTS):
            if file.tell() == size:
                return
            with suppress(HTTPException, ConnectionError, TimeoutError, ssl.SSLError):
                if _transfer(url, file, size, deadline, report) or file.tell() == size:
                    return
        raise DataError(
            f"The connection to `{url}` was lost after {file.tell():,} bytes" + (f" of {size:,}." if size is not None else "."),
            "The complete file is required.",
            "Call the function again: the download resumes where it stopped.",
        )


def _transfer(url: str, file: IO[bytes], size: int | None, deadline: float, report: Callable[[int, int | None], None]) -> bool:
    """Append the rest of the file over one connection; return whether the server sent as many bytes as it announced."""
    with _open(url, file.tell()) as response:
        if response.status != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {file.tell()}-"):
            file.truncate(0)  # the server does not support ranges and sends the complete file
            file.seek(0)
        limit = _MAX_SIZE if size is None else size
        end = None if response.length is None else file.tell() + response.length
        while chunk := response.read1(_CHUNK_SIZE):
            if file.tell() + len(chunk) > limit:
                file.truncate(0)
                raise DataError(
                    f"`{url}` sent more than {limit:,} bytes.",
                    "The file must not be larger.",
                    "The address no longer serves this file: obtain it elsewhere and copy it into the cache folder.",
                )
            file.write(chunk)
            report(file.tell(), size or end)
            if time.monotonic() > deadline:
                raise TimeoutError
        if end is None:  # only a chunked response marks its end; otherwise size or checksum must decide
            return response.chunked or size is None
        return file.tell() == end


def _open(url: str, start: int) -> HTTPResponse:
    """Return the response of the server from an offset on, or from the beginning if the server rejects the offset."""
    opener = urllib.request.build_opener(_HttpOnly)
    headers = {"User-Agent": "cornu"}
    if start:
        try:
            return opener.open(urllib.request.Request(url, headers={**headers, "Range": f"bytes={start}-"}), timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 416:
                raise
    return opener.open(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT)


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """Redirect handler that follows redirects to http and https only."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def check_address(url: str) -> None:
    """Raise ``DataError`` unless an address is valid and begins with ``https://`` or ``http://``."""
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")  # raise ValueError
        if invalid := re.search(r"[\0- \x7f]", url.strip()) or re.search(r"[^\0-\x7f]", parts.path + parts.query):
            raise ValueError(f"it contains {invalid[0]!r}")
    except ValueError as error:
        raise DataError(
            f"`{url}` is no valid address: {error}.",
            "Only letters, digits and punctuation of ASCII are allowed, and the port is a number of at most 65535.",
            "Correct it; encode other characters with `urllib.parse.quote`, such as a space as %20.",
        ) from error
    if parts.scheme.lower() not in ("https", "http"):
        raise DataError(
            f"Cannot download from `{url}`.",
            "Only https:// and http:// are allowed.",
            "Use a web address, or copy a local file into the cache folder.",
        )


@contextmanager
def explain_errors(url: str, target: Path, setting: str) -> Iterator[None]:
    """Context manager that converts errors of the network and the disk into a ``DataError`` that says what to do."""
    try:
        yield
    except DataError:
        raise
    except urllib.error.URLError as error:
        reason = f"{error.code} {error.reason}" if isinstance(error, urllib.error.HTTPError) else str(error.reason)
        raise DataError(
            f"Cannot download `{url}` ({reason}).",
            f"The file is required as `{target}`.",
            "Connect to the network and try again, or copy the file there from another machine. "
            f"{setting} to use a folder that already contains it.",
        ) from error
    except OSError as error:
        raise DataError(
            f"Cannot write `{target}` ({error.strerror or error}).",
            "Downloads require a writable folder with enough free space.",
            f"{setting} to use such a folder.",
        ) from error


@contextmanager
def file_lock(target: Path) -> Iterator[None]:
    """Context manager that waits until no other process writes this file or folder. A killed process releases its lock."""
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    with suppress(OSError):  # some network file systems do not support locks; the checksum still protects there
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _progress(url: str, target: Path, size: int | None) -> Iterator[Callable[[int, int | None], None]]:
    """Context manager that yields a function of the numbers of downloaded and expected bytes: it updates a progress bar."""
    if not sys.stderr.isatty():
        print(f"Downloading {url} to {target}", file=sys.stderr)
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(target.name, total=size)
        yield lambda done, total: progress.update(task, completed=done, total=total)
