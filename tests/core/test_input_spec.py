"""Specifications of inputs: what they accept, as real Keras's do, and what they say."""

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

SPECS = {
    "ndim": {"ndim": 2},
    "min_ndim": {"min_ndim": 3},
    "max_ndim": {"max_ndim": 1},
    "axes": {"axes": {-1: 3}},
    "far axis": {"axes": {2: 4}},
    "shape": {"shape": (None, 3)},
    "squeezed": {"shape": (None, 3, 1), "allow_last_axis_squeeze": True},
    "dtype": {"dtype": "float16"},
}

SHAPES = [(2, 3), (2, 4), (2, 3, 1), (2, 3, 4), (5,)]


def accepts(module, spec, shape):
    class Plain(module.layers.Layer):
        def __init__(self):
            super().__init__()
            self.input_spec = module.layers.InputSpec(**spec)

        def call(self, inputs):
            return inputs

    try:
        Plain()(np.ones(shape, "float32"))
    except (ValueError, IndexError):
        return False
    return True


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SPECS)
def test_a_specification_accepts_what_that_of_keras_accepts(name, shape):
    assert accepts(cornu, SPECS[name], shape) == accepts(keras, SPECS[name], shape)


@pytest.mark.parametrize("name", SPECS)
def test_the_config_and_text_are_those_of_keras(name):
    ours, theirs = layers.InputSpec(**SPECS[name]), keras.layers.InputSpec(**SPECS[name])
    assert ours.get_config() == theirs.get_config() and repr(ours) == repr(theirs)
    assert layers.InputSpec.from_config(ours.get_config()).get_config() == ours.get_config()


class Checked(layers.Layer):
    def __init__(self, spec, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = spec

    def call(self, inputs):
        return inputs if hasattr(inputs, "shape") else next(iter(inputs.values()))


def test_an_error_names_the_layer_the_shape_and_the_requirement():
    with pytest.raises(ShapeError) as raised:
        Checked(layers.InputSpec(ndim=2), name="mine")(np.ones((2, 2, 2)))
    assert str(raised.value) == (
        "The input of the layer 'mine' has 3 axes, shape (2, 2, 2). Its `input_spec` requires ndim=2. Reshape the input."
    )


def test_symbolic_inputs_are_checked_and_unknown_sizes_fit():
    layer = Checked(layers.InputSpec(shape=(None, 3)))
    assert layer(cornu.Input((None,))).shape == (None, None)
    with pytest.raises(ShapeError, match=r"requires shape=\(None, 3\)"):
        layer(cornu.Input((4,)))


def test_a_specification_that_build_sets_is_checked_in_the_first_call_too(backend):
    class Built(layers.Layer):
        def build(self, input_shape):
            self.input_spec = layers.InputSpec(axes={-1: 5})

        def call(self, inputs):
            return inputs

    with pytest.raises(ShapeError, match="requires the size 5 on axis -1"):
        Built().to_backend(backend)(np.ones((2, 3)))


def test_specifications_with_names_check_a_dict_by_name():
    specs = [layers.InputSpec(ndim=3, name="b"), layers.InputSpec(ndim=2, name="a")]
    layer = Checked(specs, name="mine")
    layer({"a": np.ones((2, 2)), "b": np.ones((2, 2, 2))})
    with pytest.raises(ShapeError, match="The input 'b' of the layer 'mine' has 2 axes"):
        layer({"a": np.ones((2, 2)), "b": np.ones((2, 2))})
    with pytest.raises(InvalidArgumentError, match=r"inputs named \['a', 'c'\]\. Its `input_spec` names \['b', 'a'\]"):
        layer({"a": np.ones((2, 2)), "c": np.ones((2, 2))})


def test_the_number_of_inputs_is_checked():
    with pytest.raises(ShapeError, match=r"received 1 inputs\. Its `input_spec` describes 2"):
        Checked([layers.InputSpec(ndim=2), layers.InputSpec(ndim=2)])(np.ones((2, 2)))


def test_a_dtype_is_checked():
    with pytest.raises(
        InvalidArgumentError, match=r"has the dtype float32\. .*requires dtype=int32\. .*`ops\.cast\(x, 'int32'\)`"
    ):
        Checked(layers.InputSpec(dtype="int32"))(np.ones((2, 2), "float32"))


def test_impossible_axes_are_refused():
    with pytest.raises(InvalidTypeError, match=r"`axes=\{'a': 3\}`\. It must be a dict from an axis"):
        layers.InputSpec(axes={"a": 3})
    with pytest.raises(InvalidArgumentError, match=r"The largest axis is 1"):
        layers.InputSpec(ndim=2, axes={2: 3})


def test_a_functional_model_tells_the_shapes_of_its_inputs_as_in_keras():
    def specs(module):
        a, b = module.Input((3,), name="b"), module.Input((4, 5), name="a", optional=True)
        model = module.Model({"b": a, "a": b}, module.layers.Dense(2)(a))
        return [(spec.shape, spec.name, spec.optional, spec.allow_last_axis_squeeze) for spec in model.input_spec]

    assert specs(cornu) == specs(keras)
