"""Public names that are imported on first use: those of the package, and of Keras's namespaces that gather several tiers.

The modules of these namespaces contain no other code: they call :func:`attach`, and repeat the names under ``TYPE_CHECKING``.
Importing one imports no other module, and ``cornu.saving`` can export functions of a higher tier.
"""

import difflib
import functools
import importlib
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NoReturn

_BOXES = "cornu.ops.image.bounding_boxes"
_CONFIG = "cornu.config"
_DATA_IMAGES = "cornu.data.images"
_DISTILLATION_LOSS = "cornu.models.distillation.distillation_loss"
_POLICY = "cornu.core.dtype_policy"
_REGISTRY = "cornu.registry"
_RANDOM = "cornu.ops.random"
_BATCH = "cornu.training.batch"
_PY_DATASET = "cornu.training.data_adapters.py_dataset"
_STRUCTURES = "cornu.structures"
_SYMBOLIC = "cornu.core.symbolic_tensor"
_VALIDATION = "cornu.validation"

NAMESPACES: dict[str, dict[str, str]] = {
    "cornu": {
        "DTypePolicy": _POLICY,
        "FloatDTypePolicy": _POLICY,
        "Function": "cornu.core.operation",
        "Initializer": "cornu.initializers",
        "Input": "cornu.core.input",
        "InputSpec": "cornu.core.input_spec",
        "KerasTensor": f"{_SYMBOLIC}:SymbolicTensor",
        "Layer": "cornu.layers",
        "Loss": "cornu.losses",
        "Metric": "cornu.metrics",
        "Model": "cornu.models",
        "Operation": "cornu.core.operation",
        "Optimizer": "cornu.optimizers",
        "Regularizer": "cornu.regularizers",
        "RematScope": "cornu.core.remat",
        "Sequential": "cornu.models",
        "StatelessScope": "cornu.core.keras_scopes",
        "SymbolicScope": "cornu.core.keras_scopes",
        "Variable": "cornu.core.variable",
        "activations": "cornu.activations",
        "applications": "cornu.applications",
        "backend": "cornu.backend",
        "backends": "cornu.backends",
        "callbacks": "cornu.callbacks",
        "config": "cornu.config",
        "constraints": "cornu.constraints",
        "datasets": "cornu.datasets",
        "device": "cornu.core.keras_scopes",
        "distillation": "cornu.distillation",
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
        "name_scope": "cornu.core.keras_scopes",
        "ops": "cornu.ops",
        "optimizers": "cornu.optimizers",
        "plots": "cornu.plots",
        "preprocessing": "cornu.preprocessing",
        "quantizers": "cornu.quantizers",
        "random": "cornu.random",
        "regularizers": "cornu.regularizers",
        "remat": "cornu.core.remat",
        "saving": "cornu.saving",
        "testing": "cornu.testing",
        "tree": "cornu.tree",
        "utils": "cornu.utils",
        "value_and_grad": "cornu.core.gradients",
        "visualization": "cornu.visualization",
        "wrappers": "cornu.wrappers",
    },
    "cornu.backend": {
        "backend": _CONFIG,
        "clear_session": "cornu.core.session",
        "epsilon": _CONFIG,
        "floatx": _CONFIG,
        "get_uid": "cornu.core.naming",
        "image_data_format": _CONFIG,
        "is_float_dtype": _VALIDATION,
        "is_int_dtype": _VALIDATION,
        "is_keras_tensor": f"{_SYMBOLIC}:is_symbolic",
        "result_type": _VALIDATION,
        "set_epsilon": _CONFIG,
        "set_floatx": _CONFIG,
        "set_image_data_format": _CONFIG,
        "standardize_dtype": _VALIDATION,
    },
    "cornu.config": {"dtype_policy": _POLICY, "set_dtype_policy": _POLICY},
    "cornu.distillation": {
        "DistillationLoss": _DISTILLATION_LOSS,
        "Distiller": "cornu.models.distillation.distiller",
        "FeatureDistillation": _DISTILLATION_LOSS,
        "LogitsDistillation": _DISTILLATION_LOSS,
    },
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
    "cornu.preprocessing": {
        "image": "cornu.preprocessing.image",
        "image_dataset_from_directory": "cornu.data.image_folders",
        "sequence": "cornu.preprocessing.sequence",
        "text_dataset_from_directory": "cornu.data.text_folders",
        "timeseries_dataset_from_array": "cornu.data.windows",
    },
    "cornu.preprocessing.image": {
        "array_to_img": _DATA_IMAGES,
        "img_to_array": _DATA_IMAGES,
        "load_img": _DATA_IMAGES,
        "save_img": _DATA_IMAGES,
        "smart_resize": _DATA_IMAGES,
    },
    "cornu.preprocessing.sequence": {"pad_sequences": "cornu.data.sequences"},
    "cornu.random": {
        "SeedGenerator": "cornu.core.seed_generator",
        "beta": _RANDOM,
        "binomial": _RANDOM,
        "categorical": _RANDOM,
        "dropout": _RANDOM,
        "gamma": _RANDOM,
        "normal": _RANDOM,
        "randint": _RANDOM,
        "shuffle": _RANDOM,
        "truncated_normal": _RANDOM,
        "uniform": _RANDOM,
    },
    "cornu.saving": {
        "load_model": "cornu.models",
        "load_weights": "cornu.models.load",
        "save_model": "cornu.models",
        "save_weights": "cornu.models.save",
    },
    "cornu.tree": {
        "MAP_TO_NONE": _STRUCTURES,
        "assert_same_paths": _STRUCTURES,
        "assert_same_structure": _STRUCTURES,
        "flatten": _STRUCTURES,
        "flatten_with_path": _STRUCTURES,
        "is_nested": _STRUCTURES,
        "lists_to_tuples": _STRUCTURES,
        "map_shape_structure": _STRUCTURES,
        "map_structure": _STRUCTURES,
        "map_structure_up_to": _STRUCTURES,
        "pack_sequence_as": _STRUCTURES,
        "traverse": _STRUCTURES,
    },
    "cornu.utils": {
        "Config": "cornu.named_values",
        "CustomObjectScope": _REGISTRY,
        "FeatureSpace": "cornu.models.feature_space",
        "Progbar": "cornu.training.loop.progbar",
        "PyDataset": _PY_DATASET,
        "Sequence": f"{_PY_DATASET}:PyDataset",
        "array_to_img": _DATA_IMAGES,
        "audio_dataset_from_directory": "cornu.data.audio_folders",
        "bounding_boxes": "cornu.utils.bounding_boxes",
        "clear_session": "cornu.core.session",
        "custom_object_scope": _REGISTRY,
        "deserialize_keras_object": "cornu.saving",
        "disable_interactive_logging": _CONFIG,
        "enable_interactive_logging": _CONFIG,
        "get_custom_objects": _REGISTRY,
        "get_file": "cornu.io.get_file",
        "get_registered_name": _REGISTRY,
        "get_registered_object": _REGISTRY,
        "get_source_inputs": "cornu.core.graph",
        "image_dataset_from_directory": "cornu.data.image_folders",
        "img_to_array": _DATA_IMAGES,
        "is_interactive_logging_enabled": _CONFIG,
        "is_keras_tensor": f"{_SYMBOLIC}:is_symbolic",
        "load_img": _DATA_IMAGES,
        "model_to_dot": "cornu.models.plotting",
        "normalize": "cornu.ops.nn.encoding:normalize_vectors",
        "pack_x_y_sample_weight": _BATCH,
        "pad_sequences": "cornu.data.sequences",
        "plot_model": "cornu.models.plotting",
        "register_keras_serializable": _REGISTRY,
        "save_img": _DATA_IMAGES,
        "serialize_keras_object": "cornu.saving",
        "set_random_seed": "cornu.seeds",
        "split_dataset": "cornu.data.split",
        "standardize_dtype": _VALIDATION,
        "text_dataset_from_directory": "cornu.data.text_folders",
        "timeseries_dataset_from_array": "cornu.data.windows",
        "to_categorical": "cornu.ops.nn.encoding",
        "unpack_x_y_sample_weight": _BATCH,
    },
    "cornu.utils.bounding_boxes": {
        "affine_transform": _BOXES,
        "clip_to_image_size": _BOXES,
        "compute_ciou": _BOXES,
        "compute_iou": _BOXES,
        "convert_format": _BOXES,
        "crop": _BOXES,
        "decode_deltas_to_boxes": _BOXES,
        "encode_box_to_deltas": _BOXES,
        "pad": _BOXES,
    },
}
"""Namespace to its public names, each with the module that defines it, and after a colon its name there if that is another."""

