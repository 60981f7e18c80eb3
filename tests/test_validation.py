"""Checks of layers' arguments."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import activations, callbacks, dtypes, layers, ops, validation
from cornu.core import batch_coupling
from cornu.core.seed_generator import SeedGenerator
from cornu.errors import InvalidArgumentError, InvalidTypeError

LAYER = layers.Identity(name="mine")


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_integers_of_any_kind_are_integers(value: Any) -> None:
    found = validation.check_int(LAYER, "n", value)
    assert found == 3 and type(found) is int


@pytest.mark.parametrize("value", [2.5, 3.0, np.float32(3), -1, 0, "3", None, True, [3], float("inf"), float("nan"), np.True_])
def test_other_things_are_no_integers(value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        validation.check_int(LAYER, "n", value)
    assert f"`Identity` received `n={value!r}`. It must be an integer greater than or equal to 1." in str(raised.value)


def test_integers_are_recognized() -> None:
    """A large one, too, which NumPy cannot hold."""
    assert all(map(validation.is_int, [0, -1, np.int64(3), np.uint8(3), 10**400]))
    assert not any(map(validation.is_int, [True, np.True_, 3.0, np.float32(3), "3", None, [3]]))
    assert validation.is_int(np.float32(3), allow_float=True) and not validation.is_int(3.5, allow_float=True)
    assert not validation.is_int(True, allow_float=True)
    assert validation.check_int("fit", "epochs", 10**400) == 10**400


def test_a_function_can_be_the_owner_and_refuse_floats() -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        validation.check_int("fit", "epochs", 3.0, example=10)
    assert str(raised.value) == (
        "`fit` received `epochs=3.0`. It must be an integer greater than or equal to 1. "
        "Pass, for example, `epochs=3`, or check the order of the arguments."
    )
    with pytest.raises(InvalidArgumentError, match="Pass, for example, `epochs=10`,"):
        validation.check_int("fit", "epochs", "3", example=10)


def integer_arguments() -> dict[str, Callable[[Any], Any]]:
    """Every kind of place that takes an integer, as a function of the argument."""
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    return {
        "layer": layers.Dense,
        "fit": lambda value: model.fit(x, y, epochs=value, verbose=0),
        "batch size of predict": lambda value: model.predict(x, batch_size=value, verbose=0),
        "micro-batches": lambda value: model.compile("sgd", "mse", micro_batch_size=value),
        "checkpoint": lambda value: callbacks.ModelCheckpoint("a.keras", save_freq=value),
        "op": lambda value: ops.max_pool(np.ones((1, 6, 6, 1), "float32"), value),
        "seed": SeedGenerator,
    }


PLACES = ["layer", "fit", "batch size of predict", "micro-batches", "checkpoint", "op", "seed"]


@pytest.mark.parametrize("place", PLACES)
def test_python_and_numpy_integers_are_accepted_everywhere(place: str) -> None:
    function = integer_arguments()[place]
    for value in (3, np.int64(3), np.int32(3)):
        function(value)


@pytest.mark.parametrize("value", [True, np.True_, 3.5, "3"])
@pytest.mark.parametrize("place", PLACES)
def test_booleans_and_fractions_are_refused_everywhere(place: str, value: Any) -> None:
    with pytest.raises((InvalidArgumentError, InvalidTypeError)):
        integer_arguments()[place](value)


def test_the_least_number_can_be_zero() -> None:
    assert validation.check_int(LAYER, "n", 0, least=0) == 0


@pytest.mark.parametrize("value", [2, (2, 2), [2, 2], np.array([2, 2])])
def test_one_size_holds_for_all_axes(value: Any) -> None:
    assert validation.check_ints(LAYER, "size", value, 2) == (2, 2)


def test_sizes_of_another_number_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`size=\(1, 2, 3\)`. It must be one integer, or 2 integers, one per"):
        validation.check_ints(LAYER, "size", (1, 2, 3), 2)
    with pytest.raises(InvalidArgumentError, match=r"`size=\(1, 2\)`. It must be one integer\."):
        validation.check_ints(LAYER, "size", (1, 2), 1)


@pytest.mark.parametrize("value, wrong", [((1, 0), 0), ("2", "2"), (None, None), ((True, 1), True), (1.5, 1.5)])
def test_a_size_that_is_no_positive_integer_is_named(value: Any, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        validation.check_ints("conv", "strides", value, 2)
    assert str(caught.value) == (
        f"`conv` received `strides={wrong!r}`. It must be an integer greater than or equal to 1. "
        "Pass, for example, `strides=1`, or check the order of the arguments."
    )


@pytest.mark.parametrize(
    "value, pairs",
    [(1, ((1, 1), (1, 1))), ((1, 2), ((1, 1), (2, 2))), ([[0, 1], [2, 3]], ((0, 1), (2, 3))), (0, ((0, 0), (0, 0)))],
)
def test_margins_are_pairs_in_the_end(value: Any, pairs: tuple) -> None:
    assert validation.check_margins(LAYER, "padding", value, 2) == pairs


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.25)])
def test_a_rate_is_a_part(value: Any) -> None:
    assert validation.check_fraction(LAYER, value) == value


@pytest.mark.parametrize("value", [-0.5, 1, 1.5, "half", None])
def test_other_rates_are_refused(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"It must be in \[0, 1\)"):
        validation.check_fraction(LAYER, value)


@pytest.mark.parametrize("value, found", [(1, 1), (np.int64(-1), -1), ((1, 2), [1, 2]), ([3], [3])])
def test_axes_are_numbers_or_lists(value: Any, found: Any) -> None:
    assert validation.check_axes(LAYER, value) == found


@pytest.mark.parametrize("value", ["last", None, 1.5, True, {"axis": 1}])
def test_other_things_are_no_axes(value: Any) -> None:
    with pytest.raises(InvalidTypeError, match="It must be an integer or a list of integers"):
        validation.check_axes(LAYER, value)


def test_cornus_activations_treat_samples_alone() -> None:
    assert batch_coupling.coupling_of_function(activations.softmax) == "none"
    assert batch_coupling.coupling_of_function(activations.get(None)) == "none"
    assert batch_coupling.coupling_of_function(layers.PReLU()) == "none"
    assert batch_coupling.coupling_of_function(lambda x: x) == "unknown"


NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32"}
"""Dtypes of 64 bits, which Keras has on other engines than JAX only, and what they are there."""


@pytest.mark.parametrize("second", [*dtypes.ALL, int, float, None])
def test_the_result_type_is_that_of_keras(second):
    for first in (*dtypes.ALL, int, float, None):
        found = validation.result_type(first, second)
        assert NARROW.get(found, found) == keras.backend.result_type(first, second), first


@pytest.mark.parametrize("given", [(), ("bool",), (int,), (float,), ("int8", "uint8", float), ("uint64", "int8", "float16")])
def test_the_result_type_of_any_number_of_dtypes_is_that_of_keras(given):
    assert validation.result_type(*given) == keras.backend.result_type(*given)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float64"])
def test_results_of_64_bits_stay(dtype):
    assert (
        validation.result_type(dtype)
        == validation.result_type(dtype, "bool")
        == validation.result_type("uint8", dtype)
        == dtype
    )


@pytest.mark.parametrize("dtype", [*dtypes.ALL, np.float32, np.dtype("uint8"), int, float, None])
def test_kinds_of_dtypes_are_those_of_keras(dtype):
    assert validation.is_float_dtype(dtype) == keras.backend.is_float_dtype(dtype)
    assert validation.is_int_dtype(dtype) == keras.backend.is_int_dtype(dtype)


def test_an_option_is_accepted() -> None:
    assert validation.check_option("side", "left", ("left", "right")) == "left"


def test_another_option_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`side='lefft'` was given.*Did you mean 'left'\?"):
        validation.check_option("side", "lefft", ("left", "right"))


def test_the_error_of_an_invalid_value_has_three_parts() -> None:
    error = validation.invalid_value("SGD", "momentum", 2, "a number between 0 and 1", 0.9)
    assert error.received == "`SGD` received `momentum=2`."
    assert error.expected == "It must be a number between 0 and 1."
    assert error.hint == "Pass, for example, `momentum=0.9`."


@pytest.mark.parametrize("value", [0, 0.5, 1, np.float32(0.5)])
def test_a_number_between_0_and_1_is_returned(value: Any) -> None:
    assert validation.check_between(LAYER, "momentum", value) is value


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), None, "0.5"])
def test_other_values_are_not_between_0_and_1(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"It must be a number between 0 and 1\. Pass"):
        validation.check_between(LAYER, "momentum", value)


@pytest.mark.parametrize("value", [0, 1.0])
def test_the_ends_can_be_invalid(value: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"between 0 and 1, not 0, not 1\. Pass"):
        validation.check_between(LAYER, "q", value, without=(0, 1))


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_what_is_not_positive_is_refused(value: float) -> None:
    with pytest.raises(InvalidArgumentError, match="a positive number"):
        validation.check_positive(LAYER, "decay_steps", value, 1000)
