"""Gradients of PyTorch as functions of functions, as the contract has them."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from cornu import config, trees
from cornu.backends import common
from cornu.scopes import Scope

_depth: Scope[int] = Scope("gradients that are being computed, one inside the other", 0)

_switches = threading.RLock()
"""Held while PyTorch's switches, which are the process's, are not as they were found."""


def value_and_grad(f: Callable, has_aux: bool = False) -> Callable:
    """A function that gives ``f``'s value and its gradient for the first argument (see the contract)."""

    def run(first: Any, *args: Any) -> tuple[Any, Any]:
        sources = [_source(leaf) for leaf in trees.leaves(first)]
        with _depth.set_to(_depth.get() + 1) as depth, torch.enable_grad():
            outcome = f(trees.unflatten(first, sources), *args)
            value, aux = outcome if has_aux else (outcome, None)
            if isinstance(value, torch.Tensor):
                common.check_differentiated(tuple(value.shape), _name(value))
            found = _gradients(value, sources, create_graph=depth > 1)
        if depth == 1:
            value, aux = trees.map(torch.detach, (value, aux))
        gradient = trees.unflatten(first, found)
        return ((value, aux), gradient) if has_aux else (value, gradient)

    return run


def _source(leaf: Any) -> torch.Tensor:
    """A tensor that gradients are asked for: another one than the user's, which stays as it is."""
    tensor = leaf if isinstance(leaf, torch.Tensor) else torch.tensor(leaf, dtype=getattr(torch, config.floatx()))
    common.check_has_gradient(_name(tensor))
    if tensor.requires_grad:  # inside another gradient, which goes on through it
        return tensor.view_as(tensor)
    return tensor.detach().requires_grad_()


def _name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _gradients(value: Any, sources: list[torch.Tensor], create_graph: bool) -> list[torch.Tensor]:
    if not sources or not (isinstance(value, torch.Tensor) and value.requires_grad):  # it depends on none of them
        return [torch.zeros_like(source) for source in sources]
    return list(torch.autograd.grad(value, sources, create_graph=create_graph, allow_unused=True, materialize_grads=True))


@contextlib.contextmanager
def kernels_with_as_many_gradients() -> Iterator[None]:
    """Inside a gradient of a gradient, switches off the libraries whose recurrent kernels have a first gradient only."""
    if _depth.get() < 2:
        yield
        return
    with _switches:
        before = torch._C._get_mkldnn_enabled(), torch._C._get_cudnn_enabled()
        torch._C._set_mkldnn_enabled(False)
        torch._C._set_cudnn_enabled(False)
        try:
            yield
        finally:
            torch._C._set_mkldnn_enabled(before[0])
            torch._C._set_cudnn_enabled(before[1])


def custom_gradient(f: Callable) -> Callable:
    """Of ``f(*arrays) -> (value, grad)`` makes ``arrays -> value`` with that gradient (see the contract)."""

    class WithGradient(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *arrays: Any) -> Any:
            value, ctx.grad = f(*arrays)
            return value

        @staticmethod
        def backward(ctx: Any, *upstream: Any) -> Any:
            return tuple(ctx.grad(*upstream))

    return WithGradient.apply  # type: ignore[return-value]
