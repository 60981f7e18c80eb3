"""Fetching one file from the network: checked, atomic, and continued where an earlier try stopped."""

import hashlib
import os
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
from typing import IO

from filelock import FileLock

from cornu.errors import DataError
from cornu.io.atomic import publish

_TIMEOUT = 30.0
"""Seconds of silence after which a connection counts as lost."""
_SLOWEST = 20_000
"""Bytes a second; a connection slower than this for the whole file is given up."""
_TRIES = 3
_LARGEST = 4 * 2**30
"""Bytes that are taken at most if the size of the file is not known."""
_CHUNK = 2**18


def fetch(url: str, path: str | os.PathLike, sha256: str, size: int | None = None) -> Path:
    """Downloads a file, checks it, and only then gives it its name.

    What has arrived waits in a ``.part`` file beside it; a later call goes on from there. Two processes that want the same file
    take turns, and the second finds it done. A terminal shows a progress bar, anything else gets one line.

    Args:
        url: An address that begins with ``https://`` or ``http://``; redirections to anything else are refused.
        path: Where the file goes. Missing folders are made. If a file is there, it is returned as it is.
        sha256: The SHA-256 sum of the file in hexadecimal digits, lower or upper case.
        size: Its length in bytes, if it is known; nothing longer is read.

    Returns:
        The path.

    Raises:
        DataError: There is no way to the file, what came is not the file, or it could not be written.

    Example:
        >>> from cornu.io.download import fetch
        >>> fetch("file:///a", "a", sha256="00")
        Traceback (most recent call last):
        cornu.errors.DataError: The address `file:///a` was to be downloaded from. Only https:// and http:// are allowed. ...
    """
    target = Path(path)
    _check_scheme(url)
    if target.exists():
        return target
    with _explained(url, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            if not target.exists():
                _download(url, target, sha256.lower(), size)
    return target


def _download(url: str, target: Path, sha256: str, size: int | None) -> None:
    """Downloads into the ``.part`` file and publishes it. Once anew if what was continued from an earlier try is wrong."""
    part = target.with_name(target.name + ".part")
    resumed = part.exists() and part.stat().st_size > 0
    _fill(url, part, target, size)
    found = _sum_of(part)
    if found != sha256 and resumed:
        part.unlink()
        _fill(url, part, target, size)
        found = _sum_of(part)
    if found != sha256:
        part.unlink()
        raise DataError(
            f"What `{url}` sent has the SHA-256 sum {found}.",
            f"`{target.name}` has {sha256}: this is not the file, or it was changed on the way.",
            f"Try again later, or get the file elsewhere and put it at `{target}`.",
        )
    publish(part, target)


def _sum_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fill(url: str, part: Path, target: Path, size: int | None) -> None:
    """Asks for the file, and after a lost connection for the rest of it, until the ``.part`` file is whole."""
    deadline = time.monotonic() + 2 * _TIMEOUT + (size or _LARGEST) / _SLOWEST
    with open(part, "ab") as file, _progress(url, target, size) as report:
        for _ in range(_TRIES):
            if file.tell() == size:
                return
            with suppress(HTTPException, ConnectionError, TimeoutError, ssl.SSLError):
                if _transfer(url, file, size, deadline, report) or file.tell() == size:
                    return
        raise DataError(
            f"The connection to `{url}` was lost after {file.tell():,} bytes" + (f" of {size:,}." if size is not None else "."),
            "The whole file is needed.",
            "Call again: the download goes on where it stopped.",
        )


def _transfer(url: str, file: IO[bytes], size: int | None, deadline: float, report: Callable[[int], None]) -> bool:
    """One connection: writes what comes after what the file has. Returns whether the server sent all that it announced."""
    with _open(url, file.tell()) as response:
        if response.status != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {file.tell()}-"):
            file.truncate(0)  # the server sends from the beginning
            file.seek(0)
        limit = _LARGEST if size is None else size
        end = None if response.length is None else file.tell() + response.length
        while chunk := response.read1(_CHUNK):
            if file.tell() + len(chunk) > limit:
                file.truncate(0)
                raise DataError(
                    f"`{url}` sent more than {limit:,} bytes.",
                    "The file is not longer than that.",
                    "The address no longer gives this file: get it elsewhere and put it into the cache folder.",
                )
            file.write(chunk)
            report(file.tell())
            if time.monotonic() > deadline:
                raise TimeoutError
        if end is None:  # then only a chunked answer tells its end; otherwise size or checksum must decide
            return response.chunked or size is None
        return file.tell() == end


def _open(url: str, start: int) -> HTTPResponse:
    """The server's answer, from a position of the file on; from the beginning where the position is not to its liking."""
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
    """Follows redirections to web addresses only."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _check_scheme(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str) -> None:
    if urllib.parse.urlsplit(url).scheme.lower() not in ("https", "http"):
        raise DataError(
            f"The address `{url}` was to be downloaded from.",
            "Only https:// and http:// are allowed.",
            "Use a web address, or copy a local file into the cache folder.",
        )


@contextmanager
def _explained(url: str, target: Path) -> Iterator[None]:
    """Turns what the system says about network and disk into what to do."""
    try:
        yield
    except DataError:
        raise
    except urllib.error.URLError as error:
        reason = f"{error.code} {error.reason}" if isinstance(error, urllib.error.HTTPError) else str(error.reason)
        raise DataError(
            f"`{url}` could not be downloaded ({reason}).",
            f"The file is needed once, as `{target}`.",
            "Connect to the network and call again, or get the file on another machine and put it there. "
            "Set CORNU_DATASETS to use a folder that already has it.",
        ) from error
    except OSError as error:
        raise DataError(
            f"`{target}` could not be written ({error.strerror or error}).",
            "Downloads need a folder with room that may be written to.",
            "Set CORNU_DATASETS to such a folder.",
        ) from error


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Wait until no other process downloads this file. The system ends the wait also when that process is killed."""
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    with suppress(OSError):  # some network disks have no locks: there the checksum alone protects
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _progress(url: str, target: Path, size: int | None) -> Iterator[Callable[[int], None]]:
    """A function to be told how many bytes there are; it moves a bar if somebody watches."""
    if not sys.stderr.isatty():
        print(f"Downloading {url} to {target}", file=sys.stderr)
        yield lambda _: None
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
        yield lambda done: progress.update(task, completed=done)
