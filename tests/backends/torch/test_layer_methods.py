"""Methods that layers have on PyTorch, as those of its modules."""

import numpy as np
import pytest

import cornu
from cornu import config, layers
from cornu.backends import layer_methods
from cornu.errors import InvalidArgumentError, ShapeError

torch = pytest.importorskip("torch")

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "torch")
    stack = [layers.Dense(5, name="first"), layers.BatchNormalization(name="norm"), layers.Dense(2, name="last")]
    return cornu.Sequential([cornu.Input((4,)), *stack], name="net")


def test_parameters_are_the_values_of_all_variables(model):
    parameters = list(model.parameters())
    assert all(isinstance(parameter, torch.nn.Parameter) for parameter in parameters)
    assert [parameter.requires_grad for parameter in parameters] == [v.trainable for v in model.variables]
    for parameter, variable in zip(parameters, model.variables, strict=True):
        np.testing.assert_array_equal(parameter.detach(), variable.numpy())


def test_names_of_parameters_are_paths(model):
    assert [name for name, _ in model.named_parameters()] == [v.path for v in model.variables]
    assert next(name for name, _ in model.named_parameters("a")) == "a." + model.variables[0].path


def test_zero_grad_resets_gradients(model):
    model(X).sum().backward()
    model.zero_grad(set_to_none=False)
    assert float(model.layers[0].kernel.value.grad.abs().sum()) == 0
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_state_dict_shares_memory_and_sets_the_weights_of_another_model(model):
    state = model.state_dict()
    with torch.no_grad():
        model.layers[0].bias.value.add_(2.0)
    np.testing.assert_array_equal(state["net/first/bias"], 2)
    other = cornu.models.clone_model(model)
    assert other.load_state_dict(state) == ([], [])
    np.testing.assert_allclose(other.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


def test_a_state_dict_that_does_not_fit_is_refused_and_nothing_changes(model):
    state, before = {name: value + 1 for name, value in model.state_dict().items()}, model.get_weights()
    bias = state.pop("net/first/bias")
    with pytest.raises(InvalidArgumentError, match=r"no value for \['net/first/bias'\], and values for \['x'\].*strict=False"):
        model.load_state_dict({**state, "x": bias})
    with pytest.raises(ShapeError, match=r"shape \(3,\) for 'net/first/bias'. The variable has shape \(5,\)"):
        model.load_state_dict({**state, "net/first/bias": bias[:3]})
    for found, weight in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, weight)
    assert model.load_state_dict(state, strict=False) == (["net/first/bias"], [])
    np.testing.assert_array_equal(model.get_weights()[0], before[0] + 1)


def test_moving_and_switching_modes_return_the_layer(model):
    for moved in (model.to("cpu"), model.cpu(), model.train(), model.eval(), model.train(False)):
        assert moved is model
    parameter = next(model.parameters())
    assert next(model.to(torch.device("cpu")).parameters()) is parameter
    np.testing.assert_allclose(model(X).detach(), model(X, training=False).detach())


def test_requires_grad_sets_trainable(model):
    assert model.layers[0].requires_grad_(False) is model.layers[0]
    assert model.layers[0].trainable is False and model.layers[0].trainable_variables == []


def test_every_method_of_the_specification_is_there(model):
    assert all(callable(getattr(model, name)) for name in layer_methods.METHODS)
    assert set(cornu.backends.get("torch").LAYER_METHODS) == set(layer_methods.METHODS)


@pytest.mark.parametrize("engine", [name for name in config.installed_backends() if name != "torch"])
@pytest.mark.parametrize("name", ["parameters", "to", "train", "state_dict"])
def test_on_other_engines_the_methods_do_not_exist(model, engine, name):
    model.to_backend(engine)
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=rf"`{name}` on the backend 'torch' only.*as_torch_module"):
        getattr(model, name)


def test_where_torch_needs_a_module_the_error_names_the_conversion(model):
    with pytest.raises(TypeError, match="as_torch_module"):
        torch.nn.Sequential(model)
    with pytest.raises(AttributeError, match=r"no `torch.nn.Module`.*as_torch_module"):
        model.register_forward_hook(print)
    assert isinstance(torch.nn.Sequential(layers.as_torch_module(model)), torch.nn.Module)


def test_other_missing_attributes_are_reported_as_usual(model):
    with pytest.raises(AttributeError, match=r"^'Sequential' object has no attribute 'nonsense'$"):
        model.nonsense()


def test_a_property_that_raises_an_attribute_error_shows_that_error():
    class Broken(layers.Layer):
        @property
        def size(self):
            return self.absent_part

    with pytest.raises(AttributeError, match="no attribute 'absent_part'"):
        print(Broken().size)


def test_a_subclass_may_use_the_names(model):
    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.to = "there"

        def train(self):
            return "trained"

    assert Own().to == "there" and Own().train() == "trained"
