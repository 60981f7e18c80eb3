"""The public names: they can be named in files, and they are called as Keras's are."""

import inspect
from typing import Any

import pytest

from cornu import layers
from cornu.core.layer import Layer
from cornu.registry import registered
from cornu.serialization import deserialize, serialize

NOT_CORNUS = {"quantization_config", "gptq_unpacked_column_size"}
"""Arguments of Keras's that Cornu does not have: quantization is not supported."""

NOT_IN_FILES = ("Layer", "InputLayer", "InputSpec", "JaxLayer", "FlaxLayer", "TFSMLayer", "TorchModuleWrapper")

CLASSES = [name for name in layers.__all__ if inspect.isclass(getattr(layers, name)) and name not in NOT_IN_FILES]


def test_every_name_is_there() -> None:
    assert [name for name in layers.__all__ if not hasattr(layers, name)] == []
    assert len(set(layers.__all__)) == len(layers.__all__)


@pytest.mark.parametrize("name", CLASSES)
def test_every_layer_may_be_named_in_a_file(name: str) -> None:
    assert registered("layers").get(name) is getattr(layers, name), f"`{name}` has no decorator `@registry.register`"


def with_one_number(default: Any) -> Any:
    """A default as Cornu writes it: one number for all axes."""
    same = isinstance(default, tuple) and all(part == default[0] for part in default)
    return with_one_number(default[0]) if same and default else default


def signature_of(cls: type) -> dict[str, Any]:
    parameters = inspect.signature(cls).parameters
    own = {name: parameter for name, parameter in parameters.items() if parameter.kind is parameter.POSITIONAL_OR_KEYWORD}
    return {name: with_one_number(parameter.default) for name, parameter in own.items() if name not in NOT_CORNUS}


@pytest.mark.parametrize("name", CLASSES)
def test_arguments_order_and_defaults_are_those_of_keras(name: str) -> None:
    import keras

    assert hasattr(keras.layers, name), f"Keras has no layer `{name}`: `cornu.layers` holds Keras's layers only"
    mine, theirs = signature_of(getattr(layers, name)), signature_of(getattr(keras.layers, name))
    if "Average" in name or "Avg" in name:
        theirs["pool_size"] = mine.get("pool_size")  # optional here, as in Keras 2
        theirs = {key: value for key, value in theirs.items() if key in mine}
    assert list(mine.items()) == list(theirs.items())


def test_a_layer_goes_through_the_form_of_a_file() -> None:
    form = serialize(layers.Conv2D(3, 2, name="mine"))
    assert (form["module"], form["class_name"]) == ("keras.layers", "Conv2D")
    assert deserialize(form).kernel_size == (2, 2)


def test_long_module_names_of_keras_are_found() -> None:
    form = serialize(layers.Dense(3)) | {"module": "keras.src.layers.core.dense"}
    assert isinstance(deserialize(form), layers.Dense)


def test_a_users_subclass_keeps_its_own_arguments() -> None:
    class Wide(layers.Dense):
        def __init__(self, width: int, **kwargs: Any):
            super().__init__(units=10 * width, **kwargs)

    layer = Wide(2, activation="relu")
    again = Wide.from_config(layer.get_config())
    assert again.units == 20
    assert again.get_config() == layer.get_config()


def test_a_users_layer_without_a_constructor_has_a_config() -> None:
    class Twice(Layer):
        def call(self, inputs: Any) -> Any:
            return 2 * inputs

    assert Twice.from_config(Twice(name="mine").get_config()).name == "mine"
