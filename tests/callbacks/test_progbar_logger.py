"""The callback that displays progress: its attributes, as in Keras. What is displayed: ``tests/training/test_callback.py``."""

import keras
import pytest

import cornu

ATTRIBUTES = ("seen", "target", "epochs", "verbose")


def attributes_during(k, steps, verbose):
    """Return the attributes after each call of a training of two epochs, whose validation is silent, and a prediction."""
    logger, found = k.callbacks.ProgbarLogger(), []

    def call(method, *arguments):
        getattr(logger, method)(*arguments)
        found.append((method, [getattr(logger, name) for name in ATTRIBUTES]))

    logger.set_params({"verbose": verbose, "epochs": 2, "steps": steps})
    call("on_train_begin")
    for epoch in range(2):
        call("on_epoch_begin", epoch)
        for batch in range(3):
            call("on_train_batch_end", batch, {"loss": 0.5})
        call("on_test_begin")
        call("on_test_batch_end", 6, {"loss": 0.25})
        call("on_test_end", {"loss": 0.25})
        call("on_epoch_end", epoch, {"loss": 0.5})
    call("on_train_end")
    call("on_predict_begin")
    call("on_predict_batch_end", 1, {})
    call("on_predict_end")
    return found


@pytest.mark.parametrize("steps", [3, None])
@pytest.mark.parametrize("verbose", [0, 2, "auto"])
def test_attributes_are_those_of_keras(steps, verbose, capsys):
    assert attributes_during(cornu, steps, verbose) == attributes_during(keras, steps, verbose)


def test_attributes_before_training_are_those_of_keras():
    mine, theirs = ([getattr(k.callbacks.ProgbarLogger(), name) for name in ATTRIBUTES] for k in (cornu, keras))
    assert mine == theirs == [0, None, 1, 1]


def test_the_display_itself_is_not_that_of_keras():
    assert hasattr(keras.callbacks.ProgbarLogger(), "progbar")
    assert not hasattr(cornu.callbacks.ProgbarLogger(), "progbar")
