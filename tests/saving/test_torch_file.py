"""Files of PyTorch, read as data."""

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cornu.errors import ModelFormatError
from cornu.saving.torch_file import read_torch_state

torch = pytest.importorskip("torch")

LAYOUTS = [True, False]
"""Whether ``torch.save`` writes a zip archive, or what it wrote before version 1.6."""


def saved(content: Any, path: Path, as_zip: bool) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=as_zip)
    return path


def tensors() -> dict[str, Any]:
    torch.manual_seed(0)
    large = torch.randn(6, 5)
    return {
        "float": torch.randn(2, 3, 4),
        "transposed": large.T,
        "a part of another one": large[1:4, 2],
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "bool": torch.tensor([True, False]),
        **{
            str(dtype): torch.arange(5).to(dtype)
            for dtype in (torch.float64, torch.float16, torch.int8, torch.uint8, torch.int16)
        },
    }


@pytest.mark.parametrize("as_zip", LAYOUTS)
def test_tensors_have_the_values_of_pytorch(as_zip: bool, tmp_path: Path) -> None:
    wanted = tensors()
    found = read_torch_state(saved(OrderedDict(wanted), tmp_path / "a.pth", as_zip))
    assert list(found) == list(wanted)
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(found[name], tensor.numpy())
        assert found[name].flags.writeable


@pytest.mark.parametrize("as_zip", LAYOUTS)
def test_bfloat16_becomes_float32(as_zip: bool, tmp_path: Path) -> None:
    tensor = torch.randn(7).to(torch.bfloat16)
    found = read_torch_state(saved({"x": tensor}, tmp_path / "a.pth", as_zip))["x"]
    np.testing.assert_array_equal(found, tensor.float().numpy())


@pytest.mark.parametrize("as_zip", LAYOUTS)
def test_a_model_and_a_checkpoint_are_read(as_zip: bool, tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    wanted = model.state_dict()
    several = OrderedDict((f"module.{name}", tensor) for name, tensor in wanted.items())
    for content in (wanted, {"epoch": 3, "state_dict": several, "note": "best"}, {"model": wanted, "lr": 0.1}):
        found = read_torch_state(saved(content, tmp_path / "a.pth", as_zip))
        assert list(found) == list(wanted)
        np.testing.assert_array_equal(found["0.weight"], wanted["0.weight"].numpy())


class Evil:
    def __reduce__(self) -> tuple:
        return (print, ("this must not run",))


@pytest.mark.parametrize("as_zip", LAYOUTS)
def test_a_file_that_names_anything_else_is_refused(as_zip: bool, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for content, name in (({"x": Evil()}, r"\w+.print"), (torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear")):
        path = saved(content, tmp_path / "a.pth", as_zip)
        with pytest.raises(ModelFormatError, match=rf"it refers to `{name}`, which is not allowed in a file of weights"):
            read_torch_state(path)
    assert capsys.readouterr().out == ""


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/b.txt", "text")
    contents = [path.read_bytes(), b"", b"text", pickle.dumps({"x": 1}), saved([1], path, True).read_bytes()]
    contents += [saved({"x": "text"}, path, as_zip).read_bytes() for as_zip in LAYOUTS]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(ModelFormatError, match=r"cannot be read: .*`torch.save\(model.state_dict\(\), path\)`"):
            read_torch_state(path)


@pytest.mark.parametrize("as_zip", LAYOUTS)
def test_damaged_files_are_refused_or_have_the_right_shapes(as_zip: bool, tmp_path: Path) -> None:
    """A byte is changed, or the end is missing; the values themselves have no checksum in the old layout."""
    path = saved({"x": torch.randn(3, 4), "y": torch.arange(3)}, tmp_path / "a.pth", as_zip)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for number in range(300):
        damaged = bytearray(content)
        if number % 3:
            damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        else:
            del damaged[rng.integers(1, len(content)) :]
        path.write_bytes(damaged)
        try:
            found = read_torch_state(path)
        except ModelFormatError:
            continue
        assert sum(array.nbytes for array in found.values()) < 10 * len(content)


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path: Path) -> None:
    path = saved({"x": torch.randn(2, 2)}, tmp_path / "a.pth", True)
    parts = {item.filename: zipfile.ZipFile(path).read(item) for item in zipfile.ZipFile(path).infolist()}
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part.replace(b"K\x02K\x02\x86", b"K\x02K\xff\x86") if name.endswith("data.pkl") else part)
    path.write_bytes(changed.getvalue())
    with pytest.raises(ModelFormatError, match=r"invalid shape|larger than its storage"):
        read_torch_state(path)
