"""Notebooks, run in this process, and their cells as Python. ``tests/cli/test_run.py`` runs notebooks as programs."""

import json
import sys

import pytest

from cornu.legacy.notebook import python_of, run


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
        ("%%time\n!ls\nx = 1", "\npass\nx = 1", [1, 2]),
        ("%time x = f(1)\ny = x", "x = f(1)\ny = x", [1]),
        ("if x:\n    %time f()", "if x:\n    f()", [2]),
        ("!pip install a \\\n  b \\\n  c\nx = 1", "pass\n\n\nx = 1", [1]),
        ("keras.layers.Dense?\n?f\nf??", "pass\npass\npass", [1, 2, 3]),
    ],
)
def test_lines_for_ipython_are_replaced_and_reported(source, python, lines, capsys):
    assert python_of(source, "cell 3") == python
    compile(python, "cell", "exec")
    assert [line.partition(":")[0] for line in capsys.readouterr().err.replace("cornu run: ", "").splitlines()] == [
        f"cell 3, line {line}" for line in lines
    ]


@pytest.mark.parametrize("source", ["files = !ls", "x = (", "print 5", "x = 5\n  y = 3", "f(x)?"])
def test_other_errors_of_syntax_stay(source, capsys):
    assert python_of(source, "cell") == source
    assert capsys.readouterr().err == ""


def test_text_that_looks_like_a_line_for_ipython_stays(capsys):
    source = "!ls\ns = '''\n%s\n!pip\n''' % 5"
    assert python_of(source, "cell") == source.replace("!ls", "pass", 1)
    assert len(capsys.readouterr().err.splitlines()) == 1


# --- Notebooks that run ---------------------------------------------------------------------------------------------------


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Write ``n.ipynb``, of a text or of the sources of code cells, and run it; return the exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def run_notebook(*cells, text=None):
        content = {"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4}
        (tmp_path / "n.ipynb").write_text(text or json.dumps(content))
        try:
            run("n.ipynb")
        except SystemExit as end:
            return end.code
        return 0

    return run_notebook


def test_the_code_cells_run_in_order_in_one_namespace(notebook, capsys):
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "raw", "source": "x = 2"},
        {"cell_type": "code", "source": "x = 1"},
        {"cell_type": "code", "source": ["def f():\n", "    return x + 1"]},
        {"cell_type": "code", "source": "print(f(), __name__, '__file__' in globals())"},
    ]
    assert notebook(text=json.dumps({"cells": cells})) == 0
    assert capsys.readouterr() == ("2 __main__ False\n", "")


def test_a_notebook_without_cells_does_nothing(notebook, capsys):
    assert notebook() == notebook("", "\n# nothing") == 0
    assert capsys.readouterr() == ("", "")


def test_lines_for_ipython_are_skipped_with_a_line_each(notebook, capsys):
    cell = "%matplotlib inline\n!pip install keras\nif True:\n    !ls\nprint('''\n%s\n''' % 1)"
    assert notebook("print(0)", cell, "%%bash\nls", "%%time\nprint(2)") == 0
    out, err = capsys.readouterr()
    assert out == "0\n\n1\n\n2\n"
    assert err == "".join(
        f"cornu run: n.ipynb, cell {place}: skipped, since it is for IPython: {text}\n"
        for place, text in (
            ("2, line 1", "%matplotlib inline"),
            ("2, line 2", "!pip install keras"),
            ("2, line 4", "!ls"),
            ("3, line 1", "the whole cell"),
            ("4, line 1", "%%time"),
        )
    )


def test_an_error_names_the_cell_and_shows_its_line(notebook, capsys):
    assert notebook("x = 0", "def f():\n    return 1 / x\n\nf()") == 1
    assert capsys.readouterr().err == (
        "Traceback (most recent call last):\n"
        '  File "n.ipynb, cell 2", line 4, in <module>\n    f()\n'
        '  File "n.ipynb, cell 2", line 2, in f\n    return 1 / x\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_an_interrupt_shows_the_line_of_the_cell_only(notebook, capsys):
    assert notebook("raise KeyboardInterrupt") == 130
    assert capsys.readouterr().err == (
        'Traceback (most recent call last):\n  File "n.ipynb, cell 1", line 1, in <module>\n    raise KeyboardInterrupt\n'
        "KeyboardInterrupt\n"
    )


def test_an_error_of_syntax_names_the_cell(notebook, capsys):
    assert notebook("x = (") == 1
    err = capsys.readouterr().err
    assert 'File "n.ipynb, cell 1", line 1\n' in err
    assert err.endswith("SyntaxError: '(' was never closed\n") and "cornu" not in err


def test_a_hook_of_its_own_gets_the_error(notebook, capsys, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    assert notebook("import sys\nsys.excepthook = lambda kind, error, place: print(kind.__name__, error)", "1 / 0") == 1
    assert capsys.readouterr() == ("ZeroDivisionError division by zero\n", "")


def test_a_warning_is_given_once(notebook):
    with pytest.warns(SyntaxWarning, match='"is" with') as record:
        assert notebook("x = 5 is 5") == 0
    assert [warning.filename for warning in record] == ["n.ipynb, cell 1"]


def test_a_notebook_may_exit(notebook, capsys):
    assert notebook("import sys\nsys.exit(4)", "print(1)") == 4
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"worksheets": []}', '{"cells": [1]}', '{"cells": [{"cell_type": "code"}]}']
)
def test_a_file_that_is_no_notebook_is_refused(notebook, text):
    assert notebook(text=text) == (
        "cornu run: 'n.ipynb' is not a Jupyter notebook of format 4. Convert it: `jupyter nbconvert --to notebook n.ipynb`."
    )


def test_a_notebook_that_cannot_be_opened_is_reported(tmp_path):
    with pytest.raises(SystemExit, match=r"^cornu run: can't open file '.*missing.ipynb': No such file or directory$"):
        run(str(tmp_path / "missing.ipynb"))
    with pytest.raises(SystemExit, match=r"^cornu run: can't open file '.*': Is a directory$"):
        run(str(tmp_path))
