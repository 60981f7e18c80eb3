"""Several optimizers in one: against real Keras step by step and in `fit`, files in both directions, maps, errors."""

import copy
import pickle

import keras
import numpy as np
import pytest

import cornu
from cornu import Variable, layers, optimizers
from cornu.callbacks import LearningRateScheduler
from cornu.errors import InvalidArgumentError, InvalidTypeError, MissingNameError, NonFiniteError
from cornu.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras


def network(library):
    of = keras.layers if library is keras else layers
    inputs = library.Input((3,))
    hidden = of.Dense(4, activation="tanh", name="encoder")(inputs)
    model = library.Model(inputs, of.Dense(1, name="head")(hidden))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def several(library, scale=None):
    """A schedule and clipping for one layer, decay, averages and accumulation for another."""
    of = library.optimizers
    falling = of.schedules.ExponentialDecay(0.1, 5, 0.5)
    first = of.Adam(falling, clipnorm=0.5, name="first")
    second = of.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.6, gradient_accumulation_steps=2, name="second")
    decayed = of.AdamW(0.05, weight_decay=0.1, name="third")
    return of.MultiOptimizer(of.OptimizerMap(first, {"encoder/.*": second, "head/kernel": decayed}), scale, name="several")


def fitted(model, epochs=5):
    x = np.random.default_rng(2).normal(size=(16, 3)).astype("float32")
    model.fit(x, x[:, :1] * 2 - 1, batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return model


@pytest.fixture(scope="module")
def of_keras():
    found = {}
    for scale in (None, 8.0):
        found[scale] = network(keras)
        found[scale].compile(several(keras, scale), "mse")
        fitted(found[scale])
    return found


def agree(mine, theirs, rtol=1e-4, atol=1e-5):
    for own, expected in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(own, expected, rtol=rtol, atol=atol)
    for own, expected in zip(mine.optimizer.variables, theirs.optimizer.variables, strict=True):
        assert own.path == expected.path
        np.testing.assert_allclose(np.asarray(own.value), np.asarray(expected.value), rtol=rtol, atol=atol)


@pytest.mark.parametrize("scale", [None, 8.0])
def test_twenty_steps_of_fit_are_those_of_keras_and_go_on_after_saving(scale, default_backend, of_keras, tmp_path):
    model = network(cornu)
    model.compile(several(cornu, scale), "mse")
    agree(fitted(model), of_keras[scale])
    model.save(tmp_path / "m.keras")
    again = cornu.models.load_model(tmp_path / "m.keras")
    assert [type(each).__name__ for each in again.optimizer.optimizers] == ["SGD", "AdamW", "Adam"]
    for own, expected in zip(fitted(again, 2).get_weights(), fitted(model, 2).get_weights(), strict=True):
        np.testing.assert_array_equal(own, expected)


def test_files_of_keras_are_read_and_ours_by_keras(of_keras, tmp_path):
    of_keras[8.0].save(tmp_path / "theirs.keras")
    mine = cornu.models.load_model(tmp_path / "theirs.keras")
    mine.save(tmp_path / "mine.keras")
    agree(mine, of_keras[8.0], 0, 0)
    agree(keras.models.load_model(tmp_path / "mine.keras"), of_keras[8.0], 0, 0)
    mine.save_weights(tmp_path / "mine.weights.h5")
    keras.models.load_model(tmp_path / "theirs.keras").load_weights(tmp_path / "mine.weights.h5")


def test_the_config_is_that_of_keras():
    ours, theirs = several(cornu, 8.0), several(keras, 8.0)
    mine, expected = (library.serialize(each) for library, each in ((optimizers, ours), (keras.optimizers, theirs)))
    assert mine == expected
    assert optimizers.serialize(optimizers.deserialize(expected)) == mine


def test_steps_by_hand_with_a_function_are_those_of_each_optimizer(default_backend):
    weights = [Variable([1.0, 2.0], name="a"), Variable([[3.0]], name="b"), Variable([4.0], name="c")]
    alone = [Variable(weight.numpy(), name=weight.name) for weight in weights]
    of_name = {"a": SGD(0.5), "b": Adam(0.1), "c": SGD(0.25)}
    several_here = MultiOptimizer(lambda variable: of_name[variable.name])
    for gradients in ([[1.0, 2.0], [[3.0]], [4.0]], [[0.5, 0.25], [[1.0]], [2.0]]):
        several_here.apply(gradients, weights)
        for optimizer, gradient, weight in zip((SGD(0.5), None, SGD(0.25)), gradients, alone, strict=True):
            if optimizer is not None:
                optimizer.apply([gradient], [weight])
    adam = Adam(0.1)
    for gradient in ([[3.0]], [[1.0]]):
        adam.apply([gradient], [alone[1]])
    for mine, expected in zip(weights, alone, strict=True):
        np.testing.assert_allclose(mine.numpy(), expected.numpy(), rtol=1e-6)
    assert several_here.optimizers == list(of_name.values()) and int(several_here.iterations) == 2


def test_an_optimizer_whose_weights_have_no_gradient_does_nothing(default_backend):
    weights = [Variable([1.0], name="a"), Variable([1.0], name="b")]
    optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {"b": SGD(0.25)}))
    with pytest.warns(UserWarning, match="no gradients for the variables"):
        optimizer.apply([[1.0], None], weights)
    assert [w.numpy().tolist() for w in weights] == [[0.5], [1.0]]
    assert [int(each.iterations) for each in optimizer.optimizers] == [0, 1]


