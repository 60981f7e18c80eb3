"""Where a model begins."""

import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"shape": (28, 28, 1)}, (None, 28, 28, 1)),
        ({"shape": [3]}, (None, 3)),
        ({"shape": ()}, (None,)),
        ({"shape": (None, 3), "batch_size": 8}, (8, None, 3)),
        ({"batch_shape": (2, 3)}, (2, 3)),
    ],
)
def test_shapes_are_those_of_keras(arguments, shape):
    import keras

    assert cornu.Input(**arguments).shape == keras.Input(**arguments).shape == shape


def test_a_bare_number_is_one_axis():
    assert cornu.Input(3).shape == (None, 3)


def test_dtype_and_name_are_kept():
    x = cornu.Input((3,), dtype="int32", name="words")
    assert (x.dtype, x.node.operation.name) == ("int32", "words")


@pytest.mark.parametrize("arguments", [{}, {"shape": (3,), "batch_shape": (None, 3)}])
def test_it_needs_one_of_two_shapes(arguments):
    with pytest.raises(InvalidArgumentError, match="Exactly one of the two must be given"):
        cornu.Input(**arguments)


@pytest.mark.parametrize("shape", [(0,), (-1, 3)])
def test_sizes_are_positive(shape):
    with pytest.raises(InvalidArgumentError, match="Sizes must be positive"):
        cornu.Input(shape)


def test_an_input_layer_is_not_called():
    with pytest.raises(InvalidArgumentError, match="Call the model instead"):
        layers.InputLayer((3,)).call()


def test_its_config_is_that_of_keras():
    import keras

    ours = layers.InputLayer((3,), name="x").get_config()
    theirs = keras.layers.InputLayer((3,), name="x").get_config()
    assert ours == theirs
    assert layers.InputLayer.from_config(theirs).batch_shape == (None, 3)


def test_arguments_that_contradict_each_other_are_refused():
    with pytest.raises(InvalidArgumentError, match="received batch_size=4 and batch_shape=\\(2, 3\\)"):
        cornu.Input(batch_shape=(2, 3), batch_size=4)
    with pytest.raises(InvalidArgumentError, match="received `dtype=int32` and a tensor of shape"):
        cornu.Input(tensor=cornu.Input((3,)), dtype="int32")
    with pytest.raises(InvalidArgumentError, match="received `sparse=True`"):
        cornu.Input((3,), sparse=True)


def test_a_tensor_becomes_the_input():
    a = cornu.Input((3,), name="before")
    again = cornu.Input(tensor=a, name="mine")
    assert again is a and cornu.Model(again, again * 2).cornu_graph.input_names == ["mine"]


def test_the_attributes_are_those_of_keras():
    import keras

    def attributes(module):
        layer = module.layers.InputLayer((3,), name="x", optional=True)
        return layer.batch_shape, layer.sparse, layer.ragged, layer.optional, layer.dtype

    assert attributes(cornu) == attributes(keras)


def test_a_symbolic_tensor_is_reshaped_and_rounded_by_its_methods():
    x = cornu.Input((4, 1))
    assert x.reshape((-1, 2, 2)).shape == (None, 2, 2) and x.squeeze(2).shape == (None, 4) and round(x, 1).shape == x.shape
    for convert in (int, float):
        with pytest.raises(cornu.errors.InvalidTypeError, match="was passed to a function that needs values"):
            convert(x)
