"""Save models and weights."""

import collections
import importlib.metadata
import math
import os
import warnings
from pathlib import Path
from typing import Any

from cornu import serialization
from cornu.core import layer_tree
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.io.atomic import atomic_write
from cornu.saving import keras_archive, weights_h5
from cornu.saving.weight_paths import VariableGroup, need_built, variable_groups

__all__ = ["save_model"]

ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"

OTHER_FILES = {
    b"": "It is empty.",
    b"version https://git-lfs": "It is a pointer to a file that Git LFS keeps: run `git lfs pull`.",
    b"<": "It is a web page or XML: the download went wrong.",
    b"{": "It is JSON: a config alone is read by `model_from_json`.",
    b"\x80": "It is a Python pickle, which would run code: Cornu never reads one.",
    b"\x1f\x8b": "It is compressed by gzip: unpack it first.",
    b"PK": "It is a zip without members.",
}
"""How files begin that people mistake for model files, and what to say."""


def save_model(model: Any, filepath: str | os.PathLike, overwrite: bool = True) -> None:
    """Saves a model: its layers, its weights, how it was compiled, and the state of its optimizer.

    A layer that has files of its own, such as a vocabulary, defines ``save_assets(dir)``, which writes them into a folder,
    and ``load_assets(dir)``, which reads them from one; they travel in the file.

    The file is Keras 3's ``.keras`` format, whatever its name ends in; Keras 3 reads it too. It is written whole or not at
    all: a file that is there stays as it was until the new one is complete.

    Args:
        model: The model.
        filepath: Where to, usually ``"name.keras"``.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        InvalidArgumentError: The file is there and ``overwrite`` is False, or something in the model cannot stand in a file.

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
            f"The model is saved in the format of `.keras` files under the name {path.name!r}: "
            "Cornu reads it whatever its name, Keras wants the name to end in `.keras`.",
            stacklevel=3,
        )
    if not model.built:
        warnings.warn(f"The model {model.name!r} is not built: the file will hold no weights.", stacklevel=3)
    config = config_of(model)
    extras = {"version": importlib.metadata.version("cornu"), "meta": model.meta}
    places = _places_to_write(model)
    with atomic_write(path) as temporary:
        keras_archive.write_archive(temporary, config, extras, places)


def save_weights(model: Any, filepath: str | os.PathLike, overwrite: bool = True) -> None:
    """Saves the weights of a model alone, as HDF5 with Keras 3's paths, and the state of its optimizer if it has one.

    Args:
        model: The model, built.
        filepath: Where to, usually ``"name.weights.h5"``.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        NotBuiltError: The model has no weights yet.
        InvalidArgumentError: The file is there and ``overwrite`` is False.
    """
    need_built(model, "save_weights")
    places = _places_to_write(model)
    with atomic_write(_target(filepath, overwrite)) as temporary:
        weights_h5.write_weights(temporary, places)


def config_of(model: Any) -> dict[str, Any]:
    """The config of a model as ``config.json`` holds it, with how it was compiled."""
    with serialization.object_sharing_scope(_in_several_models(model)):
        return serialization.serialize(model) | {"compile_config": model.get_compile_config()}


def _in_several_models(model: Any) -> list[Layer]:
    """The layers that belong to more than one of the models inside a model."""
    models = [layer for layer in layer_tree.flatten(model) if layer.cornu_graph is not None]
    members = [layer for each in models for layer in each.layers]
    count = collections.Counter(map(id, members))
    return list({id(layer): layer for layer in members if count[id(layer)] > 1}.values())


def _target(filepath: Any, overwrite: bool) -> Path:
    path = as_path(filepath)
    if not overwrite and path.exists():
        raise InvalidArgumentError(
            f"{str(path)!r} exists already, and `overwrite=False` was given.",
            "Then only a new file may be written.",
            "Choose another name, or pass `overwrite=True`.",
        )
    return path


def _places_to_write(model: Any) -> list[VariableGroup]:
    places = variable_groups(model)
    for place in places:
        name = place.owner.name
        if "\0" in name or len(name) > 1000 or not name.isprintable():
            raise InvalidArgumentError(
                f"A layer of the model is named {name[:50]!a}.",
                "Names in a file are printable texts of at most 1,000 characters.",
                "Give it another `name`.",
            )
    return places


def bytes_of(places: list[VariableGroup]) -> int:
    return sum(8 * math.prod(variable.shape) for place in places for variable in place.variables)


def as_path(filepath: Any) -> Path:
    if not isinstance(filepath, (str, os.PathLike)):
        raise InvalidTypeError(
            f"{filepath!r:.80} was given as `filepath`.", "It must be a path: a text or a `Path`.", "Pass `'model.keras'`."
        )
    if "://" in str(filepath):
        raise InvalidArgumentError(
            f"{str(filepath)!r} was given as `filepath`.", "Cornu reads and writes files of this machine.", "Download it first."
        )
    return Path(filepath)
