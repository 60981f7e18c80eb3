"""Whole models in the HDF5 dialect of Keras 3: what ``model.save("model.h5")`` writes, and its weights alone.

The config and the compile arguments are attributes of the root, in JSON. The attribute ``layer_names`` of the group
``model_weights`` lists the layers; the group of each lists the paths of its arrays in its attribute ``weight_names``. Weights
belong to the layers of a model by this order, or by the names of the layers.
"""

import re
from collections.abc import Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from cornu.core.layer_protocol import LayerLike
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError, ModelFormatError
from cornu.optimizers import Optimizer
from cornu.saving import safe_json
from cornu.saving.h5_file import DatasetSpec, H5File, damaged, write_array
from cornu.saving.keras_archive import KERAS_VERSION
from cornu.saving.weight_paths import VariableGroup

WEIGHTS, OWN, OPTIMIZER = "model_weights", "top_level_model_weights", "optimizer_weights"

_MAX_LIST_BYTES = 64_512
"""The largest list of names that is stored in one attribute, as in Keras."""


class ModelConfigs(NamedTuple):
    """The configs in a file.

    Attributes:
        model: Config of the model: ``{"class_name", "config"}``.
        training: Arguments of ``compile``, the optimizer under ``"optimizer_config"``; None if the model is not compiled.
        extras: Cornu's additional metadata.
    """

    model: dict[str, Any]
    training: dict[str, Any] | None
    extras: dict[str, Any]


def ordered_groups(model: LayerLike, layers: Sequence[LayerLike], optimizer: Optimizer | None = None) -> list[VariableGroup]:
    """Return the variables of a model as this format groups them: by layer, the trainable variables of a layer first.

    Args:
        model: The model.
        layers: Its layers.
        optimizer: Its optimizer, or None. Defaults to None.
    """
    groups = [
        VariableGroup(f"{WEIGHTS}/{layer.name}", layer, [*layer.trainable_weights, *layer.non_trainable_weights])
        for layer in layers
    ]
    weights = {id(weight) for weight in model.weights}
    own = [variable for variable in model._cornu_own_variables() if id(variable) in weights]
    groups.append(VariableGroup(f"{WEIGHTS}/{OWN}", model, own))
    return groups + ([] if optimizer is None else [VariableGroup(OPTIMIZER, optimizer, optimizer.variables)])


# --- Writing ----------------------------------------------------------------------------------------------------------


def write_model(path: str | PathLike, configs: ModelConfigs, groups: list[VariableGroup], backend: str) -> None:
    """Write a model file.

    Args:
        path: Path of the file; an existing file is overwritten (see ``atomic_write`` to do so safely).
        configs: The configs.
        groups: List returned by :func:`ordered_groups`.
        backend: Name of the engine, which Keras's files mention.

    Raises:
        InvalidArgumentError: If two layers have the same name, or a name cannot be the name of a group.
    """
    import h5py

    names = [group.path.removeprefix(f"{WEIGHTS}/") for group in groups if group.path.startswith(WEIGHTS)]
    _check_names(names)
    with h5py.File(path, "w") as root:
        root.attrs["keras_version"], root.attrs["backend"] = KERAS_VERSION, backend
        root.attrs["model_config"] = safe_json.write_json(configs.model, "The config of the model")
        root.attrs["cornu"] = safe_json.write_json(configs.extras, "`model.meta`")
        if configs.training is not None:
            root.attrs["training_config"] = safe_json.write_json(configs.training, "The compile config of the model")
        weights = root.create_group(WEIGHTS)
        weights.attrs["keras_version"], weights.attrs["backend"] = KERAS_VERSION.encode(), backend.encode()
        _write_names(weights, "layer_names", names[:-1])
        for group in groups:
            _write_group(root.create_group(group.path), group.variables)


