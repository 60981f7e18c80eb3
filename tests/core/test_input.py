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
