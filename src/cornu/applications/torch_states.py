"""Weights of networks of PyTorch in networks of Keras's layers: which array belongs to which layer, and in which layout."""

import math
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, cast

import numpy as np

from cornu import layers
from cornu.core import layer_tree
from cornu.errors import InvalidTypeError, MissingFileError, ModelFormatError
from cornu.layers.scaling import LayerScale
from cornu.models import Model
from cornu.saving.safetensors_file import read_safetensors
from cornu.saving.torch_file import read_torch_state, weights_of
from cornu.typing import ArrayLike
from cornu.validation import as_path

_STATISTICS = ("weight", "bias", "running_mean", "running_var")
"""Arrays of a batch normalization in PyTorch, in the order of those in Keras."""


_PREFIXES = ("module.", "model.", "backbone.", "_orig_mod.")
"""Prefixes that all names may have."""


def read_state(state: str | PathLike | Mapping[str, Any]) -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays of a network of PyTorch by their names, and what to call them in errors.

    Args:
        state: Path of a file of PyTorch or of a ``.safetensors`` file, or a dict from names to arrays or tensors.

    Raises:
        ModelFormatError: If the file cannot be read.
        InvalidTypeError: If it is something else.
    """
    if isinstance(state, str | PathLike):
        path = as_path(state)
        if not path.is_file():
            raise MissingFileError(f"{str(path)!r} cannot be read.", "There is no such file.", "Check the path.")
        read = read_safetensors if path.suffix == ".safetensors" else read_torch_state
        return _without_prefix(read(path)), repr(path.name)
    if not isinstance(state, Mapping):
        raise InvalidTypeError(
            f"`state` is of the type {type(state).__name__}.",
            "It must be the path of a file or a dict from names to arrays.",
            "Pass `network.state_dict()`.",
        )
    return _without_prefix({name: _array(value) for name, value in weights_of(state).items()}), "`state`"


def _without_prefix(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays without the prefixes of programs that train a network as a part of another one."""
    for prefix in _PREFIXES:
        if arrays and all(name.startswith(prefix) for name in arrays):
            return _without_prefix({name.removeprefix(prefix): array for name, array in arrays.items()})
    return arrays


def _array(value: ArrayLike) -> np.ndarray:
    """Return an array or a tensor of PyTorch as an array, in `float32` if it has a shorter dtype."""
    if hasattr(value, "detach"):
        tensor = cast(Any, value).detach().cpu()
        return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return np.asarray(value)


def load_torch_state(
    model: Model, state: Mapping[str, np.ndarray], name_of: Callable[[str], str | None], source: str, is_complete: bool
) -> None:
    """Set the weights of a network to those of a network of PyTorch. Nothing is set if an array is missing or does not fit.

    Args:
        model: The network.
        state: Dict from the names of PyTorch to arrays.
        name_of: Function from the name of a layer to the name of the module of PyTorch; None for a layer that has none there.
        source: String, name of the file, for errors.
        is_complete: Whether each array must belong to a layer.

    Raises:
        ModelFormatError: If an array is missing, has another shape, or belongs to no layer.
    """
    owners = [layer for layer in layer_tree.flatten(model) if layer.weights and not hasattr(layer, "layers")]
    values, used = [], set()
    for layer in owners:
        module = name_of(layer.name)
        names = [] if module is None else _array_names(layer, module)
        missing = [name for name in names if name not in state]
        if module is None or missing:
            problem = (
                f"it has no array for the layer {layer.name!r}; its first arrays are {', '.join(map(repr, list(state)[:3]))}"
            )
            raise _does_not_fit(source, model, problem, ", ".join(missing))
        used.update(names)
        wanted = [tuple(weight.shape) for weight in layer.weights]
        values.append([_in_layout(layer, state[name], shape) for name, shape in zip(names, wanted, strict=True)])
        shapes = [tuple(value.shape) for value in values[-1]]
        if shapes != wanted:
            raise _does_not_fit(source, model, f"{module!r} has the shapes {shapes}", f"{layer.name!r} has the shapes {wanted}")
    rest = [name for name in state if name not in used and not name.endswith("num_batches_tracked")]
    if rest and is_complete:
        raise _does_not_fit(source, model, f"it also contains {rest[0]!r}", "the network has no layer for it")
    for layer, arrays in zip(owners, values, strict=True):
        layer.set_weights(arrays)


def _array_names(layer: layers.Layer, module: str) -> list[str]:
    """Return the names of the arrays of a layer in PyTorch, in the order of its weights."""
    if isinstance(layer, LayerScale):
        return [module]
    parts = _STATISTICS if isinstance(layer, layers.BatchNormalization) else ("weight", "bias")[: len(layer.weights)]
    return [f"{module}.{part}" for part in parts]


def _in_layout(layer: layers.Layer, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array in the layout of Keras: the filters of a convolution last, and the inputs of a dense layer first.

    A dense layer may be a convolution there, and the other way around.
    """
    if value.ndim == 4:
        value = value.transpose((2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0))
    elif value.ndim == 2:
        value = value.T
    is_same = [size for size in value.shape if size > 1] == [size for size in shape if size > 1]
    is_flat = value.ndim == 4 and len(shape) == 2 and value.size == math.prod(shape)
    return value.reshape(shape) if is_same or is_flat else value


def _does_not_fit(source: str, model: Model, problem: str, expected: str) -> ModelFormatError:
    return ModelFormatError(
        f"{source} does not fit the network {model.name!r}: {problem}.",
        f"Expected: {expected}.",
        "Pass the file of the same network.",
    )
