"""The contract that every layer keeps, as one check: :func:`check_layer`, for Cornu's own layers and for yours.

Each clause of the contract is one function below; ``CLAUSES`` lists them. A clause takes a :class:`_Subject`, the layer under
test with its data, and raises a :class:`ContractError` if the layer breaks it.
"""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cornu import backends, config, ops, trees
from cornu.core import batch_coupling, dtype_policy, layer_tree
from cornu.core.call_context import CallContext
from cornu.core.input import Input
from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.dtypes import is_float
from cornu.errors import CornuError, InvalidArgumentError, InvalidTypeError, one_of
from cornu.layers.reshaping import Reshape
from cornu.models.load import load_model
from cornu.models.model import Model
from cornu.optimizers.sgd import SGD

_KEY = (20, 26)
_OTHER_KEY = (20, 27)
_DIRECTIONS = 3
_STEP = 1e-6
_RATE = 0.01


class ContractError(CornuError, AssertionError):
    """A layer breaks a clause of the contract.

    Example:
        >>> from cornu.testing.layer_checks import ContractError
        >>> issubclass(ContractError, AssertionError)
        True
    """


class _Subject:
    """A layer under test: how to make it, and what to call it on.

    Args:
        name: What it is called in messages.
        make: Makes a new layer each time.
        inputs: A tree of NumPy arrays, the first argument of the call.
        call: Its other arguments, by name.
    """

    def __init__(self, name: str, make: Callable[[], Layer], inputs: Any, call: dict[str, Any]):
        self.name, self.make, self.inputs, self.call = name, make, inputs, call
        self._weights: list[np.ndarray] | None = None

    def layer(self, backend: str = "numpy", policy: str | None = None) -> Layer:
        """A new layer on a backend, built, with the same weights each time: none is like another, none is 0.

        Args:
            backend: Name of the backend.
            policy: Name of the dtype policy; default that of the settings.
        """
        with _under(policy):  # also while it is built: it may make layers of its own then
            layer = self.make().to_backend(backend)
            layer(self.symbols(), **self.call)
        if self._weights is None:
            rng = np.random.default_rng(1)
            self._weights = [_shaken(value, rng) for value in layer.get_weights()]
        layer.set_weights(self._weights)
        return layer

    def symbols(self) -> Any:
        """Symbolic tensors like the inputs, of a batch of unknown size."""
        floats = config.floatx()
        return trees.map(
            lambda x: SymbolicTensor((None, *x.shape[1:]), floats if is_float(str(x.dtype)) else str(x.dtype)), self.inputs
        )

    def failure(self, clause: str, found: str, expected: str, advice: str) -> ContractError:
        """The exception for a broken clause."""
        return ContractError(f"`{self.name}` breaks the clause {clause!r}: {found}", expected, advice)


def _under(policy: str | None) -> contextlib.AbstractContextManager:
    """Inside, layers are made under this dtype policy; None leaves it as it is."""
    return contextlib.nullcontext() if policy is None else dtype_policy.dtype_policy_scope(policy)


