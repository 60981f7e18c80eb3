"""Custom optimizers, written as for Keras: the same class on both libraries, eagerly, in `fit`, saved and continued."""

from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import Variable, layers, models, ops, optimizers, random
from cornu.errors import InvalidArgumentError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)).astype("float32"), RNG.normal(size=(24, 2)).astype("float32")
START = [RNG.normal(size=(3, 2)).astype("float32"), RNG.normal(size=2).astype("float32")]
GRADIENTS = [[RNG.normal(size=w.shape).astype("float32") for w in START] for _ in range(6)]

EACH_SETTING = pytest.mark.parametrize(
    "settings",
    [
        {},
        {"weight_decay": 0.1},
        {"clipnorm": 0.7},
        {"global_clipnorm": 0.9},
        {"loss_scale_factor": 8.0},
        {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
        {"gradient_accumulation_steps": 2},
        {"gradient_accumulation_steps": 3, "use_ema": True, "ema_overwrite_frequency": 2, "weight_decay": 0.1},
    ],
    ids=str,
)


def momentum_of(library: Any) -> Any:
    """The optimizer of Keras's guide, with a counter of its own, as a subclass of a library's base class."""

    class Momentum(library.optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, momentum=0.9, name="mine", **kwargs):
            super().__init__(learning_rate=learning_rate, name=name, **kwargs)
            self.momentum = momentum

        def build(self, variables):
            super().build(variables)
            self.velocities = [self.add_variable_from_reference(v, name="velocity") for v in variables]
            self.largest, self.smallest = self.add_optimizer_variables(variables, ["largest", "smallest"], ["zeros", "ones"])
            self.counter = self.add_variable((), name="counter", dtype="int32")

        def update_step(self, gradient, variable, learning_rate):
            gradient, rate = (library.ops.cast(value, variable.dtype) for value in (gradient, learning_rate))
            rate = rate / (1 + 0.1 * library.ops.cast(self.iterations, variable.dtype))
            index = self._get_variable_index(variable)
            velocity = self.velocities[index]
            self.assign(velocity, velocity * self.momentum - gradient * rate)
            self.assign_add(variable, velocity)
            self.assign(self.largest[index], library.ops.maximum(self.largest[index], gradient))
            self.assign_sub(self.smallest[index], library.ops.abs(gradient))
            self.assign_add(self.counter, 1)

        def get_config(self):
            return {**super().get_config(), "momentum": self.momentum}

    return Momentum


Momentum = momentum_of(cornu)


def model_with(optimizer: Any, library: Any = cornu) -> Any:
    model = library.Sequential([library.Input((3,)), library.layers.Dense(2)])
    model.set_weights(START)
    model.compile(optimizer, "mse")
    return model


def close(found: list, expected: list) -> None:
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=1e-4, atol=1e-6)


def values(optimizer: Any) -> list:
    return [np.asarray(variable.value) for variable in optimizer.variables]


@EACH_SETTING
def test_eager_steps_are_those_of_keras(settings, default_backend):
    mine, theirs = Momentum(**settings), momentum_of(keras)(**settings)
    ours, of_keras = [Variable(w, name="w") for w in START], [keras.Variable(w, name="w") for w in START]
    for step in GRADIENTS:
        mine.apply(step, ours)
        theirs.apply(step, of_keras)
    close([v.numpy() for v in ours], [v.numpy() for v in of_keras])
    close(values(mine), values(theirs))
    assert [v.path for v in mine.variables] == [v.path for v in theirs.variables]


@EACH_SETTING
def test_fit_is_that_of_keras(settings, backend):
    model, other = model_with(Momentum(**settings)).to_backend(backend), model_with(momentum_of(keras)(**settings), keras)
    for each in (model, other):
        each.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    close(model.get_weights(), other.get_weights())
    close(values(model.optimizer), values(other.optimizer))


@pytest.mark.parametrize("schedule", [False, True])
def test_the_pure_step_returns_what_keras_returns(schedule, default_backend):
    def result(library, optimizer_class):
        rate = library.optimizers.schedules.ExponentialDecay(0.5, 2, 0.5) if schedule else 0.5
        optimizer = optimizer_class(rate)
        weights = [library.Variable(w) for w in START]
        optimizer.build(weights)
        state, trained = [v.value for v in optimizer.variables], [v.value for v in weights]
        for step in GRADIENTS:
            gradients = [library.ops.convert_to_tensor(gradient) for gradient in step]
            trained, state = optimizer.stateless_apply(state, gradients, trained)
        assert int(optimizer.iterations) == 0
        close([w.numpy() for w in weights], START)
        return [*trained, *state]

    close(result(cornu, Momentum), result(keras, momentum_of(keras)))
    close(result(cornu, optimizers.Adam), result(keras, keras.optimizers.Adam))


