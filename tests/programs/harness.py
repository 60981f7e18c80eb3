"""Runs the programs of this folder on one engine, with real Keras or with Cornu in its place, and prints what they compute.

With ``CORNU_BACKEND=torch KERAS_BACKEND=torch``, ``harness.py cornu torch`` and ``harness.py keras torch`` print the same. A
program is one source text for both: with ``cornu``, ``import keras`` is Cornu, as under ``cornu run``. A third argument, 0, 1
or 2, chooses every third program of those that are the same on each engine.
"""

import importlib
import json
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

LIBRARY, ENGINE = sys.argv[1], sys.argv[2]
PART = slice(int(sys.argv[3]), None, 3) if len(sys.argv) > 3 else slice(None)
if LIBRARY == "cornu":
    importlib.import_module("cornu.legacy.import_hook").install()
keras: Any = importlib.import_module("keras")

THEMES = [
    "networks",
    "objects",
    "sequences",
    "data_kinds",
    f"steps_{ENGINE}",
    *(["steps_neutral"] if LIBRARY == "cornu" else []),
]
"""Files with programs."""


def main() -> None:
    """Print the results of the programs as JSON."""
    found = {}
    for theme in THEMES:
        programs = importlib.import_module(theme).PROGRAMS
        for kind in programs if theme == f"steps_{ENGINE}" else programs[PART]:
            if not (LIBRARY == "keras" and ENGINE in kind.keras_is_wrong_on):
                found[f"{theme}.{kind.__name__}"] = results(kind)
    print(json.dumps(found))


def results(kind: type) -> dict[str, list]:
    """Return what a program computes: uninterrupted and, with Cornu, after loading the model, and after loading the weights."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return train_save_and_continue(kind(), Path(folder))
    except Exception:
        return {"error": [traceback.format_exc()]}


def train_save_and_continue(program: Any, folder: Path) -> dict[str, list]:
    model = made(program)
    first = program.train(model)
    model.save(folder / "m.keras")
    model.save_weights(folder / "m.weights.h5")
    found = {"first run": flat(first), **continued(program, model)}
    if LIBRARY == "keras":  # what continues from a file is compared with what was not interrupted
        return found

    loaded = program.load(folder / "m.keras")
    found |= {f"{name} of the loaded model": values for name, values in continued(program, loaded).items()}

    fresh = made(program)
    fresh.load_weights(folder / "m.weights.h5")
    found["outputs of the loaded weights"] = flat(program.outputs(fresh))
    return found


def made(program: Any) -> Any:
    """Return the model of a program, compiled, with weights that do not depend on the library."""
    keras.utils.clear_session(free_memory=False)
    model = program.model()
    if program.sets_weights:
        set_weights(model)
    program.compile(model)
    return model


def continued(program: Any, model: Any) -> dict[str, list]:
    """Return the logs of a second run, then the outputs and the weights."""
    before, logs = flat(program.outputs(model)), program.train(model)
    weights = [value for value in model.get_weights() if value.dtype.kind == "f"]
    return {"outputs": before, "second run": flat(logs), "weights": flat(weights)}


def set_weights(model: Any) -> None:
    """Give a model random weights that depend on their order only; what is no float, such as a seed, stays."""
    for number, weight in enumerate(model.weights):
        if "float" in str(weight.dtype):
            low, high = (-0.5, 0.5) if weight.trainable else (0.5, 1.0)
            weight.assign(np.random.default_rng(number).uniform(low, high, weight.shape).astype("float32"))


def flat(tree: Any) -> list:
    """Return the numbers of a nested structure as a list; those of dicts by sorted keys, each after its key."""
    if isinstance(tree, dict):
        return [part for name in sorted(tree) for part in (name, *flat(tree[name]))]
    if isinstance(tree, (list, tuple)):
        return [part for value in tree for part in flat(value)]
    return np.asarray(keras.ops.convert_to_numpy(tree), "float64").ravel().tolist()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
