"""Custom operators of Cornu for PyTorch: each is one call in a graph that ``compile`` traces.

They receive concrete values when the graph runs. The random operators are custom so that a graph contains the sampling and
not its result; Adam, because PyTorch has one fused kernel for it; the recurrent layer, for its gradient.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from cornu.backends.torch.compat import fused_adam_, schema

_library = torch.library.Library("cornu", "DEF")


def _custom_op(signature: str) -> Callable:
    """Make a decorator that registers a function as the operator ``cornu::name`` with a signature of PyTorch's syntax."""

    def register(function: Callable) -> Callable:
        name = signature.partition("(")[0]
        _library.define(signature)
        _library.impl(name, function, "CompositeExplicitAutograd")
        return getattr(torch.ops.cornu, name).default

    return register


# --- Random numbers ---------------------------------------------------------------------------------------------------

_ODD = 0x9E3779B9
"""Odd factor: multiplication by it modulo ``2**32`` is injective."""


def _generator(key: torch.Tensor, device: torch.device) -> torch.Generator:
    first, second = key.tolist()
    seed = first ^ (second * _ODD % 2**32)  # PyTorch's CPU generator uses 32 bits of a seed
    return torch.Generator(device).manual_seed(seed)


@_custom_op("fold_in(Tensor key, Tensor data) -> Tensor")
def fold_in(key: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
    """Return another key, determined by a key and an integer.

    The key stays on the host, because generators are seeded from there: a key on an accelerator would block every sampling.
    """
    words = np.random.SeedSequence([*key.tolist(), int(data) % 2**32]).generate_state(2)
    return torch.from_numpy(words)


@_custom_op("uniform(Tensor key, SymInt[] shape, ScalarType dtype, Device device) -> Tensor")
def uniform(key: torch.Tensor, shape: list[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Draw samples from the uniform distribution on [0, 1)."""
    generator = _generator(key, device)
    if dtype == torch.bfloat16:  # PyTorch's own samples may be rounded to 1
        return (torch.randint(256, shape, generator=generator, device=device) / 256).to(dtype)
    return torch.rand(shape, generator=generator, dtype=dtype, device=device)


@_custom_op("normal(Tensor key, SymInt[] shape, ScalarType dtype, Device device) -> Tensor")
def normal(key: torch.Tensor, shape: list[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Draw samples from the normal distribution with mean 0 and standard deviation 1."""
    return torch.randn(shape, generator=_generator(key, device), dtype=dtype, device=device)


@torch.library.register_fake("cornu::fold_in")
def _(key: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(key, device="cpu")


@torch.library.register_fake("cornu::uniform")
@torch.library.register_fake("cornu::normal")
def _(key: torch.Tensor, shape: list[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device=device)


# --- Adam -------------------------------------------------------------------------------------------------------------

_TENSORS = "Tensor weight, Tensor gradient, Tensor momentum, Tensor velocity"
_HYPERPARAMETERS = "Tensor rate, float beta_1, float beta_2, float epsilon"
_LATE_STEP = torch.tensor(1e9)
"""Step number at which PyTorch's bias correction is 1: the learning rate passed in is corrected already."""


def adam_(
    weights: list[torch.Tensor],
    gradients: list[torch.Tensor],
    momenta: list[torch.Tensor],
    velocities: list[torch.Tensor],
    rate: torch.Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    """Apply one step of Adam to several weights and their moving averages in place.

    It is a plain function that replaces :func:`adam` in traced graphs: the dispatch of an operator takes longer than the
    update of a small weight.
    """
    fused_adam_(
        weights,
        [gradient.contiguous() for gradient in gradients],  # the kernel reads all four in memory order
        momenta,
        velocities,
        [],
        [_LATE_STEP.to(weights[0].device)] * len(weights),
        lr=float(rate),
        beta1=beta_1,
        beta2=beta_2,
        weight_decay=0.0,
        eps=epsilon,
        amsgrad=False,
        maximize=False,
    )


@_custom_op(f"adam({_TENSORS}, {_HYPERPARAMETERS}) -> (Tensor, Tensor, Tensor)")
def adam(
    weight: torch.Tensor,
    gradient: torch.Tensor,
    momentum: torch.Tensor,
    velocity: torch.Tensor,
    *hyperparameters: Any,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the weight and its moving averages after one step of Adam."""
    weight, momentum, velocity = weight.clone(), momentum.clone(), velocity.clone()
    adam_([weight], [gradient], [momentum], [velocity], *hyperparameters)
    return weight, momentum, velocity


@torch.library.register_fake("cornu::adam")
def _(
    weight: torch.Tensor,
    gradient: torch.Tensor,
    momentum: torch.Tensor,
    velocity: torch.Tensor,
    *hyperparameters: float | torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.empty_like(weight), torch.empty_like(momentum), torch.empty_like(velocity)


# --- Recurrent layers -------------------------------------------------------------------------------------------------

_recurrent = torch.ops.aten.mkldnn_rnn_layer.default


@_custom_op("recurrent_layer" + str(schema(_recurrent)).partition("mkldnn_rnn_layer")[2])
def recurrent_layer(*args: Any) -> tuple[torch.Tensor, ...]:
    """Run PyTorch's kernel for all time steps and keep what its gradient needs, which it does only with gradients enabled."""
    with torch.enable_grad():
        return _recurrent(*args)


REPLACEMENTS = {_recurrent: recurrent_layer}
"""Operators to replace in a traced graph, which runs with gradients disabled."""
