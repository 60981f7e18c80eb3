import os
import re

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import ModelCheckpoint
from cornu.errors import InvalidArgumentError
from cornu.models import load_model


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"save_best_only": True},
        {"save_best_only": True, "mode": "max"},
        {"save_best_only": True, "initial_value_threshold": -1.0},
        {"save_freq": 4},
        {"save_freq": 2, "save_best_only": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["{epoch:02d}-{loss:.2f}.keras", "last.weights.h5"])
def test_the_same_files_are_saved_as_by_keras(settings, name, curves, drive, capsys, tmp_path):
    weights_only = name.endswith("h5")
    for curve in curves[:5]:
        logs = [{"loss": float(value)} for value in curve]
        arguments = {"monitor": "loss", "verbose": 1, "save_weights_only": weights_only, "mode": "min", **settings}
        found = drive(ModelCheckpoint(tmp_path / name, **arguments), logs).saved
        said = capsys.readouterr().out
        theirs = keras.callbacks.ModelCheckpoint(str(tmp_path / name), **arguments)
        assert found == _driven(theirs, logs, drive).saved
        assert said == capsys.readouterr().out


def _driven(callback, logs, drive):
    """Keras decides which way is better at the end of the first epoch, and fails if it saves a batch before."""
    callback.set_model(type("Model", (), {"metrics": []})())
    callback._set_monitor_op()
    return drive(callback, logs)


def test_batches_are_counted_in_names(drive, tmp_path):
    saved = drive(ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=2), [{"loss": 1.0}] * 2).saved
    assert [os.path.basename(path) for _, path, _ in saved] == ["1-2.keras", "2-1.keras", "2-3.keras"]


def test_it_wants_batches_only_if_it_saves_by_steps():
    assert not ModelCheckpoint("a.keras").wants_batches()
    assert ModelCheckpoint("a.keras", save_freq=10).wants_batches()


def test_a_numpy_integer_is_a_number_of_steps(drive, tmp_path):
    callback = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=np.int64(2))
    assert drive(callback, [{"loss": 1.0}] * 2).saved


@pytest.mark.parametrize("frequency", [0, -1, 2.5, "batch", True])
def test_other_frequencies_are_refused(frequency):
    with pytest.raises(InvalidArgumentError, match="save_freq"):
        ModelCheckpoint("a.keras", save_freq=frequency)


def test_a_name_that_is_no_log_is_refused_with_those_there_are(drive):
    with pytest.raises(InvalidArgumentError, match=r"no log named 'val_acc'; the logs are epoch, loss, val_accuracy"):
        drive(ModelCheckpoint("{val_acc:.2f}.keras"), [{"loss": 1.0, "val_accuracy": 0.5}])


@pytest.mark.parametrize(
    "path", ["{}.keras", "{0}.keras", "{epoch.keras", "a}.keras", "{epoch:x.y}.keras", "{loss:02d}.keras", "{epoch[0]}.keras"]
)
def test_a_path_that_cannot_be_formatted_is_refused_when_training_begins(path):
    text = rf"filepath={re.escape(repr(path))}, which cannot be formatted: .*Braces must contain a name.*write {{{{ and }}}}"
    with pytest.raises(InvalidArgumentError, match=text):
        ModelCheckpoint(path).on_train_begin()


def test_the_format_of_a_log_is_checked_when_its_value_is_known(drive, tmp_path):
    with pytest.raises(InvalidArgumentError, match="cannot be formatted: Unknown format code 'd'"):
        drive(ModelCheckpoint(tmp_path / "{accuracy:02d}.keras"), [{"accuracy": 0.5}])


def test_braces_and_parts_of_logs_may_be_in_a_path(drive, tmp_path):
    saved = drive(ModelCheckpoint(tmp_path / "{{a}}-{f1.real:.1f}-{two[1]}.keras"), [{"f1": 0.5, "two": "ab"}]).saved
    assert [os.path.basename(path) for _, path, _ in saved] == ["{a}-0.5-b.keras"]


def test_a_nan_value_is_never_the_best(drive, tmp_path):
    callback = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    saved = drive(callback, [{"loss": float("nan")}, {"loss": 2.0}, {"loss": float("nan")}]).saved
    assert [weights for _, _, weights in saved] == [2]


@pytest.fixture
def model():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_real_files_appear_in_a_folder_that_is_made(model, tmp_path):
    x = np.ones((8, 3), "float32")
    checkpoint = ModelCheckpoint(tmp_path / "runs" / "{epoch:02d}-{val_loss:.1f}.keras")
    history = model.fit(x, x[:, :1], epochs=2, validation_split=0.5, verbose=0, callbacks=[checkpoint]).history
    names = [f"{epoch + 1:02d}-{loss:.1f}.keras" for epoch, loss in enumerate(history["val_loss"])]
    assert sorted(os.listdir(tmp_path / "runs")) == names
    loaded = load_model(tmp_path / "runs" / names[-1])
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
    assert int(loaded.optimizer.iterations) == 2  # one step an epoch


def test_weights_that_are_not_finite_are_never_written(model, tmp_path):
    model.set_weights([np.full((3, 1), np.inf), np.zeros(1)])
    callback = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    callback.set_model(model)
    with pytest.warns(UserWarning, match="'.*kernel' is not finite, so '.*best.keras' is not written"):
        callback.on_epoch_end(0, {"loss": 1.0})
    assert not os.listdir(tmp_path)
    assert callback.best is None
