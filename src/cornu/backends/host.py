"""What the user's data is to every backend: NumPy arrays of numbers, and the dtype they get if none is named."""

from typing import Any

import numpy as np

from cornu import config
from cornu.errors import InvalidArgumentError


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
