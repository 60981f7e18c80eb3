"""Weights in files of the format safetensors."""

import builtins
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError, MissingPackageError, ModelFormatError
from cornu.saving.safetensors_file import read_safetensors


def network(seed: int = 0, units: int = 3) -> Any:
    cornu.utils.set_random_seed(seed)
    inputs = cornu.Input((8, 8, 2))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, name="first")(inputs))
    return cornu.Model(inputs, layers.Dense(units)(layers.GlobalAveragePooling2D()(x)))


def test_weights_are_saved_and_loaded(tmp_path: Path) -> None:
    source, model = network(0), network(1)
    source.save_weights(tmp_path / "model.safetensors")
    model.load_weights(tmp_path / "model.safetensors")
    for found, wanted in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_other_programs_read_the_arrays_of_a_file_by_their_paths(tmp_path: Path) -> None:
    model = network()
    model.save_weights(tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(arrays["layers/conv2d/vars/0"], model.get_layer("first").kernel.numpy())
    assert len(arrays) == len(model.weights)


def test_the_state_of_the_optimizer_is_in_the_file(tmp_path: Path, backend: str) -> None:
    models = [network(seed).to_backend(backend) for seed in (0, 1)]
    for model in models:
        model.compile("adam", "mse")
    x, y = np.random.default_rng(0).normal(size=(4, 8, 8, 2)), np.ones((4, 3))
    models[0].fit(x, y, epochs=2, verbose=0)
    models[0].save_weights(tmp_path / "model.safetensors")
    models[1].load_weights(tmp_path / "model.safetensors")
    for found, wanted in zip(models[1].optimizer.variables, models[0].optimizer.variables, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_kept(dtype: str, tmp_path: Path) -> None:
    models = [cornu.Sequential([cornu.Input((4,)), layers.Dense(3, dtype=dtype)]) for _ in range(2)]
    models[0].save_weights(tmp_path / "model.safetensors")
    models[1].load_weights(tmp_path / "model.safetensors")
    kernels = [np.asarray(model.weights[0].numpy(), "float32") for model in models]
    np.testing.assert_array_equal(kernels[1], kernels[0])
    stored = read_safetensors(tmp_path / "model.safetensors")["layers/dense/vars/0"]
    np.testing.assert_array_equal(np.asarray(stored, "float32"), kernels[0])


def test_another_model_gets_a_table_and_is_not_changed(tmp_path: Path) -> None:
    network().save_weights(tmp_path / "model.safetensors")
    model = network(units=5)
    before = model.get_weights()
    with pytest.raises(ModelFormatError, match="does not match the model") as caught:
        model.load_weights(tmp_path / "model.safetensors")
    assert "(4, 3) float32" in str(caught.value) and "(4, 5) float32" in str(caught.value)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_files_of_pytorch_are_told_from_those_of_models(tmp_path: Path) -> None:
    save_file({"conv1.weight": np.zeros((2, 2), "float32")}, tmp_path / "resnet.safetensors")
    with pytest.raises(ModelFormatError, match=r"\['conv1.weight'\].*call `cornu.applications.from_torch_state`"):
        network().load_weights(tmp_path / "resnet.safetensors")


def header(content: Any, data: bytes = b"") -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data


TOO_LARGE = {"a/vars/0": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
OVERLAPPING = {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in ("a/vars/0", "b/vars/0")}


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89HDF\r\n", b"x" * 100, struct.pack("<Q", 2**60), header(TOO_LARGE), header(OVERLAPPING, b"\0" * 4), header([])],
)
def test_damaged_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelFormatError, match=r"'model\.safetensors' cannot be read"):
        network().load_weights(tmp_path / "model.safetensors")


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    model = network()
    model.save_weights(tmp_path / "whole.safetensors")
    whole, cut = (tmp_path / "whole.safetensors").read_bytes(), tmp_path / "cut.safetensors"
    for length in range(0, len(whole), 16):
        cut.write_bytes(whole[:length])
        with pytest.raises(ModelFormatError, match="cannot be read"):
            model.load_weights(cut)


def test_dtypes_that_numpy_does_not_have_are_refused(tmp_path: Path) -> None:
    array = {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}
    (tmp_path / "model.safetensors").write_bytes(header({"x": array}, b"\0" * 4))
    with pytest.raises(ModelFormatError, match="'x' has the dtype F8_E4M3"):
        read_safetensors(tmp_path / "model.safetensors")


def test_the_package_is_named_if_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("safetensors"):
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingPackageError, match="Install it: `pip install safetensors`"):
        network().save_weights(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_the_ending_of_a_name_is_checked(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"must end in `.weights.h5` or `.safetensors`"):
        network().save_weights(tmp_path / "model.pt")
