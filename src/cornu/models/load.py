"""Models to files and back.

A file is data: its config may name what stands in the tables of ``cornu.registry`` and what the user passes as
``custom_objects``, nothing else. A model is built without drawing a number, what the file declares is compared with what the
model expects, and only then is a weight read.
"""

import contextlib
import difflib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from cornu import registry, seeds, serialization
from cornu.errors import InvalidArgumentError, InvalidTypeError, ModelFormatError
from cornu.models.graph_config import config_errors, layer_from, unusable
from cornu.models.save import HDF5, OTHER_FILES, ZIP, as_path, bytes_of
from cornu.saving import keras_archive, safe_json, weights_h5
from cornu.saving.assets import load_assets
from cornu.saving.weight_matching import load_into
from cornu.saving.weight_paths import need_built, variable_groups

__all__ = ["load_model", "model_from_json"]

_MAX_LAYERS = 10_000


# --- Saving -----------------------------------------------------------------------------------------------------------


# --- Loading ----------------------------------------------------------------------------------------------------------


def load_model(
    filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Loads a model that Cornu or Keras 3 saved.

    Loading never runs code from the file. It can name Cornu's own layers and functions and those you register or pass.

    Args:
        filepath: A path, or a file open for reading in binary mode. The ending does not matter.
        custom_objects: Your own classes and functions by the names in the file: ``{"MyLayer": MyLayer}``.
        compile: Whether to compile the model as it was, and give the optimizer its state, so that training goes on.
        safe_mode: Kept for Keras's sake. It changes nothing: a Python ``lambda`` in a file is never run, also not with False.

    Returns:
        The model. ``model.meta`` holds what was saved beside it, such as class names.

    Raises:
        ModelFormatError: The file is damaged, of another kind, or its parts do not fit one another.
        UnsafeModelError: The file names something that no file may name, or points out of itself.
        InvalidArgumentError: There is no such file.

    Example:
        >>> import pathlib, tempfile
        >>> import cornu
        >>> from cornu import layers, models
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.keras"
        >>> cornu.Sequential([cornu.Input((4,)), layers.Dense(3)]).save(path)
        >>> models.load_model(path).count_params()
        15
    """
    with _opened(filepath) as (file, source):
        if _kind_of(file, source) == "hdf5":
            raise _not_a_model(file, source)
        with keras_archive.Archive(file, source) as archive:
            metadata, config = archive.metadata(), archive.config()
            with registry.custom_object_scope(custom_objects), seeds.using((0, 0)):
                model = _model_from(config, compile)
            places = variable_groups(model)
            member = f"{source}: {keras_archive.WEIGHTS}"
            with weights_h5.WeightsFile(archive.weights(bytes_of(places)), member) as weights:
                load_into(places, weights, member, model.name)
            load_assets(places, archive.extract_assets)
    model.meta = _meta_of(metadata, source)
    return model


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Gives a model the weights of a file, and its optimizer the state if the file holds one.

    Args:
        model: The model, built.
        filepath: A weights file or a model file, of Cornu or Keras 3: a path, or a file open for reading in binary mode.
        skip_mismatch: Whether to leave out, with a warning, the layers whose weights differ in number or shape.

    Raises:
        ModelFormatError: The file is damaged or does not fit the model. The model is as it was.
        NotBuiltError: The model has no weights yet.
    """
    need_built(model, "load_weights")
    with _opened(filepath) as (file, source), contextlib.ExitStack() as stack:
        if _kind_of(file, source) == "zip":
            archive = stack.enter_context(keras_archive.Archive(file, source))
            file, source = archive.weights(bytes_of(variable_groups(model))), f"{source}: {keras_archive.WEIGHTS}"
        weights = stack.enter_context(weights_h5.WeightsFile(file, source))
        if weights.is_of_keras_2():
            raise _of_keras_2(source)
        if model.optimizer is not None and len(weights.places.get("optimizer", ())) > len(model.optimizer.variables):
            model.optimizer.build(model.trainable_variables)
        load_into(variable_groups(model), weights, source, model.name, skip_mismatch)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A new model, with new weights, of the config that ``model.to_json()`` gave.

    Args:
        json_string: The config as JSON.
        custom_objects: Your own classes and functions by the names in the config.

    Raises:
        ModelFormatError: It is no such config.
        UnsafeModelError: It names something that is in no table.

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
            f"`model_from_json` was given a {type(json_string).__name__}.",
            "It takes a text.",
            "Pass what `model.to_json()` gave.",
        )
    config = safe_json.read_json(json_string.encode("utf-8", "surrogatepass"), "The config")
    with registry.custom_object_scope(custom_objects):
        return _model_from(config, compile=True)


