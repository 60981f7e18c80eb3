"""Loading of models and weights from files.

A file is data: its config may only name entries of the tables of ``cornu.registry`` and of the user's ``custom_objects``. A
model is built without drawing initial values, the declarations of the file are compared with what the model expects, and only
then weights are read.
"""

import contextlib
import difflib
import os
import stat
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from cornu import registry, seeds, serialization, trees
from cornu.core.layer_protocol import LayerLike
from cornu.errors import InvalidArgumentError, InvalidTypeError, MissingFileError, ModelFormatError
from cornu.models.graph_config import config_errors, layer_from, unusable
from cornu.models.model_protocol import SavableModel, optimizer_of
from cornu.models.save import bytes_of, ordered_groups_of
from cornu.optimizers import Optimizer
from cornu.optimizers.loss_scale_optimizer import LossScaleOptimizer, with_loss_scaling
from cornu.saving import keras_archive, model_folder, model_h5, safe_json, weights_h5
from cornu.saving.assets import load_assets
from cornu.saving.h5_file import H5File
from cornu.saving.keras_archive import Archive
from cornu.saving.model_folder import Folder
from cornu.saving.safetensors_file import SafetensorsFile
from cornu.saving.sharded_weights import ShardedWeights
from cornu.saving.weight_matching import StoredWeights, load_into
from cornu.saving.weight_paths import VariableGroup, need_built, variable_groups
from cornu.typing import CustomObjects
from cornu.validation import as_path

__all__ = ["load_model", "model_from_json"]

_MAX_LAYERS = 10_000

_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"

_OTHER_FILES = {
    b"": "It is empty.",
    b"version https://git-lfs": "It is a Git LFS pointer: run `git lfs pull`.",
    b"<": "It is a web page or XML: the download failed.",
    b"{": "It is JSON: use `model_from_json` to read a config.",
    b"\x80": "It is a Python pickle, which can run code: Cornu never reads pickles.",
    b"\x1f\x8b": "It is compressed with gzip: decompress it first.",
    b"PK": "It is a zip without members.",
}
"""First bytes of files that are commonly mistaken for model files, with a hint for each."""


