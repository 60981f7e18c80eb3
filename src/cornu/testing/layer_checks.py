"""The contract that every layer keeps, as one check: :func:`check_layer`, for Cornu's own layers and for yours.

Each clause of the contract is one function below; ``CLAUSES`` lists them. A clause takes a :class:`_Subject`, the layer under
test with its data, and raises a :class:`ContractError` if the layer breaks it.
"""

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cornu import backends, trees
from cornu.core import batch_coupling, layer_tree
from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
from cornu.dtypes import is_float
from cornu.errors import InvalidArgumentError, InvalidTypeError, one_of
from cornu.models.load import load_model
from cornu.testing.gradient_checks import build_model, check_backends, check_gradients, check_half_precision, check_training
from cornu.testing.harness import (
    KEY,
    ContractError,
    Subject,
    farthest,
    is_random,
    near,
    numpy_outputs,
    on,
    pure,
    random_inputs,
    run,
)

__all__ = ["CLAUSES", "check_layer"]

# --- Calling a layer --------------------------------------------------------------------------------------------------


# --- The clauses ------------------------------------------------------------------------------------------------------


def _check_call(subject: Subject) -> None:
    """The layer can be called, on symbolic tensors and on arrays, and gives no NaN that it was not given."""
    layer = subject.layer()
    outputs = numpy_outputs(layer, layer(trees.map(on(layer), subject.inputs), **subject.call))
    given = any(np.isnan(leaf).any() for leaf in trees.leaves(subject.inputs) if is_float(str(leaf.dtype)))
    if not given and any(np.isnan(output).any() for output in outputs if output.dtype.kind == "f"):
        raise subject.failure(
            "call", "its outputs hold NaN.", "Numbers in should give numbers out.", "Look for 0 / 0, or a root or logarithm."
        )


def _check_config(subject: Subject) -> None:
    """The config is JSON, and a layer made from it has the same config and, with the same weights, gives the same answer."""
    layer = subject.layer()
    layer_config = layer.get_config()
    try:
        text = json.dumps(layer_config)
    except TypeError as error:
        raise subject.failure(
            "config",
            f"its config is no JSON: {error}.",
            "A config holds numbers, strings, lists and dicts.",
            "Mend `get_config`.",
        ) from error
    try:
        again = type(layer).from_config(json.loads(text))
    except Exception as error:
        raise subject.failure(
            "config",
            f"`from_config(get_config())` raised {type(error).__name__}: {error}",
            "The config must name every argument of the constructor that has no default, and no others.",
            "Leave `get_config` to the base class, or add what is missing.",
        ) from error
    if json.dumps(again.get_config(), sort_keys=True) != json.dumps(layer_config, sort_keys=True):
        changed = sorted(k for k in layer_config if json.dumps(layer_config[k]) != json.dumps(again.get_config().get(k)))
        raise subject.failure(
            "config",
            f"a layer made from its config has another config: {', '.join(changed) or 'more entries'} changed.",
            "The config must hold the arguments that the constructor takes.",
            "Leave `get_config` to the base class, or mend it.",
        )
    again.to_backend("numpy")(subject.symbols(), **subject.call)
    _compare_copies(subject, layer, again)


def _compare_copies(subject: Subject, layer: Layer, again: Layer) -> None:
    advice = "Leave `get_config` to the base class, or add the missing arguments to the config."
    shapes = [variable.shape for variable in layer.weights]
    if (found := [variable.shape for variable in again.weights]) != shapes:
        difference = f"has weights of shapes {found} instead of {shapes}"
        raise subject.failure("config", f"a layer made from its config {difference}.", "It must be the same layer.", advice)
    again.set_weights(layer.get_weights())
    answers = (numpy_outputs(one, run(one, subject)) for one in (layer, again))
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*answers, strict=True)):
        difference = "gives another answer from the same weights"
        raise subject.failure("config", f"a layer made from its config {difference}.", "It must be the same layer.", advice)


