"""Checks of a layer's gradients against finite differences, and between backends."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cornu import backends, config, ops, trees
from cornu.core.call_context import CallContext
from cornu.core.input import Input
from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
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
    farthest,
    is_random,
    near,
    numpy_outputs,
    on,
    pure,
    real_dtype,
    run,
)


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


def _differentiate(layer: Layer, subject: Subject, training: bool = False) -> _Gradients:
    """The gradient of the sum of the outputs times random numbers, for trainable variables and inputs of floats."""
    engine, on_backend = backends.get(placement_of(layer).backend), on(layer)
    arrays = trees.map(on_backend, subject.inputs)
    function = pure(layer, subject, training, KEY, sample_mask=None)
    trained = [variable.value for variable in layer.trainable_variables]
    leaves = trees.leaves(arrays)
    places = [place for place, leaf in enumerate(leaves) if is_float(engine.dtype(leaf))]
    values = [*trained, *(engine.cast(leaves[place], real_dtype(layer)) for place in places)]

    def number(values: list) -> Any:
        mixed = list(leaves)
        for place, value in zip(places, values[len(trained) :], strict=True):
            mixed[place] = value
        outputs = trees.leaves(function(values[: len(trained)], trees.unflatten(arrays, mixed)))
        floats = [output for output in outputs if is_float(engine.dtype(output))]
        rng = np.random.default_rng(2)
        upstream = [on_backend(rng.normal(size=output.shape).astype(real_dtype(layer))) for output in floats]
        with config.placement_scope(*layer.place):  # where NumPy arrays are outputs they are no data for the default backend
            return sum(ops.sum(output * factor) for output, factor in zip(floats, upstream, strict=True)), outputs

    (_, outputs), found = engine.compile(engine.value_and_grad(number, has_aux=True))(values)
    return _Gradients(number, values, numpy_outputs(layer, outputs), [engine.to_numpy(gradient) for gradient in found])


def check_backends(subject: Subject) -> None:
    """From the same weights, every backend gives the same answer and the same gradients."""
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
    if not near(mine, wanted, 1e-4):
        raise subject.failure(
            "backends",
            f"the {what} on {name!r} and on 'numpy' are {farthest(mine, wanted)}.",
            "They must agree to the rounding of float32.",
            "Use only functions of `cornu.ops` in `call`, and look at no backend.",
        )


def check_gradients(subject: Subject) -> None:
    """The gradient for weights and inputs is that of finite differences, in ``float64`` on the NumPy backend."""
    layer = subject.layer("numpy", policy="float64")
    rng = np.random.default_rng(3)
    names = [variable.path for variable in layer.trainable_variables]
    for training in (False, True):
        taken = _differentiate(layer, subject, training)
        for place, gradient in enumerate(taken.gradients):
            what = f"the weight {names[place]!r}" if place < len(names) else "the input"
            for _ in range(DIRECTIONS):
                direction = rng.normal(size=gradient.shape)
                _compare_slopes(subject, what, taken, place, direction)


def _compare_slopes(subject: Subject, what: str, taken: _Gradients, place: int, direction: np.ndarray) -> None:
    def moved(step: float) -> float:
        values = list(taken.values)
        values[place] = values[place] + step * direction
        return float(taken.number(values)[0])

    found = float(np.sum(taken.gradients[place] * direction))
    measured = (moved(STEP) - moved(-STEP)) / (2 * STEP)
    if not abs(found - measured) <= 1e-5 * max(abs(measured), abs(found)) + 1e-6:
        raise subject.failure(
            "gradients",
            f"along a random direction the gradient for {what} says {found:.6g}, finite differences say {measured:.6g}.",
            "They must agree.",
            "Mend the `grad` of a `custom_gradient`, or what breaks the chain: a `stop_gradient`, or NumPy functions.",
        )


def check_half_precision(subject: Subject) -> None:
    """In mixed precision, weights stay ``float32``, floats come out in 16 bits, and the answer is about the same."""
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
            if not near(mine, exact, 0.1):
                raise subject.failure(
                    "half precision",
                    f"with {policy!r} and with 'float32' its outputs are {farthest(mine, exact)}.",
                    "They must be about the same.",
                    'Compute what needs more digits in `float32`: `ops.cast(x, "float32")`.',
                )


def check_training(subject: Subject) -> None:
    """One step of ``fit`` with plain gradient descent takes the gradient from every trainable weight, and leaves no NaN."""
    layer = subject.layer()
    outputs = trees.leaves(run(layer, subject))
    if subject.call or not all(is_float(str(output.dtype)) for output in outputs):
        return
    model = build_model(subject, flat=True)
    goals = [np.zeros((len(output), output[0].size), "float32") for output in outputs]
    model.compile(SGD(RATE), loss=[_half_of_squares] * len(goals))
    expected = _after_descent(layer, subject)
    model.fit(subject.inputs, goals if len(goals) > 1 else goals[0], batch_size=len(goals[0]), shuffle=False, verbose=0)
    for variable, wanted in zip(model.trainable_variables, expected, strict=True):
        found = variable.numpy()
        random = is_random(layer, subject)
        if not np.all(np.isfinite(found)) or not (random or near(found, wanted, 1e-4)):
            raise subject.failure(
                "training",
                f"`fit` and the gradient make of the weight {variable.path!r} {farthest(found, wanted)}.",
                "They must agree.",
                "Let `call` change only what `add_weight(trainable=False)` made.",
            )


def _half_of_squares(_: Any, outputs: Any) -> Any:
    """A loss of each sample: half the sum of the squares of its outputs ``(samples, numbers)``."""
    return ops.sum(ops.square(outputs), axis=1) / 2


def _after_descent(layer: Layer, subject: Subject) -> list[np.ndarray]:
    """The trainable weights after a step of gradient descent, made by hand."""
    engine = backends.get(placement_of(layer).backend)
    arrays = trees.map(on(layer), subject.inputs)
    trained = [variable.value for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(trained: list) -> Any:
        context = CallContext(key=on(layer)(np.array(KEY, dtype="uint32")))
        outputs, _, losses = layer.stateless_call(
            trained, state, arrays, return_losses=True, call_context=context, training=True
        )
        flat = [ops.reshape(output, (output.shape[0], -1)) for output in trees.leaves(outputs)]
        return sum([ops.mean(_half_of_squares(None, output)) for output in flat], sum(losses))

    gradients = engine.value_and_grad(loss)(trained)[1]
    return [engine.to_numpy(value - RATE * gradient) for value, gradient in zip(trained, gradients, strict=True)]


def build_model(subject: Subject, flat: bool = False) -> Model:
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
