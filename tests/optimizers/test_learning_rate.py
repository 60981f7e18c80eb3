"""Learning rates that are functions, and what is refused."""

import keras
import numpy as np
import pytest

import cornu
from cornu import Variable, layers, optimizers
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.optimizers.schedules import ExponentialDecay, InverseTimeDecay

X = np.ones((12, 1), "float32")


def model_with(learning_rate):
    """A model whose weight falls by the learning rate at each step."""
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(learning_rate), loss=lambda y_true, y_pred: y_pred)
    return model


def weight_of(model):
    return float(np.asarray(model.get_weights()[0]).item())


@pytest.mark.parametrize("rate", [lambda: 0.25, lambda: np.float32(0.25), lambda: np.array(0.25), lambda: Variable(0.25)])
def test_a_function_returns_the_learning_rate(rate, default_backend):
    weight = Variable([1.0])
    sgd = optimizers.SGD(rate)
    assert [v.name for v in sgd.variables] == ["iteration"]
    sgd.apply([[1.0]], [weight])
    assert weight.numpy().tolist() == [0.75]
    assert float(sgd.learning_rate) == 0.25


def test_a_function_of_the_iterations_is_followed_in_every_compiled_step(backend):
    model = model_with(lambda: 1.0 / (1.0 + cornu.ops.cast(model.optimizer.iterations, "float32")))
    model.to_backend(backend).fit(X, X, batch_size=1, epochs=2, verbose=0)
    np.testing.assert_allclose(weight_of(model), -np.sum(1 / np.arange(1.0, 25)), rtol=1e-4)


def test_each_training_reads_what_the_function_returns_then(backend):
    current = {"rate": 0.5}
    model = model_with(lambda: current["rate"]).to_backend(backend)
    model.fit(X, X, batch_size=12, verbose=0)
    current["rate"] = 0.25
    model.fit(X, X, batch_size=12, verbose=0)
    assert weight_of(model) == pytest.approx(-0.75)


def test_a_function_that_reads_variables_is_not_compiled_again():
    sgd = optimizers.SGD(lambda: sgd.iterations * 0.1)
    first = sgd.compiled_learning_rate
    sgd.iterations.assign(5)
    assert sgd.compiled_learning_rate == first
    constant = optimizers.SGD(lambda: 0.5)
    assert constant.compiled_learning_rate[1:] == (0.5,)


def test_a_function_takes_the_place_of_a_number(default_backend):
    weight, sgd = Variable([1.0]), optimizers.SGD(0.5)
    sgd.learning_rate = lambda: 0.25
    sgd.apply([[1.0]], [weight])
    assert weight.numpy().tolist() == [0.75]
    assert [v.name for v in sgd.variables] == ["iteration"]
    with pytest.raises(InvalidTypeError, match=r"`learning_rate = 0.1`.*follows a function"):
        sgd.learning_rate = 0.1
    sgd.learning_rate = ExponentialDecay(1.0, 1, 0.5)
    assert float(sgd.learning_rate) == 0.5


@pytest.mark.parametrize("number", [np.float32(0.25), np.array(0.25), 0.25, cornu.ops.array(0.25), Variable(0.25)], ids=repr)
def test_numbers_of_all_kinds_can_be_set(number):
    sgd = optimizers.SGD(number)
    assert float(sgd.learning_rate) == 0.25
    sgd.learning_rate = 1.0
    sgd.learning_rate = number
    assert float(sgd.learning_rate) == 0.25


def test_functions_with_arguments_are_refused():
    with pytest.raises(InvalidTypeError, match=r"function with arguments.*LearningRateSchedule.*LearningRateScheduler"):
        optimizers.Adam(lambda epoch: 0.1 / epoch)
    with pytest.raises(InvalidTypeError, match="a number, or a schedule"):
        optimizers.Adam(ExponentialDecay)


def test_a_registered_function_is_saved_with_the_model(tmp_path):
    def quarter():
        return 0.25

    model = model_with(0.5)
    model.compile(optimizers.SGD(quarter), "mse")
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras", custom_objects={"quarter": quarter})
    assert loaded.optimizer.learning_rate == 0.25


def test_decay_names_its_successor_and_not_weight_decay():
    with pytest.raises(InvalidArgumentError, match=r"InverseTimeDecay\(learning_rate, decay_steps=1, decay_rate=1e-06\)"):
        optimizers.Adam(decay=1e-6)
    assert float(InverseTimeDecay(0.1, 1, 0.5)(2)) == pytest.approx(0.1 / (1 + 0.5 * 2))
    assert float(optimizers.Adam(decay=0.0).learning_rate) == pytest.approx(0.001)


def test_keras_reads_a_function_as_often_as_cornu(default_backend):
    calls = {"keras": 0, "cornu": 0}

    def rate(library):
        calls[library] += 1
        return 0.5

    weights = {"keras": keras.Variable([1.0]), "cornu": Variable([1.0])}
    for library, module in (("keras", keras), ("cornu", cornu)):
        optimizer = module.optimizers.SGD(lambda library=library: rate(library))
        for _ in range(3):
            optimizer.apply([module.ops.ones(1)], [weights[library]])
    np.testing.assert_allclose(np.asarray(weights["cornu"].value), np.asarray(weights["keras"].value))
    assert calls["cornu"] == calls["keras"]
