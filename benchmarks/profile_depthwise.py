"""Measure depthwise convolutions of networks for images, and what limits them: ``python benchmarks/profile_depthwise.py``.

One process per program runs each convolution on 16 images, forward, and forward with both gradients. The processes take turns,
round after round, and use all cores. Two limits of the machine are measured before and after: the speeds of a matrix product
and of a copy. Cornu runs ``cornu.ops.depthwise_conv`` as it does in a model: as a function that its backend compiles. (In a
training step, it may divide a batch into micro-batches, whose arrays stay in the cache.)

The floating-point operations are two for each element of the kernel and position of the output; with gradients, three times as
much. The bytes are those of the input, the kernel and the output; with gradients, three times as much, since each of the three
convolutions reads two of these arrays and writes the third.

Adds the results to ``results/applications-DATE.json``, and prints a table.
"""

import argparse
import datetime
import functools
import json
import math
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import turns
from bench_applications import PLAIN, all_started, in_turn
from measuring import machine, matrix_products, spread
from rival import ENGINES, seconds, some_seconds

HERE = Path(__file__).parent
PROGRAMS = (*(f"Cornu on {engine}" for engine in ENGINES), *PLAIN)
PASSES = {"forward": 1, "forward and gradients": 3}
"""Number of convolutions of each measure."""


class Case(NamedTuple):
    """A depthwise convolution with padding ``"same"``: height and width, channels, size of the kernel and stride."""

    size: int
    channels: int
    kernel: int
    stride: int

    def __str__(self) -> str:
        return f"{self.size} x {self.size} x {self.channels}, {self.kernel} x {self.kernel}, stride {self.stride}"

    def shapes(self, batch: int) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of the input, the kernel and the output."""
        output = -(-self.size // self.stride)
        kernel = (self.kernel, self.kernel, self.channels, 1)
        return (batch, self.size, self.size, self.channels), kernel, (batch, output, output, self.channels)

    def operations(self, batch: int) -> int:
        _, kernel, output = self.shapes(batch)
        return 2 * math.prod(kernel[:2]) * math.prod(output)

    def bytes(self, batch: int) -> int:
        return 4 * sum(math.prod(shape) for shape in self.shapes(batch))


CASES = (
    Case(112, 32, 3, 1),
    Case(56, 144, 3, 1),
    Case(56, 144, 3, 2),
    Case(28, 240, 5, 1),
    Case(14, 672, 5, 1),
    Case(56, 96, 7, 1),
    Case(14, 384, 7, 1),
)


# --- The programs -----------------------------------------------------------------------------------------------------


def serve(program: str, batch: str) -> None:
    """Answer each line on standard input, "MEASURE: CASE", with seconds."""
    make = of_torch(program) if program in PLAIN else of_cornu(program.removeprefix("Cornu on "))
    cases = {str(case): case for case in CASES}

    @functools.lru_cache(maxsize=1)  # rounds repeat a question
    def function_for(question: str) -> Callable[[], object]:
        measure, name = question.split(": ")
        random = np.random.default_rng(0)
        function = make(measure, cases[name], [random.random(shape, "float32") for shape in cases[name].shapes(int(batch))])
        function()
        return function

    print("ready", flush=True)
    for line in sys.stdin:
        print(statistics.median(some_seconds(function_for(line.strip()))), flush=True)


Make = Callable[[str, Case, list[np.ndarray]], Callable[[], object]]


def of_cornu(engine: str) -> Make:
    """Return what makes a function that runs a convolution with Cornu."""
    os.environ["CORNU_BACKEND"] = engine
    from cornu import backends, ops

    backend: Any = backends.get(engine)

    def make(measure: str, case: Case, arrays: list[np.ndarray]) -> Callable[[], object]:
        def forward(x: Any, kernel: Any, *_: Any) -> Any:
            return ops.depthwise_conv(x, kernel, case.stride, "same")

        run = backend.compile(forward if measure == "forward" else with_gradients(engine, forward))
        values = [ops.convert_to_tensor(array) for array in arrays]
        if engine != "jax":
            return lambda: run(*values)
        return lambda: [array.block_until_ready() for array in _as_tuple(run(*values))]

    return make


def _as_tuple(result: Any) -> tuple:
    return result if isinstance(result, tuple) else (result,)


def with_gradients(engine: str, forward: Callable) -> Callable:
    """Return a function of an input, a kernel and the gradient of the output that returns the output and both gradients."""

    def on_jax(x: Any, kernel: Any, gradient: Any) -> tuple:
        import jax

        output, pull = jax.vjp(forward, x, kernel)
        return output, *pull(gradient)

    def on_torch(x: Any, kernel: Any, gradient: Any) -> tuple:
        import torch

        with torch.enable_grad():
            sources = [source.detach().requires_grad_() for source in (x, kernel)]
            output = forward(*sources)
            return output.detach(), *torch.autograd.grad(output, sources, gradient)

    def on_tensorflow(x: Any, kernel: Any, gradient: Any) -> tuple:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch((x, kernel))
            output = forward(x, kernel)
        return output, *tape.gradient(output, (x, kernel), gradient)

    return {"jax": on_jax, "torch": on_torch, "tensorflow": on_tensorflow}[engine]


def of_torch(program: str) -> Make:
    """Return what makes a function that runs a convolution with plain PyTorch."""
    import torch

    layout = torch.contiguous_format if program == PLAIN[0] else torch.channels_last

    def make(measure: str, case: Case, arrays: list[np.ndarray]) -> Callable[[], object]:
        x, kernel, gradient = (torch.from_numpy(array) for array in arrays)
        x, gradient = (each.permute(0, 3, 1, 2).contiguous(memory_format=layout) for each in (x, gradient))
        kernel = kernel.permute(2, 3, 0, 1).contiguous(memory_format=layout)
        sources = [source.requires_grad_(measure != "forward") for source in (x, kernel)]

        def forward() -> torch.Tensor:
            return torch.nn.functional.conv2d(sources[0], sources[1], None, case.stride, case.kernel // 2, groups=case.channels)

        return forward if measure == "forward" else lambda: torch.autograd.grad(forward(), sources, gradient)

    return make


# --- Output -----------------------------------------------------------------------------------------------------------


def copies(elements: int = 2**26, times: int = 7) -> list[float]:
    """Return the GB/s of copies of a large float32 array on all cores, the bytes that are read and those that are written."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    source, target = torch.ones(elements), torch.ones(elements)
    return [2 * 4 * elements / seconds(lambda: target.copy_(source)) / 1e9 for _ in range(times)]


