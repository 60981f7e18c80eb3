"""Writes ``docs/backends.md``: how far each engine is from the NumPy reference, primitive by primitive, forward and gradient.

Run it with ``make docs``. The cases are those of ``tests/backends/test_agreement.py``, which fails where an error is too large.
"""

import datetime
import importlib.metadata
import importlib.util
import platform
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np

from cornu import backends, config

HERE = Path(__file__).parent
PACKAGES = {"jax": "jax", "torch": "torch", "tensorflow": "tensorflow-cpu"}


def main() -> None:
    table = _module(HERE.parent / "tests" / "backends" / "test_agreement.py")
    engines = [name for name in config.installed_backends() if name != "numpy"]
    errors: dict[str, dict[str, list]] = {}
    for case, (f, *arrays) in table.CASES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a logarithm of 0 is among the cases
            expected = table.result_and_gradients(backends.get("numpy"), f, arrays)
            for engine in engines:
                found = table.result_and_gradients(backends.get(engine), f, arrays)
                row = errors.setdefault(case.split()[0].rstrip(","), {}).setdefault(engine, [0.0, None])
                row[0] = max(row[0], distance(found[0], expected[0]))
                for mine, other in zip(found[1], expected[1], strict=True):
                    row[1] = max(row[1] or 0.0, distance(mine, other))
    (HERE / "backends.md").write_text(page(engines, errors, len(table.CASES)))


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def distance(mine: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two arrays, beside numbers larger than 1 as a part of these."""
    mine, other = np.asarray(mine, "float64"), np.asarray(other, "float64")
    with np.errstate(invalid="ignore"):
        apart = np.abs(mine - other) / np.maximum(1, np.abs(other))
    same = (mine == other) | (np.isnan(mine) & np.isnan(other))
    return float(np.where(same, 0, apart).max(initial=0))


def page(engines: list[str], errors: dict[str, dict[str, list]], cases: int) -> str:
    lines = [
        "# Backends against the reference",
        "",
        f"Each primitive of `src/cornu/backends/contract.py` that computes, on each engine, compiled, against NumPy in {cases}",
        "cases: the largest error of the result and, after the slash, of the gradients, in float32 where the case does not say",
        "otherwise; for numbers larger than 1 as a part of them. A dash stands where there is no gradient.",
        "",
        f"Written by `make docs` on {datetime.date.today()}, {platform.machine()}: {', '.join(map(_version, engines))}.",
        "",
        "| primitive | " + " | ".join(engines) + " |",
        "|---" * (len(engines) + 1) + "|",
    ]
    for primitive, row in errors.items():
        lines.append(f"| `{primitive}` | " + " | ".join(_cell(*row[engine]) for engine in engines) + " |")
    return "\n".join(lines) + "\n"


def _version(engine: str) -> str:
    return f"{engine} {importlib.metadata.version(PACKAGES[engine])}"


def _cell(forward: float, gradient: float | None) -> str:
    return f"{_number(forward)} / {'-' if gradient is None else _number(gradient)}"


def _number(error: float) -> str:
    return f"{error:.0e}" if error else "0"


if __name__ == "__main__":
    main()
