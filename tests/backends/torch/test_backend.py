"""What is particular to the PyTorch backend: what ``compile`` writes down, and when; shortcuts; what lacks arithmetic."""

import importlib
import math
from types import SimpleNamespace

import numpy as np
import pytest

import cornu
from cornu import backends, config, layers
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

torch = pytest.importorskip("torch")
fx_passes = importlib.import_module("cornu.backends.torch.fx_passes")
compilation = importlib.import_module("cornu.backends.torch.compilation")
FakeTensorMode = importlib.import_module("cornu.backends.torch.compat").FakeTensorMode

B = backends.get("torch")
RNG = np.random.default_rng(0)


def normal(*shape):
    return torch.from_numpy(RNG.normal(size=shape).astype("float32"))


def calls_of(f, *args, own=0):
    """The names of the kernels that are called once a function is written down, in order."""
    leaves = []
    compilation.input_signature(args, leaves)
    program = compilation.TracedFunction(f, args, leaves, own)
    targets = [node.target for node in program.run.__self__.graph.nodes if node.op == "call_function"]
    return [each._schema.name.removeprefix("aten::") if hasattr(each, "_schema") else each.__name__ for each in targets]


# --- Writing down -----------------------------------------------------------------------------------------------------


def test_a_function_runs_once_for_each_form_of_its_arguments():
    runs = []

    def f(tree, number):
        runs.append(1)
        return {"sum": tree["a"] + number, "rest": [tree["b"], None]}

    compiled = B.compile(f)
    for number in range(3):
        found = compiled({"a": normal(2), "b": np.float32([1])}, number)
    compiled({"a": normal(3), "b": np.float32([1])}, 0)

    assert len(runs) == 2
    assert found["rest"][1] is None and found["rest"][0].tolist() == [1]


def test_a_tensor_that_is_given_twice_is_two_arguments():
    compiled = B.compile(lambda a, b: a - b)
    assert compiled(torch.ones(2), torch.ones(2)).tolist() == [0, 0]
    one = torch.ones(3)
    assert compiled(one, one).tolist() == [0, 0, 0]
    assert compiled(one, one + 4).tolist() == [-4, -4, -4]


def test_what_asks_for_numbers_runs_as_it_is():
    runs = []

    def sign(x):
        runs.append(1)
        return x * 2 if B.sum(x) > 0 else x * 3

    compiled = B.compile(sign)

    with pytest.warns(UserWarning, match="`sign`, line .*, reads the values of an array"):
        assert compiled(torch.ones(2)).tolist() == [2, 2]
    assert compiled(-torch.ones(2)).tolist() == [-3, -3]
    assert len(runs) >= 2


def test_a_mistake_in_the_function_is_told_and_not_hidden():
    def wrong(x):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        B.compile(wrong)(torch.ones(2))


def test_data_becomes_a_constant_with_numbers_inside():
    def f(x):
        table = B.asarray([[1.0, 2.0], [3.0, 4.0]])
        assert float(table.sum()) == 10
        return x @ table

    with pytest.warns(UserWarning, match="`f`, line .*, reads the values of an array"):
        assert B.compile(f)(torch.ones(1, 2)).tolist() == [[4, 6]]


def test_equal_calls_are_made_once_and_numbers_of_other_types_are_not_equal():
    calls = calls_of(lambda x: (B.exp(x) + B.exp(x), B.add(x, 1), B.add(x, 1.0)), normal(3))

    assert calls.count("exp") == 1
    assert calls.count("add") == 3


def test_what_is_written_into_stays_a_call_of_its_own():
    pair = [normal(4), normal(4)]  # PyTorch's gradient of `maximum` writes into two equal intermediate results
    f = B.value_and_grad(lambda pair: B.sum(B.maximum(*pair)))

    assert torch.equal(torch.stack(B.compile(f)(pair)[1]), torch.stack(f(pair)[1]))


def test_what_a_list_gives_can_be_differentiated_further():
    weight = normal(3).requires_grad_()
    for result in (
        B.compile(lambda x: x * 2)(normal(3)),
        B.multi_step(lambda c, d, n: c + d, lambda c: c)(normal(3), normal(3), 0, 2)[0],
    ):
        (result * weight).sum().backward()  # PyTorch keeps the result for the gradient
        assert torch.equal(weight.grad, result)
        weight.grad = None


