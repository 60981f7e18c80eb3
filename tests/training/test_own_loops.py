"""Training loops without ``fit``, in the style of each engine: programs that run unchanged with Cornu and with real Keras."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cornu import config

PROGRAMS = Path(__file__).parent / "own_loops"
ENGINES = [name for name in config.installed_backends() if name != "numpy"]


@functools.cache
def results(engine: str, library: str) -> dict[str, list]:
    """Run the programs of an engine in a process of its own, since real Keras has one engine for a process."""
    chosen = {"CORNU_BACKEND": engine, "KERAS_BACKEND": engine, "XLA_FLAGS": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(PROGRAMS / f"{engine}_loops.py"), library]
    done = subprocess.run(command, env=os.environ | chosen, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("engine", ENGINES)
def test_own_loops_give_what_they_give_with_keras(engine):
    found, expected = results(engine, "cornu"), results(engine, "keras")

    wrong = {
        name: (found.get(name), values)
        for name, values in expected.items()
        if found.get(name) != pytest.approx(values, 1e-4, 1e-4)
    }
    assert not wrong
