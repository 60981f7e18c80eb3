"""Private and experimental names of PyTorch, all in this one module.

PyTorch may change these names in any release without notice. Tested with PyTorch 2.13.0 (build for CPUs), the version that
``pyproject.toml`` pins for development; no other version was tested, neither the lower bound ``torch>=2.6`` declared there
nor any in between. After an upgrade of PyTorch, run ``tests/backends/torch``; what fails to import is repaired here.

=================================  ====================================================================================
``OpOverload``                     Class of the operators in a traced graph: distinguishes them from plain functions.
``schema`` (``_schema``)           Schema of an operator: its name, its arguments, which of them it mutates or aliases.
``FakeTensor``, ``FakeTensorMode``  Tensors with a shape and no values: shape inference, and tracing without computing.
``make_fx``                        Traces a function to the graph of operators that it calls, its gradients included.
``DataDependentOutputException``,  Raised while tracing where a function reads values or where a shape depends on them:
``DynamicOutputShapeException``,   such a function runs eagerly.
``GuardOnDataDependentSymNode``
``disable_current_modes``,         Suspend tracing and transforms, so that constants inside a traced function are concrete.
``temporarily_clear_interpreter_stack``
``is_functorch_wrapped``           Whether a tensor belongs to a running transform of ``torch.func``, such as ``grad``.
``is_observed``                    Whether a mode that traces, or a transform of ``torch.func``, sees the operators called.
``TorchDispatchMode``              Observes which operators a function calls, to find a faster function that calls the same.
``fused_adam_``                    Kernel of ``torch.optim.Adam(fused=True)``, which has no public functional form.
``without_recurrent_libraries``    Disables oneDNN and cuDNN without any other of their settings.
=================================  ====================================================================================
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch._ops import OpOverload
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._python_dispatch import _disable_current_modes as disable_current_modes

__all__ = [
    "DATA_DEPENDENT_ERRORS",
    "FakeTensor",
    "FakeTensorMode",
    "OpOverload",
    "TorchDispatchMode",
    "fused_adam_",
    "is_functorch_wrapped",
    "is_observed",
    "schema",
    "trace",
    "unobserved",
    "without_recurrent_libraries",
]

DATA_DEPENDENT_ERRORS = (DataDependentOutputException, DynamicOutputShapeException, GuardOnDataDependentSymNode)
"""Raised on fake tensors where a function reads values, or where a shape depends on values."""

fused_adam_ = torch._fused_adam_  # type: ignore[attr-defined]

is_functorch_wrapped = torch._C._functorch.is_functorch_wrapped_tensor  # type: ignore[attr-defined]


def is_observed() -> bool:
    """Return whether a mode that traces, or a transform of ``torch.func``, sees the operators that are called now."""
    has_transforms = torch._C._functorch.peek_interpreter_stack() is not None  # type: ignore[attr-defined]
    return has_transforms or torch._C._len_torch_dispatch_stack() > 0


@contextlib.contextmanager
def unobserved() -> Iterator[None]:
    """Suspend all modes and transforms inside the context, so that new tensors are plain and have values."""
    with temporarily_clear_interpreter_stack(), disable_current_modes():
        yield


def trace(f: Callable, *inputs: torch.Tensor) -> GraphModule:
    """Return the graph of the operators that ``f(*inputs)`` calls, traced on fake tensors; nothing is computed."""
    return make_fx(f, tracing_mode="fake", _allow_non_fake_inputs=True)(*inputs)


def schema(operator: Any) -> Any:
    """Return the schema of an operator; None for any other callable."""
    return getattr(operator, "_schema", None)


@contextlib.contextmanager
def without_recurrent_libraries() -> Iterator[None]:
    """Disable oneDNN and cuDNN for the whole process inside the context."""
    before = torch._C._get_mkldnn_enabled(), torch._C._get_cudnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    torch._C._set_cudnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before[0])
        torch._C._set_cudnn_enabled(before[1])
