"""Check of the optional packages required by the export."""

import importlib.util

from cornu.errors import MissingPackageError


def need(what: str, *packages: str) -> None:
    """Raise an error if a package is not installed.

    Args:
        what: String, name of the function that the user called.
        *packages: Names of the required packages.

    Raises:
        MissingPackageError: If a package is not installed.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"`{what}` was called for an ONNX file.",
            f"It requires {' and '.join(map(repr, missing))}, which {'is' if len(missing) == 1 else 'are'} not installed.",
            'Run `pip install "cornu[export]"`.',
        )
