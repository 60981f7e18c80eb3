"""The values of all variables as nested dicts: what real Keras returns, and what goes back into a model."""

import keras
import numpy as np
import pytest

import cornu
from cornu.errors import InvalidArgumentError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 4)).astype("float32"), RNG.normal(size=(8, 2)).astype("float32")


def trained(library):
    inner = library.Sequential([library.Input((4,)), library.layers.Dense(3, name="d")], name="inner")
    stack = [library.Input((4,)), inner, library.layers.BatchNormalization(name="norm"), library.layers.Dense(2, name="head")]
    model = library.Sequential(stack, name="outer")
    model.compile(library.optimizers.SGD(0.1, momentum=0.9), "mse")
    model.fit(X, Y, verbose=0)
    return model


def paths(tree, prefix=""):
    """The shape of each array by its path."""
    found = {}
    for name, value in tree.items():
        found |= paths(value, f"{prefix}{name}/") if isinstance(value, dict) else {f"{prefix}{name}": tuple(value.shape)}
    return found


def test_the_keys_and_shapes_are_those_of_keras():
    assert paths(trained(cornu).get_state_tree("numpy_array")) == paths(trained(keras).get_state_tree())


def test_the_values_are_those_of_the_variables(default_backend):
    model = trained(cornu)
    tree = model.get_state_tree()["trainable_variables"]["outer"]["head"]["kernel"]
    assert cornu.backends.owner(tree) == default_backend
    numpy = model.get_state_tree("numpy_array")["trainable_variables"]["outer"]["head"]["kernel"]
    np.testing.assert_array_equal(numpy, model.get_layer("head").kernel.numpy())


def test_a_tree_goes_back_into_a_model(default_backend):
    model, twin = trained(cornu), trained(cornu)
    twin.optimizer = cornu.optimizers.SGD(0.5, momentum=0.9, name=model.optimizer.name)
    twin.optimizer.build(twin.trainable_variables)
    twin.set_state_tree(model.get_state_tree("numpy_array"))
    for mine, wanted in zip(
        [*twin.variables, *twin.optimizer.variables], [*model.variables, *model.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(mine.numpy(), wanted.numpy())
    twin.set_state_tree({"trainable_variables": {"outer": {"head": {"bias": np.float32([5, 6])}}}})
    assert twin.get_layer("head").bias.numpy().tolist() == [5, 6]


def test_a_key_that_is_none_of_the_four_is_refused_and_changes_nothing():
    model = trained(cornu)
    before = model.get_weights()
    with pytest.raises(InvalidArgumentError, match=r"state_tree='weights'.*trainable_variables"):
        model.set_state_tree({"trainable_variables": {"outer": {"head": {"bias": np.float32([5, 6])}}}, "weights": {}})
    for mine, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_values_of_unknown_paths_are_ignored_as_in_keras_with_a_warning():
    tree = {"trainable_variables": {"outer": {"haed": {"bias": np.ones(2)}, "head": {"bias": np.float32([5, 6])}}}}
    with pytest.warns(UserWarning, match="'outer/haed/bias' and 0 others, which 'outer' does not have"):
        (model := trained(cornu)).set_state_tree(tree)
    assert model.get_layer("head").bias.numpy().tolist() == [5, 6]


def test_a_wrong_format_and_a_path_that_comes_twice_are_told():
    with pytest.raises(InvalidArgumentError, match=r"value_format='torch'.*'backend_tensor', 'numpy_array'"):
        trained(cornu).get_state_tree("torch")

    class Twice(cornu.Model):
        def __init__(self):
            super().__init__(name="twice")
            self.a, self.b = cornu.layers.Dense(1, name="d"), cornu.layers.Dense(1, name="d")

        def call(self, x):
            return self.a(x) + self.b(x)

    model = Twice()
    model(X)
    with pytest.raises(InvalidArgumentError, match="Two variables have the path 'twice/d/kernel'"):
        model.get_state_tree()
