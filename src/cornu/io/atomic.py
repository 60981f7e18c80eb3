"""Writing a file so that there is always one complete version of it: the old one or the new one, never a half.

The new content goes to a temporary file beside the target, is brought to the disk, and then takes the target's name.
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

from cornu.errors import InvalidArgumentError

_open_here: set[str] = set()
"""Names of the temporary files that this process is writing now."""


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a temporary path to write to; at the end of the block the file there takes the place of the target at once.

    If the block raises, or the process dies in it, the target stays as it was. The next save of the same target clears away
    what a killed process left. A symbolic link is followed: the file that it points to is replaced.

    Args:
        path: The target. Its folder must exist.

    Yields:
        A path in the target's folder, with the target's ending, where no file is yet.

    Raises:
        InvalidArgumentError: There is no such folder, or the target is a folder itself.

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
    _open_here.add(temporary.name)
    try:
        yield temporary
        if target.exists():
            shutil.copymode(target, temporary)
        publish(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        _open_here.discard(temporary.name)


def publish(temporary: Path, target: Path) -> None:
    """Brings a finished file to the disk and gives it its final name in one step.

    Args:
        temporary: The finished file.
        target: Its final path, on the same disk; a file that is there is replaced.

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
    if os.name == "nt":  # a folder cannot be opened there
        return
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_target(target: Path) -> None:
    if not target.parent.is_dir():
        raise InvalidArgumentError(
            f"`{target}` was to be written, and the folder `{target.parent}` does not exist.",
            "A file is saved into a folder that exists.",
            f"Make it first: `os.makedirs({str(target.parent)!r})`.",
        )
    if target.is_dir():
        raise InvalidArgumentError(
            f"`{target}` was to be written, and it is a folder.",
            "A file is saved under a name of its own.",
            "Add a file name to the path.",
        )


def _prefix(target: Path) -> str:
    """How the temporary files of a target begin on this machine; short, so that no target's name is too long for it."""
    return f".cornu-{_digest(target.name)}-{_digest(platform.node())}-"


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:12]


def _remove_stale(target: Path) -> None:
    """Removes temporary files of this target whose process, on this machine, is gone."""
    prefix = _prefix(target)
    for left in target.parent.glob(f"{prefix}*.tmp{glob.escape(target.suffix)}"):
        process = left.name[len(prefix) :].partition("-")[0]
        if left.name not in _open_here and not _is_running(process):
            with suppress(OSError):  # another save of the same target was faster, or the folder does not let us
                left.unlink()


def _is_running(process: str) -> bool:
    """Whether another process of this number runs; False for our own, whose files are known by name."""
    if not process.isdecimal() or int(process) == os.getpid():
        return False
    if os.name == "nt":  # signal 0 would end the process there; a file in use cannot be removed there anyway
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is another user's
        return True
    return True
