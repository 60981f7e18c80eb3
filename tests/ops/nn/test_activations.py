"""Ops of `activations.py`, `attention.py`, `crossentropy.py` and `normalization.py`."""

import keras
import numpy as np
import pytest

from cornu import ops
from cornu.errors import InvalidArgumentError, ShapeError

ACTIVATIONS = {
    "relu": (),
    "relu6": (),
    "leaky_relu": (0.1,),
    "elu": (0.7,),
    "celu": (1.3,),
    "selu": (),
    "softplus": (),
    "log_sigmoid": (),
    "softsign": (),
    "silu": (),
    "swish": (),
    "gelu": (),
    "hard_sigmoid": (),
    "hard_silu": (),
    "hard_swish": (),
    "hard_tanh": (),
    "tanh_shrink": (),
    "soft_shrink": (0.3,),
    "hard_shrink": (0.3,),
    "threshold": (0.2, -7.0),
    "squareplus": (3,),
    "sparse_plus": (),
    "sparse_sigmoid": (),
    "glu": (),
    "softmax": (),
    "log_softmax": (),
    "normalize": (),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_gives_what_keras_gives(name, make, check, rng):
    x, args = (rng.normal(size=(3, 6)) * 3).astype("float32"), ACTIVATIONS[name]
    check(getattr(ops, name)(make(x), *args), getattr(keras.ops, name)(x, *args), rtol=3e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_is_that_of_keras(name, check_gradients, rng):
    x, args = (rng.normal(size=(3, 6)) * 2).astype("float32"), ACTIVATIONS[name]
    check_gradients(lambda x: getattr(ops, name)(x, *args), lambda x: getattr(keras.ops, name)(x, *args), x)


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "celu", "hard_shrink", "soft_shrink", "squareplus"])
def test_default_arguments_are_those_of_keras(name, make, check, rng):
    x = rng.normal(size=8).astype("float32")
    check(getattr(ops, name)(make(x)), getattr(keras.ops, name)(x))


def test_exact_gelu(make, check, rng):
    x = (rng.normal(size=8) * 3).astype("float32")
    check(ops.gelu(make(x), approximate=False), keras.ops.gelu(x, approximate=False))


@pytest.mark.parametrize(
    "name", ["relu", "relu6", "softplus", "sigmoid", "silu", "elu", "selu", "log_softmax", "softmax", "celu"]
)
def test_large_numbers_do_not_overflow(name, make, engine, gradient):
    x = np.float32([-3e4, -100, 0.5, 100, 3e4])
    assert np.isfinite(engine.to_numpy(getattr(ops, name)(make(x)))).all()
    assert np.isfinite(gradient(lambda x: ops.sum(getattr(ops, name)(x)), x)).all()


def test_corners_have_the_gradient_of_the_flat_side(gradient):
    np.testing.assert_array_equal(gradient(lambda x: ops.sum(ops.relu(x)), np.float32([-1, 0, 2])), [0, 0, 1])
    np.testing.assert_array_equal(gradient(lambda x: ops.sum(ops.relu6(x)), np.float32([0, 3, 6])), [0, 1, 0])
    np.testing.assert_array_equal(gradient(lambda x: ops.sum(ops.hard_tanh(x)), np.float32([-1, 0, 1])), [0, 1, 0])
    np.testing.assert_allclose(gradient(lambda x: ops.sum(ops.leaky_relu(x, 0.1)), np.float32([-1, 0, 2])), [0.1, 0.1, 1])


def test_relu_keeps_nan_and_integers(make, check):
    check(ops.relu(make(np.float32([np.nan, -1]))), np.float32([np.nan, 0]))
    check(ops.relu(make(np.int32([-3, 3]))), np.int32([0, 3]))


def test_half_precision_stays(make, check):
    x = np.float16([-1, 0.5, 2])
    for name in ("relu", "elu", "gelu", "softmax", "silu", "softplus", "hard_sigmoid", "leaky_relu"):
        check(getattr(ops, name)(make(x)), getattr(keras.ops, name)(x), rtol=2e-3, atol=1e-3)


