"""Profile a training step of Cornu: ``python bounds.py ENGINE WORKLOAD`` prints the result as JSON.

The share of each kind of kernel is measured with the profiler of the engine. JAX's profiler reports the time of a kernel only
if the thread that starts it also computes it, so the process is limited to one core. The result also has the lower bounds of
every implementation: the floating-point operations of the matrix products, and the bytes that Adam reads and writes.
"""

import json
import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workloads import WORKLOADS, Workload

ENGINES = ("jax", "torch")

_KINDS = {
    "torch": {
        "convolutions": ("aten::mkldnn_convolution", "aten::convolution"),
        "recurrent layers": ("aten::mkldnn_rnn",),
        "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
        "batch normalization": ("aten::native_batch_norm",),
        "Adam": ("aten::_fused_adam",),
        "activations and pooling": ("aten::relu", "aten::clamp", "aten::threshold", "aten::max_pool"),
        "copies": ("aten::copy", "aten::fill", "aten::zero", "aten::clone", "aten::index_select"),
    },
    "jax": {
        "convolutions": ("conv",),
        "matrix products and sums": ("dot", "ynn"),
        "copies": ("copy", "transpose", "bitcast_copy", "dynamic-update-slice", "bitcast_dynamic-update-slice"),
    },
}
"""Prefixes of the names of each kind of kernel; all other kernels are elementwise or small."""
_REST = "all other kernels"

_CONTAINERS = ("ThunkExecutor", "end:", "while", "call", "conditional", "Threadpool")
"""Prefixes of the events in JAX's profile that are not kernels."""

_ADAM_READS_AND_WRITES = 7
"""Arrays of the size of the weights: weight, gradient and two moments are read, all but the gradient are written."""


def main(engine: str, workload: Workload) -> dict[str, Any]:
    """Return the operations and bytes of a step, and the share of each kind of kernel in percent."""
    if engine == "jax":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ["CORNU_BACKEND"] = engine
    import cornu

    x, y = workload.data()
    model = workload.network(cornu, workload.shape, workload.classes)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    def epoch() -> None:
        model.fit(x, y, batch_size=workload.batch_size, epochs=1, verbose=0)

    for _ in range(3):  # compile, and let Cornu measure how many steps to run in a call
        epoch()
    seconds: Counter = Counter()
    for name, duration in {"jax": _jax_kernels, "torch": _torch_kernels}[engine](epoch):
        seconds[_kind(engine, name)] += duration
    return {
        "matrix products, GFLOP": round(workload.batch_size * operations(model) / 1e9, 7),
        "Adam, MB": round(_ADAM_READS_AND_WRITES * 4 * model.count_params() / 1e6, 3),
        "shares": {kind: round(100 * value / seconds.total(), 1) for kind, value in seconds.most_common()},
    }


def _kind(engine: str, name: str) -> str:
    return next((kind for kind, starts in _KINDS[engine].items() if name.startswith(starts)), _REST)


def _torch_kernels(epoch: Any) -> list[tuple[str, float]]:
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as found:
        epoch()
    return [(each.key, each.self_cpu_time_total) for each in found.key_averages()]


def _jax_kernels(epoch: Any) -> Iterator[tuple[str, float]]:
    import jax

    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            epoch()
        found = jax.profiler.ProfileData.from_file(str(next(Path(folder).rglob("*.xplane.pb"))))
    for line in (line for plane in found.planes for line in plane.lines if "XLA" in line.name):
        for event in line.events:
            if not event.name.startswith(_CONTAINERS):
                yield event.name, event.duration_ns


def operations(model: Any) -> float:
    """Return the floating-point operations of the matrix products for one sample, including convolutions.

    The gradients take twice the operations of the forward pass; the input of the first layer needs no gradient.
    """
    forward = [_forward_operations(layer, model.input_shape) for layer in model.flatten_layers() if layer.own_variables]
    return 3 * sum(forward) - forward[0]


def _forward_operations(layer: Any, input_shape: tuple) -> float:
    """Return the operations of one layer; only the kinds of layers in the benchmarks are supported."""
    kind = type(layer).__name__
    if kind in ("BatchNormalization", "Embedding"):
        return 0
    if kind not in ("Dense", "Conv2D", "LSTMCell"):
        raise NotImplementedError(f"The operations of a layer {kind} are not known: add their formula to `bounds.py`.")
    positions = input_shape[1] if kind == "LSTMCell" else math.prod(layer.output.shape[1:-1])  # time steps, or pixels
    return 2 * positions * sum(variable.size for variable in layer.own_variables if variable.name.endswith("kernel"))


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], WORKLOADS[sys.argv[2]])))
