"""Public names that are imported on first use: those of the package, and of Keras's namespaces that gather several tiers.

The modules of these namespaces contain no other code: they call :func:`attach`, and repeat the names under ``TYPE_CHECKING``.
Importing one imports no other module, and ``cornu.saving`` can export functions of a higher tier.
"""

import difflib
import importlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

_CONFIG = "cornu.config"
_POLICY = "cornu.core.dtype_policy"
_REGISTRY = "cornu.registry"
_RANDOM = "cornu.ops.random"

NAMESPACES: dict[str, dict[str, str]] = {
    "cornu": {
        "DTypePolicy": _POLICY,
        "FloatDTypePolicy": _POLICY,
        "Input": "cornu.core.input",
        "InputSpec": "cornu.core.input_spec",
        "Layer": "cornu.layers",
        "Model": "cornu.models",
        "Optimizer": "cornu.optimizers",
        "Sequential": "cornu.models",
        "Variable": "cornu.core.variable",
        "activations": "cornu.activations",
        "backend": "cornu.backend",
        "backends": "cornu.backends",
        "callbacks": "cornu.callbacks",
        "config": "cornu.config",
        "constraints": "cornu.constraints",
        "datasets": "cornu.datasets",
        "dtype_policies": "cornu.dtype_policies",
        "errors": "cornu.errors",
        "export": "cornu.export",
        "initializers": "cornu.initializers",
        "layers": "cornu.layers",
        "load_onnx": "cornu.export",
        "losses": "cornu.losses",
        "metrics": "cornu.metrics",
        "mixed_precision": "cornu.mixed_precision",
        "models": "cornu.models",
        "ops": "cornu.ops",
        "optimizers": "cornu.optimizers",
        "plots": "cornu.plots",
        "random": "cornu.random",
        "regularizers": "cornu.regularizers",
        "saving": "cornu.saving",
        "testing": "cornu.testing",
        "utils": "cornu.utils",
        "value_and_grad": "cornu.core.gradients",
    },
    "cornu.backend": {
        "backend": _CONFIG,
        "clear_session": "cornu.core.session",
        "epsilon": _CONFIG,
        "floatx": _CONFIG,
        "image_data_format": _CONFIG,
        "set_epsilon": _CONFIG,
        "set_floatx": _CONFIG,
        "set_image_data_format": _CONFIG,
        "standardize_dtype": "cornu.validation",
    },
    "cornu.config": {"dtype_policy": _POLICY, "set_dtype_policy": _POLICY},
    "cornu.dtype_policies": {
        "DTypePolicy": _POLICY,
        "DTypePolicyMap": _POLICY,
        "FloatDTypePolicy": _POLICY,
        "deserialize": _POLICY,
        "get": _POLICY,
        "serialize": _POLICY,
    },
    "cornu.mixed_precision": {
        "DTypePolicy": _POLICY,
        "LossScaleOptimizer": "cornu.optimizers",
        "Policy": f"{_POLICY}:DTypePolicy",
        "dtype_policy": _POLICY,
        "global_policy": f"{_POLICY}:dtype_policy",
        "set_dtype_policy": _POLICY,
        "set_global_policy": f"{_POLICY}:set_dtype_policy",
    },
    "cornu.random": {
        "SeedGenerator": "cornu.core.seed_generator",
        "categorical": _RANDOM,
        "dropout": _RANDOM,
        "normal": _RANDOM,
        "randint": _RANDOM,
        "shuffle": _RANDOM,
        "truncated_normal": _RANDOM,
        "uniform": _RANDOM,
    },
    "cornu.saving": {
        "CustomObjectScope": f"{_REGISTRY}:custom_object_scope",
        "load_model": "cornu.models",
        "save_model": "cornu.models",
    },
    "cornu.utils": {
        "CustomObjectScope": f"{_REGISTRY}:custom_object_scope",
        "clear_session": "cornu.core.session",
        "custom_object_scope": _REGISTRY,
        "deserialize_keras_object": "cornu.saving",
        "register_keras_serializable": _REGISTRY,
        "serialize_keras_object": "cornu.saving",
        "set_random_seed": "cornu.seeds",
        "standardize_dtype": "cornu.validation",
        "to_categorical": "cornu.ops.nn.encoding",
    },
}
"""Namespace to its public names, each with the module that defines it, and after a colon its name there if that is another."""


def missing_name(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """Return the exception for a name that a module does not have, with the nearest one that it has.

    Args:
        module: Name of the module.
        name: Name that was requested.
        known: Iterable of the public names of the module.

    Example:
        >>> from cornu.namespaces import missing_name
        >>> print(missing_name("cornu.layers", "Dens", ["Dense", "Dropout"]))
        module 'cornu.layers' has no attribute 'Dens'. Did you mean 'Dense'?
    """
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f". Did you mean {nearest[0]!r}?" if nearest else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{hint}")


def missing_names_of(module: str, known: list[str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module, which raises :func:`missing_name` for every name that the module does not have.

    Args:
        module: Name of the module.
        known: List of its public names.

    Example:
        >>> from cornu import namespaces
        >>> try:
        ...     namespaces.missing_names_of("cornu.layers", ["Dense"])("Dens")
        ... except AttributeError as error:
        ...     print(error)
        module 'cornu.layers' has no attribute 'Dens'. Did you mean 'Dense'?
    """

    def find(name: str) -> Any:
        raise missing_name(module, name, known)

    return find


def attach(namespace: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` for a module whose names are in :data:`NAMESPACES`.

    Args:
        namespace: Full name of the module.

    Example:
        >>> from cornu import namespaces
        >>> find, _, names = namespaces.attach("cornu.config")
        >>> names, find("dtype_policy").__module__
        (['dtype_policy', 'set_dtype_policy'], 'cornu.core.dtype_policy')
    """
    names = NAMESPACES[namespace]

    def find(name: str) -> Any:
        if name not in names:
            raise missing_name(namespace, name, names)
        home, _, original = names[name].partition(":")
        module = importlib.import_module(home)
        return module if home == f"{namespace}.{name}" else getattr(module, original or name)

    def list_names() -> list[str]:
        attributes = vars(sys.modules[namespace])
        return sorted({*attributes["__all__"], *(name for name in attributes if name.startswith("__"))})

    return find, list_names, sorted(names)