def test_pytorchs_functions_are_called_where_they_call_the_same_kernel_and_not_elsewhere():
    aten, graph = torch.ops.aten, torch.fx.Graph()
    x = graph.placeholder("x")
    x.meta["val"] = FakeTensorMode().from_tensor(normal(3))
    by_tensor, by_number = graph.call_function(aten.div.Tensor, (x, 2)), graph.call_function(aten.div.Scalar, (x, 2))
    same, other = (graph.call_function(aten._to_copy.default, (x,), {"dtype": dtype}) for dtype in (torch.float32, torch.int32))
    fx_passes.bypass_dispatch(graph)

    assert by_tensor.target is torch.div
    assert by_number.target is aten.div.Scalar  # `torch.div` of a tensor and a number calls `div.Tensor`
    assert other.target is torch.Tensor.to
    assert same.target is aten._to_copy.default  # `to` returns the tensor itself, not a copy


def test_what_changes_its_argument_is_called_as_it_is():
    assert B.compile(lambda x: x.clone().squeeze_(1) + 1)(torch.zeros(3, 1)).tolist() == [1, 1, 1]


def test_the_memory_of_functions_is_bounded(monkeypatch):
    monkeypatch.setattr(fx_passes, "_MAX_DIRECT", 3)
    for size in range(2, 8):
        assert B.compile(lambda x: B.sum(B.reshape(x, (2, -1)), 1))(torch.ones(2 * size)).tolist() == [size, size]
        assert len(fx_passes._DIRECT) <= 3


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_a_row_may_be_named_by_any_integer(dtype):
    assert B.getitem(torch.arange(300.0), torch.tensor(3, dtype=dtype)) == 3
    assert B.take(torch.arange(300.0), torch.tensor([3, 7], dtype=dtype), 0).tolist() == [3, 7]


