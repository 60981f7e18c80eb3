"""The exceptions: three parts, one text; and the lines that warnings name."""

import inspect
import pickle
import threading
import warnings

import numpy as np
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
        (lambda: layers.Dropout(p=0.2), "`p`.*Keras 3 calls it `rate`"),
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


# --- Warnings -----------------------------------------------------------------------------------------------------------


def classifier():
    return cornu.Sequential([cornu.Input((4, 4, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2, "softmax")])


def fit_on_unscaled_images(tmp_path):
    model = classifier()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.full((2, 4, 4, 3), 200.0, "float32"), np.zeros(2), verbose=0)


def fit_on_an_exhausted_iterator(tmp_path):
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(iter([(np.ones((2, 2), "float32"), np.zeros((2, 1)))]), epochs=2, verbose=0)


def save_an_unbuilt_model(tmp_path):
    cornu.Sequential([layers.Dense(2)]).save(tmp_path / "m.keras")


def load_weights_with_others(tmp_path):
    wide, narrow = (cornu.Sequential([cornu.Input((2,)), layers.Dense(units)]) for units in (3, 2))
    wide.save_weights(tmp_path / "m.weights.h5")
    narrow.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)


def softmax_over_one_element(tmp_path):
    cornu.ops.softmax(np.ones((2, 1), "float32"))


def softmax_in_a_compiled_model(tmp_path):
    cornu.Sequential([cornu.Input((1,)), layers.Activation(lambda x: cornu.ops.softmax(x))])


@pytest.mark.parametrize(
    "cause",
    [
        fit_on_unscaled_images,
        fit_on_an_exhausted_iterator,
        save_an_unbuilt_model,
        load_weights_with_others,
        softmax_over_one_element,
        softmax_in_a_compiled_model,
    ],
)
def test_a_warning_names_the_line_of_the_user(cause, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cause(tmp_path)
    lines, first = inspect.getsourcelines(cause)
    assert [(each.filename, first < each.lineno < first + len(lines)) for each in caught] == [(__file__, True)] * len(caught)
    assert caught


def test_a_warning_in_a_thread_names_a_line():
    caught = []

    def work():
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            errors.warn("It.")
        caught.extend(found)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (str(caught[0].message), caught[0].filename) == ("It.", __file__)
