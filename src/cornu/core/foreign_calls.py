"""Errors for code of the user that an engine cannot run: functions of NumPy or of another engine, and reading of values.

Engines report them in their own terms, often far from the cause. The error here names the line and the function.
"""

import ast
import functools
import itertools
import linecache
from collections.abc import Callable
from types import FrameType, ModuleType, TracebackType
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

from cornu import backends, ops
from cornu.core.layer_placement import placement_of
from cornu.core.layer_protocol import LayerLike
from cornu.errors import CornuError, InvalidTypeError, TracedValueError, line_of_user, place_of
from cornu.ops.dispatch import unwrap

P = ParamSpec("P")
R = TypeVar("R")

_BACKEND_OF_LIBRARY = {
    "jax": "jax",
    "numpy": "numpy",
    "scipy": "numpy",
    "sklearn": "numpy",
    "tensorflow": "tensorflow",
    "torch": "torch",
}
"""Libraries, and the backend whose arrays their functions compute with."""

_OWN = {name: f", or those of {name}" for name in ("jax", "tensorflow", "torch")}
"""Engines that differentiate their own functions too: what the text says of them."""

_CONVERSIONS = ("array", "asarray", "convert_to_tensor")
"""Functions for which there is nothing to use in their place."""

_READERS = (bool, complex, float, int)
"""Types that read the value of an array that they convert."""

_READING_METHODS = ("item", "numpy", "tolist")
"""Methods of the arrays of some engine that read the values."""


def explains_errors(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method of a model so that an error of an engine in the user's code is replaced by :func:`explained`."""

    @functools.wraps(method)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            found = explained(error, placement_of(cast(LayerLike, args[0])).backend)
            if found is error:
                raise
            for note in getattr(error, "__notes__", ()):
                found.add_note(note)
            raise found from error

    return wrapper


def explained(error: Exception, engine: str) -> Exception:
    """Return the error to raise in place of one of the user's code: one that says what cannot run, or the error itself.

    Args:
        error: The error.
        engine: Name of the backend that ran the code.
    """
    line = None if isinstance(error, (AssertionError, CornuError)) else line_of_user(error)
    if line is None:
        return error
    call = _failed_call(line, engine)
    backend = None if call is None else _BACKEND_OF_LIBRARY.get(_library_of(call.thing))
    if call is not None and backend not in (None, engine):
        name = call.name.removeprefix("reduce_")
        exists = hasattr(ops, name) and name not in _CONVERSIONS
        return InvalidTypeError(
            f"{place_of(line)}, calls `{call.function}`, which is for arrays of {backend}; the model is on {engine}.",
            f"Code that {engine} compiles or differentiates must use functions of `cornu.ops`{_OWN.get(engine, '')}.",
            f"Use `cornu.ops.{name}`, which works on every engine."
            if exists
            else "Functions of `cornu.ops` work on every engine.",
        )
    operation = None if call is not None else _failed_operation(line, error)
    if operation is not None:
        return InvalidTypeError(
            f"{place_of(line)}, computes `{operation.text}`, which {engine} refuses: {str(error).rstrip('.')}.",
            f"The operators of {engine} take no NumPy arrays in gradients, and no operands of these dtypes.",
            f"Use `{operation.instead}`, which converts them on every engine.",
        )
    reads = call is not None and (call.name in _READING_METHODS or any(call.thing is kind for kind in _READERS))
    if reads or isinstance(error, backends.get(engine).VALUE_ERRORS):
        return TracedValueError(
            f"{place_of(line)}, reads the values of an array of {engine}.",
            "While a gradient is computed, or a function is compiled, arrays have no values.",
            "Use functions of `cornu.ops` such as `where` and `cond` there.",
        )
    return error


class _Call(NamedTuple):
    """A call in the user's code that received an array of an engine.

    Attributes:
        function: What is called, as it is written: ``"np.mean"``.
        name: Name of the function in its library: ``"mean"``.
        thing: The function, or the module with which its name begins.
    """

    function: str
    name: str
    thing: Callable | ModuleType | None


class _Operation(NamedTuple):
    """An operator in the user's code that an engine refused.

    Attributes:
        text: The expression as it is written: ``"a * b"``.
        instead: The op that does the same: ``"cornu.ops.multiply(a, b)"``.
    """

    text: str
    instead: str


_OPS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "true_divide", ast.Pow: "power"}
_OPS |= {ast.FloorDiv: "floor_divide", ast.Mod: "mod", ast.MatMult: "matmul"}


def _failed_operation(line: TracebackType, error: Exception) -> _Operation | None:
    """Return the operator that raised an error because of the types of its operands; None for other code and other errors."""
    node = _expression(line)
    is_of_types = "numpy()" in str(error) if isinstance(error, RuntimeError) else isinstance(error, TypeError)
    if "shape" in str(error):
        return None
    if not is_of_types or not isinstance(node, ast.BinOp) or type(node.op) not in _OPS:
        return None
    operands = f"{ast.unparse(node.left)}, {ast.unparse(node.right)}"
    return _Operation(ast.unparse(node), f"cornu.ops.{_OPS[type(node.op)]}({operands})")


def _failed_call(line: TracebackType, engine: str) -> _Call | None:
    """Return the call on an array of an engine that raised an error; None for other code, or if the source is unknown."""
    node = _expression(line)
    first = node.func if isinstance(node, ast.Call) else node
    if node is None or not isinstance(first, (ast.Attribute, ast.Name)) or not _receives_arrays(node, line.tb_frame, engine):
        return None
    function = ast.unparse(first)
    name = first.attr if isinstance(first, ast.Attribute) else getattr(first, "id", "")
    while isinstance(first, ast.Attribute):
        first = first.value
    return _Call(function, name, _value_of(first, line.tb_frame))


def _expression(line: TracebackType) -> ast.expr | None:
    """Return the expression that was evaluated when an error was raised, or None if it cannot be read."""
    code = line.tb_frame.f_code
    first, last, start, stop = next(itertools.islice(code.co_positions(), line.tb_lasti // 2, None))
    if first is None or last is None:
        return None
    lines = [text.encode() for text in linecache.getlines(code.co_filename, line.tb_frame.f_globals)[first - 1 : last]]
    if not lines:
        return None
    lines[-1] = lines[-1][:stop]
    lines[0] = lines[0][start:]
    try:
        return ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body
    except SyntaxError:
        return None


def _value_of(node: ast.expr, frame: FrameType) -> Any:
    """Return the value of a name in a frame; None for other expressions."""
    name = getattr(node, "id", "")
    return next((names[name] for names in (frame.f_locals, frame.f_globals, frame.f_builtins) if name in names), None)


def _library_of(thing: ModuleType | Callable | None) -> str:
    """Return the top-level package of a module, or of the module that defines a function; an empty string if it has none."""
    if isinstance(thing, ModuleType):
        return thing.__name__.partition(".")[0]
    if not callable(thing):
        return ""
    places = (getattr(part, "__module__", None) for part in (thing, getattr(thing, "__self__", None), type(thing)))
    return next((place.partition(".")[0] for place in places if isinstance(place, str)), "")


def _receives_arrays(expression: ast.expr, frame: FrameType, engine: str) -> bool:
    """Return whether a name in an expression stands for an array of an engine."""
    names = (node for node in ast.walk(expression) if isinstance(node, ast.Name))
    return any(backends.owner(unwrap(_value_of(name, frame))) == engine for name in names)