def load_model(
    filepath: str | PathLike | BinaryIO,
    custom_objects: CustomObjects = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Load a model saved by Cornu or Keras 3: a ``.keras`` file, a folder, or a file in Keras 3's HDF5 format.

    Loading never runs code from the file. A file can only name Cornu's own layers and functions and those that were registered
    or passed by the user.

    Args:
        filepath: Path, or a binary file object open for reading. The extension is ignored.
        custom_objects: Dict from names in the file to custom classes and functions, such as ``{"MyLayer": MyLayer}``. The
            function of a ``Lambda`` layer that was a Python ``lambda`` is passed under the name of the layer. Defaults to None.
        compile: Whether to compile the model with its saved arguments and restore the state of the optimizer, so that
            training can be resumed. Defaults to True.
        safe_mode: Accepted for compatibility with Keras; ignored. Code in a file is never run, not even if it is False.

    Returns:
        The model. ``model.meta`` contains the metadata saved with it, such as class names.

    Raises:
        ModelFormatError: If the file is damaged, has another format, or its parts do not match.
        UnsafeModelError: If the file names something that a file must not name, or refers to paths outside itself.
        MissingFileError: If there is no such file.

    Example:
        >>> import pathlib, tempfile
        >>> import cornu
        >>> from cornu import layers, models
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.keras"
        >>> cornu.Sequential([cornu.Input((4,)), layers.Dense(3)]).save(path)
        >>> models.load_model(path).count_params()
        15
    """
    with registry.custom_object_scope(custom_objects), contextlib.ExitStack() as stack:
        if isinstance(filepath, (str, PathLike)) and model_folder.is_model_folder(as_path(filepath)):
            folder = as_path(filepath)
            return _from_archive(stack.enter_context(Folder(folder, repr(folder.name))), repr(folder.name), compile)
        file, source = stack.enter_context(_opened(filepath))
        if _kind_of(file, source) == "hdf5":
            return _from_h5(stack.enter_context(H5File(file, source)), compile)
        return _from_archive(stack.enter_context(Archive(file, source)), source, compile)


def _from_archive(archive: Archive | Folder, source: str, compile: bool) -> Any:
    metadata, config = archive.metadata(), archive.config()
    with seeds.using((0, 0)):
        model = _model_from(config, compile)
    places = variable_groups(model)
    member = f"{source}: {keras_archive.WEIGHTS}"
    with weights_h5.WeightsFile(archive.weights(bytes_of(places)), member) as weights:
        if _scale_loss_as_saved(model, weights):
            places = variable_groups(model)
        load_into(places, weights, member, model.name)
    load_assets(places, archive.extract_assets)
    model.meta = _meta_of(metadata.get("cornu", {}), source)
    return model


def _from_h5(file: H5File, compile: bool) -> Any:
    configs = model_h5.read_configs(file)
    training = dict(configs.training or {})
    if training:
        training = {name: trees.map(_custom_object, value) for name, value in training.items()}
        training["optimizer"] = training.pop("optimizer_config", None)
    with seeds.using((0, 0)):
        model = _model_from({**configs.model, "compile_config": training}, compile)
    weights = model_h5.OrderedWeights(file, ordered_groups_of(model, with_optimizer=bool(compile and training)))
    load_into(weights.groups, weights, file.source, model.name)
    model.meta = _meta_of(configs.extras, file.source)
    return model


def _custom_object(value: Any) -> Any:
    """Return the custom object of a name, since this format has only the names of functions; other values as they are."""
    found = registry.get_registered_object(value) if isinstance(value, str) else None
    return value if found is None else found


def load_weights(
    model: SavableModel,
    filepath: str | PathLike | BinaryIO,
    skip_mismatch: bool = False,
    objects_to_skip: Iterable[LayerLike | Optimizer] | None = None,
    by_name: bool = False,
) -> None:
    """Load the weights of a model, and the state of its optimizer if a weights file contains it.

    Args:
        model: A built model.
        filepath: Weights file or model file of Cornu or Keras 3, or a ``.safetensors`` file of ``save_weights``: a path, or a
            binary file object open for reading.
        skip_mismatch: Whether to skip, with a warning, layers whose weights differ in number or shape. Defaults to False.
        objects_to_skip: Layers or optimizers whose weights are left as they are, with everything inside them; for files that
            ``save_weights`` wrote. Defaults to None.
        by_name: Whether the weights in a file of ``model.save("model.h5")`` belong to the layers of the same names, and the
            other layers are left as they are. Defaults to False (to the layers in order).

    Raises:
        ModelFormatError: If the file is damaged or does not fit the model. The model is unchanged in that case.
        InvalidArgumentError: If an argument does not apply to the format of the file.
        MissingFileError: If there is no such file.
        NotBuiltError: If the model has no weights yet.

    Example:
        >>> import os, tempfile
        >>> import cornu
        >>> from cornu import layers, saving
        >>> path = os.path.join(tempfile.mkdtemp(), "small.weights.h5")
        >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
        >>> model.save_weights(path)
        >>> saving.load_weights(model, path, objects_to_skip=[model.layers[0]])
    """
    need_built(model, "load_weights")
    skipped = list(objects_to_skip or ())
    with contextlib.ExitStack() as stack:
        weights, source, groups = _stored_weights(model, filepath, by_name, stack)
        is_ordered = isinstance(weights, model_h5.OrderedWeights)
        if (skipped and is_ordered) or (by_name and not is_ordered):
            argument, formats = (
                ("by_name", "`.h5` files of `model.save`") if by_name else ("objects_to_skip", "`.weights.h5` files")
            )
            raise InvalidArgumentError(
                f"`load_weights` received `{argument}` for {source}.",
                f"`{argument}` is supported for {formats}.",
                f"Leave out `{argument}`.",
            )
        wanted = variable_groups(model, skipped) if skipped else groups
        left_out = {group.path for group in groups} - {group.path for group in wanted}
        load_into(wanted, weights, source, model.name, skip_mismatch, left_out)


def _stored_weights(
    model: SavableModel, filepath: str | PathLike | BinaryIO, by_name: bool, stack: contextlib.ExitStack
) -> tuple[StoredWeights, str, list[VariableGroup]]:
    """Open the weights of a file; return them, the name of the file, and the groups of the model that they are for."""
    if isinstance(filepath, (str, PathLike)) and as_path(filepath).name.endswith(".weights.json"):
        path = as_path(filepath)
        _check_file(path)
        weights: Any = stack.enter_context(ShardedWeights(path, repr(path.name)))
        return weights, repr(path.name), _groups_with_optimizer(model, weights)
    if isinstance(filepath, (str, PathLike)) and as_path(filepath).suffix == ".safetensors":
        path = as_path(filepath)
        _check_file(path)
        weights = stack.enter_context(SafetensorsFile(path))
        if not weights.places:
            raise ModelFormatError(
                f"{path.name!r} was not written by `save_weights`: the names of its arrays are {list(weights.arrays)[:2]}.",
                "They must be paths, such as `layers/dense/vars/0`.",
                "For files of torchvision and timm, call `cornu.applications.from_torch_state`.",
            )
        return weights, repr(path.name), _groups_with_optimizer(model, weights)
    file, source = stack.enter_context(_opened(filepath))
    if _kind_of(file, source) == "zip":
        archive = stack.enter_context(Archive(file, source))
        file, source = archive.weights(bytes_of(variable_groups(model))), f"{source}: {keras_archive.WEIGHTS}"
    weights = stack.enter_context(weights_h5.WeightsFile(file, source))
    if not model_h5.is_ordered(weights):
        return weights, source, _groups_with_optimizer(model, weights)
    model_h5.check_layout(weights)
    ordered = model_h5.OrderedWeights(weights, ordered_groups_of(model, with_optimizer=False), by_name)
    return ordered, source, ordered.groups


def _groups_with_optimizer(model: SavableModel, weights: StoredWeights) -> list[VariableGroup]:
    """Return the groups of a model, after building its optimizer if a file contains the state of a trained one."""
    optimizer, stored = optimizer_of(model), weights.places.get("optimizer", {})
    loads_itself = VariableGroup("optimizer", optimizer, []).loads_itself() if optimizer is not None else False
    if optimizer is not None and (len(stored) > len(optimizer.variables) or (stored and loads_itself)):
        optimizer.ensure_built(model.trainable_variables)
    return variable_groups(model)


def model_from_json(json_string: str, custom_objects: CustomObjects = None) -> Any:
    """Create a model, with new weights, from a config returned by ``model.to_json()``.

    Args:
        json_string: The config as a JSON string.
        custom_objects: Dict from names in the config to custom classes and functions. Defaults to None.

    Returns:
        The model.

    Raises:
        ModelFormatError: If the string is not such a config.
        UnsafeModelError: If it names something that is not registered.

    Example:
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.models import model_from_json
        >>> text = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)]).to_json()
        >>> model_from_json(text).output_shape
        (None, 3)
    """
    if not isinstance(json_string, str):
        raise InvalidTypeError(
            f"`model_from_json` received a {type(json_string).__name__}.",
            "`json_string` must be a string.",
            "Pass the result of `model.to_json()`.",
        )
    config = safe_json.read_json(json_string.encode("utf-8", "surrogatepass"), "The config")
    with registry.custom_object_scope(custom_objects):
        return _model_from(config, compile=True)


def _model_from(config: dict[str, Any], compile: bool) -> Any:
    """Create the model of a config, built, and compiled if requested and if the config has compile arguments."""
    _check_layer_count(config)
    with serialization.object_sharing_scope():
        model: Any = layer_from({**config, "compile_config": None}, kind="models")
    if not hasattr(model, "save"):
        raise unusable(config, "it is a layer, where a model was expected")
    with config_errors(config):
        shapes = config.get("build_config")
        if not model.built and shapes:
            model.build_from_config(shapes)
        if compile and config.get("compile_config"):
            model.compile_from_config(config["compile_config"])
    return model


def _scale_loss_as_saved(model: Any, weights: weights_h5.WeightsFile) -> bool:
    """Wrap the optimizer in a ``LossScaleOptimizer`` if it was saved as one, and return whether that was necessary.

    Keras names only the inner optimizer, and a functional model of Keras has no dtype policy from which it would follow.
    """
    optimizer = optimizer_of(model)
    if "optimizer/inner_optimizer" not in weights.places or optimizer is None or isinstance(optimizer, LossScaleOptimizer):
        return False
    scaled = serialization.serialize(with_loss_scaling(optimizer))
    model.compile_from_config(model.get_compile_config() | {"optimizer": scaled})
    return True


def _check_layer_count(config: dict[str, Any]) -> None:
    """Raise ``ModelFormatError`` for more layers than a model may have, before they are created."""
    count, stack = 0, [config]
    while stack:
        inner = stack.pop().get("config")
        entries = inner.get("layers") if isinstance(inner, dict) else None
        found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        count += len(found)
        stack += found
    if count > _MAX_LAYERS:
        raise ModelFormatError(
            f"The config has {count:,} layers.",
            f"A model has at most {_MAX_LAYERS:,}.",
            "The file may be an attempt to exhaust resources; do not trust it.",
        )


def _meta_of(extras: Any, source: str) -> dict[str, Any]:
    """Return the model metadata among Cornu's additional metadata in a file."""
    meta = extras.get("meta", {}) if isinstance(extras, dict) else None
    if not isinstance(meta, dict):
        raise ModelFormatError(
            f"{source}: the entry 'cornu' of {keras_archive.METADATA} is {extras!r:.80}.",
            "It must be an object with the entries 'version' and 'meta'.",
            "The file is damaged or was edited.",
        )
    return meta


