"""Compare the throughput of ``TextVectorization`` with that of Keras: ``python benchmarks/bench_text.py``.

One process per library and engine vectorizes the same English texts, and they take turns, round after round. Measured is the
CPU time (user and system, all threads, set to one thread) of:

* ``adapt``: learning the vocabulary from all texts.
* ``indices``: the layer on batches of texts, 200 indices each.
* ``counts``: the layer on batches of texts, one vector of 5000 counts each.
* ``pipeline``: the indices in a ``tf.data`` dataset.

The texts are parts of the documentation of Python. Writes ``results/text-DATE.json``.
"""

import argparse
import datetime
import json
import os
import pydoc_data.topics
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import turns
from measuring import machine, spread

HERE = Path(__file__).parent
PROGRAMS = {
    "Cornu on JAX": ("cornu", "jax"),
    "Cornu on TensorFlow": ("cornu", "tensorflow"),
    "Keras on JAX": ("keras", "jax"),
    "Keras on TensorFlow": ("keras", "tensorflow"),
}
MEASURES = ("adapt", "indices", "counts", "pipeline")
TEXTS, WORDS, BATCH = 2000, 200, 500
"""Number of texts, about the number of words of each, and the number of texts of a batch."""


def texts() -> list[str]:
    """Return English texts of about 200 words."""
    words = " ".join(pydoc_data.topics.topics.values()).split()
    starts = range(0, len(words) - WORDS, (len(words) - WORDS) // TEXTS)
    return [" ".join(words[start : start + WORDS]) for start in starts][:TEXTS]


def functions(library: Any) -> dict[str, Callable[[], object]]:
    """Return what is measured."""
    import numpy as np
    import tensorflow as tf

    data = texts()
    arguments: dict[str, dict] = {
        "indices": {"max_tokens": 5000, "output_sequence_length": WORDS},
        "counts": {"max_tokens": 5000, "output_mode": "count"},
    }
    layers = {name: library.layers.TextVectorization(**options) for name, options in arguments.items()}
    for layer in layers.values():
        layer.adapt(data)
    batches = [data[start : start + BATCH] for start in range(0, len(data), BATCH)]
    dataset = tf.data.Dataset.from_tensor_slices(data).batch(BATCH).map(layers["indices"])

    def over_batches(layer: Any) -> Callable[[], object]:
        return lambda: [np.asarray(layer(batch)) for batch in batches]

    return {
        "adapt": lambda: library.layers.TextVectorization(max_tokens=5000).adapt(data),
        "indices": over_batches(layers["indices"]),
        "counts": over_batches(layers["counts"]),
        "pipeline": lambda: [batch.numpy() for batch in dataset],
    }


def serve(program: str) -> None:
    """Answer with the CPU seconds of a measure."""
    name, engine = PROGRAMS[program]
    os.environ["KERAS_BACKEND"] = os.environ["CORNU_BACKEND"] = engine
    turns.serve(functions(__import__(name)))


def main() -> None:
    """Compare the programs, and divide the texts per second of Cornu by those of the best Keras."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"text-{datetime.date.today()}.json")
    arguments = parser.parse_args()
    processes = {program: turns.started(str(HERE / "bench_text.py"), program) for program in PROGRAMS}
    results: dict[str, Any] = {"machine": machine(), "rounds": arguments.rounds, "texts": TEXTS, "words": WORDS}
    for measure in MEASURES:
        seconds = turns.in_turn(processes, measure, arguments.rounds)
        best = min(statistics.median(seconds[program]) for program in PROGRAMS if program.startswith("Keras"))
        found: dict[str, Any] = {
            program: {
                "texts per second": spread([TEXTS / value for value in values]),
                "times the best Keras": round(best / statistics.median(values), 2),
            }
            for program, values in seconds.items()
        }
        results[measure] = found
        print(f"{measure}:", *(f"{name} {value['times the best Keras']};" for name, value in found.items()), flush=True)
    for process in processes.values():
        turns.end(process)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
