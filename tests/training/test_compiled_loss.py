"""The objective: which loss belongs to which output, and how they add up."""

import numpy as np
import pytest

from cornu import losses, ops
from cornu.core import masks
from cornu.errors import InvalidArgumentError
from cornu.training.compiled_loss import CompiledLoss, aligned, by_output, loss_names, per_output

NAMES = ["size", "place"]
SHAPES = [(None, 1), (None, 2)]
RNG = np.random.default_rng(0)
Y = [RNG.normal(size=(5, 1)).astype("float32"), RNG.normal(size=(5, 2)).astype("float32")]
OUTPUTS = [RNG.normal(size=(5, 1)).astype("float32"), RNG.normal(size=(5, 2)).astype("float32")]
SQUARES = [((y - output) ** 2).mean(axis=-1) for y, output in zip(Y, OUTPUTS, strict=True)]


def compiled_loss(loss, loss_weights=None) -> CompiledLoss:
    return CompiledLoss(loss, loss_weights, NAMES, SHAPES, SHAPES)


@pytest.mark.parametrize("loss", ["mse", ["mse", "mse"], {"place": "mse", "size": losses.MeanSquaredError()}])
def test_losses_add_up(loss):
    compiled = compiled_loss(loss)
    found = compiled(Y, OUTPUTS, None, None)
    assert compiled.part_names == [f"{name}_loss" for name in (loss if isinstance(loss, dict) else NAMES)]
    parts = dict(zip(compiled.part_names, found.parts, strict=True))
    np.testing.assert_allclose([parts[f"{name}_loss"] for name in NAMES], [values.mean() for values in SQUARES], 1e-6)
    np.testing.assert_allclose(found.total, sum(values.mean() for values in SQUARES), 1e-6)


@pytest.mark.parametrize("weights", [[0.5, 3.0], {"size": 0.5, "place": 3.0}])
def test_losses_are_weighted(weights):
    found = compiled_loss("mse", weights)(Y, OUTPUTS, None, None)
    np.testing.assert_allclose(found.total, 0.5 * SQUARES[0].mean() + 3 * SQUARES[1].mean(), 1e-6)
    np.testing.assert_allclose(found.parts, [values.mean() for values in SQUARES], 1e-6)


def test_an_output_without_a_weight_counts_once():
    found = compiled_loss("mse", {"place": 3.0})(Y, OUTPUTS, None, None)
    np.testing.assert_allclose(found.total, SQUARES[0].mean() + 3 * SQUARES[1].mean(), 1e-6)


def test_an_output_without_a_loss_is_left_out():
    of_place = compiled_loss({"place": "mse"})
    assert of_place.part_names == []  # the only loss is the loss
    np.testing.assert_allclose(of_place({"place": Y[1]}, OUTPUTS, None, None).total, SQUARES[1].mean(), 1e-6)


@pytest.mark.parametrize("form", [list, lambda weights: dict(zip(NAMES, weights, strict=True))])
def test_weights_of_samples_belong_to_outputs(form):
    weights = [np.linspace(0, 1, 5, dtype="float32"), np.linspace(3, 1, 5, dtype="float32")]
    found = compiled_loss("mse")(Y, OUTPUTS, form(weights), None)
    np.testing.assert_allclose(found.parts, [(v * w).mean() for v, w in zip(SQUARES, weights, strict=True)], 1e-6)


def test_one_array_of_weights_serves_all_outputs():
    weight = np.linspace(0, 1, 5, dtype="float32")
    found = compiled_loss("mse")(Y, OUTPUTS, weight, None)
    np.testing.assert_allclose(found.parts, [(values * weight).mean() for values in SQUARES], 1e-6)


def test_what_is_masked_does_not_count():
    mask = np.array([1, 1, 1, 0, 0], dtype="float32")
    found = compiled_loss("mse")(Y, OUTPUTS, None, mask)
    np.testing.assert_allclose(found.parts, [values[:3].mean() for values in SQUARES], 1e-6)


def test_the_mask_of_an_output_counts_for_its_loss():
    masked = masks.with_mask(OUTPUTS[0], np.array([True, True, False, True, False]))
    padding = np.array([1, 1, 1, 0, 0], dtype="float32")
    found = compiled_loss("mse")(Y, [masked, OUTPUTS[1]], None, padding)
    np.testing.assert_allclose(found.parts, [SQUARES[0][:2].mean(), SQUARES[1][:3].mean()], 1e-6)


NESTED = {"a": (0, {"b": 0}), "c": 0}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("mse", "mse"),
        (["x", "y", "z"], ["x", "y", "z"]),
        ({"a": ("x", {"b": "y"}), "c": "z"}, ["x", "y", "z"]),
        ({"c": "z", "a": ["x", {"b": "y"}]}, ["x", "y", "z"]),
        ({"a": "x"}, ["x", "x", None]),
        ({"a": (None, "y"), "c": None}, [None, "y", None]),
    ],
)
def test_arguments_in_the_form_of_nested_outputs_are_flattened(given, expected):
    assert by_output(given, NESTED) == expected


