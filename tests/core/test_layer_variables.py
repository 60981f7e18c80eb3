"""The variables that a layer owns, and the attributes and hooks of layers that code written for Keras uses."""

import copy

import keras
import numpy as np
import pytest

import cornu
from cornu import Variable, config, layers, metrics, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ModelFormatError

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


class Scale(layers.Layer):
    def build(self, input_shape):
        self.seen = input_shape
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="random_normal", name="factor")

    def call(self, inputs, flag=None):
        return inputs * self.factor


# --- Order ------------------------------------------------------------------------------------------------------------


def variable_before_weights(keras):
    class Shifted(keras.layers.Dense):
        def __init__(self, units):
            super().__init__(units)
            self.shift = keras.Variable(np.zeros(units), name="shift")

    return Shifted(2)


def variables_between_weights(keras):
    class Mixed(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.count = keras.Variable(0.0, trainable=False, name="count")
            second, first = keras.Variable(0.0, name="second"), keras.Variable(0.0, name="first")
            self.a = self.add_weight(shape=(), name="a")
            self.first = first
            self.b = self.add_weight(shape=(), name="b")
            self.second = second

    return Mixed()


def two_lists(keras):
    class Blocks(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.late, self.parts = None, {}
            self.convolutions, self.normalizations = [], []
            for number in range(2):
                self.convolutions.append(keras.layers.Dense(3, name=f"convolution_{number}"))
                self.normalizations.append(keras.layers.BatchNormalization(name=f"normalization_{number}"))
            self.parts["head"] = keras.layers.Dense(3, name="head")
            self.late = keras.layers.Dense(3, name="late")

        def call(self, x):
            for convolution, normalization in zip(self.convolutions, self.normalizations, strict=True):
                x = normalization(convolution(x))
            return self.late(self.parts["head"](x))

    return Blocks()


def given_layers(keras):
    class Pair(keras.layers.Layer):
        def __init__(self, first, second):
            super().__init__()
            self.second, self.all = second, [second, first]
            self.first = first

        def call(self, x):
            return self.second(self.first(x))

    return Pair(keras.layers.Dense(3, name="first"), keras.layers.Dense(3, name="second"))


def added_layers(keras):
    first, second = keras.layers.Dense(3, name="first"), keras.layers.Dense(3, name="second")
    model = keras.Sequential()
    third = keras.layers.Dense(3, name="third")
    for layer in (third, second, first):
        model.add(layer)
    return model


@pytest.mark.parametrize(
    "make",
    [variable_before_weights, variables_between_weights, two_lists, given_layers, added_layers],
    ids=lambda f: f.__name__,
)
def test_variables_and_layers_have_the_order_in_which_the_layer_received_them(make):
    found, expected = make(cornu), make(keras)
    for layer in (found, expected):
        layer(X) if make in (two_lists, given_layers, added_layers) else layer.build((None, 3))

    def names_in(layer):
        return [variable.path.split("/", 1)[-1] for variable in layer.weights]

    assert names_in(found) == names_in(expected)
    assert names_in(copy.deepcopy(found)) == names_in(expected)


def test_a_replaced_layer_keeps_its_place():
    layer = given_layers(cornu)
    layer.third, layer.all = layers.Dense(3, name="third"), []
    layer.second = layers.Dense(3, name="new second")
    assert [part.name for part in layer.sublayers] == ["new second", "first", "third"]


def test_a_layer_that_replaces_one_in_a_list_stays_before_what_follows_it():
    layer = two_lists(cornu)
    layer(X)
    layer.convolutions[0] = layers.Dense(3, name="new")
    names = [part.name for part in layer.sublayers]
    assert names.index("new") < names.index("convolution_1") < names.index("head")


def test_what_a_copy_receives_comes_last():
    layer = copy.deepcopy(given_layers(cornu))
    layer.third = layers.Dense(3, name="third")
    assert [part.name for part in layer.sublayers] == ["second", "first", "third"]


def test_metrics_have_the_order_in_which_the_layer_received_them():
    def make(keras):
        model = keras.Sequential([keras.layers.Dense(1)])
        model.late = None
        model.first = keras.metrics.Mean(name="first")
        model.late = keras.metrics.Mean(name="late")
        return [metric.name for metric in model.metrics]

    assert make(cornu) == make(keras) == ["first", "late"]


# --- Creating ---------------------------------------------------------------------------------------------------------


def test_the_name_must_not_be_positional():
    with pytest.raises(
        InvalidArgumentError, match=r"received 'w' as its first argument.*`add_weight\(shape=\.\.\., name='w'\)`"
    ):
        layers.Layer().add_weight("w", shape=(2,))


def test_an_argument_is_passed_once():
    with pytest.raises(InvalidArgumentError, match="received `shape` both by position and by name"):
        layers.Layer().add_weight((2,), shape=(2,))
    with pytest.raises(InvalidTypeError, match="At most 3 may be positional: shape, initializer, dtype"):
        layers.Layer().add_weight((2,), "ones", "float32", True)


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32"), "float", float])
def test_dtypes_of_any_kind_are_taken(dtype):
    assert layers.Layer().add_weight(shape=(2,), dtype=dtype).dtype == "float32"
    assert Variable([1, 2], dtype="int").dtype == "int32"


def test_a_dtype_of_tensorflow_is_taken():
    tf = pytest.importorskip("tensorflow")
    assert layers.Layer().add_weight(shape=(2,), dtype=tf.float32).dtype == "float32"


@pytest.mark.parametrize("name", ["add_weight", "add_variable"])
def test_both_names_create_variables(name):
    layer = layers.Layer()
    variable = getattr(layer, name)(shape=(2,), initializer="ones", trainable=False, name="n")
    assert layer.weights == [variable] and variable.path == f"{layer.name}/n" and not variable.trainable


def test_aggregation_and_synchronization_are_stored_and_checked():
    variable = layers.Layer().add_weight(shape=(2,), aggregation="mean")
    assert (variable.aggregation, variable.synchronization, variable.ndim) == ("mean", "auto", 1)
    assert (Variable(1.0, aggregation=None).aggregation, Variable(1.0, synchronization="on_read").synchronization) == (
        "none",
        "on_read",
    )
    with pytest.raises(InvalidArgumentError, match="`aggregation='meen'` was given"):
        Variable(1.0, aggregation="meen")


def test_what_a_variable_cannot_do_is_refused():
    variable = Variable(1.0)
    assert variable.overwrite_with_gradient is False
    with pytest.raises(InvalidArgumentError, match="`overwrite_with_gradient=True`"):
        variable.overwrite_with_gradient = True
    with pytest.raises(InvalidArgumentError, match="It must be a function of the value, or None"):
        variable.regularizer = "l2"
    with pytest.raises(InvalidArgumentError, match=r"received the shape \(None, 3\)"):
        Variable("zeros", shape=(None, 3))


def test_assignments_return_the_new_value(backend):
    with config.placement_scope(backend):
        variable = Variable(np.array([1.0, 2.0], "float32"))
        for found, wanted in (
            (variable.assign([3, 4]), [3.0, 4.0]),
            (variable.assign_add([1, 1]), [4.0, 5.0]),
            (variable.assign_sub([2, 2]), [2.0, 3.0]),
        ):
            assert ops.convert_to_numpy(found).tolist() == wanted and "float32" in str(found.dtype)


def test_an_array_is_an_initializer_of_its_own_shape(tmp_path):
    w = np.arange(6, dtype="float32").reshape(3, 2)
    layer = layers.Dense(2, kernel_initializer=w)
    np.testing.assert_array_equal(layer(np.eye(3)), w)
    again = layers.Dense.from_config(layer.get_config())
    np.testing.assert_array_equal(again(np.eye(3)), w)
    with pytest.raises(InvalidArgumentError, match=r"An array of shape \(3, 2\) was passed as an initializer.*\(4, 2\)"):
        layers.Dense(2, kernel_initializer=w)(np.ones((1, 4))).tolist()


# --- Built layers -----------------------------------------------------------------------------------------------------


def test_a_built_layer_gets_no_more_weights():
    layer = layers.Dense(2, name="mine")
    layer.build((None, 3))
    with pytest.raises(InvalidArgumentError, match=r"'mine' is built and received a weight named 'extra'.*`Dense\.build`"):
        layer.add_weight(shape=(1,), name="extra")


@pytest.mark.parametrize("value", [lambda: Variable(1.0), lambda: layers.Dense(1)])
def test_a_built_layer_gets_no_more_variables_and_layers_as_attributes(value):
    layer = Scale()
    layer(X)
    with pytest.raises(InvalidArgumentError, match=r"received the attribute `extra`"):
        layer.extra = value()
    layer.again = layer.factor  # not a new one
    layer.factor = Variable(np.ones(3, "float32"))  # in the place of another


def test_build_sees_the_size_of_the_batch_in_an_eager_call_only():
    layer, symbolic = Scale(), Scale()
    layer(X)
    symbolic(cornu.Input((3,)))
    assert (layer.seen, symbolic.seen) == ((4, 3), (None, 3))
    assert layer.get_build_config() == {"input_shape": (4, 3)}

    class Inside(cornu.Model):
        def __init__(self):
            super().__init__()
            self.scale = Scale()

        def call(self, x):
            return self.scale(x)

    model = Inside()
    model.build((None, 3))
    assert model.scale.seen == (None, 3)


def test_build_from_config_builds():
    first, second = layers.MultiHeadAttention(2, 3), layers.MultiHeadAttention(2, 3)
    first.build((None, 4, 5), (None, 6, 5))
    second.build_from_config(first.get_build_config())
    assert [w.shape for w in first.weights] == [w.shape for w in second.weights]
    dense = layers.Dense(2)
    dense.build_from_config({"input_shape": [None, 3]})
    assert dense.kernel.shape == (3, 2)


STATELESS = {"ReLU": {}, "Softmax": {}, "Activation": {"activation": "relu"}, "Dropout": {"rate": 0.5}, "MaxPooling2D": {}}
OTHERS = {"Flatten": {}, "PReLU": {}, "Rescaling": {"scale": 2.0}, "Dense": {"units": 1}, "Reshape": {"target_shape": (3, 1)}}


@pytest.mark.parametrize("name", [*STATELESS, *OTHERS, "Masking", "Identity", "UnitNormalization", "GlobalMaxPooling1D"])
def test_layers_are_built_at_once_where_those_of_keras_are(name):
    arguments = {**STATELESS, **OTHERS}.get(name, {})
    assert getattr(layers, name)(**arguments).built == getattr(keras.layers, name)(**arguments).built


def test_a_subclass_that_builds_is_not_built_at_once():
    class Slope(layers.ReLU):
        def build(self, input_shape):
            self.slope = self.add_weight(shape=(1,), initializer="ones")

    layer = Slope()
    assert not layer.built
    layer(X)
    assert len(layer.weights) == 1


# --- Calls ------------------------------------------------------------------------------------------------------------


def test_positional_arguments_are_tensors():
    with pytest.raises(InvalidArgumentError, match=r"received True \(a `bool`\) as the positional argument `flag`"):
        Scale()(X, True)
    with pytest.raises(InvalidArgumentError, match="positional argument `flag`"):
        Scale()(cornu.Input((3,)), 1.5)
    assert Scale()(X, flag=True).shape == (4, 3)


def test_an_empty_batch_has_no_activity_penalty(backend):
    layer = layers.Dense(2, activity_regularizer="l2").to_backend(backend)
    layer(np.ones((0, 3), "float32"))
    assert [float(loss) for loss in layer.losses] == [0.0]


# --- Attributes -------------------------------------------------------------------------------------------------------


def test_freezing_a_layer_freezes_its_variables():
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    layer.trainable = False
    assert not any(variable.trainable for variable in layer.variables)
    layer.trainable = True
    assert [variable.trainable for variable in layer.variables] == [True, True, False, False]
    frozen = layers.Dense(2, trainable=False)
    frozen.build((None, 3))
    assert not frozen.kernel.trainable and frozen.kernel.made_trainable


def test_the_path_is_known_once_a_layer_is_built():
    layer = layers.Dense(2, name="d")
    assert layer.path is None
    model = cornu.Sequential([cornu.Input((3,)), layer], name="m")
    assert (layer.path, model.layers[0].kernel.path) == ("m/d", "m/d/kernel")
    with pytest.raises(AttributeError):
        layer.path = "other"


@pytest.mark.parametrize("kind", ["functional", "sequential", "subclass"])
def test_the_path_of_a_model_is_its_name_as_in_keras(kind):
    def made(library):
        class Own(library.Model):
            def __init__(self):
                super().__init__(name="m")
                self.inner = library.layers.Dense(2, name="d")

            def call(self, x):
                return self.inner(x)

        x = library.Input((3,))
        stack = [x, library.layers.Dense(2, name="d")]
        kinds = {
            "functional": lambda: library.Model(x, library.layers.Dense(2, name="d")(x), name="m"),
            "sequential": lambda: library.Sequential(stack, name="m"),
            "subclass": Own,
        }
        model = kinds[kind]()
        model(np.ones((1, 3), "float32"))
        nested = library.Sequential([x, model], name="outer")
        return model.path, model.layers[-1].path, nested.path

    assert made(cornu) == made(keras)


def test_the_dtype_policy_may_be_set(backend):
    layer = layers.Dense(2).to_backend(backend)
    assert "float32" in str(layer(X).dtype)
    layer.dtype_policy = "mixed_float16"
    assert (layer.compute_dtype, layer.variable_dtype, layer.input_dtype) == ("float16", "float32", "float16")
    assert "float16" in str(layer(X).dtype)


def test_predict_follows_a_new_dtype_policy():
    layer = layers.Dense(2)
    model = cornu.Sequential([cornu.Input((3,)), layer])
    assert model.predict(X, verbose=0).dtype == np.float32
    layer.dtype_policy = "mixed_float16"
    assert model.predict(X, verbose=0).dtype == np.float16


def test_metrics_are_found_in_attributes_lists_and_dicts_and_are_no_weights():
    class Measured(layers.Layer):
        def __init__(self):
            super().__init__()
            self.one = metrics.Mean(name="one")
            self.more = {"a": [metrics.Mean(name="two")]}
            self.inner = Inner()

        def call(self, x):
            return x

    class Inner(layers.Layer):
        def __init__(self):
            super().__init__()
            self.three = metrics.Mean(name="three")

    layer = Measured()
    assert [metric.name for metric in layer.metrics] == ["one", "two", "three"]
    assert len(layer.metrics_variables) == 6 and layer.variables == []
    layer.to_backend("numpy")
    assert {variable.place.backend for variable in layer.metrics_variables} == {"numpy"}


def test_add_metric_is_refused_as_in_keras():
    for module in (cornu, keras):
        with pytest.raises(NotImplementedError, match="add_metric"):
            module.layers.Dense(2).add_metric(1.0)


def test_what_is_unknown_before_the_model_is_built_is_no_attribute():
    model = cornu.Sequential([layers.Dense(1)])
    for name in ("input_shape", "output_shape", "input", "output", "inputs", "outputs"):
        assert not hasattr(model, name) and not hasattr(keras.Sequential([keras.layers.Dense(1)]), name)


@pytest.mark.parametrize(
    "name", ["Dense", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "LSTMCell", "GRUCell"]
)
def test_a_weight_that_is_absent_is_none(name):
    arguments = {"Dense": (2,), "LSTMCell": (2,), "GRUCell": (2,), "DepthwiseConv2D": (3,)}.get(name, (2, 3))
    layer = getattr(layers, name)(*arguments, use_bias=False)
    layer.build((None, 8, 8, 1) if "Conv" in name else (None, 3))
    assert layer.bias is None


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: layers.Dense(3, "relu"), (4, 3)),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, "relu"), (4, 3)),
        (lambda: layers.Conv1D(3, 1, activation="relu"), (2, 4, 3)),
        (lambda: layers.LSTM(3), (2, 4, 3)),
        (lambda: layers.Activation("relu"), (4, 3)),
    ],
)
def test_an_activation_may_be_set_to_none(make, shape, backend):
    layer, x = make().to_backend(backend), -np.ones(shape, "float32")
    layer(x)
    layer.activation = None
    assert layer.activation is cornu.activations.linear
    assert np.isfinite(ops.convert_to_numpy(layer(x))).all()
    assert layer.get_config()["activation"] == "linear"