def test_a_saved_model_continues_as_if_it_had_not_stopped(backend, tmp_path):
    through, stopped = (model_with(Momentum(momentum=0.7)).to_backend(backend) for _ in range(2))
    for model in (through, stopped):
        model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    stopped.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras", custom_objects={"Momentum": Momentum}).to_backend(backend)
    assert (loaded.optimizer.momentum, type(loaded.optimizer)) == (0.7, Momentum)
    close(values(loaded.optimizer), values(through.optimizer))
    for model in (through, loaded):
        model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    close(loaded.get_weights(), through.get_weights())


def test_weights_files_hold_the_variables_of_the_optimizer(tmp_path):
    trained, fresh = model_with(Momentum()), model_with(Momentum())
    trained.fit(X, Y, verbose=0)
    trained.save_weights(tmp_path / "a.weights.h5")
    fresh.load_weights(tmp_path / "a.weights.h5")
    close(values(fresh.optimizer), values(trained.optimizer))
    fresh.load_weights(tmp_path / "a.weights.h5")
    assert len(fresh.optimizer.variables) == len(trained.optimizer.variables)


@pytest.mark.parametrize("settings", [{}, {"gradient_accumulation_steps": 2}, {"weight_decay": 0.1, "clipvalue": 0.5}], ids=str)
@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Lion"])
def test_a_step_added_to_a_built_in_one_is_honored(name, settings, engine_name):
    def halved(library):
        class Halved(getattr(library.optimizers, name)):
            def update_step(self, gradient, variable, learning_rate):
                super().update_step(gradient * 0.5, variable, learning_rate)
                self.assign_add(variable, library.ops.ones_like(variable.value) * 0.01)

        return Halved(learning_rate=0.1, **settings)

    model, other = model_with(halved(cornu)).to_backend(engine_name), model_with(halved(keras), keras)
    for each in (model, other):
        each.fit(X, Y, batch_size=6, shuffle=False, verbose=0)
    close(model.get_weights(), other.get_weights())


@pytest.mark.parametrize("arguments", [{"momentum": 0.9}, {}])
@pytest.mark.parametrize("name", ["Nadam", "SGD"])
def test_the_inherited_step_is_the_built_in_one(name, arguments, backend):
    kind = getattr(optimizers, name)
    arguments = arguments if name == "SGD" else {}

    class Same(kind):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate)

    model, other = (model_with(each(0.1, **arguments)).to_backend(backend) for each in (Same, kind))
    for each in (model, other):
        each.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    close(model.get_weights(), other.get_weights())
    close(values(model.optimizer), values(other.optimizer))


