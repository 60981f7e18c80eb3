"""Explicit seeds make training repeatable, whatever the common seed is."""

import numpy as np
import pytest

from cornu import Input, Model, Sequential, config, layers, ops, seeds, value_and_grad
from cornu.core.seed_generator import SeedGenerator

X = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
Y = X[:, :1] * 2


@pytest.fixture(autouse=True)
def same_default_backend():
    before = config.backend()
    yield
    config.set_backend(before)


class Noise(layers.Layer):
    """Add noise drawn with an explicit seed, also outside of training."""

    def __init__(self, seed):
        super().__init__()
        self.seed_generator = SeedGenerator(seed)

    def call(self, inputs):
        return inputs + ops.random.normal(ops.shape(inputs), seed=self.seed_generator)


class OwnStep(Model):
    def train_step(self, data):
        x, y = data
        loss, gradients = value_and_grad(lambda: self.compute_loss(x, y, self(x, training=True)), self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


class OwnLoss(Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.abs(y - y_pred))


def made(backend, seed=7, kind=Model, learning_rate=0.1, **compiled):
    config.set_backend(backend)
    seeds.set_seed(np.random.default_rng().integers(2**32))  # as a new process does
    inputs = Input((6,))
    x = layers.Dropout(0.5, seed=seed)(inputs)
    model = kind(inputs, layers.Dense(1, kernel_initializer="ones")(x))
    model.compile("sgd", "mse", **compiled)
    model.optimizer.learning_rate = learning_rate
    return model


def losses_of(model, **fit):
    return model.fit(X, Y, epochs=3, batch_size=8, shuffle=False, verbose=0, **fit).history["loss"]


@pytest.mark.parametrize("kind", [Model, OwnStep, OwnLoss])
def test_fit_repeats_with_an_explicit_seed(backend, kind):
    if backend == "numpy" and kind is not Model:
        pytest.skip("own steps need an engine that differentiates")
    first, second, other = made(backend, kind=kind), made(backend, kind=kind), made(backend, seed=8, kind=kind)
    assert losses_of(first) == losses_of(second) != losses_of(other)
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    assert losses_of(first) == losses_of(second)  # also when training continues


@pytest.mark.parametrize("kind", [Model, OwnStep, OwnLoss])
def test_training_in_two_parts_is_training_in_one(backend, kind):
    if backend == "numpy" and kind is not Model:
        pytest.skip("own steps need an engine that differentiates")
    whole, parts = made(backend, kind=kind), made(backend, kind=kind)
    expected = whole.fit(X, Y, epochs=4, batch_size=8, shuffle=False, verbose=0).history["loss"]
    found = [
        loss for _ in range(2) for loss in parts.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0).history["loss"]
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_without_a_seed_each_training_differs(backend):
    assert losses_of(made(backend, seed=None)) != losses_of(made(backend, seed=None))


def test_micro_batches_repeat_too(backend):
    first, second = (made(backend, micro_batch_size=2) for _ in range(2))
    assert losses_of(first) == losses_of(second)


def test_each_step_and_each_training_draws_other_values(backend):
    model = made(backend, learning_rate=0.0)
    same = X, np.zeros((32, 1), "float32")
    losses = [
        loss for _ in range(2) for loss in model.fit(*same, epochs=4, batch_size=32, shuffle=False, verbose=0).history["loss"]
    ]
    losses += [model.train_on_batch(*same) for _ in range(2)]
    assert len(set(map(float, losses))) == 10


def test_the_parts_of_a_batch_draw_other_values(backend):
    model = made(backend, learning_rate=0.0, micro_batch_size=1)
    x = np.ones((2, 6), "float32")
    losses = [model.train_on_batch(x, np.zeros((2, 1), "float32")) for _ in range(8)]
    # Each loss is the mean of the squares of two numbers of inputs (times 2) that were kept: equal ones give a square.
    counts = {round(float(loss) / 4 * 2) for loss in losses}
    assert not counts <= {2 * number**2 for number in range(7)}


def test_train_on_batch_repeats(backend):
    first, second = made(backend), made(backend)
    assert [first.train_on_batch(X, Y) for _ in range(3)] == [second.train_on_batch(X, Y) for _ in range(3)]


def test_predict_repeats_and_draws_anew_in_each_call(backend):
    config.set_backend(backend)

    def predictions():
        seeds.set_seed(np.random.default_rng().integers(2**32))
        model = Sequential([Input((6,)), Noise(3)])
        return [model.predict(X, verbose=0) for _ in range(2)]

    first, second = predictions(), predictions()
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()


def test_a_generator_outside_of_any_layer_repeats(backend):
    config.set_backend(backend)

    def losses():
        generator = SeedGenerator(3)

        class Hidden(layers.Layer):
            def call(self, inputs):
                return inputs + ops.random.normal(ops.shape(inputs), seed=generator)

        model = Sequential([Input((6,)), Hidden(), layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse")
        return losses_of(model)

    assert losses() == losses()
