"""Activation functions compared with those of real Keras: names, arguments, values and gradients."""

import inspect

import keras
import numpy as np
import pytest

from cornu import activations, backends, config, ops, registry
from cornu.errors import InvalidArgumentError

NAMES = sorted(set(vars(keras.activations)) - {"get", "serialize", "deserialize"})
NAMES = [name for name in NAMES if not name.startswith("_")]
MORE_ARGUMENTS = [
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 1.0}),
    ("relu", {"negative_slope": 0.2, "max_value": 1.0, "threshold": 0.5}),
    ("relu", {"threshold": 0.5}),
    ("gelu", {"approximate": True}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("leaky_relu", {"negative_slope": 0.3}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {"axis": 0}),
    ("glu", {"axis": 0}),
    ("squareplus", {"b": 2}),
    ("hard_shrink", {"threshold": 0.3}),
    ("soft_shrink", {"threshold": 0.3}),
]
CASES = [(name, {"threshold": 0.2, "default_value": 7.0} if name == "threshold" else {}) for name in NAMES] + MORE_ARGUMENTS


@pytest.fixture
def x():
    return np.random.default_rng(1).normal(size=(4, 6)).astype("float32") * 2


def test_sparsemax_gives_probabilities(x, default_backend):
    """As in the paper; real Keras 3.15's do not sum to 1, so it is no oracle."""
    values = np.asarray(activations.sparsemax(backends.get(default_backend).asarray(x)))
    assert values.min() == 0
    np.testing.assert_allclose(values.sum(axis=-1), np.ones(len(x)), rtol=1e-5)


@pytest.mark.parametrize(("name", "arguments"), [case for case in CASES if case[0] != "sparsemax"])
def test_value_is_that_of_keras(name, arguments, x, default_backend):
    ours = getattr(activations, name)(backends.get(default_backend).asarray(x), **arguments)
    theirs = getattr(keras.activations, name)(keras.ops.array(x), **arguments)
    assert backends.owner(ours) == default_backend
    assert ops.dtype(ours) == "float32"
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_gradient_agrees_with_finite_differences(name, arguments, x, default_backend):
    engine, function = backends.get(default_backend), getattr(activations, name)
    rng = np.random.default_rng(2)
    upstream, direction = rng.normal(size=np.shape(function(x, **arguments))), rng.normal(size=x.shape)
    loss = lambda x: ops.sum(ops.multiply(function(x, **arguments), upstream.astype("float32")))  # noqa: E731
    gradient = engine.to_numpy(engine.value_and_grad(loss)(engine.asarray(x))[1])
    step, x64 = 1e-6, x.astype("float64")
    with config.placement_scope("numpy"):  # which computes in float64
        plus, minus = ((np.asarray(function(x64 + sign * step * direction, **arguments)) * upstream).sum() for sign in (1, -1))
    np.testing.assert_allclose((gradient * direction).sum(), (plus - minus) / (2 * step), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_and_defaults_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (activations, keras.activations))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.parametrize("name", NAMES)
def test_names_go_to_functions_and_back_as_in_keras(name):
    assert activations.get(name) is getattr(activations, name)
    assert activations.serialize(activations.get(name)) == keras.activations.serialize(keras.activations.get(name))
    assert activations.deserialize(name) is activations.get(name)


def test_none_is_linear():
    assert activations.get(None) is activations.linear


def test_own_functions_are_given_back():
    function = lambda x: x + 1  # noqa: E731
    assert activations.get(function) is function


def test_registered_functions_are_found_by_name():
    @registry.register_keras_serializable(package="Test")
    def plus_one(x):
        return x + 1

    assert activations.deserialize(activations.serialize(plus_one)) is plus_one
    assert activations.deserialize("other", {"other": plus_one}) is plus_one


def test_unknown_names_get_a_suggestion():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'relu'"):
        activations.get("rleu")
