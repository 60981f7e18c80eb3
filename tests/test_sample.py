"""What ``--sample`` chooses (``sample`` in ``conftest.py``)."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest


class Item:
    """What of a collected test ``sample`` reads."""

    def __init__(self, function: str, *ids: str, engine: str | None = None):
        self.nodeid = f"{function}[{'-'.join(ids)}]" if ids else function
        self.ids, self.engine, self.marker = ids, engine, None
        if ids:
            self.callspec = SimpleNamespace(_idlist=ids, params={} if engine is None else {"backend": engine})

    def get_closest_marker(self, name: str) -> str | None:
        return self.marker if self.marker == name else None


@pytest.fixture
def sample(pytestconfig: pytest.Config) -> Callable:
    return pytestconfig.pluginmanager.get_plugin(str(Path(__file__).with_name("conftest.py"))).sample


def product(function: str, *parameters: str) -> list[Item]:
    return [Item(function, *ids) for ids in itertools.product(*parameters)]


def test_a_test_without_cases_is_chosen(sample):
    items = [Item("tests/ops/test_a.py::test_one"), Item("tests/backends/test_b.py::test_two")]
    assert sample(items) == set(items)


def test_tests_that_take_long_are_left_out(sample):
    items = [Item("tests/ops/test_a.py::test_one"), Item("tests/ops/test_a.py::test_two")]
    items[0].marker = "thorough"
    assert sample(items) == {items[1]}


def test_each_value_of_each_parameter_is_in_a_chosen_case(sample):
    chosen = sample(product("tests/ops/test_a.py::test_one", "abcd", "0123456789", "xyz"))
    assert [{item.ids[place] for item in chosen} for place in range(3)] == [set("abcd"), set("0123456789"), set("xyz")]
    assert len(chosen) < 20


def test_each_pair_of_values_is_chosen_where_engines_differ(sample):
    chosen = sample(product("tests/backends/test_a.py::test_one", "abcd", "012345", "xyz"))
    for one, other in [(0, 1), (0, 2), (1, 2)]:
        parameters = ["abcd", "012345", "xyz"]
        assert {(item.ids[one], item.ids[other]) for item in chosen} == set(
            itertools.product(parameters[one], parameters[other])
        )
    assert len(chosen) < 4 * 6 * 3


def test_the_choice_depends_on_names_alone(sample):
    first = product("tests/ops/test_a.py::test_one", "abcd", "0123")
    more = [
        *reversed(product("tests/ops/test_a.py::test_one", "abcd", "0123")),
        *product("tests/ops/test_b.py::test_one", "abcd", "01"),
    ]
    names = {item.nodeid for item in sample(first)}
    assert names == {item.nodeid for item in sample(more) if "test_a.py" in item.nodeid}


def on_engines(function: str) -> list[Item]:
    return [Item(function, case, engine, engine=engine) for case in "abc" for engine in ("jax", "torch", "numpy")]


@pytest.mark.parametrize(("folder", "count"), [("ops", 1), ("training", 2), ("backends", 3)])
def test_a_test_runs_on_some_engines_and_all_tests_together_on_each(sample, folder, count):
    functions = [f"tests/{folder}/test_a.py::test_{number}" for number in range(30)]
    chosen = sample([item for function in functions for item in on_engines(function)])
    for function in functions:
        cases = [item for item in chosen if item.nodeid.startswith(f"{function}[")]
        assert {item.ids[0] for item in cases} == set("abc")
        assert len({item.engine for item in cases}) == count
    assert {item.engine for item in chosen} == {"jax", "torch", "numpy"}
