"""How fast Cornu trains on PyTorch and TensorFlow, beside Keras 3 on the same engines and PyTorch by hand.

Every rival has a process of its own (``rival.py``); they train in turn, one epoch each a round, and medians count. Writes
``results/engines-DATE.json`` and prints the table.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from measuring import processor, spread
from rival import RIVALS, WORKLOADS

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workload", choices=WORKLOADS, action="append")
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"engines-{datetime.date.today()}.json")
    arguments = parser.parse_args()
    packages = ("cornu", "keras", "torch", "tensorflow-cpu")
    results = {"machine": {"cores": os.cpu_count(), "processor": processor(), **{name: version(name) for name in packages}}}
    results["pictures a second"] = {}
    for name in arguments.workload or WORKLOADS:
        print(name, flush=True)
        results["pictures a second"][name] = in_turn(name, arguments.rounds)
        print(results["pictures a second"][name], flush=True)
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results["pictures a second"]))


def in_turn(name: str, rounds: int) -> dict[str, dict[str, float]]:
    """Pictures a second of each rival: the median, the least and the most of some rounds in which each has its turn."""
    processes = {rival: _start(rival, name) for rival in RIVALS}
    seconds: dict[str, list[float]] = {rival: [] for rival in RIVALS}
    for number in range(rounds + 1):
        for rival, process in processes.items():
            found = float(_ask(process))
            if number:  # the first round warms up
                seconds[rival].append(found)
    for process in processes.values():
        process.stdin.close()
        process.wait()
    samples = WORKLOADS[name].samples
    return {rival: spread([samples / value for value in values]) for rival, values in seconds.items()}


def _start(rival: str, name: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "rival.py"), rival, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if process.stdout.readline().strip() != "ready":
        raise SystemExit(f"{rival} does not run: try `python benchmarks/rival.py '{rival}' '{name}'`.")
    return process


def _ask(process: subprocess.Popen) -> str:
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


def table(speeds: dict[str, dict[str, dict[str, float]]]) -> str:
    """The medians as a Markdown table."""
    lines = ["| pictures a second | " + " | ".join(RIVALS) + " |", "|---" * (len(RIVALS) + 1) + "|"]
    for name, found in speeds.items():
        lines.append(f"| {name} | " + " | ".join(f"{found[rival]['median']:,.0f}" for rival in RIVALS) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
