import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.registry import registered, to_snake_case
from cornu.saving import weight_paths
from cornu.saving.weight_paths import variable_groups

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras


def paths_in(file):
    """Path to shape of all arrays that a model file holds."""
    found = {}
    with zipfile.ZipFile(file) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as root:
        root.visititems(lambda path, item: found.update({path: item.shape}) if isinstance(item, h5py.Dataset) else None)
    return found


def names_in(file):
    """Path to the name that is noted there."""
    found = {}
    with zipfile.ZipFile(file) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as root:
        root.visititems(lambda path, item: found.update({path: True}) if "name" in item.attrs else None)
    return found


def test_paths_and_shapes_are_those_of_keras(example, tmp_path):
    keras_file, cornu_file = tmp_path / "keras.keras", tmp_path / "cornu.keras"
    example(keras).save(keras_file)
    example(cornu).save(cornu_file)
    assert paths_in(cornu_file) == paths_in(keras_file)
    assert names_in(cornu_file) == names_in(keras_file)


def parts(k):
    """A subclassed model that keeps layers in all the ways there are, the same code for Cornu and Keras."""

    class Block(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = k.layers.Dense(3)

        def build(self, input_shape):
            self.shift = self.add_weight(shape=(2,), trainable=False, name="shift")
            self.factor = self.add_weight(shape=(4,), name="factor")
            self.inner.build(input_shape)

        def call(self, inputs):
            return self.inner(inputs)

    class Parts(k.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.zebra = k.layers.Dense(3)
            self.blocks = [Block(), k.layers.Dense(3), k.layers.Dense(3), [k.layers.Dense(3)]]
            self.named = {"one": k.layers.Dense(3), "two": k.layers.BatchNormalization()}
            self.alias = self.zebra
            self._private = k.layers.Dense(3)
            self.stack = k.Sequential([k.layers.Dense(3)])

        @property
        def beginning(self):
            return self.zebra

        def call(self, x):
            x = self.zebra(x)
            for block in [*self.blocks[:3], self.blocks[3][0], *self.named.values(), self._private, self.stack]:
                x = block(x)
            return x

    return Parts


def built(k, kind):
    model = kind(name="parts")
    model(np.ones((2, 3), "float32"))
    return model


def test_a_subclassed_models_paths_are_those_of_keras(tmp_path):
    for k, name in ((keras, "keras"), (cornu, "cornu")):
        model = built(k, parts(k))
        model.compile("sgd", "mse")
        model.fit(np.ones((2, 3), "float32"), np.ones((2, 3), "float32"), verbose=0)
        model.save(tmp_path / f"{name}.keras")
    found, expected = (paths_in(tmp_path / f"{name}.keras") for name in ("cornu", "keras"))
    assert found == expected
    assert "alias/vars/0" in found  # the first of an object's names in the order of the alphabet


def test_every_owner_has_one_place():
    places = variable_groups(built(cornu, parts(cornu)))
    assert len({id(place.owner) for place in places}) == len({place.path for place in places}) == len(places)


def test_paths_do_not_depend_on_the_file_of_the_base_classes(monkeypatch):
    model = built(cornu, parts(cornu))
    before = [place.path for place in variable_groups(model)]
    weight_paths._base_class_names.cache_clear()
    for base in type(model).__mro__[1:-1]:
        monkeypatch.setattr(base, "__module__", "cornu.another.file")
    assert [place.path for place in variable_groups(model)] == before


def test_attributes_that_raise_are_passed_over():
    class Odd(layers.Layer):
        @property
        def secret(self):
            raise RuntimeError("not now")

    assert [place.path for place in variable_groups(Odd())] == [""]


def test_class_names_in_lists_are_written_as_keras_writes_them():
    keras_snake = keras.src.utils.naming.to_snake_case
    assert all(to_snake_case(kind.__name__) == keras_snake(kind.__name__) for kind in registered("layers").values())
