"""Export of models to TensorFlow's SavedModel format, a folder that TensorFlow and TensorFlow Serving can load."""

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.random_key import RandomKey
from cornu.core.signature import SpecTree, input_specs, output_names
from cornu.errors import InvalidArgumentError, NotBuiltError
from cornu.training.model_protocol import TrainableModel
from cornu.typing import Array
from cornu.validation import require_packages

_KEY = (0x5EED, 0)
_SAVED_MODEL_FILE = "saved_model.pb"
"""Name of the file that identifies a SavedModel."""


def write(model: TrainableModel, folder: str | os.PathLike) -> None:
    """Write a model to a SavedModel, for batches of any size.

    The signature ``"serving_default"`` accepts the inputs of the model by name and returns a dict of its outputs. The outputs
    for a sample must not depend on the other samples of the batch, since the exported function is the function of a single
    sample, vectorized.

    Args:
        model: Built model, on any backend.
        folder: Path of the folder to write. An existing SavedModel is replaced once the new one is complete.

    Raises:
        MissingPackageError: If TensorFlow is not installed.
        NotBuiltError: If the model is not built.
        InvalidArgumentError: If ``folder`` exists and is not a SavedModel, its parent folder does not exist, or the model
            requires unknown sizes other than the batch size.

    Example:
        >>> import cornu, tempfile
        >>> from cornu.export import saved_model
        >>> model = cornu.Sequential([cornu.Input((4,), name="flower"), cornu.layers.Dense(3)])
        >>> saved_model.write(model, tempfile.mkdtemp() + "/flowers")  # doctest: +SKIP
        >>> import tensorflow as tf  # doctest: +SKIP
        >>> tf.saved_model.load("flowers").signatures["serving_default"](flower=flowers)  # doctest: +SKIP
    """
    target = Path(os.path.realpath(folder))
    _check(model, target)
    backends.get("tensorflow")  # imports TensorFlow with Cornu's settings
    import tensorflow as tf

    module: Any = tf.Module()
    values: list[Any] = [variable.numpy() for variable in model.variables]
    module.weights = [tf.Variable(value, trainable=each.trainable) for value, each in zip(values, model.variables, strict=True)]
    serve = _trace(tf, model, module.weights)
    with _replace_folder(target) as temporary:
        tf.saved_model.save(module, str(temporary), signatures={"serving_default": serve})


def _check(model: TrainableModel, target: Path) -> None:
    require_packages("write a SavedModel", "tensorflow", install="tensorflow")
    if not model.built:
        raise NotBuiltError(
            f"Cannot export the model {model.name!r}: it is not built.",
            "The model must have weights.",
            "Add an `Input` to the model, or call it on data first.",
        )
    if target.exists() and not (target / _SAVED_MODEL_FILE).is_file() and not (target.is_dir() and not any(target.iterdir())):
        raise InvalidArgumentError(
            f"Cannot write a SavedModel to `{target}`: it exists and is not a SavedModel.",
            "Only a SavedModel or an empty folder can be replaced.",
            "Choose another path.",
        )
    if not target.parent.is_dir():
        raise InvalidArgumentError(
            f"Cannot write a SavedModel to `{target}`: the folder `{target.parent}` does not exist.",
            "A SavedModel must be written to an existing folder.",
            f"Create it first: `os.makedirs({str(target.parent)!r})`.",
        )


# --- The function -----------------------------------------------------------------------------------------------------


def _trace(tf: ModuleType, model: TrainableModel, weights: list) -> Any:
    """Return the model as a concrete function of TensorFlow, for batches of any size."""
    specs = input_specs(model)
    inputs = [
        replace(spec, name=name)
        for spec, name in zip(trees.leaves(specs), _valid_names(spec.name for spec in trees.leaves(specs)), strict=True)
    ]
    names: list[str] = []

    def serve(**batch: Array) -> dict[str, Any]:
        call = _bind_weights(model, specs, [tf.convert_to_tensor(weight) for weight in weights])

        def serve_sample(sample: list) -> list:
            outputs = call([tf.expand_dims(part, 0) for part in sample])
            names[:] = _valid_names(output_names(model, outputs))
            return [tf.squeeze(output, 0) for output in trees.leaves(outputs)]

        results = tf.vectorized_map(serve_sample, [batch[each.name] for each in inputs])
        return dict(zip(names, results, strict=True))

    arguments = {each.name: tf.TensorSpec((None, *each.shape[1:]), each.dtype, name=each.name) for each in inputs}
    try:
        return tf.function(serve, autograph=False).get_concrete_function(**arguments)
    except (TypeError, ValueError) as problem:
        unknown = [each.name for each in inputs if None in each.shape[1:]]
        if not unknown:
            raise
        raise InvalidArgumentError(
            f"The model {model.name!r} requires an unknown size of its inputs {unknown}.",
            "Only the batch size can be unknown.",
            "Build the model with a fixed size, such as `Input((224, 224, 3))`, and set its weights.",
        ) from problem


def _bind_weights(model: TrainableModel, specs: SpecTree, values: list) -> Callable[[list], Any]:
    """Return a function that calls the model on TensorFlow with a list of inputs, and with values in place of its variables."""

    def call(arrays: list) -> Any:
        bound = dict(zip(map(id, model.variables), values, strict=True))
        key = RandomKey(backends.get("tensorflow").asarray(np.array(_KEY, dtype="uint32")))
        context = CallContext(training=False, values=bound, key=key, backend_name="tensorflow")
        with config.placement_scope("tensorflow"), call_context.entered(context):
            return model(trees.unflatten(specs, arrays))

    return call


def _valid_names(names: Iterable[str]) -> list[str]:
    """Return names that are valid and unique argument names in TensorFlow: letters, digits and ``_``."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W", "_", name)
        plain = f"_{plain}" if plain[:1].isdigit() else plain
        number = sum(other == plain or re.fullmatch(rf"{plain}_\d+", other) is not None for other in found)
        found.append(f"{plain}_{number}" if plain in found else plain)
    return found


# --- The folder -------------------------------------------------------------------------------------------------------


@contextmanager
def _replace_folder(target: Path) -> Iterator[Path]:
    """Context manager that yields a temporary folder path, and replaces the target with that folder when the block ends."""
    prefix = f".cornu-{os.getpid()}-{secrets.token_hex(4)}"
    temporary, old = target.with_name(f"{prefix}.tmp"), target.with_name(f"{prefix}.old")
    try:
        yield temporary
        for file in filter(Path.is_file, temporary.rglob("*")):
            with open(file, "r+b") as written:
                os.fsync(written.fileno())
        _rename(temporary, target, old)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def _rename(temporary: Path, target: Path, old: Path) -> None:
    """Rename the new folder to the target. An existing target is renamed first, and restored if an error occurs."""
    if not target.exists():
        os.replace(temporary, target)
        return
    os.replace(target, old)
    try:
        os.replace(temporary, target)
    except BaseException:
        os.replace(old, target)
        raise