def _model_from(config: dict[str, Any], compile: bool) -> Any:
    """The model of a config, built, and compiled if that is wanted and it was."""
    _check_layer_count(config)
    with serialization.object_sharing_scope():
        model: Any = layer_from(config, kind="models")
    if not hasattr(model, "compile_from_config"):
        raise unusable(config, "it is a layer, where a model belongs")
    with config_errors(config):
        shapes = config.get("build_config")
        if not model.built and shapes:
            shapes = shapes.get("shapes_dict", shapes)  # so Keras writes several
            model.build(**{name: _as_shape(shape) for name, shape in shapes.items()})
        if compile and config.get("compile_config"):
            model.compile_from_config(config["compile_config"])
    return model


def _check_layer_count(config: dict[str, Any]) -> None:
    """Refuses more layers than any model has, before they are made."""
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
            "It was made to keep your machine busy; do not trust this file.",
        )


def _as_shape(shape: Any) -> Any:
    """A shape, or a tree of shapes, of a config: JSON knows lists only."""
    if isinstance(shape, dict):
        return {name: _as_shape(part) for name, part in shape.items()}
    if isinstance(shape, list):
        parts = [_as_shape(part) for part in shape]
        return parts if any(isinstance(part, (tuple, list, dict)) for part in parts) else tuple(parts)
    return shape


def _meta_of(metadata: dict[str, Any], source: str) -> dict[str, Any]:
    extras = metadata.get("cornu", {})
    meta = extras.get("meta", {}) if isinstance(extras, dict) else None
    if not isinstance(meta, dict):
        raise ModelFormatError(
            f"{source}: what {keras_archive.METADATA} holds under 'cornu' is {extras!r:.80}.",
            "It must be an object with the entries 'version' and 'meta'.",
            "The file is damaged or was edited.",
        )
    return meta


# --- Opening ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(filepath: Any) -> Iterator[tuple[BinaryIO, str]]:
    """A file open for reading, and what to call it."""
    if hasattr(filepath, "read") and hasattr(filepath, "seek"):
        yield filepath, "The file"
        return
    path = as_path(filepath)
    _check_file(path)
    with open(path, "rb") as file:
        yield file, repr(path.name)


def _check_file(path: Path) -> None:
    if not path.exists():
        if path.is_symlink():
            raise InvalidArgumentError(
                f"{str(path)!r} is a link to {os.readlink(path)!r}.", "There is no such file.", "Restore the file or the link."
            )
        folder = path.parent
        others = os.listdir(folder) if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, others, n=1, cutoff=0.5)
        raise InvalidArgumentError(
            f"{str(path)!r} was to be read.",
            "There is no such file." if folder.is_dir() else f"The folder {str(folder)!r} does not exist.",
            f"Did you mean {str(folder / near[0])!r}?" if near else f"You are in {os.getcwd()!r}: check the path.",
        )
    if not stat.S_ISREG(path.stat().st_mode):
        kind = "a folder" if path.is_dir() else "no ordinary file"
        raise ModelFormatError(f"{str(path)!r} is {kind}.", "A model is one file.", "Pass the file that `model.save` wrote.")


def _kind_of(file: BinaryIO, source: str) -> str:
    """Whether a file is a zip or HDF5, by its first bytes."""
    file.seek(0)
    beginning = file.read(32)
    file.seek(0)
    if beginning.startswith(ZIP):
        return "zip"
    if beginning.startswith(HDF5):
        return "hdf5"
    known = [advice for start, advice in OTHER_FILES.items() if start and beginning.startswith(start)]
    raise ModelFormatError(
        f"{source} is neither a zip nor HDF5: it begins with {beginning[:8]!r}.",
        "A model file is a zip as `model.save` writes it, a weights file is HDF5.",
        OTHER_FILES[b""] if not beginning else next(iter(known), "It is damaged or of another kind."),
    )


def _not_a_model(file: BinaryIO, source: str) -> ModelFormatError:
    with weights_h5.WeightsFile(file, source) as weights:
        if weights.is_of_keras_2():
            return _of_keras_2(source)
    return ModelFormatError(
        f"{source} holds weights alone.",
        "A model file also says which layers there are.",
        "Build the model by your own code, then call `model.load_weights(path)`.",
    )


def _of_keras_2(source: str) -> ModelFormatError:
    return ModelFormatError(
        f"{source} is a file of Keras 1 or 2 (or Keras 3's `.h5` format).",
        "This version of Cornu reads the formats `.keras` and `.weights.h5`.",
        "Load it with Keras and save it as `.keras`.",
    )
