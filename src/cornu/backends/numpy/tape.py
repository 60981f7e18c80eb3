"""Reverse-mode automatic differentiation for the NumPy backend, with a tape that records primitives.

:func:`value_and_grad` passes :class:`TapeArray` objects instead of arrays to the function. A primitive that receives one
computes with the array inside and records on the tape how to backpropagate, by the rules in ``gradients.py``.

The gradient of a complex array ``x + i y`` within the function is ``dL/dx - i dL/dy``: with this convention, that of JAX, the
rule of a function that has a complex derivative is the same for real and complex arrays.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import DTypeLike

from cornu import config, trees
from cornu.backends import common
from cornu.backends.numpy.gradients import NO_GRADIENT, RULES
from cornu.backends.recorded_array import RecordedArray
from cornu.errors import BackendError, InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.typing import ArrayLike, Tree

_primitives: dict[str, Callable] = {}


# --- The tape ---------------------------------------------------------------------------------------------------------


class Tape:
    """Record of the primitives that were applied to the tape arrays of one gradient computation, in order."""

    def __init__(self):
        self.is_open = True
        self._steps: list[tuple[TapeArray | tuple[TapeArray, ...], Callable]] = []

    def record(self, value: np.ndarray | tuple[np.ndarray, ...], pull: Callable) -> "TapeArray | tuple[TapeArray, ...]":
        """Record a step and return its result as a tape array, or as a tuple of them.

        Args:
            value: Result of the step, an array or a tuple of arrays.
            pull: Callable; ``pull(gradient)`` returns pairs of an argument of the step and the gradient for it. The gradient is
                a tuple for a tuple.
        """
        result = tuple(TapeArray(part, self) for part in value) if isinstance(value, tuple) else TapeArray(value, self)
        self._steps.append((result, pull))
        return result

    def gradient(self, value: Tree, sources: list["TapeArray"]) -> list[np.ndarray]:
        """Return the gradient of a scalar for each of ``sources``, by the chain rule from the last step to the first."""
        gradients = {}
        if isinstance(value, TapeArray):
            gradients[id(value)] = np.ones_like(value.value)
        for result, pull in reversed(self._steps):
            gradient = _gradient_for(result, gradients)
            if gradient is not None:
                for argument, share in pull(gradient):
                    _accumulate(gradients, argument, share)
        return [np.array(gradients.get(id(source), np.zeros_like(source.value))) for source in sources]

    def close(self) -> None:
        """End the recording. Tape arrays that still exist are treated as plain arrays from now on."""
        self.is_open = False
        self._steps.clear()


def _gradient_for(result: "TapeArray | tuple[TapeArray, ...]", gradients: dict[int, np.ndarray]) -> Any:
    """Take the gradient for the result of a step; None if nothing depends on it."""
    if isinstance(result, TapeArray):
        return gradients.pop(id(result), None)
    parts = [gradients.pop(id(part), None) for part in result]
    if all(part is None for part in parts):
        return None
    return tuple(np.zeros_like(own.value) if part is None else part for own, part in zip(result, parts, strict=True))


def _accumulate(gradients: dict[int, np.ndarray], argument: Tree, share: Any) -> None:
    if isinstance(argument, (list, tuple)):
        for item, part in zip(argument, share, strict=True):
            _accumulate(gradients, item, part)
    elif _is_taped(argument) and share is not None:
        share = np.asarray(share)
        share = (share.real if argument.dtype.kind == "f" else share).astype(argument.dtype, copy=False)
        if share.shape != argument.shape:
            raise ShapeError(
                f"Received a gradient of shape {share.shape} for an array of shape {argument.shape}.",
                "A gradient must have the shape of its array.",
                "Correct the `grad` function of the `custom_gradient`, or the rule of the primitive.",
            )
        earlier = gradients.get(id(argument))
        gradients[id(argument)] = share if earlier is None else earlier + share


# --- The tape array ---------------------------------------------------------------------------------------------------


class TapeArray(RecordedArray):
    """Array inside :func:`value_and_grad`: behaves like the array it wraps, and its uses are recorded."""

    __slots__ = ("__weakref__", "tape", "value")
    primitives = _primitives

    def __init__(self, value: np.ndarray, tape: Tape):
        self.value, self.tape = value, tape

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype:
        """Its dtype."""
        return self.value.dtype

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return f"TapeArray({self.value!r})"

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: ArrayLike, **kwargs: Any) -> Any:
        """Call the primitive of the same name; NumPy calls this for ``array + tape_array`` and ``np.exp(tape_array)``."""
        if method == "__call__" and ufunc.__name__ in _primitives and not kwargs:
            return _primitives[ufunc.__name__](*inputs)
        if _common_tape(inputs) is None:
            return getattr(ufunc, method)(*map(unbox, inputs), **kwargs)
        raise _lost_gradient(f"`np.{ufunc.__name__}`")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        if self.tape.is_open:
            raise _lost_gradient("A NumPy function")
        return np.array(self.value, dtype=dtype, copy=copy)


def _lost_gradient(function: str) -> InvalidTypeError:
    return InvalidTypeError(
        f"{function} was given an array inside a gradient.",
        "NumPy knows nothing of the gradient, which would be lost without a word.",
        "Use a function of `cornu.ops`, or `cornu.ops.stop_gradient(x)` first.",
    )


def unbox(value: Any) -> Any:
    """Return the array in a tape array, and other values unchanged; lists and tuples are unwrapped one level deep."""
    if isinstance(value, TapeArray):
        return value.value
    if type(value) in (list, tuple):
        return type(value)(item.value if isinstance(item, TapeArray) else item for item in value)
    return value


def _is_taped(value: Tree) -> TypeGuard[TapeArray]:
    return isinstance(value, TapeArray) and value.tape.is_open


def _flat(values: Iterable) -> list:
    """Return the values, with lists and tuples flattened one level."""
    flat = []
    for value in values:
        if isinstance(value, (list, tuple)):
            flat.extend(value)
        else:
            flat.append(value)
    return flat


def _common_tape(values: Iterable) -> Tape | None:
    """Return the open tape of the tape arrays among the values, or None."""
    tapes = {value.tape for value in values if _is_taped(value)}
    if len(tapes) > 1:
        raise _second_order()
    return tapes.pop() if tapes else None


def _second_order() -> BackendError:
    return BackendError(
        "The gradient of a gradient was requested on the NumPy backend.",
        "It computes first derivatives only.",
        "Use the JAX backend for this: `cornu.config.set_backend('jax')`.",
    )


# --- Primitives -------------------------------------------------------------------------------------------------------


def primitive(function: Callable, name: str | None = None) -> Callable:
    """Convert a function on NumPy arrays to a primitive.

    A primitive also accepts tape arrays and records its rules from ``gradients.RULES``, raises no NumPy warnings, returns
    arrays instead of NumPy scalars, and follows the contract on dtypes, unless it has an argument ``dtype``. Its name is that
    of the function, unless another one is passed.
    """
    name = name or function.__name__
    if name not in RULES and name not in NO_GRADIENT:
        raise LookupError(f"`{name}` needs rules in gradients.RULES, or an entry in gradients.NO_GRADIENT if it has none.")
    rules = RULES.get(name, ())
    signature = inspect.signature(function)
    has_dtype = "dtype" in signature.parameters

    def compute(args: tuple, kwargs: dict) -> Any:
        with np.errstate(all="ignore"):
            result = function(*args, **kwargs)
        if isinstance(result, tuple):
            return tuple(map(np.asarray, result))
        result = np.asarray(result)
        return result if has_dtype else _settle_dtype(result, _flat((*args, *kwargs.values())))

    @functools.wraps(function)
    def wrapper(*args: Tree, **kwargs: Any) -> Any:
        if TapeArray not in map(type, _flat((*args, *kwargs.values()))):
            return compute(args, kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        boxed = bound.args
        values = tuple(unbox(value) for value in boxed)
        result = compute(values, {})
        tape = _common_tape(_flat(boxed))
        if tape is None or not rules or not any(part.dtype.kind in "fc" for part in _flat([result])):
            return result
        taped = [
            (rule, argument) for rule, argument in zip(rules, boxed, strict=False) if rule and _common_tape(_flat([argument]))
        ]
        return tape.record(result, lambda g: [(argument, rule(g, result, *values)) for rule, argument in taped])

    _primitives[name] = wrapper
    return wrapper


def _settle_dtype(result: np.ndarray, arguments: Iterable) -> np.ndarray:
    """Cast a result: 64-bit only from 64-bit arguments, and floats as wide as the widest float argument."""
    dtypes = [value.dtype for value in arguments if isinstance(value, (np.ndarray, np.generic))]
    if result.dtype in dtypes:
        return result
    if result.dtype.kind in "fc":
        floats = [np.empty(0, dtype).real.dtype for dtype in dtypes if dtype.kind in "fc"]
        width = np.result_type(*floats) if floats else np.dtype(config.floatx())
        return result.astype(width if result.dtype.kind == "f" else np.result_type(width, "complex64"))
    if result.dtype.kind in "iu" and result.dtype.itemsize == 8:
        integers = [dtype for dtype in dtypes if dtype.kind in "iu"]
        widest = np.result_type(*integers) if integers else np.dtype("int32")
        return result.astype("int32" if widest.itemsize == 8 else widest)
    return result


# --- Transforms -------------------------------------------------------------------------------------------------------


def value_and_grad(f: Callable, has_aux: bool = False) -> Callable:
    """Return a function that returns the value of ``f`` and its gradient (see the contract)."""

    @functools.wraps(f)
    def wrapper(first: Tree, *args: Tree, **kwargs: Any) -> tuple[Any, Any]:
        tape = Tape()
        try:
            boxes = trees.map(lambda leaf: _source(leaf, tape), first)
            with np.errstate(all="ignore"), config.placement_scope("numpy"):  # NumPy arrays belong to this backend
                result = f(boxes, *args, **kwargs)
                value, aux = result if has_aux else (result, None)
                number = _checked_number(value)
                gradient = trees.unflatten(first, tape.gradient(value, trees.leaves(boxes)))
        finally:
            tape.close()
        return ((number, trees.map(unbox, aux)), gradient) if has_aux else (number, gradient)

    return wrapper


def _source(leaf: ArrayLike, tape: Tape) -> TapeArray:
    if _is_taped(leaf):
        raise _second_order()
    value = np.asarray(unbox(leaf))
    common.check_has_gradient(value.dtype.name)
    return TapeArray(value if isinstance(leaf, (np.ndarray, TapeArray)) else value.astype(config.floatx()), tape)


def _checked_number(value: ArrayLike) -> np.ndarray:
    number = _settle_dtype(np.asarray(unbox(value)), (unbox(value),))
    common.check_differentiated(number.shape, number.dtype.name)
    return number


def custom_gradient(f: Callable) -> Callable:
    """Convert ``f(*arrays) -> (value, grad)`` to a function ``arrays -> value`` with that gradient, recorded as one step."""

    @functools.wraps(f)
    def wrapper(*arrays: ArrayLike) -> Any:
        value, grad = f(*(unbox(array) for array in arrays))
        tape = _common_tape((*arrays, value))
        if tape is None:
            return value
        if isinstance(value, TapeArray):
            raise InvalidArgumentError(
                "A function with a `custom_gradient` used an array inside a gradient that is not among its arguments.",
                "The custom gradient does not cover that array.",
                "Pass the array as an argument.",
            )

        def pull(gradient: np.ndarray) -> Iterable[tuple[Any, Any]]:
            shares = grad(gradient)
            if not isinstance(shares, (list, tuple)) or len(shares) != len(arrays):
                raise InvalidArgumentError(
                    f"The `grad` function of a `custom_gradient` returned {_described(shares)}.",
                    f"It must return a tuple with one gradient for each of the {len(arrays)} arguments.",
                    "Return `(gradient,)` for one argument.",
                )
            return zip(arrays, shares, strict=True)

        return tape.record(np.asarray(value), pull)

    return wrapper


def _described(shares: Tree) -> str:
    return f"{len(shares)} gradients" if isinstance(shares, (list, tuple)) else f"a {type(shares).__name__}"
