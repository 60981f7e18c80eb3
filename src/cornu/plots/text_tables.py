"""Confusion matrices as text tables."""

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cornu.errors import ShapeError
from cornu.typing import ArrayLike

__all__ = ["confusion_table", "plain_text"]

if TYPE_CHECKING:
    from rich.table import Table


def confusion_table(matrix: ArrayLike, class_names: Sequence[str] | None = None) -> "Table":
    """Return a confusion matrix as a table that ``rich.print`` can print.

    Correct predictions are green and wrong ones are red. The last column is the recall (fraction of the samples of a class that
    are predicted correctly), the last row is the precision (fraction of the predictions of a class that are correct).

    Args:
        matrix: Array-like of counts of shape ``(classes, classes)`` with a row for each true class (see
            :func:`confusion_counts`).
        class_names: Sequence of strings, a name for each class. Defaults to the indices of the classes.

    Returns:
        A ``rich.table.Table``; :func:`plain_text` converts it to a string.

    Raises:
        ShapeError: If ``matrix`` is not square, or if the numbers of names and classes differ.

    Example:
        >>> from cornu.plots import confusion_table, plain_text
        >>> print(plain_text(confusion_table([[3, 1], [0, 6]], ["cat", "dog"])))
         true \\ predicted     cat    dog   recall
        ──────────────────────────────────────────
         cat                    3      1     75 %
         dog                    ·      6    100 %
        ──────────────────────────────────────────
         precision          100 %   86 %
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    counts = np.asarray(matrix)
    names = [str(number) for number in range(len(counts))] if class_names is None else list(class_names)
    _check_square(counts, len(names))
    table = Table(box=box.SIMPLE, show_footer=True, pad_edge=True)
    table.add_column("true \\ predicted", footer="precision", no_wrap=True)
    for number, name in enumerate(names):
        table.add_column(
            Text(name), footer=_percentage(counts[number, number], counts[:, number]), justify="right", no_wrap=True
        )
    table.add_column("recall", justify="right", no_wrap=True)
    for number, name in enumerate(names):
        cells = [_cell(count, number == column) for column, count in enumerate(counts[number])]
        table.add_row(Text(name), *cells, _percentage(counts[number, number], counts[number]))
    return table


def plain_text(table: "Table") -> str:
    """Convert a table to a string without colors and without a limit on its width, for files, logs and pipes.

    Args:
        table: ``rich.table.Table`` instance.

    Returns:
        String with the lines of the table.

    Example:
        >>> from cornu.plots import confusion_table, plain_text
        >>> plain_text(confusion_table([[1]])).splitlines()[0].split()
        ['true', '\\\\', 'predicted', '0', 'recall']
    """
    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=100_000, color_system=None, force_jupyter=False).print(table)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    return textwrap.dedent("\n".join(line for line in lines if line))


def _cell(count: int, is_right: bool) -> str:
    if count == 0:
        return "[dim]·[/]"
    return f"[{'bold green' if is_right else 'red'}]{count}[/]"


def _percentage(part: int, whole: np.ndarray) -> str:
    return f"{100 * part / whole.sum():.0f} %" if whole.sum() else "-"


def _check_square(counts: np.ndarray, names: int) -> None:
    if counts.ndim != 2 or counts.shape != (names, names):
        raise ShapeError(
            f"`matrix` has shape {counts.shape}, and there are {names} class names.",
            "`matrix` must have a row and a column for each class.",
            "Pass the result of `confusion_counts(y_true, y_pred)`, and one name for each class.",
        )
