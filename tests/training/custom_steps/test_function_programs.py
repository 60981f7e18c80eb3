"""Replaced functions of steps, the list of metrics and the order of logs are those of real Keras on the same engine."""

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cornu import config

PROGRAMS = Path(__file__).parent / "function_programs.py"
ENGINES = [name for name in config.installed_backends() if name != "numpy"]
NAMES = re.findall(r"^    (\w+),$", PROGRAMS.read_text().partition("PROGRAMS = [")[2].partition("]")[0], re.MULTILINE)


@functools.cache
def results(engine: str, library: str) -> dict:
    """Run all programs in a process of its own, since real Keras has one engine for a process."""
    chosen = {"CORNU_BACKEND": engine, "KERAS_BACKEND": engine, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, str(PROGRAMS), library], env=os.environ | chosen, capture_output=True, text=True)
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


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_program_has_the_results_of_keras(engine, name):
    found, expected = results(engine, "cornu")[name], results(engine, "keras")[name]
    assert isinstance(expected, list), expected
    assert close(found, expected), f"\nfound    {found}\nexpected {expected}"
