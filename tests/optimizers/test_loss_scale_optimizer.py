"""Loss scaling: against real Keras step by step, skipped steps, what the inner optimizer receives, configs, errors."""

import copy
import pickle

import keras
import numpy as np
import pytest

from cornu import Variable, mixed_precision, ops, optimizers
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.optimizers import LossScaleOptimizer
from cornu.optimizers.schedules import ExponentialDecay

INNER = [
    ("SGD", {"learning_rate": 0.1, "momentum": 0.5}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.7}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.3}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.9}),
    ("Adam", {"learning_rate": 0.1}),
    ("AdamW", {"learning_rate": 0.1, "weight_decay": 0.2}),
    ("RMSprop", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2}),
    ("Adam", {"learning_rate": 0.1, "gradient_accumulation_steps": 2}),
    ("SGD", {"learning_rate": 0.1, "loss_scale_factor": 8.0}),
    ("Muon", {"learning_rate": 0.1}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1}),
]
SHAPES = [(3, 2), (4,)]


def scaled_gradients() -> list[list[np.ndarray]]:
    """Gradients of eight steps, of which the third and the last two have a value that is not finite."""
    rng = np.random.default_rng(3)
    steps = [[(rng.normal(size=shape) * 64).astype("float32") for shape in SHAPES] for _ in range(8)]
    steps[2][1][2], steps[6][0][1, 1], steps[7][0][2, 0] = np.inf, np.nan, -np.inf
    return steps


def start() -> list[np.ndarray]:
    return [np.random.default_rng(5).normal(size=shape).astype("float32") for shape in SHAPES]


def steps_of_keras(optimizer) -> list[list[np.ndarray]]:
    """Return weights and variables of Keras's optimizer after each step; its `apply` does not run on JAX."""
    variables = [keras.Variable(w) for w in start()]
    optimizer.build(variables)
    weights, state, found = [v.value for v in variables], [v.value for v in optimizer.variables], []
    for gradients in scaled_gradients():
        weights, state = optimizer.stateless_apply(state, gradients, weights)
        found.append([np.array(each) for each in (*weights, *state)])
    return found


@pytest.mark.parametrize(("name", "arguments"), INNER)
def test_steps_are_those_of_keras(name, arguments, default_backend):
    theirs = keras.optimizers.LossScaleOptimizer(getattr(keras.optimizers, name)(**arguments), 64.0, dynamic_growth_steps=2)
    expected = steps_of_keras(theirs)
    ours = LossScaleOptimizer(getattr(optimizers, name)(**arguments), 64.0, dynamic_growth_steps=2)
    weights, scales = [Variable(w) for w in start()], set()
    for gradients, after in zip(scaled_gradients(), expected, strict=True):
        ours.apply(gradients, weights)
        for one, other in zip([*weights, *ours.variables], after, strict=True):
            np.testing.assert_allclose(one.numpy(), other, 1e-5, 1e-6, err_msg=one.path)
        scales.add(float(ours.dynamic_scale))
    assert scales == {32.0, 64.0, 128.0}  # it did rise and fall


@pytest.mark.parametrize(("name", "arguments"), INNER)
def test_variables_have_keras_s_order_and_names(name, arguments):
    theirs = keras.optimizers.LossScaleOptimizer(getattr(keras.optimizers, name)(**arguments), name="scaled")
    ours = LossScaleOptimizer(getattr(optimizers, name)(**arguments), name="scaled")
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
    theirs.build([keras.Variable(w) for w in start()])
    ours.build([Variable(w) for w in start()])
    assert [v.shape for v in ours.variables] == [tuple(v.shape) for v in theirs.variables]
    assert [v.name for v in ours.variables[:4]] == [v.name for v in theirs.variables[:4]]
    assert [v.dtype for v in ours.variables] == [v.dtype for v in theirs.variables]


def test_the_pure_step_is_the_same_and_changes_no_variable(default_backend):
    ours = LossScaleOptimizer(optimizers.Adam(0.1), 64.0, dynamic_growth_steps=2)
    again = LossScaleOptimizer(optimizers.Adam(0.1), 64.0, dynamic_growth_steps=2)
    weights, others = [Variable(w) for w in start()], [Variable(w) for w in start()]
    again.build(others)
    trainable, state = [v.value for v in others], [v.value for v in again.variables]
    for gradients in scaled_gradients():
        ours.apply(gradients, weights)
        trainable, state = again.stateless_apply(state, [ops.array(g) for g in gradients], trainable)
        for one, variable in zip([*trainable, *state], [*weights, *ours.variables], strict=True):
            np.testing.assert_array_equal(ops.convert_to_numpy(one), variable.numpy())
    assert float(again.dynamic_scale) == 64.0 and others[0].numpy().tolist() == start()[0].tolist()


