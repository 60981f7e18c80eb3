"""What ``repr`` and ``str`` show of the objects of the library: short texts, those of real Keras where it has its own."""

import re
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import backends, layers, losses, metrics, optimizers

AS_IN_KERAS: dict[str, Any] = {
    "layer": lambda k: k.layers.Dense(3, name="d"),
    "built layer": lambda k: built(k.layers.Dense(3, name="d")),
    "sequential": lambda k: k.Sequential([k.layers.Dense(3)], name="s"),
    "input": lambda k: k.Input((3, None), dtype="int32", name="i"),
    "symbolic tensor": lambda k: k.KerasTensor((None, 3), name="t"),
    "metric": lambda k: k.metrics.MeanSquaredError(name="m"),
    "policy": lambda k: k.DTypePolicy("mixed_bfloat16"),
    "policy map": lambda k: k.dtype_policies.DTypePolicyMap("float32", {"a": k.DTypePolicy("mixed_bfloat16")}),
    "input specification": lambda k: k.layers.InputSpec(dtype="int32", min_ndim=2, axes={-1: 3}),
    "variable": lambda k: k.Variable(np.float32([[1, 2], [3, 4]]), name="v"),
    "large variable": lambda k: k.Variable(np.arange(60_000, dtype="float32").reshape(200, 300), name="v"),
    "integer": lambda k: k.Variable(np.int32(7), trainable=False, name="n"),
}


def built(layer: Any) -> Any:
    layer.build((None, 2))
    return layer


@pytest.mark.parametrize("name", AS_IN_KERAS)
def test_texts_are_those_of_keras(name: str) -> None:
    ours, theirs = AS_IN_KERAS[name](cornu), AS_IN_KERAS[name](keras)
    assert repr(ours) == re.sub(" at 0x[0-9a-f]+", "", repr(theirs))
    assert str(ours) == re.sub(" at 0x[0-9a-f]+", "", str(theirs))


def test_functional_models_show_their_class_and_name() -> None:
    x = cornu.Input((3,))
    assert repr(cornu.Model(x, layers.Dense(2)(x), name="f")) == "<Model name=f, built=True>"


def test_optimizers_and_losses_show_their_class_and_name() -> None:
    assert repr(optimizers.Adam(name="a")) == "<Adam name=a, built=False>"
    assert repr(losses.Huber(name="h", reduction="sum")) == str(losses.Huber(name="h", reduction="sum"))
    assert repr(losses.Huber(name="h", reduction="sum")) == "<Huber name=h, reduction=sum>"


def test_texts_are_short_and_the_same_on_every_engine(default_backend: str) -> None:
    model = cornu.Sequential([cornu.Input((40,)), layers.Dense(50, name="d")])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((8, 40), "float32"), np.zeros((8, 50), "float32"), verbose=0)
    objects = [model, *model.layers, *model.variables, model.optimizer, *model.optimizer.variables, *model.metrics]
    objects += [*model.metrics_variables, metrics.Mean(), model.dtype_policy]
    for each in objects:
        assert repr(each) == str(each) and len(repr(each)) < 1000, repr(each)
    assert repr(model.layers[-1].bias).startswith("<Variable path=sequential") and "shape=(50,)" in repr(model.layers[-1].bias)
    assert repr(model.optimizer.iterations) == repr(model.optimizer.iterations).replace("\n", "")


def test_a_variable_is_shown_without_values_where_it_has_none(engine_name: str) -> None:
    """Printing must not fail in a function that is being traced."""
    engine, seen = backends.get(engine_name), []

    class Shown(metrics.Sum):
        def update_state(self, values: Any, sample_weight: Any = None) -> None:
            super().update_state(values, sample_weight)
            seen.append(repr(self.total))

    metric = Shown()
    engine.compile(metric.stateless_update_state)([engine.asarray(np.float32(1))], engine.asarray(np.float32([2])))
    assert seen[0].startswith("<Variable path=") and "shape=(), dtype=float32" in seen[0]