_QUANTIZATION = (
    "Cornu has no quantized layers.",
    "To save memory and time, call `mixed_precision.set_dtype_policy('mixed_bfloat16')` before the model is made; to quantize "
    "a trained model, call `model.export('model.onnx')` and use the tools of ONNX Runtime.",
)
_EXPORT = ("Cornu exports a model as a whole.", "Call `model.export(path, format='tf_saved_model')`, or 'onnx'.")

REFUSED: dict[str, dict[str, tuple[str, str]]] = {
    "cornu": {"Quantizer": _QUANTIZATION},
    "cornu.core.layer": {"Layer.quantize": _QUANTIZATION},
    "cornu.dtype_policies": dict.fromkeys(
        ("AWQDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy", "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy"),
        _QUANTIZATION,
    ),
    "cornu.export": {"ExportArchive": _EXPORT},
    "cornu.quantizers": dict.fromkeys(
        """AWQConfig AbsMaxQuantizer Float8QuantizationConfig GPTQConfig Int4QuantizationConfig Int8QuantizationConfig
        QuantizationConfig Quantizer abs_max_quantize abs_max_quantize_grouped_with_zero_point compute_float8_amax_history
        compute_float8_scale deserialize fake_quant_with_min_max_vars get pack_int4 quantize_and_dequantize serialize
        unpack_int4""".split(),  # noqa: SIM905
        _QUANTIZATION,
    ),
}
"""Module to names of Keras that Cornu refuses: they can be imported, and calling them says what to use instead."""


