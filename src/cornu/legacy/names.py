"""Keras's names, and what they mean in Cornu.

A name is found at the same place below ``cornu``: ``keras.layers.Dense`` is ``cornu.layers.Dense``. :func:`find` is the only
function that decides this, so a table of names of older versions belongs there.
"""

from types import ModuleType
from typing import Any

import cornu
from cornu.errors import CornuError, MissingModuleError, MissingNameError, did_you_mean
from cornu.namespaces import REFUSED, public_names

KERAS_VERSION = "3.15.1"
"""The version of Keras whose names and behavior Cornu has: what programs read as ``keras.__version__``."""

ROOTS = ("keras._tf_keras.keras", "keras._tf_keras", "keras", "tensorflow.keras")
"""Modules under which programs import Keras; the second is only the parent of the first, which TensorFlow imports."""

PRIVATE = "src"
"""Name of the subpackage of Keras that holds its implementation."""


def version() -> str:
    """Return the version of Keras whose names and behavior Cornu has."""
    return KERAS_VERSION


_OF_THE_ROOT = {"__version__": KERAS_VERSION, "version": version}
"""What Keras's package says about itself, as opposed to what ``cornu`` says."""


def path_of(module: str) -> str | None:
    """Return the path of a module inside Keras, such as ``"layers"``; ``""`` for the package; None for other modules.

    Example:
        >>> from cornu.legacy import names
        >>> names.path_of("tensorflow.keras.layers"), names.path_of("keras"), names.path_of("keras_hub")
        ('layers', '', None)
    """
    for root in ROOTS:
        if module == root or module.startswith(f"{root}."):
            return module[len(root) + 1 :]
    return None


def find(path: str, name: str) -> Any:
    """Return what a public name of a module of Keras means.

    Args:
        path: Path of the module inside Keras.
        name: Name in the module.

    Raises:
        LookupError: If there is no such name.

    Example:
        >>> from cornu import layers
        >>> from cornu.legacy import names
        >>> names.find("layers", "Dense") is layers.Dense
        True
    """
    if not path and name in _OF_THE_ROOT:
        return _OF_THE_ROOT[name]
    home = _module(path)
    if name not in public_names(home) and name not in REFUSED.get(home.__name__, ()):
        raise LookupError(name)
    return getattr(home, name)


def module(name: str) -> ModuleType:
    """Return the module of Cornu for a module of Keras.

    Args:
        name: Full name, such as ``"keras.layers"``.

    Raises:
        MissingModuleError: If Cornu has no such module or name.
    """
    path = path_of(name) or ""
    try:
        return _module(path)
    except LookupError:
        parent, _, last = name.rpartition(".")
        raise missing(parent, last, importing=True) from None


def _module(path: str) -> ModuleType:
    """Return the module of Cornu at a path; raise ``LookupError`` if there is none."""
    home = cornu
    for part in path.split(".") if path else ():
        home = getattr(home, part) if part in public_names(home) else None
        if not isinstance(home, ModuleType):
            raise LookupError(path)
    return home


def missing(home: str, name: str, importing: bool) -> CornuError:
    """Return the error for a name that Cornu does not have.

    Args:
        home: Full name of the module as the program writes it, such as ``"tensorflow.keras.layers"``.
        name: The name in it.
        importing: Whether the name was imported, and not read as an attribute.

    Returns:
        ``MissingModuleError``, or ``MissingNameError`` for an attribute.
    """
    kind = MissingModuleError if importing else MissingNameError
    path = path_of(home) or ""
    if PRIVATE in (*path.split("."), name):
        return kind(
            f"`{home}.{name}` was {'imported' if importing else 'requested'}.",
            "`keras.src` is the private code of Keras, which Cornu replaces.",
            "Use the public name: `keras.layers.Dense` for `keras.src.layers.core.dense.Dense`.",
        )
    try:
        options = public_names(_module(path))
    except LookupError:  # the module does not exist either
        parent, _, last = home.rpartition(".")
        return missing(parent, last, importing)
    return kind(
        f"`{home}.{name}` was {'imported' if importing else 'requested'}.",
        f"Cornu has no such name in `{home}`.",
        did_you_mean(name, options) or f"`dir({home})` lists the names; docs/compatibility.md lists those that Cornu lacks.",
    )
