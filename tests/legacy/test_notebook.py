"""Cells of notebooks as Python. ``tests/cli/test_run.py`` runs notebooks."""

import pytest

from cornu.legacy.notebook import python_of


@pytest.mark.parametrize("source", ["x = 1", "", "x = (5\n% 3)", "s = '''\n%matplotlib inline\n!ls\n'''"])
def test_python_stays_as_it_is(source, capsys):
    assert python_of(source, "cell") == source
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("source", "python", "lines"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1", [1]),
        ("if x:\n    !ls -l\n    y = 2", "if x:\n    pass\n    y = 2", [2]),
        ("\n!pip install keras\n%load_ext a", "\npass\npass", [2, 3]),
        ("%%time\nx = 1", "\nx = 1", [1]),
        ("\n%%capture out\nx = 1", "\n\nx = 1", [2]),
        ("%%bash\nls", "", [1]),
        ("%%\nls", "", [1]),
    ],
)
def test_lines_for_ipython_are_replaced_and_reported(source, python, lines, capsys):
    assert python_of(source, "cell 3") == python
    compile(python, "cell", "exec")
    assert [line.partition(":")[0] for line in capsys.readouterr().err.replace("cornu run: ", "").splitlines()] == [
        f"cell 3, line {line}" for line in lines
    ]


@pytest.mark.parametrize("source", ["files = !ls", "x = (", "print 5", "x = 5\n  y = 3"])
def test_other_errors_of_syntax_stay(source, capsys):
    assert python_of(source, "cell") == source
    assert capsys.readouterr().err == ""


def test_text_that_looks_like_a_line_for_ipython_stays(capsys):
    source = "!ls\ns = '''\n%s\n!pip\n''' % 5"
    assert python_of(source, "cell") == source.replace("!ls", "pass", 1)
    assert len(capsys.readouterr().err.splitlines()) == 1
