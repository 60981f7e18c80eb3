"""JSON that comes from a file somebody else may have made: read within limits, refused with a reason."""

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
    """The JSON object that some bytes hold.

    Args:
        data: The bytes, UTF-8.
        source: What to call them in errors, such as ``"config.json"``.

    Returns:
        The object as a dict.

    Raises:
        ModelFormatError: It is no JSON object, is larger or deeper than a config can be, has a name twice, or holds
            numbers or texts that JSON cannot.

    Example:
        >>> from cornu.saving.safe_json import read_json
        >>> read_json(b'{"units": 3}', "config.json")
        {'units': 3}
    """
    if len(data) > MAX_BYTES:
        raise _refusal(source, f"has {len(data):,} bytes", f"A config has at most {MAX_BYTES:,}.")
    if data.count(b'"class_name"') > MAX_OBJECTS:
        raise _refusal(source, f"names more than {MAX_OBJECTS:,} objects", "No model has so many.")
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except RecursionError:
        raise _refusal(source, "is nested too deep", f"A config has at most {MAX_DEPTH} levels.") from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors too
        raise _refusal(source, f"cannot be read as JSON: {error}", "It must be JSON in UTF-8.") from None
    if not isinstance(found, dict):
        raise _refusal(source, f"holds a {type(found).__name__}", "It must hold a JSON object.")
    _check_values(found, source)
    return found


def _check_values(tree: dict, source: str) -> None:
    for count, (value, depth) in enumerate(_values(tree)):
        if depth > MAX_DEPTH or count > MAX_VALUES:
            limits = f"A config has at most {MAX_DEPTH} levels and {MAX_VALUES:,} values."
            raise _refusal(source, "is nested too deep or holds too many values", limits)
        if isinstance(value, float) and not math.isfinite(value):
            raise _refusal(source, "holds a number that is not finite", "JSON knows finite numbers only.")
        if isinstance(value, str) and not _is_text(value):
            raise _refusal(source, f"holds half a character in {value[:40]!a}", "Texts must be valid Unicode.")


def _values(tree: Any) -> Iterator[tuple[Any, int]]:
    """All values of a tree, names in dicts included, with their depths. A stack instead of recursion: it may be deep."""
    stack = [(tree, 1)]
    while stack:
        value, depth = stack.pop()
        yield value, depth
        if isinstance(value, dict):
            stack.extend((part, depth + 1) for item in value.items() for part in item)
        elif isinstance(value, list):
            stack.extend((part, depth + 1) for part in value)


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _refusal(source: str, received: str, expected: str) -> ModelFormatError:
    return ModelFormatError(f"`{source}` {received}.", expected, "The file is damaged or was not written by Keras or Cornu.")


def write_json(tree: Any, what: str) -> bytes:
    """A tree of plain values as JSON.

    Args:
        tree: Dicts, lists, strings, finite numbers, booleans and None.
        what: What to call it in errors.

    Returns:
        The bytes, UTF-8.

    Raises:
        InvalidArgumentError: Something in it is none of these.

    Example:
        >>> from cornu.saving.safe_json import write_json
        >>> write_json({"rate": 0.5}, "the config")
        b'{"rate": 0.5}'
    """
    try:
        return json.dumps(tree, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"{what} holds something that JSON cannot: {error}.",
            "A file holds dicts, lists, texts, finite numbers, booleans and None.",
            "Look at what `get_config` gives.",
        ) from None
