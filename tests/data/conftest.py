"""Fixtures of the tests of data: random images, and folders of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def pixels(rng) -> Callable[..., np.ndarray]:
    """A function that returns random pixels of a shape."""

    def make(*shape: int, dtype: str = "uint8") -> np.ndarray:
        return rng.integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)

    return make


@pytest.fixture
def image_folder(tmp_path, pixels) -> Path:
    """A folder of the classes "a" and "b" with images of different sizes, a class without images, and what is no class."""
    folder = tmp_path / "images"
    for name in ("b", "a", ".hidden", "empty"):
        (folder / name / "deep").mkdir(parents=True)
        (folder / name / "notes.txt").write_text("no image")
        if name == "empty":
            continue
        for number in range(8):
            Image.fromarray(pixels(20 + number, 30, 3)).save(folder / name / f"{number}.png")
        Image.fromarray(pixels(20, 34, 3)).save(folder / name / "deep" / "0.bmp")
        Image.fromarray(pixels(17, 12, 3)).save(folder / name / "X.PNG")
    return folder
