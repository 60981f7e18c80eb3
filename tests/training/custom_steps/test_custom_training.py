"""Models whose subclass overrides parts of a step train as Keras trains them, compiled on every engine."""

import jax
import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import InvalidTypeError
from cornu.training.batch import Batch, BatchIndices, spec_of

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = (X @ np.array([[1.0], [2.0], [-1.0]]) + RNG.normal(size=(40, 1)) / 10).astype("float32")
WEIGHTS = [RNG.normal(size=shape).astype("float32") / 2 for shape in [(3, 4), (4,), (4, 1), (1,)]]


class Net(cornu.Model):
    """Two dense layers with fixed initial weights."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(4, activation="tanh"), layers.Dense(1)

    def call(self, inputs):
        return self.second(self.first(inputs))


def trained(kind, backend, **options):
    model = kind()
    model.to_backend(backend)
    model.build((None, 3))
    model.set_weights(WEIGHTS)
    model.compile(cornu.optimizers.SGD(0.1, momentum=0.5), "mse", metrics=["mae"], **options)
    history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0, shuffle=False, validation_data=(X[:8], Y[:8]))
    return model, history.history


def same_training(kind, backend, **options):
    """Check that a model trains like the built-in step."""
    (wanted, wanted_logs), (model, logs) = trained(Net, backend), trained(kind, backend, **options)
    for one, other in zip(model.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert list(logs) == list(wanted_logs)
    for name in logs:
        np.testing.assert_allclose(logs[name], wanted_logs[name], rtol=1e-5)


class OwnLoss(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean((y - y_pred) ** 2)


class OwnLossWithoutTraining(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False):
        return ops.mean((y - y_pred) ** 2)


class OwnNeutralStep(Net):
    def train_step(self, data):
        x, y = data

        def loss_of():
            y_pred = self(x, training=True)
            return self.compute_loss(x, y, y_pred), y_pred

        (loss, y_pred), gradients = cornu.value_and_grad(loss_of, self.trainable_variables, has_aux=True)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.metrics[0].update_state(loss, sample_weight=ops.shape(x)[0])
        return self.compute_metrics(x, y, y_pred)


class CallsSuper(Net):
    def train_step(self, data):
        return super().train_step(data)

    def test_step(self, data):
        return super().test_step(data)


@pytest.mark.parametrize("kind", [OwnLoss, OwnLossWithoutTraining, OwnNeutralStep, CallsSuper])
def test_an_own_step_that_does_the_same_as_the_built_in_one(backend, kind):
    same_training(kind, backend)


@pytest.mark.parametrize("kind", [Net, OwnLoss, OwnNeutralStep])
def test_eagerly_it_trains_the_same(backend, kind):
    same_training(kind, backend, run_eagerly=True)


@pytest.mark.parametrize("source", ["arrays", "batches"])
def test_a_step_sees_data_of_64_bits_in_the_dtypes_that_it_has_on_the_device(source, backend):
    class Sees(Net):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            seen.update({ops.dtype(x): None, ops.dtype(y): None, ops.dtype(sample_weight): None})
            return ops.mean((y - y_pred) ** 2)

    seen: dict = {}
    model = Sees().to_backend(backend)
    model.compile("sgd", "mse")
    x, y, weight = X.astype("float64"), Y.astype("float64"), np.ones(40, "int64")
    if source == "arrays":
        model.fit(x, y, sample_weight=weight, verbose=0)
    else:
        model.fit([(x[:8], y[:8], weight[:8]), (x[8:16], y[8:16], weight[8:16])], verbose=0)
    assert set(seen) == {"float32", "int32"}


def test_the_loss_that_is_minimized_is_the_own_one(backend):
    class Shrinks(Net):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return sum(ops.sum(variable**2) for variable in self.trainable_variables)

    model, _ = trained(Shrinks, backend)
    for value, initial in zip(model.get_weights(), WEIGHTS, strict=True):
        velocity, weight = 0, initial
        for _ in range(6):
            velocity = 0.5 * velocity - 0.1 * 2 * weight
            weight = weight + velocity
        np.testing.assert_allclose(value, weight, rtol=1e-4, atol=1e-6)


def test_a_step_with_an_own_loss_computes_nothing_more():
    """An overridden ``compute_loss`` that calls the built-in one, with metrics, costs no operation of the compiled step."""

    class CallsLoss(Net):
        def compute_loss(self, *args, **options):
            return super().compute_loss(*args, **options)

    def flops(model):
        setup, batch = model._training_setup("fit"), Batch(X[:16], Y[:16], None, None)
        setup.ensure_built(spec_of(setup.validated("fit", batch, None, False)), 16)
        one_step = setup.train_function(spec_of(batch))._parts[0]
        data = batch, BatchIndices(np.arange(16, dtype="int32")[None], None)
        return jax.jit(one_step).lower(setup.state_sync(True).pull(), data, 0).compile().cost_analysis()["flops"]

    assert flops(trained(CallsLoss, "jax")[0]) == flops(trained(Net, "jax")[0])


@pytest.mark.parametrize("kind", [OwnLoss, OwnNeutralStep])
def test_steps_without_functions_of_tensorflow_keep_cornus_variables(kind):
    """A ``tf.Variable`` would be read and assigned outside of the compiled steps."""
    model, _ = trained(kind, "tensorflow")
    assert all(variable._engine_variable is None for variable in (*model.variables, *model.optimizer.variables))


def test_logs_of_an_own_compute_metrics(backend):
    class Mine(Net):
        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            return {"mine": ops.max(y)}

    _, logs = trained(Mine, backend)
    assert list(logs) == ["mine", "val_mine"]
    assert logs["mine"] == pytest.approx([Y[32:].max()] * 2)


def test_metrics_that_are_attributes_count_every_batch(backend):
    class Counts(Net):
        def __init__(self):
            super().__init__()
            self.seen = cornu.metrics.Sum(name="seen")

        def call(self, inputs):
            self.seen.update_state(ops.ones((ops.shape(inputs)[0],)))
            return super().call(inputs)

    _, logs = trained(Counts, backend)
    assert logs["seen"] == [40, 40] and logs["val_seen"] == [8, 8]


def test_two_optimizers_train_two_parts(backend):
    class Two(Net):
        def compile(self, first, second):
            super().compile(loss="mse")
            self.optimizers = {"first": first, "second": second}

        def train_step(self, data):
            x, y = data
            groups = {"first": self.first.trainable_variables, "second": self.second.trainable_variables}

            def loss_of():
                return ops.mean((y - self(x, training=True)) ** 2)

            for name, variables in groups.items():
                loss, gradients = cornu.value_and_grad(loss_of, variables)
                self.optimizers[name].apply(gradients, variables)
            return {"loss": loss}

    model = Two()
    model.to_backend(backend)
    model.build((None, 3))
    model.set_weights(WEIGHTS)
    model.compile(cornu.optimizers.SGD(0.1), cornu.optimizers.SGD(0.0))
    model.fit(X, Y, batch_size=40, epochs=1, verbose=0)
    one, two, three, four = WEIGHTS
    hidden = np.tanh(X @ one + two)
    upstream = 2 * (hidden @ three + four - Y) / 40
    through = upstream @ three.T * (1 - hidden**2)
    np.testing.assert_allclose(model.get_weights()[0], one - 0.1 * X.T @ through, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.get_weights()[2], three)
    assert int(model.optimizers["first"].iterations) == 1


def test_dropout_draws_anew_in_each_step_of_an_own_training_step(backend):
    if backend == "numpy":
        pytest.skip("The order of draws is tested on the engines that compile.")

    class Watches(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dropout, self.dense = layers.Dropout(0.5), layers.Dense(1)

        def call(self, inputs):
            return self.dense(self.dropout(inputs))

        def train_step(self, data):
            x, _ = data
            kept = ops.sum(self.dropout(x, training=True) * ops.cast(2 ** ops.arange(8), "float32"))
            return super().train_step(data) | {"kept": kept}

    model = Watches().to_backend(backend)
    model.compile("sgd", "mse")
    kept = model.fit(np.ones((1, 8)), np.ones((1, 1)), epochs=4, verbose=0).history["kept"]
    assert len(set(kept)) > 1


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (None, r"`Wrong.train_step` returned None. It must return a dict .* `return \{\"loss\": loss\}`"),
        ({1: 2.0}, r"`Wrong.train_step` returned a dict with the keys \[1\]"),
        (3.0, r"`Wrong.train_step` returned 3.0"),
    ],
)
def test_a_step_that_returns_no_logs(backend, returned, text):
    class Wrong(Net):
        def train_step(self, data):
            super().train_step(data)
            return returned

    model = Wrong().to_backend(backend)
    model.build((None, 3))
    model.set_weights(WEIGHTS)
    model.compile("sgd", "mse")
    with pytest.raises(InvalidTypeError, match=text):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], WEIGHTS[0])


def test_evaluate_runs_an_own_test_step(backend):
    class Mine(Net):
        def test_step(self, data):
            x, y = data
            return {"largest": ops.max(ops.abs(y - self(x, training=False)))}

    model, logs = trained(Mine, backend)
    prediction = model.predict(X, verbose=0)
    assert model.evaluate(X, Y, batch_size=40, verbose=0) == pytest.approx(np.abs(Y - prediction).max(), rel=1e-5)
    assert list(logs) == ["loss", "mae", "val_largest"]


def test_predict_runs_an_own_predict_step_and_a_call_does_not(backend):
    class Classes(Net):
        def predict_step(self, data):
            return ops.cast(self(data, training=False) > 0, "int32")

    model = Classes().to_backend(backend)
    model.build((None, 3))
    model.set_weights(WEIGHTS)
    outputs = np.asarray(ops.convert_to_numpy(model(X)))
    np.testing.assert_array_equal(model.predict(X, batch_size=16, verbose=0), (outputs > 0).astype("int32"))
    np.testing.assert_allclose(outputs, np.tanh(X @ WEIGHTS[0] + WEIGHTS[1]) @ WEIGHTS[2] + WEIGHTS[3], rtol=1e-4, atol=1e-5)


def test_eagerly_a_condition_on_values_works_in_the_model(backend):
    seen = []

    class Looks(Net):
        def call(self, inputs):
            outputs = super().call(inputs)
            if float(ops.convert_to_numpy(ops.stop_gradient(ops.max(inputs)))) > 0:
                seen.append(1)
                return outputs
            return -outputs

    same_training(Looks, backend, run_eagerly=True)
    assert len(seen) >= 6
