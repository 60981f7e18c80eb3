"""Convert functions to primitives of the ONNX backend, which compute on constants and record everything else."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.backends import lookup
from cornu.backends.contract import Backend
from cornu.backends.onnx.graph_builder import PRIMITIVES, OnnxArray, constant, place
from cornu.backends.onnx.symbolic_sizes import is_open
from cornu.errors import BackendError
from cornu.typing import Tree

NUMBERS = (bool, int, float)
"""Types of Python scalars, which take the dtype of the array next to them."""

_KEEP_LABEL = ("cast", "reshape", "transpose")
"""Functions whose result keeps the label of a variable."""


def primitive(function: Callable, name: str | None = None) -> Callable:
    """Convert a function to a primitive: if all arguments are constants, the NumPy backend computes it, unrecorded."""
    name = name or function.__name__
    on_numbers = getattr(lookup.get("numpy"), name)
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapper(*args: Tree, **kwargs: Any) -> Any:
        if _depends_on_inputs((args, kwargs)):
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        label = getattr(args[0], "label", None) if name in _KEEP_LABEL else None
        result = on_numbers(*map(_numbers, bound.args), **bound.kwargs)
        return type(result)(map(constant, result)) if isinstance(result, (list, tuple)) else constant(result, label)

    PRIMITIVES[name] = wrapper
    return wrapper


def _depends_on_inputs(value: Tree) -> bool:
    """Return whether a value contains a recorded array or a symbolic size, at any depth."""
    if isinstance(value, OnnxArray):
        return value.value is None
    if isinstance(value, (list, tuple)):
        return any(map(_depends_on_inputs, value))
    if isinstance(value, dict):
        return any(map(_depends_on_inputs, value.values()))
    if isinstance(value, slice):
        return any(map(_depends_on_inputs, (value.start, value.stop, value.step)))
    return is_open(value)


def _numbers(value: Tree) -> Any:
    """Return a value with constants and arrays of other engines replaced by NumPy arrays."""
    if isinstance(value, OnnxArray):
        return value.value
    if isinstance(value, (list, tuple)):
        return type(value)(map(_numbers, value))
    return np.asarray(value) if lookup.owner(value) not in (None, "numpy") else value


def refused(primitive: str, reason: str, hint: str) -> BackendError:
    """Return the error for a call that cannot be recorded, with the primitive and the layer that called it."""
    where = place(primitive)
    return BackendError(
        f"`{primitive}` was called {f'in {where!r} ' if where else ''}while a model was recorded for ONNX.", reason, hint
    )


def refusal(name: str, reason: str, hint: str) -> Callable:
    """Return a function with the arguments of a primitive that raises the error of :func:`refused`."""

    def refuse(*args: Tree, **kwargs: Any) -> Any:
        raise refused(name, reason, hint)

    _, *parameters = inspect.signature(getattr(Backend, name)).parameters.values()  # without `self`
    refuse.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return refuse


def available(dtype: str) -> str:
    """Return the recorded dtype: ``float32`` for ``bfloat16``, which ONNX Runtime does not support, else the same dtype."""
    return "float32" if dtype == "bfloat16" else dtype
