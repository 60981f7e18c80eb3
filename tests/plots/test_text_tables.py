"""The table has colors in a terminal and is plain text elsewhere."""

import io

import numpy as np
import pytest
from rich.console import Console

from cornu.errors import ShapeError
from cornu.plots import confusion_table, plain_text


def cells(text: str) -> list[list[str]]:
    return [line.replace(" %", "%").split() for line in text.splitlines() if "─" not in line]


def test_the_table_holds_counts_recall_and_precision():
    text = plain_text(confusion_table([[3, 1, 0], [0, 6, 0], [2, 2, 4]], ["cat", "dog", "frog"]))
    assert cells(text) == [
        ["true", "\\", "predicted", "cat", "dog", "frog", "recall"],
        ["cat", "3", "1", "·", "75%"],
        ["dog", "·", "6", "·", "100%"],
        ["frog", "2", "2", "4", "50%"],
        ["precision", "60%", "67%", "100%"],
    ]


def test_classes_that_never_occur_have_no_shares():
    assert cells(plain_text(confusion_table([[1, 0], [0, 0]])))[2:] == [["1", "·", "·", "-"], ["precision", "100%", "-"]]


def test_a_wide_table_is_not_cut():
    text = plain_text(confusion_table(np.eye(30, dtype=int), [f"class{number}" for number in range(30)]))
    assert all(f"class{number}" in text for number in range(30))
    assert "…" not in text


def test_names_are_not_taken_for_colors():
    assert plain_text(confusion_table([[1]], ["[red]"])).count("[red]") == 2


@pytest.mark.parametrize("is_terminal", [True, False])
def test_only_a_terminal_gets_colors(is_terminal):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=is_terminal, color_system="standard" if is_terminal else None, width=80)
    console.print(confusion_table([[1, 1], [0, 1]]))
    assert ("\x1b[" in stream.getvalue()) == is_terminal


@pytest.mark.parametrize(("matrix", "names"), [([[1, 2]], None), ([[1]], ["cat", "dog"]), ([1], None)])
def test_another_shape_is_refused(matrix, names):
    with pytest.raises(ShapeError, match=r"`matrix` has shape .*a row and a column for each class"):
        confusion_table(matrix, names)
