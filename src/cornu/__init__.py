"""Cornu: a small, fast deep learning library with the API of Keras, on JAX, PyTorch, TensorFlow and NumPy.

The names below are imported on first use, so ``import cornu`` is fast and imports no array engine.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu import (
        activations,
        backends,
        callbacks,
        config,
        constraints,
        datasets,
        errors,
        export,
        initializers,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        plots,
        regularizers,
        saving,
        testing,
        utils,
    )
    from cornu.core.input import Input
    from cornu.core.variable import Variable
    from cornu.export import load_onnx
    from cornu.layers import Layer
    from cornu.models import Model, Sequential

__version__ = "0.1.0"

__all__ = [
    "Input",
    "Layer",
    "Model",
    "Sequential",
    "Variable",
    "activations",
    "backends",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "errors",
    "export",
    "initializers",
    "layers",
    "load_onnx",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "plots",
    "regularizers",
    "saving",
    "testing",
    "utils",
]

_MODULES = {
    "Input": "cornu.core.input",
    "Layer": "cornu.layers",
    "Model": "cornu.models",
    "Sequential": "cornu.models",
    "Variable": "cornu.core.variable",
    "load_onnx": "cornu.export",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    if name in __all__:
        return importlib.import_module(f"cornu.{name}")
    raise AttributeError(f"module 'cornu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
