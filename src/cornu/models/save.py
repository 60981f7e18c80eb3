"""Saving of models and weights to files."""

import collections
import importlib.metadata
import math
import os
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

from cornu import serialization
from cornu.core import layer_tree
from cornu.core.layer import Layer
from cornu.core.layer_protocol import LayerLike
from cornu.errors import InvalidArgumentError
from cornu.io.atomic import atomic_write
from cornu.models.model_protocol import SavableModel
from cornu.saving import keras_archive, weights_h5
from cornu.saving.weight_paths import VariableGroup, need_built, variable_groups
from cornu.validation import as_path

__all__ = ["save_model"]

ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"

OTHER_FILES = {
    b"": "It is empty.",
    b"version https://git-lfs": "It is a Git LFS pointer: run `git lfs pull`.",
    b"<": "It is a web page or XML: the download failed.",
    b"{": "It is JSON: use `model_from_json` to read a config.",
    b"\x80": "It is a Python pickle, which can run code: Cornu never reads pickles.",
    b"\x1f\x8b": "It is compressed with gzip: decompress it first.",
    b"PK": "It is a zip without members.",
}
"""First bytes of files that are commonly mistaken for model files, with a hint for each."""


def save_model(model: SavableModel, filepath: str | os.PathLike, overwrite: bool = True) -> None:
    """Save a model: its layers, weights, compile arguments and the state of its optimizer.

    The file has Keras 3's ``.keras`` format, whatever its name, and can be read by Keras 3. It is written atomically: an
    existing file is replaced only when the new one is complete. A layer with files of its own, such as a vocabulary, defines
    ``save_assets(dir)``, which writes them into a directory, and ``load_assets(dir)``, which reads them; they are stored in the
    file.

    Args:
        model: Model to save.
        filepath: Path of the file, usually ``"name.keras"``.
        overwrite: Whether an existing file may be replaced. Defaults to True.

    Raises:
        InvalidArgumentError: If the file exists and ``overwrite`` is False, or the model contains something that cannot be
            saved.

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
    path = _target(filepath, overwrite)
    if path.suffix in (".h5", ".hdf5"):
        warnings.warn(
            f"The model is saved in the `.keras` format under the name {path.name!r}. "
            "Cornu reads it under any name; Keras requires a name that ends in `.keras`.",
            stacklevel=3,
        )
    if not model.built:
        warnings.warn(f"The model {model.name!r} is not built: the file will contain no weights.", stacklevel=3)
    config = config_of(model)
    extras = {"version": importlib.metadata.version("cornu"), "meta": model.meta}
    places = _places_to_write(model)
    with atomic_write(path) as temporary:
        keras_archive.write_archive(temporary, config, extras, places)


def save_weights(model: SavableModel, filepath: str | os.PathLike, overwrite: bool = True) -> None:
    """Save the weights of a model, and the state of its optimizer if it has one, as HDF5 with Keras 3's paths.

    Args:
        model: A built model.
        filepath: Path of the file, usually ``"name.weights.h5"``.
        overwrite: Whether an existing file may be replaced. Defaults to True.

    Raises:
        NotBuiltError: If the model has no weights yet.
        InvalidArgumentError: If the file exists and ``overwrite`` is False.
    """
    need_built(model, "save_weights")
    places = _places_to_write(model)
    with atomic_write(_target(filepath, overwrite)) as temporary:
        weights_h5.write_weights(temporary, places)


def config_of(model: SavableModel) -> dict[str, Any]:
    """Return the config of a model as stored in ``config.json``, including its compile config."""
    with serialization.object_sharing_scope(_in_several_models(model)):
        return serialization.serialize(model) | {"compile_config": model.get_compile_config()}


def _in_several_models(model: LayerLike) -> list[Layer]:
    """Return the layers that belong to more than one of the models inside a model."""
    models = [layer for layer in layer_tree.flatten(model) if layer.cornu_graph is not None]
    members = [layer for each in models for layer in each.layers]
    count = collections.Counter(map(id, members))
    return list({id(layer): layer for layer in members if count[id(layer)] > 1}.values())


def _target(filepath: str | PathLike, overwrite: bool) -> Path:
    """Return the path to write to; raise ``InvalidArgumentError`` if it exists and must not be replaced."""
    path = as_path(filepath)
    if not overwrite and path.exists():
        raise InvalidArgumentError(
            f"{str(path)!r} already exists, and `overwrite` is False.",
            "With `overwrite=False` the file must not exist.",
            "Pass another path, or `overwrite=True`.",
        )
    return path


def _places_to_write(model: SavableModel) -> list[VariableGroup]:
    """Return the groups of variables to write, after checking that the names of their owners can be saved."""
    places = variable_groups(model)
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
