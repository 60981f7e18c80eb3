"""Variables of Cornu in PyTorch's own code: autograd, optimizers and transforms."""

import copy
import importlib
import pickle

import numpy as np
import pytest

import cornu
from cornu import Variable, config, layers, metrics, optimizers
from cornu.core.variable import values_of
from cornu.errors import BackendError

torch = pytest.importorskip("torch")
compat = importlib.import_module("cornu.backends.torch.compat")

START = np.float32([[1.5, -2.0], [3.0, 0.5]])


@pytest.fixture(autouse=True)
def on_torch(monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "torch")


def test_a_trainable_variable_is_a_leaf_with_a_gradient():
    v = Variable(START)
    (v.value**2).sum().backward()
    np.testing.assert_allclose(v.value.grad, 2 * START)
    assert isinstance(v.value, torch.nn.Parameter) and v.value is v.value


@pytest.mark.parametrize("arguments", [{"trainable": False}, {"dtype": "int32"}])
def test_other_variables_require_no_gradient(arguments):
    assert not Variable(START, **arguments).value.requires_grad


def test_whether_a_gradient_is_required_follows_trainable():
    v = Variable(START)
    assert v.value.requires_grad
    v.trainable = False
    assert not v.value.requires_grad
    v.trainable = True
    assert v.value.requires_grad


def test_an_assignment_keeps_the_parameter_its_gradient_and_no_history():
    v = Variable(START)
    parameter = v.value
    (parameter * 3).sum().backward()
    v.assign(parameter * 2)
    assert v.value is parameter and parameter.is_leaf
    np.testing.assert_allclose(parameter.detach(), 2 * START)
    np.testing.assert_allclose(parameter.grad, 3)


def test_a_state_assigned_in_an_eager_call_has_no_history():
    layer = layers.BatchNormalization()
    layer(layers.Dense(2)(START), training=True)
    assert not layer.moving_mean.value.requires_grad
    metric = metrics.Mean()
    metric.update_state(layer(START))
    assert not metric.total.value.requires_grad


def test_autograd_notices_an_assignment_between_the_forward_and_the_backward_pass():
    for change in (lambda v: v.assign_add(1.0), lambda v: v.set_unchecked(torch.zeros(2, 2))):
        v = Variable(START)
        loss = (v.value**2).sum()
        change(v)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_changes_in_place_are_those_of_the_variable_and_of_no_other():
    v, target, given = Variable(START), Variable(START, trainable=False), torch.from_numpy(START.copy())
    target.assign(v)
    made = Variable(given)
    with torch.no_grad():
        v.value.add_(1.0)
        given.add_(1.0)
    np.testing.assert_allclose(v.numpy(), START + 1)
    np.testing.assert_allclose(target.numpy(), START)
    np.testing.assert_allclose(made.numpy(), START)


def test_training_state_is_independent_of_later_states():
    v = Variable(START)
    assert v.value.requires_grad
    (before,) = values_of([v])
    v.set_unchecked(torch.zeros(2, 2))
    np.testing.assert_allclose(before, START)
    assert not before.requires_grad
    np.testing.assert_allclose(v.numpy(), 0)


def test_an_optimizer_of_torch_continues_after_fit():
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1, use_bias=False)])
    optimizer, parameter = torch.optim.SGD(model.parameters(), lr=0.5), next(model.parameters())
    model.compile("sgd", "mse")
    model.fit(START, np.ones((2, 1)), verbose=0)
    after_fit = model.get_weights()[0]
    optimizer.zero_grad()
    model(START).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(model.get_weights()[0], after_fit - 0.5 * START.sum(0)[:, None], rtol=1e-5)
    assert next(model.parameters()) is parameter
    np.testing.assert_allclose(model.predict(START, verbose=0), START @ model.get_weights()[0], rtol=1e-5)


def test_fit_that_fails_restores_the_weights_of_parameters():
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    parameters = list(model.parameters())
    model.compile(optimizers.SGD(1e30), "mse")
    before = model.get_weights()
    with pytest.raises(cornu.errors.NonFiniteError):
        model.fit(START * 1e15, np.ones((2, 1)), batch_size=2, epochs=3, verbose=0)
    for parameter, weight in zip(parameters, model.get_weights(), strict=True):
        assert np.isfinite(weight).all()
        np.testing.assert_array_equal(parameter.detach(), weight)
    assert len(before) == len(parameters)