def test_an_activation_that_couples_the_batch_is_noticed():
    layer = layers.Dense(2)
    assert layer.batch_coupling == "none"
    layer.activation = lambda x: x - ops.mean(x)
    assert layer.batch_coupling == "unknown"


def test_a_convolution_may_be_overridden():
    class Twice(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, 2 * kernel)

    layer, plain, x = Twice(2, 3), layers.Conv2D(2, 3), np.ones((1, 5, 5, 1), "float32")
    plain.build(x.shape)
    layer.build(x.shape)
    layer.set_weights(plain.get_weights())
    np.testing.assert_allclose(layer(x), 2 * np.asarray(plain(x)), 1e-6)
    assert (layer.batch_coupling, plain.batch_coupling) == ("unknown", "none")


# --- Own variables ----------------------------------------------------------------------------------------------------


def test_own_variables_are_stored_and_loaded_by_number():
    first, second, store = layers.Dense(2, name="mine"), layers.Dense(2), {}
    first.build((None, 3))
    second.build((None, 3))
    first.save_own_variables(store)
    assert sorted(store) == ["0", "1"]
    second.load_own_variables({name: np.asarray(value) for name, value in store.items()})
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    with pytest.raises(ModelFormatError, match=r"'mine' received 1 arrays named \['0'\]\. It has 2 variables"):
        first.load_own_variables({"0": store["0"]})


