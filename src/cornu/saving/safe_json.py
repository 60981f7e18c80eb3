"""Reading of untrusted JSON, with limits on its size and depth, and writing of JSON."""

import json
import math
from collections.abc import Iterator
from typing import Any

from cornu.errors import InvalidArgumentError, ModelFormatError

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 128
MAX_VALUES = 1_000_000
MAX_OBJECTS = 60_000
"""Limits of a config. The largest models of ``keras.applications`` need 1 MB, 12 levels, 50,000 values and 6,000 objects."""


def read_json(data: bytes, source: str) -> dict[str, Any]:
    """Parse a JSON object.

    Args:
        data: Bytes, JSON in UTF-8.
        source: String, name of the data in error messages, such as ``"config.json"``.

    Returns:
        Dict.

    Raises:
        ModelFormatError: If the data are not a JSON object, exceed the limits of a config, contain a duplicate key, or contain
            a non-finite number or an invalid string.

    Example:
        >>> from cornu.saving.safe_json import read_json
        >>> read_json(b'{"units": 3}', "config.json")
        {'units': 3}
    """
    try:
        return _parsed(data)
    except _Unreadable as error:
        hint = "The file is damaged or was not written by Keras or Cornu."
        raise ModelFormatError(f"`{source}` {error.received}.", error.expected, hint) from None


class _Unreadable(Exception):
    """Raised for bytes that are no JSON object within the limits.

    Args:
        received: What is wrong with them.
        expected: What they should be.
    """

    def __init__(self, received: str, expected: str):
        self.received, self.expected = received, expected


def _parsed(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise _Unreadable(f"has {len(data):,} bytes", f"A config has at most {MAX_BYTES:,}.")
    if data.count(b'"class_name"') > MAX_OBJECTS:
        raise _Unreadable(f"names more than {MAX_OBJECTS:,} objects", f"A config has at most {MAX_OBJECTS:,} objects.")
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_reject_constant)
    except RecursionError:
        raise _Unreadable("is nested too deeply", f"A config has at most {MAX_DEPTH} levels.") from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors too
        raise _Unreadable(f"cannot be parsed as JSON: {error}", "It must be JSON in UTF-8.") from None
    if not isinstance(found, dict):
        raise _Unreadable(f"contains a {type(found).__name__}", "It must contain a JSON object.")
    _check_values(found)
    return found


def _check_values(tree: dict) -> None:
    for count, (value, depth) in enumerate(_values(tree)):
        if depth > MAX_DEPTH or count > MAX_VALUES:
            limits = f"A config has at most {MAX_DEPTH} levels and {MAX_VALUES:,} values."
            raise _Unreadable("is nested too deeply or contains too many values", limits)
        if isinstance(value, float) and not math.isfinite(value):
            raise _Unreadable("contains a number that is not finite", "JSON supports finite numbers only.")
        if isinstance(value, str) and not _is_valid_unicode(value):
            raise _Unreadable(f"contains an unpaired surrogate in {value[:40]!a}", "Strings must be valid Unicode.")


def _values(tree: Any) -> Iterator[tuple[Any, int]]:
    """Yield all values of a tree, including the keys of dicts, with their depths. Iterative, since the tree may be deep."""
    stack = [(tree, 1)]
    while stack:
        value, depth = stack.pop()
        yield value, depth
        if isinstance(value, dict):
            stack.extend((part, depth + 1) for item in value.items() for part in item)
        elif isinstance(value, list):
            stack.extend((part, depth + 1) for part in value)


def _is_valid_unicode(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} occurs twice in one object")
    return found


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not valid JSON")


def write_json(tree: Any, what: str) -> bytes:
    """Serialize a tree to JSON.

    Args:
        tree: Tree of dicts, lists, strings, finite numbers, booleans and None.
        what: String, name of the tree in error messages.

    Returns:
        Bytes, JSON in UTF-8.

    Raises:
        InvalidArgumentError: If the tree contains any other value, or could not be read again because of its size, of a string
            that is not valid Unicode, or of two keys that are the same in JSON, such as 1 and "1".

    Example:
        >>> from cornu.saving.safe_json import write_json
        >>> write_json({"rate": 0.5}, "The config")
        b'{"rate": 0.5}'
    """
    try:
        data = json.dumps(tree, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"{what} contains a value that cannot be written as JSON: {error}.",
            "Valid values are dicts, lists, strings, finite numbers, booleans and None.",
            "Check the return value of `get_config`.",
        ) from None
    try:
        _parsed(data)
    except _Unreadable as error:
        hint = "Check the return value of `get_config`: large arrays belong into weights or assets."
        raise InvalidArgumentError(f"{what} {error.received}.", error.expected, hint) from None
    return data
