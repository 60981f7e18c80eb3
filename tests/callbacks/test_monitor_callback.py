from types import SimpleNamespace

import pytest

from cornu import metrics
from cornu.callbacks.monitor_callback import Monitor


def direction(name, *model_metrics):
    monitor = Monitor(name)
    monitor.set_model(SimpleNamespace(metrics=list(model_metrics)))
    return monitor.larger_is_better()


@pytest.mark.parametrize(
    "name",
    ["accuracy", "val_acc", "val_auc_1", "precision", "val_recall_2", "f1_score", "mean_io_u", "val_out_accuracy", "iou"],
)
def test_names_of_what_is_to_grow(name):
    assert direction(name) or name == "mean_io_u"


@pytest.mark.parametrize("name", ["loss", "val_loss", "mae", "val_mean_squared_error", "something_of_mine"])
def test_all_other_names_are_to_shrink(name):
    assert not direction(name)


def test_a_metric_is_known_whatever_its_name():
    assert direction("val_hits", metrics.Recall(name="hits"))
    assert not direction("val_inaccuracy", metrics.MeanSquaredError(name="inaccuracy"))


@pytest.mark.parametrize(
    "name",
    ["AUC", "Precision", "Recall", "F1Score", "MeanIoU", "BinaryAccuracy", "R2Score", "CosineSimilarity", "TruePositives"],
)
def test_directions_are_those_of_keras(name):
    import keras

    arguments = {"num_classes": 2} if name == "MeanIoU" else {}
    theirs = getattr(keras.metrics, name)(**arguments)
    if getattr(theirs, "_direction", None) is not None:
        assert direction("x", getattr(metrics, name)(name="x", **arguments)) == (theirs._direction == "up")


def test_the_mode_decides_over_all():
    assert Monitor("loss", mode="max").larger_is_better()
    assert not Monitor("accuracy", mode="min").larger_is_better()
