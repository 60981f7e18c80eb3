"""Names of symbolic tensors: unique, and the same for the same model built again, as those of real Keras."""

import copy
import pickle
import re
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import layers, ops, utils
from cornu.errors import InvalidArgumentError


def model_of(k: ModuleType) -> tuple[Any, list]:
    x = k.Input((3,), name="x")
    hidden = k.layers.Dense(4, name="hidden")(x)
    doubled = hidden * 2.0
    one, two = k.layers.Dense(2, name="one")(doubled), k.layers.Dense(1, name="two")(doubled)
    return k.Model(x, [one, two]), [x, hidden, doubled, one, two]


def test_tensors_have_names_of_their_own() -> None:
    names = [tensor.name for tensor in model_of(cornu)[1]]
    assert names[0] == "x" and len(set(names)) == 5
    assert all(re.fullmatch(r"keras_tensor(_\d+)?", name) for name in names[1:])


def test_the_first_names_are_those_of_keras() -> None:
    utils.clear_session()
    keras.utils.clear_session()
    tensors = {k.__name__: [k.KerasTensor((None, 3)) for _ in range(3)] for k in (cornu, keras)}
    names = {name: [tensor.name for tensor in found] for name, found in tensors.items()}
    assert names["cornu"] == names["keras"] == ["keras_tensor", "keras_tensor_1", "keras_tensor_2"]


def test_a_model_that_is_built_again_has_the_same_names() -> None:
    def names() -> tuple[list, ...]:
        utils.clear_session()
        model, tensors = model_of(cornu)
        model.predict(np.zeros((2, 3)), verbose=0)  # evaluates shapes with tensors that take no name
        return [tensor.name for tensor in tensors], [(layers.Dense(2)(model.outputs[0])).name], model.output_names

    assert names() == names()


def test_names_of_inputs_and_outputs_are_those_of_keras() -> None:
    found = [model_of(k)[0] for k in (cornu, keras)]
    assert found[0].inputs[0].name == found[1].inputs[0].name == "x"
    assert found[0].output_names == found[1].output_names == ["one", "two"]


def test_a_description_takes_a_name_when_it_is_read_and_keeps_it() -> None:
    tensor = cornu.KerasTensor((None, 3))
    assert tensor.name == tensor.name
    tensor.name = "mine"
    assert tensor.name == "mine" and cornu.KerasTensor((2,), name="other").name == "other"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda tensor: pickle.loads(pickle.dumps(tensor))])
def test_copies_keep_the_name(copied: Any) -> None:
    tensor = ops.exp(cornu.Input((3,)))
    assert copied(tensor).name == tensor.name


def test_a_tensor_is_made_with_the_arguments_of_keras_and_is_dense() -> None:
    like = cornu.Input((3,))
    made = cornu.KerasTensor(like.shape, "float16", sparse=like.sparse, ragged=like.ragged, name="mine")
    assert (made.shape, made.dtype, made.name) == ((None, 3), "float16", "mine")
    for argument in ("sparse", "ragged"):
        with pytest.raises(InvalidArgumentError) as raised:
            cornu.KerasTensor((2,), **{argument: True})
        expected = f"Cornu has no {argument} arrays. Omit `{argument}` and pass dense arrays."
        assert str(raised.value) == f"`KerasTensor` received `{argument}=True`. {expected}"
