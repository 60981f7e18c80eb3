"""Steps of the user whose batches have arrays of different sizes, such as labeled and unlabeled images."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import DataError

RNG = np.random.default_rng(5)
WEIGHTS = RNG.normal(size=(3, 1)).astype("float32")
SIZES = [(5, 3), (5, 3), (2, 1)]
"""Sizes of the unlabeled and the labeled part of each batch."""


def batches_of(sizes):
    """Return batches ``(unlabeled, (labeled, labels))``."""
    return [
        (RNG.normal(size=(more, 3)).astype("float32"), (RNG.normal(size=(few, 3)).astype("float32"), RNG.normal(size=(few, 1))))
        for more, few in sizes
    ]


BATCHES = batches_of(SIZES)


class Semisupervised(cornu.Model):
    """A linear model without a bias that also keeps its outputs for unlabeled samples small."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, use_bias=False)

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        unlabeled, (labeled, labels) = data

        def loss_of():
            outputs = self(ops.concatenate([unlabeled, labeled]), training=True)
            count = unlabeled.shape[0]
            return ops.mean(ops.square(ops.subtract(outputs[count:], labels))) + ops.mean(outputs[:count] ** 2) / 2

        loss, gradients = cornu.value_and_grad(loss_of, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss, "more": ops.cast(unlabeled.shape[0], "float32")}


def compiled(backend, **options):
    model = Semisupervised().to_backend(backend)
    model.build((None, 3))
    model.set_weights([WEIGHTS])
    model.compile(cornu.optimizers.SGD(0.1), **options)
    return model


def expected(batches, epochs):
    """Return the weights that plain NumPy computes."""
    weights = WEIGHTS.astype("float64")
    for _ in range(epochs):
        for unlabeled, (labeled, labels) in batches:
            gradient = 2 * labeled.T @ (labeled @ weights - labels) / len(labeled)
            weights = weights - 0.1 * (gradient + unlabeled.T @ (unlabeled @ weights) / len(unlabeled))
    return weights


@pytest.mark.parametrize("options", [{}, {"steps_per_execution": 2}, {"run_eagerly": True}], ids=str)
def test_each_part_keeps_its_size(backend, options):
    if backend == "numpy":
        pytest.skip("NumPy has no gradients of functions of the user.")
    model = compiled(backend, **options)
    history = model.fit(BATCHES, epochs=2, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], expected(BATCHES, epochs=2), rtol=1e-4, atol=1e-6)
    assert history.history["more"] == [2.0, 2.0]


def test_another_size_in_each_batch(backend):
    if backend == "numpy":
        pytest.skip("NumPy has no gradients of functions of the user.")
    batches = batches_of([(4, 1), (1, 4), (3, 3)])
    model = compiled(backend)
    model.fit(iter(batches), verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], expected(batches, epochs=1), rtol=1e-4, atol=1e-6)


def test_a_zipped_data_set_and_the_gradient_tape_of_tensorflow():
    tf = pytest.importorskip("tensorflow")

    class WithTape(Semisupervised):
        def train_step(self, data):
            unlabeled, (labeled, labels) = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(labeled) - labels) ** 2) + tf.reduce_mean(self(unlabeled) ** 2) / 2
            weights = self.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return {"loss": loss}

    more = tf.data.Dataset.from_tensor_slices(RNG.normal(size=(8, 3)).astype("float32"))
    x, y = RNG.normal(size=(6, 3)).astype("float32"), RNG.normal(size=(6, 1)).astype("float32")
    data = tf.data.Dataset.zip((more.batch(4), tf.data.Dataset.from_tensor_slices((x, y)).batch(3)))
    model = WithTape().to_backend("tensorflow")
    model.build((None, 3))
    model.set_weights([WEIGHTS])
    model.compile(cornu.optimizers.SGD(0.1))
    model.fit(data, verbose=0)
    batches = [(unlabeled.numpy(), (x.numpy(), y.numpy())) for unlabeled, (x, y) in data]
    np.testing.assert_allclose(model.get_weights()[0], expected(batches, epochs=1), rtol=1e-4, atol=1e-6)


def test_arrays_must_still_have_equal_lengths(backend):
    model = compiled(backend)
    with pytest.raises(DataError, match=r"5 rows in `x` and 4 rows in `y`\. They must have the same number of rows"):
        model.fit(np.ones((5, 3)), np.ones((4, 1)), verbose=0)


def test_a_built_in_step_refuses_them(backend):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)]).to_backend(backend)
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match=r"3 rows in `x` and 2 rows in `y`\. They must have the same number of rows"):
        model.fit([(np.ones((3, 3)), np.ones((2, 1)))], verbose=0)
