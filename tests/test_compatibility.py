"""``docs/compatibility.md``: it is what ``docs/compatibility.py`` writes today, and what it says is proven by tests."""

import ast
import functools
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]

SHARES = {
    **dict.fromkeys(("layers", "losses", "metrics", "initializers", "regularizers", "constraints", "activations"), 0.97),
    **dict.fromkeys(("ops", "utils", "random", "saving", "tree", "config"), 0.95),
}
"""The smallest part of the names of Keras that a namespace has. Callbacks and optimizers are few, some of them plumbing."""

PLUMBING = ("saving.KerasFileEditor",)
"""Names that do not count: no program needs them, and ``docs/differences.toml`` says what to use instead."""

KINDS = {"wrong", "careless", "engines", "rule"}


@functools.cache
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compatibility_for_tests", ROOT / "docs" / "compatibility.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def functions_of(file: str) -> set[str]:
    """Return the functions of a test file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


DATA = script().read_differences()
ROWS = [(kind, row) for kind in ("difference", "refused") for row in DATA[kind]]


def test_the_page_is_what_the_script_writes():
    assert script().PAGE.read_text(encoding="utf-8") == script().page(), "run `make docs`"


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[row["what"][:40] for _, row in ROWS])
def test_the_tests_of_a_difference_exist(kind, row):
    assert row["tests"]
    for test in row["tests"]:
        file, _, function = test.partition("::")
        assert (ROOT / file).is_file(), test
        assert function in functions_of(file), test


def test_differences_are_complete_and_in_the_order_of_their_areas():
    for row in DATA["difference"]:
        assert set(row) - {"names"} == {"area", "what", "keras", "cornu", "kind", "because", "tests"}, row["what"]
        assert row["kind"] in KINDS
        assert not row["because"].endswith(".")
    areas = [row["area"] for row in DATA["difference"]]
    assert [area for area, before in zip(areas, ["", *areas], strict=False) if area != before] == list(dict.fromkeys(areas))


def test_the_names_of_differences_are_names_of_keras():
    known = {one for name in script().all_names() for one in name.names}
    assert {one for row in DATA["difference"] for one in row.get("names", ())} <= known


def test_every_name_that_is_not_here_has_a_reason():
    missing = [name.names[0] for name in script().all_names() if name.mine is None]
    assert [name for name in missing if not script().reason_of_absence(name, DATA["absent"])] == []


@pytest.mark.parametrize("namespace", SHARES)
def test_nearly_all_names_of_a_namespace_are_here(namespace):
    whole = [name for name in script().all_names() if script().namespace_of(name.names[0]) == namespace]
    names = [name for name in whole if name.names[0] not in PLUMBING]
    assert sum(name.mine is not None and not script().is_refused(name, DATA) for name in names) >= SHARES[namespace] * len(
        names
    )


@pytest.mark.parametrize("path", ["layers.Dense", "ops.image.resize", "datasets.mnist.load_data", "Model", "utils.get_file"])
def test_names_are_found_in_both_packages(path):
    found = {one: name.mine for name in script().all_names() for one in name.names}
    assert found[path] is not None


def test_what_is_missing_is_not_found():
    assert script().find("layers.Danse") is None
    assert script().find("no_namespace.Dense") is None


def test_aliases_are_one_name():
    (convolution,) = [name for name in script().all_names() if "layers.Conv2D" in name.names]
    assert convolution.names == ["layers.Conv2D", "layers.Convolution2D"]


def test_every_name_that_is_here_is_compared_with_an_oracle():
    """A name counts as present only then; ``NOT_COMPARED`` has the exceptions, each with a reason."""
    coverage = script().import_test_file(script().TESTS / "oracle" / "coverage.py")
    present = [name.names for name in script().all_names() if name.mine is not None and not script().is_refused(name, DATA)]
    missing = {names[0] for names in present if not any(map(coverage.is_compared, names))}
    assert missing == set(coverage.NOT_COMPARED)
