"""Run the code cells of a Jupyter notebook in order, as one program.

Lines for IPython, which are not Python, are skipped, and a line on the standard error stream says so.
"""

import json
import linecache
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from types import ModuleType

_FOR_IPYTHON = re.compile(r"^(\s*)([%!?].*|[\w.]+\?{1,2}\s*)$")
"""A line for IPython: ``%matplotlib inline``, ``!pip install keras``, ``model.fit?``."""

_TIMED = re.compile(r"%time\s+(.+)")
"""A line of Python that IPython measures."""

_PYTHON_CELLS = ("time", "timeit", "capture")
"""Cell magics whose cell is Python."""

_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells report it."""


def code_cells(path: str) -> Iterator[tuple[int, str]]:
    """Yield the number (from 1, among all cells) and the source of each code cell.

    Args:
        path: Path of the notebook.

    Raises:
        SystemExit: If the file is missing or not a notebook of format 4.
    """
    try:
        with open(path, encoding="utf-8") as file:
            cells = json.load(file)["cells"]
        sources = [("".join(cell["source"]), cell["cell_type"]) for cell in cells]
    except OSError as error:
        sys.exit(f"cornu run: can't open file {path!r}: {error.strerror}")
    except (ValueError, KeyError, TypeError):
        sys.exit(
            f"cornu run: {path!r} is not a Jupyter notebook of format 4. Convert it: `jupyter nbconvert --to notebook {path}`."
        )
    for number, (source, kind) in enumerate(sources, start=1):
        if kind == "code":
            yield number, source


def python_of(source: str, cell: str) -> str:
    """Return the source of a cell with its lines for IPython replaced by ``pass``, and report them.

    Args:
        source: Source of the cell.
        cell: Name of the cell, for the report.

    Returns:
        Source in Python with the same line numbers, or the source itself if it contains no lines for IPython.
    """
    lines = source.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        if lines[first][2:].partition(" ")[0] not in _PYTHON_CELLS:
            _report(cell, first, "the whole cell")
            return ""
        _report(cell, first, lines[first])
        lines[first] = ""
    while (number := _line_of_error("\n".join(lines))) is not None:
        if not _replace(lines, number, cell):
            break
    return "\n".join(lines)


def _replace(lines: list[str], number: int, cell: str) -> bool:
    """Replace a line for IPython, and those that continue it, by Python; return whether it is one."""
    found = _FOR_IPYTHON.match(lines[number])
    if found is None:
        return False
    indent, text = found.groups()
    if timed := _TIMED.match(text):
        _report(cell, number, "%time")
        lines[number] = f"{indent}{timed[1]}"
        return True
    _report(cell, number, text)
    end = number + 1
    while lines[end - 1].endswith("\\") and end < len(lines):
        end += 1
    lines[number:end] = [f"{indent}pass", *[""] * (end - number - 1)]
    return True


def _line_of_error(source: str) -> int | None:
    """Return the index of the line of the first error of syntax, or None if a text is the source of a Python program."""
    try:
        with warnings.catch_warnings(action="ignore"):  # they are given when the cell is compiled to run
            compile(source, "cell", "exec", dont_inherit=True)
    except SyntaxError as error:
        return min((error.lineno or 1) - 1, source.count("\n"))
    return None


def _report(cell: str, line: int, skipped: str) -> None:
    print(f"cornu run: {cell}, line {line + 1}: skipped, since it is for IPython: {skipped}", file=sys.stderr)


def run(path: str) -> None:
    """Run a notebook as the program ``__main__``.

    Args:
        path: Path of the notebook.

    Raises:
        SystemExit: After an error in a cell, whose traceback was printed; it names the cell.
    """
    program = ModuleType("__main__")
    vars(program)["__builtins__"] = __builtins__
    sys.modules["__main__"] = program
    for number, source in code_cells(path):
        cell = f"{path}, cell {number}"
        text = python_of(source, cell)
        linecache.cache[cell] = (len(source), None, [f"{line}\n" for line in source.split("\n")], cell)
        try:
            exec(compile(text, cell, "exec", dont_inherit=True), vars(program))
        except SystemExit:
            raise
        except BaseException as error:
            inside = error.__traceback__.tb_next if error.__traceback__ is not None else None
            if sys.excepthook is sys.__excepthook__:  # whose implementation in C reads lines from files only
                traceback.print_exception(type(error), error, inside)
            else:
                sys.excepthook(type(error), error, inside)
            sys.exit(_INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1)


def main() -> None:
    """Run the notebook that the first argument of the process names; the other arguments are those of the notebook."""
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    run(sys.argv[0])
