"""Benchmark Cornu on each of its engines against Keras, PyTorch and JAX: ``make bench``.

Every rival (a library with an engine or a configuration) runs in a separate process (``rival.py``). The processes take
turns, round after round in one session, and medians are compared: machines are shared and noisy, so ratios are more
reliable than times. Write ``results/DATE.json``, a Markdown file with its tables, the goals (``goals.py``) and what limits
a step (``bounds.py``), and a plot of the training speeds.
"""

import argparse
import compileall
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bounds
import goals
import matplotlib.pyplot as plt
import turns
from measuring import machine, matrix_products, spread
from rival import RIVALS
from workloads import WORKLOADS

HERE = Path(__file__).parent
MEASURES = {
    "training": "samples/s",
    "one": "ms",
    "bulk": "samples/s",
    "memory": "MB",
    "cold": "s",
    "warm": "s",
    "goal": "s",
}
"""Unit of each measure.

``cold`` and ``warm``: from the start of Python to the end of the first epoch, with an empty and with a filled compilation
cache. ``goal``: training time until the test accuracy of the workload is reached, without start and compilation.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workload", choices=WORKLOADS, action="append")
    parser.add_argument("--rival", choices=RIVALS, action="append")
    parser.add_argument("--starts", action="store_true", help="also measure cold and warm starts (slow)")
    parser.add_argument("--bounds", action="store_true", help="also profile a step of each network")
    parser.add_argument(
        "--add",
        action="store_true",
        help="keep the results of other networks in the output file",
    )
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{datetime.date.today()}.json")
    arguments = parser.parse_args()
    compileall.compile_dir(HERE.parent / "src", quiet=1)  # as pip does on installation, and did for the other libraries
    results = initial_results(arguments.output if arguments.add else None)
    for name in arguments.workload or WORKLOADS:
        print(name, flush=True)
        measure = in_turn if WORKLOADS[name].goal is None else goals_in_turn
        found = measure(name, arguments.rival or RIVALS, arguments.rounds)
        if arguments.starts and WORKLOADS[name].goal is None:
            add_starts(found, name)
        results["workloads"][name] = found
        if arguments.bounds and WORKLOADS[name].goal is None:
            results["bounds"][name] = bounds_of(name, found)
        for part in ("workloads", "bounds"):
            results[part] = {each: results[part][each] for each in WORKLOADS if each in results[part]}
        arguments.output.parent.mkdir(exist_ok=True)
        arguments.output.write_text(json.dumps(results, indent=1) + "\n")
        print("\n".join(f"  {rival:32}" + summary(measured) for rival, measured in found.items()), flush=True)
    arguments.output.with_suffix(".md").write_text(table(results["workloads"]) + "\n" + goals.tables(results))
    draw(results["workloads"], arguments.output.with_suffix(".png"))


def initial_results(earlier: Path | None) -> dict:
    """Return the results of an earlier file from this machine; without one, results that only describe the machine."""
    here = machine()
    if earlier is None or not earlier.exists():
        results = {"machine": here, "matrix product, GFLOP/s": spread(matrix_products())}
        return results | {"import cornu, s": spread(import_seconds()), "workloads": {}, "bounds": {}}
    found = json.loads(earlier.read_text())
    if found["machine"] != here:
        raise SystemExit(f"{earlier} is from another machine or other versions: {found['machine']}. Choose another --output.")
    return found


# --- Measuring --------------------------------------------------------------------------------------------------------


def in_turn(name: str, rivals: tuple[str, ...], rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Measure each rival in alternating rounds. A rival that does not run is omitted and its error printed."""
    processes = {rival: process for rival in rivals if (process := _started(rival, name)) is not None}
    workload = WORKLOADS[name]
    found: dict = {rival: {"memory": spread([turns.ask(process, "memory")])} for rival, process in processes.items()}
    for measure in ("training", "one", "bulk"):
        seconds: dict[str, list[float]] = {rival: [] for rival in processes}
        for number in range(rounds + 1):
            for rival, process in processes.items():
                answer = turns.ask(process, measure)
                if number:  # the first round warms up
                    seconds[rival].append(answer)
        for rival, values in seconds.items():
            samples = workload.samples if measure == "training" else 20 * workload.batch_size
            found[rival][measure] = spread([1000 * value if measure == "one" else samples / value for value in values])
    for process in processes.values():
        turns.end(process)
    return found


