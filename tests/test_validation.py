"""Checks of layers' arguments."""

from typing import Any

import numpy as np
import pytest

from cornu import activations, layers, validation
from cornu.core import batch_coupling
from cornu.errors import InvalidArgumentError, InvalidTypeError

LAYER = layers.Identity(name="mine")


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float32(3), np.uint8(3)])
def test_whole_numbers_of_any_kind_are_whole_numbers(value: Any) -> None:
    found = validation.check_int(LAYER, "n", value)
    assert found == 3 and type(found) is int


@pytest.mark.parametrize("value", [2.5, -1, 0, "3", None, True, [3], float("inf"), float("nan"), np.True_])
def test_other_things_are_no_whole_numbers(value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        validation.check_int(LAYER, "n", value)
    assert f"`Identity` received `n={value!r}`. It must be an integer greater than or equal to 1." in str(raised.value)


def test_the_least_number_can_be_zero() -> None:
    assert validation.check_int(LAYER, "n", 0, least=0) == 0


@pytest.mark.parametrize("value", [2, (2, 2), [2, 2], np.array([2, 2]), 2.0])
def test_one_size_holds_for_all_axes(value: Any) -> None:
    assert validation.check_ints(LAYER, "size", value, 2) == (2, 2)


def test_sizes_of_another_number_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`size=\(1, 2, 3\)`. It must be one integer, or 2 integers, one per"):
        validation.check_ints(LAYER, "size", (1, 2, 3), 2)
    with pytest.raises(InvalidArgumentError, match=r"`size=\(1, 2\)`. It must be one integer\."):
        validation.check_ints(LAYER, "size", (1, 2), 1)


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
