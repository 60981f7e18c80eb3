"""Names belong to users: a subclass may take any that Keras's ``Layer`` does not have, also those that Cornu's has."""

import keras
import numpy as np
import pytest

import cornu
from cornu import backends, layers
from cornu.layers import Layer
from cornu.registry import custom_object_scope

X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
Y = X[:, :2]

CORNU_ONLY = sorted(
    name
    for name in dir(Layer()) + dir(cornu.Model())
    if not name.startswith(("_", "cornu_")) and not hasattr(keras.layers.Layer(), name) and not hasattr(keras.Model, name)
)
"""Public attributes of Cornu's ``Layer`` and ``Model`` that Keras has not."""

SEEN_IN_CODE = ["device", "place", "layers", "functional", "graph", "state", "record", "hooks", "values"]
"""Names that are, or once were, in Cornu's mechanics."""

ONCE_PRIVATE = ["_state", "_trained", "_place", "_run", "_owned", "_building", "_arguments", "_build_shapes", "_build_for"]

STOPS = {"stop_training", "stop_evaluating", "stop_predicting"}

FUNCTIONS = {"train_function", "test_function", "predict_function"}

KEPT = {"meta", "history", "optimizer", "steps_per_execution", "forget_compiled_functions", "layers"} | STOPS | FUNCTIONS
"""What a model keeps to itself: attributes that Keras's ``Model`` sets, too, and ``meta``, which is written into the file."""

NAMES = sorted({*CORNU_ONLY, *SEEN_IN_CODE, *ONCE_PRIVATE})


class Named(Layer):
    """Has an attribute of any name, and a dense layer."""

    def __init__(self, taken, **kwargs):
        super().__init__(**kwargs)
        self.taken = taken
        setattr(self, taken, "mine")
        self.dense = layers.Dense(2)

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.scale = self.add_weight((2,), "ones", name="scale")

    def call(self, inputs):
        assert getattr(self, self.taken) == "mine"
        return self.dense(inputs) * self.scale


class NamedModel(cornu.Model):
    def __init__(self, taken, **kwargs):
        super().__init__(**kwargs)
        self.taken = taken
        setattr(self, taken, "mine")
        self.dense = layers.Dense(2)

    def call(self, inputs):
        assert getattr(self, self.taken) == "mine"
        return self.dense(inputs)


class Holding(Layer):
    """Has a layer under any name."""

    def __init__(self, taken, **kwargs):
        super().__init__(**kwargs)
        self.taken = taken
        setattr(self, taken, layers.Dense(2))

    def build(self, input_shape):
        getattr(self, self.taken).build(input_shape)

    def call(self, inputs):
        return getattr(self, self.taken)(inputs)


def works(model, tmp_path, engine="numpy"):
    """Builds, calls, trains, measures, predicts, moves, saves and loads a model."""
    type(model).to_backend(model, engine)
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    model.evaluate(X, Y, verbose=0)
    expected = model.predict(X, verbose=0)
    np.testing.assert_allclose(np.asarray(model(X)), expected, 1e-5, 1e-6)
    assert model.count_params() == sum(variable.size for variable in model.variables) > 0
    model.summary(print_fn=lambda text: None)
    model.save(tmp_path / "m.keras")
    with custom_object_scope({kind.__name__: kind for kind in (Named, NamedModel, Holding)}):
        again = cornu.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), expected, 1e-5, 1e-6)
    cornu.models.clone_model(model)
    return again


def test_the_list_of_names_is_not_empty():
    assert {"backend", "backend_name", "place", "sublayers", "own_variables", "to_backend", "flatten_layers"} <= set(CORNU_ONLY)


@pytest.mark.parametrize("taken", NAMES)
def test_a_layer_may_take_the_name(taken, tmp_path):
    works(cornu.Sequential([cornu.Input((3,)), Named(taken)]), tmp_path)


@pytest.mark.parametrize("taken", sorted({*NAMES} - KEPT))
def test_a_subclassed_model_may_take_the_name(taken, tmp_path):
    works(NamedModel(taken), tmp_path)


@pytest.mark.parametrize("taken", [name for name in NAMES if name not in KEPT | {"batch_coupling"}])
def test_a_layer_under_the_name_is_a_layer_inside_whose_weights_are_trained_and_saved(taken, tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), Holding(taken)])
    assert len(model.trainable_variables) == 2
    again = works(model, tmp_path)
    assert len(again.trainable_variables) == 2


def test_the_name_may_be_a_method_of_the_subclass(tmp_path):
    class Methods(Layer):
        def place(self, x):
            return x * 2

        def backend(self, x):
            return x + 1

        def sublayers(self):
            raise AssertionError("not asked for")

        own_variables = flatten_layers = effective_batch_coupling = to_backend = sublayers

        def build(self, input_shape):
            self.dense = layers.Dense(2)
            self.dense.build(input_shape)

        def call(self, inputs):
            return self.dense(self.place(self.backend(inputs)))

    with custom_object_scope({"Methods": Methods}):
        works(cornu.Sequential([cornu.Input((3,)), Methods()]), tmp_path)


def test_taken_names_do_not_matter_to_compiled_code(engine_name, tmp_path):
    stack = [Named(taken) for taken in ("backend", "place", "sublayers", "own_variables", "to_backend")]
    again = works(cornu.Sequential([cornu.Input((3,)), *stack]), tmp_path, engine_name)
    moved = again.to_backend("numpy").predict(X, verbose=0)
    np.testing.assert_allclose(moved, again.to_backend(engine_name).predict(X, verbose=0), 1e-4, 1e-5)


def test_what_nobody_takes_answers_as_documented(backend):
    layer = Named("other")
    layer.to_backend(backend)
    layer(X)
    assert layer.place.backend == layer.backend_name == backend and layer.backend is backends.get(backend)
    assert layer.sublayers == [layer.dense] and list(layer.flatten_layers()) == [layer, layer.dense]
    assert layer.own_variables == [layer.scale]
    assert layer.effective_batch_coupling() == "unknown" and layer.inbound_nodes == []
    assert layer.input_shape == (None, 3) and layer.output_shape == (None, 2)


def test_an_unusable_coupling_counts_as_unknown():
    layer = layers.Dense(2)
    layer.batch_coupling = 3
    assert layer.effective_batch_coupling() == "unknown"
