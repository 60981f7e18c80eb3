"""What layers declare about themselves, compared with what they do, and how training uses a custom layer."""

import warnings

import numpy as np
import pytest

import cornu
from cornu import activations, layers
from cornu.errors import DataError, InvalidArgumentError
from cornu.layers import Layer

RNG = np.random.default_rng(0)
IMAGES = (RNG.random((5, 8, 8, 3)) * 255).astype("float32")
IMAGES[0, 0, 0] = [0, 100, 255]

PRESERVING = {
    "Flatten": (layers.Flatten(), (4, 4, 2)),
    "Permute": (layers.Permute((2, 1)), (4, 3)),
    "RepeatVector": (layers.RepeatVector(3), (4,)),
    "ZeroPadding2D": (layers.ZeroPadding2D(), (4, 4, 2)),
    "Cropping1D": (layers.Cropping1D(1), (5, 2)),
    "UpSampling2D": (layers.UpSampling2D(2, interpolation="bilinear"), (4, 4, 2)),
    "MaxPooling2D": (layers.MaxPooling2D(), (4, 4, 2)),
    "AveragePooling1D": (layers.AveragePooling1D(2, padding="same"), (5, 2)),
    "GlobalAveragePooling2D": (layers.GlobalAveragePooling2D(), (4, 4, 2)),
    "GlobalMaxPooling1D": (layers.GlobalMaxPooling1D(), (5, 2)),
    "Dropout": (layers.Dropout(0.5), (6,)),
    "Identity": (layers.Identity(), (6,)),
    "Masking": (layers.Masking(), (5, 2)),
    "ActivityRegularization": (layers.ActivityRegularization(1.0), (6,)),
    "TimeDistributed": (layers.TimeDistributed(layers.MaxPooling1D()), (3, 4, 2)),
}


@pytest.mark.parametrize("name", PRESERVING)
def test_a_layer_that_preserves_the_range_does(name):
    layer, shape = PRESERVING[name]
    assert layer.cornu_preserves_value_range
    x = RNG.uniform(0, 255, (3, *shape)).astype("float32")
    outputs = np.asarray(layer.to_backend("numpy")(x))
    assert outputs.min() >= 0 and outputs.max() <= x.max() * (1 + 1e-6)


CHANGING = [layers.Dense(2), layers.Conv1D(2, 1), layers.Rescaling(2.0), layers.Activation("relu"), layers.Softmax()]


@pytest.mark.parametrize("layer", CHANGING, ids=lambda layer: type(layer).__name__)
def test_a_layer_that_computes_does_not_say_so(layer):
    assert not layer.cornu_preserves_value_range


FIXED = {
    "Dense": (layers.Dense(2), (4,), -1),
    "Conv2D": (layers.Conv2D(2, 3), (5, 5, 3), -1),
    "Conv2D channels first": (layers.Conv2D(2, 3, data_format="channels_first"), (3, 5, 5), 1),
    "DepthwiseConv2D": (layers.DepthwiseConv2D(3), (5, 5, 3), -1),
    "TimeDistributed": (layers.TimeDistributed(layers.Conv1D(2, 3, data_format="channels_first")), (4, 3, 5), 2),
}


@pytest.mark.parametrize("name", FIXED)
def test_the_channel_axis_is_the_one_whose_size_cannot_change(name):
    layer, shape, axis = FIXED[name]
    assert layer.cornu_channel_axis == axis
    layer = layer.to_backend("numpy")
    layer(np.ones((2, *shape), "float32"))
    other = list((2, *shape))
    other[axis] += 1
    with pytest.raises(ValueError, match=r"built|channels|features"):
        layer(np.ones(other, "float32"))


def test_the_activation_is_that_at_the_end():
    for layer in (layers.Dense(2, "tanh"), layers.Conv1D(2, 1, activation="tanh"), layers.Activation("tanh")):
        assert layer.cornu_output_activation is activations.tanh
        assert layers.TimeDistributed(layer).cornu_output_activation is activations.tanh
    assert layers.Softmax().cornu_output_activation is activations.softmax
    assert layers.Flatten().cornu_output_activation is None


