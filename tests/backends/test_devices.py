"""Devices: named on every backend; on an accelerator a model trains to what it trains to on the CPU."""

import numpy as np
import pytest

import cornu
from cornu import backends, config, layers
from cornu.errors import InvalidArgumentError

ENGINES = [name for name in config.installed_backends() if name != "numpy"]


def test_the_cpu_is_a_device_of_every_backend(backend):
    engine = backends.get(backend)
    x = engine.to_device(engine.asarray([1.0, 2.0]), "cpu:0")
    assert "cpu:0" in engine.devices() and engine.to_numpy(x).tolist() == [1, 2]


def test_a_device_that_is_not_there_is_named(backend):
    engine = backends.get(backend)
    with pytest.raises(InvalidArgumentError, match="cpu:0"):
        engine.to_device(engine.asarray([1.0]), "abacus:0")


def test_fit_says_where_it_trains(backend, capsys):
    trained(backend, verbose=2)
    assert capsys.readouterr().out.startswith(f"Training on {backends.get(backend).devices()[0]} with {backend}, float32.")


def trained(name: str, verbose: int = 0) -> list[np.ndarray]:
    cornu.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 40)
    stack = [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()]
    model = cornu.Sequential([cornu.Input((8, 8, 1)), *stack, layers.Dense(3, activation="softmax")]).to_backend(name)
    model.compile(cornu.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=8, epochs=2, verbose=verbose)
    return model.get_weights()


@pytest.mark.gpu
@pytest.mark.parametrize("name", ENGINES)
def test_an_accelerator_trains_to_what_the_cpu_trains_to(name):
    device = backends.get(name).devices()[0]
    if device.startswith("cpu"):
        pytest.skip(f"{name} has no accelerator here")
    for mine, expected in zip(trained(name), trained("numpy"), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-2, atol=1e-3)  # such machines multiply in fewer bits
