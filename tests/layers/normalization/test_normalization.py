"""Normalization against real Keras, its statistics and its padding."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import backends, config, layers, ops
from cornu.core.call_context import CallContext
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing.layer_checks import check_layer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of weights in Keras

TRAINING, MASK = {"training": True}, {"training": True, "mask": np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]], dtype="bool")}

AGAINST_KERAS = {
    "batch": ("BatchNormalization", {}, (3, 4)),
    "batch while training": ("BatchNormalization", {}, (5, 4), TRAINING),
    "batch of images": ("BatchNormalization", {"momentum": 0.7, "epsilon": 0.1}, (3, 4, 5, 2), TRAINING),
    "batch channels first": ("BatchNormalization", {"axis": 1}, (3, 2, 4, 2), TRAINING),
    "batch without gamma and beta": ("BatchNormalization", {"scale": False, "center": False}, (5, 4), TRAINING),
    "batch with a mask": ("BatchNormalization", {}, (3, 3, 2), MASK),
    "batch not trainable": ("BatchNormalization", {"trainable": False}, (5, 4), TRAINING),
    "batch renormalized": ("BatchNormalization", {"renorm": True, "renorm_momentum": 0.9}, (5, 4), TRAINING),
    "batch renormalized, clipped": (
        "BatchNormalization",
        {"renorm": True, "renorm_clipping": {"rmax": 1.1}},
        (3, 4, 2),
        TRAINING,
    ),
    "layer": ("LayerNormalization", {}, (3, 4)),
    "layer over two axes": ("LayerNormalization", {"axis": [1, 2], "epsilon": 0.1}, (3, 4, 5)),
    "layer over axis 1": ("LayerNormalization", {"axis": 1}, (3, 4, 2)),
    "layer without beta": ("LayerNormalization", {"center": False}, (3, 4)),
    "group": ("GroupNormalization", {"groups": 2}, (2, 3, 3, 4)),
    "group with channels first": ("GroupNormalization", {"groups": 2, "axis": 1, "scale": False}, (2, 4, 3)),
    "group by channel": ("GroupNormalization", {"groups": 3}, (2, 4, 3)),
    "root mean square": ("RMSNormalization", {}, (3, 4)),
    "root mean square over two axes": ("RMSNormalization", {"axis": [1, 2], "epsilon": 0.1}, (3, 4, 5)),
    "unit": ("UnitNormalization", {}, (3, 4)),
    "unit over two axes": ("UnitNormalization", {"axis": [1, 2]}, (2, 3, 4)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case, rtol=3e-5, atol=1e-5)


CONTRACT = {name: case for name, case in AGAINST_KERAS.items() if "training" not in name and "mask" not in name}


@pytest.mark.parametrize("case", CONTRACT.values(), ids=CONTRACT.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    skip = ["gradients"] if "renorm" in case[1] else []  # the corrections have no gradient, by definition
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2], skip=skip)


# --- Batch normalization ----------------------------------------------------------------------------------------------------


def images(count: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, size=(count, 4, 3)).astype("float32")


def test_in_training_the_batch_comes_out_with_mean_0_and_variance_1(backend: str) -> None:
    layer = layers.BatchNormalization(epsilon=0).to_backend(backend)
    y = np.asarray(layer(images(), training=True))
    np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(y.var((0, 1)), 1, rtol=1e-5)


def test_the_moving_statistics_follow_those_of_the_batch(backend: str) -> None:
    layer = layers.BatchNormalization(momentum=0.9).to_backend(backend)
    x = images()
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * x.mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * x.var((0, 1)), rtol=1e-5)


def test_they_stay_when_it_is_not_training(backend: str) -> None:
    layer = layers.BatchNormalization().to_backend(backend)
    layer(images())
    layer(images(), training=False)
    assert layer.moving_mean.numpy().tolist() == [0.0, 0.0, 0.0]


def test_they_stay_when_it_is_frozen(backend: str) -> None:
    layer = layers.BatchNormalization().to_backend(backend)
    layer.trainable = False
    x = images()
    np.testing.assert_allclose(np.asarray(layer(x, training=True)), x / np.sqrt(1.001), rtol=1e-5)
    assert layer.moving_mean.numpy().tolist() == [0.0, 0.0, 0.0]


def in_training(backend: str, x: np.ndarray, sample_mask: list | None, mask: np.ndarray | None = None) -> tuple:
    """Outputs and moving statistics of one call as compiled code makes it."""
    engine = backends.get(backend)
    layer = layers.BatchNormalization().to_backend(backend)
    layer.build((None, *x.shape[1:]))
    context = CallContext(sample_mask=None if sample_mask is None else engine.asarray(np.array(sample_mask, "float32")))
    trained = [variable.value for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]
    mask = None if mask is None else engine.asarray(mask)
    outputs, after = layer.stateless_call(trained, state, engine.asarray(x), training=True, mask=mask, call_context=context)
    return np.asarray(outputs), [np.asarray(value) for value in after]


def test_padded_samples_do_not_count(backend: str) -> None:
    x = images(4)
    padded = np.concatenate([x, np.full((2, 4, 3), 99, "float32")])
    wanted, state = in_training(backend, x, None)
    found, masked_state = in_training(backend, padded, [1, 1, 1, 1, 0, 0])
    np.testing.assert_allclose(found[:4], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(masked_state, state, rtol=1e-5)


def test_padded_samples_and_masked_steps_do_not_count(backend: str) -> None:
    x = images(4)
    mask = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1]], dtype="bool")
    counted = x[:2][mask[:2]]
    _, (mean, variance) = in_training(backend, x, [1, 1, 0, 0], mask)
    np.testing.assert_allclose(mean, 0.01 * counted.mean(0), rtol=1e-4)
    np.testing.assert_allclose(variance, 0.99 + 0.01 * counted.var(0), rtol=1e-4)


def test_a_batch_of_padding_alone_gives_no_nan(backend: str) -> None:
    outputs, _ = in_training(backend, images(2), [0, 0])
    assert np.isfinite(outputs).all()


def test_large_numbers_keep_their_variance(backend: str) -> None:
    x = np.array([[10000.0], [10001.0], [10002.0], [10003.0]], dtype="float32")
    _, (_, variance) = in_training(backend, x, None)
    assert float(variance[0]) == pytest.approx(0.99 + 0.01 * 1.25, rel=1e-6)


def test_in_mixed_precision_it_computes_in_float32(backend: str) -> None:
    layer = layers.BatchNormalization(dtype="mixed_float16").to_backend(backend)
    x = (images() * 1000).astype("float16")  # the squares overflow in 16 bits
    y = layer(x, training=True)
    assert ops.dtype(y) == "float16"
    assert np.isfinite(np.asarray(y, "float32")).all()
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.01 * x.astype("float64").mean((0, 1)), rtol=1e-4)


@pytest.mark.parametrize("make", [layers.GroupNormalization, layers.LayerNormalization, layers.BatchNormalization])
def test_inputs_above_the_range_of_float16_are_normalized_before_they_are_cast(make: Callable, backend: str) -> None:
    options = {"groups": 2} if make is layers.GroupNormalization else {}
    training = {"training": True} if make is layers.BatchNormalization else {}
    x = (np.random.default_rng(1).normal(size=(4, 6, 8)) * 1e4 + 70_000).astype("float32")
    half, full = (
        backends.of(y).to_numpy(y)
        for dtype in ("mixed_float16", "float32")
        for y in [make(dtype=dtype, **options).to_backend(backend)(x, **training)]
    )
    assert half.dtype == "float16"
    np.testing.assert_allclose(half, full, rtol=2e-3, atol=2e-3)


def test_the_norm_of_a_unit_is_computed_in_float32(backend: str) -> None:
    x = np.float32([[70_000, 0, 70_000], [300, -400, 0]])
    y = layers.UnitNormalization(dtype="mixed_float16").to_backend(backend)(x)
    np.testing.assert_allclose(backends.of(y).to_numpy(y), [[0.5**0.5, 0, 0.5**0.5], [0.6, -0.8, 0]], rtol=1e-3)


def test_no_gradient_flows_into_the_moving_statistics(backend: str) -> None:
    layer = layers.BatchNormalization().to_backend(backend)
    layer.build((None, 3))
    assert [variable.name for variable in layer.trainable_variables] == ["gamma", "beta"]
    assert [variable.name for variable in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]


def test_a_mask_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"a mask of shape \(6, 5\).*Pass a mask of shape \(6, 4\)"):
        layers.BatchNormalization()(images(), training=True, mask=np.ones((6, 5)))


CLIPPED = {"rmin": 0.8, "rmax": 1.2, "dmax": 0.1}


def renormalized(kit: Any, x: np.ndarray, **arguments: Any) -> tuple:
    """The outputs of two training calls and one other call of a layer with distinct random weights, and its weights then."""
    layer = kit.layers.BatchNormalization(renorm=True, **arguments)
    layer.build((None, *x.shape[1:]))
    rng = np.random.default_rng(3)
    layer.set_weights([np.abs(rng.normal(size=w.shape)).astype("float32") + 0.5 for w in layer.weights])
    outputs = [layer(x, training=True), layer(x * 2 - 1, training=True), layer(x, training=False)]
    return [kit.ops.convert_to_numpy(y) for y in outputs], [kit.ops.convert_to_numpy(w) for w in layer.weights]


@pytest.mark.parametrize("clipping", [None, CLIPPED, {"rmax": None, "dmax": 0.0}], ids=["free", "clipped", "no offset"])
def test_renormalization_and_its_state_are_those_of_keras(clipping: Any, backend: str) -> None:
    import keras

    arguments = {"renorm_clipping": clipping, "renorm_momentum": 0.8, "momentum": 0.6}
    with config.placement_scope(backend):
        found, wanted = renormalized(cornu, images(), **arguments), renormalized(keras, images(), **arguments)
    for mine, theirs in zip([*found[0], *found[1]], [*wanted[0], *wanted[1]], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=1e-5)


def test_renormalization_at_rest_is_batch_normalization(backend: str) -> None:
    x, epsilon = images(), 1e-3
    plain = layers.BatchNormalization().to_backend(backend)
    layer = layers.BatchNormalization(renorm=True, synchronized=True).to_backend(backend)
    layer.build((None, 4, 3))
    layer.renorm_mean.assign(x.mean((0, 1)))
    layer.renorm_stddev.assign(np.sqrt(x.var((0, 1)) + epsilon))  # then r = 1 and d = 0
    wanted = ops.convert_to_numpy(plain(x, training=True))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x, training=True)), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("clipping", [{"rmin": 2, "rmax": 1}, {"dmax": -1}, {"max": 1}])
def test_clipping_that_is_empty_or_unknown_is_refused(clipping: dict) -> None:
    with pytest.raises(InvalidArgumentError, match=r"`renorm_clipping=.*It must be a dict of 'rmax', 'rmin' and 'dmax'"):
        layers.BatchNormalization(renorm=True, renorm_clipping=clipping)


def test_a_momentum_of_renormalization_must_be_a_fraction() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`renorm_momentum=1\.5`"):
        layers.BatchNormalization(renorm=True, renorm_momentum=1.5)


def test_synchronized_statistics_are_those_of_the_one_device() -> None:
    x = images()
    plain, layer = layers.BatchNormalization(), layers.BatchNormalization(synchronized=True)
    np.testing.assert_array_equal(np.asarray(plain(x, training=True)), np.asarray(layer(x, training=True)))
    assert layer.get_config()["synchronized"] is True


@pytest.mark.filterwarnings("ignore:.*rms_scaling=True:UserWarning")
@pytest.mark.parametrize("arguments", [{}, {"scale": False}, {"axis": [1, 2]}], ids=["plain", "scale", "axes"])
def test_the_old_rms_scaling_of_layer_normalization_is_that_of_keras(arguments: dict, same_as_keras: Callable) -> None:
    same_as_keras("LayerNormalization", {"rms_scaling": True, **arguments}, (3, 4, 5), rtol=3e-5, atol=1e-5)


def test_the_old_rms_scaling_warns() -> None:
    with pytest.warns(UserWarning, match="divides by the standard deviation.*Use `RMSNormalization`"):
        layers.LayerNormalization(rms_scaling=True)


def test_the_axis_of_keras_2_files_is_understood() -> None:
    assert layers.BatchNormalization(axis=[3]).axis == 3


# --- Refusals ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [layers.BatchNormalization, layers.LayerNormalization, lambda: layers.GroupNormalization(2)])
def test_other_sizes_than_it_was_built_for_are_refused(make: Callable) -> None:
    layer = make()
    layer(np.ones((2, 4)))
    with pytest.raises(ShapeError, match=r"It was built for 4 (channels|features), but the input has 6."):
        layer(np.ones((2, 6)))


@pytest.mark.parametrize("make", [layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization])
def test_an_axis_that_is_not_there_is_refused(make: Callable) -> None:
    with pytest.raises(InvalidArgumentError, match="`axis=5` was given"):
        make(axis=5)(np.ones((2, 4)))


def test_the_momentum_must_be_a_part() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`momentum=99`. It must be a number between 0 and 1"):
        layers.BatchNormalization(momentum=99)


def test_the_groups_must_divide_the_channels() -> None:
    with pytest.raises(ShapeError, match=r"The number of channels, on axis 1, must be divisible by the number of groups, 3."):
        layers.GroupNormalization(groups=3)(np.ones((2, 4)))


def test_minus_one_group_is_one_for_each_channel(backend: str) -> None:
    layer = layers.GroupNormalization(groups=-1, epsilon=0).to_backend(backend)
    np.testing.assert_allclose(np.asarray(layer(np.array([[[1.0, 5.0], [3.0, 9.0]]]))), [[[-1, -1], [1, 1]]], rtol=1e-5)
    assert layer.get_config()["groups"] == -1


@pytest.mark.parametrize("kind", [layers.LayerNormalization, layers.UnitNormalization])
def test_samples_meet_along_the_first_axis_alone(kind):
    assert kind(axis=-1).batch_coupling == kind(axis=[1, 2]).batch_coupling == "none"
    assert kind(axis=0).batch_coupling == kind(axis=[0, 1]).batch_coupling == "unknown"


# --- Gradients of gradients -------------------------------------------------------------------------------------------

IMAGES, UPSTREAM, DIRECTION = (np.random.default_rng(seed).normal(size=(5, 3, 4)) for seed in range(3))


def batch_normalization(backend: str, shape: tuple, **options: Any) -> layers.BatchNormalization:
    """A layer with weights of its own, on a backend."""
    layer = layers.BatchNormalization(epsilon=0.1, **options).to_backend(backend)
    layer.build(shape)
    layer.set_weights([np.linspace(0.5, 2, weight.size) for weight in layer.weights])
    return layer


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"scale": False, "center": False}])
def test_the_gradient_of_the_gradient_is_that_of_the_formula(engine_name, options, fast, set_fast_paths):
    layer = batch_normalization(engine_name, (None, 3, 4), **options)
    trained, kept = ([each.value for each in found] for found in (layer.trainable_variables, layer.non_trainable_variables))
    engine = layer.backend
    as_array = lambda x: engine.asarray(x, "float32")  # noqa: E731

    def loss(x):
        return ops.sum(ops.power(layer.stateless_call(trained, kept, x, training=True)[0], 3) * as_array(UPSTREAM))

    def along(x):
        return ops.sum(engine.value_and_grad(loss)(x)[1] * as_array(DIRECTION))

    def formula(x):
        centred = x - x.mean((0, 1))
        normal = centred / np.sqrt(np.square(centred).mean((0, 1)) + 0.1)
        weights = iter(layer.get_weights())
        scaled = normal * (next(weights) if layer.scale else 1)
        return np.sum((scaled + (next(weights) if layer.center else 0)) ** 3 * UPSTREAM)

    set_fast_paths(fast)
    with config.placement_scope(engine_name):
        found = engine.to_numpy(engine.value_and_grad(along)(as_array(IMAGES))[1])
    step = 1e-3
    for place in ((0, 0, 0), (2, 1, 3), (4, 2, 1)):
        a, b = DIRECTION * step, np.zeros_like(IMAGES)
        b[place] = step
        corners = [one * other * formula(IMAGES + one * a + other * b) for one in (1, -1) for other in (1, -1)]
        np.testing.assert_allclose(found[place], sum(corners) / (4 * step * step), rtol=2e-3, atol=2e-3)


def test_the_gradient_of_betas_gradient_is_there(engine_name, set_fast_paths):
    layer = batch_normalization(engine_name, (None, 4), scale=False)
    kept = [each.value for each in layer.non_trainable_variables]
    engine = layer.backend
    x, beta = engine.asarray(IMAGES[:, 0], "float32"), engine.asarray([0.5, 1.0, -1.0, 2.0])

    def loss(beta):
        return ops.sum(ops.power(layer.stateless_call([beta], kept, x, training=True)[0], 3))

    def penalty(beta):
        return ops.sum(ops.square(engine.value_and_grad(loss)(beta)[1]))

    found = []
    for fast in (True, False):
        set_fast_paths(fast)
        found.append(engine.to_numpy(engine.value_and_grad(penalty)(beta)[1]))
    np.testing.assert_allclose(*found, rtol=1e-4)
    assert np.abs(found[0]).min() > 1


@pytest.mark.parametrize("shape", [(1, 2, 1), (1, 1, 3), (2, 2, 3), (2, 1, 1)])
def test_the_mask_of_batch_normalization_is_broadcast(backend: str, shape: tuple) -> None:
    x = np.random.default_rng(0).normal(size=(2, 2, 3, 4)).astype("float32")
    mask = (np.arange(np.prod(shape)).reshape(shape) % 2 == 0).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0).to_backend(backend)
    layer(x, training=True, mask=mask)
    chosen = x[np.broadcast_to(mask, (2, 2, 3)) > 0]
    np.testing.assert_allclose(np.asarray(layer.moving_mean.numpy()), chosen.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.asarray(layer.moving_variance.numpy()), chosen.var(axis=0), rtol=1e-4, atol=1e-6)