def limits(quick: bool) -> dict[str, list[float]]:
    """Return the GFLOP/s of matrix products and the GB/s of copies."""
    return {
        "matrix product, GFLOP/s": matrix_products(256 if quick else 2048),
        "copy, GB/s": copies(2**20 if quick else 2**26),
    }


def table(found: dict[str, Any]) -> str:
    """Return the medians as Markdown."""
    lines = [f"{name}: {values['median']:.4g}" for name, values in found["limits"].items()]
    lines += ["", "| convolution | measure | program | ms | GFLOP/s | GB/s |", "|---|---|---|---|---|---|"]
    for case, measures in found["cases"].items():
        for measure, programs in measures.items():
            for program, values in programs.items():
                speeds = f"{values['ms']['median']:.3g} | {values['GFLOP/s']:.3g} | {values['GB/s']:.3g}"
                lines.append(f"| {case} | {measure} | {program} | {speeds} |")
    return "\n".join(lines)


def main() -> None:
    """Compare the programs on each convolution."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=PROGRAMS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="try everything on one image; write no file")
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"applications-{datetime.date.today()}.json")
    arguments = parser.parse_args()
    batch, script = 1 if arguments.quick else 16, str(HERE / "profile_depthwise.py")
    before = limits(arguments.quick)
    processes = all_started(script, arguments.programs, str(batch))
    found: dict[str, Any] = {"batch": batch, "rounds": arguments.rounds, "limits": {}, "cases": {}}
    for case in CASES:
        found["cases"][str(case)] = {}
        for measure, passes in PASSES.items():
            answers = in_turn(processes, f"{measure}: {case}", arguments.rounds, False)
            found["cases"][str(case)][measure] = {
                program: {
                    "ms": spread([1000 * value for value in values]),
                    "GFLOP/s": round(passes * case.operations(batch) / statistics.median(values) / 1e9, 2),
                    "GB/s": round(passes * case.bytes(batch) / statistics.median(values) / 1e9, 2),
                }
                for program, values in answers.items()
            }
    for process in processes.values():
        turns.end(process)
    found["limits"] = {name: spread(before[name] + values) for name, values in limits(arguments.quick).items()}
    if not arguments.quick:
        results = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
        arguments.output.write_text(json.dumps(results | {"machine": machine(), "depthwise": found}, indent=1) + "\n")
    print("\n" + table(found), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
