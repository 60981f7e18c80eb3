"""Compare two versions of Cornu on the workloads of ``bench.py``: ``python benchmarks/bench_versions.py OLD NEW``.

``OLD`` and ``NEW`` are ``src`` folders of two checkouts. For each workload and engine, one process of each version trains, and
they take turns, round after round, so that both see the same machine. Measured is the CPU time (user and system, all threads)
of an epoch of training and of ``predict`` of one sample and of 20 batches. A ratio above 1 means that the new version is
faster.
Writes ``results/versions-DATE.json``; with ``--workload``, the other workloads in that file are kept.
"""

import argparse
import datetime
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measuring import machine, spread
from workloads import WORKLOADS

HERE = Path(__file__).parent
ENGINES = ("jax", "torch", "tensorflow")
MEASURES = ("training", "one", "bulk")
LEAST_SECONDS = 0.1
"""What takes less CPU time is repeated until it takes this long: times of single short calls differ by a fifth."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
"""Settings for one thread: threads that wait for work use CPU time, up to a hundred times that of a small step."""


def serve(engine: str, name: str) -> None:
    """Train a workload and answer each line on standard input with the CPU seconds of what it names."""
    from rival import of_library

    workload = WORKLOADS[name]
    epoch, predict = of_library("Cornu", engine, workload)
    x = workload.data()[0]
    many = x[: 20 * workload.batch_size]
    functions = {
        "training": epoch,
        "one": lambda: predict(x[:1]),
        "bulk": lambda: predict(many),
    }
    epoch()
    print("ready", flush=True)
    for line in sys.stdin:
        calls, began = 0, time.process_time()
        while time.process_time() < began + LEAST_SECONDS:
            functions[line.strip()]()
            calls += 1
        print((time.process_time() - began) / calls, flush=True)


def started(source: str, engine: str, name: str) -> subprocess.Popen:
    """Start a process that serves a workload with the version in a source folder, and wait until it has trained an epoch."""
    command = [sys.executable, __file__, "--serve", engine, name]
    environment = os.environ | {"PYTHONPATH": source, **ONE_THREAD}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    if process.stdout.readline().strip() != "ready":
        raise SystemExit(f"{name} on {engine} does not run with {source}.")
    return process


def ask(process: subprocess.Popen, measure: str) -> float:
    """Return the CPU seconds that a process needs for a measure."""
    process.stdin.write(measure + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def compare(sources: dict[str, str], engine: str, name: str, rounds: int) -> dict[str, dict]:
    """Return, for each measure, the CPU seconds of both versions and the median of the ratios of the rounds."""
    processes = {version: started(source, engine, name) for version, source in sources.items()}
    found = {}
    for measure in MEASURES:
        seconds: dict[str, list[float]] = {version: [] for version in processes}
        for number in range(rounds + 1):
            order = list(processes) if number % 2 else list(reversed(processes))
            for version in order:
                answer = ask(processes[version], measure)
                if number:  # the first round warms up
                    seconds[version].append(answer)
        ratios = [old / new for old, new in zip(seconds["old"], seconds["new"], strict=True)]
        found[measure] = {version: spread(values) for version, values in seconds.items()}
        found[measure]["old / new"] = round(statistics.median(ratios), 3)
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return found


def main() -> None:
    """Compare two versions on every workload and engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workload", choices=WORKLOADS, action="append")
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"versions-{datetime.date.today()}.json")
    arguments = parser.parse_args()
    sources = {"old": str(arguments.old.resolve()), "new": str(arguments.new.resolve())}
    earlier = json.loads(arguments.output.read_text())["workloads"] if arguments.workload and arguments.output.exists() else {}
    results: dict = {"machine": machine(), "rounds": arguments.rounds, "ratios are": "old CPU time / new", "workloads": earlier}
    for name in arguments.workload or [name for name, workload in WORKLOADS.items() if workload.goal is None]:
        results["workloads"][name] = {}
        for engine in arguments.engine or ENGINES:
            found = results["workloads"][name][engine] = compare(sources, engine, name, arguments.rounds)
            ratios = {measure: values["old / new"] for measure, values in found.items()}
            print(f"{name}, {engine}: {ratios}", flush=True)
            arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    for measure in MEASURES:
        each = [engine[measure]["old / new"] for workload in results["workloads"].values() for engine in workload.values()]
        summary = {"geometric mean": round(math.exp(statistics.fmean(map(math.log, each))), 3), "least": min(each)}
        results[measure] = summary
        print(f"{measure}: {summary}")
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(*sys.argv[2:])
    else:
        main()