def goals_in_turn(name: str, rivals: tuple[str, ...], rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Measure how long each rival trains until the goal, with new weights in each round; omit one that does not reach it."""
    seconds: dict[str, list[float]] = {rival: [] for rival in rivals}
    for rival in [rival for _ in range(rounds) for rival in rivals]:
        process = _started(rival, name)
        if process is not None:
            seconds[rival].append(turns.ask(process, "goal"))
            turns.end(process)
    for rival in [rival for rival, values in seconds.items() if values and max(values) == math.inf]:
        print(f"  {rival} does not reach the goal in each round: {seconds.pop(rival)}", flush=True)
    return {rival: {"goal": spread(values)} for rival, values in seconds.items() if values}


def _started(rival: str, name: str) -> subprocess.Popen | None:
    command = [sys.executable, str(HERE / "rival.py"), rival, name]
    with tempfile.TemporaryFile("w+") as errors:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors, "text": True}
        process = subprocess.Popen(command, **pipes)
        if process.stdout.readline().strip() == "ready":
            return process
        process.wait()
        errors.seek(0)
        print(f"  {rival} does not run: {errors.read().strip().splitlines()[-1:]}", flush=True)
        return None


def import_seconds() -> list[float]:
    """Return the seconds of ``import cornu`` in new processes, without the start of Python."""
    code = "import time; a = time.perf_counter(); import cornu; print(time.perf_counter() - a)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(9)]
    return [float(run.stdout) for run in runs]


def add_starts(found: dict, name: str) -> None:
    """Add the time of a new process until the end of its first epoch, with an empty cache and then with a filled one."""
    for rival, measured in found.items():
        with tempfile.TemporaryDirectory() as folder:
            for measure in ("cold", "warm"):
                measured[measure] = spread([_start_to_first_epoch(rival, name, folder)])


def _start_to_first_epoch(rival: str, name: str, cache: str) -> float:
    began = time.perf_counter()
    environment = {**os.environ, "XDG_CACHE_HOME": cache, "TORCHINDUCTOR_CACHE_DIR": f"{cache}/torch"}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "rival.py"), rival, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    process.stdout.readline()
    seconds = time.perf_counter() - began
    process.wait()
    return seconds


def bounds_of(name: str, found: dict) -> dict[str, dict]:
    """Return what limits a step on each measured engine that has a profiler for it (see ``bounds.py``).

    The speed of the machine is measured in the same session, since it varies.
    """
    profiles: dict = {}
    for engine in [engine for engine in bounds.ENGINES if f"Cornu on {engine}" in found]:
        command = [sys.executable, str(HERE / "bounds.py"), engine, name]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
        profiles[engine] = json.loads(run.stdout.splitlines()[-1])
    return {"matrix product, GFLOP/s": spread(matrix_products()), "profiles": profiles}


# --- Output -----------------------------------------------------------------------------------------------------------


def summary(measured: dict) -> str:
    return "".join(f"{measure} {numbers['median']:,.5g} {MEASURES[measure]}  " for measure, numbers in measured.items())


def table(workloads: dict) -> str:
    """Return the medians as Markdown tables, one for each measure."""
    parts = []
    for measure, unit in MEASURES.items():
        lines = [f"## {measure}, {unit}", "", "| | " + " | ".join(RIVALS) + " |", "|---" * (len(RIVALS) + 1) + "|"]
        for name, found in workloads.items():
            cells = [_cell(found.get(rival, {}).get(measure)) for rival in RIVALS]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        if any(measure in measured for found in workloads.values() for measured in found.values()):
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _cell(numbers: dict | None) -> str:
    if numbers is None:
        return ""
    return f"{numbers['median']:,.0f}" if numbers["median"] >= 10 else f"{numbers['median']:.2f}"


def draw(workloads: dict, path: Path) -> None:
    """Plot the training speed of each rival, with the spread of the rounds."""
    workloads = {name: found for name, found in workloads.items() if any("training" in measured for measured in found.values())}
    if not workloads:
        return
    figure, all_axes = plt.subplots(-(-len(workloads) // 3), 3, figsize=(15, 3.2 * -(-len(workloads) // 3)), squeeze=False)
    for axes in all_axes.flat[len(workloads) :]:
        axes.set_visible(False)
    for axes, (name, found) in zip(all_axes.flat, workloads.items(), strict=False):
        rivals = [rival for rival in RIVALS if "training" in found.get(rival, {})][::-1]
        numbers = [found[rival]["training"] for rival in rivals]
        medians = [each["median"] for each in numbers]
        below = [each["median"] - each["least"] for each in numbers]
        above = [each["most"] - each["median"] for each in numbers]
        colors = ["#c0392b" if rival.startswith("Cornu") else "#8a9ba8" for rival in rivals]
        axes.barh(rivals, medians, xerr=[below, above], color=colors, error_kw={"linewidth": 0.8})
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
        axes.set_xlabel("training, samples/s", fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
