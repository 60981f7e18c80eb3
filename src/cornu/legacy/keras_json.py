"""The settings file of Keras, which counts only for programs that ``cornu run`` runs: Keras writes it without being asked.

It is ``keras.json`` in the directory ``KERAS_HOME``, by default ``~/.keras``, with the entries ``backend``, ``floatx``,
``epsilon`` and ``image_data_format``.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from cornu import config
from cornu.errors import InvalidArgumentError, MissingPackageError

_SETTERS = {
    "floatx": config.set_floatx,
    "epsilon": config.set_epsilon,
    "image_data_format": config.set_image_data_format,
}
"""Entry of the file to the function that applies it; the entry ``backend`` counts only if none was chosen before."""


_REPORTED = "CORNU_REPORTED_KERAS_JSON"
"""Environment variable with the path of the file whose settings were reported, which child processes inherit."""


def path() -> Path:
    """Return the path of the file, which need not exist."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"


def apply() -> None:
    """Apply the settings of the file, if it exists, and report on the standard error stream what differs from the defaults.

    The backend counts only if none was chosen before (see ``config.prefer_backend``). An entry that cannot be applied, such as
    a backend that is not installed, leaves the default and is reported in a line of its own. Processes that the program starts
    do not repeat the report.
    """
    changed = []
    for name, value in _entries().items():
        try:
            default = _applied(name, value)
        except MissingPackageError:
            _report(f"the backend {value!r} is not installed, so {config.backend()!r} is used")
        except (InvalidArgumentError, TypeError, ValueError):
            _report(f"{name}={value!r} is not a valid setting, so {getattr(config, name)()!r} is used")
        else:
            if default is not None:
                changed.append(f"{name}={value!r} instead of {default!r}")
    if changed and os.environ.get(_REPORTED) != str(path()):
        os.environ[_REPORTED] = str(path())
        _report(f"this file sets {', '.join(changed)}")


def _applied(name: str, value: str) -> str | float | None:
    """Apply an entry, whose value may be of any type; return the default that it replaces, or None if it changes nothing."""
    if name == "backend":
        default = config.BACKENDS[0]
        return default if config.prefer_backend(value) and value != default else None
    if name not in _SETTERS:
        return None
    default = getattr(config, name)()
    _SETTERS[name](value)
    return default if getattr(config, name)() != default else None


def _entries() -> dict[str, Any]:
    """Return the entries of the file; none if there is no file or it is not a JSON object."""
    try:
        entries = json.loads(path().read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        _report(f"it cannot be read ({error.strerror}), so it is ignored")
        return {}
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        _report("it is not a JSON object, so it is ignored")
        return {}
    return entries


def _report(text: str) -> None:
    print(f"cornu run: {path()}: {text}.", file=sys.stderr)