def _check_names(names: list[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number] or name in (".", ""):
            raise InvalidArgumentError(
                f"The model has {names.count(name)} layer(s) named {name!r}.",
                "In an `.h5` file, the names of the layers of a model must be unique, and not '.'.",
                "Rename the layer, or save the model as `.keras`.",
            )


def _write_group(group: Any, variables: list[Variable]) -> None:
    names = _unique_paths([variable.path for variable in variables])
    _write_names(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        write_array(group, name, np.asarray(variable.numpy()), variable.dtype)


def _unique_paths(paths: list[str]) -> list[str]:
    """Return the paths of variables, changed where a path occurs twice or is the folder of another one."""
    found: list[str] = []
    taken: set[str] = set()
    for path in paths:
        path = "/".join(part for part in path.split("/") if part not in ("", ".")) or "variable"
        name, number = path, 0
        while name in taken or any(other.startswith(f"{name}/") or name.startswith(f"{other}/") for other in found):
            number += 1
            name = f"{path.replace('/', '_')}_{number}"
        found.append(name)
        taken.add(name)
    return found


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    """Write a list of names, over several attributes if it is too long for one."""
    encoded = np.asarray([name.encode("utf-8") for name in names])
    if encoded.itemsize > _MAX_LIST_BYTES:
        raise InvalidArgumentError(
            f"The model has a layer or variable whose name takes {encoded.itemsize:,} bytes: {max(names, key=len)[:50]!r}...",
            f"In an `.h5` file, a name can have at most {_MAX_LIST_BYTES:,} bytes.",
            "Use shorter names, or save the model as `.keras`.",
        )
    parts = 1
    while any(part.nbytes > _MAX_LIST_BYTES for part in np.array_split(encoded, parts)):
        parts += 1
    if parts == 1:
        group.attrs[attribute] = encoded
        return
    for number, part in enumerate(np.array_split(encoded, parts)):
        group.attrs[f"{attribute}{number}"] = part


# --- Reading ----------------------------------------------------------------------------------------------------------


def is_ordered(file: H5File) -> bool:
    """Return whether a file lists its layers in order, as this format and the files of Keras 1 and 2 do."""
    return _root_of(file) is not None or file.has_attribute("model_config")


def _root_of(file: H5File) -> str | None:
    """Return the path of the group that lists the layers, or None."""
    lists = ("layer_names", "layer_names0")
    return next((group for group in ("", WEIGHTS) if any(file.has_attribute(each, group) for each in lists)), None)


def check_version(file: H5File) -> None:
    """Raise ``ModelFormatError`` if the configs of a file were not written by Keras 3."""
    version = file.text("keras_version", _root_of(file) or "")
    if version is None or not re.match(r"3\.\d", version):
        raise ModelFormatError(
            f"{file.source} was written by Keras {version or '1'}.",
            "Cornu reads whole models in `.h5` files of Keras 3, and weights in those of Keras 2 and 3.",
            "Create the model in code and call `model.load_weights(path)`, or load it with Keras 3 and save it as `.keras`.",
        )


def check_layout(file: H5File) -> None:
    """Raise ``ModelFormatError`` if the arrays of a file that lists its layers may have another layout than those of Keras 3.

    On Theano, Keras 1 and 2 wrote the kernels of convolutions flipped. Files without a version and an engine are of Keras 1; on
    TensorFlow, the names of their arrays end with ``:0``.
    """
    root = _root_of(file) or ""
    version, engine = file.text("keras_version", root) or "1", file.text("backend", root)
    if engine is None and _has_names_of_tensorflow(file, root):
        engine = "tensorflow"
    if version.split(".")[0] not in ("1", "2", "3") or engine in (None, "theano"):
        raise ModelFormatError(
            f"{file.source} was written by Keras {version} on {engine or 'an engine that it does not name'}.",
            "Cornu reads weights that Keras 1, 2 or 3 wrote, but not on Theano, where the kernels of convolutions are flipped.",
            "Load it with Keras 2 on TensorFlow and save the weights again.",
        )


def _has_names_of_tensorflow(file: H5File, root: str) -> bool:
    groups = [f"{root}/{layer}".lstrip("/") for layer in file.texts("layer_names", root)]
    return all(name.endswith(":0") for group in groups for name in file.texts("weight_names", group))


def read_configs(file: H5File) -> ModelConfigs:
    """Return the configs in a model file.

    Raises:
        ModelFormatError: If the file contains only weights, was written by another version of Keras, or is damaged.
    """
    if not file.has_attribute("model_config"):
        raise ModelFormatError(
            f"{file.source} contains only weights.",
            "A model file also contains the config of the layers.",
            "Create the model in code, then call `model.load_weights(path)`.",
        )
    check_version(file)
    return ModelConfigs(_json(file, "model_config"), _json(file, "training_config") or None, _json(file, "cornu"))


def _json(file: H5File, attribute: str) -> dict[str, Any]:
    text = file.text(attribute)
    return {} if text is None else safe_json.read_json(text.encode("utf-8", "surrogateescape"), f"{file.source}: {attribute}")


class OrderedWeights:
    """The weights in a file, matched with the layers of a model by their order or by the names of the layers.

    Args:
        file: The file.
        groups: List returned by :func:`ordered_groups`.
        by_name: Whether weights belong to the layer of the same name, instead of the layer at the same position among those
            with weights. Defaults to False.

    Attributes:
        groups: The groups for which the file has weights.
        places: See :class:`~cornu.saving.weight_matching.StoredWeights`.

    Raises:
        ModelFormatError: If the numbers of layers differ, or the file is damaged.
    """

    def __init__(self, file: H5File, groups: list[VariableGroup], by_name: bool = False):
        self._file = file
        self._paths: dict[str, list[str]] = {}
        self.groups: list[VariableGroup] = []
        root = _root_of(file)
        if root is None:
            raise damaged(file.source, "it has no list of layers", f"the group `{WEIGHTS}`")
        *layers, own = [group for group in groups if group.path.startswith(WEIGHTS)]
        for group, name in self._pairs(f"{root}/".lstrip("/"), layers, by_name):
            self._add(group, name)
        others = [(own, f"{root}/{OWN}".lstrip("/")), *((group, OPTIMIZER) for group in groups if group.path == OPTIMIZER)]
        for group, path in others:
            if path in file.groups:
                self._add(group, path)
        self.places: dict[str, dict[str, DatasetSpec]] = {
            path: {str(number): file.datasets[array] for number, array in enumerate(arrays)}
            for path, arrays in self._paths.items()
        }

    def _pairs(self, root: str, layers: list[VariableGroup], by_name: bool) -> list[tuple[VariableGroup, str]]:
        """Return the layers with weights and the path of the group of each in the file."""
        names = self._file.texts("layer_names", root.rstrip("/"))
        if by_name:
            return [(group, f"{root}{name}") for name in dict.fromkeys(names) for group in layers if group.owner.name == name]
        stored = [name for name in names if self._file.texts("weight_names", f"{root}{name}")]
        wanted = [group for group in layers if group.variables]
        if len(stored) != len(wanted):
            raise ModelFormatError(
                f"{self._file.source} contains the weights of {len(stored)} layers: {_listed(stored)}.",
                f"The model has {len(wanted)} layers with weights: {_listed([group.owner.name for group in wanted])}.",
                "Build the model as it was saved, or pass `by_name=True` to `load_weights`.",
            )
        return [(group, f"{root}{name}") for group, name in zip(wanted, stored, strict=True)]

    def _add(self, group: VariableGroup, path: str) -> None:
        arrays = [f"{path}/{name}" for name in self._file.texts("weight_names", path)]
        missing = next((array for array in arrays if array not in self._file.datasets), None)
        if missing is not None:
            raise damaged(self._file.source, "it is listed and missing", f"the array `{missing}`")
        self._paths[path] = arrays
        self.groups.append(group._replace(path=path))

    def check_sizes(self, wanted: list[tuple[str, str]]) -> None:
        """Raise ``ModelFormatError`` if the declared size of some arrays is much larger than their size in the file."""
        self._file.check_size(self._paths[path][int(number)] for path, number in wanted)

    def read(self, path: str, number: str) -> np.ndarray:
        """Return one array: that of the index ``number`` in the group at ``path``."""
        return self._file.read_array(self._paths[path][int(number)])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "none"
