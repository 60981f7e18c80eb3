"""Checks of the paths to which callbacks write, before an epoch of training could be lost."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from cornu.errors import MissingFileError


@contextlib.contextmanager
def naming_path(callback: str, argument: str, path: str) -> Iterator[None]:
    """Context manager that converts errors of the disk to ones that name the argument of a callback.

    Raises:
        MissingFileError: Instead of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        raise MissingFileError(
            f"`{callback}` received {argument}={path!r}, where nothing can be written ({error.strerror or error}).",
            "It must be in a folder in which you may write.",
            f"Pass another path as `{argument}`, and check the free space and the permissions of the folder.",
        ) from error


def prepare_folder(callback: str, argument: str, path: str, folder: str | None = None) -> None:
    """Create a folder, and check that files can be written there, so that this does not fail after an epoch of training.

    Args:
        callback: Name of the callback.
        argument: Name of its argument.
        path: Value of the argument.
        folder: Path of the folder. Defaults to ``path``.

    Raises:
        MissingFileError: If the folder cannot be created, or files cannot be written there.
    """
    folder = path if folder is None else folder
    with naming_path(callback, argument, path):
        os.makedirs(folder or ".", exist_ok=True)
        with tempfile.TemporaryFile(dir=folder or "."):
            pass
