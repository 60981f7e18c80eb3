import importlib
import operator
import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import cornu
from cornu import metrics, ops
from cornu.callbacks import (
    BackupAndRestore,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)
from cornu.callbacks.monitor_callback import Monitor
from cornu.errors import InvalidArgumentError, MissingFileError, MissingNameError


@pytest.fixture
def no_folder(tmp_path):
    """A path where no folder can be created."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "below"


@pytest.mark.parametrize(
    ("callback", "argument", "name"),
    [
        (ModelCheckpoint, "filepath", "{epoch}.keras"),
        (ModelCheckpoint, "filepath", "a{epoch}/b.keras"),
        (BackupAndRestore, "backup_dir", ""),
        (CSVLogger, "filename", "log.csv"),
        (TensorBoard, "log_dir", ""),
    ],
)
def test_a_path_where_nothing_can_be_written_is_told_before_training(callback, argument, name, no_folder):
    model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    path = str(no_folder / name)
    text = rf"`{callback.__name__}` received {argument}={re.escape(repr(path))}, where nothing .*\(Not a dir.*Pass another path"
    epochs = []
    record = LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    with pytest.raises(MissingFileError, match=text):
        model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[record, callback(path)])
    assert epochs == []


@pytest.mark.parametrize("scales", [False, True])
@pytest.mark.parametrize("callback", [ReduceLROnPlateau("loss"), LearningRateScheduler(lambda epoch, rate: rate)])
def test_several_optimizers_have_no_learning_rate_to_set(callback, scales):
    optimizer = cornu.optimizers.MultiOptimizer(lambda variable: cornu.optimizers.SGD(0.1))
    steps = []
    record = LambdaCallback(on_train_batch_begin=lambda batch, logs: steps.append(batch))
    model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
    model.compile(cornu.optimizers.LossScaleOptimizer(optimizer) if scales else optimizer, "mse")
    name = type(callback).__name__
    with pytest.raises(MissingNameError, match=rf"`{name}` is used with several.*rate of its own.*Remove `{name}`, and pass"):
        model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[record, callback])
    assert steps == []


def direction(name, *model_metrics):
    monitor = Monitor(name)
    monitor.set_model(SimpleNamespace(metrics=list(model_metrics)))
    return monitor.larger_is_better()


@pytest.mark.parametrize(
    "name",
    ["accuracy", "val_acc", "val_auc_1", "precision", "val_recall_2", "f1_score", "mean_io_u", "val_out_accuracy", "iou"],
)
def test_names_of_what_is_to_grow(name):
    assert direction(name)


@pytest.mark.parametrize("name", ["loss", "val_loss", "mae", "val_mean_squared_error", "val_precision_loss"])
def test_names_of_what_is_to_shrink(name):
    assert not direction(name)


@pytest.mark.parametrize("name", ["something_of_mine", "val_seen"])
def test_a_name_that_says_nothing_is_an_error(name):
    text = rf"`Monitor` received monitor='{name}' and mode='auto'. Neither a metric .* Pass `mode='max'` .* or `mode='min'`"
    with pytest.raises(InvalidArgumentError, match=text):
        direction(name)
    for own in (metrics.Mean(name="seen"), metrics.Sum(name="seen"), Own(name="seen")):
        with pytest.raises(InvalidArgumentError, match=text):
            direction(name, own)


class Own(metrics.Metric):
    """A metric of the user, of which only the name is known."""


def test_a_metric_of_the_user_may_declare_its_direction():
    metric = Own(name="something_of_mine")
    metric._direction = "up"
    assert direction("val_something_of_mine", metric)
    metric._direction = "down"
    assert not direction("val_something_of_mine", metric)
    assert direction("val_f1", Own(name="f1"))


def test_a_metric_is_known_whatever_its_name():
    assert direction("val_hits", metrics.Recall(name="hits"))
    assert not direction("val_inaccuracy", metrics.MeanSquaredError(name="inaccuracy"))


@pytest.mark.parametrize(
    "name",
    [
        *("AUC", "Precision", "Recall", "F1Score", "MeanIoU", "BinaryAccuracy", "R2Score", "CosineSimilarity", "TruePositives"),
        *("PearsonCorrelation", "ConcordanceCorrelation"),
    ],
)
def test_directions_are_those_of_keras(name):
    import keras

    arguments = {"num_classes": 2} if name == "MeanIoU" else {}
    theirs = getattr(keras.metrics, name)(**arguments)
    if getattr(theirs, "_direction", None) is not None:
        assert direction("x", getattr(metrics, name)(name="x", **arguments)) == (theirs._direction == "up")


@pytest.mark.parametrize("library", ["cornu", "keras"])
@pytest.mark.parametrize("kind", ["EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"])
def test_each_callback_refuses_such_a_name_at_the_end_of_the_first_epoch(kind, library, drive, tmp_path):
    arguments = {"filepath": str(tmp_path / "a.keras"), "save_best_only": True} if kind == "ModelCheckpoint" else {}
    callback = getattr(importlib.import_module(library).callbacks, kind)(monitor="seen", **arguments)
    with pytest.raises(ValueError, match="mode='max'"):
        drive(callback, [{"loss": 1.0, "seen": 2.0}])


def test_the_comparison_is_known_once_values_are_compared():
    for mode, op in (("max", ops.greater), ("min", ops.less)):
        monitor = Monitor("loss", mode=mode)
        assert monitor.monitor_op is None
        assert monitor.is_better(1.0, 2.0) == (mode == "min")
        assert monitor.monitor_op is op


@pytest.mark.parametrize("op", [np.less, operator.lt, ops.less])
def test_a_comparison_of_ones_own_decides(op):
    monitor = Monitor("accuracy", min_delta=0.5)
    monitor.monitor_op = op
    assert monitor.is_better(1.0, 2.0)
    assert not monitor.is_better(1.75, 2.0)
    assert not monitor.is_better(3.0, 2.0)


def test_a_subclass_may_compute_the_value():
    class Difference(EarlyStopping):
        def get_monitor_value(self, logs):
            return logs["val_loss"] - logs["loss"]

    stopping = Difference()
    stopping.set_model(SimpleNamespace(metrics=[], stop_training=False))
    stopping.on_train_begin()
    for epoch, val_loss in enumerate([3.0, 2.0, 2.5]):
        stopping.on_epoch_end(epoch, {"loss": 1.0, "val_loss": val_loss})
    assert (stopping.best, stopping.best_epoch, stopping.model.stop_training) == (1.0, 1, True)


def test_the_attributes_of_keras_are_there():
    for mine, theirs in (
        (EarlyStopping("loss"), keras.callbacks.EarlyStopping("loss")),
        (ReduceLROnPlateau("loss"), keras.callbacks.ReduceLROnPlateau("loss")),
        (ModelCheckpoint("a.keras"), keras.callbacks.ModelCheckpoint("a.keras")),
    ):
        expected = {name: value for name, value in vars(theirs).items() if not name.startswith("_")}
        assert {name: getattr(mine, name) for name in expected} == expected


def test_the_mode_decides_over_all():
    assert Monitor("loss", mode="max").larger_is_better()
    assert not Monitor("accuracy", mode="min").larger_is_better()
