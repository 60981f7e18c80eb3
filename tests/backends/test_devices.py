"""Devices: named alike on every backend, chosen with one argument; on each a model trains to the same."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu import backends, config, layers
from cornu.backends.devices import default_device_first, known_device
from cornu.errors import InvalidArgumentError, NonFiniteError

ENGINES = [name for name in config.installed_backends() if name != "numpy"]


@pytest.fixture(autouse=True)
def no_device_asked_for(monkeypatch):
    monkeypatch.delenv("CORNU_DEVICE", raising=False)
    yield
    config.set_device(None)


def trained(name: str, device: str | None = None, verbose: int = 0) -> cornu.Model:
    cornu.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 40)
    stack = [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()]
    model = cornu.Sequential([cornu.Input((8, 8, 1)), *stack, layers.Dense(3, activation="softmax")])
    model.to_backend(name, device=device)
    model.compile(cornu.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=8, epochs=2, verbose=verbose)
    return model


# --- Names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [("cpu", "cpu:0"), ("CPU:0", "cpu:0"), ("gpu", "gpu:0"), ("cuda", "gpu:0"), ("cuda:1", "gpu:1"), ("metal", "mps:0")],
)
def test_a_device_may_be_written_in_several_ways(written, meant):
    assert known_device(written, ("gpu:0", "gpu:1", "mps:0", "cpu:0")) == meant


@pytest.mark.parametrize("wrong", ["abacus:0", "gpu:2", "gpu:", "", 0, None])
def test_a_device_that_is_not_known_is_refused_with_those_that_are(wrong):
    with pytest.raises(InvalidArgumentError, match=r"`device=.*It must be one of 'gpu:1', 'cpu:0'\."):
        known_device(wrong, ("gpu:1", "cpu:0"))


def test_the_device_that_was_asked_for_comes_first():
    known = ("gpu:0", "gpu:1", "cpu:0")
    assert default_device_first("torch", known) == [*known]
    config.set_device("cuda:1")
    assert default_device_first("torch", known) == ["gpu:1", "gpu:0", "cpu:0"]


def test_the_cpu_is_a_device_of_every_backend(backend):
    engine = backends.get(backend)
    for name in ("cpu:0", "cpu"):
        x = engine.to_device(engine.asarray([1.0, 2.0]), name)
        assert "cpu:0" in engine.devices() and engine.to_numpy(x).tolist() == [1, 2]


def test_a_device_that_is_not_there_is_named(backend):
    engine = backends.get(backend)
    with pytest.raises(InvalidArgumentError, match="cpu:0"):
        engine.to_device(engine.asarray([1.0]), "abacus:0")


def test_a_device_that_is_not_there_is_refused_and_nothing_is_moved(backend):
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    for ask in (lambda: model.to_backend(backend, device="tpu:9"), lambda: config.set_device("tpu:9")):
        with pytest.raises(InvalidArgumentError, match=r"`device='tpu:9'` was given\. It must be one of .*'cpu:0'"):
            ask()
            model.to_backend(backend)
    assert model.place == config.Placement(config.backend())


@pytest.mark.parametrize("moved", [cornu.Variable([1.0, 2.0]), cornu.metrics.Mean(), layers.BatchNormalization()])
def test_whatever_holds_arrays_moves_to_a_device(backend, moved):
    moved.to_backend(backend, device="cpu")
    assert all(v.place == config.Placement(backend, "cpu:0") for v in getattr(moved, "variables", [moved]))


def test_fit_says_where_it_trains(backend, capsys):
    trained(backend, verbose=2)
    assert capsys.readouterr().out.startswith(f"Training on {backends.get(backend).devices()[0]} with {backend}, float32.")


# --- Two devices, without an accelerator ------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["jax", pytest.param("tensorflow", marks=pytest.mark.thorough)])
def found(request):
    """What ``two_cpus.py`` found on an engine that can be set to see two CPUs."""
    if request.param not in ENGINES:
        pytest.skip(f"{request.param} is not installed")
    script = Path(__file__).with_name("two_cpus.py")
    finished = subprocess.run([sys.executable, script, request.param], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return {"name": request.param, **json.loads(finished.stdout.splitlines()[-1])}


def test_all_devices_are_listed_in_order(found):
    assert found["devices"] == ["cpu:0", "cpu:1"]


def test_fit_names_the_device_of_the_model(found):
    assert found["line"] == f"Training on cpu:1 with {found['name']}, float32."


@pytest.mark.parametrize("what", ["held", "compiled outputs", "called"])
def test_weights_slots_metrics_and_outputs_lie_on_the_device_of_the_model(found, what):
    assert found[what] == ["cpu:1"]


@pytest.mark.parametrize("what", ["weights", "measures", "predictions", "weights after moving back"])
def test_a_device_gives_what_another_one_gives(found, what):
    assert found[f"{what} differ by"] < 1e-6


@pytest.mark.parametrize("what", ["called with", "assigned"])
def test_arrays_of_another_device_are_brought_to_the_models(found, what):
    assert found[f"{what} an array from elsewhere"] == ["cpu:1"]


def test_training_goes_on_after_a_move_with_the_state_of_the_optimizer(found):
    assert found["held after moving back"] == ["cpu:0"]
    assert found["held after moving away again"] == ["cpu:1"]
    assert found["steps"] == [12, 12]


def test_set_device_moves_new_models_and_leaves_old_ones(found):
    assert found["the new model after set_device"].startswith("Training on cpu:1 ")
    assert found["the old model after set_device"].startswith("Training on cpu:0 ")


@pytest.mark.parametrize(
    "what",
    ["held after set_device", "made from nothing after set_device", "moved without a device", "held in such an environment"],
)
def test_the_default_device_is_where_things_are_made(found, what):
    assert found[what] == ["cpu:1"]


def test_a_wrong_name_says_what_is_there(found):
    assert found["a wrong name in the environment"].startswith(
        "`device='gpu:7'` was given. It must be one of 'cpu:0', 'cpu:1'."
    )
    assert found["a wrong name"].startswith("`device='abacus'` was given. It must be one of 'cpu:0', 'cpu:1'.")
    assert found["held after a wrong name"] == ["cpu:0"]


def test_a_nan_is_explained_on_a_device_that_is_not_the_default_one(found):
    assert "step 2 resulted in a loss or a weight that is NaN" in found["NaN"]


# --- PyTorch, with an accelerator that is pretended -------------------------------------------------------------------


@pytest.fixture
def pretended_accelerator(monkeypatch):
    """The best device of PyTorch is one whose tensors hold no values: creating or reading one there fails."""
    torch = pytest.importorskip("torch")
    from cornu.backends.torch import backend, devices

    for module in (devices, backend):
        monkeypatch.setattr(module, "device_names", lambda: ("gpu:0", "cpu:0"))
    monkeypatch.setattr(devices, "_by_full_name", lambda name: torch.device("meta" if name == "gpu:0" else "cpu"))


@pytest.mark.skipif("torch" not in ENGINES, reason="PyTorch is not installed")
@pytest.mark.parametrize("asked_process_wide", [False, True])
def test_a_model_on_the_cpu_makes_nothing_on_the_best_device(request, asked_process_wide):
    expected = trained("torch").get_weights()
    request.getfixturevalue("pretended_accelerator")
    if asked_process_wide:
        config.set_device("cpu")
    model = trained("torch", device=None if asked_process_wide else "cpu")
    for mine, theirs in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    x = np.ones((3, 8, 8, 1), "float32")
    assert model.predict(x, verbose=0).shape == model(x).shape == (3, 3)
    assert np.isfinite(model.evaluate(x, np.zeros(3), verbose=0))


@pytest.mark.skipif("torch" not in ENGINES, reason="PyTorch is not installed")
def test_a_model_as_a_module_of_pytorch_is_made_and_runs_on_the_default_device(pretended_accelerator):
    import torch

    config.set_device("cpu")
    model = cornu.Sequential([cornu.Input((4, 3)), layers.LSTM(2), layers.Dense(1)])  # an LSTM begins with an array of zeros
    model.to_backend("numpy")
    outputs = layers.as_torch_module(model)(torch.ones(2, 4, 3))
    np.testing.assert_allclose(outputs.detach().numpy(), model.predict(np.ones((2, 4, 3)), verbose=0), rtol=1e-5)


@pytest.mark.skipif("torch" not in ENGINES, reason="PyTorch is not installed")
def test_a_nan_is_explained_by_a_model_beside_the_best_device(pretended_accelerator):
    heeds_padding = layers.BatchNormalization()
    model = cornu.Sequential([cornu.Input((2,)), heeds_padding, layers.Dense(1)]).to_backend("torch", device="cpu")
    model.compile("sgd", "mse")
    model.layers[1].kernel.assign(np.full((2, 1), np.nan))
    with pytest.raises(NonFiniteError, match="step 1 resulted in a loss or a weight that is NaN"):
        model.fit(np.ones((7, 2), "float32"), np.ones((7, 1), "float32"), batch_size=4, verbose=0)


@pytest.mark.skipif("torch" not in ENGINES, reason="PyTorch is not installed")
def test_data_that_goes_into_a_compiled_function_goes_to_the_device(pretended_accelerator):
    engine = backends.get("torch")
    assert engine.compile(lambda x: x + 1)(np.zeros(2, "float32")).device.type == "meta"
    with config.placement_scope("torch", "cpu"):
        assert engine.compile(lambda x: x + 1)(np.zeros(2, "float32")).device.type == "cpu"


@pytest.mark.skipif("torch" not in ENGINES, reason="PyTorch is not installed")
def test_another_key_lies_on_the_host(pretended_accelerator):
    import torch

    engine, key = backends.get("torch"), torch.tensor([1, 2], dtype=torch.uint32)
    with config.placement_scope("torch", "cpu"):
        words = engine.fold_in(key, engine.asarray(3)).tolist()
    assert engine.fold_in(key, 3).tolist() == words


@pytest.mark.skipif("torch" not in ENGINES, reason="PyTorch is not installed")
def test_numbers_are_drawn_on_the_device_with_a_key_from_the_host(pretended_accelerator, monkeypatch):
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    from cornu.backends.torch import devices

    monkeypatch.setattr(devices, "_by_full_name", lambda name: torch.device(name.replace("gpu", "cuda")))
    engine = backends.get("torch")
    with FakeTensorMode():
        key = torch.zeros(2, dtype=torch.uint32)
        assert engine.random_uniform(key, (2,), "float32").device.type == "cuda"
        with config.placement_scope("torch", "cpu"):
            assert engine.random_normal(key, (2,), "float32").device.type == "cpu"


# --- With an accelerator ----------------------------------------------------------------------------------------------


@pytest.fixture(params=ENGINES)
def accelerated(request) -> str:
    """Name of an engine that has an accelerator here."""
    if backends.get(request.param).devices()[0].startswith("cpu"):
        pytest.skip(f"{request.param} has no accelerator here")
    return request.param


def first_line(capsys) -> str:
    return capsys.readouterr().out.partition("\n")[0]


def assert_alike(model: cornu.Model, expected: cornu.Model) -> None:
    for mine, theirs in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-2, atol=1e-3)  # such machines multiply in fewer bits


@pytest.mark.gpu
def test_an_accelerator_trains_to_what_the_cpu_trains_to(accelerated):
    assert_alike(trained(accelerated), trained("numpy"))


@pytest.mark.gpu
def test_set_device_trains_on_the_cpu_beside_an_accelerator(accelerated, capsys):
    config.set_device("cpu")
    model = trained(accelerated, verbose=2)
    assert first_line(capsys).startswith("Training on cpu:0 ")
    assert_alike(model, trained("numpy"))


@pytest.mark.gpu
def test_to_backend_moves_from_an_accelerator_to_the_cpu_and_back(accelerated, capsys):
    x, y = np.ones((8, 8, 8, 1), "float32"), np.zeros(8)
    best = backends.get(accelerated).devices()[0]
    model = trained(accelerated)
    outputs = model.predict(x, verbose=0)
    for device in ("cpu:0", best):
        model.to_backend(accelerated, device=device)
        np.testing.assert_allclose(model.predict(x, verbose=0), outputs, rtol=1e-2, atol=1e-3)
        model.fit(x, y, epochs=1, verbose=2)
        assert first_line(capsys).startswith(f"Training on {device} ")
        outputs = model.predict(x, verbose=0)


@pytest.mark.gpu
def test_dropout_draws_on_an_accelerator(accelerated):
    model = cornu.Sequential([cornu.Input((50,)), layers.Dropout(0.5)]).to_backend(accelerated)
    dropped = backends.get(accelerated).to_numpy(model(np.ones((40, 50), "float32"), training=True))
    assert 0.4 < (dropped == 0).mean() < 0.6
