"""Methods of layers on PyTorch: those of ``torch.nn.Module`` that loops call (see ``backends/layer_methods.py``)."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch

from cornu.errors import InvalidArgumentError, ShapeError


class LoadedKeys(NamedTuple):
    """Result of ``load_state_dict``: the paths of variables without a value, and those that no variable has."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def parameters(layer: Any, recurse: bool = True) -> Iterator[torch.nn.Parameter]:
    """See ``backends/layer_methods.py``."""
    return (parameter for _, parameter in named_parameters(layer, recurse=recurse))


def named_parameters(
    layer: Any, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """See ``backends/layer_methods.py``."""
    begin = f"{prefix}." if prefix else ""
    return ((begin + variable.path, _parameter(variable)) for variable in layer.variables)


def _parameter(variable: Any) -> torch.nn.Parameter:
    return variable.engine_variable().native


def state_dict(layer: Any) -> dict[str, torch.Tensor]:
    """See ``backends/layer_methods.py``."""
    return {name: parameter.detach() for name, parameter in named_parameters(layer)}


def load_state_dict(layer: Any, state_dict: Mapping[str, torch.Tensor], strict: bool = True) -> LoadedKeys:
    """See ``backends/layer_methods.py``."""
    variables = {variable.path: variable for variable in layer.variables}
    keys = LoadedKeys(
        [path for path in variables if path not in state_dict], [key for key in state_dict if key not in variables]
    )
    if strict and (keys.missing_keys or keys.unexpected_keys):
        raise InvalidArgumentError(
            f"`load_state_dict` of {layer.name!r} received no value for {keys.missing_keys}, and values for "
            f"{keys.unexpected_keys}.",
            f"The variables of the layer are {list(variables)}.",
            "Pass what `state_dict()` of a layer with the same paths returned, or `strict=False`.",
        )
    found = {path: variable for path, variable in variables.items() if path in state_dict}
    for path, variable in found.items():
        if tuple(state_dict[path].shape) != variable.shape:
            raise ShapeError(
                f"`load_state_dict` of {layer.name!r} received a value of shape {tuple(state_dict[path].shape)} for {path!r}.",
                f"The variable has shape {variable.shape}.",
                "Pass the values of a layer of the same sizes.",
            )
    for path, variable in found.items():
        variable.assign(state_dict[path])
    return keys


def zero_grad(layer: Any, set_to_none: bool = True) -> None:
    """See ``backends/layer_methods.py``."""
    for parameter in parameters(layer):
        if parameter.grad is not None and not set_to_none:
            parameter.grad.zero_()
        elif set_to_none:
            parameter.grad = None


def requires_grad_(layer: Any, requires_grad: bool = True) -> Any:
    """See ``backends/layer_methods.py``."""
    layer.trainable = requires_grad
    return layer


def to(layer: Any, device: Any) -> Any:
    """See ``backends/layer_methods.py``."""
    return layer.to_backend("torch", str(device))


def cpu(layer: Any) -> Any:
    """See ``backends/layer_methods.py``."""
    return to(layer, "cpu")


def cuda(layer: Any, device: Any = None) -> Any:
    """See ``backends/layer_methods.py``."""
    return to(layer, "cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)


def train(layer: Any, mode: bool = True) -> Any:
    """See ``backends/layer_methods.py``."""
    return layer


def eval(layer: Any) -> Any:
    """See ``backends/layer_methods.py``."""
    return layer


LAYER_METHODS = {
    "parameters": parameters,
    "named_parameters": named_parameters,
    "state_dict": state_dict,
    "load_state_dict": load_state_dict,
    "zero_grad": zero_grad,
    "requires_grad_": requires_grad_,
    "to": to,
    "cpu": cpu,
    "cuda": cuda,
    "train": train,
    "eval": eval,
}
"""The methods by name."""

LAYER_ATTRIBUTES = {"__qualname__": lambda layer: f"layer {layer.name!r} (convert it: cornu.layers.as_torch_module)"}
"""Attributes by name. PyTorch's error for what is no module shows the qualified name of the object."""

MODULE_ATTRIBUTES = frozenset(dir(torch.nn.Module)) | {"training"}
"""Names of the attributes of modules."""
