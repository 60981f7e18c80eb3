"""What all tests share: the backends by name, a fixed seed, and the folder of real pictures."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"  # before anything imports real Keras, the oracle
os.environ["OMP_NUM_THREADS"] = "1"  # a process a core runs the tests: more threads would wait for one another
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"

import pytest

from cornu import config, seeds

ROOT = Path(__file__).resolve().parents[1]


ENGINES = [name for name in config.installed_backends() if name != "numpy"]
"""The engines that are installed here: each is held against NumPy, the reference."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which engines the tests ran on, at the end, where a quiet run and one of many processes show it too."""
    terminalreporter.write_line(engines_text(config.installed_backends()))


def engines_text(installed: list[str]) -> str:
    """Which engines are tested, and which cannot be."""
    missing = [name for name in config.BACKENDS if name not in installed]
    return f"engines: {', '.join(installed)}" + (f"; not installed, so not tested: {', '.join(missing)}" if missing else "")


@pytest.fixture(params=["numpy", *ENGINES])
def backend(request: pytest.FixtureRequest) -> str:
    """Name of a backend; the test runs once for each."""
    return request.param


@pytest.fixture
def default_backend(backend: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tested backend, as the default: Python and NumPy data goes there, and variables are made there."""
    monkeypatch.setitem(config._settings, "backend", backend)
    return backend


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name of a backend other than NumPy's; the test runs once for each."""
    return request.param


@pytest.fixture
def set_fast_paths() -> Iterator[Callable]:
    """``config.set_fast_paths``; after the test they are what the environment says."""
    yield config.set_fast_paths
    config.set_fast_paths(None)


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """Every test starts from the same seed, whatever ran before it."""
    seeds.set_seed(0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures: the environment's ``CORNU_TEST_DATA``, or ``../shared/data`` beside the repository."""
    folder = Path(os.environ.get("CORNU_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the folder of real pictures is not here (set CORNU_TEST_DATA to its path)")
    return folder