@cornu.saving.register_keras_serializable("layer_variables")
class Halved(layers.Layer):
    """Stores half of its factor and a number, and reads them."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="random_normal", name="factor")

    def call(self, inputs):
        return inputs * self.factor

    def save_own_variables(self, store):
        store["half"], store["number"] = self.factor / 2, 3

    def load_own_variables(self, store):
        assert int(store["number"]) == 3
        self.factor.assign(store["half"] * 2)
        if "broken" in self.name:
            raise RuntimeError("mine")


def test_a_model_saves_and_loads_what_the_hooks_store(tmp_path, backend):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3), Halved()]).to_backend(backend)
    expected = model.predict(X, verbose=0)
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(cornu.models.load_model(tmp_path / "m.keras").predict(X, verbose=0), expected, 1e-5)
    model.save_weights(tmp_path / "m.weights.h5")
    model.layers[1].factor.assign(np.zeros(3))
    model.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, 1e-6)


def test_a_hook_that_fails_changes_nothing(tmp_path):
    cornu.Sequential([cornu.Input((3,)), layers.Dense(3), Halved()]).save_weights(tmp_path / "m.weights.h5")
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3), Halved(name="broken")])
    before = model.get_weights()
    with pytest.raises(RuntimeError, match="mine"):
        model.load_weights(tmp_path / "m.weights.h5")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.warns(UserWarning, match="'broken' did not load"):
        model.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)


def test_keras_reads_what_the_hooks_store(tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3), Halved(name="h")])
    model.save_weights(tmp_path / "m.weights.h5")

    class KerasHalved(keras.layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

        def call(self, inputs):
            return inputs * self.factor

        def load_own_variables(self, store):
            self.factor.assign(store["half"][()] * 2)

    KerasHalved.__name__ = "Halved"
    of_keras = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), KerasHalved()])
    of_keras.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_allclose(of_keras.predict(X, verbose=0), model.predict(X, verbose=0), 1e-5, 1e-6)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_build_that_fails_leaves_no_variables_and_may_be_repeated(error):
    class Failing(layers.Layer):
        attempts = 0

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(1,), name="scale")
            self.attempts += 1
            if self.attempts == 1:
                raise error("first")

    layer = Failing()
    with pytest.raises(error, match="first"):
        layer.build((None, 1))
    assert not layer.built
    layer.build((None, 1))
    assert layer.built and len(layer.weights) == 1


def test_a_model_that_failed_to_build_is_built_for_the_next_shape():
    class Small(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            if x.shape[-1] != 2:
                raise ValueError("two features")
            return self.dense(x)

    model = Small()
    with pytest.raises(ValueError, match="two features"):
        model.build((None, 3))
    assert not model.built
    model.build((None, 2))
    assert model.built and model.count_params() == 3
