"""``save_own_variables`` and ``load_own_variables`` of optimizers, metrics and losses, of Cornu and of real Keras."""

from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import cornu
from cornu import Variable, optimizers
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.saving import register_keras_serializable

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # of real Keras

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(12, 3)).astype("float32"), RNG.normal(size=(12, 2)).astype("float32")


def trained(module: ModuleType, optimizer: Any, steps: int = 3) -> Any:
    model = module.Sequential([module.Input((3,)), module.layers.Dense(2, name="d")])
    model.compile(optimizer, "mse")
    model.fit(X, Y, epochs=steps, batch_size=12, shuffle=False, verbose=0)
    return model


def values_of(optimizer: Any) -> list[np.ndarray]:
    return [np.asarray(variable.numpy()) for variable in optimizer.variables]


def assert_same(first: list, second: list) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


# --- Optimizers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Nadam"])
def test_the_state_of_an_optimizer_is_exchanged_with_keras(name: str) -> None:
    ours = trained(cornu, getattr(cornu.optimizers, name)(0.01)).optimizer
    theirs = trained(keras, getattr(keras.optimizers, name)(0.02), steps=1).optimizer
    store: dict[str, Any] = {}
    ours.save_own_variables(store)
    assert list(store) == [str(number) for number in range(len(ours.variables))]
    theirs.load_own_variables(store)
    assert_same(values_of(theirs), values_of(ours))
    trained_more = trained(keras, getattr(keras.optimizers, name)(0.03), steps=5).optimizer
    store = {}
    trained_more.save_own_variables(store)
    ours.load_own_variables(store)
    assert_same(values_of(ours), values_of(trained_more))


def test_what_is_stored_does_not_change_with_the_optimizer(default_backend: str) -> None:
    model = trained(cornu, "adam")
    store: dict[str, Any] = {}
    model.optimizer.save_own_variables(store)
    before = values_of(model.optimizer)
    model.fit(X, Y, verbose=0)
    model.optimizer.load_own_variables(store)
    assert_same(values_of(model.optimizer), before)


def test_another_number_of_arrays_is_not_loaded_with_a_warning() -> None:
    ours = trained(cornu, "adam").optimizer
    before = values_of(ours)
    with pytest.warns(UserWarning, match="'adam.*' received 1 arrays and has 6 variables: its state is not loaded"):
        ours.load_own_variables({"0": np.int32(3)})
    assert_same(values_of(ours), before)
    with pytest.warns(UserWarning, match=r"not built: call `optimizer\.build\(trainable_variables\)` first"):
        optimizers.Adam().load_own_variables({"0": np.int32(3)})


def test_wrong_names_and_shapes_change_nothing() -> None:
    sgd = optimizers.SGD(0.5)
    sgd.build([Variable([1.0])])
    with pytest.raises(InvalidArgumentError, match=r"received arrays named \['a', 'b'\].*must be named \['0', '1'\]"):
        sgd.load_own_variables({"a": 1, "b": 2})
    with pytest.raises(ShapeError, match=r"`load_own_variables` of the optimizer .* received arrays of shapes"):
        sgd.load_own_variables({"0": 7, "1": np.ones(3)})
    assert int(sgd.iterations) == 0


def own_optimizer(module: ModuleType) -> type:
    @module.saving.register_keras_serializable("own_variables")
    class Named(module.optimizers.SGD):
        """Stores its state under names of its own, and a number."""

        number = 5

        def save_own_variables(self, store: Any) -> None:
            store["steps"], store["number"] = np.asarray(self.iterations), np.float32(self.number)

        def load_own_variables(self, store: Any) -> None:
            self.iterations.assign(np.asarray(store["steps"]))
            self.number = int(np.asarray(store["number"]))

    return Named


OPTIMIZERS = {module.__name__: own_optimizer(module) for module in (cornu, keras)}


@pytest.mark.parametrize("ending", ["m.keras", "m.weights.h5"])
@pytest.mark.parametrize(("writer", "reader"), [(cornu, cornu), (cornu, keras), (keras, cornu)], ids=["same", "to", "from"])
def test_an_optimizer_saves_what_it_chooses(writer: ModuleType, reader: ModuleType, ending: str, tmp_path: Path) -> None:
    model = trained(writer, OPTIMIZERS[writer.__name__](0.01))
    model.optimizer.number = 8
    path = tmp_path / ending
    if ending == "m.keras":
        model.save(path)
        other = reader.saving.load_model(path, custom_objects={"own_variables>Named": OPTIMIZERS[reader.__name__]})
    else:
        model.save_weights(path)
        other = trained(reader, OPTIMIZERS[reader.__name__](0.01), steps=1)
        other.load_weights(path)
    assert other.optimizer.number == 8
    assert int(np.asarray(other.optimizer.iterations)) == 3


