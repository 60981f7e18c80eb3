"""What is particular to the TensorFlow backend: conversion, dtypes, indices, tracing, and the kernels that it goes around."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import cornu
from cornu import backends, config, ops
from cornu.backends.contract import ArraySpec
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

tf = pytest.importorskip("tensorflow")
B, NUMPY = backends.get("tensorflow"), backends.get("numpy")
rng = np.random.default_rng(0)
ONE, NO = (1, 1), ((0, 0), (0, 0))


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


# --- Loading ----------------------------------------------------------------------------------------------------------

PROGRAM = """
from cornu import backends
b = backends.get("tensorflow")
b.compile(b.exp)(b.asarray([1.0]))
"""


def output_of(program, **environment):
    environment = {**{name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}, **environment}
    found = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    return found.returncode, found.stdout + found.stderr


def test_it_says_nothing():
    assert output_of(PROGRAM) == (0, "")


@pytest.mark.thorough
def test_it_says_what_the_user_wants_to_hear():
    assert "TensorFlow" in output_of(PROGRAM, TF_CPP_MIN_LOG_LEVEL="0")[1]  # what else it says depends on the processor


def test_if_loading_fails_it_says_what_it_had_to_say():
    broken = "import os, sys; sys.modules['tensorflow'] = None; from cornu import backends; backends.get('tensorflow')"
    code, text = output_of(broken)
    assert code == 1 and "import of tensorflow halted" in text


# --- Conversion and dtypes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        *[(1.5, "float32"), ([1, 2], "int32"), (True, "bool"), (np.float64(1), "float32"), (np.arange(3), "int32")],
        *[(np.ones(2), "float32"), (np.ones(2, "float16"), "float16"), (np.ones(2, "uint64"), "uint32")],
        *[(np.zeros((0, 3)), "float32"), (tf.Variable([1.0]), "float32"), (tf.constant([1], "int64"), "int64")],
    ],
)
def test_data_without_a_stated_dtype_gets_at_most_32_bits(data, dtype):
    assert B.dtype(B.asarray(data)) == dtype


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32", "int64", "float16", "bfloat16", "float64", "complex64"])
def test_dtypes_are_names_and_64_bits_can_be_had(dtype):
    assert B.dtype(B.asarray([1], dtype)) == B.dtype(B.full((2,), 1, dtype)) == B.dtype(B.cast(B.asarray(1.0), dtype)) == dtype


def test_mistakes_in_data_are_named():
    with pytest.raises(InvalidArgumentError, match=r"integers from 0 to 1099511627776.*Pass `dtype='int64'`"):
        B.asarray([0, 2**40])
    with pytest.raises(InvalidArgumentError, match="must contain numbers or booleans"):
        B.asarray(["cat", "dog"])
    for make in (
        lambda: B.asarray([1.5], "flaot32"),
        lambda: B.cast(B.asarray(1), "flaot32"),
        lambda: B.full((), 1, "flaot32"),
    ):
        with pytest.raises(InvalidArgumentError, match="Did you mean 'float32'"):
            make()


def test_a_tensor_comes_back_as_it_is():
    x = B.asarray([1.5])
    assert B.asarray(x) is x and B.asarray(x, "float32") is x


def test_a_list_may_hold_tensors_also_while_compiling():
    assert B.to_numpy(B.asarray([[B.asarray(1), 2], [3, B.asarray(4)]])).tolist() == [[1, 2], [3, 4]]
    assert B.to_numpy(B.compile(lambda x: B.asarray([x, 2.0]))(B.asarray(1.0))).tolist() == [1, 2]


def test_what_the_user_does_to_arrays_changes_no_tensor():
    host = np.zeros(1000, "float32")
    x = B.asarray(host)
    host[:] = 7
    B.to_numpy(x)[:] = 7
    assert not np.any(B.to_numpy(x))


def test_data_is_concrete_inside_traced_functions():
    seen = []

    def f(x):
        seen.append(B.to_numpy(B.asarray([1.0, 2.0])).tolist())
        return B.sum(x)

    B.compile(f)(B.asarray([1.0]))
    B.value_and_grad(f)(B.asarray([1.0]))
    B.abstract_eval(f, ArraySpec((2,), "float32"))
    B.compile(lambda x: B.while_loop(lambda v: v < 3, lambda v: v + f(v), x))(B.asarray(1.0))
    assert seen == [[1.0, 2.0]] * 4


def test_the_numbers_of_a_traced_tensor_cannot_be_asked_for():
    with pytest.raises(InvalidTypeError, match="inside a function that is being compiled"):
        B.compile(B.to_numpy)(B.asarray([1.0]))


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("float16", "bfloat16", "float32"),
        ("bfloat16", "int32", "bfloat16"),
        ("uint32", "int32", "int32"),
        ("int64", "uint8", "int64"),
    ],
)
def test_what_two_dtypes_give_that_numpy_does_not_have(one, other, both):
    assert B.dtype(B.add(B.full((2,), 1, one), B.full((2,), 1, other))) == both


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "bool"])
@pytest.mark.parametrize("name", ["negative", "sign", "abs", "square", "power", "matmul", "tensordot"])
def test_numbers_that_tensorflow_has_no_kernels_for(name, dtype):
    if dtype == "bool" and name in ("negative", "sign", "power", "square"):
        pytest.skip("NumPy does not define it")
    data = np.array([[0, 1, 3], [1, 1, 0], [1, 2, 5]]).astype(dtype)

    def result(b):
        x = b.asarray(data, dtype)
        return {
            "power": lambda: b.power(x, x),
            "matmul": lambda: b.matmul(x, x),
            "tensordot": lambda: b.tensordot(x, x, 1),
        }.get(name, lambda: getattr(b, name)(x))()

    found, expected = result(B), result(NUMPY)
    assert B.dtype(found) == NUMPY.dtype(expected)
    assert_array_equal(B.to_numpy(found), expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_mean_of_many_numbers_of_16_bits(dtype):
    assert float(B.mean(B.full((100_000,), 1, dtype))) == 1


def test_mistakes_are_pythons_errors():
    for mistake in (
        lambda: B.add(B.asarray([1.0, 2.0]), B.asarray([1.0, 2.0, 3.0])),
        lambda: B.matmul(B.asarray([[1.0]]), B.asarray([[1.0], [2.0]])),
        lambda: B.reshape(B.asarray([1.0, 2.0]), (3,)),
        lambda: B.sum(B.asarray([1.0]), 3),
    ):
        with pytest.raises(ValueError):
            mistake()


def test_a_variable_of_cornus_is_a_tensor_to_tensorflow():
    v = cornu.Variable([1.0, 2.0], backend="tensorflow")
    assert (tf.constant([1.0, 1.0]) + v).numpy().tolist() == [2, 3]
    assert tf.nn.bias_add(tf.zeros((1, 2)), v).numpy().tolist() == [[1, 2]]
    half = tf.function(lambda x: x * v, autograph=False)(tf.constant([2, 2]))
    assert (half.dtype, half.numpy().tolist()) == (tf.float32, [2, 4])


# --- Indices ----------------------------------------------------------------------------------------------------------

X = np.arange(2 * 3 * 4 * 5, dtype="float32").reshape(2, 3, 4, 5)
ROWS, J, MASK = np.array([[0, 1], [1, 0]]), np.array([2, -3]), np.array([True, False, True])
INDICES = {
    "two axes of rows": ROWS,
    "a mask in the middle": (slice(None), MASK),
    "a number and rows, apart": (0, slice(None), J),
    "rows apart": (ROWS[0], slice(None), J),
    "neighbours": (slice(None), J, J),
    "rows and a number": (slice(None), J, 0),
    "rows after dots": (..., J),
    "a new axis and rows": (None, ROWS[0]),
    "rows around a new axis": (ROWS[0], None, J),
    "rows and a slice backwards": (slice(None), [0, 1], slice(None, None, -1), J),
    "a mask of all": X > 50,
    "a mask of three axes": (0, X[0] > 20),
    "a mask and rows": (slice(None), MASK, J),
    "a mask after dots": (..., MASK, 0, 0),
    "a slice, rows, a new axis, rows": (slice(1, None), ROWS, None, J),
    "NumPy's numbers": (np.int64(1), ..., np.array(2)),
    "few bits": np.array([1, 0], "uint8"),
}


@pytest.mark.parametrize("how", ["host", "tensor", "compiled"])
@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
def test_an_index_means_what_it_means_to_numpy(index, how):
    expected = X[index]
    if how != "host":
        items = index if isinstance(index, tuple) else (index,)
        index = tuple(B.asarray(item) if isinstance(item, np.ndarray) else item for item in items)
    f = B.compile(lambda x: B.getitem(x, index)) if how == "compiled" else lambda x: B.getitem(x, index)
    found = B.to_numpy(f(B.asarray(X)))
    assert found.shape == expected.shape
    assert_array_equal(found, expected)


def test_an_index_has_a_gradient():
    _, gradient = B.value_and_grad(lambda x: B.sum(B.getitem(x, (ROWS, slice(None), J))))(B.asarray(X))
    expected = np.zeros_like(X)
    np.add.at(expected, (ROWS, slice(None), J), 1)
    assert_array_equal(gradient, expected)


@pytest.mark.parametrize("index", [3, -4, (0, 5), (slice(None), 2), (None, 3), np.array([0, 3]), [5]])
def test_an_index_outside_raises_as_numpy_does(index):
    with pytest.raises(IndexError, match="out of bounds"):
        B.getitem(B.asarray(np.zeros((3, 2))), index)


def test_shapes_of_indices_along_an_axis_broadcast():
    x, i = normal(4, 1, 5), np.array([[[0, -1], [2, 1]]])
    expected = np.take_along_axis(np.broadcast_to(x, (4, 2, 5)), np.broadcast_to(i, (4, 2, 2)), 2)
    assert_array_equal(B.take_along_axis(B.asarray(x), B.asarray(i), 2), expected)


def test_sorting_puts_nan_last():
    x = B.asarray([3.0, np.nan, 1.0, 2.0])
    assert B.to_numpy(B.argsort(x, 0)).tolist() == [2, 3, 0, 1]


# --- Compilation ------------------------------------------------------------------------------------------------------


def test_a_compiled_function_is_traced_once_for_a_form():
    traces = []

    @B.compile
    def f(tree, number):
        traces.append(1)
        return {"sum": B.sum(tree["x"]) + tree["y"][0], "none": None, "number": number}

    for size in (2, 2, 3, 2):
        found = f({"x": np.ones(size, "float32"), "y": (B.asarray(1.0), None)}, size)
    assert (float(found["sum"]), found["none"], int(found["number"])) == (3, None, 2)
    assert len(traces) == 2
    f({"x": np.ones(2, "float32"), "y": [B.asarray(1.0)]}, 2)
    assert len(traces) == 3


def test_compiled_functions_work_inside_traced_ones():
    f = B.compile(B.square)
    assert float(B.compile(lambda x: f(x) + 1)(B.asarray(3.0))) == 10
    assert float(B.value_and_grad(f)(B.asarray(3.0))[1]) == 6
    assert float(tf.function(f, autograph=False)(tf.constant(3.0))) == 9
    assert B.abstract_eval(f, ArraySpec((2,), "float32")) == ArraySpec((2,), "float32")


def test_nothing_is_traced_anew_for_another_number_of_steps():
    traces = []

    def step(carry, data, number):
        traces.append(1)
        return {"x": carry["x"] + data[0] * B.cast(number, "float32")}

    run = B.multi_step(step, lambda carry: carry["x"] * 2)
    for start, stop in ((0, 3), (1, 5), (2, 2)):
        carry, result = run({"x": B.asarray(0.0)}, [B.asarray(1.0)], start, stop)
        assert (float(carry["x"]), float(result)) == (sum(range(start, stop)), 2 * sum(range(start, stop)))
    assert len(traces) == 1


def test_errors_of_the_users_code_come_through():
    def f(x):
        raise ShapeError("this", "that", "so")

    for call in (lambda: B.compile(f)(1.0), lambda: B.abstract_eval(f, ArraySpec((), "float32"))):
        with pytest.raises(ShapeError, match="this that so"):
            call()


# --- Gradients --------------------------------------------------------------------------------------------------------


def test_the_form_of_the_gradient_is_that_of_the_argument():
    def f(tree):
        return B.sum(tree["used"][0] * 3.0)

    value, gradient = B.value_and_grad(f)({"used": (B.asarray([1.0, 2.0]), None), "unused": [B.asarray([[1.0]])]})
    assert float(value) == 9
    assert gradient["used"][0].numpy().tolist() == [3, 3] and gradient["used"][1] is None
    assert gradient["unused"][0].numpy().tolist() == [[0]]


def test_only_the_argument_is_differentiated():
    x = B.asarray(3.0)
    _, gradient = B.value_and_grad(lambda y: y * x)(x)
    assert float(gradient) == 3


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_the_gradient_of_rows_is_a_tensor(how):
    f = B.value_and_grad(lambda table: B.sum(B.square(B.take(table, B.asarray([2, 0, 2]), 0))))
    _, gradient = (B.compile(f) if how == "compiled" else f)(B.asarray([[1.0], [2.0], [3.0]]))
    assert isinstance(gradient, tf.Tensor) and gradient.numpy().tolist() == [[2], [0], [12]]


def test_what_cannot_be_differentiated_is_named():
    with pytest.raises(InvalidTypeError, match=r"respect to an array of dtype int32 was requested.*Cast it to float"):
        B.value_and_grad(B.sum)(B.asarray([1, 2]))
    with pytest.raises(ShapeError, match=r"returned an array of shape \(2,\).*a scalar"):
        B.value_and_grad(lambda x: x)(B.asarray([1.0, 2.0]))
    with pytest.raises(InvalidTypeError, match=r"returned a scalar of dtype int32"):
        B.value_and_grad(lambda x: B.argmax(x, 0))(B.asarray([1.0, 2.0]))


def second(f, x):
    """The gradient of the summed sines of a gradient."""
    inner = B.value_and_grad(lambda x: B.sum(f(x)))
    return B.to_numpy(B.compile(B.value_and_grad(lambda x: B.sum(B.sin(inner(x)[1]))))(B.asarray(x))[1])


def by_differences(f, x, step=1e-6):
    inner = B.value_and_grad(lambda x: B.sum(f(x)))
    outer = lambda x: float(B.sum(B.sin(B.cast(inner(B.asarray(x, "float64"))[1], "float64"))))  # noqa: E731
    steps = np.eye(x.size).reshape(-1, *x.shape) * step
    return np.array([(outer(x + d) - outer(x - d)) / (2 * step) for d in steps]).reshape(x.shape)


KERNEL = rng.normal(size=(2, 3, 2, 4))
DEEP = rng.normal(size=(2, 2, 2, 1, 2))
TWICE = {
    "conv": (lambda x: B.conv(x, B.cast(B.asarray(KERNEL), B.dtype(x)), (2, 1), ((1, 0), (0, 1)), ONE) ** 3, (1, 4, 4, 2)),
    "conv, dilation": (lambda x: B.conv(x, B.cast(B.asarray(KERNEL), B.dtype(x)), ONE, NO, (2, 1)) ** 3, (1, 4, 4, 2)),
    "conv, groups in 3-D": (
        lambda x: B.conv(x, B.cast(B.asarray(DEEP), B.dtype(x)), (1, 1, 1), ((0, 0),) * 3, (1, 1, 1), 2) ** 3,
        (1, 2, 3, 2, 2),
    ),
    "max_pool": (lambda x: B.max_pool(x, (2, 2), (2, 1), ((1, 0), (0, 0))) ** 3, (1, 3, 4, 2)),
    "avg_pool": (lambda x: B.avg_pool(x, (2, 2), (1, 1), ((1, 0), (0, 0))) ** 3, (1, 3, 3, 1)),
    "maximum": (lambda x: B.maximum(x, 0.1) ** 3, (5,)),
    "take": (lambda x: B.take(x, B.asarray([0, 2, 0]), 0) ** 3, (3, 2)),
    "scan": (lambda x: B.scan(lambda c, part: (B.tanh(c + part) * c, c), x[0], x)[0], (3, 2)),
    "logaddexp": (lambda x: B.logaddexp(x, B.square(x)), (4,)),
    "cumprod": (lambda x: B.cumprod(x, 0), (4,)),
}


@pytest.mark.parametrize("case", TWICE)
def test_second_derivatives(case):
    f, shape = TWICE[case]
    x = rng.normal(size=shape)
    config.set_floatx("float64")
    try:
        assert_allclose(second(f, x), by_differences(f, x), rtol=1e-3, atol=1e-3)
    finally:
        config.set_floatx("float32")


def test_a_custom_gradient_may_be_a_list_and_ignore_integers():
    f = B.custom_gradient(lambda x, i: (B.multiply(x, i), lambda upstream: [upstream * 5, None]))
    for how in (lambda g: g, B.compile):
        value, gradient = how(B.value_and_grad(lambda x: B.sum(f(x, B.asarray([2, 3])))))(B.asarray([1.0, 1.0]))
        assert (float(value), gradient.numpy().tolist()) == (5, [5, 5])


def test_a_custom_gradient_that_forgets_an_argument_is_named():
    f = B.custom_gradient(lambda x, y: (x * y, lambda upstream: (upstream,)))
    with pytest.raises(InvalidArgumentError, match=r"one gradient for each of the 2 arguments"):
        B.value_and_grad(lambda x: f(x, x))(B.asarray(1.0))


# --- Loops ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 5, 40])
def test_a_scan_of_any_length_is_that_of_numpy(length, reverse):
    start, xs = normal(3), normal(length, 3)

    def run(b):
        def f(arrays):
            (first, count), ys = b.scan(
                lambda carry, x: ((b.tanh(b.add(carry[0], x["x"])), carry[1] + 1), [b.multiply(carry[0], x["x"]), None]),
                (arrays[0], b.asarray(0)),
                {"x": arrays[1]},
                reverse,
            )
            return b.sum(b.square(first)) + b.sum(b.sin(ys[0])), (count, ys[0])

        return b.compile(b.value_and_grad(f, has_aux=True))([b.asarray(start), b.asarray(xs)])

    (value, (count, ys)), gradients = run(B)
    (expected, (_, expected_ys)), expected_gradients = run(NUMPY)
    assert_allclose(value, expected, rtol=1e-5)
    assert int(count) == length
    assert_allclose(ys, expected_ys, rtol=1e-5, atol=1e-6)
    for found, wanted in zip(gradients, expected_gradients, strict=True):
        assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_long_scan_reads_what_lies_around_it():
    def f(weight):
        return B.scan(lambda carry, x: (carry * weight + x, None), B.asarray(0.0), B.asarray(np.ones(40)))[0]

    value, gradient = B.compile(B.value_and_grad(f))(B.asarray(0.5))
    powers = 0.5 ** np.arange(40)
    assert_allclose([value, gradient], [powers.sum(), (np.arange(40) * 0.5 ** (np.arange(40) - 1.0)).sum()], rtol=1e-5)


def test_while_loop_runs_as_often_as_an_array_says():
    run = B.compile(lambda n, x: B.while_loop(lambda v: v[0] < n, lambda v: (v[0] + 1, {"x": v[1]["x"] * 2}), (0, {"x": x})))
    assert [float(run(B.asarray(n), B.asarray(1.0))[1]["x"]) for n in (0, 3, 10)] == [1, 8, 1024]


@pytest.mark.parametrize("how", [lambda f: f, B.compile])
def test_a_choice_gives_a_tree_and_has_a_gradient(how):
    def f(x):
        found = B.cond(x > 1, lambda x: {"y": (x * 2, None)}, lambda x: {"y": (B.square(x), None)}, x)
        return found["y"][0]

    gradient = how(B.value_and_grad(f))
    assert [float(gradient(B.asarray(x))[1]) for x in (0.5, 3.0)] == [1, 2]


# --- Convolution and pooling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("groups", [1, 2, 8])
def test_convolution_and_its_gradients_in_half_precision(dtype, groups):
    x, kernel = B.asarray(normal(4, 8, 8, 8)), B.asarray(normal(3, 3, 8 // groups, 8) / 8)

    def gradients(dtype):
        def loss(pair):
            found = B.conv(*(B.cast(part, dtype) for part in pair), (2, 2), NO, ONE, groups)
            return B.sum(B.square(B.cast(found, "float32")))

        return B.compile(B.value_and_grad(loss))([x, kernel])[1]

    for half, single in zip(gradients(dtype), gradients("float32"), strict=True):
        assert_allclose(half, single, atol=0.03 * float(np.abs(single).max()))


def test_integers_are_convolved_exactly():
    x, kernel = rng.integers(0, 255, (2, 5, 5, 3)).astype("uint8"), rng.integers(-9, 9, (3, 3, 3, 2)).astype("int32")
    found = B.conv(B.asarray(x), B.asarray(kernel), ONE, NO, ONE)
    assert B.dtype(found) == "int32"
    assert_array_equal(found, NUMPY.conv(x.astype("int32"), kernel, ONE, NO, ONE))


def test_the_first_of_equals_in_a_block_gets_the_gradient():
    x = np.zeros((1, 2, 2, 2, 1), "float32")
    _, gradient = B.value_and_grad(lambda x: B.sum(B.max_pool(x, (2, 2, 2), (2, 2, 2), ((0, 0),) * 3)))(B.asarray(x))
    assert B.to_numpy(gradient).ravel().tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("padding", "strides"), [(((1, 1), (1, 1)), (1, 1)), (((0, 1), (1, 1)), (2, 1)), (((2, 0), (1, 1)), (1, 1))]
)
def test_no_padding_is_told_in_numbers(padding, strides):
    """Where it is, TensorFlow takes gradients of convolution that are half as fast."""
    x, kernel = tf.TensorSpec((2, 6, 7, 3)), tf.TensorSpec((3, 3, 3, 4))
    graph = tf.function(lambda x, kernel: B.conv(x, kernel, strides, padding, ONE)).get_concrete_function(x, kernel).graph
    (found,) = [operation for operation in graph.get_operations() if operation.type == "Conv2D"]
    assert found.get_attr("padding") in (b"SAME", b"VALID")


def test_depthwise_convolution_with_a_bias_compiles():
    """TensorFlow's optimizer of graphs ends the process if it receives the padding of such a convolution."""
    x, kernel, bias = normal(2, 5, 4, 3), normal(3, 3, 1, 6), normal(6)

    def f(b):
        return lambda x: b.relu(b.add(b.conv(x, b.asarray(kernel), ONE, ((1, 1), (1, 1)), ONE, 3), b.asarray(bias)))

    assert_allclose(B.compile(f(B))(B.asarray(x)), f(NUMPY)(x), rtol=1e-4, atol=1e-5)