def test_a_gradient_that_is_missing_changes_nothing(default_backend):
    weights = [Variable([1.0, 2.0]), Variable([3.0])]
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5), 4.0)
    with pytest.warns(UserWarning, match="no gradients"):
        optimizer.apply([[4.0, 8.0], None], weights)
    assert [weight.numpy().tolist() for weight in weights] == [[0.5, 1.0], [3.0]]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gradients_too_small_for_half_precision_move_the_weight(dtype, default_backend):
    weight = Variable(np.zeros(2), dtype=dtype)
    dtype = weight.dtype  # JAX has no float64
    optimizer = LossScaleOptimizer(optimizers.SGD(2.0**20), 2.0**15)
    optimizer.apply([np.full(2, 2.0**-15)], [weight])  # of the loss itself: 2**-30, which float16 cannot represent
    assert weight.numpy().tolist() == [-(2.0**-10)] * 2 and weight.dtype == dtype


def test_gradients_of_half_precision_are_accumulated(default_backend):
    weight = Variable(np.zeros(2), dtype="float16")
    optimizer = LossScaleOptimizer(optimizers.SGD(1.0, gradient_accumulation_steps=2), 4.0)
    for _ in range(2):
        optimizer.apply([np.array([4.0, 8.0])], [weight])
    assert weight.numpy().tolist() == [-1.0, -2.0]
    assert optimizer.inner_optimizer._accumulators[0].dtype == "float16"


def test_gradients_that_are_never_finite_are_not_skipped_forever(default_backend):
    """Without the scale they are not finite either, and training must say so: a NaN weight is reported by ``fit``."""
    weight = Variable([1.0])
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5))
    skipped = 0
    while np.isfinite(weight.numpy()).all():
        optimizer.apply([[float("nan")]], [weight])
        skipped += 1
    assert skipped == 15 + 16 + 2  # from 2**15 down to 2**-17


def test_the_scale_does_not_grow_to_infinity(default_backend):
    weight = Variable([1.0])
    optimizer = LossScaleOptimizer(optimizers.SGD(0.0), 2.0**126, dynamic_growth_steps=1)
    for _ in range(4):
        optimizer.apply([[0.0]], [weight])
    assert float(optimizer.dynamic_scale) == 2.0**127


def test_the_loss_is_scaled_by_the_initial_and_then_by_the_current_scale(default_backend):
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5), initial_scale=8.0)
    assert float(ops.convert_to_numpy(optimizer.scale_loss(ops.array(3.0)))) == 24.0
    optimizer.apply([[float("inf")]], [Variable([1.0])])
    assert float(ops.convert_to_numpy(optimizer.scale_loss(ops.array(3.0)))) == 12.0


# --- What is forwarded ------------------------------------------------------------------------------------------------


def test_learning_rate_and_iterations_are_those_of_the_inner_optimizer():
    inner = optimizers.SGD(0.5, momentum=0.25)
    optimizer = LossScaleOptimizer(inner)
    optimizer.learning_rate = 0.125
    assert float(inner.learning_rate) == float(optimizer.learning_rate) == 0.125
    optimizer.apply([[float("nan")]], [Variable([1.0])])
    assert int(optimizer.iterations) == 0
    optimizer.apply([[1.0]])
    assert int(optimizer.iterations) == int(inner.iterations) == 1
    assert optimizer.momentum == 0.25


def test_a_schedule_belongs_to_the_inner_optimizer():
    optimizer = LossScaleOptimizer(optimizers.SGD(ExponentialDecay(1.0, 1, 0.5)), 1.0)
    assert optimizer.compiled_learning_rate == optimizer.inner_optimizer.compiled_learning_rate != ()
    weight = Variable([1.0])
    for _ in range(2):
        optimizer.apply([[0.0]], [weight])
    assert float(optimizer.learning_rate) == 0.25


def test_an_attribute_that_neither_has_is_an_attribute_error():
    optimizer = LossScaleOptimizer(optimizers.SGD())
    for name in ("momentums", "dynamic_scale", "_slot"):
        with pytest.raises(AttributeError, match=f"'LossScaleOptimizer' object has no attribute '{name}'"):
            getattr(optimizer, name)


