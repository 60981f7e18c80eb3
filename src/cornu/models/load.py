"""Loading of models and weights from files.

A file is data: its config may only name entries of the tables of ``cornu.registry`` and of the user's ``custom_objects``. A
model is built without drawing initial values, the declarations of the file are compared with what the model expects, and only
then weights are read.
"""

import contextlib
import difflib
import os
import stat
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from cornu import registry, seeds, serialization
from cornu.errors import InvalidArgumentError, InvalidTypeError, ModelFormatError
from cornu.models.graph_config import config_errors, layer_from, unusable
from cornu.models.model_protocol import SavableModel
from cornu.models.save import HDF5, OTHER_FILES, ZIP, bytes_of
from cornu.optimizers.loss_scale_optimizer import LossScaleOptimizer, with_loss_scaling
from cornu.saving import keras_archive, safe_json, weights_h5
from cornu.saving.assets import load_assets
from cornu.saving.weight_matching import load_into
from cornu.saving.weight_paths import need_built, variable_groups
from cornu.validation import as_path

__all__ = ["load_model", "model_from_json"]

_MAX_LAYERS = 10_000


def load_model(
    filepath: str | PathLike | BinaryIO,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Load a model saved by Cornu or Keras 3.

    Loading never runs code from the file. A file can only name Cornu's own layers and functions and those that were registered
    or passed by the user.

    Args:
        filepath: Path, or a binary file object open for reading. The extension is ignored.
        custom_objects: Dict from names in the file to custom classes and functions, such as ``{"MyLayer": MyLayer}``.
            Defaults to None.
        compile: Whether to compile the model with its saved arguments and restore the state of the optimizer, so that
            training can be resumed. Defaults to True.
        safe_mode: Accepted for compatibility with Keras; ignored. A Python ``lambda`` in a file is never run, even if False.

    Returns:
        The model. ``model.meta`` contains the metadata saved with it, such as class names.

    Raises:
        ModelFormatError: If the file is damaged, has another format, or its parts do not match.
        UnsafeModelError: If the file names something that a file must not name, or refers to paths outside itself.
        InvalidArgumentError: If there is no such file.

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
                if _scale_loss_as_saved(model, weights):
                    places = variable_groups(model)
                load_into(places, weights, member, model.name)
            load_assets(places, archive.extract_assets)
    model.meta = _meta_of(metadata, source)
    return model


def load_weights(model: SavableModel, filepath: str | PathLike | BinaryIO, skip_mismatch: bool = False) -> None:
    """Load the weights of a model, and the state of its optimizer if the file contains it.

    Args:
        model: A built model.
        filepath: Weights file or model file of Cornu or Keras 3: a path, or a binary file object open for reading.
        skip_mismatch: Whether to skip, with a warning, layers whose weights differ in number or shape. Defaults to False.

    Raises:
        ModelFormatError: If the file is damaged or does not fit the model. The model is unchanged in that case.
        NotBuiltError: If the model has no weights yet.
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
            model.optimizer.ensure_built(model.trainable_variables)
        load_into(variable_groups(model), weights, source, model.name, skip_mismatch)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
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
        model: Any = layer_from(config, kind="models")
    if not hasattr(model, "compile_from_config"):
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
    if "optimizer/inner_optimizer" not in weights.places or model.optimizer is None:
        return False
    if isinstance(model.optimizer, LossScaleOptimizer):
        return False
    scaled = serialization.serialize(with_loss_scaling(model.optimizer))
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


def _meta_of(metadata: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the model metadata stored in a file."""
    extras = metadata.get("cornu", {})
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
            raise InvalidArgumentError(
                f"{str(path)!r} is a link to {os.readlink(path)!r}.", "There is no such file.", "Restore the file or the link."
            )
        folder = path.parent
        others = os.listdir(folder) if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, others, n=1, cutoff=0.5)
        raise InvalidArgumentError(
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
    if beginning.startswith(ZIP):
        return "zip"
    if beginning.startswith(HDF5):
        return "hdf5"
    hints = [hint for start, hint in OTHER_FILES.items() if start and beginning.startswith(start)]
    raise ModelFormatError(
        f"{source} is neither a zip nor an HDF5 file: it starts with {beginning[:8]!r}.",
        "A model file is a zip file written by `model.save`; a weights file is an HDF5 file.",
        OTHER_FILES[b""] if not beginning else next(iter(hints), "It is damaged or has another format."),
    )


def _not_a_model(file: BinaryIO, source: str) -> ModelFormatError:
    """Return the error for a weights file that was passed as a model file."""
    with weights_h5.WeightsFile(file, source) as weights:
        if weights.is_of_keras_2():
            return _of_keras_2(source)
    return ModelFormatError(
        f"{source} contains only weights.",
        "A model file also contains the config of the layers.",
        "Create the model in code, then call `model.load_weights(path)`.",
    )


def _of_keras_2(source: str) -> ModelFormatError:
    """Return the error for a file of Keras 1 or 2."""
    return ModelFormatError(
        f"{source} is a file of Keras 1 or 2 (or Keras 3's `.h5` format).",
        "This version of Cornu reads the formats `.keras` and `.weights.h5`.",
        "Load it with Keras and save it as `.keras`.",
    )
