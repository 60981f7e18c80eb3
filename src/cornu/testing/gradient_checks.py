"""Checks of the gradients, mixed precision and training of a layer, and of its agreement between backends."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cornu import backends, config, ops, trees
from cornu.core.call_context import CallContext
from cornu.core.input import Input
from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
from cornu.core.random_key import RandomKey
from cornu.dtypes import is_float
from cornu.layers.reshaping import Reshape
from cornu.models.model import Model
from cornu.optimizers.sgd import SGD
from cornu.testing.harness import (
    DIRECTIONS,
    KEY,
    RATE,
    STEP,
    Subject,
    all_close,
    array_converter,
    describe_difference,
    is_random,
    numpy_outputs,
    real_dtype,
    run,
    stateless_function,
)
from cornu.typing import Array, ArrayLike


class _Gradients(NamedTuple):
    """Gradients of a scalar function of a layer's outputs.

    Attributes:
        function: Function of the list ``values`` that returns the scalar and the outputs.
        values: List of the values of the trainable variables, followed by the floating-point inputs.
        outputs: List of the outputs of the layer as NumPy arrays.
        gradients: List of the gradients with respect to ``values``.
    """

    function: Callable
    values: list
    outputs: list[np.ndarray]
    gradients: list[np.ndarray]


def _differentiate(layer: Layer, subject: Subject, training: bool = False) -> _Gradients:
    """Differentiate a random linear combination of the outputs with respect to trainable variables and float inputs."""
    engine, on_backend = backends.get(placement_of(layer).backend), array_converter(layer)
    arrays = trees.map(on_backend, subject.inputs)
    call = stateless_function(layer, subject, training, KEY, sample_mask=None)
    trained = [variable.value for variable in layer.trainable_variables]
    leaves = trees.leaves(arrays)
    positions = [position for position, leaf in enumerate(leaves) if is_float(engine.dtype(leaf))]
    values = [*trained, *(engine.cast(leaves[position], real_dtype(layer)) for position in positions)]

    def function(values: list) -> Any:
        mixed = list(leaves)
        for position, value in zip(positions, values[len(trained) :], strict=True):
            mixed[position] = value
        outputs = trees.leaves(call(values[: len(trained)], trees.unflatten(arrays, mixed)))
        floats = [output for output in outputs if is_float(engine.dtype(output))]
        rng = np.random.default_rng(2)
        upstream = [on_backend(rng.normal(size=output.shape).astype(real_dtype(layer))) for output in floats]
        with config.placement_scope(*layer.place):  # so that ops do not move NumPy outputs to the default backend
            return sum(ops.sum(output * factor) for output, factor in zip(floats, upstream, strict=True)), outputs

    (_, outputs), found = engine.compile(engine.value_and_grad(function, has_aux=True))(values)
    return _Gradients(function, values, numpy_outputs(layer, outputs), [engine.to_numpy(gradient) for gradient in found])


def check_backends(subject: Subject) -> None:
    """Check that all backends return the same outputs and gradients for the same weights."""
    reference = subject.layer("numpy")
    modes = [False] if is_random(reference, subject) else [False, True]
    for name in (name for name in config.installed_backends() if name != "numpy"):
        layer = subject.layer("numpy").to_backend(name)
        for training in modes:
            mine, wanted = _differentiate(layer, subject, training), _differentiate(reference, subject, training)
            for one, other in zip(mine.outputs, wanted.outputs, strict=True):
                _compare_backends(subject, name, "output", one, other)
            for one, other in zip(mine.gradients, wanted.gradients, strict=True):
                _compare_backends(subject, name, "gradient", one, other)


def _compare_backends(subject: Subject, name: str, what: str, mine: np.ndarray, wanted: np.ndarray) -> None:
    if not all_close(mine, wanted, 1e-4):
        raise subject.failure(
            "backends",
            f"the {what} on {name!r} and the {what} on 'numpy' are {describe_difference(mine, wanted)}.",
            "They must be equal up to rounding in float32.",
            "Use only functions of `cornu.ops` in `call`, independently of the backend.",
        )


def check_gradients(subject: Subject) -> None:
    """Check the gradients with respect to weights and inputs against finite differences, in ``float64`` on NumPy."""
    layer = subject.layer("numpy", policy="float64")
    rng = np.random.default_rng(3)
    names = [variable.path for variable in layer.trainable_variables]
    for training in (False, True):
        taken = _differentiate(layer, subject, training)
        for index, gradient in enumerate(taken.gradients):
            what = f"the weight {names[index]!r}" if index < len(names) else "the input"
            for _ in range(DIRECTIONS):
                direction = rng.normal(size=gradient.shape)
                _compare_slopes(subject, what, taken, index, direction)


def _compare_slopes(subject: Subject, what: str, taken: _Gradients, index: int, direction: np.ndarray) -> None:
    def moved(step: float) -> float:
        values = list(taken.values)
        values[index] = values[index] + step * direction
        return float(taken.function(values)[0])

    found = float(np.sum(taken.gradients[index] * direction))
    measured = (moved(STEP) - moved(-STEP)) / (2 * STEP)
    if not abs(found - measured) <= 1e-5 * max(abs(measured), abs(found)) + 1e-6:
        raise subject.failure(
            "gradients",
            f"the directional derivative with respect to {what} is {found:.6g}, but {measured:.6g} by finite differences.",
            "They must be equal.",
            "Correct the `grad` of a `custom_gradient`, or remove what stops gradients: `stop_gradient` or NumPy functions.",
        )


def check_half_precision(subject: Subject) -> None:
    """Check that in mixed precision weights are ``float32``, outputs are 16-bit floats, and their values are similar."""
    reference = subject.layer()
    wanted = numpy_outputs(reference, run(reference, subject))
    for policy in ("mixed_float16", "mixed_bfloat16"):
        layer = subject.layer(config.backend(), policy)
        outputs = run(layer, subject)
        engine = backends.get(placement_of(layer).backend)
        dtypes = {engine.dtype(leaf) for leaf in trees.leaves(outputs) if is_float(engine.dtype(leaf))}
        if dtypes - {layer.compute_dtype} or any(variable.dtype == layer.compute_dtype for variable in layer.weights):
            raise subject.failure(
                "half precision",
                f"with {policy!r} its outputs have dtype {', '.join(sorted(dtypes))}.",
                f"They must have {layer.compute_dtype!r}, and its weights 'float32'.",
                "Cast to `self.compute_dtype`, and name no dtype in `add_weight`.",
            )
        for mine, exact in zip(numpy_outputs(layer, outputs), wanted, strict=True):
            if not all_close(mine, exact, 0.1):
                raise subject.failure(
                    "half precision",
                    f"with {policy!r} and with 'float32' its outputs are {describe_difference(mine, exact)}.",
                    "They must be equal up to rounding.",
                    'Compute sensitive operations in `float32`: `ops.cast(x, "float32")`.',
                )


def check_training(subject: Subject) -> None:
    """Check that one step of ``fit`` with gradient descent subtracts the gradient from each trainable weight, without NaN."""
    layer = subject.layer()
    outputs = trees.leaves(run(layer, subject))
    if subject.call or not all(is_float(str(output.dtype)) for output in outputs):
        return
    model = build_model(subject, flat=True)
    goals = [np.zeros((len(output), output[0].size), "float32") for output in outputs]
    model.compile(SGD(RATE), loss=[_half_of_squares] * len(goals))
    expected = _after_descent(layer, subject)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* has no trainable weights")  # a step without them must run too
        model.fit(subject.inputs, goals if len(goals) > 1 else goals[0], batch_size=len(goals[0]), shuffle=False, verbose=0)
    for variable, wanted in zip(model.trainable_variables, expected, strict=True):
        found = variable.numpy()
        random = is_random(layer, subject)
        if not np.all(np.isfinite(found)) or not (random or all_close(found, wanted, 1e-4)):
            raise subject.failure(
                "training",
                f"the weight {variable.path!r} after `fit` and after a manual step are {describe_difference(found, wanted)}.",
                "They must be equal.",
                "In `call`, assign only to weights created with `add_weight(trainable=False)`.",
            )


def _half_of_squares(_: ArrayLike | None, outputs: ArrayLike) -> Any:
    """Return a loss per sample: half the sum of the squares of its outputs of shape ``(samples, features)``."""
    return ops.sum(ops.square(outputs), axis=1) / 2


def _after_descent(layer: Layer, subject: Subject) -> list[np.ndarray]:
    """Return the trainable weights after a manual step of gradient descent."""
    engine = backends.get(placement_of(layer).backend)
    arrays = trees.map(array_converter(layer), subject.inputs)
    trained = [variable.value for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(trained: list) -> Any:
        context = CallContext(key=RandomKey(array_converter(layer)(np.array(KEY, dtype="uint32"))))
        outputs, _, losses = layer.stateless_call(
            trained, state, arrays, return_losses=True, call_context=context, training=True
        )
        flat = [ops.reshape(output, (output.shape[0], -1)) for output in trees.leaves(outputs)]
        return sum([ops.mean(_half_of_squares(None, output)) for output in flat], sum(losses))

    gradients = engine.value_and_grad(loss)(trained)[1]
    return [engine.to_numpy(value - RATE * gradient) for value, gradient in zip(trained, gradients, strict=True)]


class _Flattened(Reshape):
    """Layer that flattens each sample and drops the mask, as it is meant here."""

    def compute_mask(self, inputs: Array, previous_mask: Array | None = None) -> None:
        """Return None."""


def build_model(subject: Subject, flat: bool = False) -> Model:
    """Return a model that consists of the layer, with the weights of the layer, on the NumPy backend.

    Args:
        subject: ``Subject`` that provides the layer.
        flat: Whether to reshape the outputs to a list of arrays of shape ``(samples, features)``, without masks. Defaults to
            False.
    """
    inputs = trees.map(lambda x: Input(x.shape[1:], dtype=x.dtype), subject.symbols())
    outputs = subject.make()(inputs)
    if flat:
        outputs = [_Flattened((-1,))(output) for output in trees.leaves(outputs)]
    model = Model(inputs, outputs).to_backend("numpy")
    model.set_weights(subject.layer().get_weights())
    return model
