"""Methods that layers and models have on one engine only, for code written for that engine.

The functions below specify methods of layers on PyTorch, those of ``torch.nn.Module`` that its optimizers and loops call; the
first argument is the layer. They exist while the layer is on that engine, as in Keras.
"""

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from cornu.backends.contract import Array, Backend

ENGINE = "torch"
"""The engine that has these methods."""


class _LayerLike(Protocol):
    """What the methods use of a layer."""

    name: str
    variables: list

    def to_backend(self, name: str, device: str | None = None) -> Any: ...


_NOT_METHODS = frozenset(globals())


def parameters(layer: _LayerLike, recurse: bool = True) -> Iterator[Array]:  # type: ignore[empty-body]
    """Return an iterator over the values of all variables, each as a ``torch.nn.Parameter``.

    Those of non-trainable variables do not require a gradient.
    """


def named_parameters(
    layer: _LayerLike, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
) -> Iterator[tuple[str, Array]]:  # type: ignore[empty-body]
    """Return an iterator over pairs of the path of a variable and its value (see :func:`parameters`)."""


def state_dict(layer: _LayerLike) -> dict[str, Array]:  # type: ignore[empty-body]
    """Return a dict from the path of each variable to its value, a tensor that shares memory with it."""


def load_state_dict(layer: _LayerLike, state_dict: Mapping[str, Array], strict: bool = True) -> tuple[list[str], list[str]]:  # type: ignore[empty-body]
    """Set the variables to the values of a dict returned by :func:`state_dict`; nothing changes if an error is raised.

    Args:
        layer: The layer.
        state_dict: Dict from path to value.
        strict: Whether the paths must be those of the variables. Defaults to True.

    Returns:
        Named tuple of the missing and the unexpected paths.

    Raises:
        InvalidArgumentError: If a shape differs, or the paths differ and ``strict`` is True.
    """


def zero_grad(layer: _LayerLike, set_to_none: bool = True) -> None:
    """Reset the gradients of all variables."""


def requires_grad_(layer: _LayerLike, requires_grad: bool = True) -> Any:
    """Set ``layer.trainable`` and return the layer."""


def to(layer: _LayerLike, device: Any) -> Any:
    """Move the layer to a device and return it."""


def cpu(layer: _LayerLike) -> Any:
    """Move the layer to the CPU and return it."""


def cuda(layer: _LayerLike, device: Any = None) -> Any:
    """Move the layer to a GPU and return it."""


def train(layer: _LayerLike, mode: bool = True) -> Any:
    """Return the layer. The argument ``training`` of its call selects the mode, as in Keras."""


def eval(layer: _LayerLike) -> Any:
    """Return the layer. The argument ``training`` of its call selects the mode, as in Keras."""


CONVERT = "For a `torch.nn.Module` with copies of the weights, call `cornu.layers.as_torch_module(layer)`."
"""What to do where PyTorch requires a module."""

METHODS = tuple(name for name, value in list(globals().items()) if inspect.isfunction(value) and name not in _NOT_METHODS)
"""Names of the methods."""


def attribute(layer: Any, backend: Backend, name: str) -> Any:
    """Return an attribute that layers have on one engine only.

    A backend declares methods as ``LAYER_METHODS``, a dict from name to function, and other attributes as ``LAYER_ATTRIBUTES``,
    a dict from name to a function of the layer. ``MODULE_ATTRIBUTES`` are names of the engine's own modules.

    Raises:
        AttributeError: If there is none of this name.
    """
    methods, others = getattr(backend, "LAYER_METHODS", {}), getattr(backend, "LAYER_ATTRIBUTES", {})
    if name in methods:
        return functools.partial(methods[name], layer)
    if name in others:
        return others[name](layer)
    text = f"{type(layer).__name__!r} object has no attribute {name!r}"
    if name in METHODS:
        text += f" on the backend {backend.NAME!r}. Layers have `{name}` on the backend {ENGINE!r} only. {CONVERT}"
    elif name in getattr(backend, "MODULE_ATTRIBUTES", ()):
        text += f". It is no `torch.nn.Module`, which has. {CONVERT}"
    raise AttributeError(text, name=name, obj=layer)
