"""How a function becomes a list of calls of PyTorch's kernels.

:func:`compile` runs a function once, on tensors that have a shape and no numbers, and writes down which kernels are called,
those of its gradients included. From then on that list alone is run: no layer, no op and no autograd stands between a model
and the engine. A list is kept for each form of the arguments.

What cannot be written down, since the function asks a tensor for its numbers (``if x.sum() > 0``), runs as it is, every time;
so does everything without ``config.fast_paths``.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils._python_dispatch import _disable_current_modes

from cornu import config, trees
from cornu.backends.torch import devices, fx_passes
from cornu.scopes import Scope, construction_lock

_ASKS_FOR_NUMBERS = (DataDependentOutputException, DynamicOutputShapeException, GuardOnDataDependentSymNode)


_has_no_numbers: Scope[bool] = Scope("whether tensors have no numbers, since a function is written down", False)


@contextlib.contextmanager
def _without_numbers() -> Iterator[None]:
    # The lock, since PyTorch changes its own classes for the whole process while it traces (``CURRENT_PATCHER``).
    with construction_lock, _has_no_numbers.set_to(True), torch.no_grad():
        yield


def concrete() -> contextlib.AbstractContextManager:
    """Inside, tensors have numbers, also while a function is being written down: for constants."""
    return _disable_current_modes() if _has_no_numbers.get() else contextlib.nullcontext()


def evaluate(f: Callable, args: tuple) -> Any:
    """What ``f`` gives, as tensors with a shape and a dtype; without computing, if that can be."""
    with _without_numbers(), FakeTensorMode(allow_non_fake_inputs=True) as mode, contextlib.suppress(*_ASKS_FOR_NUMBERS):
        return f(*trees.map(mode.from_tensor, args))
    return f(*trees.map(torch.clone, args))


# --- Programs ---------------------------------------------------------------------------------------------------------


class TracedFunction:
    """A function of trees of tensors, written down for arguments of one form.

    Args:
        f: The function.
        args: Arguments of that form.
        leaves: Their tensors, from left to right.
        own: How many of these, from the left, it may write into.

    Attributes:
        run: From tensors to tensors: the leaves of the arguments to the leaves of the results.
        surroundings: Makes the context in which it is to run. A list holds its gradients' calls itself, and PyTorch keeps no
            books.
    """

    def __init__(self, f: Callable, args: tuple, leaves: list[torch.Tensor], own: int = 0):
        self._f = f
        self._arguments_form = trees.map(lambda _: 0, args)
        self._results_form: Any = None  # known when `f` has run
        self.run: Callable = self._call
        self.context: Callable = torch.no_grad
        if config.fast_paths():
            with contextlib.suppress(*_ASKS_FOR_NUMBERS):
                self.run, self.context = self._written_down(leaves, own), torch.inference_mode

    def _written_down(self, leaves: list[torch.Tensor], own: int) -> Callable:
        with _without_numbers():
            written = make_fx(self._call, tracing_mode="fake", _allow_non_fake_inputs=True)(*_each_another(leaves))
        return fx_passes.optimize(written, own).forward

    def _call(self, *leaves: torch.Tensor) -> list[torch.Tensor]:
        results = self._f(*trees.unflatten(self._arguments_form, list(leaves)))
        self._results_form = trees.map(lambda _: 0, results)
        return [_as_tensor(leaf).contiguous() for leaf in trees.leaves(results)]

    def results_of(self, leaves: list[torch.Tensor]) -> Any:
        """The leaves of the results as the tree that ``f`` gave; copies of what PyTorch keeps no books of."""
        return trees.unflatten(self._results_form, [leaf.clone() if leaf.is_inference() else leaf for leaf in leaves])


def _each_another(leaves: list[torch.Tensor]) -> list[torch.Tensor]:
    """Tensors of which no two are one, which would be one argument of the list, also where the next ones are two."""
    first = {id(leaf): place for place, leaf in reversed(list(enumerate(leaves)))}
    return [leaf if first[id(leaf)] == place else leaf.clone() for place, leaf in enumerate(leaves)]


class TracedFunctions:
    """A function written down for each form of its arguments that has been seen."""

    def __init__(self, f: Callable):
        self._f = f
        self._found: dict[Any, TracedFunction] = {}

    def of(self, args: tuple, own: int = 0) -> tuple[TracedFunction, list[torch.Tensor]]:
        """The program for some arguments, and their leaves, which it takes; it may write into the first ``own`` of them."""
        leaves: list[torch.Tensor] = []
        form = config.fast_paths(), _form(args, leaves)
        if form not in self._found:
            with construction_lock:
                if form not in self._found:  # another thread may have written it down meanwhile
                    self._found[form] = TracedFunction(self._f, args, leaves, own)
        return self._found[form], leaves


def _form(tree: Any, leaves: list[torch.Tensor]) -> Any:
    """What tells trees apart that need programs of their own. Collects the leaves as tensors."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return "dict", tuple([(key, _form(value, leaves)) for key, value in tree.items()])
    if isinstance(tree, (list, tuple)):
        return type(tree), tuple([_form(value, leaves) for value in tree])
    leaf = _as_tensor(tree).contiguous()
    leaves.append(leaf)
    return leaf.shape, leaf.dtype, leaf.device


def _as_tensor(value: Any) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    found = np.asarray(value)
    name = {"int64": "int32", "float64": "float32"}.get(found.dtype.name, found.dtype.name)
    return torch.from_numpy(np.array(found, name)).to(devices.default())


# --- The contract's functions -----------------------------------------------------------------------------------------


def compile(f: Callable) -> Callable:
    """The same function of trees of arrays, written down for each new form of its arguments (see the contract)."""
    programs = TracedFunctions(f)

    def run(*args: Any) -> Any:
        if _has_no_numbers.get():
            return f(*args)
        program, leaves = programs.of(args)
        with program.context():
            results = program.run(*leaves)
        return program.results_of(results)

    return run


def multi_step(step: Callable, finish: Callable) -> Callable:
    """Many steps as one call (see the contract)."""
    programs, finished = TracedFunctions(step), compile(finish)

    def run(carry: Any, data: Any, start: int, stop: int) -> tuple[Any, Any]:
        if _has_no_numbers.get():  # it is written down as part of another function
            for number in range(start, stop):
                carry = step(carry, data, torch.tensor(number, dtype=torch.int32, device=devices.default()))
            return carry, finish(carry)
        numbers = torch.arange(int(start), int(stop), dtype=torch.int32, device=devices.default()).unbind()
        if not numbers:
            return carry, finished(carry)
        size = len(trees.leaves(carry))
        program, leaves = programs.of((carry, data, numbers[0]), own=size)
        constant = leaves[size:-1]
        # The variables, and the last good state, still hold the old arrays; the program writes into these.
        kept = [leaf.detach().clone() for leaf in leaves[:size]]
        with program.context():
            for number in numbers:
                kept = program.run(*kept, *constant, number)
        carry = program.results_of(kept)
        return carry, finished(carry)

    return run