def test_an_embedding_accepts_what_it_has_rows_for():
    assert layers.Embedding(7, 2).cornu_largest_index == 6
    assert layers.TimeDistributed(layers.Embedding(7, 2)).cornu_largest_index == 6


# --- Custom layers ----------------------------------------------------------------------------------------------------


class Plain(Layer):
    def call(self, inputs):
        return inputs


class Mirrored(Plain):
    cornu_preserves_value_range = True


class Weighed(Plain):
    cornu_input_value_range = (-1.0, 1.0)


class SelfScaling(Plain):
    cornu_input_value_range = (0.0, 255.0)


class Standardized(Plain):
    cornu_normalizes_values = True


class Table(Plain):
    cornu_largest_index = 9


class Chosen(Layer):
    """Returns the index of the largest value."""

    cornu_output_dtype = "int32"

    def call(self, inputs):
        return cornu.ops.cast(cornu.ops.argmax(inputs, axis=-1), "int32")

    def compute_output_shape(self, input_shape):
        return input_shape[:-1]


def warnings_of(*stack):
    model = cornu.Sequential([cornu.Input((8, 8, 3)), *stack]).to_backend("numpy")
    model.compile("sgd", "mse")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(IMAGES, np.zeros((5, *model.output_shape[1:])), epochs=0, verbose=0)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("stack", [[Weighed()], [Mirrored(), Weighed()], [Mirrored(), layers.Conv2D(1, 3)]])
def test_unscaled_images_are_found_in_front_of_layers_of_ones_own(stack):
    assert ["the model does not scale them" in text for text in warnings_of(*stack)] == [True]


@pytest.mark.parametrize("stack", [[SelfScaling()], [Weighed(), Standardized()], [Plain(), layers.Conv2D(1, 3)]])
def test_no_warning_where_a_layer_takes_care_or_nothing_is_known(stack):
    assert warnings_of(*stack) == []


def test_indices_are_checked_for_a_table_of_ones_own_also_in_a_nested_model():
    inner = cornu.Sequential([cornu.Input((3,), dtype="int32"), Table(name="words")])
    model = cornu.Sequential([cornu.Input((3,), dtype="int32"), inner]).to_backend("numpy")
    x = np.zeros((4, 3), "int32")
    model.predict(x, verbose=0)
    x[2, 1] = 10
    with pytest.raises(DataError, match=r"the value 10 in sample 2, at \[1\]. The layer 'words' \(`Table`\) .* from 0 to 9"):
        model.predict(x, verbose=0)


def test_one_unit_of_softmax_is_found_in_a_wrapper():
    model = cornu.Sequential([cornu.Input((3, 4)), layers.TimeDistributed(layers.Dense(1, "softmax"))]).to_backend("numpy")
    model.compile("sgd", "mse")
    with pytest.raises(InvalidArgumentError, match="one unit with softmax"):
        model.fit(np.ones((2, 3, 4)), np.ones((2, 3, 1)), verbose=0)


def test_a_function_that_a_layer_keeps_for_itself_is_not_taken_for_its_output():
    class Attending(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.activation = activations.softmax

        def call(self, inputs):
            return cornu.ops.sum(self.activation(inputs) * inputs, axis=-1, keepdims=True)

    model = cornu.Sequential([cornu.Input((4,)), Attending()]).to_backend("numpy")
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 1)), verbose=0)


def test_the_symbolic_dtype_is_the_one_that_a_layer_declares():
    outputs = Chosen()(cornu.Input((4,)))
    assert outputs.dtype == "int32" and outputs.shape == (None,)
    assert layers.TimeDistributed(Chosen())(cornu.Input((3, 4))).dtype == "int32"


def test_a_subclass_may_declare_by_attribute_or_property():
    layer = Plain()
    layer.cornu_largest_index = 3
    assert layer.cornu_largest_index == 3 and Plain().cornu_largest_index is None
