"""Variables of PyTorch, for ``loss.backward()`` and ``torch.optim`` (see ``backends/engine_variables.py``)."""

from collections.abc import Callable
from typing import Any

import torch

from cornu.backends import engine_variables
from cornu.backends.torch import compilation
from cornu.typing import Tree


class TorchVariable:
    """A ``torch.nn.Parameter``.

    Args:
        x: Tensor with values; the parameter shares them.
        trainable: Whether the parameter requires a gradient.
        name: Name of the variable, which PyTorch has no use for.
    """

    records_assignments = False

    def __init__(self, x: torch.Tensor, trainable: bool, name: str):
        with torch.inference_mode(False), compilation.concrete():
            self.native = torch.nn.Parameter(x, requires_grad=trainable)

    @staticmethod
    def observes_reads(trainable: bool) -> bool:
        """Return whether autograd may differentiate with respect to the variable."""
        return trainable and not compilation.is_tracing()

    @staticmethod
    def observes_assignments() -> bool:
        """Return False: autograd does not record assignments."""
        return False

    @staticmethod
    def own(x: torch.Tensor) -> torch.Tensor:
        """Return a copy without history."""
        with compilation.concrete():
            return x.detach().clone()

    @staticmethod
    def steps_of(f: Callable[[Any, Any], Any], differentiates: bool, is_compiled: bool) -> Callable[[Any, int, int], Any]:
        """Return a loop over the steps with autograd enabled or disabled; PyTorch runs them operation by operation."""
        return engine_variables.one_by_one((torch.enable_grad if differentiates else torch.no_grad)()(f))

    @staticmethod
    def batches_of(data: Tree) -> list:
        """Return a list of one batch."""
        return [data]

    def read(self, trainable: bool) -> torch.Tensor:
        """Return the parameter, a leaf of the graphs of autograd."""
        if compilation.is_tracing():
            return self.native.detach()
        if self.native.requires_grad is not trainable:
            self.native.requires_grad_(trainable)
        return self.native

    def snapshot(self) -> torch.Tensor:
        """Return the value without its history, sharing memory."""
        return self.native.detach()

    def assign(self, x: torch.Tensor) -> None:
        """Set the value in place, so that autograd notices if an earlier value is still needed."""
        with torch.no_grad():
            self.native.copy_(x)

    def replace(self, x: torch.Tensor) -> None:
        """Let the parameter hold another tensor. Snapshots keep the memory of the earlier one."""
        self.native.data = x
        torch.autograd.graph.increment_version(self.native)