def test_an_optimizer_that_fails_to_load_changes_nothing(tmp_path: Path) -> None:
    class Broken(OPTIMIZERS["cornu"]):  # type: ignore[name-defined]
        def load_own_variables(self, store: Any) -> None:
            super().load_own_variables(store)
            raise RuntimeError("mine")

    trained(cornu, OPTIMIZERS["cornu"](0.01)).save_weights(tmp_path / "m.weights.h5")
    model = trained(cornu, Broken(0.5), steps=1)
    before = [*model.get_weights(), *values_of(model.optimizer)]
    with pytest.raises(RuntimeError, match="mine") as failed:
        model.load_weights(tmp_path / "m.weights.h5")
    assert "`load_own_variables` of 'broken'" in "".join(failed.value.__notes__)
    assert_same([*model.get_weights(), *values_of(model.optimizer)], before)


# --- Metrics and losses ------------------------------------------------------------------------------------------------


def own_model(module: ModuleType) -> Any:
    class Seen(module.metrics.Metric):
        """A metric whose state is saved, unlike that of Keras's."""

        def __init__(self, name: str = "seen"):
            super().__init__(name=name)
            self.total = self.add_weight(name="total", initializer="zeros")

        def update_state(self, values: Any) -> None:
            self.total.assign_add(values)

        def result(self) -> Any:
            return self.total

        def save_own_variables(self, store: Any) -> None:
            store["total"] = self.total

        def load_own_variables(self, store: Any) -> None:
            self.total.assign(np.asarray(store["total"]))

    class Margin(module.losses.Loss):
        """A loss with a number that is saved."""

        margin = 1.0

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return module.ops.abs(y_true - y_pred) - self.margin

        def save_own_variables(self, store: Any) -> None:
            store["margin"] = np.float32(self.margin)

        def load_own_variables(self, store: Any) -> None:
            self.margin = float(np.asarray(store["margin"]))

    class Own(module.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense, self.seen = module.layers.Dense(2), Seen()
            self.more, self.margin_loss, self.plain = [Seen(name="x"), Seen(name="y")], Margin(), module.metrics.Mean()

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    model = Own()
    model(X)
    return model


@pytest.mark.parametrize(("writer", "reader"), [(cornu, cornu), (cornu, keras), (keras, cornu)], ids=["same", "to", "from"])
def test_metrics_and_losses_save_what_they_choose(writer: ModuleType, reader: ModuleType, tmp_path: Path) -> None:
    model, other = own_model(writer), own_model(reader)
    for metric, value in zip((model.seen, *model.more), (4.0, 5.0, 6.0), strict=True):
        metric.update_state(value)
    model.margin_loss.margin = 0.25
    model.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    assert [float(np.asarray(each.total)) for each in (other.seen, *other.more)] == [4.0, 5.0, 6.0]
    assert other.margin_loss.margin == 0.25
    assert_same([np.asarray(value) for value in model.get_weights()], [np.asarray(value) for value in other.get_weights()])


def test_metrics_without_the_method_are_not_in_the_file(tmp_path: Path) -> None:
    for module in (cornu, keras):
        own_model(module).save_weights(tmp_path / f"{module.__name__}.weights.h5")
    names = []
    for name in ("cornu", "keras"):
        with h5py.File(tmp_path / f"{name}.weights.h5") as file:
            found: list[str] = []
            file.visititems(lambda path, item, found=found: found.append(path) if isinstance(item, h5py.Dataset) else None)
            names.append(sorted(found))
    assert names[0] == names[1] and not any("plain" in name for name in names[0])


def test_a_metric_that_only_saves_is_not_read(tmp_path: Path) -> None:
    @register_keras_serializable("own_variables")
    class OnlySaves(cornu.metrics.Mean):
        def save_own_variables(self, store: Any) -> None:
            store["total"] = self.total

    class Own(cornu.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense, self.seen = cornu.layers.Dense(2), OnlySaves()

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    first, second = Own(), Own()
    for model in (first, second):
        model.build((None, 3))
    first.seen.update_state([3.0])
    first.save_weights(tmp_path / "m.weights.h5")
    second.load_weights(tmp_path / "m.weights.h5")
    assert_same(first.get_weights(), second.get_weights())
    assert float(second.seen.result()) == 0.0
