"""Compare ``cornu.load_onnx(file).predict`` with plain ONNX Runtime on the same file, and write ``results/onnx.json``.

Calls alternate in one process, for one sample and for 64, and medians are compared.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from measuring import machine, spread
from workloads import WORKLOADS

import cornu

HERE = Path(__file__).parent
BATCHES = {1: 400, 64: 60}
"""Number of samples per call to number of calls."""


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found: dict[str, dict] = {"machine": machine(), "onnxruntime": onnxruntime.__version__, "ms": {}}
    for name in [name for name, workload in WORKLOADS.items() if workload.goal is None]:
        for samples, calls in BATCHES.items():
            times = in_turn(rivals(name, samples), calls)
            ratio = round(times["load_onnx"]["median"] / times["ONNX Runtime"]["median"], 2)
            found["ms"][f"{name}: {samples} at once"] = {**times, "ratio": ratio}
            print(name, samples, ratio, flush=True)
    (HERE / "results" / "onnx.json").write_text(json.dumps(found, indent=1) + "\n")


def rivals(name: str, samples: int) -> dict[str, Callable[[], object]]:
    """Return functions that run the same file with ONNX Runtime and with Cornu."""
    workload = WORKLOADS[name]
    model = workload.network(cornu, workload.shape, workload.classes)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.onnx"
        model.export(path, verbose=False)
        plain = onnxruntime.InferenceSession(path, providers=onnxruntime.get_available_providers())
        loaded = cornu.load_onnx(path)
    (model_input,), outputs = plain.get_inputs(), [each.name for each in plain.get_outputs()]
    x = np.ascontiguousarray(workload.data()[0][:samples], {"tensor(float)": "float32"}.get(model_input.type, "int32"))
    return {
        "ONNX Runtime": lambda: plain.run(outputs, {model_input.name: x}),
        "load_onnx": lambda: loaded.predict(x, batch_size=samples),
    }


def in_turn(functions: dict[str, Callable[[], object]], calls: int) -> dict[str, dict[str, float]]:
    times: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(calls + 5):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            if number >= 5:  # the first calls warm up
                times[name].append(1000 * (time.perf_counter() - began))
    return {name: spread(values) for name, values in times.items()}


if __name__ == "__main__":
    main()