def test_mixed_float16_scales_the_loss_of_all(default_backend):
    full = network(cornu)
    try:
        cornu.mixed_precision.set_global_policy("mixed_float16")
        mixed = network(cornu)
    finally:
        cornu.mixed_precision.set_global_policy(None)
    full.compile(several(cornu, 8.0), "mse")
    mixed.compile(LossScaleOptimizer(several(cornu, 8.0), initial_scale=64.0), "mse")
    assert {each.loss_scale_factor for each in mixed.optimizer.optimizers} == {None}
    for own, expected in zip(fitted(mixed).get_weights(), fitted(full).get_weights(), strict=True):
        np.testing.assert_allclose(own, expected, atol=0.05)


def test_copies_and_pickles_go_on_alike():
    weights = [Variable([1.0], name="a"), Variable([1.0], name="b")]
    optimizer = MultiOptimizer(OptimizerMap(SGD(0.5, momentum=0.5), {"b": SGD(0.25)}))
    optimizer.apply([[1.0], [1.0]], weights)
    found = []
    for make in (copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))):
        other, parts = make((optimizer, weights))
        other.apply([[1.0], [1.0]], parts)
        found.append([part.numpy().tolist() for part in parts])
    optimizer.apply([[1.0], [1.0]], weights)
    assert found == [[weight.numpy().tolist() for weight in weights]] * 2


def test_the_loss_scale_is_that_of_all_optimizers():
    optimizer = MultiOptimizer(OptimizerMap(SGD(loss_scale_factor=2.0), {"b": Adam()}), 16.0)
    assert float(optimizer.scale_loss(2.0)) == 32.0
    optimizer.loss_scale_factor = 4.0
    assert [each.loss_scale_factor for each in optimizer.optimizers] == [4.0, 4.0]


def test_weight_decay_can_be_excluded_for_all():
    weights = [Variable([1.0], name="a"), Variable([1.0], name="b")]
    optimizer = MultiOptimizer(OptimizerMap(SGD(0.5, weight_decay=0.5), {"b": SGD(0.5, weight_decay=0.5)}))
    optimizer.exclude_from_weight_decay(var_names=["b"])
    optimizer.apply([[0.0], [0.0]], weights)
    assert [w.numpy().tolist() for w in weights] == [[0.75], [1.0]]


# --- Maps -----------------------------------------------------------------------------------------------------------------


def test_a_map_is_that_of_keras():
    def made(of):
        found = of.OptimizerMap(of.RMSprop(), {"encoder/.*": of.SGD()})
        found["encoder/layer_0/dense"] = found["decoder"] = of.Adam()
        return found

    mine, theirs = made(optimizers), made(keras.optimizers)
    for path in ("decoder", "encoder/layer_0/dense", "encoder/x/query", "decoder/layer_0", "encoder"):
        assert type(mine[path]).__name__ == type(theirs[path]).__name__
    assert list(mine) == list(theirs) and len(mine) == 3
    del mine["decoder"]
    assert type(mine["decoder"]) is optimizers.RMSprop
    assert mine(Variable([1.0], name="encoder/k")) is mine["encoder/.*"]


