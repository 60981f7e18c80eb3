"""What the documents show is what happens: every example in a docstring runs, and so do the pages with programs."""

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest

import cornu

PACKAGE = Path(cornu.__file__).parent
ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/custom_training_steps.md", "docs/transfer_learning.md"]
"""Pages whose Python code runs from top to bottom."""
CHANGES_IMPORTS = "legacy/startup/sitecustomize.py"
"""The file that replaces Keras by Cornu in a process when it is imported; other tests in this process use real Keras."""
FILES = sorted({path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")} - {CHANGES_IMPORTS})


class Finder(doctest.DocTestFinder):
    """Also finds functions that a decorator of another module has wrapped, which doctest takes for that module's."""

    def _from_module(self, module, object):
        return getattr(object, "__module__", module.__name__) == module.__name__


def name_of(file: str) -> str:
    return ".".join(("cornu", *Path(file).with_suffix("").parts)).removesuffix(".__init__")


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path, monkeypatch):
    """Examples may write files."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("file", FILES)
def test_examples_in_docstrings_run(file):
    module = importlib.import_module(name_of(file))
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    problems = []
    found = [docstring for docstring in Finder().find(module) if docstring.examples]
    for example in found:
        runner.run(example, out=problems.append)
    assert not problems, "".join(problems)
    assert len(found) >= docstrings_with_examples(file), "doctest does not see all examples of this file"  # some are generated


def test_the_file_that_is_left_out_has_no_examples():
    assert docstrings_with_examples(CHANGES_IMPORTS) == 0


def docstrings_with_examples(file: str) -> int:
    """How many docstrings of modules, classes, functions and methods in the file have examples."""
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    inner = [tree, *tree.body, *(node for kind in tree.body if isinstance(kind, ast.ClassDef) for node in kind.body)]
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return sum(">>>" in (ast.get_docstring(node) or "") for node in inner if isinstance(node, kinds))


def python_blocks(text: str) -> list[tuple[int, str]]:
    """The ```python blocks of a Markdown text with the numbers of their first lines."""
    return [
        (text[: found.start(1)].count("\n"), found[1]) for found in re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_from_top_to_bottom(page):
    names: dict = {"__name__": "page"}
    for line, block in python_blocks((ROOT / page).read_text(encoding="utf-8")):
        # The blank lines put the lines of the page into error messages.
        exec(compile("\n" * line + block, str(ROOT / page), "exec"), names)
