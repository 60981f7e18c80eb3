"""Trace functions to graphs of PyTorch operators.

:func:`compile` runs a function once, on fake tensors (a shape and no values), and records the operators that are called,
including those of its gradients. From then on only this graph runs, without the overhead of layers, ops and autograd. One
graph is cached for each signature of the arguments.

A function that cannot be traced, because it reads values (``if x.sum() > 0``), runs eagerly; so does every function if
``config.fast_paths()`` is False.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from cornu import config, trees
from cornu.backends import common
from cornu.backends.torch import fx_passes
from cornu.backends.torch.compat import (
    DATA_DEPENDENT_ERRORS,
    FakeTensorMode,
    is_observed,
    trace,
    unobserved,
)
from cornu.backends.torch.devices import default_device
from cornu.errors import TracedValueError, line_of_user, place_of, warn
from cornu.scopes import Scope, construction_lock
from cornu.typing import Tree

VALUE_ERRORS = (*DATA_DEPENDENT_ERRORS, TracedValueError)
"""Raised where a traced function reads the values of a tensor."""


class UncompiledError(TracedValueError):
    """Raised while a function is traced where an operation of this engine reads values, so that the function runs eagerly."""


_is_tracing: Scope[bool] = Scope("whether a function is being traced, on tensors without values", False)


@contextlib.contextmanager
def _tracing() -> Iterator[None]:
    # The lock is needed because PyTorch patches its own classes for the whole process while it traces (``CURRENT_PATCHER``).
    with construction_lock, _is_tracing.set_to(True), torch.no_grad():
        yield


def concrete() -> contextlib.AbstractContextManager:
    """Return a context in which new tensors have values, also while a function is being traced: for constants."""
    return unobserved() if is_observed() else contextlib.nullcontext()


def is_tracing() -> bool:
    """Return whether :func:`compile` or shape inference is tracing a function in this thread."""
    return _is_tracing.get()


def evaluate(f: Callable, args: tuple) -> Any:
    """Return the results of ``f`` as tensors with a shape and a dtype; computes values only if ``f`` reads them."""
    with _tracing(), FakeTensorMode(allow_non_fake_inputs=True) as mode, contextlib.suppress(*VALUE_ERRORS):
        return f(*trees.map(mode.from_tensor, args))
    with common.without_values.set_to(True):
        return f(*trees.map(torch.clone, args))


def is_true(condition: torch.Tensor) -> bool:
    """Return the value of a scalar that decides which operators an operation of this engine calls."""
    try:
        return bool(condition)
    except DATA_DEPENDENT_ERRORS as error:
        raise UncompiledError(
            "`cond` or `while_loop` was called while a function was traced.",
            "PyTorch runs functions with these operations uncompiled.",
            "",
        ) from error


# --- Traced functions -------------------------------------------------------------------------------------------------


class TracedFunction:
    """A function of trees of tensors, traced for arguments of one signature.

    Args:
        f: Function to trace.
        args: Arguments of that signature.
        leaves: Tensors of the arguments, from left to right.
        own: Number of leaves, from the left, that the function may overwrite. Defaults to 0.

    Attributes:
        run: Callable from the leaves of the arguments to the leaves of the results.
        context: Callable that returns the context to run in. A graph contains the operators of its gradients, so autograd is
            disabled.
    """

    def __init__(self, f: Callable, args: tuple, leaves: list[torch.Tensor], own: int = 0):
        self._f = f
        self._arguments_tree = trees.map(lambda _: 0, args)
        self._results_tree: Any = None  # known once `f` has run
        self.run: Callable = self._call
        self.context: Callable = torch.no_grad
        if config.fast_paths():
            try:
                self.run, self.context = self._trace(leaves, own), torch.inference_mode
            except VALUE_ERRORS as error:
                _warn_of_reading(error)

    def _trace(self, leaves: list[torch.Tensor], own: int) -> Callable:
        with _tracing():
            traced = trace(self._call, *_distinct(leaves))
        return fx_passes.optimize(traced, own).forward

    def _call(self, *leaves: torch.Tensor) -> list[torch.Tensor]:
        results = self._f(*trees.unflatten(self._arguments_tree, list(leaves)))
        self._results_tree = trees.map(lambda _: 0, results)
        return [_as_tensor(leaf).contiguous() for leaf in trees.leaves(results)]

    def results_of(self, leaves: list[torch.Tensor]) -> Any:
        """Return the tree that ``f`` returned, with these leaves; inference tensors, unusable in autograd, are copied."""
        return trees.unflatten(self._results_tree, [leaf.clone() if leaf.is_inference() else leaf for leaf in leaves])


def _distinct(leaves: list[torch.Tensor]) -> list[torch.Tensor]:
    """Copy repeated tensors: a repeated one would become a single input of the graph, also for later calls with two."""
    first = {id(leaf): position for position, leaf in reversed(list(enumerate(leaves)))}
    return [leaf if first[id(leaf)] == position else leaf.clone() for position, leaf in enumerate(leaves)]


def _warn_of_reading(error: BaseException) -> None:
    """Warn that a function runs uncompiled, unless that is due to this engine; Python shows the warning once for each line."""
    if isinstance(error, UncompiledError):
        return
    line = line_of_user(error)
    where = "A function" if line is None else place_of(line)
    warn(
        f"{where}, reads the values of an array, such as in `if x.sum() > 0:`. PyTorch cannot compile that: the function runs "
        "uncompiled, which is slower, and JAX and TensorFlow refuse it. Use `ops.cond`, or `ops.where` for single elements.",
        line,
    )


class TracedFunctions:
    """A function, traced once for each signature of its arguments."""

    def __init__(self, f: Callable):
        self._f = f
        self._traced: dict[Any, TracedFunction] = {}

    def of(self, args: tuple, own: int = 0) -> tuple[TracedFunction, list[torch.Tensor]]:
        """Return the traced function for these arguments, which may overwrite the first ``own`` leaves, and the leaves."""
        leaves: list[torch.Tensor] = []
        key = config.fast_paths(), input_signature(args, leaves)
        if key not in self._traced:
            with construction_lock:
                if key not in self._traced:  # another thread may have traced it meanwhile
                    self._traced[key] = TracedFunction(self._f, args, leaves, own)
        return self._traced[key], leaves


def input_signature(tree: Tree, leaves: list[torch.Tensor]) -> Any:
    """Return a hashable key that differs for trees that need separate graphs; append the leaves, as tensors, to ``leaves``."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return "dict", tuple([(key, input_signature(tree[key], leaves)) for key in trees.keys(tree)])
    if isinstance(tree, (list, tuple)):
        return type(tree), tuple([input_signature(value, leaves) for value in tree])
    leaf = _as_tensor(tree).contiguous()
    leaves.append(leaf)
    return leaf.shape, leaf.dtype, leaf.device


