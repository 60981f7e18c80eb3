"""Packages that only the export needs."""

import importlib.util

from cornu.errors import MissingPackageError


def need(what: str, *packages: str) -> None:
    """Refuses to go on if a package is not installed.

    Args:
        what: The function that the user called.
        *packages: Names of the packages.

    Raises:
        MissingPackageError: One of them is not installed.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"`{what}` was called for an ONNX file.",
            f"It needs {' and '.join(map(repr, missing))}, which {'is' if len(missing) == 1 else 'are'} not installed.",
            'Run `pip install "cornu[export]"`.',
        )
