"""Validation of arguments: each function returns the argument in its final form or raises an error."""

import functools
import importlib.metadata
import importlib.util
import inspect
import numbers
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from cornu import config
from cornu.dtypes import ALL, COMPLEX, UNSUPPORTED, is_complex, is_float, is_integer, wider_float
from cornu.errors import InvalidArgumentError, InvalidTypeError, MissingPackageError, one_of, wrong_argument
from cornu.typing import DType

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

PADDINGS = ("valid", "same")
"""No padding, or padding so that the output has the size of the input divided by the strides, rounded up."""

_GUESSES = {"equal": "same", "half": "same", "zero": "same", "zeros": "same", "none": "valid", "no": "valid", "false": "valid"}
"""Suggestions for other names; a guess by spelling would be wrong (``"equal"`` is closer to ``"valid"``)."""


def named_arguments(function: F) -> F:
    """Decorate a function so that an unknown keyword argument raises an error that names the nearest argument.

    Raises:
        InvalidTypeError: When the decorated function receives an argument that it does not have.

    Example:
        >>> from cornu.errors import InvalidTypeError
        >>> from cornu.validation import named_arguments
        >>> @named_arguments
        ... def train(epochs=1):
        ...     return epochs
        >>> try:
        ...     train(nb_epoch=2)
        ... except InvalidTypeError as error:
        ...     print(error.hint)
        Keras 3 calls it `epochs`.
    """
    known = [name for name in inspect.signature(function).parameters if name != "self"]

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        for name in kwargs:
            if name not in known:
                raise wrong_argument(function.__name__, name, known)
        return function(*args, **kwargs)

    return cast(F, checked)


def is_int(value: Any, allow_float: bool = False) -> bool:
    """Return whether a value is a Python or NumPy integer; booleans are not.

    Args:
        value: Value of any type.
        allow_float: Whether a float without a fractional part is an integer too. Defaults to False.

    Example:
        >>> import numpy as np
        >>> from cornu.validation import is_int
        >>> is_int(np.int64(3)), is_int(True), is_int(3.0), is_int(3.0, allow_float=True)
        (True, False, False, True)
    """
    if isinstance(value, numbers.Integral):
        return not isinstance(value, bool)
    return allow_float and isinstance(value, (float, np.floating)) and float(value).is_integer()


def check_int(owner: object, argument: str, value: Any, least: int = 1, example: int | None = None) -> int:
    """Return an integer, also from a NumPy integer.

    Args:
        owner: Object whose argument is checked, or the name of the function.
        argument: Name of the argument.
        value: Value of the argument.
        least: Smallest valid value. Defaults to 1.
        example: Valid value for the error. Defaults to the value of a float without a fractional part, or the smallest positive
            one.

    Raises:
        InvalidArgumentError: If the value is not an integer, or is too small.
    """
    if is_int(value) and value >= least:
        return int(value)
    if is_int(value, allow_float=True) and value >= least:
        example = int(value)
    elif example is None:
        example = max(least, 1)
    raise InvalidArgumentError(
        f"`{_name_of(owner)}` received `{argument}={value!r}`.",
        f"It must be an integer greater than or equal to {least}.",
        f"Pass, for example, `{argument}={example}`, or check the order of the arguments.",
    )


def check_ints(owner: object, argument: str, value: Any, count: int, least: int = 1) -> tuple[int, ...]:
    """Return one integer for each spatial axis, from a sequence of integers or from one integer for all axes.

    Args:
        owner: Object whose argument is checked, or the name of the function.
        argument: Name of the argument.
        value: Value of the argument.
        count: Number of spatial axes.
        least: Smallest valid value. Defaults to 1.

    Raises:
        InvalidArgumentError: If the number of values is wrong, or a value is not an integer or is too small.

    Example:
        >>> from cornu.validation import check_ints
        >>> check_ints("conv", "strides", 2, 3), check_ints("conv", "strides", [1, 2], 2)
        ((2, 2, 2), (1, 2))
    """
    if not _is_sequence(value):
        return (check_int(owner, argument, value, least),) * count
    if len(value) != count:
        raise InvalidArgumentError(
            f"`{_name_of(owner)}` received `{argument}={value!r}`.",
            f"It must be one integer, or {count} integers, one per spatial axis." if count > 1 else "It must be one integer.",
            f"Pass, for example, `{argument}={max(least, 1)}`.",
        )
    return tuple(check_int(owner, argument, item, least) for item in value)


