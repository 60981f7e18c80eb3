"""What ``--sample`` chooses (``sample`` in ``conftest.py``)."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest


class Item:
    """What of a collected test ``sample`` reads."""

    def __init__(self, function: str, *ids: str):
        self.nodeid = f"{function}[{'-'.join(ids)}]" if ids else function
        self.ids = ids
        if ids:
            self.callspec = SimpleNamespace(_idlist=ids)


@pytest.fixture
def sample(pytestconfig: pytest.Config) -> Callable:
    return pytestconfig.pluginmanager.get_plugin(str(Path(__file__).with_name("conftest.py"))).sample


def product(function: str, *parameters: str) -> list[Item]:
    return [Item(function, *ids) for ids in itertools.product(*parameters)]


def test_a_test_without_cases_is_chosen(sample):
    items = [Item("tests/ops/test_a.py::test_one"), Item("tests/backends/test_b.py::test_two")]
    assert sample(items) == set(items)


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