def _shaken(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A weight near its first value, so that a variance stays positive, with all numbers different."""
    value = np.asarray(value)
    return value + 0.1 * rng.normal(size=value.shape).astype(value.dtype) if "float" in str(value.dtype) else value


# --- Calling a layer --------------------------------------------------------------------------------------------------


def _run(layer: Layer, subject: _Subject, training: bool = False, key: tuple[int, int] = _KEY, inputs: Any = None) -> Any:
    """The layer's outputs, its variables left as they are.

    Args:
        layer: The layer.
        subject: Gives the inputs and the other arguments.
        training: Whether it is called as in training.
        key: Where its random numbers come from.
        inputs: Other inputs than the subject's.

    Returns:
        A tree of arrays of the layer's backend.
    """
    arrays = trees.map(_on(layer), subject.inputs if inputs is None else inputs)
    trained = [variable.value for variable in layer.trainable_variables]
    return backends.get(placement_of(layer).backend).compile(_pure(layer, subject, training, key, sample_mask=None))(
        trained, arrays
    )


def _on(layer: Layer) -> Callable:
    return backends.get(placement_of(layer).backend).asarray


def _pure(layer: Layer, subject: _Subject, training: bool, key: tuple[int, int], sample_mask: Any) -> Callable:
    """The layer as a function of its trainable values and inputs."""
    state = [variable.value for variable in layer.non_trainable_variables]
    key_array = _on(layer)(np.array(key, dtype="uint32"))

    def function(trained: list, inputs: Any) -> Any:
        surroundings = CallContext(key=key_array, sample_mask=sample_mask)
        return layer.stateless_call(trained, state, inputs, call_context=surroundings, training=training, **subject.call)[0]

    return function


def _numpy_outputs(layer: Layer, outputs: Any) -> list[np.ndarray]:
    """The outputs as NumPy arrays; floats of 16 bits as ``float32``, which NumPy can compare."""
    to_numpy = backends.get(placement_of(layer).backend).to_numpy
    arrays = [to_numpy(leaf) for leaf in trees.leaves(outputs)]
    return [array.astype("float32") if str(array.dtype) in ("float16", "bfloat16") else array for array in arrays]


class _Gradients(NamedTuple):
    """The gradient of a number made of a layer's outputs.

    Attributes:
        number: A function of the list ``values`` that gives the number and the outputs.
        values: The trainable variables' values, then the inputs of floats.
        outputs: The layer's outputs, as NumPy arrays.
        gradients: The gradient for each of the values.
    """

    number: Callable
    values: list
    outputs: list[np.ndarray]
    gradients: list[np.ndarray]


def _differentiate(layer: Layer, subject: _Subject, training: bool = False) -> _Gradients:
    """The gradient of the sum of the outputs times random numbers, for trainable variables and inputs of floats."""
    engine, on_backend = backends.get(placement_of(layer).backend), _on(layer)
    arrays = trees.map(on_backend, subject.inputs)
    function = _pure(layer, subject, training, _KEY, sample_mask=None)
    trained = [variable.value for variable in layer.trainable_variables]
    leaves = trees.leaves(arrays)
    places = [place for place, leaf in enumerate(leaves) if is_float(engine.dtype(leaf))]
    values = [*trained, *(engine.cast(leaves[place], _real_dtype(layer)) for place in places)]

    def number(values: list) -> Any:
        mixed = list(leaves)
        for place, value in zip(places, values[len(trained) :], strict=True):
            mixed[place] = value
        outputs = trees.leaves(function(values[: len(trained)], trees.unflatten(arrays, mixed)))
        floats = [output for output in outputs if is_float(engine.dtype(output))]
        rng = np.random.default_rng(2)
        upstream = [on_backend(rng.normal(size=output.shape).astype(_real_dtype(layer))) for output in floats]
        with config.running_on(*layer.place):  # where NumPy arrays are outputs they are no data for the default backend
            return sum(ops.sum(output * factor) for output, factor in zip(floats, upstream, strict=True)), outputs

    (_, outputs), found = engine.compile(engine.value_and_grad(number, has_aux=True))(values)
    return _Gradients(number, values, _numpy_outputs(layer, outputs), [engine.to_numpy(gradient) for gradient in found])


def _real_dtype(layer: Layer) -> str:
    return "float64" if layer.variable_dtype == "float64" else "float32"


def _is_random(layer: Layer, subject: _Subject) -> bool:
    """Whether its outputs in training depend on the key."""
    one = _numpy_outputs(layer, _run(layer, subject, training=True))
    other = _numpy_outputs(layer, _run(layer, subject, training=True, key=_OTHER_KEY))
    return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


def _near(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    """Whether two arrays differ by less than a part of the largest number."""
    if one.shape != other.shape:
        return False
    scale = max(float(np.abs(other).max(initial=0)), 1.0)
    return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def _farthest(one: np.ndarray, other: np.ndarray) -> str:
    if one.shape != other.shape:
        return f"shapes {one.shape} and {other.shape}"
    return f"numbers that differ by up to {float(np.abs(one.astype('float64') - other).max()):.3g}"


# --- The clauses ------------------------------------------------------------------------------------------------------


def _check_call(subject: _Subject) -> None:
    """The layer can be called, on symbolic tensors and on arrays, and gives no NaN that it was not given."""
    layer = subject.layer()
    outputs = _numpy_outputs(layer, layer(trees.map(_on(layer), subject.inputs), **subject.call))
    given = any(np.isnan(leaf).any() for leaf in trees.leaves(subject.inputs) if is_float(str(leaf.dtype)))
    if not given and any(np.isnan(output).any() for output in outputs if output.dtype.kind == "f"):
        raise subject.failure(
            "call", "its outputs hold NaN.", "Numbers in should give numbers out.", "Look for 0 / 0, or a root or logarithm."
        )


def _check_config(subject: _Subject) -> None:
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


def _compare_copies(subject: _Subject, layer: Layer, again: Layer) -> None:
    advice = "Leave `get_config` to the base class, or add the missing arguments to the config."
    shapes = [variable.shape for variable in layer.weights]
    if (found := [variable.shape for variable in again.weights]) != shapes:
        difference = f"has weights of shapes {found} instead of {shapes}"
        raise subject.failure("config", f"a layer made from its config {difference}.", "It must be the same layer.", advice)
    again.set_weights(layer.get_weights())
    answers = (_numpy_outputs(one, _run(one, subject)) for one in (layer, again))
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*answers, strict=True)):
        difference = "gives another answer from the same weights"
        raise subject.failure("config", f"a layer made from its config {difference}.", "It must be the same layer.", advice)


def _check_shapes(subject: _Subject) -> None:
    """Symbolic outputs and ``compute_output_shape`` say the shape and dtype that really come out, for a batch of any size."""
    layer = subject.layer()
    engine = backends.get(placement_of(layer).backend)
    real = [((None, *leaf.shape[1:]), engine.dtype(leaf)) for leaf in trees.leaves(_run(layer, subject))]
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


def _compare_shapes(subject: _Subject, what: str, shapes: list, real: list) -> None:
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


def _check_weights(subject: _Subject) -> None:
    """All that the answer depends on is in the weights: set anew, or given to a pure call, they give the same answer."""
    layer = subject.layer()
    arrays = trees.map(_on(layer), subject.inputs)
    before = _numpy_outputs(layer, layer(arrays, **subject.call))
    weights = layer.get_weights()
    layer.set_weights([np.zeros_like(value) for value in weights])
    layer.set_weights(weights)
    same = all(np.array_equal(a, b) for a, b in zip(weights, layer.get_weights(), strict=True))
    for after in (layer(arrays, **subject.call), _run(layer, subject)):
        after = _numpy_outputs(layer, after)
        if not same or not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True)):
            raise subject.failure(
                "weights",
                "called again, after `set_weights(get_weights())`, it gives another answer.",
                "All that the answer depends on must be in its weights.",
                "Keep numbers that change in variables made with `add_weight`.",
            )


def _check_backends(subject: _Subject) -> None:
    """From the same weights, every backend gives the same answer and the same gradients."""
    reference = subject.layer("numpy")
    modes = [False] if _is_random(reference, subject) else [False, True]
    for name in (name for name in config.installed_backends() if name != "numpy"):
        layer = subject.layer("numpy").to_backend(name)
        for training in modes:
            mine, wanted = _differentiate(layer, subject, training), _differentiate(reference, subject, training)
            for one, other in zip(mine.outputs, wanted.outputs, strict=True):
                _compare_backends(subject, name, "output", one, other)
            for one, other in zip(mine.gradients, wanted.gradients, strict=True):
                _compare_backends(subject, name, "gradient", one, other)


def _compare_backends(subject: _Subject, name: str, what: str, mine: np.ndarray, wanted: np.ndarray) -> None:
    if not _near(mine, wanted, 1e-4):
        raise subject.failure(
            "backends",
            f"the {what} on {name!r} and on 'numpy' are {_farthest(mine, wanted)}.",
            "They must agree to the rounding of float32.",
            "Use only functions of `cornu.ops` in `call`, and look at no backend.",
        )


def _check_gradients(subject: _Subject) -> None:
    """The gradient for weights and inputs is that of finite differences, in ``float64`` on the NumPy backend."""
    layer = subject.layer("numpy", policy="float64")
    rng = np.random.default_rng(3)
    names = [variable.path for variable in layer.trainable_variables]
    for training in (False, True):
        taken = _differentiate(layer, subject, training)
        for place, gradient in enumerate(taken.gradients):
            what = f"the weight {names[place]!r}" if place < len(names) else "the input"
            for _ in range(_DIRECTIONS):
                direction = rng.normal(size=gradient.shape)
                _compare_slopes(subject, what, taken, place, direction)


def _compare_slopes(subject: _Subject, what: str, taken: _Gradients, place: int, direction: np.ndarray) -> None:
    def moved(step: float) -> float:
        values = list(taken.values)
        values[place] = values[place] + step * direction
        return float(taken.number(values)[0])

    found = float(np.sum(taken.gradients[place] * direction))
    measured = (moved(_STEP) - moved(-_STEP)) / (2 * _STEP)
    if not abs(found - measured) <= 1e-5 * max(abs(measured), abs(found)) + 1e-6:
        raise subject.failure(
            "gradients",
            f"along a random direction the gradient for {what} says {found:.6g}, finite differences say {measured:.6g}.",
            "They must agree.",
            "Mend the `grad` of a `custom_gradient`, or what breaks the chain: a `stop_gradient`, or NumPy functions.",
        )


def _check_half_precision(subject: _Subject) -> None:
    """In mixed precision, weights stay ``float32``, floats come out in 16 bits, and the answer is about the same."""
    reference = subject.layer()
    wanted = _numpy_outputs(reference, _run(reference, subject))
    for policy in ("mixed_float16", "mixed_bfloat16"):
        layer = subject.layer(config.backend(), policy)
        outputs = _run(layer, subject)
        engine = backends.get(placement_of(layer).backend)
        dtypes = {engine.dtype(leaf) for leaf in trees.leaves(outputs) if is_float(engine.dtype(leaf))}
        if dtypes - {layer.compute_dtype} or any(variable.dtype == layer.compute_dtype for variable in layer.weights):
            raise subject.failure(
                "half precision",
                f"with {policy!r} its outputs have dtype {', '.join(sorted(dtypes))}.",
                f"They must have {layer.compute_dtype!r}, and its weights 'float32'.",
                "Cast to `self.compute_dtype`, and name no dtype in `add_weight`.",
            )
        for mine, exact in zip(_numpy_outputs(layer, outputs), wanted, strict=True):
            if not _near(mine, exact, 0.1):
                raise subject.failure(
                    "half precision",
                    f"with {policy!r} and with 'float32' its outputs are {_farthest(mine, exact)}.",
                    "They must be about the same.",
                    'Compute what needs more digits in `float32`: `ops.cast(x, "float32")`.',
                )


def _check_batch_coupling(subject: _Subject) -> None:
    """With ``batch_coupling = "none"`` a sample gets the same answer in any company, with ``"masked"`` beside any padding."""
    layer = subject.layer()
    coupling = batch_coupling.effective_coupling(layer)
    count = len(trees.leaves(subject.inputs)[0])
    if coupling == "unknown" or count < 2 or subject.call:
        return
    modes = [False] if _is_random(layer, subject) else [False, True]
    part = trees.map(lambda x: x[: count - 1], subject.inputs)
    for training in modes:
        alone = _numpy_outputs(layer, _run(layer, subject, training, inputs=part))
        together = _numpy_outputs(layer, _run_padded(layer, subject, training, coupling))
        for mine, wanted in zip(alone, together, strict=True):
            if not _near(mine, wanted[: count - 1], 1e-5):
                raise subject.failure(
                    "batch coupling",
                    f"with and without one more sample in the batch, the others' outputs are {_farthest(mine, wanted[:-1])}.",
                    f"Its `batch_coupling` is {coupling!r}, which promises the same.",
                    'Set `batch_coupling = "unknown"`, or leave padding out by the context\'s `sample_mask`.',
                )


def _run_padded(layer: Layer, subject: _Subject, training: bool, coupling: str) -> Any:
    """The outputs for the whole batch, the last sample of which is padding."""
    arrays = trees.map(_on(layer), subject.inputs)
    count = len(trees.leaves(subject.inputs)[0])
    mask = _on(layer)(np.array([1.0] * (count - 1) + [0.0], dtype="float32")) if coupling == "masked" else None
    trained = [variable.value for variable in layer.trainable_variables]
    return _pure(layer, subject, training, _KEY, mask)(trained, arrays)


def _check_file(subject: _Subject) -> None:
    """A model with the layer, saved and loaded, gives the same answer."""
    if subject.call:
        return
    model = _model(subject)
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
                f"saved and loaded, it gives another answer: {_farthest(mine, wanted)}.",
                "All that the answer depends on must be in its config and its weights.",
                "Keep numbers that change in variables made with `add_weight`.",
            )


def _check_training(subject: _Subject) -> None:
    """One step of ``fit`` with plain gradient descent takes the gradient from every trainable weight, and leaves no NaN."""
    layer = subject.layer()
    outputs = trees.leaves(_run(layer, subject))
    if subject.call or not all(is_float(str(output.dtype)) for output in outputs):
        return
    model = _model(subject, flat=True)
    goals = [np.zeros((len(output), output[0].size), "float32") for output in outputs]
    model.compile(SGD(_RATE), loss=[_half_of_squares] * len(goals))
    expected = _after_descent(layer, subject)
    model.fit(subject.inputs, goals if len(goals) > 1 else goals[0], batch_size=len(goals[0]), shuffle=False, verbose=0)
    for variable, wanted in zip(model.trainable_variables, expected, strict=True):
        found = variable.numpy()
        random = _is_random(layer, subject)
        if not np.all(np.isfinite(found)) or not (random or _near(found, wanted, 1e-4)):
            raise subject.failure(
                "training",
                f"`fit` and the gradient make of the weight {variable.path!r} {_farthest(found, wanted)}.",
                "They must agree.",
                "Let `call` change only what `add_weight(trainable=False)` made.",
            )


def _half_of_squares(_: Any, outputs: Any) -> Any:
    """A loss of each sample: half the sum of the squares of its outputs ``(samples, numbers)``."""
    return ops.sum(ops.square(outputs), axis=1) / 2


def _after_descent(layer: Layer, subject: _Subject) -> list[np.ndarray]:
    """The trainable weights after a step of gradient descent, made by hand."""
    engine = backends.get(placement_of(layer).backend)
    arrays = trees.map(_on(layer), subject.inputs)
    trained = [variable.value for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(trained: list) -> Any:
        surroundings = CallContext(key=_on(layer)(np.array(_KEY, dtype="uint32")))
        outputs, _, losses = layer.stateless_call(
            trained, state, arrays, return_losses=True, call_context=surroundings, training=True
        )
        flat = [ops.reshape(output, (output.shape[0], -1)) for output in trees.leaves(outputs)]
        return sum([ops.mean(_half_of_squares(None, output)) for output in flat], sum(losses))

    gradients = engine.value_and_grad(loss)(trained)[1]
    return [engine.to_numpy(value - _RATE * gradient) for value, gradient in zip(trained, gradients, strict=True)]


def _model(subject: _Subject, flat: bool = False) -> Model:
    """A model of the layer alone, with the layer's weights, on the NumPy backend.

    Args:
        subject: Gives the layer.
        flat: Whether its outputs become a list of arrays ``(samples, numbers)``, without masks.
    """
    inputs = trees.map(lambda x: Input(x.shape[1:], dtype=x.dtype), subject.symbols())
    outputs = subject.make()(inputs)
    if flat:
        outputs = [Reshape((-1,))(output) for output in trees.leaves(outputs)]
    model = Model(inputs, outputs).to_backend("numpy")
    model.set_weights(subject.layer().get_weights())
    return model


CLAUSES: dict[str, Callable[[_Subject], None]] = {
    "call": _check_call,
    "config": _check_config,
    "shapes": _check_shapes,
    "weights": _check_weights,
    "backends": _check_backends,
    "gradients": _check_gradients,
    "half precision": _check_half_precision,
    "batch coupling": _check_batch_coupling,
    "file": _check_file,
    "training": _check_training,
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
    inputs = _random_inputs(input_shape) if input_data is None else trees.map(np.asarray, input_data)
    name = getattr(layer, "__name__", type(layer).__name__)
    subject = _Subject(name, lambda: layer(**(init_kwargs or {})), inputs, dict(call_kwargs or {}))
    for name in CLAUSES:
        if name not in skip:
            _hold(name, subject)


def _hold(name: str, subject: _Subject) -> None:
    """Checks one clause; whatever else the layer raises breaks it too."""
    try:
        CLAUSES[name](subject)
    except ContractError:
        raise
    except Exception as error:
        raise subject.failure(
            name, f"{type(error).__name__}: {error}", "Nothing may be raised.", "See the error above for where it was raised."
        ) from error


def _random_inputs(shape: Any) -> Any:
    rng = np.random.default_rng(4)
    if isinstance(shape, list):
        return [rng.normal(size=part).astype("float32") for part in shape]
    return rng.normal(size=shape).astype("float32")