def check_option(argument: str, value: T, options: Sequence[T]) -> T:
    """Return one of a fixed set of options.

    Args:
        argument: Name of the argument.
        value: Value that was received.
        options: Sequence of valid values.

    Raises:
        InvalidArgumentError: If the value is not one of them.

    Example:
        >>> from cornu.validation import check_option
        >>> check_option("side", "left", ("left", "right"))
        'left'
    """
    if value not in options:
        raise one_of(argument, value, options)
    return value


def invalid_value(owner: object, argument: str, value: T, expected: str, example: T) -> InvalidArgumentError:
    """Return the exception for an argument whose value has another form or is out of range.

    Args:
        owner: Object whose argument is checked, or the name of the function.
        argument: Name of the argument.
        value: Value that was received.
        expected: String, what the argument must be, such as ``"a positive number"``.
        example: A valid value.

    Returns:
        ``InvalidArgumentError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.validation import invalid_value
        >>> str(invalid_value("SGD", "momentum", 2, "a number between 0 and 1", 0.9))
        '`SGD` received `momentum=2`. It must be a number between 0 and 1. Pass, for example, `momentum=0.9`.'
    """
    return InvalidArgumentError(
        f"`{_name_of(owner)}` received `{argument}={value!r:.200}`.",
        f"It must be {expected}.",
        f"Pass, for example, `{argument}={example!r}`.",
    )


def invalid_together(owner: object, values: Mapping[str, Any], expected: str, hint: str) -> InvalidArgumentError:
    """Return the exception for arguments whose values do not fit each other.

    Args:
        owner: Object whose arguments are checked, or the name of the function.
        values: Dict from the names of the arguments to their values.
        expected: String, what was expected.
        hint: String, how to fix the problem.

    Returns:
        ``InvalidArgumentError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.validation import invalid_together
        >>> invalid_together("Conv2D", {"strides": 2, "dilation_rate": 2}, "", "").received
        '`Conv2D` received `strides=2` and `dilation_rate=2`.'
    """
    *first, last = (f"`{argument}={value!r:.80}`" for argument, value in values.items())
    return InvalidArgumentError(f"`{_name_of(owner)}` received {', '.join(first)} and {last}.", expected, hint)


def invalid_type(owner: object, argument: str, value: Any, expected: str, hint: str) -> InvalidTypeError:
    """Return the exception for an argument of an invalid type.

    Args:
        owner: Object whose argument is checked, or the name of the function.
        argument: Name of the argument.
        value: Value that was received.
        expected: String, what the argument must be, such as ``"a layer"``.
        hint: String, how to fix the problem.

    Returns:
        ``InvalidTypeError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.validation import invalid_type
        >>> str(invalid_type("Wrapper", "layer", 3, "a layer", "Pass, for example, `Dense(3)`."))
        '`Wrapper` received `layer=3`. It must be a layer. Pass, for example, `Dense(3)`.'
    """
    return InvalidTypeError(f"`{_name_of(owner)}` received `{argument}={value!r:.200}`.", f"It must be {expected}.", hint)


def invalid_dtype(owner: object, dtype: str, expected: str, hint: str, argument: str = "") -> InvalidTypeError:
    """Return the exception for an array of a dtype that a function or layer does not accept.

    Args:
        owner: Object that received the array, or the name of the function.
        dtype: Dtype of the array.
        expected: String, what its elements must be, such as ``"integers"``.
        hint: String, how to fix the problem.
        argument: Name of the argument. Defaults to ``""`` (there is one array).

    Returns:
        ``InvalidTypeError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.validation import invalid_dtype
        >>> str(invalid_dtype("gcd", "float32", "integers", "Cast it first.", "x1"))
        '`gcd` received `x1` of dtype float32. Its elements must be integers. Cast it first.'
    """
    what = f"`{argument}`" if argument else "an array"
    return InvalidTypeError(f"`{_name_of(owner)}` received {what} of dtype {dtype}.", f"Its elements must be {expected}.", hint)


def _name_of(owner: object) -> str:
    """Return the name of an object's class; a string is a name itself."""
    return owner if isinstance(owner, str) else type(owner).__name__


