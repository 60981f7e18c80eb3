"""Functions as layers: their calls, shapes and configs."""

import json
from typing import Any

import numpy as np
import pytest

from cornu import Input, layers, ops
from cornu.errors import UnsafeModelError
from cornu.registry import custom_object_scope


def test_a_lambda_is_its_function(backend: str) -> None:
    layer = layers.Lambda(lambda x, factor: x * factor, arguments={"factor": 3.0}).to_backend(backend)
    assert np.asarray(layer(np.array([[1.0, 2.0]]))).tolist() == [[3.0, 6.0]]


def test_a_lambda_is_told_training() -> None:
    layer = layers.Lambda(lambda x, training=None: x * 0 if training else x)
    x = np.array([1.0])
    assert layer(x, training=True).tolist() == [0.0]
    assert np.asarray(layer(x)).tolist() == [1.0]


def test_a_lambda_finds_its_output_shape() -> None:
    assert layers.Lambda(lambda x: x[:, :2])(Input((5, 3))).shape == (None, 2, 3)


def test_a_lambda_can_be_told_its_output_shape() -> None:
    assert layers.Lambda(lambda x: x, output_shape=(7,))(Input((5,))).shape == (None, 7)
    assert layers.Lambda(lambda x: x, output_shape=lambda shape: (*shape, 2))(Input((5,))).shape == (None, 5, 2)


def double_it(x: Any) -> Any:
    return ops.multiply(x, 2)


def test_a_named_function_comes_back_from_the_config() -> None:
    config = json.loads(json.dumps(layers.Lambda(double_it).get_config()))
    with custom_object_scope({"double_it": double_it}):
        assert layers.Lambda.from_config(config).function is double_it


def test_a_python_lambda_is_never_made_from_a_config() -> None:
    config = json.loads(json.dumps(layers.Lambda(lambda x: x, name="mine").get_config()))
    with pytest.raises(UnsafeModelError, match=r"'mine' is a Python `lambda`.*custom_objects=\{'mine': .*load_weights"):
        layers.Lambda.from_config(config)


def test_a_lambda_as_keras_writes_it_is_never_run() -> None:
    form = {"class_name": "__lambda__", "config": {"code": "x", "defaults": None, "closure": None}}
    with pytest.raises(UnsafeModelError, match="running code"):
        layers.Lambda.from_config({"name": "theirs", "function": form, "arguments": {}})


@pytest.mark.parametrize("safe_mode", [None, True, False])
def test_a_python_lambda_is_not_restored_from_a_config(safe_mode: bool | None) -> None:
    config = layers.Lambda(lambda x: x + 1).get_config()
    with pytest.raises(UnsafeModelError, match="is a Python `lambda`"):
        layers.Lambda.from_config(config, safe_mode=safe_mode)


def test_a_function_is_found_among_custom_objects() -> None:
    def shifted(x: Any) -> Any:
        return x + 1

    layer = layers.Lambda.from_config(layers.Lambda(shifted).get_config(), custom_objects={"shifted": shifted})
    assert np.asarray(layer(np.ones(1))).tolist() == [2.0]
