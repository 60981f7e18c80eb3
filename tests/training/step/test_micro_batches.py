"""Micro-batches: the same training, a few samples at a time; and only where it is the same."""

import types

import numpy as np
import pytest

import cornu
from cornu import backends, layers, losses, ops, trees
from cornu.core.random_key import RandomKey
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss
from cornu.training.step import activation_profile, micro_batches
from cornu.training.step.loss_gradient import GradientResult

RNG = np.random.default_rng(3)
X = RNG.normal(size=(22, 6, 6, 2)).astype("float32")
Y = {"kind": RNG.integers(0, 3, 22), "size": RNG.normal(size=(22, 1)).astype("float32")}
WEIGHTS = {"kind": RNG.uniform(0.1, 2, 22).astype("float32"), "size": RNG.uniform(0.1, 2, 22).astype("float32")}


def trained(backend, micro_batch_size, optimizer="sgd"):
    """A model with two outputs, penalties of weights, a padded last batch and sample weights."""
    cornu.utils.set_random_seed(4)
    inputs = cornu.Input((6, 6, 2))
    x = layers.Conv2D(4, 3, activation="relu")(inputs)
    x = layers.Flatten()(x)
    outputs = {
        "kind": layers.Dense(3, activation="softmax", kernel_regularizer="l1", name="kind")(x),
        "size": layers.Dense(1, name="size")(x),
    }
    model = cornu.Model(inputs, outputs).to_backend(backend)
    loss = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    model.compile(optimizer, loss, {"kind": 1.0, "size": 0.3}, {"kind": ["accuracy"]}, micro_batch_size=micro_batch_size)
    history = model.fit(X, Y, batch_size=8, epochs=2, sample_weight=WEIGHTS, verbose=0)
    return model.get_weights(), history.history


@pytest.mark.parametrize("size", [1, 2, 4])
def test_training_in_parts_gives_the_same_weights_and_logs(backend, size):
    whole, logs = trained(backend, None)
    parts, their_logs = trained(backend, size)
    for mine, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=2e-5, atol=1e-6)
    assert their_logs.keys() == logs.keys()
    for name, values in logs.items():
        np.testing.assert_allclose(their_logs[name], values, rtol=2e-5, err_msg=name)


def test_adam_does_not_see_the_parts(backend):
    whole, parts = (trained(backend, size, "adam")[0] for size in (None, 2))
    for mine, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("batch", "size", "parts"), [(64, 16, 4), (64, 20, 4), (64, 33, 2), (37, 8, 37), (8, 9, 1)])
def test_a_number_of_the_users_is_the_most(batch, size, parts):
    assert micro_batches.equal_parts(batch, size) == parts


@pytest.mark.parametrize(("batch", "size", "parts"), [(64, 16, 4), (64, 20, 4), (64, 33, 1), (64, 32, 2), (37, 8, 1)])
def test_a_size_that_was_chosen_is_kept_to_where_it_pays(batch, size, parts):
    assert micro_batches.worthwhile_parts(batch, size) == parts


IMAGES = SymbolicTensor((None, 6, 6, 2), "float32")


def test_the_survey_counts_what_the_layers_make():
    inner = cornu.Sequential([cornu.Input((6, 6, 2)), layers.Conv2D(4, 3), layers.MaxPooling2D()])
    model = cornu.Sequential([cornu.Input((6, 6, 2)), inner, layers.Flatten(), layers.Dense(5)])
    assert activation_profile.profile_activations(model, IMAGES) == (4 * 4 * 4 + 2 * 2 * 4 + 16 + 5, None)


def test_the_survey_sees_into_a_subclassed_model_and_draws_no_weights():
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(7)

        def call(self, inputs):
            return ops.relu(self.dense(inputs))

    model = Own()
    model.build((None, 3))
    assert activation_profile.profile_activations(model, SymbolicTensor((None, 3), "float32")).activations == 7
    assert model.dense.kernel._array is None


class Counting(layers.Layer):
    """Promises to treat each sample alone, and keeps something of the batch."""

    batch_coupling = "none"

    def build(self, input_shape):
        self.seen = self.add_weight((), "zeros", trainable=False, name="seen")

    def call(self, inputs):
        self.seen.assign_add(1.0)
        return inputs


class Penalised(layers.Layer):
    batch_coupling = "none"

    def call(self, inputs):
        self.add_loss(ops.sum(inputs))
        return inputs


class Masking(layers.Layer):
    """A layer with another one inside, that makes a mask."""

    batch_coupling = "none"
    supports_masking = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.ReLU()

    def call(self, inputs):
        return self.inner(inputs)

    def compute_mask(self, inputs, previous_mask):
        return ops.any(inputs > 0, axis=-1)


OBSTACLES = {
    "assigns to a variable": Counting(name="odd"),
    "adds to the loss": Penalised(name="odd"),
    "masks its output": Masking(name="odd"),
    "does not declare that samples are independent": layers.BatchNormalization(name="odd"),
}


@pytest.mark.filterwarnings("ignore:The layer 'flatten.*received an input with a mask")
@pytest.mark.parametrize("what", OBSTACLES)
def test_what_keeps_batches_whole_is_named(what, size_for):
    stack = [OBSTACLES[what], layers.Flatten(), layers.Dense(1)]
    assert size_for(10, *stack) is None
    model = cornu.Sequential([cornu.Input((6, 6, 2)), *stack])
    model.compile("sgd", "mse", micro_batch_size=4)
    with pytest.raises(InvalidArgumentError, match=f"micro_batch_size=4.*the layer 'odd' {what}.*use smaller batches"):
        model.fit(X, Y["size"], verbose=0)


def test_a_penalty_of_activities_keeps_batches_whole(size_for):
    assert size_for(10, layers.ReLU(activity_regularizer="l2"), layers.Flatten()) is None


