"""Compare augmentation with that of Keras: ``python benchmarks/bench_augmentation.py``.

The pipeline is a horizontal flip, a rotation, a zoom and a change of contrast, called eagerly on batches of 32 images of
150 x 150 pixels. One process per library and engine runs it, and they take turns, round after round. Measured is the CPU time
(user and system, all threads, set to one thread) of ten batches. The last ratio is that of the best engine of each library.

Writes ``results/augmentation-DATE.json``.
"""

import argparse
import datetime
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import turns
from measuring import machine, spread

HERE = Path(__file__).parent
ENGINES = {"cornu": ("jax", "tensorflow", "torch", "numpy"), "keras": ("jax", "tensorflow", "torch")}
BATCHES, BATCH_SIZE, SIZE = 10, 32, 150


def serve(library_name: str, engine: str) -> None:
    """Run the pipeline and answer with the CPU seconds of ten batches."""
    os.environ["KERAS_BACKEND"] = os.environ["CORNU_BACKEND"] = engine
    library = __import__(library_name)
    layers = library.layers
    pipeline = [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.2), layers.RandomContrast(0.2)]
    images = np.random.default_rng(0).uniform(0, 255, (BATCH_SIZE, SIZE, SIZE, 3)).astype("float32")

    def batches() -> None:
        for _ in range(BATCHES):
            values = images
            for layer in pipeline:
                values = layer(values, training=True)
            library.ops.convert_to_numpy(values)

    batches()
    turns.serve({"augmentation": batches})


def main() -> None:
    """Compare the libraries on each engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"augmentation-{datetime.date.today()}.json")
    arguments = parser.parse_args()
    script = str(HERE / "bench_augmentation.py")
    names = [(library, engine) for library, engines in ENGINES.items() for engine in engines]
    processes = {f"{library}, {engine}": turns.started(script, library, engine) for library, engine in names}
    seconds = turns.in_turn(processes, "augmentation", arguments.rounds)
    for process in processes.values():
        turns.end(process)
    speeds = {name: [BATCHES * BATCH_SIZE / value for value in values] for name, values in seconds.items()}
    results: dict[str, Any] = {"machine": machine(), "rounds": arguments.rounds}
    results["images per CPU second"] = {name: spread(values) for name, values in speeds.items()}
    best = {
        library: max(results["images per CPU second"][f"{library}, {engine}"]["median"] for engine in engines)
        for library, engines in ENGINES.items()
    }
    results["times the images of Keras, best engines"] = round(best["cornu"] / best["keras"], 3)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    for name, values in results["images per CPU second"].items():
        print(f"{name}: {values['median']:.0f} images per CPU second")
    print(f"best engines: {results['times the images of Keras, best engines']} times the images of Keras")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
