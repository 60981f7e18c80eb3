"""Pickles and copies of models, at any time of their life."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import cornu
from cornu import initializers, layers, ops
from cornu.saving.weight_paths import variable_groups

MAKERS = {"pickle": lambda thing: pickle.loads(pickle.dumps(thing)), "copy": copy.deepcopy}


@pytest.fixture(params=MAKERS)
def made(request):
    return MAKERS[request.param]


class Scaled(layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.inner = [layers.Dense(4, "tanh"), {"last": layers.Dense(4)}]

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), initializers.RandomNormal(), name="scale")

    def call(self, inputs, training=None):
        return self.inner[1]["last"](self.inner[0](inputs * self.scale)) * self.factor


class Own(cornu.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.body, self.head = Scaled(2.0), layers.Dense(2)

    def call(self, inputs):
        return self.head(self.body(inputs))


def sequential():
    return cornu.Sequential([cornu.Input((3,)), Scaled(0.5), layers.BatchNormalization(), layers.Dense(2)])


def functional():
    x, inner_x = cornu.Input((3,), name="x"), cornu.Input((3,))
    shared, inner = layers.Dense(3, name="shared"), cornu.Model(inner_x, layers.Dense(3)(inner_x), name="inner")
    h = ops.relu(inner(shared(inner(shared(x))))) + ops.reshape(x, (-1, 3))
    return cornu.Model(x, {"z": layers.Dense(2, name="z")(h), "a": layers.Dense(2, name="a")(h)})


def own():
    return Own()


class OwnLoss(Own):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean((y - y_pred) ** 2)


def own_loss():
    return OwnLoss()


X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(16, 2)).astype("float32")


def targets(model):
    return {"z": Y, "a": -Y} if model.cornu_graph is not None and isinstance(model.output, dict) else Y


def train(model, epochs=2):
    model.fit(X, targets(model), epochs=epochs, batch_size=8, shuffle=False, verbose=0)


def compiled(make):
    model = make()
    model.compile(cornu.optimizers.Adam(0.01), "mse", metrics=["mae"] if make is not functional else None)
    return model


def same(found, wanted):
    assert len(found.get_weights()) == len(wanted.get_weights()) > 0
    for one, other in zip(found.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("make", [sequential, functional], ids=lambda make: make.__name__)
def test_a_model_whose_variables_were_never_read_is_copied_with_the_values_it_will_have(make, made, default_backend):
    model = make()
    again = made(model)
    same(again, model)
    for found, wanted in zip(
        cornu.trees.leaves(again.predict(X, verbose=0)), cornu.trees.leaves(model.predict(X, verbose=0)), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    assert [group.path for group in variable_groups(again)] == [group.path for group in variable_groups(model)]


@pytest.mark.parametrize("make", [sequential, functional, own, own_loss], ids=lambda make: make.__name__)
def test_training_goes_on_with_a_copy_as_without(make, made, default_backend):
    model = compiled(make)
    train(model)
    again = made(model)
    assert int(again.optimizer.iterations.numpy()) == int(model.optimizer.iterations.numpy()) == 4
    train(again)
    between = model.get_weights()
    train(model)
    same(again, model)
    assert any(np.abs(one - other).max() > 0 for one, other in zip(between, model.get_weights(), strict=True))
    for one, other in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("make", [sequential, functional, own], ids=lambda make: make.__name__)
def test_a_copy_shares_nothing_with_its_model(make, made):
    model = compiled(make)
    train(model)
    again, before = made(model), model.get_weights()
    again.set_weights([weight + 1 for weight in before])
    train(again)
    for found, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not {id(v) for v in model.variables} & {id(v) for v in again.variables}
    assert again.optimizer is not model.optimizer and again.history is not model.history


def test_a_compiled_model_that_was_not_trained_is_copied(made):
    model = compiled(functional)
    again = made(model)
    train(model)
    train(again)
    same(again, model)


def test_a_model_that_is_not_built_is_copied(made):
    again = made(cornu.Sequential([layers.Dense(2)]))
    assert not again.built and again.predict(X, verbose=0).shape == (16, 2)


def test_the_graph_of_a_copy_is_its_own(made):
    model = functional()
    again = made(model)
    assert again.get_config() == model.get_config()
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    inner = again.get_layer("inner")
    assert inner is not model.get_layer("inner") and len(inner._inbound_nodes) == 2
    assert all(node.operation is inner for node in inner._inbound_nodes)
    part = cornu.Model(again.input, again.get_layer("shared").output)
    assert part.predict(X, verbose=0).shape == (16, 3)
    assert again.get_layer("shared").output_shape == (None, 3)


def test_a_layer_of_two_models_stays_one_layer_if_both_are_copied_together(made):
    shared, x = layers.Dense(3), cornu.Input((3,))
    first, second = made([cornu.Model(x, shared(x)), cornu.Sequential([cornu.Input((3,)), shared])])
    assert first.layers[1] is second.layers[0]


def test_long_models_are_copied_without_recursion(made):
    x = h = cornu.Input((3,))
    for number in range(600):
        h = layers.Dense(3, name=f"d{number}")(h) if number % 50 == 0 else layers.Activation("tanh", name=f"d{number}")(h)
    model = cornu.Model(x, h)
    same(made(model), model)


def test_lambdas_are_copied_and_not_pickled():
    model = cornu.Sequential([cornu.Input((3,)), layers.Lambda(lambda x: 2 * x), layers.Dense(1)])
    same(copy.deepcopy(model), model)
    with pytest.raises((pickle.PicklingError, AttributeError), match=r"lambda"):
        pickle.dumps(model)


def test_a_16_bit_model_is_copied(made):
    for dtype in ("mixed_bfloat16", "bfloat16", "float16"):
        model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, dtype=dtype)])
        again = made(model)
        assert again.weights[0].dtype == model.weights[0].dtype
        np.testing.assert_array_equal(np.asarray(again.get_weights()[0], "f4"), np.asarray(model.get_weights()[0], "f4"))


@pytest.mark.parametrize(
    "thing", [lambda: layers.Dense(3), lambda: cornu.Variable([1.0, 2.0]), lambda: cornu.optimizers.Adam()]
)
def test_parts_of_models_are_copied(thing, made):
    assert type(made(thing())) is type(thing())


MAIN = """
import copy, pickle, sys
import numpy as np
import cornu
from cornu import layers

