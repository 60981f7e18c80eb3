"""Real Keras as the oracle of layers with vocabularies: outputs, vocabularies, shapes and configs."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import ops


def values_of(outputs: Any) -> np.ndarray:
    """Outputs of either library on NumPy's side; strings as bytes, as TensorFlow returns them."""
    if hasattr(outputs, "numpy"):
        outputs = outputs.numpy()
    found = np.asarray(ops.convert_to_numpy(outputs) if not isinstance(outputs, np.ndarray) else outputs)
    return (
        np.vectorize(lambda s: s.encode() if isinstance(s, str) else s, otypes=[object])(found)
        if found.dtype == object
        else found
    )


def plain(values: list) -> list:
    """A vocabulary of types of Python; Keras returns some of NumPy's."""
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def as_json(config: dict) -> dict:
    """A config as a file holds it. Some of Keras's contain the name of the dtype, and some its policy."""
    config = json.loads(json.dumps({name: value for name, value in config.items() if name != "name"}))
    dtype = config.pop("dtype")
    return {**config, "dtype": dtype if isinstance(dtype, str) else dtype["config"]["name"]}


@pytest.fixture
def like_keras(backend: str, default_backend: str) -> Callable:
    """A function that holds a layer, adapted to data if there is some, against that of Keras on inputs; it returns both."""

    def check(name: str, arguments: dict, inputs: Any, adapt: Any = None) -> tuple:
        ours, theirs = (getattr(library.layers, name)(**arguments) for library in (cornu, keras))
        if adapt is not None:
            for layer in (ours, theirs):
                layer.adapt(adapt)
        if hasattr(theirs, "get_vocabulary"):
            assert plain(ours.get_vocabulary()) == plain(theirs.get_vocabulary())
            assert plain(ours.get_vocabulary(False)) == plain(theirs.get_vocabulary(False))
            assert ours.vocabulary_size() == theirs.vocabulary_size()
        found = ours(inputs)
        with warnings.catch_warnings(action="ignore"):  # of JAX, about 64 bits
            wanted = theirs(inputs)
        if not (backend == "numpy" or "string" in str(getattr(found, "dtype", ""))):
            assert cornu.backends.owner(found) == backend
        values, expected = values_of(found), values_of(wanted)
        assert values.shape == expected.shape
        assert values.dtype.kind == expected.dtype.kind
        np.testing.assert_allclose(values, expected, rtol=1e-6)
        if "dtype" not in arguments:  # Keras writes the default
            own, theirs_config = as_json(ours.get_config()), as_json(theirs.get_config())
            assert {name: own[name] for name in theirs_config} == theirs_config
            assert set(own) - set(theirs_config) <= {"trainable", "sparse"}  # which Keras's class accepts
            again = getattr(keras.layers, name).from_config(json.loads(json.dumps(ours.get_config())))
            assert as_json(again.get_config()).keys() == theirs_config.keys()
        return ours, theirs

    return check
