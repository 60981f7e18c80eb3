"""What is the same on every backend: dtypes, what data becomes, what lies on padding, what cannot be differentiated, and
how devices are called.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config
from cornu.backends.contract import ArraySpec
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError


def numbers(x: Any) -> np.ndarray:
    """Python or NumPy data as a NumPy array of numbers; not copied if it is one.

    Raises:
        InvalidArgumentError: It holds something else, or rows of different lengths.
    """
    array = np.asarray(x)
    if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
        raise InvalidArgumentError(
            f"Data of NumPy dtype {array.dtype} was given.",
            "An array must hold numbers or booleans, and all its rows must have the same length.",
            "Turn the data into numbers first, for example texts into class indices.",
        )
    return array


def usual_dtype(array: np.ndarray) -> str:
    """The dtype that data gets if none is named: of 64 bits only 32 are kept."""
    name = array.dtype.name
    return {"float64": config.floatx(), "int64": "int32", "uint64": "uint32"}.get(name, name)


def check_fits(array: np.ndarray, dtype: str, advice: str) -> None:
    """Refuses whole numbers of 64 bits that do not fit into 32, if that is what they become.

    Raises:
        InvalidArgumentError: There is such a number.
    """
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8 or dtype not in ("int32", "uint32") or not array.size:
        return
    limits = np.iinfo(dtype)
    if array.min() < limits.min or array.max() > limits.max:
        raise InvalidArgumentError(
            f"Whole numbers from {array.min()} to {array.max()} were given.",
            f"They become {dtype!r}, which holds {limits.min} to {limits.max}.",
            advice,
        )


def holds(values: list | tuple, kind: type) -> bool:
    """Whether something of a type is in a list, or in a list inside it."""
    return any(isinstance(v, kind) or (isinstance(v, (list, tuple)) and holds(v, kind)) for v in values)


def map_specs(function: Callable, specs: Any) -> Any:
    """``trees.map`` for a tree of :class:`ArraySpec`, which ``trees`` would take for trees: they are named tuples."""
    if isinstance(specs, ArraySpec):
        return function(specs)
    if isinstance(specs, dict):
        return {name: map_specs(function, spec) for name, spec in specs.items()}
    if isinstance(specs, (list, tuple)):
        parts = [map_specs(function, spec) for spec in specs]
        return type(specs)(*parts) if hasattr(specs, "_fields") else type(specs)(parts)
    return specs


def window_counts(size: tuple, window: tuple, strides: tuple, padding: tuple) -> np.ndarray:
    """How many places of each pooling window lie on the picture and not on padding; at least 1, to divide by.

    Args:
        size: Size of the picture, an axis each.
        window, strides, padding: Those of ``avg_pool``.

    Returns:
        An array with an axis for each of the picture's.
    """
    counts = np.ones(())
    for length, width, step, pads in zip(size, window, strides, padding, strict=True):
        real = np.pad(np.ones(length), pads)
        along = [real[start : start + width].sum() for start in range(0, len(real) - width + 1, step)]
        counts = np.expand_dims(counts, -1) * np.maximum(along, 1)
    return counts


def check_has_gradient(dtype: str) -> None:
    """Refuses the gradient for an array that is not of floats.

    Raises:
        InvalidTypeError: The dtype is another one.
    """
    if "float" not in dtype:
        raise InvalidTypeError(
            f"The gradient for an array of dtype {dtype} was asked for.",
            "Only floats have a gradient.",
            "Cast it to float first, or make it another argument than the first.",
        )


def check_differentiated(shape: tuple, dtype: str) -> None:
    """Refuses the value of a function to differentiate that is not a single float.

    Raises:
        ShapeError: It is an array.
        InvalidTypeError: It is a whole number or a boolean.
    """
    if shape != ():
        raise ShapeError(
            f"The function to differentiate gave an array of shape {shape}.",
            "It must give one number, such as a mean over the batch.",
            "Reduce it with `cornu.ops.mean` or `cornu.ops.sum`.",
        )
    if "float" not in dtype:
        raise InvalidTypeError(
            f"The function to differentiate gave a number of dtype {dtype}.",
            "It must be a float.",
            "Cast it to float.",
        )
