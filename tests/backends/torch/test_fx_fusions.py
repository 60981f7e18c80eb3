"""Calls that are replaced in PyTorch's graphs: each of them, what it must not change, and equal values."""

import importlib

import numpy as np
import pytest

import cornu
from cornu import backends, layers

torch = pytest.importorskip("torch")
torch_cpu = importlib.import_module("cornu.backends.torch.convolution")
compilation = importlib.import_module("cornu.backends.torch.compilation")

B = backends.get("torch")
RNG = np.random.default_rng(0)


def normal(*shape):
    return torch.from_numpy(RNG.normal(size=shape).astype("float32"))


def calls_of(f, *args):
    """The names of the kernels that are called once a function is written down, in order."""
    leaves = []
    compilation.input_signature(args, leaves)
    graph = compilation.TracedFunction(f, args, leaves).run.__self__.graph
    targets = [node.target for node in graph.nodes if node.op == "call_function"]
    names = [each._schema.name.removeprefix("aten::") if hasattr(each, "_schema") else each.__name__ for each in targets]
    return [name for name in names if name not in ("permute", "getitem", "t")]


def assert_same(f, *args):
    """The recorded function returns what it returns eagerly, and changes nothing."""
    before = [each.clone() for each in args]
    for found, expected in zip(B.compile(f)(*args), f(*args), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for now, was in zip(args, before, strict=True):
        np.testing.assert_array_equal(now, was)


# --- ReLU and pooling -------------------------------------------------------------------------------------------------

PLACES = [((2, 2), (2, 2), ((0, 0), (0, 0))), ((3, 3), (2, 2), ((1, 1), (1, 1)))]


def pooled(x, *place):
    return B.max_pool(B.relu(x), *place)


@pytest.mark.parametrize("place", PLACES)
def test_relu_comes_after_pooling(place):
    x = normal(3, 6, 7, 2) - 0.5
    x[0, :4, :4] = 0.25  # ties, and windows in which nothing is above 0
    x[1] = -x[1].abs()
    x[2, 0, 0, 0] = 0
    weights = normal(*pooled(x, *place).shape)
    f = lambda x: [*B.value_and_grad(lambda x: B.sum(pooled(x, *place) * weights))(x), pooled(x, *place)]  # noqa: E731

    calls = calls_of(f, x)

    assert calls.index("max_pool2d_with_indices") < calls.index("relu")
    assert calls.index("threshold_backward") < calls.index("max_pool2d_with_indices_backward")
    assert_same(f, x)
    reference = backends.get("numpy")
    total = lambda x: reference.sum(reference.max_pool(reference.relu(x), *place) * weights.numpy())  # noqa: E731
    np.testing.assert_allclose(B.compile(f)(x)[1], reference.value_and_grad(total)(x.numpy())[1], atol=1e-6)


def test_relu_that_somebody_else_reads_stays_before_pooling():
    def given_too(x):
        positive = B.relu(x)
        return [B.max_pool(positive, *PLACES[0]), positive]

    def gradient_of_both(x):
        def total(x):
            positive = B.relu(x)
            return B.sum(B.max_pool(positive, *PLACES[0])) + B.sum(positive * positive)

        return B.value_and_grad(total)(x)

    def changed_between(x):
        x = x * 2
        positive = B.relu(x)
        x -= 1
        return [B.max_pool(positive, *PLACES[0])]

    def places_too(x):
        return list(torch.nn.functional.max_pool2d(B.relu(x).movedim(-1, 1), 2, return_indices=True))

    def changed_afterwards(x):
        def total(x):
            largest = B.max_pool(B.relu(x), *PLACES[0])
            largest += 1
            return B.sum(B.exp(largest))

        return B.value_and_grad(total)(x)

    for f in (given_too, gradient_of_both, changed_between, places_too, changed_afterwards):
        calls = calls_of(f, normal(1, 4, 4, 2))
        assert calls.index("relu") < calls.index("max_pool2d_with_indices")
        assert_same(f, normal(1, 4, 4, 2) - 1)


def test_not_a_number_comes_through():
    x = torch.full((1, 2, 2, 1), -1.0)
    x[0, 1, 0, 0] = torch.nan
    assert B.compile(lambda x: pooled(x, *PLACES[0]))(x).isnan().all()


# --- Sums -------------------------------------------------------------------------------------------------------------


def test_products_are_added_to_their_sum():
    def f(x, y):
        total = B.full((4, 3), 0.0, "float32")
        for part in range(3):
            total = total + B.matmul(B.transpose(x[part], (1, 0)), y[part])
        return [total]

    x, y = normal(3, 2, 4), normal(3, 2, 3)
    calls = calls_of(f, x, y)
    assert (calls.count("mm"), calls.count("addmm_"), calls.count("add")) == (1, 2, 1)  # zeros are added to as they are
    assert_same(f, x, y)


def test_a_sum_that_is_read_elsewhere_is_not_written_into():
    def read_later(x, y):
        first = B.matmul(x, y)
        second = first + B.matmul(y, x)
        return [second, B.exp(first)]

    def product_read_later(x, y):
        product = B.matmul(y, x)
        return [B.matmul(x, y) + product, product]

    def of_an_argument(x, y):
        return [x + B.matmul(x, y)]

    def changed_between(x, y):
        x = x * 2
        first, second = B.matmul(x, y), B.matmul(y, x)
        x -= 1
        return [first + second]

    for f in (read_later, product_read_later, of_an_argument, changed_between):
        assert "addmm_" not in calls_of(f, normal(3, 3), normal(3, 3))
        assert_same(f, normal(3, 3), normal(3, 3))


def test_products_that_are_one_or_of_another_shape_are_added_as_they_are():
    for f in (lambda x, y: [B.matmul(x, y) + B.matmul(x, y)], lambda x, y: [B.matmul(x[:1], y) + B.matmul(x, y)]):
        assert_same(f, normal(4, 2), normal(2, 3))
        assert_same(
            lambda x, y, f=f: [B.value_and_grad(lambda x: B.sum(B.square(f(x, y)[0])))(x)[1]], normal(4, 2), normal(2, 3)
        )
    assert_same(lambda x, y: [B.matmul(x, y) + B.matmul(x[:, :1], y[:1, :1])], normal(4, 2), normal(2, 3))


def test_models_with_equal_or_wide_and_deep_sums_train():
    def fitted(make):
        inputs = cornu.Input((5,))
        model = cornu.Model(inputs, layers.Add()(make(inputs)))
        model.set_weights([RNG.normal(size=weight.shape) for weight in model.weights])
        numpy_model = cornu.models.clone_model(model).to_backend("numpy")
        numpy_model.set_weights(model.get_weights())
        for each in (model.to_backend("torch"), numpy_model):
            each.compile(optimizer="sgd", loss="mse")
            each.fit(np.ones((4, 5)), np.ones((4, 3)), epochs=2, verbose=0)
        for one, other in zip(model.get_weights(), numpy_model.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)

    shared = layers.Dense(3)
    fitted(lambda inputs: [shared(inputs), shared(inputs)])
    fitted(lambda inputs: [layers.Dense(3, use_bias=False)(inputs)] * 2)
    fitted(lambda inputs: [layers.Dense(3, use_bias=False)(inputs), layers.Dense(1, use_bias=False)(inputs)])


def test_what_the_user_writes_into_is_left_alone():
    def sum_of_the_users(x, y):
        total = B.exp(x)
        view = total[0]
        total.addmm_(x, y)
        return [total + B.matmul(y, x), view]

    def product_before_a_write(x, y):
        x = x * 2
        product = B.matmul(x, y)
        x -= 1
        return [product + y[0]]

    for f in (sum_of_the_users, product_before_a_write):
        assert_same(f, normal(3, 3), normal(3, 3))


def test_two_results_of_a_step_never_share_memory():
    def step(carry, data, number):
        weight, mean, square, old, other, total = carry
        new = B.exp(other * 0.1)
        weight, mean, square = B.adam(weight, data, mean, square, B.asarray(0.1), 0.9, 0.999, 1e-7)
        return [weight, new, square, new, mean, total + old]  # Adam writes into the second, which is the fourth too

    carry, data = [normal(3) if place in (0, 3, 4) else torch.zeros(3) for place in range(6)], normal(3)
    found, _ = B.multi_step(step, lambda carry: carry[0])(carry, data, 0, 4)
    for number in range(4):
        carry = step(carry, data, number)
    for one, other in zip(found, carry, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_rows_are_added_into_zeros_that_nobody_else_reads():
    numbers = torch.tensor([[0, 3, 3], [-1, 0, 9]])
    f = lambda table: [B.value_and_grad(lambda table: B.sum(B.take(table, numbers, 0) ** 2))(table)[1]]  # noqa: E731
    calls = calls_of(f, normal(5, 4))
    assert "index_add_" in calls
    assert "index_add" not in calls
    assert_same(f, normal(5, 4))

    def zeros_read_elsewhere(x):
        zeros = torch.zeros_like(x)
        return [torch.index_add(zeros, 0, numbers[0], x[:3]), zeros]

    def zeros_viewed(x):
        zeros = x.new_zeros(x.shape)
        return [torch.index_add(zeros, 0, numbers[0], x[:3]), zeros[1] + 1]

    def zeros_added_to_themselves(x):
        zeros = x.new_zeros((3, 4))
        return [torch.index_add(zeros, 0, torch.arange(3), zeros) + x[:3]]

    def zeros_written_into(x):
        zeros = x.new_zeros(x.shape)
        zeros += x
        return [torch.index_add(zeros, 0, numbers[0], x[:3])]

    def no_zeros(x):
        return [torch.index_add(x * 2, 0, numbers[0], x[:3])]

    def in_another_order(x):
        return [torch.index_add(torch.zeros_like(x.T), 0, numbers[0], x.T[:3])]

    for f in (zeros_read_elsewhere, zeros_viewed, zeros_added_to_themselves, zeros_written_into, no_zeros, in_another_order):
        assert_same(f, normal(5, 4))
    for f in (zeros_read_elsewhere, zeros_viewed, zeros_written_into, no_zeros):
        assert "index_add_" not in calls_of(f, normal(5, 4))


# --- Gradients of kernels ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2])
def test_products_make_the_gradients_of_kernels(padding, strides, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    model = cornu.Sequential([cornu.Input((6, 7, 3))])
    for filters in (32, 33, 32):
        model.add(layers.Conv2D(filters, 2, strides, padding="same" if filters == 33 else padding))
    model.to_backend("torch")
    x, weights = normal(4, 6, 7, 3), [variable.value for variable in model.trainable_variables]
    f = lambda weights, x: B.value_and_grad(  # noqa: E731
        lambda weights: B.sum(B.square(model.stateless_call(weights, [], x)[0]))
    )(weights)

    assert calls_of(f, weights, x).count("kernel_gradient") == 2  # the first has too few channels
    (_, found), (_, expected) = B.compile(f)(weights, x), f(weights, x)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_a_gradient_for_the_kernel_alone_needs_no_convolution(monkeypatch):
    monkeypatch.setattr(torch_cpu, "has_fast_kernel_gradient", lambda *arrays: True)
    x = normal(2, 5, 5, 3)
    f = lambda kernel: B.value_and_grad(  # noqa: E731
        lambda kernel: B.sum(B.square(B.conv(x, kernel, (1, 1), ((0, 0), (0, 0)), (1, 1))))
    )(kernel)
    assert "convolution_backward" not in calls_of(f, normal(2, 2, 3, 4))
    assert_same(f, normal(2, 2, 3, 4))


def test_a_transposed_convolution_keeps_its_gradient(monkeypatch):
    monkeypatch.setattr(torch_cpu, "has_fast_kernel_gradient", lambda *arrays: True)
    x = normal(2, 3, 3, 4)
    f = lambda kernel: B.value_and_grad(  # noqa: E731
        lambda kernel: B.sum(B.square(B.conv_transpose(x, kernel, (6, 6), (2, 2), ((0, 0), (0, 0)), (1, 1))))
    )(kernel)
    assert "kernel_gradient" not in calls_of(f, normal(2, 2, 3, 4))
    assert_same(f, normal(2, 2, 3, 4))
