"""The exceptions: three parts, one text."""

import pickle

import pytest

from cornu import errors


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