def test_averages_of_the_inner_optimizer_replace_the_weights_at_the_end(default_backend):
    weight = Variable([1.0])
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5), 2.0)
    for _ in range(2):
        optimizer.apply([[2.0]], [weight])
    optimizer.finalize_variable_values([weight])
    assert weight.numpy().tolist() == [0.5 * 0.5 + 0.5 * 0.0]


def test_weight_decay_can_be_excluded_through_the_wrapper():
    weight, bias = Variable([1.0], name="kernel"), Variable([1.0], name="bias")
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5, weight_decay=0.5), 1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([[0.0], [0.0]], [weight, bias])
    assert (weight.numpy().tolist(), bias.numpy().tolist()) == ([0.75], [1.0])


def test_the_inner_optimizer_does_not_scale_the_loss_as_well():
    inner = optimizers.SGD(0.5, loss_scale_factor=16.0)
    assert LossScaleOptimizer(inner).inner_optimizer.loss_scale_factor is None


# --- Configs and errors -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras
def test_the_config_is_that_of_keras():
    theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.25), 8.0, 5, name="scaled")
    ours = LossScaleOptimizer(optimizers.SGD(0.25), 8.0, 5, name="scaled")
    mine, keras_s = optimizers.serialize(ours), keras.optimizers.serialize(theirs)
    assert mine["config"].keys() == keras_s["config"].keys()
    assert {name: mine[name] for name in ("module", "class_name")} == {name: keras_s[name] for name in ("module", "class_name")}
    for config in (mine, keras_s):
        again = optimizers.deserialize(config)
        assert (again.initial_scale, again.dynamic_growth_steps, again.name) == (8.0, 5, "scaled")
        assert type(again.inner_optimizer) is optimizers.SGD and float(again.learning_rate) == 0.25
    assert type(keras.optimizers.deserialize(mine).inner_optimizer) is keras.optimizers.SGD


def test_a_config_of_an_older_keras_is_read():
    older = {"weight_decay": None, "clipnorm": None, "use_ema": False, "ema_momentum": 0.99, "dynamic": True}
    config = LossScaleOptimizer(optimizers.SGD()).get_config() | older
    assert LossScaleOptimizer.from_config(config).dynamic_growth_steps == 2000


def test_a_custom_inner_optimizer_is_found_among_the_custom_objects():
    class Mine(optimizers.SGD):
        pass

    config = LossScaleOptimizer(Mine(0.5)).get_config()
    assert type(LossScaleOptimizer.from_config(config, {"Mine": Mine}).inner_optimizer) is Mine


def test_copies_and_pickles_go_on_alike():
    weight = Variable([1.0])
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5), 4.0)
    optimizer.apply([[float("inf")]], [weight])
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert float(other.dynamic_scale) == 2.0 and other.inner_optimizer is not optimizer.inner_optimizer


def test_it_is_found_in_both_namespaces():
    assert mixed_precision.LossScaleOptimizer is optimizers.LossScaleOptimizer


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"dynamic": False}, r"received `dynamic=False`\. .*always dynamic\. .*pass `loss_scale_factor` to the optimizer"),
        ({"weight_decay": 0.1}, r"received `weight_decay=0.1`\. .*Pass `weight_decay` to the inner optimizer"),
        ({"use_ema": True}, r"does not support `use_ema`"),
        ({"initial_scale": 0}, r"received `initial_scale=0`\. It must be a positive number"),
        ({"initial_scale": float("inf")}, "received `initial_scale=inf`"),
        ({"dynamic_growth_steps": 0}, "received `dynamic_growth_steps=0`"),
        ({"initial_scal": 2.0}, "argument `initial_scal`.*Did you mean 'initial_scale'"),
    ],
)
def test_invalid_arguments_are_named(arguments, text):
    with pytest.raises(InvalidArgumentError, match=text):
        LossScaleOptimizer(optimizers.SGD(), **arguments)


def test_the_inner_optimizer_must_be_one():
    with pytest.raises(InvalidTypeError, match=r"received `inner_optimizer='adam'`. It must be an optimizer"):
        LossScaleOptimizer("adam")


def test_an_inner_optimizer_of_other_weights_is_refused():
    inner = optimizers.SGD(0.5)
    inner.build([Variable([1.0])])
    with pytest.raises(InvalidArgumentError, match=r"The inner optimizer 'sgd.*' was built for a different set of weights"):
        LossScaleOptimizer(inner).build([Variable([1.0])])
