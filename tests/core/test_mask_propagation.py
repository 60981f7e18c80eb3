"""Masks pass from layer to layer, in models, in compiled code and in eager calls; none passes by the identity of an array."""

import gc
import weakref

import keras
import numpy as np
import pytest

import cornu
from cornu import config, layers, losses, metrics, ops
from cornu.core import masks
from cornu.errors import ShapeError

INDICES = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [4, 5, 6, 1]])
VALID = INDICES != 0


@pytest.fixture(autouse=True)
def engine(backend, monkeypatch):
    monkeypatch.setattr(config._backend, "_default", backend)
    return backend


def embedded():
    return layers.Embedding(7, 3, mask_zero=True)(INDICES)


def found(array):
    mask = masks.mask_of(array)
    return None if mask is None else ops.convert_to_numpy(mask).tolist()


class Same(layers.Layer):
    """Returns the very array that it receives."""

    def call(self, inputs):
        return inputs


class SameMasked(Same):
    supports_masking = True


class Marked(Same):
    def compute_mask(self, inputs, previous_mask=None):
        return ops.not_equal(inputs[..., 0], 0)


class Inside(layers.Layer):
    """Consists of a layer that supports masking, and does not itself."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def test_a_mask_passes_from_one_eager_call_to_the_next():
    steps = layers.LSTM(2, return_sequences=True)(layers.Dropout(0.5)(embedded()))
    assert found(steps) == VALID.tolist()
    lstm, x = layers.LSTM(2), embedded()
    masked, unmasked = lstm(x), lstm(x + 0)
    assert not np.allclose(ops.convert_to_numpy(masked)[:2], ops.convert_to_numpy(unmasked)[:2])
    np.testing.assert_allclose(ops.convert_to_numpy(masked)[2], ops.convert_to_numpy(unmasked)[2], rtol=1e-5)


@pytest.mark.parametrize("make", [Same, lambda: layers.Reshape((4, 3)), lambda: layers.Permute((1, 2))])
@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_a_layer_that_returns_its_input_stops_the_mask_and_leaves_it_on_its_input(make):
    inputs = embedded()
    outputs = make()(inputs)
    assert found(outputs) is None
    assert found(inputs) == VALID.tolist()
    np.testing.assert_array_equal(ops.convert_to_numpy(outputs), ops.convert_to_numpy(inputs))


def test_a_layer_that_returns_its_input_marks_only_its_output():
    x = ops.array(np.float32([[[1.0], [0.0]]]))
    assert found(Marked()(x)) == [[True, False]]
    assert found(x) is None


def test_a_layer_that_supports_masking_hands_the_mask_on():
    assert found(SameMasked()(embedded())) == VALID.tolist()
    assert found(layers.Identity()(embedded())) == VALID.tolist()


@pytest.mark.parametrize("training", [False, True])
def test_layers_inside_a_layer_decide_about_the_mask_of_its_output(training):
    class Dropped(Inside):
        def call(self, inputs, training=None):
            return self.inner(inputs)

    assert found(Dropped(layers.Dropout(0.5))(embedded(), training=training)) == VALID.tolist()
    assert found(Inside(Marked())(ops.array(np.float32([[[1.0], [0.0]]])))) == [[True, False]]


@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_an_op_of_a_model_has_no_mask():
    inputs = cornu.Input((4,), dtype="int32")
    x = layers.Embedding(7, 3, mask_zero=True)(inputs)
    model = cornu.Model(inputs, [x, ops.reshape(x, (-1, 4, 3)), Same()(x)])
    assert [found(each) for each in model(INDICES)] == [VALID.tolist(), None, None]


def test_a_layer_that_loses_a_mask_says_so():
    text = r"The layer 'same.*' \(Same\) received an input with a mask, but does not support masking.*`supports_masking = True`"
    with pytest.warns(UserWarning, match=text):
        Same()(embedded())


def test_a_mask_is_deleted_with_its_array():
    array = embedded()
    reference = weakref.ref(array)
    assert masks.exist()
    del array
    gc.collect()
    assert reference() is None
    assert not masks.exist()


def test_compiled_code_leaves_no_mask_behind():
    model = cornu.Sequential([cornu.Input((4,)), layers.Embedding(7, 3, mask_zero=True), layers.Dropout(0.1), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(INDICES, np.zeros((3, 4, 1)), verbose=0)
    model.predict(INDICES, verbose=0)
    del model
    gc.collect()
    assert not masks.exist()


def test_the_output_of_a_model_has_its_mask():
    model = cornu.Sequential([cornu.Input((4,)), layers.Embedding(7, 3, mask_zero=True), layers.Dense(2)])
    for _ in range(2):  # on JAX the second call is compiled already
        assert found(model(INDICES)) == VALID.tolist()


def test_a_model_takes_the_mask_of_its_input():
    model = cornu.Sequential([cornu.Input((4, 3)), layers.LSTM(2)])
    x = embedded()
    plain = x + 0
    by_mask = ops.convert_to_numpy(model(plain, mask=VALID))
    np.testing.assert_allclose(by_mask, ops.convert_to_numpy(model(x)), rtol=1e-6)
    assert found(plain) is None
    assert not np.allclose(by_mask, ops.convert_to_numpy(model(plain)))


def test_a_model_takes_a_mask_for_each_input():
    a, b = cornu.Input((4, 3), name="a"), cornu.Input((4, 3), name="b")
    model = cornu.Model([a, b], layers.Add()([layers.LSTM(2)(a), layers.LSTM(2)(b)]))
    x = embedded() + 0
    lists = ops.convert_to_numpy(model([x, x], mask=[None, VALID]))
    dicts = ops.convert_to_numpy(model({"b": x, "a": x}, mask={"b": VALID}))
    np.testing.assert_allclose(lists, dicts, rtol=1e-6)
    assert not np.allclose(lists, ops.convert_to_numpy(model([x, x])))
    with pytest.raises(ShapeError, match=r"`mask` with 1 masks.*2 inputs: \['a', 'b'\].*None for an input without one"):
        model([x, x], mask=[VALID])


def test_losses_and_metrics_of_own_loops_leave_out_masked_steps():
    y_pred = layers.Dense(2)(embedded())
    y_true = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
    errors = ((ops.convert_to_numpy(y_pred) - y_true) ** 2).mean(axis=-1)
    np.testing.assert_allclose(float(losses.MeanSquaredError()(y_true, y_pred)), errors[VALID].mean(), rtol=1e-5)
    metric = metrics.MeanSquaredError()
    metric.update_state(y_true, y_pred)
    np.testing.assert_allclose(float(metric.result()), errors[VALID].mean(), rtol=1e-5)
    weight = np.float32([1.0, 2.0, 3.0])
    weights = weight[:, None] * VALID
    expected = (errors * weights).sum() / weights.sum()
    for given in (weight, weight[:, None], weight[:, None] * np.ones((3, 4), "float32")):
        metric.reset_state()
        metric.update_state(y_true, y_pred, sample_weight=given)
        np.testing.assert_allclose(float(metric.result()), expected, rtol=1e-5)


def test_a_loss_that_returns_one_value_ignores_the_mask():
    y_pred = layers.Dense(2)(embedded())
    loss = losses.LossFunctionWrapper(lambda y_true, y_pred: ops.max(y_pred))
    np.testing.assert_allclose(float(loss(np.zeros((3, 4, 2)), y_pred)), ops.convert_to_numpy(y_pred).max(), rtol=1e-6)


def test_the_mask_is_an_argument_of_the_same_name_as_in_keras():
    query, mask = ops.ones((1, 2, 2)), ops.array([[True, False]])
    for kind in (layers.Attention, layers.AdditiveAttention, layers.Add, layers.Multiply, layers.Maximum, layers.Concatenate):
        assert ops.convert_to_numpy(kind().compute_mask([query, query], mask=[mask, mask])).tolist() == [[True, False]]
    for layer in (layers.LSTM(2, return_sequences=True), layers.Bidirectional(layers.GRU(2, return_sequences=True))):
        assert layer.compute_mask(query, mask=mask) is mask
    assert layers.Dot(1).compute_mask([query, query], mask=[mask, mask]) is None
    assert layers.GlobalAveragePooling1D().compute_mask(query, mask=mask) is None
    assert layers.Lambda(lambda x: x, mask=lambda inputs, mask: mask).compute_mask(query, mask=mask) is mask


def test_the_mask_of_a_symbolic_tensor_is_the_one_that_its_array_will_have():
    tokens, other = cornu.Input((3,), dtype="int32"), cornu.Input((3, 2))
    embedded = layers.Embedding(5, 2, mask_zero=True)(tokens)
    both = layers.Concatenate(axis=1)([layers.ReLU()(embedded), layers.Masking()(other)])
    last = layers.LSTM(2)(both)
    without = ops.relu(both), last, layers.Dense(2)(last), other

    assert (both._keras_mask.shape, both._keras_mask.dtype) == ((None, 6), "bool")
    assert [tensor._keras_mask for tensor in without] == [None] * 4
    x = [np.array([[1, 0, 2]]), np.array([[[0, 0], [1, 0], [0, 0]]], "float32")]
    of_embedded, of_both = cornu.Model([tokens, other], [embedded._keras_mask, both._keras_mask]).predict(x, verbose=0)
    assert of_embedded.tolist() == [[True, False, True]]
    assert of_both.tolist() == [[True, False, True, False, True, False]]
    outputs = cornu.Model([tokens, other], both)(x)
    assert ops.convert_to_numpy(masks.mask_of(outputs)).tolist() == of_both.tolist()


class TemporalSoftmax(layers.Layer):
    """A layer that cannot be called without a mask, also where only the shape of its output is inferred."""

    def call(self, inputs, mask=None):
        assert mask is not None
        weights = ops.exp(inputs) * ops.expand_dims(ops.cast(mask, "float32"), -1)
        return weights / ops.sum(weights, axis=-1, keepdims=True)


def test_a_layer_that_requires_its_mask_receives_one_in_symbolic_calls():
    tokens = cornu.Input((None,), dtype="int32")
    model = cornu.Model(tokens, TemporalSoftmax()(layers.Dense(1)(layers.Embedding(10, 4, mask_zero=True)(tokens))))
    assert model.output_shape == (None, None, 1)
    result = model.predict(np.array([[1, 2, 0]]), verbose=0)
    np.testing.assert_array_equal(result, [[[1], [1], [np.nan]]])


class MaskedSum(layers.Layer):
    """A layer that sums the valid steps of each of its arguments, and that cannot be called without their masks."""

    def call(self, query, value=None, mask=None, query_mask=None, value_mask=None):
        query_mask = mask if value is None else query_mask
        total = ops.sum(query * ops.expand_dims(ops.cast(query_mask, "float32"), -1), axis=1)
        return total if value is None else total + ops.sum(value * ops.expand_dims(ops.cast(value_mask, "float32"), -1), axis=1)


@pytest.mark.parametrize("form", ["sequential", "one mask", "two masks"])
def test_a_model_with_a_layer_that_requires_its_masks_is_trained(form, default_backend):
    """The outputs of the model are inferred again for the shapes of the data, which has the masks too."""
    x = np.array([[1, 2, 0], [3, 0, 0]])
    embedding = layers.Embedding(4, 2, mask_zero=True)
    tokens = cornu.Input((None,), dtype="int32")
    if form == "sequential":
        model = cornu.Sequential([tokens, embedding, MaskedSum()])
    else:
        embedded = embedding(tokens)
        model = cornu.Model(tokens, MaskedSum()(embedded, **{"value": embedded} if form == "two masks" else {}))
    calls = len(embedding.inbound_nodes)
    table = embedding.get_weights()[0]
    expected = np.stack([table[1] + table[2], table[3]]) * (2 if form == "two masks" else 1)

    model.compile(loss="mse")
    np.testing.assert_allclose(model.evaluate(x, np.zeros((2, 2)), verbose=0), np.mean(expected**2), rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)
    model.fit(x, np.zeros((2, 2)), verbose=0)
    assert np.mean(model.predict(x, verbose=0) ** 2) < np.mean(expected**2)
    assert len(embedding.inbound_nodes) == calls


def test_masks_of_symbolic_tensors_in_a_model_of_many_layers():
    x = layers.Embedding(10, 4, mask_zero=True)(cornu.Input((3,), dtype="int32"))
    for _ in range(300):
        x = layers.Add()([x, x])
    assert x._keras_mask.shape == (None, 3)


class First(layers.Layer):
    """Return which masks a call received."""

    def call(self, query, value=None, mask=None, query_mask=None, value_mask=None):
        self.received = [name for name, found in zip("mqv", (mask, query_mask, value_mask), strict=True) if found is not None]
        return query


def test_with_several_arguments_each_mask_has_the_name_of_its_argument():
    masked, plain = embedded(), ops.ones((3, 4, 3))
    layer = First()
    calls = {"m": (masked,), "": (plain,), "q": (masked, plain), "v": (plain, masked), "qv": (masked, masked)}
    for expected, arguments in calls.items():
        layer(*arguments)
        assert "".join(layer.received) == expected
    layer(query=plain, value=[masked, masked])
    assert layer.received == ["v"]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
def test_a_decoder_with_an_initial_state_does_not_see_the_mask_as_in_keras():
    def model_of(k):
        tokens = k.Input((4,), dtype="int32")
        x = k.layers.Embedding(7, 3, mask_zero=True)(tokens)
        _, *states = k.layers.LSTM(2, return_state=True)(x)
        decoded = k.layers.LSTM(2, return_sequences=True)(x, initial_state=states)
        both = k.layers.Bidirectional(k.layers.GRU(2, return_sequences=True))(x, initial_state=[states[0], states[1]])
        return k.Model(tokens, [decoded, both, k.layers.LSTM(2)(decoded)])

    mine, of_keras = model_of(cornu), model_of(keras)
    of_keras.set_weights([np.random.default_rng(0).normal(size=weight.shape) for weight in of_keras.get_weights()])
    mine.set_weights(of_keras.get_weights())
    for found, expected in zip(mine.predict(INDICES, verbose=0), of_keras.predict(INDICES, verbose=0), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
