import itertools
import warnings

import keras
import pytest

from cornu.callbacks import EarlyStopping

SETTINGS = [
    {"patience": patience, "min_delta": delta, "mode": mode, "restore_best_weights": restore, **more}
    for patience, delta, mode, restore, more in itertools.product(
        (0, 1, 3), (0, 0.3), ("min", "max"), (True, False), ({}, {"baseline": -0.5}, {"start_from_epoch": 4})
    )
]


def outcome(model, callback):
    return model.weights, model.stop_training, callback.stopped_epoch, callback.best_epoch, len(model.rates)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_it_stops_and_restores_as_keras_does(settings, curves, drive, capsys):
    for curve in curves:
        logs = [{"loss": value} for value in curve]
        mine, theirs = (
            library(monitor="loss", verbose=1, **settings) for library in (EarlyStopping, keras.callbacks.EarlyStopping)
        )
        found = outcome(drive(mine, logs), mine)
        said = capsys.readouterr().out
        assert found == outcome(drive(theirs, logs), theirs)
        assert said == capsys.readouterr().out


def test_a_second_training_starts_afresh(drive):
    callback = EarlyStopping("loss", restore_best_weights=True)
    drive(callback, [{"loss": 0.1}, {"loss": 0.2}])
    assert drive(callback, [{"loss": 5.0}, {"loss": 4.0}]).weights == 2


def test_nan_is_never_the_best(drive):
    callback = EarlyStopping("loss", patience=5, restore_best_weights=True)
    model = drive(callback, [{"loss": float("nan")}, {"loss": 3.0}, {"loss": float("nan")}])
    assert callback.best == 3.0
    assert model.weights == 2


def test_a_value_that_is_missing_is_a_warning_that_names_what_is_there(drive):
    with pytest.warns(
        UserWarning, match="'val_los' is not in the logs, which contain loss, val_loss; training will not end"
    ) as caught:
        drive(EarlyStopping("val_los"), [{"loss": 1.0, "val_loss": 2.0}])
    assert str(caught[0].message).endswith("Did you mean 'val_loss'?")


def test_without_validation_the_warning_says_so(drive):
    with pytest.warns(UserWarning, match="Pass `validation_data` or `validation_split` to `fit`"):
        drive(EarlyStopping(), [{"loss": 1.0}])


def test_an_unknown_mode_is_a_warning():
    with pytest.warns(UserWarning, match="mode='maximum'.*'auto' is used. Did you mean 'max'"):
        assert EarlyStopping(mode="maximum").mode == "auto"


def test_the_best_weights_come_back_in_a_real_training():
    import numpy as np

    import cornu
    from cornu import layers

    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(10.0), "mse")
    x, y = np.random.default_rng(0).normal(size=(2, 40, 3)).astype("float32")
    stopping = EarlyStopping("loss", patience=1, restore_best_weights=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(x, y[:, :1], epochs=6, verbose=0, callbacks=[stopping], shuffle=False)
    assert len(history.epoch) == 2  # the rate is far too large: the second epoch is worse
    for found, best in zip(model.get_weights(), stopping.best_weights, strict=True):
        np.testing.assert_array_equal(found, best)
