"""Atomic file writes: the target always contains either the complete old version or the complete new version.

The new content is written to a temporary file in the folder of the target, flushed to the disk, and renamed to the target.
"""

import glob
import hashlib
import os
import platform
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cornu.errors import InvalidArgumentError, MissingFileError

_open_files: set[str] = set()
"""Names of the temporary files that this process is writing."""


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Context manager that yields a temporary path to write to, and atomically replaces the target when the block ends.

    If the block raises an error or the process is killed, the target is unchanged. The next write of the same target removes
    the temporary files of killed processes. A symbolic link is followed: the file it points to is replaced.

    Args:
        path: Path of the target. Its folder must exist.

    Yields:
        ``Path`` of a file that does not exist yet, in the folder of the target and with the extension of the target.

    Raises:
        MissingFileError: If the folder does not exist.
        InvalidArgumentError: If the target is a folder.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> with atomic_write(target) as temporary:
        ...     _ = temporary.write_text("all of it")
        >>> target.read_text()
        'all of it'
    """
    target = Path(os.path.realpath(path))
    _check_target(target)
    _remove_stale(target)
    temporary = target.with_name(f"{_prefix(target)}{os.getpid()}-{secrets.token_hex(4)}.tmp{target.suffix}")
    _open_files.add(temporary.name)
    try:
        yield temporary
        if target.exists():
            shutil.copymode(target, temporary)
        publish(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        _open_files.discard(temporary.name)


def publish(temporary: Path, target: Path) -> None:
    """Flush a complete file to the disk and atomically rename it to its final path.

    Args:
        temporary: Path of the complete file.
        target: Final path, on the same file system; an existing file is replaced.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "new").write_text("content")
        >>> publish(folder / "new", folder / "final")
        >>> [file.name for file in folder.iterdir()]
        ['final']
    """
    with open(temporary, "r+b") as file:
        os.fsync(file.fileno())
    os.replace(temporary, target)
    if os.name == "nt":  # Windows cannot open a folder
        return
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_target(target: Path) -> None:
    if not target.parent.is_dir():
        raise MissingFileError(
            f"Cannot write `{target}`: the folder `{target.parent}` does not exist.",
            "A file must be saved to an existing folder.",
            f"Create it first: `os.makedirs({str(target.parent)!r})`.",
        )
    if target.is_dir():
        raise InvalidArgumentError(
            f"Cannot write `{target}`: it is a folder.",
            "The path must be that of a file.",
            "Add a file name to the path.",
        )


def _prefix(target: Path) -> str:
    """Return the prefix of a target's temporary files on this machine; it has a fixed length, so that long names stay valid."""
    return f".cornu-{_digest(target.name)}-{_digest(platform.node())}-"


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:12]


def _remove_stale(target: Path) -> None:
    """Remove temporary files of this target that were written by processes of this machine that no longer run."""
    prefix = _prefix(target)
    for left in target.parent.glob(f"{prefix}*.tmp{glob.escape(target.suffix)}"):
        process = left.name[len(prefix) :].partition("-")[0]
        if left.name not in _open_files and not _is_running(process):
            with suppress(OSError):  # another write of the same target removed it first, or permission is denied
                left.unlink()


def _is_running(process: str) -> bool:
    """Return whether another process with this ID is running; False for the current process, whose files are known by name."""
    if not process.isdecimal() or int(process) == os.getpid():
        return False
    if os.name == "nt":  # on Windows signal 0 ends the process, and a file in use cannot be removed anyway
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # the process belongs to another user
        return True
    return True