def _check_shapes(subject: Subject) -> None:
    """Symbolic outputs and ``compute_output_shape`` say the shape and dtype that really come out, for a batch of any size."""
    layer = subject.layer()
    engine = backends.get(placement_of(layer).backend)
    real = [((None, *leaf.shape[1:]), engine.dtype(leaf)) for leaf in trees.leaves(run(layer, subject))]
    symbols = subject.symbols()
    symbolic = trees.leaves(subject.make()(symbols, **subject.call))
    _compare_shapes(subject, "its symbolic output", [tensor.shape for tensor in symbolic], real)
    for tensor, (_, dtype) in zip(symbolic, real, strict=True):
        if tensor.dtype != dtype:
            raise subject.failure(
                "shapes",
                f"its symbolic output has dtype {tensor.dtype}, the real one {dtype}.",
                "They must agree.",
                "Override `compute_output_spec`, or cast the output to `self.compute_dtype`.",
            )
    if subject.call:
        return  # what shape comes out may depend on the other arguments
    computed = layer.compute_output_shape(trees.map(lambda tensor: tensor.shape, symbols))
    shapes = [computed] if len(real) == 1 and not isinstance(computed[0], (list, tuple)) else list(computed)
    _compare_shapes(subject, "`compute_output_shape`", shapes, real)


def _compare_shapes(subject: Subject, what: str, shapes: list, real: list) -> None:
    wanted = [shape for shape, _ in real]
    agree = len(shapes) == len(wanted) and all(
        len(a) == len(b) and all(x in (None, y) for x, y in zip(a[1:], b[1:], strict=True))
        for a, b in zip(shapes, wanted, strict=True)
    )
    if not agree:
        raise subject.failure(
            "shapes",
            f"{what} has shape {_listed(shapes)}, the real output {_listed(wanted)}.",
            "They must agree, with None for sizes that are not known.",
            "Mend `compute_output_shape`, or leave it out: then it is found by an abstract run.",
        )


def _listed(shapes: list) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)


def _check_weights(subject: Subject) -> None:
    """All that the answer depends on is in the weights: set anew, or given to a pure call, they give the same answer."""
    layer = subject.layer()
    arrays = trees.map(on(layer), subject.inputs)
    before = numpy_outputs(layer, layer(arrays, **subject.call))
    weights = layer.get_weights()
    layer.set_weights([np.zeros_like(value) for value in weights])
    layer.set_weights(weights)
    same = all(np.array_equal(a, b) for a, b in zip(weights, layer.get_weights(), strict=True))
    for after in (layer(arrays, **subject.call), run(layer, subject)):
        after = numpy_outputs(layer, after)
        if not same or not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True)):
            raise subject.failure(
                "weights",
                "called again, after `set_weights(get_weights())`, it gives another answer.",
                "All that the answer depends on must be in its weights.",
                "Keep numbers that change in variables made with `add_weight`.",
            )


def _check_batch_coupling(subject: Subject) -> None:
    """With ``batch_coupling = "none"`` a sample gets the same answer in any company, with ``"masked"`` beside any padding."""
    layer = subject.layer()
    coupling = batch_coupling.effective_coupling(layer)
    count = len(trees.leaves(subject.inputs)[0])
    if coupling == "unknown" or count < 2 or subject.call:
        return
    modes = [False] if is_random(layer, subject) else [False, True]
    part = trees.map(lambda x: x[: count - 1], subject.inputs)
    for training in modes:
        alone = numpy_outputs(layer, run(layer, subject, training, inputs=part))
        together = numpy_outputs(layer, _run_padded(layer, subject, training, coupling))
        for mine, wanted in zip(alone, together, strict=True):
            if not near(mine, wanted[: count - 1], 1e-5):
                raise subject.failure(
                    "batch coupling",
                    f"with and without one more sample in the batch, the others' outputs are {farthest(mine, wanted[:-1])}.",
                    f"Its `batch_coupling` is {coupling!r}, which promises the same.",
                    'Set `batch_coupling = "unknown"`, or leave padding out by the context\'s `sample_mask`.',
                )


def _run_padded(layer: Layer, subject: Subject, training: bool, coupling: str) -> Any:
    """The outputs for the whole batch, the last sample of which is padding."""
    arrays = trees.map(on(layer), subject.inputs)
    count = len(trees.leaves(subject.inputs)[0])
    mask = on(layer)(np.array([1.0] * (count - 1) + [0.0], dtype="float32")) if coupling == "masked" else None
    trained = [variable.value for variable in layer.trainable_variables]
    return pure(layer, subject, training, KEY, mask)(trained, arrays)


