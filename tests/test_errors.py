"""The exceptions: three parts, one text."""

import pickle

import pytest

import cornu
from cornu import errors, layers


@pytest.mark.parametrize(
    ("kind", "pythons"),
    [
        (errors.InvalidArgumentError, ValueError),
        (errors.InvalidTypeError, TypeError),
        (errors.ShapeError, ValueError),
        (errors.DataError, ValueError),
        (errors.NonFiniteError, ValueError),
        (errors.NonFiniteError, RuntimeError),  # what Keras's `TerminateOnNaN` raises
        (errors.NotBuiltError, ValueError),
        (errors.BackendError, ValueError),
        (errors.ModelFormatError, ValueError),
        (errors.UnsafeModelError, ValueError),
        (errors.MissingPackageError, ImportError),
    ],
)
def test_every_exception_is_ours_and_pythons(kind, pythons):
    error = kind("This came.", "That was meant.", "Do so.")
    assert isinstance(error, errors.CornuError) and isinstance(error, pythons)
    assert str(error) == "This came. That was meant. Do so."


def test_an_empty_part_leaves_no_gap():
    assert str(errors.ShapeError("A.", "", "B.")) == "A. B."


def test_no_part_can_be_forgotten():
    with pytest.raises(TypeError, match="hint"):
        errors.ShapeError("A.", "B.")


def test_an_exception_crosses_processes():
    error = pickle.loads(pickle.dumps(errors.ShapeError("A.", "B.", "C.")))
    assert (type(error), error.received, error.expected, error.hint) == (errors.ShapeError, "A.", "B.", "C.")


def test_the_nearest_name_is_proposed():
    assert errors.did_you_mean("sofmax", ["softplus", "softmax", "relu"]) == "Did you mean 'softmax'?"
    assert errors.did_you_mean("quux", ["softmax", "relu"]) == ""
    assert errors.did_you_mean(None, []) == ""


def test_one_of_lists_the_options_and_guesses():
    error = errors.one_of("padding", "smae", ["valid", "same"])
    assert str(error) == "`padding='smae'` was given. It must be one of 'valid', 'same'. Did you mean 'same'?"


def test_one_of_takes_a_better_guess_than_by_spelling():
    assert "Did you mean 'valid'?" in str(errors.one_of("padding", "none", ["valid", "same"], guess="valid"))


def test_one_of_says_what_to_do_when_nothing_is_near():
    assert str(errors.one_of("padding", 7, ["valid"])).endswith("Choose one of them for `padding`.")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Conv2D(3, 3, border_mode="same"), "`border_mode`.*Keras 3 calls it `padding`"),
        (lambda: layers.LeakyReLU(alpha=0.2), "`alpha`.*Keras 3 calls it `negative_slope`"),
        (lambda: layers.Dense(output_dim=3), "`output_dim`.*Keras 3 calls it `units`"),
        (lambda: layers.Dense(activation="relu"), "missing a required argument: 'units'.*It requires `units`"),
        (lambda: cornu.losses.MeanSquaredError(reductoin="sum"), "`reductoin`.*Did you mean 'reduction'"),
        (lambda: cornu.initializers.Zeros(gain=2), "`gain`. It has no arguments"),
        (lambda: cornu.Sequential().summary(expand=True), "`summary` received an unknown argument `expand`.*'expand_nested'"),
        (lambda: cornu.Sequential().fit(None, workers=4), "`fit` received an unknown argument `workers`.*Omit it"),
        (lambda: cornu.Sequential().fit(None, nb_epoch=4), "Keras 3 calls it `epochs`"),
    ],
)
def test_an_unknown_argument_is_named_with_its_successor(make, text):
    with pytest.raises(errors.InvalidTypeError, match=text):
        make()


def test_the_decay_of_keras_2_is_a_schedule():
    with pytest.raises(
        errors.InvalidArgumentError, match=r"`decay`.*InverseTimeDecay\(learning_rate, decay_steps=1, decay_rate=1e-06\)"
    ):
        cornu.optimizers.Adam(decay=1e-6)


@pytest.mark.parametrize("module", [cornu, layers, cornu.losses, cornu.metrics, cornu.optimizers, cornu.callbacks])
def test_a_name_that_does_not_exist_is_an_attribute_error_with_the_nearest(module):
    name = next(name for name in dir(module) if len(name) > 5 and not name.startswith("_"))
    with pytest.raises(AttributeError, match=f"has no attribute '{name}x'. Did you mean '{name}'"):
        getattr(module, f"{name}x")
    assert not hasattr(module, "zzzzzz")
