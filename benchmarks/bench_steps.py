"""Compare own losses and training steps with built-in ones and with those of Keras: ``python benchmarks/bench_steps.py``.

On each engine, one process per program trains the same network, and they take turns, round after round. Measured is the CPU
time (user and system, all threads, set to one thread) of an epoch. The programs are in ``own_steps.py``:

* ``built-in``: the training step of ``fit``.
* ``own loss``: ``compute_loss`` is overridden.
* ``own step``: ``train_step`` is overridden, in the style of Keras on the engine.
* ``neutral step``: ``train_step`` is overridden, with ``cornu.value_and_grad``.

Writes ``results/steps-DATE.json``; with ``--workload``, the other workloads in that file are kept.
"""

import argparse
import datetime
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

import turns
from measuring import machine, spread
from own_steps import STEPS, neutral_step, own_loss
from workloads import WORKLOADS, Workload

HERE = Path(__file__).parent
NETWORKS = (
    "tiny, batch 10",
    "MNIST convnet, batch 64",
    "cats and dogs 150 x 150, batch 20",
    "cats and dogs 150 x 150, batch 32",
)
PROGRAMS = {
    "Cornu, built-in": ("cornu", None),
    "Cornu, own loss": ("cornu", own_loss),
    "Cornu, own step": ("cornu", "style"),
    "Cornu, neutral step": ("cornu", neutral_step),
    "Keras, own step": ("keras", "style"),
}
"""Library and model class of each program; the class of the engine's style is in ``STEPS``."""

RATIOS = {
    "own loss, part of the built-in speed": ("Cornu, built-in", "Cornu, own loss"),
    "own step, times the speed of Keras": ("Keras, own step", "Cornu, own step"),
    "neutral step, part of the built-in speed": ("Cornu, built-in", "Cornu, neutral step"),
}
"""Ratios of the CPU times of two programs: the first divided by the second."""


def serve(engine: str, network: str, program: str) -> None:
    """Train with a program and answer with the CPU seconds of an epoch."""
    os.environ["KERAS_BACKEND"] = os.environ["CORNU_BACKEND"] = engine
    library_name, step = PROGRAMS[program]
    library = __import__(library_name)
    workload = WORKLOADS[network]
    model = model_of(library, workload, STEPS[engine] if step == "style" else step)
    x, y = workload.data()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    def epoch() -> None:
        model.fit(x, y, batch_size=workload.batch_size, epochs=1, verbose=0)

    epoch()
    turns.serve({"training": epoch})


def model_of(library: Any, workload: Workload, step: Any) -> Any:
    """Return the network of a workload, as a model of the class with the step if there is one."""
    model = workload.network(library, workload.shape, workload.classes)
    return model if step is None else step(library)(model.inputs, model.outputs[0])


def compare(engine: str, network: str, rounds: int) -> dict[str, Any]:
    """Return the CPU seconds of an epoch of each program, and the medians of the ratios of the rounds."""
    script = str(HERE / "bench_steps.py")
    processes = {program: turns.started(script, engine, network, program) for program in PROGRAMS}
    seconds = turns.in_turn(processes, "training", rounds)
    for process in processes.values():
        turns.end(process)
    found: dict[str, Any] = {program: spread(values) for program, values in seconds.items()}
    for ratio, (first, second) in RATIOS.items():
        found[ratio] = round(statistics.median(a / b for a, b in zip(seconds[first], seconds[second], strict=True)), 3)
    return found


def main() -> None:
    """Compare the programs on each network and engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workload", choices=NETWORKS, action="append")
    parser.add_argument("--engine", choices=STEPS, action="append")
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"steps-{datetime.date.today()}.json")
    arguments = parser.parse_args()
    earlier = json.loads(arguments.output.read_text())["workloads"] if arguments.workload and arguments.output.exists() else {}
    results: dict[str, Any] = {"machine": machine(), "rounds": arguments.rounds, "workloads": earlier}
    for network in arguments.workload or NETWORKS:
        results["workloads"].setdefault(network, {})
        for engine in arguments.engine or STEPS:
            found = results["workloads"][network][engine] = compare(engine, network, arguments.rounds)
            print(f"{network}, {engine}:", *(f"{ratio} {found[ratio]};" for ratio in RATIOS), flush=True)
            arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
