import time

import pytest

from cornu.errors import InvalidArgumentError, ModelFormatError
from cornu.saving import safe_json
from cornu.saving.safe_json import read_json, write_json


def test_what_is_written_is_read():
    tree = {"a": [1, 2.5, None, True], "b": {"ä": "ö"}}
    assert read_json(write_json(tree, "it"), "config.json") == tree


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "nested too deep"),
        (b'{"a": ' + b"9" * 10_000_000 + b"}", "cannot be parsed as JSON"),
        (b'{"units": 1, "units": 2}', "the name 'units' occurs twice"),
        (b'{"a": NaN}', "NaN is not valid JSON"),
        (b'{"a": -Infinity}', "Infinity is not valid JSON"),
        (b'{"a": 1e999}', "not finite"),
        (b'{"a": "\\ud800"}', "unpaired surrogate"),
        (b'{"a": "\xff"}', "cannot be parsed as JSON"),
        (b'{"a": 1} trailing', "cannot be parsed as JSON"),
        (b"[1, 2]", "contains a list"),
        (b"null", "contains a NoneType"),
        (b"", "cannot be parsed as JSON"),
    ],
)
def test_hostile_json_is_refused_soon_with_the_reason(text, reason):
    began = time.perf_counter()
    with pytest.raises(ModelFormatError, match=reason) as caught:
        read_json(text, "config.json")
    assert time.perf_counter() - began < 1
    assert caught.value.received.startswith("`config.json`")


def test_a_text_larger_than_any_config_is_refused():
    with pytest.raises(ModelFormatError, match="A config has at most"):
        read_json(b" " * (safe_json.MAX_BYTES + 1), "config.json")


def test_too_many_values_are_refused(monkeypatch):
    monkeypatch.setattr(safe_json, "MAX_VALUES", 100)
    with pytest.raises(ModelFormatError, match="too many values"):
        read_json(b'{"a": [' + b"0," * 100 + b"0]}", "config.json")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_json_cannot_hold_is_refused_when_it_is_written(value):
    with pytest.raises(InvalidArgumentError, match=r"^`model.meta` contains a value that cannot be written as JSON"):
        write_json({"value": value}, "`model.meta`")


def nested(depth):
    tree = {}
    for _ in range(depth):
        tree = {"a": tree}
    return tree


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"a": {1: "x", "1": "y"}}, "the name '1' occurs twice in one object"),
        ({"a": "\ud800"}, "contains an unpaired surrogate"),
        (nested(safe_json.MAX_DEPTH), "is nested too deeply"),
        ({"a": [0] * (safe_json.MAX_VALUES + 1)}, "contains too many values"),
        ({"a": "x" * safe_json.MAX_BYTES}, r"has 16,777,2\d\d bytes"),
        ([1], "contains a list"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tree, text):
    with pytest.raises(InvalidArgumentError, match=rf"^The config .*{text}.*Check the return value of `get_config`"):
        write_json(tree, "The config")