def test_glu_needs_an_even_size(make):
    with pytest.raises(ShapeError, match=r"`glu` received an array of shape \(2, 3\) and `axis=-1`. .* must be even"):
        ops.glu(make(np.ones((2, 3), "float32")))


@pytest.mark.parametrize("axis", [0, -1])
def test_sparsemax_is_the_nearest_point_of_the_simplex(axis, make, check, rng):
    x = rng.normal(size=(5, 7)).astype("float32")
    low, high = x.max(axis, keepdims=True) - 1.0, x.max(axis, keepdims=True)
    for _ in range(60):  # the level that makes the sum 1, by bisection
        middle = (low + high) / 2
        too_much = np.maximum(x - middle, 0).sum(axis, keepdims=True) > 1
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    check(ops.sparsemax(make(x), axis), np.maximum(x - high, 0))


def test_sparsemax_gradient_is_centred_on_what_is_not_zero(gradient):
    found = gradient(lambda x: ops.sum(ops.multiply(ops.sparsemax(x), np.float32([1, 3, 9]))), np.float32([2.0, 1.5, -1.0]))
    np.testing.assert_allclose(found, [-1, 1, 0])  # 1 and 3 less their mean


@pytest.mark.parametrize("axis", [0, -1, (0, 2), None], ids=str)
def test_softmax_over_other_axes(axis, make, check, rng):
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    expected = np.exp(x) / np.exp(x).sum(axis, keepdims=True)
    check(ops.softmax(make(x), axis), expected)
    check(ops.log_softmax(make(x), axis), np.log(expected))


def test_softmax_over_a_single_value_warns(make):
    with pytest.warns(UserWarning, match=r"`softmax` received an array of shape \(2, 1\) and `axis=-1`.*Use `sigmoid`"):
        ops.softmax(make(np.ones((2, 1), "float32")))


def test_attention_to_a_single_key_does_not_warn(make, check):
    x = np.ones((1, 1, 2, 4), "float32")
    check(ops.dot_product_attention(make(x), make(x), make(x)), x)


def test_softmax_names_an_axis_that_is_not_there(make):
    with pytest.raises(InvalidArgumentError, match=r"`axis=2` was given for an array of shape \(2, 3\)"):
        ops.softmax(make(np.ones((2, 3), "float32")), axis=2)


# --- Normalization ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [0, [0, 2], (0, 1, 2)], ids=str)
def test_moments_are_those_of_keras(axes, keepdims, make, check, rng):
    x = (rng.normal(size=(4, 3, 5)) + 100).astype("float32")
    wanted = keras.ops.moments(x, axes=tuple(axes) if isinstance(axes, list) else axes, keepdims=keepdims)
    for part, expected in zip(ops.moments(make(x), axes, keepdims), wanted, strict=True):
        check(part, expected, rtol=2e-5)


def test_moments_of_half_precision_do_not_overflow(make, check):
    x = np.float16([[300, -300]] * 100)
    mean, variance = ops.moments(make(x), (0, 1))
    check(mean, np.float16(0))
    check(variance, np.float16(65504))


@pytest.mark.parametrize("axis", [1, -1])
def test_batch_normalization_is_that_of_keras(axis, make, check, check_gradients, rng):
    x = rng.normal(size=(4, 3, 3)).astype("float32")
    mean, variance, offset, scale = (rng.uniform(0.5, 2, size=3).astype("float32") for _ in range(4))
    arrays = (x, mean, variance, offset, scale)
    ours = lambda x, m, v, o, s: ops.batch_normalization(x, m, v, axis, o, s, 0.01)  # noqa: E731
    theirs = lambda x, m, v, o, s: keras.ops.batch_normalization(x, m, v, axis, o, s, 0.01)  # noqa: E731
    check(ours(*map(make, arrays)), theirs(*arrays))
    check(
        ops.batch_normalization(make(x), make(mean), make(variance), axis),
        keras.ops.batch_normalization(x, mean, variance, axis),
    )
    check_gradients(ours, theirs, *arrays)


