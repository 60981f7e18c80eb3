"""The scores: which metric sees what, under which name, and what batches add up to."""

from typing import Any

import numpy as np
import pytest

from cornu import metrics
from cornu.errors import InvalidArgumentError
from cornu.metrics import Metric
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss, Losses
from cornu.training.compiled_metrics import CompiledMetrics, OutputMetrics

RNG = np.random.default_rng(0)
Y, OUTPUT = (RNG.normal(size=(6, 1)).astype("float32") for _ in range(2))
ERROR = np.abs(Y - OUTPUT)[:, 0]


def compiled_metrics(given: Any = None, weighted: Any = None, names: tuple = ("size",)) -> CompiledMetrics:
    shapes = [(None, 1)] * len(names)
    compiled_loss = CompiledLoss("mse", None, list(names), shapes, shapes)
    output_metrics = OutputMetrics(lambda y, y_pred: None)
    output_metrics.create(given, weighted, compiled_loss, shapes, shapes, ["loss", *compiled_loss.part_names])
    return CompiledMetrics(metrics.Mean(name="loss"), output_metrics, compiled_loss, "numpy")


def measured(judge: CompiledMetrics, *batches: tuple) -> dict[str, float]:
    """The logs after batches ``(loss, batch)`` with these outputs."""
    values = [variable.value for variable in judge.variables]
    for loss, batch in batches:
        outputs = [OUTPUT[: len(batch.x)]] * len(judge.compiled_loss.output_names)
        losses = Losses(np.float32(loss), [np.float32(loss)] * len(outputs))
        values = judge.update(values, losses, batch, outputs)
    return {name: float(value) for name, value in judge.results(values).items()}


def batch(rows: int = 6, weight: Any = None, mask: Any = None) -> Batch:
    return Batch(Y[:rows], Y[:rows], weight, mask)


def test_the_loss_is_the_mean_over_samples():
    assert measured(compiled_metrics(), (1.0, batch(6)), (4.0, batch(2)))["loss"] == pytest.approx((6 * 1 + 2 * 4) / 8)


def test_padding_counts_nowhere():
    mask = np.array([1, 1, 0, 0, 0, 0], dtype="float32")
    logs = measured(compiled_metrics(["mae"]), (1.0, batch()), (4.0, batch(mask=mask)))
    assert logs["loss"] == pytest.approx((6 * 1 + 2 * 4) / 8)
    assert logs["mae"] == pytest.approx((ERROR.sum() + ERROR[:2].sum()) / 8, rel=1e-5)


@pytest.mark.parametrize("column", [False, True])
def test_only_weighted_metrics_heed_weights(column):
    weight, mask = np.linspace(0, 2, 6, dtype="float32"), np.array([1, 1, 1, 1, 0, 0], dtype="float32")
    given = weight[:, None] if column else weight
    logs = measured(compiled_metrics(["mae"], ["mse"]), (1.0, batch(weight=given, mask=mask)))
    assert logs["mae"] == pytest.approx(ERROR[:4].mean(), rel=1e-5)
    assert logs["mse"] == pytest.approx((ERROR[:4] ** 2 * weight[:4]).sum() / weight[:4].sum(), rel=1e-5)


def test_updating_is_pure():
    judge = compiled_metrics(["mae"])
    before = [variable.numpy() for variable in judge.variables]
    measured(judge, (1.0, batch()))
    assert all(np.array_equal(old, variable.numpy()) for old, variable in zip(before, judge.variables, strict=True))


@pytest.mark.parametrize(
    ("given", "weighted", "names"),
    [
        (["mae", "mse"], None, ["loss", "mae", "mse"]),
        ("mae", None, ["loss", "mae"]),
        ([["mae"]], None, ["loss", "mae"]),
        ({"size": "mae"}, None, ["loss", "mae"]),
        ({"size": ["mae", "mse"]}, None, ["loss", "mae", "mse"]),
        (["mae"], ["mae"], ["loss", "mae", "weighted_mae"]),
        (None, ["mae"], ["loss", "mae"]),
        (["mae", metrics.MeanAbsoluteError(name="mae")], None, ["loss", "mae", "mae_1"]),
        ([metrics.MeanSquaredError(name="loss")], None, ["loss", "loss_1"]),
        (None, None, ["loss"]),
    ],
)
def test_names_for_one_output(given, weighted, names):
    judge = compiled_metrics(given, weighted)
    assert judge.names == names
    assert sorted(names) == list(measured(judge, (1.0, batch())))


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("mae", ["a_mae", "b_mae"]),
        (["mae"], ["a_mae", "b_mae"]),
        ([["mae"], ["mse"]], ["a_mae", "b_mse"]),
        (["mae", "mse"], ["a_mae", "b_mse"]),
        ([None, ["mse", "mae"]], ["b_mse", "b_mae"]),
        ({"b": "mae"}, ["b_mae"]),
    ],
)
def test_names_for_two_outputs(given, names):
    judge = compiled_metrics(given, names=("a", "b"))
    assert judge.names == ["loss", *names, "a_loss", "b_loss"]


def test_a_metric_keeps_its_name():
    metric = metrics.MeanAbsoluteError(name="mine")
    for _ in range(2):
        assert compiled_metrics([[metric], None], names=("a", "b")).names[1] == "a_mine"
    assert metric.name == "mine"


def test_a_metric_for_an_output_that_does_not_exist():
    with pytest.raises(InvalidArgumentError, match=r"`metrics` names an output 'c'. The model's outputs are \['a', 'b'\]"):
        compiled_metrics({"c": "mae"}, names=("a", "b"))


class Range(Metric):
    """Returns two results at once."""

    def __init__(self, name: str = "range"):
        super().__init__(name=name)
        self.largest = self.add_weight(name="largest")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.largest.assign(np.max(y_pred))

    def result(self) -> Any:
        return {"largest": self.largest.value, "twice": self.largest.value * 2}


def test_a_metric_that_gives_a_dict():
    logs = measured(compiled_metrics([Range(), "mae"]), (1.0, batch()))
    assert list(logs) == ["loss", "mae", "largest", "twice"]
    assert logs["twice"] == 2 * logs["largest"] == pytest.approx(2 * OUTPUT.max())


def test_only_metrics_that_leave_padding_out_allow_it():
    assert compiled_metrics(["mae"]).padding_is_safe
    assert not compiled_metrics(["mae", Range()]).padding_is_safe
