"""The layer contract as a test: :func:`check_layer`, for built-in and custom layers.

Each clause of the contract is a function below; ``CLAUSES`` lists them. A clause is called with a :class:`Subject`, the layer
under test with its data, and raises a :class:`ContractError` if the layer violates it.
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
from cornu.core.shape_trees import ShapeTree
from cornu.dtypes import is_float
from cornu.errors import InvalidArgumentError, InvalidTypeError, one_of
from cornu.models.load import load_model
from cornu.testing.gradient_checks import build_model, check_backends, check_gradients, check_half_precision, check_training
from cornu.testing.harness import (
    KEY,
    ContractError,
    Subject,
    all_close,
    array_converter,
    describe_difference,
    is_random,
    numpy_outputs,
    random_inputs,
    run,
    stateless_function,
)
from cornu.typing import Tree

__all__ = ["CLAUSES", "check_layer"]

# --- The clauses ------------------------------------------------------------------------------------------------------


def _check_call(subject: Subject) -> None:
    """Check that the layer can be called with symbolic tensors and with arrays, and returns no NaN for inputs without NaN."""
    layer = subject.layer()
    outputs = numpy_outputs(layer, layer(trees.map(array_converter(layer), subject.inputs), **subject.call))
    has_nan = any(np.isnan(leaf).any() for leaf in trees.leaves(subject.inputs) if is_float(str(leaf.dtype)))
    if not has_nan and any(np.isnan(output).any() for output in outputs if output.dtype.kind == "f"):
        raise subject.failure(
            "call",
            "its outputs contain NaN.",
            "For inputs without NaN the outputs must not contain NaN.",
            "Look for a division 0 / 0, a square root or a logarithm.",
        )


def _check_config(subject: Subject) -> None:
    """Check that the config is valid JSON, and that it recreates a layer with the same config and outputs."""
    layer = subject.layer()
    layer_config = layer.get_config()
    try:
        text = json.dumps(layer_config)
    except TypeError as error:
        raise subject.failure(
            "config",
            f"its config cannot be written as JSON: {error}.",
            "A config can contain numbers, strings, booleans, None, lists and dicts.",
            "Correct `get_config`.",
        ) from error
    try:
        again = type(layer).from_config(json.loads(text))
    except Exception as error:
        raise subject.failure(
            "config",
            f"`from_config(get_config())` raised {type(error).__name__}: {error}",
            "The config must contain every required argument of the constructor, and no unknown arguments.",
            "Do not override `get_config`, or add the missing arguments.",
        ) from error
    if json.dumps(again.get_config(), sort_keys=True) != json.dumps(layer_config, sort_keys=True):
        changed = sorted(k for k in layer_config if json.dumps(layer_config[k]) != json.dumps(again.get_config().get(k)))
        raise subject.failure(
            "config",
            f"a layer created from its config has a different config: {', '.join(changed) or 'more entries'} changed.",
            "The config must contain the arguments of the constructor.",
            "Do not override `get_config`, or correct it.",
        )
    again.to_backend("numpy")(subject.symbols(), **subject.call)
    _compare_copies(subject, layer, again)


def _compare_copies(subject: Subject, layer: Layer, again: Layer) -> None:
    hint = "Do not override `get_config`, or add the missing arguments to the config."
    shapes = [variable.shape for variable in layer.weights]
    if (found := [variable.shape for variable in again.weights]) != shapes:
        difference = f"has weights of shapes {found} instead of {shapes}"
        raise subject.failure("config", f"a layer created from its config {difference}.", "The two layers must be equal.", hint)
    again.set_weights(layer.get_weights())
    outputs = (numpy_outputs(one, run(one, subject)) for one in (layer, again))
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*outputs, strict=True)):
        difference = "returns different outputs for the same weights"
        raise subject.failure("config", f"a layer created from its config {difference}.", "The two layers must be equal.", hint)


def _check_shapes(subject: Subject) -> None:
    """Check symbolic outputs and ``compute_output_shape`` against the shapes and dtypes of real outputs."""
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
                f"its symbolic output has dtype {tensor.dtype}, but its real output has {dtype}.",
                "They must be equal.",
                "Override `compute_output_spec`, or cast the output to `self.compute_dtype`.",
            )
    if subject.call:
        return  # the output shape may depend on the other arguments
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
            f"{what} has shape {_listed(shapes)}, but the real output has {_listed(wanted)}.",
            "They must be equal, with None for unknown sizes.",
            "Correct `compute_output_shape`, or remove it: the shape is then inferred by an abstract call.",
        )


def _listed(shapes: list) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)


def _check_weights(subject: Subject) -> None:
    """Check that the outputs depend only on the weights: after setting them, and in a stateless call, outputs are equal."""
    layer = subject.layer()
    arrays = trees.map(array_converter(layer), subject.inputs)
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
                "its outputs differ in a second call, after `set_weights(get_weights())`.",
                "All state that affects the outputs must be in its weights.",
                "Store values that change in variables created with `add_weight`.",
            )


def _check_batch_coupling(subject: Subject) -> None:
    """Check that outputs do not depend on other samples (``batch_coupling = "none"``) or on padding (``"masked"``)."""
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
            if not all_close(mine, wanted[: count - 1], 1e-5):
                raise subject.failure(
                    "batch coupling",
                    f"without the last sample of the batch, the other outputs are {describe_difference(mine, wanted[:-1])}.",
                    f"Its `batch_coupling` is {coupling!r}, for which they must be equal.",
                    'Set `batch_coupling = "unknown"`, or exclude padding with the `sample_mask` of the call context.',
                )


def _run_padded(layer: Layer, subject: Subject, training: bool, coupling: str) -> Any:
    """Return the outputs for the complete batch, in which the last sample is padding."""
    arrays = trees.map(array_converter(layer), subject.inputs)
    count = len(trees.leaves(subject.inputs)[0])
    mask = array_converter(layer)(np.array([1.0] * (count - 1) + [0.0], dtype="float32")) if coupling == "masked" else None
    trained = [variable.value for variable in layer.trainable_variables]
    return stateless_function(layer, subject, training, KEY, mask)(trained, arrays)


def _check_file(subject: Subject) -> None:
    """Check that a model with the layer has the same outputs after saving and loading."""
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
                f"a saved model with the layer cannot be loaded: {type(error).__name__}: {error}",
                "`load_model` must load the files written by `save`.",
                "Do not override `get_config`, and create all variables in `build`.",
            ) from error
    outputs = (trees.leaves(one.to_backend("numpy").predict(subject.inputs, verbose=0)) for one in (again, model))
    for mine, wanted in zip(*outputs, strict=True):
        if not np.array_equal(mine, wanted, equal_nan=True):
            raise subject.failure(
                "file",
                f"after saving and loading, its outputs are {describe_difference(mine, wanted)}.",
                "All state that affects the outputs must be in its config and its weights.",
                "Store values that change in variables created with `add_weight`.",
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
"""Dict of the clauses of the contract by name, in the order in which they are checked."""


def check_layer(
    layer: Callable[..., Layer],
    init_kwargs: dict[str, Any] | None = None,
    input_shape: ShapeTree = None,
    input_data: Tree = None,
    call_kwargs: dict[str, Any] | None = None,
    skip: Iterable[str] = (),
) -> None:
    """Test that a layer satisfies the layer contract, on which the rest of Cornu relies.

    The clauses of the contract are those of :data:`CLAUSES`:

    * ``"call"``: the layer can be called with symbolic tensors and with arrays, and does not return NaN.
    * ``"config"``: the config recreates an equal layer.
    * ``"shapes"``: symbolic shapes and dtypes are those of the real outputs.
    * ``"weights"``: the weights contain all state that affects the outputs.
    * ``"backends"``: outputs and gradients are equal on all installed backends.
    * ``"gradients"``: gradients equal finite differences.
    * ``"half precision"``: the layer supports mixed precision.
    * ``"batch coupling"``: samples affect one another only as declared by ``batch_coupling``.
    * ``"file"``: a model with the layer can be saved and loaded.
    * ``"training"``: a step of ``fit`` updates the weights by the gradient.

    Args:
        layer: Layer class, or function that returns a layer.
        init_kwargs: Dict of arguments of the class or function. Defaults to None.
        input_shape: Tuple, shape of a random input with a batch size of at least 2, or a list of shapes for a list of inputs.
            Required unless ``input_data`` is passed.
        input_data: Array-like, or tree of array-likes, the input. Required unless ``input_shape`` is passed.
        call_kwargs: Dict of the other arguments of the call, by name. Defaults to None.
        skip: Iterable of the names of clauses to skip. Defaults to ``()``.

    Raises:
        ContractError: If the layer violates a clause, which the message names. It is also an ``AssertionError``.
        InvalidTypeError: If ``init_kwargs`` is not a dict.
        InvalidArgumentError: If neither or both of ``input_shape`` and ``input_data`` are passed, or a clause does not exist.

    Example:
        >>> from cornu import layers
        >>> from cornu.testing import check_layer
        >>> check_layer(layers.Dense, {"units": 3}, input_shape=(2, 4))
    """
    if not isinstance(init_kwargs, (dict, type(None))):
        raise InvalidTypeError(
            f"`check_layer` received init_kwargs={init_kwargs!r}.",
            "`init_kwargs` must be a dict of the arguments of the layer's class.",
            "Pass the arguments by name: `check_layer(Dense, {'units': 3}, input_shape=(2, 4))`.",
        )
    if (input_shape is None) == (input_data is None):
        raise InvalidArgumentError(
            f"`check_layer` received input_shape={input_shape!r} and input_data={input_data!r}.",
            "It requires exactly one of the two.",
            "Pass, for example, `input_shape=(2, 8, 8, 3)`.",
        )
    for name in skip:
        if name not in CLAUSES:
            raise one_of("skip", name, CLAUSES)
    inputs = random_inputs(input_shape) if input_data is None else trees.map(np.asarray, input_data)
    name = getattr(layer, "__name__", type(layer).__name__)
    subject = Subject(name, lambda: layer(**(init_kwargs or {})), inputs, dict(call_kwargs or {}))
    for name in CLAUSES:
        if name not in skip:
            _check_clause(name, subject)


def _check_clause(name: str, subject: Subject) -> None:
    """Check one clause; any other exception raised by the layer violates it too."""
    try:
        CLAUSES[name](subject)
    except ContractError:
        raise
    except Exception as error:
        raise subject.failure(
            name,
            f"{type(error).__name__}: {error}",
            "The layer must not raise an error.",
            "See the traceback above for the origin of the error.",
        ) from error