def test_batch_normalization_names_sizes_that_do_not_fit(make):
    x, m = make(np.ones((2, 3), "float32")), make(np.ones(4, "float32"))
    with pytest.raises(ShapeError, match=r"`x` of shape \(2, 3\) and `mean` of shape \(4,\)"):
        ops.batch_normalization(x, m, m, -1)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), [2]], ids=str)
def test_layer_normalization_is_that_of_keras(axis, make, check, check_gradients, rng):
    x = rng.normal(size=(4, 3, 5)).astype("float32")
    places = axis if isinstance(axis, (list, tuple)) else [axis]
    gamma, beta = (rng.normal(size=[x.shape[place] for place in places]).astype("float32") for _ in range(2))
    ours = lambda x, g, b: ops.layer_normalization(x, g, b, axis, 1e-3)  # noqa: E731
    theirs = lambda x, g, b: keras.ops.layer_normalization(x, g, b, axis, 1e-3)  # noqa: E731
    check(ours(make(x), make(gamma), make(beta)), theirs(x, gamma, beta), rtol=3e-5, atol=3e-6)
    check_gradients(ours, theirs, x, gamma, beta)


@pytest.mark.parametrize("name", ["layer_normalization", "rms_normalization"])
def test_integers_are_normalized_as_floats(name, make, check):
    x = np.uint8([[1, 2, 6], [3, 200, 7]])
    check(getattr(ops, name)(make(x)), getattr(keras.ops, name)(x.astype("float32")))


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`")  # of Keras
def test_the_old_scaling_of_layer_normalization_is_that_of_keras(make, check, rng):
    x, gamma, beta = (rng.normal(size=shape).astype("float32") for shape in ((4, 5), (5,), (5,)))
    wanted = keras.ops.layer_normalization(x, gamma, beta, rms_scaling=True)
    check(ops.layer_normalization(make(x), make(gamma), make(beta), rms_scaling=True), wanted)


def test_rms_normalization_is_that_of_keras(make, check, rng):
    x, scale = rng.normal(size=(4, 3, 5)).astype("float32"), rng.normal(size=5).astype("float32")
    check(ops.rms_normalization(make(x), make(scale)), keras.ops.rms_normalization(x, scale))
    check(ops.rms_normalization(make(x), axis=(0, 1)), keras.ops.rms_normalization(x, axis=(0, 1)))
    small = x * np.float32(1e-4)
    check(ops.rms_normalization(make(small)), keras.ops.rms_normalization(small))
    check(ops.rms_normalization(make(x), epsilon=0.5), keras.ops.rms_normalization(x, epsilon=0.5))


def test_rms_normalization_of_zeros_is_zeros_with_a_finite_gradient(make, check, gradient):
    zeros = np.zeros((2, 3), "float32")
    check(ops.rms_normalization(make(zeros)), zeros)
    assert np.isfinite(gradient(lambda x: ops.sum(ops.rms_normalization(x)), zeros)).all()
    check(ops.rms_normalization(make(np.float16([0, 0]))), np.float16([0, 0]))


@pytest.mark.parametrize(("axis", "order"), [(-1, 2), (0, 2), ((0, 1), 2), (1, 1), (-1, 3)], ids=str)
def test_normalize_is_that_of_keras(axis, order, make, check, rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    if isinstance(axis, tuple):
        check(ops.normalize(make(x), axis, order), x / np.sqrt((x**2).sum()))
    else:
        check(ops.normalize(make(x), axis, order), keras.ops.normalize(x, axis, order))


def test_normalize_of_zeros_is_zeros_with_a_finite_gradient(make, check, gradient):
    zeros = np.zeros((2, 3), "float32")
    check(ops.normalize(make(zeros)), zeros)
    assert np.isfinite(gradient(lambda x: ops.sum(ops.normalize(x)), zeros)).all()
    check(ops.normalize(make(np.float16([0, 0]))), np.float16([0, 0]))
    with pytest.raises(InvalidArgumentError, match=r"`normalize` received `order=0`"):
        ops.normalize(make(zeros), order=0)


# --- Classes and cross-entropies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot_is_that_of_keras(axis, make, check):
    x = np.int32([[0, 2, -1], [5, 1, 3]])
    check(ops.one_hot(make(x), 4, axis), keras.ops.one_hot(x, 4, axis))
    check(ops.one_hot(make(x), 4, axis, "int32"), keras.ops.one_hot(x, 4, axis, "int32"))


def test_multi_hot_is_that_of_keras(make, check):
    x = np.int32([[0, 2, 2], [1, 1, 3]])
    check(ops.multi_hot(make(x), 4), keras.ops.multi_hot(x, 4))
    check(ops.multi_hot(make(x[0]), 4), keras.ops.multi_hot(x[0], 4))
    check(ops.multi_hot(make(x), num_tokens=4), keras.ops.multi_hot(x, num_tokens=4))


def test_sparse_arrays_are_refused(make):
    with pytest.raises(InvalidArgumentError, match=r"does not support sparse arrays"):
        ops.one_hot(make([1]), 3, sparse=True)


def probabilities(rng, *shape):
    x = np.exp(rng.normal(size=shape))
    return (x / x.sum(-1, keepdims=True)).astype("float32")


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("axis", [-1, 1])
def test_categorical_crossentropy_is_that_of_keras(from_logits, axis, make, check, check_gradients, rng):
    target = probabilities(rng, 4, 3, 5)
    output = (rng.normal(size=(4, 3, 5)) if from_logits else rng.uniform(0, 2, size=(4, 3, 5))).astype("float32")
    ours = lambda o: ops.categorical_crossentropy(make(target), o, from_logits, axis)  # noqa: E731
    theirs = lambda o: keras.ops.categorical_crossentropy(target, o, from_logits, axis)  # noqa: E731
    check(ours(make(output)), theirs(output))
    check_gradients(ours, theirs, output)


@pytest.mark.parametrize("from_logits", [False, True])
def test_sparse_categorical_crossentropy_is_that_of_keras(from_logits, make, check, check_gradients, rng):
    target = rng.integers(-1, 6, size=(4, 3)).astype("int32")
    output = (rng.normal(size=(4, 3, 5)) if from_logits else rng.uniform(0, 2, size=(4, 3, 5))).astype("float32")
    ours = lambda o: ops.sparse_categorical_crossentropy(make(target), o, from_logits)  # noqa: E731
    theirs = lambda o: keras.ops.sparse_categorical_crossentropy(target, o, from_logits)  # noqa: E731
    check(ours(make(output)), theirs(output))
    check_gradients(ours, theirs, output)
    check(ops.sparse_categorical_crossentropy(make(target[..., None]), make(output), from_logits), theirs(output))


def test_sparse_categorical_crossentropy_over_another_axis(make, check, rng):
    target, output = rng.integers(0, 3, size=(4, 5)), probabilities(rng, 4, 5, 3)
    expected = keras.ops.sparse_categorical_crossentropy(target, output)
    check(ops.sparse_categorical_crossentropy(make(target), make(np.moveaxis(output, -1, 1)), axis=1), expected)


@pytest.mark.parametrize("from_logits", [False, True])
def test_binary_crossentropy_is_that_of_keras(from_logits, make, check, check_gradients, rng):
    target = rng.uniform(size=(4, 3)).astype("float32")
    output = (rng.normal(size=(4, 3)) * 5 if from_logits else rng.uniform(0, 1, size=(4, 3))).astype("float32")
    ours = lambda o: ops.binary_crossentropy(make(target), o, from_logits)  # noqa: E731
    theirs = lambda o: keras.ops.binary_crossentropy(target, o, from_logits)  # noqa: E731
    check(ours(make(output)), theirs(output))
    check_gradients(ours, theirs, output)


def test_crossentropies_of_certain_answers_are_finite(make, check):
    for output in (np.float32([[0, 1, 0]]), np.float32([[1, 0, 0]])):
        target = np.float32([[0, 1, 0]])
        check(ops.categorical_crossentropy(make(target), make(output)), keras.ops.categorical_crossentropy(target, output))
        check(ops.binary_crossentropy(make(target), make(output)), keras.ops.binary_crossentropy(target, output))


def test_crossentropies_of_large_logits_are_exact(make, check, gradient):
    check(ops.binary_crossentropy(make([1.0, 0.0]), make([-1e4, 1e4]), from_logits=True), np.float32([1e4, 1e4]))
    check(ops.sparse_categorical_crossentropy(make([1]), make([[1e4, 0.0]]), from_logits=True), np.float32([1e4]))
    found = gradient(lambda x: ops.sum(ops.binary_crossentropy(make([1.0, 0.0]), x, True)), np.float32([-1e4, 0]))
    np.testing.assert_allclose(found, [-1, 0.5])


def test_targets_that_do_not_fit_are_named(make, rng):
    output = make(probabilities(rng, 4, 3))
    with pytest.raises(ShapeError, match=r"`target` of shape \(4, 2\) and `output` of shape \(4, 3\)"):
        ops.categorical_crossentropy(make(np.ones((4, 2), "float32")), output)
    with pytest.raises(ShapeError, match=r"one class index for each sample: shape \(4,\). For one-hot targets, use"):
        ops.sparse_categorical_crossentropy(make(np.ones((4, 3), "float32")), output)


# --- Attention ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"scale": 0.3}, {"is_causal": True}], ids=str)
def test_attention_is_that_of_keras(options, make, check, check_gradients, rng):
    query, key, value = (rng.normal(size=(2, length, heads, 3)).astype("float32") for length, heads in ((5, 4), (6, 2), (6, 2)))
    ours = lambda q, k, v: ops.dot_product_attention(q, k, v, **options)  # noqa: E731
    theirs = lambda q, k, v: keras.ops.dot_product_attention(q, k, v, flash_attention=False, **options)  # noqa: E731
    check(ours(make(query), make(key), make(value)), theirs(query, key, value), rtol=1e-4)
    check_gradients(ours, theirs, query, key, value)


def test_attention_with_a_mask_and_a_bias(make, check, rng):
    x = rng.normal(size=(2, 5, 3, 4)).astype("float32")
    mask, bias = rng.uniform(size=(2, 1, 5, 5)) > 0.4, rng.normal(size=(1, 3, 5, 5)).astype("float32")
    mask[..., 0] = True
    expected = keras.ops.dot_product_attention(x, x, x, bias=bias, mask=mask, flash_attention=False)
    check(ops.dot_product_attention(make(x), make(x), make(x), make(bias), make(mask)), expected, rtol=1e-4)


def test_attention_with_bounded_scores(make, check, rng):
    query, key, value = (rng.normal(size=(2, 5, 1, 3)).astype("float32") * 3 for _ in range(3))
    scores = np.tanh(np.einsum("bqhd,bkhd->bhqk", query, key) / np.sqrt(3) / 2) * 2
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    expected = np.einsum("bhqk,bkhd->bqhd", weights, value).astype("float32")
    check(ops.dot_product_attention(make(query), make(key), make(value), attn_logits_soft_cap=2.0), expected, rtol=1e-4)


def test_attention_to_nothing_is_finite(make, engine):
    x = make(np.ones((1, 2, 1, 3), "float32"))
    found = ops.dot_product_attention(x, x, x, mask=make(np.zeros((1, 1, 2, 2), bool)))
    assert np.isfinite(engine.to_numpy(found)).all()


def test_attention_names_shapes_that_do_not_fit(make):
    x = make(np.ones((2, 5, 3), "float32"))
    with pytest.raises(ShapeError, match=r"`query` of shape \(2, 5, 3\), `key` of shape \(2, 5, 3\)"):
        ops.dot_product_attention(x, x, x)


def test_the_scale_of_a_normalization_has_the_sizes_of_its_axes(make):
    with pytest.raises(ShapeError, match=r"scale or shift of shape \(5,\) was given for an array of shape \(2, 3\).* \(3,\)"):
        ops.layer_normalization(make(np.ones((2, 3), "float32")), make(np.ones(5, "float32")))


def test_there_is_no_negative_number_of_classes(make):
    with pytest.raises(InvalidArgumentError, match=r"`num_classes=-1` was given. A size must be 0 or greater"):
        ops.one_hot(make(np.int32([1])), -1)
