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
import statistics
import sys
from pathlib import Path

import turns
from measuring import machine, spread
from workloads import WORKLOADS

HERE = Path(__file__).parent
ENGINES = ("jax", "torch", "tensorflow")
MEASURES = ("training", "one", "bulk")


def serve(engine: str, name: str) -> None:
    """Train a workload and answer each line on standard input with the CPU seconds of what it names."""
    from rival import of_library

    workload = WORKLOADS[name]
    epoch, predict = of_library("Cornu", engine, workload)
    x = workload.data()[0]
    many = x[: 20 * workload.batch_size]
    epoch()
    turns.serve({"training": epoch, "one": lambda: predict(x[:1]), "bulk": lambda: predict(many)})


def compare(sources: dict[str, str], engine: str, name: str, rounds: int) -> dict[str, dict]:
    """Return, for each measure, the CPU seconds of both versions and the median of the ratios of the rounds."""
    script = str(HERE / "bench_versions.py")
    processes = {version: turns.started(script, engine, name, PYTHONPATH=source) for version, source in sources.items()}
    found = {}
    for measure in MEASURES:
        seconds = turns.in_turn(processes, measure, rounds)
        ratios = [old / new for old, new in zip(seconds["old"], seconds["new"], strict=True)]
        found[measure] = {version: spread(values) for version, values in seconds.items()}
        found[measure]["old / new"] = round(statistics.median(ratios), 3)
    for process in processes.values():
        turns.end(process)
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
