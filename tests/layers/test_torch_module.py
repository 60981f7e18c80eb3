"""Modules of PyTorch among layers, and models among modules: compared with training in plain PyTorch."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import BackendError

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 5)).astype("float32"), RNG.normal(size=(24, 2)).astype("float32")


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 2))


@torch.enable_grad()
def sgd_steps(module, steps):
    """What PyTorch makes of a module in some steps over all of the data."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module.train()
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(torch.from_numpy(X)), torch.from_numpy(Y)).backward()
        optimizer.step()
    return module.eval()


def test_a_module_trains_as_in_pytorch():
    module = network()
    model = cornu.Sequential([cornu.Input((5,)), layers.TorchModuleWrapper(module)]).to_backend("torch")
    assert model.count_params() == sum(t.numel() for t in module.state_dict().values())
    np.testing.assert_allclose(model.predict(X, verbose=0), module.eval()(torch.from_numpy(X)).detach(), rtol=1e-5, atol=1e-6)

    model.compile(cornu.optimizers.SGD(0.1), "mse")
    model.fit(X, Y, batch_size=24, epochs=3, verbose=0, shuffle=False)

    expected = sgd_steps(network(), 3)
    mine = model.layers[-1].module.eval()
    for name, value in expected.state_dict().items():
        np.testing.assert_allclose(mine.state_dict()[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(model.predict(X, verbose=0), expected(torch.from_numpy(X)).detach(), rtol=1e-4, atol=1e-5)


def test_the_users_module_stays_as_it_is():
    module = network()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    model = cornu.Sequential([cornu.Input((5,)), layers.TorchModuleWrapper(module)]).to_backend("torch")
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_on_another_backend_it_says_what_to_do():
    layer = layers.TorchModuleWrapper(torch.nn.Linear(5, 2)).to_backend("numpy")
    with pytest.raises(BackendError, match=r"is on the backend 'numpy'.*to_backend\('torch'\)"):
        layer(X)


def small_model():
    stack = [layers.Dense(4), layers.BatchNormalization(momentum=0.9), layers.Activation("tanh"), layers.Dense(2)]
    return cornu.Sequential([cornu.Input((5,)), *stack])


@pytest.mark.parametrize("home", cornu.config.installed_backends())
def test_a_model_trains_as_a_module(home):
    model = small_model().to_backend(home)
    twin = cornu.models.clone_model(model).to_backend("numpy")
    twin.set_weights(model.get_weights())
    twin.compile(cornu.optimizers.SGD(0.1), "mse")
    twin.fit(X, Y, batch_size=24, epochs=3, verbose=0, shuffle=False)

    module = sgd_steps(layers.as_torch_module(model), 3)

    np.testing.assert_allclose(module(torch.from_numpy(X)).detach(), twin.predict(X, verbose=0), rtol=1e-4, atol=1e-5)
    module.push()
    for mine, expected in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-6)
    assert model.backend_name == home


# --- A model as an attribute of a module -------------------------------------------------------------------------------


class Holder(torch.nn.Module):
    """A module with a head of its own and a body from Cornu."""

    def __init__(self, body):
        super().__init__()
        self.body, self.head = body, torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.head(self.body(x))


@torch.enable_grad()
def steps_of(module, parameters, steps=3):
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(torch.from_numpy(X)), torch.from_numpy(Y)).backward()
        optimizer.step()


def test_a_module_does_not_see_the_weights_of_a_model_among_its_attributes():
    """As docs/compatibility.md says: PyTorch looks for modules and parameters only, and asks other attributes nothing."""
    module = Holder(small_model().to_backend("torch"))
    assert [name for name, _ in module.named_parameters()] == ["head.weight", "head.bias"]


@pytest.mark.parametrize("way", ["converted", "with the parameters of the model"])
def test_both_ways_in_the_documentation_train_the_model_inside_a_module(way):
    model = cornu.Sequential([cornu.Input((5,)), layers.Dense(2)]).to_backend("torch")
    torch.manual_seed(0)
    module = Holder(layers.as_torch_module(model) if way == "converted" else model)
    reference = torch.nn.Sequential(torch.nn.Linear(5, 2), torch.nn.Linear(2, 2))
    with torch.no_grad():
        reference[0].weight.copy_(torch.from_numpy(model.get_weights()[0].T))
        reference[0].bias.copy_(torch.from_numpy(model.get_weights()[1]))
        reference[1].load_state_dict(module.head.state_dict())
    steps_of(reference, reference.parameters())
    if way == "converted":
        steps_of(module, module.parameters())
        module.body.push()
    else:
        steps_of(module, [*module.parameters(), *model.parameters()])
    for mine, expected in zip(model.get_weights(), reference[0].parameters(), strict=True):
        np.testing.assert_allclose(mine, expected.detach().numpy().T, rtol=1e-5, atol=1e-6)


class Scaled(torch.nn.Module):
    def forward(self, x, scale=1.0):
        return x * scale


def test_the_arguments_are_those_of_keras():
    layer = layers.TorchModuleWrapper(Scaled(), "scaled", output_shape=(None, 5))
    assert layer.name == "scaled"
    np.testing.assert_array_equal(layer(X, scale=3.0), 3 * X)
