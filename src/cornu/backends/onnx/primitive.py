"""Make a function a primitive of the recording backend."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.backends import lookup
from cornu.backends.onnx.graph_builder import PRIMITIVES, OnnxArray, constant, place
from cornu.backends.onnx.symbolic_sizes import is_open
from cornu.errors import BackendError

NUMBERS = (bool, int, float)
"""Types of numbers that take on the dtype of the array beside them."""

_KEEP_LABEL = ("cast", "reshape", "transpose")
"""Functions after which a variable's numbers still are that variable's."""


def primitive(function: Callable) -> Callable:
    """Makes a function one of the backend's: of constants alone the NumPy backend computes it, and nothing is recorded."""
    name = function.__name__
    on_numbers = getattr(lookup.get("numpy"), name)
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if _depends_on_inputs((args, kwargs)):
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        label = getattr(args[0], "label", None) if name in _KEEP_LABEL else None
        result = on_numbers(*map(_numbers, bound.args), **bound.kwargs)
        return type(result)(map(constant, result)) if isinstance(result, (list, tuple)) else constant(result, label)

    PRIMITIVES[name] = wrapper
    return wrapper


def _depends_on_inputs(value: Any) -> bool:
    """Whether there is a recorded array or an open size in a value, at any depth."""
    if isinstance(value, OnnxArray):
        return value.value is None
    if isinstance(value, (list, tuple)):
        return any(map(_depends_on_inputs, value))
    if isinstance(value, dict):
        return any(map(_depends_on_inputs, value.values()))
    if isinstance(value, slice):
        return any(map(_depends_on_inputs, (value.start, value.stop, value.step)))
    return is_open(value)


def _numbers(value: Any) -> Any:
    """A value with NumPy arrays in place of constants and of other engines' arrays."""
    if isinstance(value, OnnxArray):
        return value.value
    if isinstance(value, (list, tuple)):
        return type(value)(map(_numbers, value))
    return np.asarray(value) if lookup.owner(value) not in (None, "numpy") else value


def refused(primitive: str, reason: str, advice: str) -> BackendError:
    """The error for what cannot be recorded: it names the primitive and where in the model it was called."""
    where = place(primitive)
    return BackendError(
        f"`{primitive}` was called {f'in {where!r} ' if where else ''}while a model was recorded for ONNX.", reason, advice
    )


def available(dtype: str) -> str:
    """The dtype that is recorded for one: ``bfloat16``, which ONNX Runtime does not compute in, as ``float32``."""
    return "float32" if dtype == "bfloat16" else dtype
