"""Gradients as function transforms, on top of autograd (see the contract)."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from cornu import config, trees
from cornu.backends import common
from cornu.backends.torch import compat
from cornu.scopes import Scope
from cornu.typing import Tree

_depth: Scope[int] = Scope("number of nested gradient computations", 0)

_settings_lock = threading.RLock()
"""Held while process-wide settings of PyTorch are changed temporarily."""


def value_and_grad(f: Callable, has_aux: bool = False) -> Callable:
    """Return a function that returns the value of ``f`` and its gradient (see the contract)."""

    def run(first: Tree, *args: Tree) -> tuple[Any, Any]:
        sources = [_source(leaf) for leaf in trees.leaves(first)]
        with _depth.set_to(_depth.get() + 1) as depth, torch.enable_grad():
            result = f(trees.unflatten(first, sources), *args)
            value, aux = result if has_aux else (result, None)
            if isinstance(value, torch.Tensor):
                common.check_differentiated(tuple(value.shape), _name(value))
            gradients = _gradients(value, sources, create_graph=depth > 1)
        if depth == 1:
            value, aux = trees.map(_detached, (value, aux))
        gradient = trees.unflatten(first, gradients)
        return ((value, aux), gradient) if has_aux else (value, gradient)

    return run


def _source(leaf: Tree) -> torch.Tensor:
    """Return a tensor that requires a gradient and shares the values of ``leaf``, which is left unchanged."""
    tensor = leaf if isinstance(leaf, torch.Tensor) else torch.tensor(leaf, dtype=getattr(torch, config.floatx()))
    common.check_has_gradient(_name(tensor))
    if tensor.requires_grad and torch.is_grad_enabled():  # inside another gradient computation, whose graph must include it
        return tensor.view_as(tensor)
    return tensor.detach().requires_grad_()


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value


def _name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _gradients(value: Tree, sources: list[torch.Tensor], create_graph: bool) -> list[torch.Tensor]:
    if not sources or not (isinstance(value, torch.Tensor) and value.requires_grad):  # the value depends on no source
        return [torch.zeros_like(source) for source in sources]
    return list(torch.autograd.grad(value, sources, create_graph=create_graph, allow_unused=True, materialize_grads=True))


@contextlib.contextmanager
def twice_differentiable_kernels() -> Iterator[None]:
    """Inside nested gradients, disable the libraries whose recurrent kernels have no second derivative."""
    if _depth.get() < 2:
        yield
        return
    with _settings_lock, compat.without_recurrent_libraries():
        yield


def custom_gradient(f: Callable) -> Callable:
    """Convert ``f(*arrays) -> (value, grad)`` to a function ``arrays -> value`` with that gradient (see the contract)."""

    class WithGradient(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *arrays: torch.Tensor) -> Any:
            value, ctx.grad = f(*arrays)
            return value

        @staticmethod
        def backward(ctx: Any, *upstream: torch.Tensor) -> Any:
            return tuple(ctx.grad(*upstream))

    return WithGradient.apply  # type: ignore[return-value]


def remat(f: Callable) -> Callable:
    """See ``contract.remat``. PyTorch need not restore its random generators: random values depend on keys."""

    def recomputed(*arrays: torch.Tensor) -> Any:
        runs = []

        def run(*arrays: torch.Tensor) -> Any:
            """Run ``f`` again on copies, since a graph makes equal calls once."""
            runs.append(None)
            return f(*(arrays if len(runs) == 1 else [array.clone() for array in arrays]))

        return checkpoint(run, *arrays, use_reentrant=False, preserve_rng_state=False)

    return recomputed
