"""Helpers common to all backends: conversion of data, default dtypes, padding counts, and checks of gradients."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config, trees
from cornu.backends.contract import ArraySpec, ArraySpecs
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.scopes import Scope
from cornu.typing import ArrayLike, Tree

without_values = Scope("without_values", False)
"""Whether a function is evaluated only for the shapes of its results, possibly on zeros: values must not be checked."""


def numbers(x: ArrayLike) -> np.ndarray:
    """Convert Python or NumPy data to a numeric NumPy array; an array is not copied.

    Raises:
        InvalidArgumentError: The data is not numeric, or its rows have different lengths.
    """
    array = np.asarray(x)
    if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
        raise InvalidArgumentError(
            f"Received data of NumPy dtype {array.dtype}.",
            "An array must contain numbers or booleans, and all its rows must have the same length.",
            "Convert the data to numbers first, for example strings to indices with `StringLookup` or `TextVectorization`.",
        )
    return array


def usual_dtype(array: np.ndarray) -> str:
    """Return the default dtype for data: 64-bit dtypes become 32-bit ones, ``float64`` becomes ``config.floatx()``.

    Complex numbers consist of two such floats.
    """
    name = "string" if array.dtype.kind == "T" else array.dtype.name
    if name == "complex128":
        return name if config.floatx() == "float64" else "complex64"
    return {"float64": config.floatx(), "int64": "int32", "uint64": "uint32"}.get(name, name)


@functools.cache
def promoted_dtype(one: str, other: str) -> str:
    """Return the dtype of the result for arrays of two dtypes: that of NumPy, with 64 bits only from 64 bits.

    The result of a float and an integer has the dtype of the float.
    """
    if one == other:
        return one
    floats = [name for name in (one, other) if "float" in name]
    if "complex" in one + other:
        wide = "128" in one + other or "float64" in (one, other)
        return "complex128" if wide else "complex64"
    if len(floats) == 1:
        return floats[0]
    if floats:
        return "float64" if "float64" in floats else "float32"
    result = np.result_type(one, other)
    if result.name in (one, other) or result.itemsize < 8:
        return result.name
    return "int32"  # for an unsigned and a signed integer, NumPy uses more bits than either has


def check_fits(array: np.ndarray, dtype: str, hint: str) -> None:
    """Check that 64-bit integers fit into the 32-bit dtype to which they are converted.

    Raises:
        InvalidArgumentError: A value does not fit.
    """
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8 or dtype not in ("int32", "uint32") or not array.size:
        return
    limits = np.iinfo(dtype)
    if array.min() < limits.min or array.max() > limits.max:
        raise InvalidArgumentError(
            f"Received integers from {array.min()} to {array.max()}.",
            f"They are converted to {dtype!r}, whose range is {limits.min} to {limits.max}.",
            hint,
        )


def holds(values: list | tuple, kind: type) -> bool:
    """Return whether a list, or a list nested in it, contains an instance of a type."""
    return any(isinstance(v, kind) or (isinstance(v, (list, tuple)) and holds(v, kind)) for v in values)


def map_specs(function: Callable, specs: ArraySpecs) -> Any:
    """Apply ``trees.map`` to a tree of :class:`ArraySpec`; ``trees`` would treat these named tuples as trees."""
    if isinstance(specs, ArraySpec):
        return function(specs)
    if isinstance(specs, dict):
        return {name: map_specs(function, specs[name]) for name in trees.keys(specs)}
    if isinstance(specs, (list, tuple)):
        parts = [map_specs(function, spec) for spec in specs]
        return type(specs)(*parts) if hasattr(specs, "_fields") else type(specs)(parts)
    return specs


def while_loop(cond: Callable, body: Callable, init: Tree) -> Any:
    """Return the result of a loop that runs in Python."""
    value = init
    while cond(value):
        value = body(value)
    return value


def cond(pred: ArrayLike, true_fn: Callable, false_fn: Callable, *operands: Tree) -> Any:
    """Return the result of one of two functions, chosen in Python."""
    return true_fn(*operands) if pred else false_fn(*operands)


def window_counts(size: tuple, window: tuple, strides: tuple, padding: tuple) -> np.ndarray:
    """Return the number of elements of each pooling window that are not padding, but at least 1, for the division.

    Args:
        size: Spatial size of the images.
        window, strides, padding: Arguments of ``avg_pool``.

    Returns:
        Array with the spatial shape of the output of ``avg_pool``.
    """
    counts = np.ones(())
    for length, width, step, pads in zip(size, window, strides, padding, strict=True):
        real = np.pad(np.ones(length), pads)
        along = [real[start : start + width].sum() for start in range(0, len(real) - width + 1, step)]
        counts = np.expand_dims(counts, -1) * np.maximum(along, 1)
    return counts


def check_has_gradient(dtype: str) -> None:
    """Check that an array of this dtype has a gradient.

    Raises:
        InvalidTypeError: The dtype is not a floating-point one.
    """
    if "float" not in dtype:
        raise InvalidTypeError(
            f"The gradient with respect to an array of dtype {dtype} was requested.",
            "Only arrays of a floating-point dtype have a gradient.",
            "Cast it to float first, or pass it as another argument than the first.",
        )


def check_differentiated(shape: tuple, dtype: str) -> None:
    """Check that the value of a differentiated function is a floating-point scalar.

    Raises:
        ShapeError: The value is not a scalar.
        InvalidTypeError: The dtype is not a floating-point one.
    """
    if shape != ():
        raise ShapeError(
            f"The function to differentiate returned an array of shape {shape}.",
            "It must return a scalar, such as the mean over the batch.",
            "Reduce it with `cornu.ops.mean` or `cornu.ops.sum`.",
        )
    if "float" not in dtype:
        raise InvalidTypeError(
            f"The function to differentiate returned a scalar of dtype {dtype}.",
            "It must return a floating-point scalar.",
            "Cast the result to float.",
        )
