"""Steps that the engine runs in place: what Ctrl-C in the middle of one leaves."""

import numpy as np
import pytest

import cornu
from cornu import layers

X, Y = np.arange(12.0, dtype="float32").reshape(6, 2) / 12, np.ones((6, 1), "float32")


def interrupted_model(module):
    """A model whose step changes, at its third call, one of its weights and is interrupted."""

    class Interrupted(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense, self.seen = layers.Dense(1), []

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            variables = [*self.weights, self.optimizer.iterations]
            self.seen.append([variable.numpy() for variable in variables])
            if len(self.seen) == 3:
                self.dense.kernel.assign_add(module.ones((2, 1)))
                raise KeyboardInterrupt
            if module.__name__ == "torch":
                loss = self.compute_loss(x, y, self(x))
                loss.backward()
                gradients = [variable.value.grad for variable in self.trainable_variables]
                with module.no_grad():
                    self.optimizer.apply(gradients, self.trainable_variables)
            else:
                with module.GradientTape() as tape:
                    loss = self.compute_loss(x, y, self(x))
                self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss}

    return Interrupted()


@pytest.mark.parametrize("engine", ["torch", "tensorflow"])
def test_an_interrupted_step_is_undone(engine):
    module = pytest.importorskip(engine)
    before = cornu.config.backend()
    cornu.config.set_backend(engine)
    try:
        model = interrupted_model(module)
        model.build((None, 2))
        model.compile("sgd", "mse", run_eagerly=True)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0)
        assert len(model.seen) == 3 and not np.array_equal(model.seen[1][0], model.seen[2][0])
        for variable, expected in zip([*model.weights, model.optimizer.iterations], model.seen[2], strict=True):
            np.testing.assert_array_equal(variable.numpy(), expected)
    finally:
        cornu.config.set_backend(before)


# --- tf.function around the user's methods ----------------------------------------------------------------------------------


def plain(function):
    return function


def decorated_model(tensorflow, style, call=plain, step=plain, predict=plain):
    """A model whose methods are decorated, with a step of a style."""
    of_call, of_step, of_predict = call, step, predict

    class Mine(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        @of_call
        def call(self, x):
            return self.dense(x)

        @of_predict
        def predict_step(self, data):
            return super().predict_step(data)

    if style == "tape":

        @of_step
        def train_step(self, data):
            x, y = data
            with tensorflow.GradientTape() as tape:
                loss = self.compute_loss(x, y, self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

        Mine.train_step = train_step
    elif style == "neutral":

        @of_step
        def train_step(self, data):
            x, y = data
            loss_of = lambda: self.compute_loss(x, y, self(x, training=True))  # noqa: E731
            loss, gradients = cornu.value_and_grad(loss_of, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

        Mine.train_step = train_step
    return Mine()


def results(model, built):
    """Train a model with data of two sizes; return its weights, loss and outputs."""
    cornu.utils.set_random_seed(4)
    if built:
        model.build((None, 2))
    model.compile(cornu.optimizers.SGD(0.1, momentum=0.5), "mse")
    model.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    model.fit(X[:3], Y[:3], batch_size=3, verbose=0)
    return [*model.get_weights(), np.array(model.evaluate(X, Y, verbose=0)), model.predict(X, verbose=0)]


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize(
    ("style", "methods"),
    [
        ("tape", "step"),
        ("neutral", "step"),
        ("tape", "call"),
        ("neutral", "call"),
        ("built-in", "call"),
        ("built-in", "predict"),
    ],
)
def test_methods_in_a_tf_function_compute_what_they_compute_without(style, methods, built):
    tensorflow = pytest.importorskip("tensorflow")
    before = cornu.config.backend()
    cornu.config.set_backend("tensorflow")
    try:
        mine = results(decorated_model(tensorflow, style, **{methods: tensorflow.function}), built)
        wanted = results(decorated_model(tensorflow, style), built)
        for one, other in zip(mine, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    finally:
        cornu.config.set_backend(before)


def test_a_metric_in_a_tf_function_counts():
    tensorflow = pytest.importorskip("tensorflow")

    class Mine(cornu.metrics.Metric):
        def __init__(self):
            super().__init__(name="mine")
            self.total = self.add_weight(name="total")

        @tensorflow.function
        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(tensorflow.cast(tensorflow.shape(y_true)[0], "float32"))

        def result(self):
            return self.total.value

    before = cornu.config.backend()
    cornu.config.set_backend("tensorflow")
    try:
        model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
        model.compile("sgd", "mse", metrics=[Mine()])
        assert model.fit(X, Y, batch_size=2, epochs=2, verbose=0).history["mine"] == [6, 6]
    finally:
        cornu.config.set_backend(before)
