"""How an op finds out what to do: from what its arguments are.

Three kinds of arguments come to an op: arrays of a backend (the backend computes), things that stand for an array, such as a
variable (they are asked for it), and symbolic tensors (the op is recorded instead of computed). The floors above register
the last two kinds, so this module knows neither variables nor graphs.
"""

import functools
from collections.abc import Callable
from typing import Any

_recorders: dict[type, Callable] = {}


def register_recorder(kind: type, record: Callable) -> None:
    """Says what happens when an op meets an argument of a kind: ``record(op, args, kwargs)`` instead of the op."""
    _recorders[kind] = record


def op(function: Callable) -> Callable:
    """Makes a function on arrays an op: it also takes what stands for an array, and symbolic tensors.

    A thing stands for an array if its type has a method ``__cornu_array__()`` that gives one.
    Arguments are looked at themselves and, for lists and tuples, one level deep (``concatenate([a, b])``).
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        values = (*args, *kwargs.values())
        for value in values:
            for item in value if isinstance(value, (list, tuple)) else (value,):
                record = _recorders.get(type(item))
                if record is not None:
                    return record(wrapper, args, kwargs)
        args = tuple(unwrap(value) for value in args)
        kwargs = {name: unwrap(value) for name, value in kwargs.items()}
        return function(*args, **kwargs)

    return wrapper


def unwrap(value: Any) -> Any:
    """The array a value stands for, or the value itself; lists and tuples one level deep."""
    if hasattr(type(value), "__cornu_array__"):
        return value.__cornu_array__()
    if type(value) in (list, tuple):
        return type(value)(unwrap(item) if hasattr(type(item), "__cornu_array__") else item for item in value)
    return value
