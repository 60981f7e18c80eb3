"""What bounds a step of training: ``python bounds.py ENGINE WORKLOAD`` says where Cornu's time goes, as JSON.

The share of each kind of kernel comes from the engine's own profiler. JAX's tells how long a kernel takes only where the thread
that begins it computes it too, so that it is asked on one core. Beside that stands what no way of computing does without:
the floating-point operations of the matrix products, and the bytes that Adam reads and writes.
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
        "batch normalisation": ("aten::native_batch_norm",),
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
"""The kinds of kernels, by how their names begin; all others are elementwise ones and small."""
_REST = "all other kernels"

_CONTAINERS = ("ThunkExecutor", "end:", "while", "call", "conditional", "Threadpool")
"""What stands among JAX's kernels and is none."""

_ADAM_READS_AND_WRITES = 7
"""Weight, gradient and two averages are read, all but the gradient written."""


def main(engine: str, workload: Workload) -> dict[str, Any]:
    """Operations and bytes of a step, and the shares of the kinds of kernels in it, in percent."""
    if engine == "jax":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ["CORNU_BACKEND"] = engine
    import cornu

    x, y = workload.data()
    model = workload.network(cornu, workload.shape, workload.classes)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    def epoch() -> None:
        model.fit(x, y, batch_size=workload.batch_size, epochs=1, verbose=0)

    for _ in range(3):  # compiles, and measures how many steps make a call
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
    """Floating-point operations of a sample's matrix products, convolutions among them: forward, and twice that for gradients.

    The input of the first layer needs no gradient.
    """
    forward = [_forward_operations(layer, model.input_shape) for layer in model.flatten_layers() if layer.own_variables]
    return 3 * sum(forward) - forward[0]


def _forward_operations(layer: Any, input_shape: tuple) -> float:
    """Of one layer; those of other kinds than the networks of the benchmarks have would need formulas of their own."""
    kind = type(layer).__name__
    if kind in ("BatchNormalization", "Embedding"):
        return 0
    if kind not in ("Dense", "Conv2D", "LSTMCell"):
        raise NotImplementedError(f"The operations of a layer {kind} are not known: write them into `bounds.py`.")
    places = input_shape[1] if kind == "LSTMCell" else math.prod(layer.output.shape[1:-1])  # its steps; pixels
    return 2 * places * sum(variable.size for variable in layer.own_variables if variable.name.endswith("kernel"))


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], WORKLOADS[sys.argv[2]])))
