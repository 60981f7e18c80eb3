"""A model as TensorFlow's SavedModel: a folder that plain TensorFlow, and what serves its models, can load."""

import importlib.util
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.signature import input_specs, output_names
from cornu.errors import InvalidArgumentError, MissingPackageError, NotBuiltError

_KEY = (0x5EED, 0)
_MARK = "saved_model.pb"
"""The file by which a SavedModel is known."""


def write(model: Any, folder: str | os.PathLike) -> None:
    """Writes a model as a SavedModel, for batches of any size.

    The signature ``"serving_default"`` takes the model's inputs by their names and gives a dict of its outputs. What the model
    says of a sample must not depend on the others in its batch: the function that is written is the one for a sample,
    vectorised.

    Args:
        model: A model that is built, on any backend.
        folder: Where to write. A SavedModel that is there is replaced, at once and as a whole.

    Raises:
        MissingPackageError: TensorFlow is not installed.
        NotBuiltError: The model has no weights yet.
        InvalidArgumentError: Another thing than a SavedModel is there, or the model computes with sizes that it does not know.

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
    backends.get("tensorflow")  # loads TensorFlow, as Cornu wants it
    import tensorflow as tf

    module: Any = tf.Module()
    module.weights = [tf.Variable(variable.numpy(), trainable=variable.trainable) for variable in model.variables]
    serve = _traced(tf, model, module.weights)
    with _folder_in_place_of(target) as temporary:
        tf.saved_model.save(module, str(temporary), signatures={"serving_default": serve})


def _check(model: Any, target: Path) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingPackageError(
            "A SavedModel was to be written.", "It needs TensorFlow, which is not installed.", "Run `pip install tensorflow`."
        )
    if not model.built:
        raise NotBuiltError(
            f"The model {model.name!r} was to be exported, and has not been built.",
            "Its weights do not exist yet.",
            "Give it an `Input`, or call it on data first.",
        )
    if target.exists() and not (target / _MARK).is_file() and not (target.is_dir() and not any(target.iterdir())):
        raise InvalidArgumentError(
            f"A SavedModel was to be written to `{target}`, where something else is.",
            "Only a SavedModel, or an empty folder, is replaced.",
            "Choose another name.",
        )
    if not target.parent.is_dir():
        raise InvalidArgumentError(
            f"A SavedModel was to be written to `{target}`, and the folder `{target.parent}` does not exist.",
            "It is written into a folder that exists.",
            f"Make it first: `os.makedirs({str(target.parent)!r})`.",
        )


# --- The function -----------------------------------------------------------------------------------------------------


def _traced(tf: Any, model: Any, weights: list) -> Any:
    """The model as TensorFlow's concrete function of a batch of any size."""
    specs = input_specs(model)
    inputs = [
        replace(spec, name=name)
        for spec, name in zip(trees.leaves(specs), _usable(spec.name for spec in trees.leaves(specs)), strict=True)
    ]
    names: list[str] = []

    def serve(**batch: Any) -> dict[str, Any]:
        call = _bound(model, specs, [tf.convert_to_tensor(weight) for weight in weights])

        def of_a_sample(sample: list) -> list:
            outputs = call([tf.expand_dims(part, 0) for part in sample])
            names[:] = _usable(output_names(model, outputs))
            return [tf.squeeze(output, 0) for output in trees.leaves(outputs)]

        results = tf.vectorized_map(of_a_sample, [batch[each.name] for each in inputs])
        return dict(zip(names, results, strict=True))

    arguments = {each.name: tf.TensorSpec((None, *each.shape[1:]), each.dtype, name=each.name) for each in inputs}
    try:
        return tf.function(serve, autograph=False).get_concrete_function(**arguments)
    except (TypeError, ValueError) as problem:
        unknown = [each.name for each in inputs if None in each.shape[1:]]
        if not unknown:
            raise
        raise InvalidArgumentError(
            f"The model {model.name!r} computes with a size of its inputs {unknown} that is not known.",
            "Only the size of the batch may be left open.",
            "Build it for one size, such as `Input((224, 224, 3))`, and give it the weights.",
        ) from problem


def _bound(model: Any, specs: Any, values: list) -> Callable[[list], Any]:
    """The call of the model on TensorFlow, with values in place of its variables; takes its inputs in a list."""

    def call(arrays: list) -> Any:
        bound = dict(zip(map(id, model.variables), values, strict=True))
        key = backends.get("tensorflow").asarray(np.array(_KEY, dtype="uint32"))
        context = CallContext(training=False, values=bound, key=key, backend_name="tensorflow")
        with config.placement_scope("tensorflow"), call_context.entered(context):
            return model(trees.unflatten(specs, arrays))

    return call


def _usable(names: Iterable[str]) -> list[str]:
    """Names as TensorFlow takes them for arguments: letters, digits and ``_``, each name once."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W", "_", name)
        plain = f"_{plain}" if plain[:1].isdigit() else plain
        number = sum(other == plain or re.fullmatch(rf"{plain}_\d+", other) is not None for other in found)
        found.append(f"{plain}_{number}" if plain in found else plain)
    return found


# --- The folder -------------------------------------------------------------------------------------------------------


@contextmanager
def _folder_in_place_of(target: Path) -> Iterator[Path]:
    """Gives a path beside the target; the folder there takes the target's place when the block ends, or goes if it raises."""
    mark = f".cornu-{os.getpid()}-{secrets.token_hex(4)}"
    temporary, old = target.with_name(f"{mark}.tmp"), target.with_name(f"{mark}.old")
    try:
        yield temporary
        for file in filter(Path.is_file, temporary.rglob("*")):
            with open(file, "r+b") as written:
                os.fsync(written.fileno())
        _exchange(temporary, target, old)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def _exchange(temporary: Path, target: Path, old: Path) -> None:
    """Gives the new folder the target's name. One that is there cannot be replaced: it steps aside, and back if need be."""
    if not target.exists():
        os.replace(temporary, target)
        return
    os.replace(target, old)
    try:
        os.replace(temporary, target)
    except BaseException:
        os.replace(old, target)
        raise
