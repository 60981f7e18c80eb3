"""Measures Cornu against its peers: ``make bench``.

The contenders take turns, round after round, in one process and one sitting, and medians are compared: the machines are
shared and noisy, so that ratios mean more than times. Writes ``results/<date>.json`` and prints the table that stands in the
README.
"""

import argparse
import datetime
import functools
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import processor, spread

HERE = Path(__file__).parent
ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{datetime.date.today()}.json")
    arguments = parser.parse_args()
    import_seconds = import_times()
    from contenders import WORKLOADS, contenders  # chooses Keras's engine, so before anything else imports Keras

    results = {"machine": machine(), "import": import_seconds, "training": {}, "one picture": {}}
    x_all, y_all = pictures()
    for workload in WORKLOADS.values():
        x, y = x_all[: workload.pictures].reshape(-1, *workload.shape), y_all[: workload.pictures]
        rivals = contenders(workload, x, y)
        print(f"{workload.name}, batch {workload.batch_size}: training", flush=True)
        seconds = in_turn({rival.name: rival.epoch for rival in rivals}, arguments.rounds)
        results["training"][workload.name] = {name: spread([len(x) / t for t in times]) for name, times in seconds.items()}
        print(f"{workload.name}: one picture", flush=True)
        calls = {rival.name: functools.partial(many_times, rival.one, x[:1]) for rival in rivals}
        seconds = in_turn(calls, arguments.rounds)
        results["one picture"][workload.name] = {name: spread([10 * t for t in times]) for name, times in seconds.items()}
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))


def in_turn(functions: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each function in each round; a round lets all run, and the first, in which they compile, does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def many_times(function: Callable, argument: np.ndarray) -> None:
    for _ in range(100):
        function(argument)


def import_times() -> dict[str, dict[str, float]]:
    """Seconds that ``import cornu`` takes in a fresh process, beyond Python's own start."""
    code = "import time; a = time.perf_counter(); import cornu; print(time.perf_counter() - a)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(9)]
    return {"import cornu": spread([float(run.stdout) for run in runs])}


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Training pictures of MNIST from the dataset cache, or noise of the same shape where there is none."""
    import cornu

    try:
        (x, y), _ = cornu.datasets.mnist.load_data()
    except Exception as error:
        print(f"MNIST is not here, so noise stands in for it ({type(error).__name__}).")
        random = np.random.default_rng(0)
        x, y = random.integers(0, 256, (60000, 28, 28)), random.integers(0, 10, 60000)
    return (x / 255).astype("float32"), y.astype("int32")


def machine() -> dict[str, str]:
    import jax
    import keras

    import cornu

    versions = {library.__name__: library.__version__ for library in (cornu, jax, keras)}
    return {"processor": processor(), "cores": str(os.cpu_count()), **versions, "python": platform.python_version()}


def table(results: dict) -> str:
    """The results as the Markdown table of the README."""
    names = list(next(iter(results["training"].values())))
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for kind, unit, form in (("training", "pictures/s", ",.0f"), ("one picture", "ms", ".2f")):
        for workload, found in results[kind].items():
            numbers = " | ".join(format(found[name]["median"], form) for name in names)
            lines.append(f"| {workload}, {kind}, {unit} | {numbers} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
