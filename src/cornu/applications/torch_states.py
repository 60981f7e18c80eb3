"""Weights of networks of PyTorch in networks of Keras's layers: which array belongs to which layer, and in which layout."""

from collections.abc import Callable, Mapping

import numpy as np

from cornu import layers
from cornu.errors import ModelFormatError
from cornu.models import Model

_STATISTICS = ("weight", "bias", "running_mean", "running_var")
"""Arrays of a batch normalization in PyTorch, in the order of those in Keras."""


def load_torch_state(model: Model, state: Mapping[str, np.ndarray], name_of: Callable[[str], str | None], source: str) -> None:
    """Set the weights of a network to those of a network of PyTorch. Nothing is set if an array is missing or does not fit.

    Args:
        model: The network.
        state: Dict from the names of PyTorch to arrays.
        name_of: Function from the name of a layer to the name of the module of PyTorch; None for a layer that has none there.
        source: String, name of the file, for errors.

    Raises:
        ModelFormatError: If an array is missing, has another shape, or belongs to no layer.
    """
    values, used = {}, set()
    for layer in model.layers:
        if not layer.weights:
            continue
        module = name_of(layer.name)
        names = [f"{module}.{part}" for part in _parts(layer)]
        missing = [name for name in names if name not in state]
        if module is None or missing:
            raise _does_not_fit(source, model, f"it has no array for the layer {layer.name!r}", ", ".join(missing))
        used.update(names)
        values[layer.name] = [_in_layout(layer, state[name]) for name in names]
        shapes = [tuple(value.shape) for value in values[layer.name]]
        if shapes != [tuple(weight.shape) for weight in layer.weights]:
            wanted = [tuple(weight.shape) for weight in layer.weights]
            raise _does_not_fit(source, model, f"{module!r} has the shapes {shapes}", f"{layer.name!r} has the shapes {wanted}")
    rest = [name for name in state if name not in used and not name.endswith("num_batches_tracked")]
    if rest and model.layers[-1].name == "predictions":
        raise _does_not_fit(source, model, f"it also contains {rest[0]!r}", "the network has no layer for it")
    for layer in model.layers:
        if layer.name in values:
            layer.set_weights(values[layer.name])


def _parts(layer: layers.Layer) -> tuple[str, ...]:
    """Return the names of the arrays of a layer in PyTorch, in the order of its weights."""
    if isinstance(layer, layers.BatchNormalization):
        return _STATISTICS
    return ("weight", "bias")[: len(layer.weights)]


def _in_layout(layer: layers.Layer, value: np.ndarray) -> np.ndarray:
    """Return an array in the layout of Keras: the filters of a convolution last, and the inputs of a dense layer first."""
    if value.ndim == 4:
        return value.transpose(2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else value.transpose(2, 3, 1, 0)
    return value.T if value.ndim == 2 else value


def _does_not_fit(source: str, model: Model, problem: str, expected: str) -> ModelFormatError:
    return ModelFormatError(
        f"{source} does not fit the network {model.name!r}: {problem}.",
        f"Expected: {expected}.",
        "Pass the file of the same network. The model has not been changed.",
    )