_NARROW = {np.dtype("int64"): np.dtype("int32"), np.dtype("float64"): np.dtype("float32")}


def _as_tensor(value: Tree) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    array = np.asarray(value)
    return torch.from_numpy(np.array(array, _NARROW.get(array.dtype, array.dtype))).to(default_device())


# --- Primitives of the contract ---------------------------------------------------------------------------------------


def compile(f: Callable) -> Callable:
    """Return ``f``, traced for each new signature of its arguments (see the contract)."""
    traced_functions = TracedFunctions(f)

    def run(*args: Tree) -> Any:
        if _is_tracing.get():
            return f(*args)
        traced, leaves = traced_functions.of(args)
        with traced.context():
            results = traced.run(*leaves)
        return traced.results_of(results)

    return run


def multi_step(step: Callable, finish: Callable) -> Callable:
    """Combine many steps into one call (see the contract)."""
    traced_functions, finished = TracedFunctions(step), compile(finish)

    def run(carry: Tree, data: Tree, start: int, stop: int) -> tuple[Any, Any]:
        if _is_tracing.get():  # it is traced as part of another function
            for number in range(start, stop):
                carry = step(carry, data, torch.tensor(number, dtype=torch.int32, device=default_device()))
            return carry, finish(carry)
        numbers = torch.arange(int(start), int(stop), dtype=torch.int32, device=default_device()).unbind()
        if not numbers:
            return carry, finished(carry)
        size = len(trees.leaves(carry))
        traced, leaves = traced_functions.of((carry, data, numbers[0]), own=size)
        constant = leaves[size:-1]
        # The graph overwrites these copies: variables, and the last finite state, still refer to the original arrays.
        state = [leaf.detach().clone() for leaf in leaves[:size]]
        with traced.context():
            for number in numbers:
                state = traced.run(*state, *constant, number)
        carry = traced.results_of(state)
        return carry, finished(carry)

    return run