@pytest.mark.parametrize("method", ["apply", "apply_gradients"])
def test_another_way_to_apply_gradients_is_honored_in_fit(method, engine_name):
    class Centered(optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            super().apply([g - ops.mean(g) for g in grads] if method == "apply" else grads, trainable_variables)

        if method == "apply_gradients":

            def apply_gradients(self, grads_and_vars):
                return super().apply_gradients([(g - ops.mean(g), v) for g, v in grads_and_vars])

    model = model_with(Centered(0.5)).to_backend(engine_name)
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    kernel, bias = (w.astype("float64") for w in START)
    for start in range(0, 24, 8):
        x, y = X[start : start + 8], Y[start : start + 8]
        error = 2 * (x @ kernel + bias - y) / y.size
        for weight, gradient in ((kernel, x.T @ error), (bias, error.sum(0))):
            weight -= 0.5 * (gradient - gradient.mean())
    close(model.get_weights(), [kernel, bias])


def test_variables_that_are_attributes_belong_to_the_optimizer(engine_name):
    class Counting(optimizers.SGD):
        def __init__(self, learning_rate=0.1, **kwargs):
            super().__init__(learning_rate, **kwargs)
            self.factor = Variable(1.0, trainable=False)

        def build(self, variables):
            super().build(variables)
            self.sums = {"all": [Variable(np.zeros(v.shape, "float32"), trainable=False) for v in variables]}

        def update_step(self, gradient, variable, learning_rate):
            self.sums["all"][self._get_variable_index(variable)].assign_add(gradient)
            super().update_step(gradient * self.factor, variable, learning_rate)
            self.factor.assign(self.factor * 0.5)

    model = model_with(Counting()).to_backend(engine_name)
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    assert len(model.optimizer.variables) == 2 + 1 + 2
    assert float(model.optimizer.factor) == 0.5**12
    assert all(variable.numpy().any() for variable in model.optimizer.sums["all"])
    assert {variable.place.backend for variable in model.optimizer.variables} == {engine_name}


def test_noise_differs_from_step_to_step(engine_name):
    class Noisy(optimizers.Optimizer):
        def __init__(self, learning_rate=1.0, **kwargs):
            super().__init__(learning_rate, **kwargs)
            self.generator = random.SeedGenerator(3)

        def update_step(self, gradient, variable, learning_rate):
            self.assign(variable, random.normal(variable.shape, seed=self.generator))

    model, seen = model_with(Noisy()).to_backend(engine_name), []
    for _ in range(3):
        model.train_on_batch(X, Y)
        seen.append(model.get_weights()[0])
    assert not np.allclose(seen[0], seen[1]) and not np.allclose(seen[1], seen[2])
    assert not np.allclose(seen[0][:, 0], seen[0][:, 1])


def test_a_step_that_raises_changes_nothing(default_backend):
    class Failing(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            self.assign(variable, variable * 0)
            if variable.shape == (2,):
                raise RuntimeError("on purpose")

    weights, optimizer = [Variable(w) for w in START], Failing()
    with pytest.raises(RuntimeError, match="on purpose"):
        optimizer.apply(GRADIENTS[0], weights)
    close([w.numpy() for w in weights], START)
    assert int(optimizer.iterations) == 0


def test_a_wrong_shape_in_a_step_is_an_error_before_training(engine_name):
    class Wrong(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            self.assign(variable, ops.sum(gradient))

    model = model_with(Wrong()).to_backend(engine_name)
    with pytest.raises(Exception, match=r"kernel' was assigned a value of shape \(\)"):
        model.fit(X, Y, verbose=0)
    close(model.get_weights(), START)
    assert int(model.optimizer.iterations) == 0


def test_missing_gradients_leave_their_weights_to_update_step_too(default_backend):
    weights, optimizer = [Variable(w, name="w") for w in START], Momentum(weight_decay=0.5)
    with pytest.warns(UserWarning, match="no gradients"):
        optimizer.apply([None, GRADIENTS[0][1]], weights)
    close([weights[0].numpy()], START[:1])
    assert not np.allclose(weights[1].numpy(), START[1])


def test_the_model_moves_with_its_own_variables():
    model = model_with(Momentum())
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    through = model_with(Momentum())
    through.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    model.to_backend("torch")
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    close(model.get_weights(), through.get_weights())


def test_names_and_initializers_must_match():
    with pytest.raises(
        InvalidArgumentError, match=r"`name=\['a', 'b'\]` and `initializer=\['zeros'\]`.*one element of `initializer`"
    ):
        optimizers.SGD().add_optimizer_variables([], ["a", "b"], ["zeros"])


def test_own_variables_live_beside_the_weights():
    weight = Variable([1.0], backend="numpy")
    optimizer = Momentum()
    optimizer.apply([[1.0]], [weight])
    assert {variable.place.backend for variable in optimizer.variables} == {"numpy"}


def test_a_constructor_with_unnamed_arguments_has_the_config_of_the_base_class():
    class Unnamed(optimizers.SGD):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    config = Unnamed(0.25, clipnorm=1.0).get_config()
    assert set(config) == set(keras.optimizers.Optimizer(0.25).get_config())
    assert (config["learning_rate"], config["clipnorm"]) == (0.25, 1.0)


def test_layers_of_several_dtypes_train_with_an_own_step(engine_name):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, dtype="float64"), layers.Dense(2)])
    model.compile(Momentum(), "mse")
    model.to_backend(engine_name).fit(X, Y, batch_size=8, verbose=0)
    assert [w.dtype for w in model.weights] == ["float64"] * 2 + ["float32"] * 2
