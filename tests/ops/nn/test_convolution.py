"""Ops of `convolution.py` and `pooling.py`."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cornu import backends, config, ops
from cornu.errors import InvalidArgumentError, ShapeError

few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def draw(rng):
    return lambda *shape: rng.normal(size=shape).astype("float32")


@st.composite
def convolutions(draw):
    """Shapes and arguments of a convolution whose window fits."""
    rank = draw(st.sampled_from([1, 1, 2, 2, 3]))
    window = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(rank))
    sizes = tuple((k - 1) * d + 1 + draw(st.integers(0, 4)) for k, d in zip(window, dilation, strict=True))
    dilated = any(d > 1 for d in dilation)
    strides = tuple(1 if dilated else draw(st.integers(1, 3)) for _ in range(rank))
    groups, per_group, filters = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    return {
        "x": (2, *sizes, groups * per_group),
        "kernel": (*window, per_group, groups * filters),
        "options": {"strides": strides, "dilation_rate": dilation, "padding": draw(st.sampled_from(["valid", "same"]))},
    }


@few
@given(case=convolutions())
def test_conv_is_that_of_keras(case):
    rng = np.random.default_rng(1)
    x, kernel = (rng.normal(size=case[name]).astype("float32") for name in ("x", "kernel"))
    expected = np.asarray(keras.ops.conv(x, kernel, **case["options"]))
    for name in config.installed_backends():
        engine = backends.get(name)
        found = ops.conv(engine.asarray(x), engine.asarray(kernel), **case["options"])
        np.testing.assert_allclose(engine.to_numpy(found), expected, rtol=1e-4, atol=1e-5)


@few
@given(case=convolutions(), extra=st.none() | st.integers(0, 2))
def test_conv_transpose_is_that_of_keras(case, extra):
    rng = np.random.default_rng(2)
    channels, filters = case["kernel"][-2:]
    x = rng.normal(size=(*case["x"][:-1], filters)).astype("float32")
    kernel = rng.normal(size=(*case["kernel"][:-2], channels, filters)).astype("float32")
    expected = np.asarray(keras.ops.conv_transpose(x, kernel, output_padding=extra, **case["options"]))
    for name in config.installed_backends():
        engine = backends.get(name)
        found = ops.conv_transpose(engine.asarray(x), engine.asarray(kernel), output_padding=extra, **case["options"])
        np.testing.assert_allclose(engine.to_numpy(found), expected, rtol=1e-4, atol=1e-5)


@few
@given(case=convolutions(), name=st.sampled_from(["max_pool", "average_pool"]), stride=st.none() | st.integers(1, 3))
def test_pooling_is_that_of_keras(case, name, stride):
    x = np.random.default_rng(3).normal(size=case["x"]).astype("float32")
    options = {"pool_size": case["kernel"][:-2], "strides": stride, "padding": case["options"]["padding"]}
    for_keras = {**options, "strides": stride or options["pool_size"]}  # Keras accepts None only with a single number
    expected = np.asarray(getattr(keras.ops, name)(x, **for_keras))
    for engine in map(backends.get, config.installed_backends()):
        found = getattr(ops, name)(engine.asarray(x), **options)
        np.testing.assert_allclose(engine.to_numpy(found), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2])
def test_depthwise_and_separable_conv_are_those_of_keras(padding, strides, make, check, draw):
    x, kernel, point = draw(2, 6, 7, 3), draw(3, 2, 3, 2), draw(1, 1, 6, 4)
    expected = keras.ops.depthwise_conv(x, kernel, strides, padding)
    check(ops.depthwise_conv(make(x), make(kernel), strides, padding), expected, rtol=1e-4, atol=1e-5)
    expected = keras.ops.separable_conv(x, kernel, point, strides, padding)
    check(ops.separable_conv(make(x), make(kernel), make(point), strides, padding), expected, rtol=1e-4, atol=1e-5)


def test_channels_first_is_a_transpose_at_the_door(make, check, draw):
    x, kernel = draw(2, 5, 6, 3), draw(3, 3, 3, 4)
    first = np.moveaxis(x, -1, 1).copy()
    calls = [
        lambda x, f: ops.conv(x, make(kernel), 2, "same", f),
        lambda x, f: ops.conv_transpose(x, make(np.swapaxes(kernel, 2, 3).copy()), 2, "same", None, f),
        lambda x, f: ops.depthwise_conv(x, make(kernel), 1, "valid", f),
        lambda x, f: ops.separable_conv(x, make(kernel), make(np.ones((1, 1, 12, 2), "float32")), 1, "valid", f),
        lambda x, f: ops.max_pool(x, 2, None, "valid", f),
        lambda x, f: ops.average_pool(x, (2, 1), None, "same", f),
    ]
    for call in calls:
        expected = ops.convert_to_numpy(call(make(x), "channels_last"))
        check(call(make(first), "channels_first"), np.moveaxis(expected, -1, 1))


def test_gradients_are_those_of_keras(check_gradients, draw):
    x, kernel = draw(2, 5, 6, 4), draw(3, 2, 2, 6)
    arguments = {"strides": (2, 1), "padding": "same"}
    check_gradients(
        lambda x, k: ops.conv(x, k, **arguments), lambda x, k: keras.ops.conv(x, k, **arguments), x, kernel, atol=1e-4
    )
    kernel = draw(3, 2, 5, 4)
    check_gradients(
        lambda x, k: ops.conv_transpose(x, k, **arguments),
        lambda x, k: keras.ops.conv_transpose(x, k, **arguments),
        *(x, kernel),
        atol=1e-4,
    )
    for name in ("max_pool", "average_pool"):
        check_gradients(
            lambda x, name=name: getattr(ops, name)(x, 3, 2, "same"),
            lambda x, name=name: getattr(keras.ops, name)(x, 3, 2, "same"),
            x,
        )


def test_integers_and_mixed_floats_are_taken(make, check, draw):
    images, kernel = np.arange(18, dtype="uint8").reshape(1, 3, 3, 2), draw(2, 2, 2, 3)
    check(ops.conv(make(images), make(kernel)), keras.ops.conv(images.astype("float32"), kernel), rtol=1e-4)
    check(ops.max_pool(make(images), 2), np.float32([[[[8, 9]]]]))
    mixed = ops.conv(make(images.astype("float16")), make(kernel))
    check(mixed, keras.ops.conv(images.astype("float32"), kernel), rtol=1e-4)


def test_a_wrong_padding_is_named(make, draw):
    x, kernel = make(draw(1, 4, 4, 1)), make(draw(3, 3, 1, 1))
    for call in (ops.conv, ops.conv_transpose, ops.depthwise_conv):
        with pytest.raises(InvalidArgumentError, match=r"`padding='equal'` was given.*'valid', 'same'. Did you mean 'same'"):
            call(x, kernel, padding="equal")
    with pytest.raises(InvalidArgumentError, match=r"`padding='equal'` was given"):
        ops.max_pool(x, 2, padding="equal")


def test_a_wrong_data_format_is_named(make, draw):
    with pytest.raises(InvalidArgumentError, match=r"Did you mean 'channels_first'"):
        ops.conv(make(draw(1, 4, 4, 1)), make(draw(3, 3, 1, 1)), data_format="channel_first")


def test_channels_that_do_not_fit_are_named(make, draw):
    with pytest.raises(ShapeError) as caught:
        ops.conv(make(draw(1, 4, 4, 3)), make(draw(3, 3, 2, 4)))
    assert str(caught.value) == (
        "`conv` received inputs with 3 channels and a kernel of shape (3, 3, 2, 4) for 2. They must be equal, or the inputs' "
        "channels a multiple of the kernel's (groups). Check `data_format` and the channels of the inputs."
    )
    with pytest.raises(ShapeError, match=r"a kernel of shape \(3, 3, 2, 4\): 3 groups and 4 filters"):
        ops.conv(make(draw(1, 4, 4, 6)), make(draw(3, 3, 2, 4)))
    with pytest.raises(
        ShapeError, match=r"`depthwise_conv` received inputs with 4 channels .* for 2. They must be equal. Check"
    ):
        ops.depthwise_conv(make(draw(1, 4, 4, 4)), make(draw(3, 3, 2, 1)))
    with pytest.raises(ShapeError, match=r"`conv_transpose` received inputs with 3 channels .* for 4"):
        ops.conv_transpose(make(draw(1, 4, 4, 3)), make(draw(3, 3, 3, 4)))


def test_a_window_larger_than_the_image_is_named(make, draw):
    x = make(draw(1, 4, 2, 1))
    with pytest.raises(ShapeError, match=r"`conv` received an input of spatial size 4 x 2 and a `kernel` that covers 3 x 3"):
        ops.conv(x, make(draw(3, 3, 1, 1)))
    with pytest.raises(ShapeError, match=r"`max_pool` received an input of spatial size 4 x 2 and a `pool_size` .* 3 x 3"):
        ops.max_pool(x, 3)


def test_inputs_of_another_rank_are_named(make, draw):
    with pytest.raises(ShapeError, match=r"`conv` received `inputs` of shape \(28, 28\). They must have a batch axis"):
        ops.conv(make(draw(28, 28)), make(draw(3, 3, 1, 1)))
    with pytest.raises(ShapeError, match=r"`inputs` of shape \(1, 28, 28\) and `kernel` of shape \(3, 3, 1, 1\)"):
        ops.conv(make(draw(1, 28, 28)), make(draw(3, 3, 1, 1)))
    with pytest.raises(ShapeError, match=r"for the channel of grayscale images"):
        ops.max_pool(make(draw(28, 28)), 2)


def test_wrong_strides_are_named(make, draw):
    with pytest.raises(InvalidArgumentError, match=r"`conv` received `strides=\(1, 2, 3\)`. It must be one integer, or 2"):
        ops.conv(make(draw(1, 4, 4, 1)), make(draw(3, 3, 1, 1)), strides=(1, 2, 3))
    with pytest.raises(InvalidArgumentError, match=r"`conv` received `dilation_rate=0`"):
        ops.conv(make(draw(1, 4, 4, 1)), make(draw(3, 3, 1, 1)), dilation_rate=0)
