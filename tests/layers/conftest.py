"""Real Keras as the oracle of every layer: answers, gradients, weights, shapes and config, from the same weights."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from cornu import backends, layers, ops
from cornu.core.call_context import CallContext

KERAS_ONLY = ("quantization_config",)
"""What Keras writes into configs and Cornu does not."""

OWN = ("dtype", "name")
"""What differs by its nature."""

QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""The oracle's functions run once: most of their time is the compiler's."""


class Answer(NamedTuple):
    """What a layer said to an input."""

    config: dict
    weights: list
    shape: Any
    outputs: np.ndarray
    state: list
    gradients: list


def random_array(rng: np.random.Generator, shape: tuple, positive: bool = False) -> np.ndarray:
    values = rng.normal(size=shape)
    return (np.abs(values) + 0.5 if positive else values).astype("float32")


def batch_shapes(x: Any) -> Any:
    return [batch_shapes(part) for part in x] if isinstance(x, list) else (None, *x.shape[1:])


def as_json(config: dict) -> dict:
    """A config as a file would hold it. Some of Keras's layers write an activity regularizer of None and some do not."""
    without = {name: value for name, value in config.items() if name not in (*KERAS_ONLY, *OWN)}
    return json.loads(json.dumps({n: v for n, v in without.items() if n != "activity_regularizer" or v is not None}))


def keras_answer(name: str, arguments: dict, x: Any, call: dict) -> tuple[Answer, list, np.ndarray]:
    """Keras's answer, the weights it was given, and the random numbers that weigh its outputs in what is differentiated."""
    import jax
    import keras

    rng = np.random.default_rng(1)
    layer = getattr(keras.layers, name)(**arguments)
    config = as_json(layer.get_config())  # some of Keras's layers change it when they are built
    layer.build(batch_shapes(x))
    positive = [weight.name.rpartition("_")[2] in ("variance", "stddev") for weight in layer.weights]
    values = [random_array(rng, weight.shape, known) for weight, known in zip(layer.weights, positive, strict=True)]
    layer.set_weights(values)
    trained = [np.asarray(variable.value) for variable in layer.trainable_variables]
    state = [np.asarray(variable.value) for variable in layer.non_trainable_variables]
    upstream = random_array(rng, jax.eval_shape(lambda: layer.stateless_call(trained, state, x, **call)[0]).shape)

    def loss(trained: list, x: Any) -> Any:
        outputs, after = layer.stateless_call(trained, state, x, **call)
        return (outputs * upstream).sum(), (outputs, after)

    function = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))
    gradients, (outputs, after) = function.lower(trained, x).compile(QUICKLY)(trained, x)
    weights = [(weight.name, tuple(weight.shape)) for weight in layer.weights]
    shape = layer.compute_output_shape(batch_shapes(x))
    state_after = zip(layer.non_trainable_variables, after, strict=True)
    kept = [np.asarray(value) for variable, value in state_after if "seed" not in variable.path]
    flat = [np.asarray(gradient) for gradient in jax.tree.leaves(gradients)]
    return Answer(config, weights, shape, np.asarray(outputs), kept, flat), values, upstream


def cornu_answer(backend: str, name: str, arguments: dict, x: Any, call: dict, values: list, upstream: np.ndarray) -> Answer:
    engine = backends.get(backend)
    layer = getattr(layers, name)(**arguments).to_backend(backend)
    layer.build(batch_shapes(x))
    layer.set_weights(values)
    on_backend = [engine.asarray(part) for part in x] if isinstance(x, list) else engine.asarray(x)
    trained = [variable.value for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(arguments: list) -> Any:
        outputs, after = layer.stateless_call(arguments[0], state, arguments[1], call_context=CallContext(), **call)
        return ops.sum(outputs * engine.asarray(upstream)), (outputs, after)

    function = engine.compile(engine.value_and_grad(loss, has_aux=True))
    (_, (outputs, after)), gradients = function([trained, on_backend])
    flat = [*gradients[0], *(gradients[1] if isinstance(gradients[1], list) else [gradients[1]])]
    weights = [(weight.name, weight.shape) for weight in layer.weights]
    shape = layer.compute_output_shape(batch_shapes(x))
    state_after = zip(layer.non_trainable_variables, after, strict=True)
    kept = [engine.to_numpy(value) for variable, value in state_after if "seed" not in variable.path]
    flat = [engine.to_numpy(array) for array in flat]
    return Answer(as_json(layer.get_config()), weights, shape, engine.to_numpy(outputs), kept, flat)


@pytest.fixture(scope="session")
def oracle() -> Callable:
    """Keras's answers, each asked for once and used for every backend."""
    known: dict[str, Any] = {}

    def ask(name: str, arguments: dict, x: Any, call: dict) -> Any:
        key = repr((name, arguments, batch_shapes(x), call))
        if key not in known:
            known[key] = keras_answer(name, arguments, x, call)
        return known[key]

    return ask


@pytest.fixture
def same_as_keras(backend: str, oracle: Callable) -> Callable:
    """A function that holds a layer of Cornu's on a backend against the layer of Keras's of the same name."""

    def check(name: str, arguments: dict, shape: Any, call: dict | None = None, rtol: float = 1e-5, atol: float = 3e-6) -> None:
        rng = np.random.default_rng(0)
        x = [random_array(rng, part) for part in shape] if isinstance(shape, list) else random_array(rng, shape)
        wanted, values, upstream = oracle(name, arguments, x, call or {})
        found = cornu_answer(backend, name, arguments, x, call or {}, values, upstream)
        assert found.config == wanted.config
        assert found.weights == wanted.weights
        assert tuple(found.shape) == tuple(wanted.shape)
        assert tuple(wanted.shape[1:]) == found.outputs.shape[1:]
        np.testing.assert_allclose(found.outputs, wanted.outputs, rtol, atol, err_msg="outputs")
        for mine, theirs in zip(found.state, wanted.state, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol, atol, err_msg="state")
        for mine, theirs in zip(found.gradients, wanted.gradients, strict=True):
            scale = np.abs(theirs).max()
            np.testing.assert_allclose(mine, theirs, rtol, atol * max(scale, 1), err_msg="gradients")

    return check