# --- Keys and devices -------------------------------------------------------------------------------------------------


def test_keys_of_any_integer_differ():
    key = B.asarray([0, 2**32 - 1], "uint32")
    keys = {tuple(B.to_numpy(B.fold_in(key, data)).tolist()) for data in (0, 1, -1, 2**31, 2**40 + 1)}
    assert len(keys) == 4  # 2**40 + 1 and 1 are the same 32 bits
    folded = B.fold_in(key, B.asarray(3))
    assert B.dtype(folded) == "uint32" and tuple(folded.shape) == (2,)
    assert_array_equal(folded, B.fold_in(key, 3))
    assert_array_equal(folded, B.compile(lambda key, i: B.fold_in(key, i))(key, 3))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_random_numbers_of_other_dtypes(dtype):
    key = B.asarray([1, 2], "uint32")
    drawn = B.random_uniform(key, (5000,), dtype)
    assert B.dtype(drawn) == B.dtype(B.random_normal(key, (2,), dtype)) == dtype
    assert float(B.min(drawn)) >= 0 and float(B.max(drawn)) < 1


def test_devices_have_names():
    assert B.devices()[-1] == "cpu:0"
    assert B.to_device(B.asarray([1.0]), "cpu:0").numpy().tolist() == [1]
    with pytest.raises(InvalidArgumentError, match=r"`device='cpu:7'` was given\. It must be one of"):
        B.to_device(B.asarray([1.0]), "cpu:7")
    B.synchronize({"a": [B.asarray([1.0]), None], "b": 3})


def test_shapes_of_tensors_are_taken_for_shapes():
    x = B.asarray(normal(2, 3))
    for found in (
        ops.zeros(x.shape),
        ops.random.normal(x.shape, seed=1),
        ops.reshape(x, x.shape),
        ops.broadcast_to(x, x.shape),
    ):
        assert tuple(found.shape) == (2, 3)