def test_an_optimizer_of_cornu_needs_no_no_grad():
    v, optimizer = Variable(START), optimizers.Adam(0.1)
    for _ in range(2):
        (v.value**2).sum().backward()
        optimizer.apply([v.value.grad], [v])
        v.value.grad = None
    assert all(each.value.grad_fn is None for each in [v, *optimizer.variables])
    np.testing.assert_allclose(v.numpy(), START - 0.2 * np.sign(START), atol=2e-3)


def test_functions_of_torch_take_variables():
    v = Variable(START)
    found = torch.matmul(torch.eye(2), v) + torch.nn.functional.linear(torch.eye(2), weight=v)
    np.testing.assert_allclose(found.detach(), START + START.T)
    np.testing.assert_allclose(torch.stack([v, v])[1].detach(), START)


def test_a_value_without_values_is_refused_and_nothing_changes():
    v = Variable(START, trainable=False, name="state")
    with pytest.raises(BackendError, match=r"'state' was assigned an array without values.*torch traces or transforms"):
        torch.func.grad(lambda x: v.assign(x) or x.sum())(torch.ones(2, 2))
    with compat.FakeTensorMode() as mode, pytest.raises(BackendError, match="stateless_call"):
        v.assign(mode.from_tensor(torch.ones(2, 2)))
    with compat.FakeTensorMode() as mode, pytest.raises(BackendError, match="received an array without values"):
        Variable(mode.from_tensor(torch.ones(2, 2)))
    np.testing.assert_array_equal(v.numpy(), START)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # PyTorch's own forward mode uses it
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "transform",
    [
        lambda f, x: torch.func.grad(lambda x: f(x).sum())(x),
        lambda f, x: torch.vmap(lambda x: f(x[None])[0])(x),
        lambda f, x: torch.func.jvp(f, (x,), (x,)),
        lambda f, x: torch.func.jacrev(f)(x),
        lambda f, x: compat.trace(f, x),
        lambda f, x: torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False).sum().backward(),
    ],
    ids=["grad", "vmap", "jvp", "jacrev", "make_fx", "checkpoint"],
)
def test_a_call_in_a_transform_leaves_the_model_usable(transform, training, tmp_path):
    stack = [layers.Dense(4, "relu"), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)]
    model = cornu.Sequential([cornu.Input((2,)), *stack])
    x = torch.from_numpy(START)
    try:
        transform(lambda x: model(x, training=training), x)
    except (BackendError, RuntimeError):  # the moving statistics cannot be assigned; vmap refuses random values
        assert training
    outputs = model.predict(START, verbose=0)
    np.testing.assert_allclose(outputs, model(START).detach(), rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(cornu.models.load_model(tmp_path / "model.keras").predict(START, verbose=0), outputs, rtol=1e-5)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(START, np.ones((2, 1)), verbose=0).history["loss"]).all()


def test_a_first_call_in_a_trace_draws_weights_with_values():
    layer = layers.Dense(3)
    compat.trace(lambda x: layer(x), torch.from_numpy(START))
    np.testing.assert_allclose(layer(START).detach(), START @ layer.get_weights()[0], rtol=1e-6)


def test_copies_and_pickles_have_the_value_and_are_independent():
    layer = layers.Dense(2)
    layer(START).sum().backward()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other.kernel.numpy(), layer.kernel.numpy())
        other.kernel.assign(START)
        assert (layer.kernel.numpy() != START).any()


def test_a_variable_that_moves_to_another_backend_and_back_keeps_its_value():
    v = Variable(START)
    v.assign(v.value + 1)
    v.to_backend("numpy")
    assert isinstance(v.value, np.ndarray)
    v.to_backend("torch")
    np.testing.assert_allclose(v.value.detach(), START + 1)


def test_on_another_device_of_torch_it_stays_the_same_parameter():
    v = Variable(START)
    parameter = v.value
    v.to_backend("torch", "cpu:0")
    assert v.value is parameter


def test_gradients_of_cornu_take_parameters():
    v = Variable(START)
    engine = cornu.backends.get("torch")
    for grad_mode in (torch.enable_grad, torch.no_grad):
        for compiled in (lambda f: f, engine.compile):
            with grad_mode():
                value, (gradient,) = compiled(engine.value_and_grad(lambda values: (values[0] ** 2).sum()))([v.value])
            np.testing.assert_allclose(value.detach(), (START**2).sum(), rtol=1e-6)
            np.testing.assert_allclose(gradient.detach(), 2 * START)
