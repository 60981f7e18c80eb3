"""Kernels of Cornu's own for PyTorch: each is one call in what ``compile`` writes down, and sees numbers only when it runs.

Random numbers are drawn here, so that a list of calls holds the drawing and not what was drawn; and a step of Adam, for
which PyTorch has one kernel that goes through memory once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

_library = torch.library.Library("cornu", "DEF")


def _kernel(schema: str) -> Callable:
    """Registers a function as the kernel ``cornu::name`` of a schema."""

    def register(function: Callable) -> Callable:
        _library.define(schema)
        _library.impl(schema.partition("(")[0], function, "CompositeExplicitAutograd")
        return getattr(torch.ops.cornu, schema.partition("(")[0]).default

    return register


# --- Random numbers ---------------------------------------------------------------------------------------------------

_ODD = 0x9E3779B9
"""An odd number: multiplied by it, modulo ``2**32``, different words stay different."""


def _generator(key: torch.Tensor, device: torch.device) -> torch.Generator:
    first, second = key.tolist()
    seed = first ^ (second * _ODD % 2**32)  # PyTorch's generator of the CPU takes 32 bits of a seed
    return torch.Generator(device).manual_seed(seed)


@_kernel("fold_in(Tensor key, Tensor data) -> Tensor")
def fold_in(key: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
    """Another key, determined by a key and a whole number.

    It lies on the host, since a generator is seeded from there: every drawing would wait for a key on an accelerator.
    """
    words = np.random.SeedSequence([*key.tolist(), int(data) % 2**32]).generate_state(2)
    return torch.from_numpy(words)


@_kernel("uniform(Tensor key, SymInt[] shape, ScalarType dtype, Device device) -> Tensor")
def uniform(key: torch.Tensor, shape: list[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Numbers from the uniform distribution on [0, 1)."""
    generator = _generator(key, device)
    if dtype == torch.bfloat16:  # so few digits that PyTorch's own could be 1
        return (torch.randint(256, shape, generator=generator, device=device) / 256).to(dtype)
    return torch.rand(shape, generator=generator, dtype=dtype, device=device)


@_kernel("normal(Tensor key, SymInt[] shape, ScalarType dtype, Device device) -> Tensor")
def normal(key: torch.Tensor, shape: list[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Numbers from the normal distribution with mean 0 and deviation 1."""
    return torch.randn(shape, generator=_generator(key, device), dtype=dtype, device=device)


@torch.library.register_fake("cornu::fold_in")
def _(key: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(key, device="cpu")


@torch.library.register_fake("cornu::uniform")
@torch.library.register_fake("cornu::normal")
def _(key: torch.Tensor, shape: list[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device=device)


# --- Adam -------------------------------------------------------------------------------------------------------------

_SETTINGS = "Tensor rate, float beta_1, float beta_2, float epsilon"
_LATE = torch.tensor(1e9)
"""A number of a step so late that PyTorch corrects nothing any more: the rate that is given holds the correction."""


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
    """One step of Adam for several weights, written into them and their averages.

    It comes into a list when that has been written down, and so is a plain function: PyTorch's way to a kernel takes longer
    than a small weight's update.
    """
    torch._fused_adam_(  # type: ignore[attr-defined]  # what torch.optim.Adam(fused=True) calls
        weights,
        [gradient.contiguous() for gradient in gradients],  # the kernel goes through all four in the order of memory
        momenta,
        velocities,
        [],
        [_LATE.to(weights[0].device)] * len(weights),
        lr=float(rate),
        beta1=beta_1,
        beta2=beta_2,
        weight_decay=0.0,
        eps=epsilon,
        amsgrad=False,
        maximize=False,
    )


@_kernel(f"adam(Tensor weight, Tensor gradient, Tensor momentum, Tensor velocity, {_SETTINGS}) -> (Tensor, Tensor, Tensor)")
def adam(
    weight: torch.Tensor, gradient: torch.Tensor, momentum: torch.Tensor, velocity: torch.Tensor, *settings: Any
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One step of Adam: the new weight and its new averages."""
    weight, momentum, velocity = weight.clone(), momentum.clone(), velocity.clone()
    adam_([weight], [gradient], [momentum], [velocity], *settings)
    return weight, momentum, velocity


@torch.library.register_fake("cornu::adam")
def _(
    weight: torch.Tensor, gradient: torch.Tensor, momentum: torch.Tensor, velocity: torch.Tensor, *settings: Any
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.empty_like(weight), torch.empty_like(momentum), torch.empty_like(velocity)


# --- Recurrent layers -------------------------------------------------------------------------------------------------

_recurrent = torch.ops.aten.mkldnn_rnn_layer.default


@_kernel("recurrent_layer" + str(_recurrent._schema).partition("mkldnn_rnn_layer")[2])
def recurrent_layer(*args: Any) -> tuple[torch.Tensor, ...]:
    """PyTorch's kernel for all steps, with what its gradient needs: it keeps that only where gradients are switched on."""
    with torch.enable_grad():
        return _recurrent(*args)


LISTED = {_recurrent: recurrent_layer}
"""Kernels that must be called otherwise in a list, which runs with gradients switched off."""