def test_another_form_of_data_is_surveyed_anew():
    model = cornu.Sequential(
        [cornu.Input((None, 6, 2)), layers.Conv2D(2, 3, padding="same"), layers.GlobalAveragePooling2D(), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            micro_batches,
            "profile_activations",
            lambda *args: seen.append(args[1].shape) or activation_profile.ActivationProfile(1, None),
        )
        for size in (4, 6, 6):
            model.fit(X[:, :size], Y["size"], verbose=0)
    assert seen == [(None, 4, 6, 2), (None, 6, 6, 2)]


def any_size():
    """A model for images of any size: its layers compute 75 elements of a 6 x 6 image, 291 of a 12 x 12 one."""
    stack = [layers.Conv2D(2, 3, padding="same"), layers.GlobalAveragePooling2D(), layers.Dense(1)]
    model = cornu.Sequential([cornu.Input((None, None, 2)), *stack]).to_backend("numpy")
    model.compile("sgd", "mse")
    return model


def test_the_validation_data_does_not_decide_how_training_batches_are_cut(monkeypatch):
    """A cache of 600 elements holds 8 images of 6 x 6, so 16 are taken in 2 parts; of 12 x 12 it would be 4 parts."""
    model, parts, in_parts = any_size(), [], micro_batches.in_parts
    monkeypatch.setattr(model.backend, "micro_batch_activations", lambda: 600)
    monkeypatch.setattr(micro_batches, "in_parts", lambda *args: parts.append(args[2]) or in_parts(*args))
    small, large, y = RNG.normal(size=(16, 6, 6, 2)), RNG.normal(size=(16, 12, 12, 2)), RNG.normal(size=(16, 1))
    model.fit(small, y, 16, verbose=0, validation_data=(large, y))
    assert parts == [2]
    model.fit(large, y, 16, verbose=0, validation_data=(small, y))
    assert parts == [2, 4]


def test_other_validation_data_compiles_no_training_step_anew(monkeypatch):
    model, surveyed = any_size(), []
    monkeypatch.setattr(model.backend, "micro_batch_activations", lambda: 600)
    monkeypatch.setattr(
        micro_batches,
        "profile_activations",
        lambda *args: surveyed.append(args[1].shape) or activation_profile.ActivationProfile(75, None),
    )
    small, y = RNG.normal(size=(4, 6, 6, 2)), RNG.normal(size=(4, 1))
    for size in (8, 10, 12):
        model.fit(small, y, verbose=0, validation_data=(RNG.normal(size=(4, size, size, 2)), y))
    assert surveyed == [(None, 6, 6, 2)]


@pytest.fixture
def size_for(monkeypatch):
    """The best size for a network whose backend has a cache of this number of elements."""

    def size(room, *stack, loss="mse"):
        model = cornu.Sequential([cornu.Input((6, 6, 2)), *stack])
        monkeypatch.setattr(model.backend, "micro_batch_activations", lambda: room)
        return micro_batches.best_size(model, CompiledLoss(loss, None, ["y"], [None], [None]), IMAGES)

    return size


def test_the_best_size_fills_the_room_with_what_the_layers_make(size_for):
    assert size_for(10_000, layers.Flatten(), layers.Dense(28)) == 100
    assert size_for(10, layers.Flatten()) == 4
    assert size_for(None, layers.Flatten()) is None


def test_a_micro_batch_makes_no_fewer_numbers_than_there_are_weights(size_for):
    assert size_for(10, layers.Flatten(), layers.Dense(28)) == (72 + 1) * 28 // (72 + 28)


def test_batches_stay_whole_where_the_loss_is_no_mean_over_samples(size_for):
    assert size_for(1000, layers.Flatten(), loss=losses.MeanSquaredError(reduction="sum")) is None
    assert size_for(1000, layers.Flatten(), loss=lambda y, outputs: ops.mean(y - outputs)) is None
    model = cornu.Sequential([cornu.Input((6, 6, 2)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", losses.MeanSquaredError(reduction="sum"), micro_batch_size=np.int64(4))
    with pytest.raises(InvalidArgumentError, match="a loss is not a mean of independent losses"):
        model.fit(X, Y["size"], verbose=0)


@pytest.mark.parametrize("size", [0, -1, 2.5, "all", True])
def test_what_is_no_size_is_refused(size):
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    with pytest.raises(InvalidArgumentError, match=r"micro_batch_size=.*Pass a positive integer, None for whole"):
        model.compile("sgd", "mse", micro_batch_size=size)


def test_a_class_that_is_ignored_keeps_the_loss_from_being_a_mean():
    assert losses.SparseCategoricalCrossentropy().is_mean_over_samples
    assert not losses.SparseCategoricalCrossentropy(ignore_class=0).is_mean_over_samples


def test_each_part_has_a_key_of_its_own(backend):
    engine = backends.get(backend)

    def measure(state, batch, key, share):
        drawn = engine.random_uniform(key.value, (2,), "float32")
        return GradientResult([share * ops.sum(batch.x)], {"loss": share}, [drawn], [])

    x = engine.asarray(np.arange(6, dtype="float32"))
    state = types.SimpleNamespace(trainable=[engine.asarray(0.0)], non_trainable=[engine.asarray(7.0)])
    key = RandomKey(engine.asarray([1, 2], "uint32"))
    found = micro_batches.in_parts(measure, engine, 3)(state, Batch(x, None, None, None), key)
    found = trees.map(engine.to_numpy, found)
    np.testing.assert_allclose(found.gradients[0], 15 / 3)
    np.testing.assert_allclose(found.losses["loss"], 1)
    assert len(np.unique(found.outputs[0])) == 6 and found.non_trainable[0] == 7
