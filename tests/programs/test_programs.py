"""Programs in the manner of Keras's guides: one source text, run with real Keras and with Cornu, on each engine.

Both start from the same weights and data. Each program trains a model, saves it, trains on, and continues from the file too.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cornu import config

HARNESS = Path(__file__).parent / "harness.py"
ENGINES = [name for name in config.installed_backends() if name != "numpy"]
NEUTRAL = "steps_neutral."


def results(engine: str, library: str, part: list[str]) -> dict[str, dict[str, list]]:
    """Run the programs in one process, since real Keras has one engine for a process."""
    chosen = {"CORNU_BACKEND": engine, "KERAS_BACKEND": engine, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(HARNESS), library, engine, *part]
    done = subprocess.run(command, env=os.environ | chosen, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    errors = {name: parts["error"][0] for name, parts in found.items() if "error" in parts}
    assert not errors, f"with {library}:\n" + "\n".join(f"{name}: {text}" for name, text in errors.items())
    return found


def different(found: list, expected: list) -> bool:
    """Return whether two lists of names and numbers differ: in a name, or in a number by more than 1e-4."""
    names = [[part for part in parts if isinstance(part, str)] for parts in (found, expected)]
    numbers = [[part for part in parts if not isinstance(part, str)] for parts in (found, expected)]
    same_form = names[0] == names[1] and len(numbers[0]) == len(numbers[1])
    return not (same_form and np.allclose(*numbers, rtol=1e-4, atol=1e-4))


def differences(found: dict[str, list], expected: dict[str, list]) -> dict[str, tuple]:
    return {part: (found.get(part), values) for part, values in expected.items() if different(found.get(part, []), values)}


def unlike_keras(found: dict[str, dict], expected: dict[str, dict]) -> dict[str, dict]:
    wrong = {name: differences(found[name], parts) for name, parts in expected.items()}
    return {name: parts for name, parts in wrong.items() if parts}


def unlike_after_loading(found: dict[str, dict]) -> dict[tuple[str, str], tuple]:
    wrong = {}
    for name, parts in found.items():
        for part in ("outputs", "second run", "weights"):
            if different(parts[f"{part} of the loaded model"], parts[part]):
                wrong[name, part] = parts[f"{part} of the loaded model"], parts[part]
        if different(parts["outputs of the loaded weights"], parts["outputs"]):
            wrong[name, "weights file"] = parts["outputs of the loaded weights"], parts["outputs"]
    return wrong


@pytest.mark.parametrize("engine", ENGINES)
def test_programs_compute_what_they_compute_with_keras_and_continue_from_their_files(engine, request):
    """One test for each engine, since running the programs takes long, and tests may run in several processes.

    A sample runs a third of the programs.
    """
    part = [str(ENGINES.index(engine))] if request.config.getoption("--sample") else []
    found, expected = results(engine, "cornu", part), results(engine, "keras", part)
    neutral = {name.removeprefix(NEUTRAL): parts for name, parts in found.items() if name.startswith(NEUTRAL)}
    in_its_style = {name: expected[f"steps_{engine}.{name}"] for name in neutral}
    assert len(expected) >= (15 if part else 40) and len(neutral) >= (3 if part else 10)
    assert unlike_keras(found, expected) == {}
    assert unlike_keras(neutral, in_its_style) == {}
    assert unlike_after_loading(found) == {}
