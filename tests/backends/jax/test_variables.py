"""Variables, models, metrics and optimizers of Cornu in transforms of JAX that the user applies."""

import contextlib
import copy
import pickle

import numpy as np
import pytest

import cornu
from cornu import Variable, config, layers, metrics, optimizers
from cornu.errors import BackendError, InvalidArgumentError

jax = pytest.importorskip("jax")

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


@pytest.fixture(autouse=True)
def on_jax(monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "jax")


def values(variables):
    return [v.value for v in variables]


TRANSFORMS = {
    "jit": lambda f: jax.jit(f)(X),
    "grad": lambda f: jax.grad(lambda x: f(x).sum())(X),
    "vmap": lambda f: jax.vmap(lambda x: f(x[None]))(X),
    "scan": lambda f: jax.lax.scan(lambda total, x: (total, f(x[None])), 0, X),
    "checkpoint": lambda f: jax.grad(lambda x: jax.checkpoint(f)(x).sum())(X),
    "eval_shape": lambda f: jax.eval_shape(f, X),
    "jvp": lambda f: jax.jvp(f, (X,), (X,)),
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_call_in_a_transform_of_jax_leaves_the_model_usable(transform, training, tmp_path):
    stack = [layers.Dense(4, "relu"), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)]
    model = cornu.Sequential([cornu.Input((3,)), *stack])
    with contextlib.suppress(BackendError):  # the moving statistics cannot be assigned in most of them
        TRANSFORMS[transform](lambda x: model(x, training=training))
    outputs = model.predict(X, verbose=0)
    assert np.isfinite(outputs).all() and all(np.isfinite(weight).all() for weight in model.get_weights())
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(cornu.models.load_model(tmp_path / "model.keras").predict(X, verbose=0), outputs, rtol=1e-5)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(X, np.ones((len(X), 1)), verbose=0).history["loss"]).all()


def test_an_update_of_a_metric_in_a_transform_is_refused_and_nothing_changes():
    metric = metrics.Mean()
    metric.update_state(X)
    with pytest.raises(BackendError, match=r"'mean/total' was assigned an array without values.*metric.stateless_update_state"):
        jax.jit(lambda x: metric.update_state(x))(X)
    np.testing.assert_allclose(float(metric.result()), X.mean(), rtol=1e-5)


def test_a_step_of_an_optimizer_in_a_transform_is_refused_and_nothing_changes():
    v, optimizer = Variable(X), optimizers.Adam(0.1)
    with pytest.raises(BackendError, match=r"was assigned an array without values.*optimizer.stateless_apply"):
        jax.jit(lambda gradient: optimizer.apply([gradient], [v]))(X)
    assert int(optimizer.iterations) == 0
    optimizer.apply([X], [v])
    np.testing.assert_allclose(v.numpy(), X - 0.1 * np.sign(X), atol=1e-3)


def test_stateless_functions_take_variables_in_place_of_arrays():
    model, optimizer, metric = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)]), optimizers.SGD(0.5), metrics.Mean()
    variables = model.trainable_variables
    optimizer.build(variables)

    def step(trainable, slots, totals):
        outputs, _ = model.stateless_call(trainable, [], X)
        trainable, slots = optimizer.stateless_apply(slots, [2 * weight for weight in trainable], trainable)
        return outputs, trainable, slots, metric.stateless_update_state(totals, outputs)

    for run in (step, jax.jit(step)):
        outputs, trainable, slots, totals = run(variables, optimizer.variables, metric.variables)
        np.testing.assert_allclose(outputs, model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(trainable[0], 0)
        assert int(slots[0]) == 1 and int(totals[1]) == 4
        assert all(isinstance(array, jax.Array) for array in (*trainable, *slots, *totals))


def test_another_number_of_values_than_variables_is_refused():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1), layers.BatchNormalization()], name="net")
    with pytest.raises(
        InvalidArgumentError, match=r"`stateless_call` of 'net' received 1 values as `trainable_variables`.*has 4"
    ):
        model.stateless_call(values(model.trainable_variables)[:1], [], X)
    with pytest.raises(InvalidArgumentError, match=r"received 0 values as `non_trainable_variables`.*has 2"):
        model.stateless_call(values(model.trainable_variables), [], X)


def test_weights_of_a_first_call_in_a_trace_have_values():
    class Net(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, kernel_initializer=lambda shape, dtype: jax.numpy.full(shape, 2.0))

        def call(self, x):
            return self.dense(x)

    model = Net()
    outputs = jax.jit(lambda x: model(x))(X)
    np.testing.assert_allclose(outputs, X @ np.full((3, 2), 2.0), rtol=1e-5)
    np.testing.assert_allclose(model.predict(X, verbose=0), outputs, rtol=1e-5)


def test_copies_and_pickles_after_a_traced_call_have_no_losses_of_it():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, activity_regularizer="l2")])
    jax.jit(lambda x: model(x))(X)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
        assert other.losses == []


def test_a_call_in_a_trace_leaks_no_tracer():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    with jax.checking_leaks():
        jax.jit(lambda x: model(x))(X)