# --- Errors ---------------------------------------------------------------------------------------------------------------

BAD = {
    "no optimizer": (
        lambda: OptimizerMap("adam"),
        InvalidTypeError,
        "for .default_optimizer. is .adam.. It must",
    ),
    "a list": (lambda: OptimizerMap(SGD(), [SGD()]), InvalidTypeError, "It must be a dict from paths"),
    "nested": (
        lambda: OptimizerMap(SGD(), {"a": LossScaleOptimizer(SGD())}),
        InvalidTypeError,
        "neither a `LossScale",
    ),
    "a dict": (lambda: MultiOptimizer({"a": SGD()}), InvalidTypeError, "It must be an `OptimizerMap`, or a function"),
    "no path": (
        lambda: OptimizerMap(SGD(), {"a": SGD()}).__setitem__("a", SGD()),
        InvalidArgumentError,
        r"The key 'a' was set in an `OptimizerMap` with the keys \['a'\]",
    ),
    "two keys": (
        lambda: OptimizerMap(SGD(), {"a.*": SGD(), ".*b": SGD()})["a/b"],
        InvalidArgumentError,
        "matches the keys .* At most one key may match a weight",
    ),
    "a function": (
        lambda: MultiOptimizer(lambda variable: None).build([Variable([1.0], name="w")]),
        InvalidTypeError,
        "The optimizer for 'w' is None",
    ),
    "rate": (
        lambda: MultiOptimizer(OptimizerMap(SGD())).learning_rate,
        MissingNameError,
        "Use `learning_rate` of the",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_errors_say_what_to_do(case):
    call, error, text = BAD[case]
    with pytest.raises(error, match=text):
        call()


def test_a_callback_that_sets_the_learning_rate_gets_an_error():
    model = network(cornu)
    model.compile(several(cornu), "mse")
    with pytest.raises(AttributeError, match="Each of its optimizers has a learning rate of its own"):
        model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.1)])
    with pytest.raises(MissingNameError):
        model.optimizer.learning_rate = 0.1


def test_an_optimizer_that_was_built_for_other_weights_is_refused():
    used = SGD()
    used.build([Variable([1.0])])
    with pytest.raises(InvalidArgumentError, match="was built for a different set of weights"):
        MultiOptimizer(OptimizerMap(used)).build([Variable([1.0])])


def test_a_weight_that_is_not_finite_is_reported_with_all_learning_rates():
    model = network(cornu)
    model.compile(MultiOptimizer(OptimizerMap(SGD(0.5), {"head/.*": SGD(1e30)})), "mse")
    with pytest.raises(NonFiniteError, match=r"The learning rate is 1e\+30, 0\.5; the inputs"):
        fitted(model)


def test_a_key_that_matches_no_weight_is_told_with_the_paths():
    optimizer_map = OptimizerMap(SGD(0.1), {"body/kernel": SGD(0.0)})
    weight = Variable(np.ones(2, "float32"), name="kernel")
    with pytest.warns(
        UserWarning, match=r"The key 'body/kernel' of the `OptimizerMap` matches none.*'kernel'.*such as '\.\*body/kernel"
    ):
        MultiOptimizer(optimizer_map).build([weight])


def test_a_key_that_is_no_regular_expression_is_refused_at_once():
    with pytest.raises(InvalidArgumentError, match=r"The key '\(kernel' was set.*missing \)"):
        OptimizerMap(SGD(0.1), {"(kernel": SGD(0.0)})


def test_a_path_of_a_weight_need_not_be_a_regular_expression():
    """Keys are patterns, paths are not."""
    weight = Variable(np.ones(1, "float32"), name="kernel (1")
    MultiOptimizer(OptimizerMap(SGD(0.5), {"kernel.*": SGD(0.25)})).apply([[1.0]], [weight])
    assert weight.numpy().tolist() == [0.75]


def test_keys_given_to_the_constructor_are_checked_as_those_that_are_set():
    with pytest.raises(InvalidArgumentError, match="A key must be a string"):
        OptimizerMap(SGD(0.1), {3: SGD(0.0)})