@pytest.mark.parametrize("outputs", [0, [0, 0], {"a": 0, "b": 0}])
def test_arguments_of_flat_outputs_are_left_alone(outputs):
    given = {"b": "x", "a": "y"}
    assert by_output(given, outputs) is given


def test_losses_of_nested_outputs_are_named_by_their_path():
    assert loss_names(NESTED, ["p", "q", "r"]) == ["a/p", "a/1/b", "c"]
    assert loss_names([0, 0], ["p", "q"]) == ["p", "q"]


def test_a_loss_may_stand_in_a_list_of_its_own():
    np.testing.assert_allclose(
        compiled_loss(["mse", ["mse"]])(Y, OUTPUTS, None, None).parts, compiled_loss("mse")(Y, OUTPUTS, None, None).parts
    )


def test_several_losses_of_an_output_are_summed():
    found = compiled_loss(["mse", ["mse", "mae"]], [2.0, [3.0, 0.5]])(Y, OUTPUTS, None, None)
    expected = [SQUARES[0].mean(), SQUARES[1].mean(), np.abs(Y[1] - OUTPUTS[1]).mean()]
    np.testing.assert_allclose(found.parts, expected, 1e-6)
    np.testing.assert_allclose(found.total, 2 * expected[0] + 3 * expected[1] + 0.5 * expected[2], 1e-6)
    assert compiled_loss(["mse", ["mse", "mae"]]).part_names == ["size_loss", "place_loss", "place_loss"]


def test_weights_of_several_losses_that_do_not_fit():
    with pytest.raises(InvalidArgumentError, match=r"`loss_weights` has 3.0 for the output 'place'.*2 losses.*list with one"):
        compiled_loss(["mse", ["mse", "mae"]], [2.0, 3.0])


@pytest.mark.parametrize("given", [["mse", "mae"], [["mse", "mae"]]])
def test_several_losses_of_the_only_output_are_refused(given):
    with pytest.raises(InvalidArgumentError, match=r"`loss` has 2 losses for the output 'size'.*one loss.*their sum"):
        CompiledLoss(given, None, ["size"], SHAPES[:1], SHAPES[:1])


def test_one_output_has_no_part():
    single = CompiledLoss("mse", None, ["size"], SHAPES[:1], SHAPES[:1])
    assert single.part_names == []
    np.testing.assert_allclose(single(Y[0], OUTPUTS[:1], None, None).total, SQUARES[0].mean(), 1e-6)


def test_crossentropy_is_chosen_by_the_labels():
    sparse = CompiledLoss("crossentropy", None, ["kind"], [(None,)], [(None, 3)])
    one_hot = CompiledLoss("crossentropy", None, ["kind"], [(None, 3)], [(None, 3)])
    kinds = [each.losses[0].fn for each in (sparse, one_hot)]
    assert kinds == [losses.sparse_categorical_crossentropy, losses.categorical_crossentropy]


def test_no_loss_at_all():
    assert compiled_loss(None)(None, OUTPUTS, None, None).total == 0.0


def test_only_losses_that_judge_samples_alone_allow_padding():
    assert compiled_loss("mse").padding_is_safe
    assert compiled_loss(["mse", None]).padding_is_safe
    assert not compiled_loss(["mse", lambda y_true, y_pred: ops.max(y_pred)]).padding_is_safe


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (
            {"plaec": "mse"},
            r"`loss` names an output 'plaec'. The model's outputs are \['size', 'place'\]. Did you mean 'place'\?",
        ),
        (["mse"], r"`loss` has 1 entries. The model has 2 outputs: \['size', 'place'\]. Pass one entry for each output"),
        ([None, None], r"`compile` received loss=\[None, None\]. At least one output must have a loss."),
        ("msee", "Did you mean"),
    ],
)
def test_losses_that_do_not_fit(loss, text):
    with pytest.raises(InvalidArgumentError, match=text):
        compiled_loss(loss)


def test_weights_of_losses_that_do_not_fit():
    with pytest.raises(InvalidArgumentError, match="`loss_weights` has 3 entries"):
        compiled_loss("mse", [1.0, 2.0, 3.0])


def test_per_output_and_aligned():
    assert per_output({"class_name": "Loss", "config": {}}, NAMES, "loss") == [{"class_name": "Loss", "config": {}}] * 2
    assert per_output(None, NAMES, "loss") == [None, None]
    assert aligned({"place": 2}, NAMES) == [None, 2]
    assert aligned([1, 2], NAMES) == [1, 2]
    assert aligned(3, NAMES) == [3, 3]