def refuse(namespace: str, name: str) -> NoReturn:
    """Raise the error for a name in :data:`REFUSED` that was called.

    Example:
        >>> from cornu import namespaces
        >>> namespaces.refuse("cornu.export", "ExportArchive")
        Traceback (most recent call last):
        cornu.errors.MissingNameError: `ExportArchive` was called. Cornu exports a model as a whole. Call `model.export(...
    """
    expected, hint = REFUSED[namespace][name]
    raise importlib.import_module("cornu.errors").MissingNameError(f"`{name}` was called.", expected, hint)


@functools.cache
def _refused(namespace: str, name: str) -> type:
    """Return the class that stands for a name in :data:`REFUSED`."""
    return type(name, (), {"__new__": lambda *_, **__: refuse(namespace, name), "__module__": namespace})


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
        if name in REFUSED.get(module, ()):
            return _refused(module, name)
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
    missing = missing_names_of(namespace, [*names])

    def find(name: str) -> Any:
        if name not in names:
            return missing(name)
        home, _, original = names[name].partition(":")
        module = importlib.import_module(home)
        return module if home == f"{namespace}.{name}" else getattr(module, original or name)

    def list_names() -> list[str]:
        attributes = vars(sys.modules[namespace])
        return sorted({*attributes["__all__"], *(name for name in attributes if name.startswith("__"))})

    return find, list_names, sorted(names)


def public_names(module: ModuleType) -> list[str]:
    """Return the public names of a module: its ``__all__``, or without one what it defines.

    Args:
        module: The module.

    Example:
        >>> from cornu import namespaces, seeds
        >>> "set_seed" in namespaces.public_names(seeds)
        True
    """
    listed = vars(module).get("__all__")
    if listed is not None:
        return listed
    return [name for name, value in vars(module).items() if not name.startswith("_") and not isinstance(value, ModuleType)]
