"""Saving of models and weights to files."""

import collections
import importlib.metadata
import inspect
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cornu import registry, serialization, trees
from cornu.core import layer_tree
from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
from cornu.core.layer_protocol import LayerLike
from cornu.errors import InvalidArgumentError, InvalidTypeError, did_you_mean, warn
from cornu.io.atomic import atomic_write
from cornu.models.model_protocol import SavableModel, optimizer_of
from cornu.optimizers import Optimizer
from cornu.saving import keras_archive, model_folder, model_h5, safetensors_file, sharded_weights, weights_h5
from cornu.saving.weight_paths import VariableGroup, need_built, variable_groups
from cornu.validation import as_path

__all__ = ["save_model"]

HDF5_SUFFIXES = (".h5", ".hdf5")

_OPTIONS = {"include_optimizer": True, "save_format": None}
"""Arguments of Keras's ``save`` that its signature does not list, with their defaults."""


def save_model(
    model: SavableModel, filepath: str | os.PathLike, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Save a model: its layers, weights, compile arguments and the state of its optimizer.

    The file has Keras 3's ``.keras`` format, or its HDF5 format if the name ends in ``.h5`` or ``.hdf5``, and can be read by
    Keras 3. It is written atomically: an existing file is replaced only when the new one is complete. A layer with files of its
    own, such as a vocabulary, defines ``save_assets(dir)``, which writes them into a directory, and ``load_assets(dir)``, which
    reads them; they are stored in ``.keras`` files.

    A file contains only data. Functions and classes of your own are named in it, and are passed as ``custom_objects`` to
    :func:`load_model`, or registered with :func:`cornu.saving.register_keras_serializable`.

    Args:
        model: Model to save.
        filepath: Path of the file, ``"name.keras"`` or ``"name.h5"``; of a folder if ``zipped`` is False.
        overwrite: Whether an existing file may be replaced; if False, the terminal asks. Defaults to True.
        zipped: Whether to write one file. If False, ``filepath`` is a folder that will contain the members of the file; it is
            created if it does not exist, and other files in it are kept. Defaults to True.
        **kwargs: ``include_optimizer=False`` leaves out the compile arguments and the optimizer. ``save_format`` is accepted
            for compatibility with Keras, and must agree with the name.

    Raises:
        InvalidArgumentError: If the name has another ending, if the file exists, ``overwrite`` is False and no terminal
            can ask, or if the model contains something that cannot be saved.
        MissingFileError: If the folder of a ``.keras`` file does not exist.

    Example:
        >>> import os, tempfile
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.models import load_model, save_model
        >>> path = os.path.join(tempfile.mkdtemp(), "small.keras")
        >>> save_model(cornu.Sequential([cornu.Input((4,)), layers.Dense(3)]), path)
        >>> load_model(path).output_shape
        (None, 3)
    """
    options = _options_of(kwargs)
    path = as_path(filepath)
    write = _writer_for(path, zipped, options["save_format"])
    if not _may_write(path, overwrite):
        return
    if not model.built and not model.variables:
        warn(f"The model {model.name!r} is not built: the file will contain no weights.")
    config = config_of(model)
    if not options["include_optimizer"]:
        config.pop("compile_config", None)
    _warn_of_lambdas(config)
    write(path, model, config)


def save_weights(
    model: SavableModel,
    filepath: str | os.PathLike,
    overwrite: bool = True,
    max_shard_size: float | None = None,
    objects_to_skip: Iterable[LayerLike | Optimizer] | None = None,
) -> None:
    """Save the weights of a model, and the state of its optimizer if it has one, with Keras 3's paths.

    Args:
        model: A built model.
        filepath: Path of the file, ``"name.weights.h5"`` or ``"name.safetensors"``; with ``max_shard_size``
            ``"name.weights.json"``.
        overwrite: Whether an existing file may be replaced; if False, the terminal asks. Defaults to True.
        max_shard_size: The largest size of a file in gigabytes: the weights are distributed over several files,
            ``"name_00000.weights.h5"`` and so on. Defaults to None (one file).
        objects_to_skip: Layers or optimizers to leave out, with everything inside them. Defaults to None.

    Raises:
        NotBuiltError: If the model has no weights yet.
        InvalidArgumentError: If the name has another ending, the file exists, ``overwrite`` is False and no terminal
            can ask, or a variable is larger than ``max_shard_size``.
        MissingFileError: If the folder of the file does not exist.

    Example:
        >>> import os, tempfile
        >>> import cornu
        >>> from cornu import layers, saving
        >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
        >>> path = os.path.join(tempfile.mkdtemp(), "small.weights.h5")
        >>> saving.save_weights(model, path)
        >>> saving.load_weights(model, path)
    """
    need_built(model, "save_weights")
    path = as_path(filepath)
    endings = (".weights.h5", ".safetensors") if max_shard_size is None else ("weights.json", "weights.h5")
    if not path.name.endswith(endings):
        sharded = max_shard_size is not None
        expected = "`.weights.json` if `max_shard_size` is given" if sharded else "`.weights.h5` or `.safetensors`"
        raise InvalidArgumentError(
            f"`save_weights` received filepath={str(filepath)!r}.",
            f"The name of a file of weights must end in {expected}.",
            f"Pass, for example, 'model.{endings[0].lstrip('.')}'.",
        )
    if max_shard_size is not None and path.suffix != ".json":
        path = path.with_suffix(".json")
        warn(f"With `max_shard_size`, the weights are saved as {str(path)!r}.")
    if not _may_write(path, overwrite):
        return
    places = _places_to_write(model, objects_to_skip or ())
    if max_shard_size is not None:
        sharded_weights.write_shards(path, places, max_shard_size)
        return
    write = safetensors_file.write_safetensors if path.suffix == ".safetensors" else weights_h5.write_weights
    with atomic_write(path) as temporary:
        write(temporary, places)


# --- Formats ----------------------------------------------------------------------------------------------------------


def _options_of(kwargs: dict[str, Any]) -> dict[str, Any]:
    for name in kwargs:
        if name not in _OPTIONS:
            raise InvalidTypeError(
                f"`save` received the argument `{name}`.",
                "Its arguments are `filepath`, `overwrite`, `zipped`, `include_optimizer` and `save_format`.",
                did_you_mean(name, ["overwrite", "zipped", *_OPTIONS]) or "Leave it out.",
            )
    return _OPTIONS | kwargs


def _writer_for(path: Path, zipped: bool | None, save_format: str | None) -> Any:
    """Return the function ``(path, model, config)`` that writes the format that a name asks for."""
    if zipped is not False and path.suffix == ".keras":
        return _write_archive
    if zipped is not False and path.suffix in HDF5_SUFFIXES:
        return _write_h5
    if zipped is False and path.suffix != ".keras":
        return _write_folder
    if zipped is False:
        raise InvalidArgumentError(
            f"`save` received filepath={str(path)!r} and zipped={zipped}.",
            "With `zipped=False` the path must be that of a folder, whose name does not end in `.keras`.",
            "Remove the ending, or leave out `zipped`.",
        )
    hint = f"Remove `save_format={save_format!r}`. " if save_format else ""
    raise InvalidArgumentError(
        f"`save` received filepath={str(path)!r}.",
        "The name of a model file must end in `.keras`, Keras's format (recommended), or in `.h5`.",
        f"{hint}Pass {str(path.with_name(path.stem + '.keras'))!r}, or use `model.export(filepath)` for a SavedModel or ONNX.",
    )


def _extras_of(model: SavableModel) -> dict[str, Any]:
    return {"version": importlib.metadata.version("cornu"), "meta": model.meta}


def _write_archive(path: Path, model: SavableModel, config: dict[str, Any]) -> None:
    places = _places_to_write(model, () if "compile_config" in config else _optimizers_of(model))
    with atomic_write(path) as temporary:
        keras_archive.write_archive(temporary, config, _extras_of(model), places)


def _write_folder(path: Path, model: SavableModel, config: dict[str, Any]) -> None:
    places = _places_to_write(model, () if "compile_config" in config else _optimizers_of(model))
    model_folder.write_folder(path, config, _extras_of(model), places)


def _write_h5(path: Path, model: SavableModel, config: dict[str, Any]) -> None:
    """Write Keras 3's HDF5 format, which, as in Keras, creates the folder of the file."""
    compile_config = config.pop("compile_config", None)
    training = None
    if compile_config is not None:
        optimizer = compile_config.pop("optimizer")
        name = optimizer.get("registered_name") or optimizer["class_name"]
        arguments = {argument: _with_names(value) for argument, value in compile_config.items()}
        training = {**arguments, "optimizer_config": {"class_name": name, "config": optimizer["config"]}}
        training["loss"] = trees.map(_full_name, training["loss"])
    configs = model_h5.ModelConfigs(config, training, _extras_of(model))
    _places_to_write(model, ())
    groups = ordered_groups_of(model, with_optimizer=training is not None)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        model_h5.write_model(temporary, configs, groups, placement_of(model).backend)


def _with_names(value: Any) -> Any:
    """Return an argument of ``compile`` with functions represented by their names, as this format has them."""
    if isinstance(value, dict):
        is_function = value.get("class_name") == "function"
        return value["config"] if is_function else {name: _with_names(part) for name, part in value.items()}
    return [_with_names(part) for part in value] if isinstance(value, (list, tuple)) else value


def _full_name(loss: Any) -> Any:
    """Return ``"mean_squared_error"`` for ``"mse"``: Keras 3.15 does not find short names in this format, not even its own."""
    function = registry.registered("losses").get(loss) if isinstance(loss, str) else None
    return registry.public_names[function][1] if inspect.isfunction(function) else loss


def ordered_groups_of(model: SavableModel, with_optimizer: bool) -> list[VariableGroup]:
    """Return the variables of a model in the order of Keras's HDF5 format."""
    return model_h5.ordered_groups(model, model.layers, optimizer_of(model) if with_optimizer else None)


def _optimizers_of(model: SavableModel) -> list[Optimizer]:
    optimizer = optimizer_of(model)
    return [] if optimizer is None else [optimizer]


# --- Configs ----------------------------------------------------------------------------------------------------------


def config_of(model: SavableModel) -> dict[str, Any]:
    """Return the config of a model as stored in ``config.json``, including its compile config."""
    with serialization.object_sharing_scope(_in_several_models(model)):
        return serialization.serialize(model)


def _in_several_models(model: LayerLike) -> list[Layer]:
    """Return the layers that belong to more than one of the models inside a model."""
    models = [layer for layer in layer_tree.flatten(model) if layer.cornu_graph is not None]
    members = [layer for each in models for layer in each.layers]
    count = collections.Counter(map(id, members))
    return list({id(layer): layer for layer in members if count[id(layer)] > 1}.values())


def _warn_of_lambdas(config: dict[str, Any]) -> None:
    """Warn of Python lambdas in a config: a file can name functions only, and these have no name."""
    found: list[str] = []
    stack: list[tuple[Any, str]] = [(config, "model")]
    while stack:
        value, owner = stack.pop()
        if isinstance(value, dict):
            owner = value["name"] if isinstance(value.get("name"), str) else owner
            if value.get("class_name") == "function" and value.get("config") == "<lambda>":
                found.append(owner)
            stack += [(part, owner) for part in value.values()]
        elif isinstance(value, (list, tuple)):
            stack += [(part, owner) for part in value]
    if found:
        warn(
            f"The model contains a Python `lambda` in {', '.join(map(repr, dict.fromkeys(found)))}. A file contains no code: "
            "the function must be passed to `load_model` again, for a `Lambda` layer as "
            "`custom_objects={'<name of the layer>': function}`, else as `custom_objects={'<lambda>': function}`."
        )


# --- Paths ------------------------------------------------------------------------------------------------------------


def _may_write(path: Path, overwrite: bool) -> bool:
    """Return whether to write to a path; the terminal asks if it exists and ``overwrite`` is False.

    Raises:
        InvalidArgumentError: If there is no terminal to ask on.
    """
    if overwrite or not path.exists():
        return True
    question = f"{str(path)!r} already exists. Overwrite it? [y/n] "
    try:
        while (answer := input(question).strip().lower()) not in ("y", "n"):
            question = "Enter 'y' to overwrite it or 'n' to cancel: "
    except (EOFError, OSError, RuntimeError) as error:
        raise InvalidArgumentError(
            f"{str(path)!r} already exists, and `overwrite` is False.",
            "With `overwrite=False` the file must not exist, unless there is a terminal to ask on.",
            "Pass another path, or `overwrite=True`.",
        ) from error
    return answer == "y"


def _places_to_write(model: SavableModel, without: Iterable[LayerLike | Optimizer]) -> list[VariableGroup]:
    """Return the groups of variables to write, after checking that the names of their owners can be saved."""
    places = variable_groups(model, without)
    for place in places:
        name = place.owner.name
        if "\0" in name or len(name) > 1000 or not name.isprintable():
            raise InvalidArgumentError(
                f"A layer of the model is named {name[:50]!a}.",
                "Names in a file must be printable strings of at most 1,000 characters.",
                "Pass another `name`.",
            )
    return places


def bytes_of(places: list[VariableGroup]) -> int:
    """Return the size of the variables in bytes, with 8 bytes per element."""
    return sum(8 * math.prod(variable.shape) for place in places for variable in place.variables)
