"""Whether it is noticed that a layer no longer holds what it held."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.core.structure_fingerprint import StructureFingerprint

X = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")


class Blocks(cornu.Model):
    def __init__(self):
        super().__init__()
        self._blocks = [layers.Dense(3)]
        self.more: list = []
        self.named = {"a": {"b": [layers.Dense(3)]}}
        self.rate = 0.5

    def call(self, x):
        for block in [*self._blocks, *self.more, self.named["a"]["b"][0]]:
            x = block(x)
        return x


def replace_in_a_list(model):
    model._blocks[0] = layers.Dense(3)


def replace_deep_inside(model):
    model.named["a"]["b"][0] = layers.Dense(3)


def fill_an_empty_list(model):
    model.more.append(layers.Dense(3))


def set_an_attribute_inside(model):
    model._blocks[0].activation = cornu.activations.relu


CHANGES = [replace_in_a_list, replace_deep_inside, fill_an_empty_list, set_an_attribute_inside]


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_noticed(change):
    model = Blocks()
    model(X)
    before = StructureFingerprint(model)
    model.predict(X, verbose=0)
    before = StructureFingerprint(model)
    assert before.holds()
    change(model)
    assert not before.holds()


@pytest.mark.parametrize("change", CHANGES)
def test_predict_uses_the_layers_that_are_there_now(change):
    model = Blocks()
    model.predict(X, verbose=0)
    change(model)
    found = model.predict(X, verbose=0)
    np.testing.assert_allclose(found, model(X), 1e-5, 1e-6)


def test_training_changes_no_structure():
    model = Blocks()
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    model.predict(X, verbose=0)
    before = StructureFingerprint(model)
    model.predict(X, verbose=0)
    model._blocks[0].kernel.assign(np.zeros((3, 3)))
    assert before.holds()
    model.rate = 0.25  # an attribute of the model itself
    assert StructureFingerprint(model).is_like(before)
