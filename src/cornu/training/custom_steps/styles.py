"""The styles in which a step can be written, and errors for a step in the style of another engine."""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType

from cornu.core.layer_placement import placement_of
from cornu.errors import InvalidTypeError
from cornu.training.step_methods import StepMethods

FUNCTIONAL_ENGINE = "jax"
"""The engine for which steps in the form ``step(state, data)`` are written."""

_ENGINES_OF_NAMES = {
    "GradientTape": "tensorflow",
    "backward": "torch",
    "zero_grad": "torch",
    "no_grad": "torch",
}
"""Functions that only code for one engine calls."""


def takes_state(method: Callable) -> bool:
    """Return whether a step has the form ``step(state, data)``."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(method).parameters.values()
    required = [each for each in parameters if each.kind in positional and each.default is each.empty]
    return len(required) == 2


def check_style(model: StepMethods, method: str, takes_state: bool) -> None:
    """Raise ``InvalidTypeError`` if a step has the form ``step(state, data)`` and the engine of the model is not JAX."""
    engine = placement_of(model).backend
    if takes_state and engine != FUNCTIONAL_ENGINE:
        raise _wrong_engine(model, method, FUNCTIONAL_ENGINE, "it has the arguments `state` and `data`")


def explain_failure(model: StepMethods, method: str, error: Exception) -> Exception:
    """Return the error to raise for a step that failed: one that names the right engine if the step is for another one."""
    engine = placement_of(model).backend
    function = getattr(model, method)
    for name in _names_in(getattr(function, "__code__", None)):
        if _ENGINES_OF_NAMES.get(name, engine) != engine:
            wrong = _wrong_engine(model, method, _ENGINES_OF_NAMES[name], f"it calls `{name}`")
            wrong.__cause__ = error
            return wrong
    return error


def _names_in(code: CodeType | None) -> Iterator[str]:
    """Yield the names that a function and the functions defined inside it use."""
    if code is None:
        return
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _wrong_engine(model: StepMethods, method: str, right: str, reason: str) -> InvalidTypeError:
    return InvalidTypeError(
        f"`{type(model).__name__}.{method}` is written for {right} ({reason}), and the model is on "
        f"{placement_of(model).backend}.",
        "Code that calls functions of an engine runs on that engine only; with `cornu.value_and_grad` it runs on all.",
        f"Call `model.to_backend({right!r})` first, or begin the program with `cornu.config.set_backend({right!r})`.",
    )
