import itertools

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import LearningRateScheduler, ReduceLROnPlateau
from cornu.errors import InvalidArgumentError, InvalidTypeError

SETTINGS = [
    {"patience": patience, "min_delta": delta, "mode": mode, "cooldown": cooldown, "min_lr": least, "factor": 0.5}
    for patience, delta, mode, cooldown, least in itertools.product((1, 2), (0, 0.4), ("min", "max"), (0, 2), (0, 0.1))
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_rate_falls_as_in_keras(settings, curves, drive, capsys):
    for curve in curves:
        logs = [{"loss": value} for value in curve]
        found = drive(ReduceLROnPlateau("loss", verbose=1, **settings), logs).rates
        said = capsys.readouterr().out
        assert found == drive(keras.callbacks.ReduceLROnPlateau("loss", verbose=1, **settings), logs).rates
        assert said == capsys.readouterr().out


def test_a_factor_of_one_is_refused():
    with pytest.raises(InvalidArgumentError, match="`ReduceLROnPlateau` received `factor=1`"):
        ReduceLROnPlateau(factor=1)


def test_the_rate_of_a_schedule_is_refused_before_the_first_epoch(capsys):
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(cornu.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), "mse")
    with pytest.raises(InvalidTypeError, match=r"Its learning rate follows .*ExponentialDecay"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), callbacks=[ReduceLROnPlateau("loss")])
    assert "Epoch" not in capsys.readouterr().out


def test_unknown_arguments_are_refused_with_the_nearest_name():
    with pytest.raises(InvalidTypeError, match="now named `min_delta`"):
        ReduceLROnPlateau(epsilon=0.1)
    with pytest.raises(InvalidTypeError, match="Did you mean 'patience'"):
        ReduceLROnPlateau(patients=3)


@pytest.mark.parametrize("schedule", [lambda epoch: 1 / (epoch + 1), lambda epoch, rate: rate * 0.9], ids=["one", "two"])
def test_a_schedule_sets_the_rate_as_in_keras(schedule, drive, capsys):
    logs = [{"loss": 1.0}] * 4
    found = drive(LearningRateScheduler(schedule, verbose=1), logs).rates
    said = capsys.readouterr().out
    assert found == drive(keras.callbacks.LearningRateScheduler(schedule, verbose=1), logs).rates
    assert said == capsys.readouterr().out


def test_an_error_inside_a_schedule_is_not_swallowed(drive):
    def broken(epoch, rate):
        raise TypeError("my own")

    with pytest.raises(TypeError, match="my own"):
        drive(LearningRateScheduler(broken), [{}])


def test_a_schedule_that_gives_no_number_is_refused(drive):
    with pytest.raises(InvalidTypeError, match="returned \\[1, 2\\] for epoch 0"):
        drive(LearningRateScheduler(lambda epoch: [1, 2]), [{}])


def test_the_rate_reaches_the_optimizer_and_the_history():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(1.0), "mse")
    x = np.ones((8, 3), "float32")
    history = model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate: rate / 2)])
    assert history.history["learning_rate"] == [0.5, 0.25, 0.125]
    assert float(model.optimizer.learning_rate) == 0.125