def _check_file(subject: Subject) -> None:
    """A model with the layer, saved and loaded, gives the same answer."""
    if subject.call:
        return
    model = build_model(subject)
    kinds = {type(layer).__name__: type(layer) for layer in layer_tree.flatten(model)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        try:
            again = load_model(path, custom_objects=kinds)
        except Exception as error:
            raise subject.failure(
                "file",
                f"a model with it was saved and cannot be loaded: {type(error).__name__}: {error}",
                "What `save` writes, `load_model` must read.",
                "Leave `get_config` to the base class, and make all variables in `build`.",
            ) from error
    answers = (trees.leaves(one.to_backend("numpy").predict(subject.inputs, verbose=0)) for one in (again, model))
    for mine, wanted in zip(*answers, strict=True):
        if not np.array_equal(mine, wanted, equal_nan=True):
            raise subject.failure(
                "file",
                f"saved and loaded, it gives another answer: {farthest(mine, wanted)}.",
                "All that the answer depends on must be in its config and its weights.",
                "Keep numbers that change in variables made with `add_weight`.",
            )


CLAUSES: dict[str, Callable[[Subject], None]] = {
    "call": _check_call,
    "config": _check_config,
    "shapes": _check_shapes,
    "weights": _check_weights,
    "backends": check_backends,
    "gradients": check_gradients,
    "half precision": check_half_precision,
    "batch coupling": _check_batch_coupling,
    "file": _check_file,
    "training": check_training,
}
"""The clauses of the contract by name, in the order in which they are checked."""


def check_layer(
    layer: Callable[..., Layer],
    init_kwargs: dict[str, Any] | None = None,
    input_shape: Any = None,
    input_data: Any = None,
    call_kwargs: dict[str, Any] | None = None,
    skip: Iterable[str] = (),
) -> None:
    """Checks that a layer keeps the contract that the rest of Cornu relies on.

    The clauses are those of :data:`CLAUSES`: it can be called; the config makes the same layer again; symbolic shapes are the
    real ones; the weights hold all that the answer depends on; all backends give the same answer and gradients; the gradients
    are those of finite differences; mixed precision works; samples meet in a batch only as ``batch_coupling`` says; it can be
    saved and loaded; a step of ``fit`` changes its weights by the gradient.

    Args:
        layer: The layer's class, or a function that makes a layer.
        init_kwargs: Arguments of the class or function.
        input_shape: Shape of the input with a batch of at least 2: random numbers are drawn. A list of shapes for a list of
            inputs.
        input_data: The input itself, instead of its shape: an array, or a tree of arrays.
        call_kwargs: Other arguments of the call, by name.
        skip: Names of clauses that are left out.

    Raises:
        ContractError: The layer breaks a clause; the text says which. It is an ``AssertionError`` too.
        InvalidTypeError: ``init_kwargs`` is no dict.
        InvalidArgumentError: Neither or both of ``input_shape`` and ``input_data`` are given, or a clause has an unknown name.

    Example:
        >>> from cornu import layers
        >>> from cornu.testing.layer_checks import check_layer
        >>> check_layer(layers.Dense, {"units": 3}, input_shape=(2, 4))
    """
    if not isinstance(init_kwargs, (dict, type(None))):
        raise InvalidTypeError(
            f"`check_layer` was given init_kwargs={init_kwargs!r}.",
            "The second argument is a dict with the arguments of the layer's class.",
            "Name the arguments: `check_layer(Dense, {'units': 3}, input_shape=(2, 4))`.",
        )
    if (input_shape is None) == (input_data is None):
        raise InvalidArgumentError(
            f"`check_layer` was given input_shape={input_shape!r} and input_data={input_data!r}.",
            "It needs one of the two.",
            "Pass for instance `input_shape=(2, 8, 8, 3)`.",
        )
    for name in skip:
        if name not in CLAUSES:
            raise one_of("skip", name, CLAUSES)
    inputs = random_inputs(input_shape) if input_data is None else trees.map(np.asarray, input_data)
    name = getattr(layer, "__name__", type(layer).__name__)
    subject = Subject(name, lambda: layer(**(init_kwargs or {})), inputs, dict(call_kwargs or {}))
    for name in CLAUSES:
        if name not in skip:
            _hold(name, subject)


def _hold(name: str, subject: Subject) -> None:
    """Checks one clause; whatever else the layer raises breaks it too."""
    try:
        CLAUSES[name](subject)
    except ContractError:
        raise
    except Exception as error:
        raise subject.failure(
            name, f"{type(error).__name__}: {error}", "Nothing may be raised.", "See the error above for where it was raised."
        ) from error
