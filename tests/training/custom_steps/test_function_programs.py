"""Replaced functions of steps, the list of metrics and the order of logs are those of real Keras on the same engine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cornu import config

PROGRAMS = Path(__file__).parent / "function_programs.py"
ENGINES = [name for name in config.installed_backends() if name != "numpy"]


def results(engine: str, library: str, part: list[str]) -> dict:
    """Run the programs in a process of their own, since real Keras has one engine for a process."""
    chosen = {"CORNU_BACKEND": engine, "KERAS_BACKEND": engine, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(PROGRAMS), library, *part]
    done = subprocess.run(command, env=os.environ | chosen, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def close(found, expected):
    """Whether two trees are equal, numbers up to rounding."""
    if isinstance(expected, float):
        return found == pytest.approx(expected, rel=1e-4, abs=1e-5)
    if isinstance(expected, dict):
        return isinstance(found, dict) and list(found) == list(expected) and close([*found.values()], [*expected.values()])
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(close, found, expected))
    return found == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_the_programs_have_the_results_of_keras(engine, request):
    """One test for each engine, since running the programs takes long, and tests may run in several processes.

    In a sample, programs that are the same on each engine run on one of them.
    """
    part = [str(ENGINES.index(engine) % 3)] if request.config.getoption("--sample") else []
    found, expected = results(engine, "cornu", part), results(engine, "keras", part)
    assert len(expected) >= (10 if part else 20)
    assert all(isinstance(values, list) for values in expected.values()), expected
    assert {name: (found[name], values) for name, values in expected.items() if not close(found[name], values)} == {}