@contextlib.contextmanager
def _opened(filepath: Any) -> Iterator[tuple[BinaryIO, str]]:
    """Open a file for reading; yield the file and its description for error messages."""
    if hasattr(filepath, "read") and hasattr(filepath, "seek"):
        yield filepath, "The file"
        return
    path = as_path(filepath)
    _check_file(path)
    with open(path, "rb") as file:
        yield file, repr(path.name)


def _check_file(path: Path) -> None:
    """Raise an error if a path is not an existing regular file."""
    if not path.exists():
        if path.is_symlink():
            raise MissingFileError(
                f"{str(path)!r} is a link to {os.readlink(path)!r}.", "There is no such file.", "Restore the file or the link."
            )
        folder = path.parent
        others = os.listdir(folder) if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, others, n=1, cutoff=0.5)
        raise MissingFileError(
            f"{str(path)!r} cannot be read.",
            "There is no such file." if folder.is_dir() else f"The folder {str(folder)!r} does not exist.",
            f"Did you mean {str(folder / near[0])!r}?"
            if near
            else f"Check the path; the working directory is {os.getcwd()!r}.",
        )
    if not stat.S_ISREG(path.stat().st_mode):
        kind = "a folder" if path.is_dir() else "not a regular file"
        raise ModelFormatError(
            f"{str(path)!r} is {kind}.", "A model must be a single file.", "Pass the path of a file written by `model.save`."
        )


def _kind_of(file: BinaryIO, source: str) -> str:
    """Return whether a file is ``"zip"`` or ``"hdf5"``, determined by its first bytes."""
    file.seek(0)
    beginning = file.read(32)
    file.seek(0)
    if beginning.startswith(_ZIP):
        return "zip"
    if beginning.startswith(_HDF5):
        return "hdf5"
    hints = [hint for start, hint in _OTHER_FILES.items() if start and beginning.startswith(start)]
    raise ModelFormatError(
        f"{source} is neither a zip nor an HDF5 file: it starts with {beginning[:8]!r}.",
        "A model file is a zip file written by `model.save`; a weights file is an HDF5 file.",
        _OTHER_FILES[b""] if not beginning else next(iter(hints), "It is damaged or has another format."),
    )