def _is_sequence(value: Any) -> bool:
    """Return whether a value has one entry for each axis."""
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def check_margins(owner: object, argument: str, value: Any, count: int) -> tuple[tuple[int, int], ...]:
    """Return the sizes to pad or crop at both ends of each spatial axis, as ``(before, after)`` pairs.

    Args:
        owner: Object whose argument is checked.
        argument: Name of the argument.
        value: Integer for all axes, or an integer or a pair of integers for each axis.
        count: Number of spatial axes.

    Raises:
        InvalidArgumentError: If the value has another form, or contains a value that is negative or not an integer.
    """
    parts = value if _is_sequence(value) else (value,) * count
    if len(parts) != count:
        raise InvalidArgumentError(
            f"`{type(owner).__name__}` received `{argument}={value!r}`.",
            f"It must be one integer, or {count} integers, or {count} pairs `(before, after)`.",
            f"Pass, for example, `{argument}=1`.",
        )
    return tuple(check_ints(owner, argument, part, 2, least=0) for part in parts)  # type: ignore[return-value]


def check_fraction(owner: object, value: float, argument: str = "rate") -> float:
    """Return the fraction of values to drop, a float in [0, 1).

    Raises:
        InvalidArgumentError: If the value is out of range.
    """
    if isinstance(value, (int, float, np.number)) and 0 <= value < 1:
        return float(value)
    percents = isinstance(value, (int, float, np.number)) and 1 < value < 100
    raise InvalidArgumentError(
        f"`{type(owner).__name__}` received `{argument}={value!r}`.",
        "It must be in [0, 1): it is the fraction of the values to drop, and 1 would drop all of them.",
        f"For {value} percent, pass `{argument}={value / 100:g}`." if percents else f"Pass, for example, `{argument}=0.5`.",
    )


def check_nonnegative(owner: object, argument: str, value: float) -> float:
    """Return a non-negative number.

    Raises:
        InvalidArgumentError: If the value is negative or not a number.
    """
    if isinstance(value, (int, float, np.number)) and value >= 0:
        return value
    raise invalid_value(owner, argument, value, "a number greater than or equal to 0", 0)


def check_positive(owner: object, argument: str, value: float, example: float = 1) -> float:
    """Return a positive number.

    Args:
        owner: Object whose argument is checked, or the name of the function.
        argument: Name of the argument.
        value: Value of the argument.
        example: Valid value for the error. Defaults to 1.

    Raises:
        InvalidArgumentError: If the value is not larger than 0.
    """
    if not value > 0:
        raise invalid_value(owner, argument, value, "a positive number", example)
    return value


def check_between(owner: object, argument: str, value: float, without: Sequence[float] = ()) -> float:
    """Return a number between 0 and 1.

    Args:
        owner: Object whose argument is checked, or the name of the function.
        argument: Name of the argument.
        value: Value of the argument.
        without: Those of the two ends that are not valid. Defaults to none.

    Raises:
        InvalidArgumentError: If the value is not a number, or is out of range.

    Example:
        >>> from cornu.validation import check_between
        >>> check_between("SGD", "momentum", 0.9), check_between("SGD", "momentum", 1)
        (0.9, 1)
    """
    try:
        is_valid = 0 <= value <= 1 and value not in without
    except TypeError:
        is_valid = False
    if not is_valid:
        expected = "a number between 0 and 1" + "".join(f", not {end}" for end in without)
        raise invalid_value(owner, argument, value, expected, 0.5)
    return value


def check_axes(owner: object, value: Any, argument: str = "axis") -> Any:
    """Return one axis, or a list of axes.

    Raises:
        InvalidTypeError: If the value is neither.
    """
    if is_int(value):
        return int(value)
    if isinstance(value, Iterable) and not isinstance(value, (str, dict)):
        return [check_axes(owner, item, argument) for item in value]
    hint = f"Pass `{argument}=-1` for the last axis."
    raise invalid_type(owner, argument, value, "an integer or a list of integers", hint)


def standardize_dtype(dtype: DType = None) -> str:
    """Return the name of a dtype given in any form.

    Args:
        dtype: Dtype as a name, a NumPy or engine dtype, ``int``, ``float`` or ``bool``. Defaults to ``config.floatx()``.

    Returns:
        String, one of :data:`ALL` or :data:`COMPLEX`.

    Raises:
        InvalidArgumentError: If there is no such dtype.

    Example:
        >>> from cornu.validation import standardize_dtype
        >>> standardize_dtype(None), standardize_dtype(int), standardize_dtype("uint8")
        ('float32', 'int32', 'uint8')
    """
    if dtype is None:
        return config.floatx()
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
    name = name if isinstance(name, str) else str(name).rpartition(".")[2]  # such as torch.float32
    if name in ALL or name in COMPLEX:
        return name
    if name == "float":
        return config.floatx()
    if name in ("int", "bool_"):
        return {"int": "int32", "bool_": "bool"}[name]
    if name.startswith(UNSUPPORTED):
        raise InvalidArgumentError(
            f"`dtype={name!r}` was given.",
            "This version of Cornu has no floating-point dtypes of 8 bits.",
            "Use 'bfloat16' or 'float16'.",
        )
    raise one_of("dtype", name, ALL)


