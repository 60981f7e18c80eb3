"""Layers that take several tensors: against real Keras, their masks, and what they say to mistakes."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import Input, layers
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.testing.layer_checks import check_layer

TWO, THREE = [(2, 3, 4), (2, 3, 4)], [(2, 3), (2, 3), (2, 3)]
AGAINST_KERAS = {
    "add": ("Add", {}, THREE),
    "add with repetition": ("Add", {}, [(2, 3, 4), (2, 1, 4)]),
    "add other ranks": ("Add", {}, [(2, 4), (2, 3, 4)]),
    "subtract": ("Subtract", {}, TWO),
    "multiply": ("Multiply", {}, THREE),
    "average": ("Average", {}, THREE),
    "maximum": ("Maximum", {}, THREE),
    "minimum": ("Minimum", {}, TWO),
    "concatenate": ("Concatenate", {}, [(2, 3, 4), (2, 3, 1), (2, 3, 2)]),
    "concatenate on axis 1": ("Concatenate", {"axis": 1}, [(2, 3, 4), (2, 1, 4)]),
    "dot of vectors": ("Dot", {"axes": 1}, [(3, 4), (3, 4)]),
    "dot of sequences": ("Dot", {"axes": -1}, [(2, 3, 4), (2, 5, 4)]),
    "dot along two axes": ("Dot", {"axes": (1, 2)}, [(2, 3, 4), (2, 5, 3)]),
    "dot of a vector and a sequence": ("Dot", {"axes": (1, 2), "normalize": True}, [(2, 4), (2, 5, 4)]),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot"])
def test_there_is_a_function_for_each(name: str, backend: str) -> None:
    a, b = (np.random.default_rng(seed).normal(size=(2, 3)).astype("float32") for seed in (0, 1))
    layer = getattr(layers, name.capitalize())(**({"axes": -1} if name == "dot" else {})).to_backend(backend)
    np.testing.assert_allclose(np.asarray(getattr(layers, name)([a, b])), np.asarray(layer([a, b])), rtol=1e-5)


def test_integers_stay_whole() -> None:
    a = np.array([[1, 2]], dtype="int32")
    assert layers.Concatenate()([a, a]).tolist() == [[1, 2, 1, 2]]
    assert layers.Add()([Input((2,), dtype="int32"), Input((2,), dtype="int32")]).dtype == "int32"


def test_integers_beside_floats_become_floats() -> None:
    whole, floats = Input((2,), dtype="int32"), Input((2,))
    assert layers.Concatenate()([whole, floats]).dtype == "float32"
    assert layers.Average()([whole, whole]).dtype == "float32"


def test_unknown_sizes_stay_unknown() -> None:
    assert layers.Concatenate(axis=1)([Input((None, 3)), Input((5, 3))]).shape == (None, None, 3)
    assert layers.Add()([Input((None, 3)), Input((1, 3))]).shape == (None, None, 3)
    assert layers.Add()([Input((None, 3)), Input((5, 3))]).shape == (None, 5, 3)


def test_shapes_that_cannot_be_added_are_refused() -> None:
    with pytest.raises(ShapeError) as raised:
        layers.Add(name="shortcut")([np.ones((1, 8, 8, 16)), np.ones((1, 8, 8, 32))])
    assert "The layer 'shortcut' received inputs of shapes (None, 8, 8, 16), (None, 8, 8, 32)." in str(raised.value)
    assert "They must have the same shape" in str(raised.value)
    assert "1 x 1 `Conv2D`" in str(raised.value)


def test_shapes_that_cannot_be_concatenated_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"All sizes except those on axis 3 must be equal"):
        layers.Concatenate()([np.ones((1, 8, 8, 16)), np.ones((1, 4, 4, 16))])
    with pytest.raises(ShapeError, match=r"the same number of axes"):
        layers.Concatenate()([np.ones((1, 8)), np.ones((1, 4, 4))])


@pytest.mark.parametrize("make", [layers.Add, layers.Concatenate, lambda: layers.Dot(1)])
def test_one_tensor_is_no_list(make: Callable) -> None:
    with pytest.raises(
        InvalidTypeError, match=r"was called on one tensor, of shape \(None, 3\). It expects a list of tensors."
    ):
        make()(np.ones((2, 3)))


@pytest.mark.parametrize("make", [layers.Subtract, lambda: layers.Dot(1)])
def test_two_tensors_are_not_three(make: Callable) -> None:
    with pytest.raises(InvalidArgumentError, match=r"was called on a list of 3 tensors. It expects 2."):
        make()([np.ones((2, 3))] * 3)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"was called on a list of 0 tensors. It expects at least 1."):
        layers.Add().compute_output_shape([])


@pytest.mark.parametrize("axes", [0, (1, 0), (1, 2, 3), "all"])
def test_dot_refuses_other_axes(axes: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="none of which is 0 \\(the batch axis\\)"):
        layers.Dot(axes=axes)


def test_dot_refuses_vectors_of_two_sizes() -> None:
    with pytest.raises(ShapeError, match=r"Their sizes are 3 and 4: choose other `axes`."):
        layers.Dot(1)([np.ones((2, 3)), np.ones((2, 4))])


def test_a_concatenation_of_batches_says_that_samples_meet() -> None:
    assert layers.Concatenate(axis=0).batch_coupling == "unknown"
    assert layers.Concatenate().batch_coupling == "none"


# --- Masks ------------------------------------------------------------------------------------------------------------------

ONE_MASK, OTHER_MASK = np.array([[True, False, False]]), np.array([[True, True, False]])


def masked(backend: str, merge: layers.Layer) -> tuple:
    """Outputs and mask that come out of two masked sequences of threes and fives, masked where they are 0."""
    seen = []

    class See(layers.Layer):
        def call(self, inputs: Any, mask: Any = None) -> Any:
            seen.append(None if mask is None else np.asarray(mask).tolist())
            return inputs

    class Whole(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other, self.merge, self.see = layers.Masking(), layers.Masking(), merge, See()

        def call(self, inputs: Any) -> Any:
            return self.see(self.merge([self.one(inputs[0]), self.other(inputs[1])]))

    x = [np.where(mask, number, 0.0)[..., None] for mask, number in ((ONE_MASK, 3), (OTHER_MASK, 5))]
    outputs = Whole().to_backend(backend)(x)
    return np.asarray(outputs)[..., 0].tolist(), seen[0]


def test_a_sum_counts_where_one_of_its_parts_does(backend: str) -> None:
    assert masked(backend, layers.Add()) == ([[8.0, 5.0, 0.0]], [[True, True, False]])


def test_masked_steps_are_ones_in_a_product(backend: str) -> None:
    assert masked(backend, layers.Multiply()) == ([[15.0, 5.0, 0.0]], [[True, True, False]])


def test_masks_are_joined_with_their_sequences(backend: str) -> None:
    outputs, mask = masked(backend, layers.Concatenate(axis=1))
    assert outputs == [[3.0, 0.0, 0.0, 5.0, 5.0, 0.0]]
    assert mask == [[True, False, False, True, True, False]]


def test_masks_of_joined_features_count_where_one_does(backend: str) -> None:
    assert masked(backend, layers.Concatenate())[1] == [[True, True, False]]


def test_a_dot_product_has_no_mask(backend: str) -> None:
    assert masked(backend, layers.Dot(axes=1))[1] is None


@pytest.mark.parametrize("kind", [layers.Maximum, layers.Minimum])
def test_masked_steps_are_not_compared(backend: str, kind: type) -> None:
    mine = 5.0 if kind is layers.Maximum else 3.0
    assert masked(backend, kind()) == ([[mine, 5.0, 0.0]], [[True, True, False]])


@pytest.mark.parametrize("kind", ["Maximum", "Minimum", "Multiply", "Add", "Average", "Subtract"])
@pytest.mark.parametrize("which", [(True, True), (True, False), (False, True)])
def test_masked_inputs_are_merged_as_in_keras(backend: str, kind: str, which: tuple[bool, bool]) -> None:
    x = [np.float32([[[0, 0], [1, -2], [0, 0], [3, 4]]]), np.float32([[[0, 0], [0, 0], [-1, 2], [5, 1]]])]
    found = []
    for library in (cornu, keras):
        inputs = [library.Input((4, 2)), library.Input((4, 2))]
        taken = [library.layers.Masking()(each) if mask else each for each, mask in zip(inputs, which, strict=True)]
        model = library.Model(inputs, getattr(library.layers, kind)()(taken))
        found.append(np.asarray((model.to_backend(backend) if library is cornu else model)(x)))
    np.testing.assert_allclose(*found)


def test_masks_of_three_inputs_are_merged_as_in_keras(backend: str) -> None:
    x = [np.float32([[[a], [b], [c]]]) for a, b, c in ((1, 0, 2), (0, 3, -1), (0, 5, 4))]
    for kind in ("Maximum", "Minimum"):
        found = []
        for library in (cornu, keras):
            inputs = [library.Input((3, 1)) for _ in x]
            merged = getattr(library.layers, kind)()([library.layers.Masking()(each) for each in inputs])
            model = library.Model(inputs, merged)
            found.append(np.asarray((model.to_backend(backend) if library is cornu else model)(x)))
        np.testing.assert_allclose(*found)