class Doubled(layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), lambda shape, dtype: np.full(shape, 3.0, dtype))
    def call(self, inputs):
        return inputs * self.scale

if len(sys.argv) > 1:
    print(pickle.load(open(sys.argv[1], "rb")).predict(np.ones((1, 2), "float32"), verbose=0).tolist())
else:
    model = cornu.Sequential([cornu.Input((2,)), Doubled()])
    pickle.dump(model, open("model.pickle", "wb"))
    copy.deepcopy(model)
"""


def test_layers_defined_in_a_script_are_pickled_and_read_by_another_run_of_it(tmp_path):
    (tmp_path / "script.py").write_text(MAIN)
    options = {"cwd": tmp_path, "env": {**os.environ, "CORNU_BACKEND": "numpy"}, "capture_output": True, "text": True}
    written = subprocess.run([sys.executable, "script.py"], check=False, **options)
    assert written.returncode == 0, written.stderr
    read = subprocess.run([sys.executable, "script.py", "model.pickle"], check=False, **options)
    assert read.stdout == "[[3.0, 3.0]]\n", read.stderr


OF_A_NOTEBOOK = """
import cornu
from cornu import layers, losses, metrics, ops

class Scaled(layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "ones")
    def call(self, inputs):
        return inputs * self.scale

class Absolute(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)

class Count(metrics.Metric):
    def __init__(self, name="count"):
        super().__init__(name=name)
        self.total = self.add_weight(name="total")
    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(ops.sum(ops.ones_like(y_true)))
    def result(self):
        return self.total

class Stopped(cornu.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True

class Own(cornu.Model):
    def train_step(self, data):
        x, y = data
        loss, gradients = cornu.value_and_grad(lambda: self.compute_loss(x, y, self(x)), self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}

def build(x):
    inputs = cornu.Input((2,))
    model = Own(inputs, layers.Dense(1)(Scaled()(inputs)))
    model.compile("adam", Absolute(), metrics=[Count()])
    return model
"""


def test_classes_of_a_notebook_are_saved_by_value():
    """As ``cloudpickle`` does for joblib, Dask, Ray and Spark: the classes travel with the functions that they refer to."""
    cloudpickle = pytest.importorskip("cloudpickle")
    names = {"__name__": "a_notebook"}
    exec(OF_A_NOTEBOOK, names)
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    model = names["build"](x)
    model.fit(x, y, verbose=0, callbacks=[names["Stopped"]()])

    again, stopped = cloudpickle.loads(cloudpickle.dumps((model, names["Stopped"]())))
    assert again.fit(x, y, verbose=0, epochs=3, callbacks=[stopped]).history == model.fit(x, y, verbose=0).history
    fresh = cloudpickle.loads(cloudpickle.dumps(names["build"]))(x)
    assert len(fresh.fit(x, y, verbose=0).history["loss"]) == 1