def is_float_dtype(dtype: DType) -> bool:
    """Return whether a dtype is a floating-point dtype.

    Args:
        dtype: Dtype in any form (see :func:`standardize_dtype`).

    Example:
        >>> import cornu
        >>> cornu.backend.is_float_dtype("bfloat16"), cornu.backend.is_float_dtype("int32")
        (True, False)
    """
    return is_float(standardize_dtype(dtype))


def is_int_dtype(dtype: DType) -> bool:
    """Return whether a dtype is an integer dtype; ``"bool"`` is not one.

    Args:
        dtype: Dtype in any form (see :func:`standardize_dtype`).

    Example:
        >>> import cornu
        >>> cornu.backend.is_int_dtype("uint8"), cornu.backend.is_int_dtype("bool")
        (True, False)
    """
    return is_integer(standardize_dtype(dtype))


def result_type(*dtypes: DType) -> str:
    """Return the dtype of the result of an operation on arrays of some dtypes, by the promotion rules of Keras.

    A floating-point dtype is not widened by integers, and the result has 64 bits only if an argument has; a complex number
    has twice as many. The Python types ``int`` and ``float`` stand for numbers, which adopt the dtype of the arrays.

    Args:
        *dtypes: Dtypes in any form; None for ``config.floatx()``.

    Example:
        >>> import cornu
        >>> cornu.backend.result_type("bfloat16", "int32"), cornu.backend.result_type("uint8", "int8")
        ('bfloat16', 'int16')
        >>> cornu.backend.result_type("int32", float), cornu.backend.result_type("int8", int)
        ('float32', 'int8')
    """
    names = [standardize_dtype(dtype) for dtype in dtypes if dtype is not int and dtype is not float]
    floats = [name for name in names if is_float(name)]
    if any(map(is_complex, names)):
        return "complex128" if "complex128" in names or "float64" in floats else "complex64"
    integers = [name for name in names if is_integer(name)]
    if floats:
        return functools.reduce(wider_float, floats)
    if not dtypes or float in dtypes:
        return config.floatx()
    if not integers:
        return "int32" if int in dtypes else "bool"
    result = np.result_type(*integers).name
    if result == "int64" and not any(name.endswith("64") for name in integers):  # of `uint32` and a signed dtype
        return "int32"
    return config.floatx() if is_float(result) else result


def standardize_padding(padding: str, causal: bool = False) -> str:
    """Return the name of a padding mode in lower case.

    Args:
        padding: ``"valid"`` or ``"same"``, in any case.
        causal: Whether ``"causal"`` is accepted as well. Defaults to False.

    Raises:
        InvalidArgumentError: If the mode is unknown.

    Example:
        >>> from cornu.validation import standardize_padding
        >>> standardize_padding("SAME")
        'same'
    """
    options = (*PADDINGS, "causal") if causal else PADDINGS
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in options:
        raise one_of("padding", padding, options, guess=_GUESSES.get(str(name).lower(), ""))
    return name


def as_path(filepath: str | os.PathLike) -> Path:
    """Return a ``filepath`` argument as a ``Path``.

    Raises:
        InvalidTypeError: If it is not a path.
        InvalidArgumentError: If it is a URL.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise InvalidTypeError(
            f"`filepath` is {filepath!r:.80}.", "It must be a path: a string or a `Path`.", "Pass, for example, 'model.keras'."
        )
    if "://" in str(filepath):
        raise InvalidArgumentError(
            f"`filepath` is {str(filepath)!r}.", "It must be the path of a local file, not a URL.", "Download the file first."
        )
    return Path(filepath)


def require_packages(action: str, *packages: str, install: str) -> None:
    """Raise an error if a package is not installed.

    Args:
        action: What requires the packages, such as ``"write an ONNX file"``.
        *packages: Names of the required packages.
        install: What to pass to ``pip install``.

    Raises:
        MissingPackageError: If a package is not installed.

    Example:
        >>> from cornu.validation import require_packages
        >>> require_packages("read an image", "numpy", install="numpy")
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"Cannot {action}.",
            f"It requires {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed.",
            f"Run `pip install {install}`.",
        )