def test_biases_go_into_the_kernels():
    model = cornu.Sequential([cornu.Input((5, 5, 2)), layers.Conv2D(3, 2), layers.Flatten(), layers.Dense(4)])
    x, weights = normal(2, 5, 5, 2), [B.asarray(value) for value in model.get_weights()]
    model.set_weights([RNG.normal(size=w.shape) for w in weights])
    model.to_backend("torch")
    weights = [variable.value for variable in model.trainable_variables]

    calls = calls_of(lambda weights, x: model.stateless_call(weights, [], x)[0], weights, x)

    assert "add" not in calls and "addmm" in calls
    numpy_model = cornu.models.clone_model(model).to_backend("numpy")
    numpy_model.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(x.numpy()), numpy_model.predict(x.numpy()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bias", [normal(4), normal(2)])
def test_a_vector_that_is_added_elsewhere_is_no_bias(bias):
    x, kernel = normal(1, 5, 4, 3), normal(2, 1, 3, 2)

    def f(x, kernel, bias):
        found = B.conv(x, kernel, (1, 1), ((0, 0), (0, 0)), (1, 1))
        found = B.transpose(found, (0, 3, 1, 2)) if len(bias) == 4 else found
        return found + bias, found

    for found, expected in zip(B.compile(f)(x, kernel, bias), f(x, kernel, bias), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# --- Constants --------------------------------------------------------------------------------------------------------


def test_what_depends_on_no_argument_is_computed_once():
    def f(x):
        table = B.exp(B.reshape(B.arange(0, 6, 1, "float32"), (2, 3)))
        return B.matmul(x, table) + torch.ones_like(x).sum()

    x = normal(4, 2)
    assert calls_of(f, x) == ["mm", "add"]
    compiled, other = B.compile(f), normal(4, 2)
    np.testing.assert_allclose(compiled(x), f(x), rtol=1e-5)
    np.testing.assert_allclose(compiled(other), f(other), rtol=1e-5)


def test_numbers_drawn_from_a_constant_key_are_drawn_each_time():
    calls = calls_of(lambda x: x + B.random_uniform(B.asarray([1, 2], "uint32"), (2,), "float32"), torch.ones(2))
    assert "cornu::uniform" in calls


def test_a_constant_that_is_given_back_or_written_into_is_no_constant():
    def step(carry, data, number):
        zeros = B.full((2,), 0.0, "float32")
        weight, _, square = B.adam(*carry[:1], data, *carry[1:3], B.asarray(0.1), 0.9, 0.999, 1e-7)
        return [weight, B.reshape(zeros, (2,)), square]

    carry, data = [normal(2), torch.zeros(2), torch.zeros(2)], normal(2)
    assert "full" in calls_of(step, carry, data, 0, own=3)
    repeated = B.multi_step(step, lambda carry: carry[1])
    assert repeated(carry, data, 0, 3)[1].tolist() == [0, 0] and repeated(carry, data, 0, 2)[1].tolist() == [0, 0]

    calls = calls_of(lambda x: (B.full((2,), 1.0, "float32").expand(3, 2).add_(x), x), normal(3, 2))
    assert "full" in calls


def test_a_kept_tensor_that_is_written_into_is_as_it_was_in_each_run():
    kept = B.asarray([1.0, 2.0])

    def f(x):
        total = B.asarray([0.0, 0.0])
        total += x
        total[0] = total[0] + 1
        return B.exp(total), kept * 2

    compiled, x = B.compile(f), normal(2)
    for _ in range(2):
        np.testing.assert_allclose(compiled(x)[0], np.exp(x.numpy() + np.array([1, 0])), rtol=1e-5)


def test_pieces_and_views_share_memory():
    def f(x):
        first, second = torch.zeros(6).chunk(2)
        first += x
        a, b = torch.zeros(3), torch.zeros(3)
        a[0], b[1] = x[0], x[1]
        before = a.sum()
        a[2] = x[2]
        return [first, second, a, b, before, a.sum()]

    compiled = B.compile(f)
    for x in (normal(3), normal(3)):
        for found, expected in zip(compiled(x), f(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_numbers_that_the_user_draws_by_himself_are_drawn_twice():
    first, second = B.compile(lambda x: (x + torch.rand(4), x + torch.rand(4)))(torch.zeros(4))
    assert not torch.equal(first, second)


def test_a_number_and_its_negative_zero_are_two():
    found = B.compile(lambda x: (x * 0.0, x * -0.0))(torch.ones(1))
    assert [math.copysign(1, each) for each in found] == [1, -1]


@pytest.mark.parametrize("length", [1, 3])
def test_a_vector_that_is_spread_is_no_bias(length):
    def f(x, kernel, vector):
        return B.conv(x, kernel, (1, 1), ((0, 0), (0, 0)), (1, 1)) + vector, B.matmul(x[0, 0], kernel[0, 0, :, :1]) + vector

    x, kernel, vector = normal(1, 4, 5, 3), normal(1, 1, 3, 3), normal(length)
    for found, expected in zip(B.compile(f)(x, kernel, vector), f(x, kernel, vector), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# --- Updates in place -------------------------------------------------------------------------------------------------


def adam_step(carry, data, number):
    weight, mean, square = carry
    gradient = B.transpose(data, (1, 0))  # lies otherwise in memory than the weight
    return list(B.adam(weight, gradient, mean, square, B.asarray(0.1), 0.9, 0.999, 1e-7))


def test_repeated_updates_are_made_in_place_and_leave_the_users_arrays_alone():
    carry = [normal(3, 4), torch.zeros(3, 4), torch.zeros(3, 4)]
    before, gradient = [array.clone() for array in carry], normal(4, 3)

    found, _ = B.multi_step(adam_step, lambda carry: carry[0])(carry, gradient, 0, 3)

    weight, mean, square = map(B.to_numpy, before)
    for _ in range(3):
        mean, square = 0.9 * mean + 0.1 * gradient.T.numpy(), 0.999 * square + 0.001 * gradient.T.numpy() ** 2
        weight = weight - 0.1 * mean / (np.sqrt(square) + 1e-7)
    expected = weight, mean, square
    for mine, wanted, given, was in zip(found, expected, carry, before, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-4)
        assert torch.equal(given, was)
    assert any("adam_" in call for call in calls_of(adam_step, carry, gradient, 0, own=3))


def test_what_is_given_back_too_is_not_written_into():
    def old_too(carry, data, number):
        return [*B.adam(*carry[:1], data, *carry[1:3], B.asarray(0.1), 0.9, 0.999, 1e-7), carry[0]]

    def view_too(carry, data, number):
        new, mean, square = B.adam(*carry[:1], data, *carry[1:3], B.asarray(0.1), 0.9, 0.999, 1e-7)
        return [new, mean, square, B.reshape(new, (12,))]

    for step, fourth in ((old_too, (3, 4)), (view_too, (12,))):
        carry = [normal(3, 4), torch.zeros(3, 4), torch.zeros(3, 4), torch.zeros(fourth)]
        assert not any("adam_" in call for call in calls_of(step, carry, normal(3, 4), 0, own=4))


def test_neighbouring_updates_are_one_call():
    def step(carry, data, number):
        rate = B.asarray(0.1)
        first = B.adam(*carry[:1], data, *carry[1:3], rate, 0.9, 0.999, 1e-7)
        second = B.adam(*carry[3:4], data, *carry[4:], rate, 0.9, 0.999, 1e-7)
        return [*first, *second]

    carry, data = [normal(3), torch.zeros(3), torch.zeros(3), normal(3), torch.zeros(3), torch.zeros(3)], normal(3)
    assert calls_of(step, carry, data, 0, own=6).count("adam_") == 1
    found, _ = B.multi_step(step, lambda carry: carry[0])(carry, data, 0, 2)
    for place in (0, 3):
        alone, _ = B.multi_step(adam_step, lambda carry: carry[0])(carry[place : place + 3], data[None], 0, 2)
        for mine, expected in zip(found[place : place + 3], alone, strict=True):
            assert torch.equal(mine, expected.reshape(3))


def test_updates_with_other_rates_are_two_calls():
    def step(carry, data, number):
        first = B.adam(*carry[:1], data, *carry[1:3], data.sum(), 0.9, 0.999, 1e-7)
        return [*first, *B.adam(*carry[3:4], data, *carry[4:], data.mean(), 0.9, 0.999, 1e-7)]

    carry = [normal(3), torch.zeros(3), torch.zeros(3), normal(3), torch.zeros(3), torch.zeros(3)]
    assert calls_of(step, carry, normal(3), 0, own=6).count("adam_") == 2


def test_what_is_read_afterwards_is_not_written_into():
    def step(carry, data, number):
        weight, mean, square, _ = carry
        turned = B.transpose(weight, (1, 0))
        new, mean, square = B.adam(weight, data, mean, square, B.asarray(0.1), 0.9, 0.999, 1e-7)
        return [new, mean, square, B.exp(turned)]

    carry = [normal(3, 4), torch.zeros(3, 4), torch.zeros(3, 4), torch.zeros(4, 3)]
    assert not any("adam_" in call for call in calls_of(step, carry, normal(3, 4), 0, own=4))


def test_what_is_given_twice_is_not_written_into():
    def step(carry, data, number):
        new, mean, square = B.adam(*carry[:1], data, *carry[1:3], B.asarray(0.1), 0.9, 0.999, 1e-7)
        return [new, mean, square, new]

    carry = [normal(3, 4), torch.zeros(3, 4), torch.zeros(3, 4), torch.zeros(3, 4)]
    assert not any("adam_" in call for call in calls_of(step, carry, normal(3, 4), 0, own=4))


# --- Gradients --------------------------------------------------------------------------------------------------------


def test_the_gradient_of_a_gradient():
    slope = lambda x: B.sum(B.value_and_grad(lambda x: B.sum(x * x * x))(x)[1])  # noqa: E731

    for f in (B.value_and_grad(slope), B.compile(B.value_and_grad(slope))):
        np.testing.assert_allclose(f(torch.tensor([1.0, 2.0]))[1], [6, 12])


def test_the_users_tensors_stay_as_they_are():
    x = torch.ones(2)
    value, gradient = B.value_and_grad(lambda x: B.sum(x * x))(x)
    assert not (x.requires_grad or value.requires_grad or gradient.requires_grad)


def test_what_has_no_gradient_is_told():
    with pytest.raises(ShapeError, match=r"returned an array of shape \(2,\)"):
        B.value_and_grad(lambda x: x)(torch.ones(2))
    with pytest.raises(InvalidTypeError, match="returned a scalar of dtype int32"):
        B.value_and_grad(lambda x: B.cast(B.sum(x), "int32"))(torch.ones(2))
    with pytest.raises(InvalidTypeError, match="an array of dtype int64"):
        B.value_and_grad(B.sum)(torch.ones(2, dtype=torch.int64))


# --- Dtypes, indices, random numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
@pytest.mark.parametrize("name", ["add", "subtract", "remainder", "floor_divide", "maximum", "less"])
def test_unsigned_numbers_are_computed(name, dtype):
    x, y = np.array([5, 40000], dtype), np.array([3, 7], dtype)

    found, expected = (getattr(b, name)(b.asarray(x, dtype), b.asarray(y, dtype)) for b in (B, backends.get("numpy")))

    assert B.dtype(found) == expected.dtype.name
    np.testing.assert_array_equal(B.to_numpy(found), expected)


def test_bfloat16_there_and_back():
    x = B.asarray([1.5, -3.0], "bfloat16")
    assert B.to_numpy(x).dtype.name == "bfloat16" and B.to_numpy(x).astype("float32").tolist() == [1.5, -3]
    assert torch.equal(B.asarray(B.to_numpy(x), "bfloat16"), x)


def test_what_is_given_out_may_be_written_into():
    x = B.asarray([1.0, 2.0])
    B.to_numpy(x)[:] = 0
    given = np.float32([1, 2])
    mine = B.asarray(given)
    given[:] = 0
    assert x.tolist() == mine.tolist() == [1, 2]


@pytest.mark.parametrize(
    "index",
    [
        (slice(None, None, -1),),
        (slice(3, 0, -2), None, 1),
        (..., slice(None, None, -3)),
        (0, slice(-1, -9, -1)),
        (slice(0, 3, -1),),
    ],
    ids=str,
)
def test_steps_backwards(index):
    x = RNG.normal(size=(4, 5)).astype("float32")
    np.testing.assert_array_equal(B.getitem(B.asarray(x), index), x[index])


@pytest.mark.parametrize("place", [0, 2, -1])
def test_a_computed_number_as_index_can_be_written_down(place):
    x = normal(3, 4)
    find = B.compile(lambda x, i: (B.getitem(x, i), B.getitem(x, (slice(1, 3), i)), B.getitem(x, (i, [0, 1]))))
    found = find(x, torch.tensor(place))
    for mine, expected in zip(found, (x[place], x[1:3, place], x[place, [0, 1]]), strict=True):
        assert torch.equal(mine, expected)


def test_an_index_outside_is_an_index_error_also_in_what_is_written_down():
    for f in (lambda x: B.getitem(x, 3), B.compile(lambda x: B.getitem(x, np.array([0, 3])))):
        with pytest.raises(IndexError):
            f(torch.ones(3))


def test_both_words_of_a_key_count():
    draws = [B.random_uniform(B.asarray(np.array(key, "uint32")), (4,), "float32").tolist() for key in ((1, 2), (1, 3), (2, 2))]
    assert len({tuple(draw) for draw in draws}) == 3


def test_compiled_functions_draw_anew_with_another_key():
    draw = B.compile(lambda key: B.random_normal(B.fold_in(key, 1), (3,), "float32"))
    one, other = (draw(B.asarray(np.array([1, word], "uint32"))) for word in (1, 2))
    assert not torch.equal(one, other)
    assert torch.equal(one, B.random_normal(B.fold_in(B.asarray(np.array([1, 1], "uint32")), 1), (3,), "float32"))


# --- Devices ----------------------------------------------------------------------------------------------------------


def test_devices_are_named():
    assert B.devices()[-1] == "cpu:0"
    assert B.to_device(torch.ones(1), "cpu:0").device.type == "cpu"
    with pytest.raises(InvalidArgumentError, match="cpu:0"):
        B.to_device(torch.ones(1), "cpu:1")


def test_without_any_engine_numpy_is_taken_and_it_is_said(monkeypatch):
    monkeypatch.setattr(config.importlib.util, "find_spec", lambda name: SimpleNamespace() if name == "numpy" else None)
    with pytest.warns(UserWarning, match="pip install jax"):
        assert config._best_installed() == "numpy"


def test_a_list_leaves_out_what_autograd_alone_needs():
    calls = calls_of(B.value_and_grad(lambda x: B.sum(B.exp(B.stop_gradient(x)) * x)), normal(3))
    assert not any("detach" in call for call in calls)


@pytest.mark.parametrize(
    ("device", "dtype", "expected"),
    [("mps", "float64", "float32"), ("mps", "float16", "float16"), ("cpu", "float64", "float64")],
)
def test_devices_without_float64_get_float32(device, dtype, expected):
    x = torch.ones(2, dtype=getattr(torch, dtype))
    assert B.supported_by(torch.device(device), x).dtype == getattr(torch, expected)
