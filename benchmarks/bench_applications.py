"""Compare networks of ``applications`` with those of Keras and with plain PyTorch: ``python benchmarks/bench_applications.py``.

One process per program creates a network with random weights for images of 224 x 224 pixels and 1000 classes. The processes
take turns, round after round, and use all cores. Measured is the elapsed time of:

* ``build``: creating and compiling the network, once.
* ``one``: ``predict`` for one image.
* ``bulk``: ``predict`` for a batch of 32 images.
* ``first``: the first training step, with all compilation, once: the time of the first ``fit`` without its later steps.
* ``training``: a training step, with SGD on 16 images: ``fit`` on three batches for small networks and on one for large ones,
  divided by their number.

The processes also measure, in turn, the product of two float32 matrices of 2048 x 2048 on the engine. The shares in the tables
are those of its speed that the multiply-adds of Cornu's networks reach, three times the number of ``predict`` in training.
``first`` and ``memory``, the peak size of a process, are measured with ``training``.

Three rounds are few, and a call that takes longer than 20 seconds is not repeated, so that all programs and networks take about
half an hour on two cores. Four processes run at a time, those of Cornu and Keras on an engine together: the training of all
eight would need more than 24 GiB of memory, as most engines keep what they free. A program is omitted if it does not answer
within five minutes, or reserves more than 20 GiB (TensorFlow reserves twice what it uses).

The networks of plain PyTorch are those of torchvision (``torch_networks.py``). They differ from Keras's in their padding, and
ResNet-50 has its strides in the 3 x 3 convolutions, which needs 6 % more multiply-adds.

Writes ``results/applications-DATE.json``, in which other networks, programs and measures are kept, and prints tables.
"""

import argparse
import datetime
import functools
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import turns
from measuring import machine, spread
from rival import ENGINES, LIBRARIES, seconds, some_seconds

HERE = Path(__file__).parent
PLAIN = ("plain PyTorch, default", "plain PyTorch, channels last")
PROGRAMS = (*(f"{library} on {engine}" for engine in ENGINES for library in LIBRARIES), *PLAIN)
STEPS = {"ResNet50": 1, "MobileNetV2": 3, "EfficientNetB0": 3, "ConvNeXtTiny": 1}
"""Number of training steps of a call, for each network."""


class Measure(NamedTuple):
    """How a measure is made.

    Attributes:
        unit: Its unit.
        is_repeated: Whether it is made in each round. Defaults to False.
        warms_up: Whether a round before is ignored. Defaults to False.
    """

    unit: str
    is_repeated: bool = False
    warms_up: bool = False


MEASURES = {
    "product": Measure("GFLOP/s", is_repeated=True, warms_up=True),
    "build": Measure("s"),
    "multiply-adds": Measure("per image"),
    "one": Measure("ms", is_repeated=True, warms_up=True),
    "bulk": Measure("images/s", is_repeated=True, warms_up=True),
    "first": Measure("s"),
    "training": Measure("images/s", is_repeated=True),
    "memory": Measure("MB"),
}
"""In the order in which they are made: the first call of each compiles."""

CHOICES = {"build": (), "one": ("one",), "bulk": ("bulk",), "training": ("first", "training", "memory")}
"""What each of the choices of ``--measures`` adds to the measures that are always made."""

ALWAYS = ("product", "build", "multiply-adds")

SHARES = ("bulk, share", "training, share")
"""The shares of the speed of the matrix product."""

LONG = 20
"""Number of seconds above which a call is not repeated."""

PATIENCE = 300
"""Number of seconds after which a process that does not answer is ended."""

MOST_MEMORY = 20 * 2**30
"""Number of bytes that a process may reserve."""

CLASSES = 1000


class Sizes(NamedTuple):
    """Height and width of an image; images of a training batch and of a large one to predict; rows of the matrix product."""

    image: int
    batch: int
    bulk: int
    product: int


FULL, QUICK = Sizes(224, 16, 32, 2048), Sizes(64, 2, 2, 256)


class Network(NamedTuple):
    """A network, as functions that train it on images and labels and that predict, and its multiply-adds for an image."""

    train: Callable[[np.ndarray, np.ndarray], object]
    predict: Callable[[np.ndarray], object]
    multiply_adds: float = math.nan


# --- The programs -----------------------------------------------------------------------------------------------------


def serve(program: str, network: str, quick: str) -> None:
    """Answer each line on standard input, which names a measure, with its value: seconds, unless it is no time."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    sizes, steps, random = QUICK if quick == "True" else FULL, STEPS[network], np.random.default_rng(0)
    x = random.random((max(steps * sizes.batch, sizes.bulk), sizes.image, sizes.image, 3), dtype="float32")
    y = random.integers(0, CLASSES, len(x)).astype("int32")
    trained = x[: steps * sizes.batch], y[: steps * sizes.batch]
    create, product = (of_torch if program in PLAIN else of_library)(program, network, sizes)
    created: list[Network] = []
    answers: dict[str, Callable[[], float]] = {
        "product": lambda: statistics.median(some_seconds(product)),
        "build": lambda: seconds(lambda: created.append(create())),
        "one": lambda: statistics.median(some_seconds(lambda: created[0].predict(x[:1]))),
        "bulk": lambda: seconds(lambda: created[0].predict(x[: sizes.bulk])),
        "training": lambda: seconds(lambda: created[0].train(*trained)) / steps,
        "memory": lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "multiply-adds": lambda: created[0].multiply_adds,
    }
    print("ready", flush=True)
    for line in sys.stdin:
        print(answers[line.strip()](), flush=True)


def of_library(program: str, network: str, sizes: Sizes) -> tuple[Callable[[], Network], Callable[[], object]]:
    """Return functions that create a network and that multiply matrices, of Cornu or Keras."""
    name, engine = program.split(" on ")
    os.environ["KERAS_BACKEND"] = os.environ["CORNU_BACKEND"] = engine
    library: Any = __import__(LIBRARIES[name])
    matrix = library.ops.convert_to_tensor(np.random.default_rng(0).random((sizes.product,) * 2, dtype="float32"))

    def create() -> Network:
        shape = (sizes.image, sizes.image, 3)
        model = getattr(library.applications, network)(weights=None, input_shape=shape, classes=CLASSES)
        model.compile(optimizer=library.optimizers.SGD(1e-3), loss="sparse_categorical_crossentropy")
        return Network(
            lambda x, y: model.fit(x, y, batch_size=sizes.batch, epochs=1, verbose=0),
            lambda x: model.predict(x, batch_size=sizes.bulk, verbose=0),
            multiply_adds(model) if name == "Cornu" else math.nan,
        )

    return create, lambda: library.ops.convert_to_numpy(library.ops.matmul(matrix, matrix))


def multiply_adds(model: Any) -> int:
    """Return the multiply-adds of a model of Cornu for an image: the elements of kernels, times the positions of outputs."""
    kernels = [
        (layer, each) for layer in model.flatten_layers() for each in layer.own_variables if each.name.endswith("kernel")
    ]
    return sum(math.prod(layer.output.shape[1:-1]) * kernel.size for layer, kernel in kernels)


def of_torch(program: str, network: str, sizes: Sizes) -> tuple[Callable[[], Network], Callable[[], object]]:
    """Return functions that create a network and that multiply matrices, of plain PyTorch."""
    import torch
    import torch_networks

    networks: dict[str, Callable[[], torch.nn.Module]] = {
        "ResNet50": torch_networks.resnet50,
        "MobileNetV2": torch_networks.mobilenet_v2,
        "EfficientNetB0": torch_networks.efficientnet_b0,
        "ConvNeXtTiny": functools.partial(torch_networks.convnext_tiny, rate=0.0),  # Keras's drops no samples by default
    }
    layout = torch.contiguous_format if program == PLAIN[0] else torch.channels_last
    matrix = torch.rand(sizes.product, sizes.product)
    torch.optim.SGD([matrix])  # the first optimizer imports much

    def tensor(x: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=layout)

    def create() -> Network:
        module = networks[network]().to(memory_format=layout)
        sgd = torch.optim.SGD(module.parameters(), 1e-3, fused=program != PLAIN[0])

        def train(x: np.ndarray, y: np.ndarray) -> None:
            module.train()
            samples, labels = tensor(x), torch.from_numpy(y).long()
            for rows in torch.randperm(len(samples)).split(sizes.batch):
                sgd.zero_grad(set_to_none=True)
                torch.nn.functional.cross_entropy(module(samples[rows]), labels[rows]).backward()
                sgd.step()

        def predict(x: np.ndarray) -> np.ndarray:
            module.eval()
            with torch.inference_mode():
                return torch.softmax(module(tensor(x)), -1).numpy()

        return Network(train, predict)

    return create, lambda: torch.mm(matrix, matrix)


# --- Measuring --------------------------------------------------------------------------------------------------------


def started(script: str, program: str, *arguments: str) -> subprocess.Popen | None:
    """Start a program, with all cores and no cache of compiled functions, and wait until it is ready.

    Returns:
        The process, or None, with a message, if the program does not run.
    """
    settings = dict.fromkeys(turns.ONE_THREAD, str(len(os.sched_getaffinity(0)))) | {"CORNU_COMPILATION_CACHE": "0"}
    try:
        return turns.started(script, program, *arguments, **settings)
    except SystemExit as problem:
        say(f"{problem} Run `python {script} --serve {program!r} {' '.join(arguments)}` to see why.")
        return None


def all_started(script: str, programs: Sequence[str], *arguments: str) -> dict[str, subprocess.Popen]:
    """Start programs, two at a time; those that do not run are omitted."""
    with ThreadPoolExecutor(2) as pool:
        processes = zip(programs, pool.map(lambda program: started(script, program, *arguments), programs), strict=True)
    return {program: process for program, process in processes if process is not None}


def say(text: str) -> None:
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", flush=True)


def ask(processes: dict[str, subprocess.Popen], program: str, measure: str) -> float | None:
    """Return the answer of a process. One that fails or takes too long is ended and removed from the processes."""
    timer = threading.Timer(PATIENCE, processes[program].kill)
    timer.start()
    try:
        return turns.ask(processes[program], measure)
    except (SystemExit, BrokenPipeError):
        say(f"{program} did not answer to {measure!r}: it is omitted from here on")
        processes.pop(program).kill()
        return None
    finally:
        timer.cancel()


def in_turn(
    processes: dict[str, subprocess.Popen], measure: str, rounds: int, warms_up: bool, name: str = ""
) -> dict[str, list[float]]:
    """Return the answers of each process in each round; every second round asks in reverse order.

    Args:
        processes: Processes by program; those that end are removed.
        measure: What to ask for.
        rounds: Number of answers of each process; one that takes longer than ``LONG`` seconds is the only one.
        warms_up: Whether a first answer is ignored.
        name: What is measured, for the progress. Defaults to the measure.
    """
    found: dict[str, list[float]] = {program: [] for program in processes}
    slow: set[str] = set()
    for number in range(-1 if warms_up else 0, rounds):
        for program in list(processes) if number % 2 else list(reversed(processes)):
            if program in slow:
                continue
            began = time.monotonic()
            answer = ask(processes, program, measure)
            took = time.monotonic() - began
            if answer is not None and number >= 0:
                found[program].append(answer)
                slow |= {program} if took > LONG else set()
            say(f"{name or measure}, {program}: {took:.2f} s" + (" (to warm up)" if number < 0 else ""))
    return {program: answers for program, answers in found.items() if answers}


def measured(network: str, programs: Sequence[str], measures: set[str], rounds: int, quick: bool) -> dict[str, dict]:
    """Return the measures of each program for a network: spreads in the units of ``MEASURES``."""
    sizes, script = QUICK if quick else FULL, str(HERE / "bench_applications.py")
    processes = all_started(script, programs, network, str(quick))
    answers: dict[str, dict[str, list[float]]] = {}
    for measure, (_, is_repeated, warms_up) in MEASURES.items():
        if measure in measures:
            asked = "training" if measure == "first" else measure
            name = f"{network}, {measure}"
            answers[measure] = in_turn(processes, asked, rounds if is_repeated else 1, warms_up, name)
    for process in processes.values():
        turns.end(process)
    for program, values in answers.get("first", {}).items():
        steps, later = STEPS[network], answers["training"].get(program, [0])
        answers["first"][program] = [steps * values[0] - (steps - 1) * statistics.median(later)]
    in_units: dict[str, Callable[[float], float]] = {
        "one": lambda value: 1000 * value,
        "bulk": lambda value: sizes.bulk / value,
        "training": lambda value: sizes.batch / value,
        "product": lambda value: 2 * sizes.product**3 / value / 1e9,
    }
    found: dict[str, dict] = {program: {} for program in programs}
    for measure, by_program in answers.items():
        convert = in_units.get(measure, float)
        for program, values in by_program.items():
            found[program] |= {} if math.isnan(values[0]) else {measure: spread([convert(value) for value in values])}
    return {program: with_shares(values) for program, values in found.items() if values}


def with_shares(values: dict[str, Any]) -> dict[str, Any]:
    """Add the shares of the speed of the matrix product that the multiply-adds reach, where they are known."""
    for share, measure, passes in zip(SHARES, ("bulk", "training"), (1, 3), strict=True):
        speed = 2e-9 * passes * median(values, "multiply-adds") * median(values, measure)
        reached = speed / median(values, "product")
        if not math.isnan(reached):
            values[share] = round(reached, 3)
    return values


def median(values: dict[str, Any], measure: str) -> float:
    return values.get(measure, {}).get("median", math.nan)


# --- Output -----------------------------------------------------------------------------------------------------------


def table(network: str, found: dict[str, dict]) -> str:
    """Return the medians of a network and its ratios as Markdown."""
    columns = {measure: unit for measure, (unit, *_) in MEASURES.items() if measure != "multiply-adds"}
    header = [*(f"{measure}, {unit}" for measure, unit in columns.items()), *SHARES]
    lines = [f"## {network}", "", f"| | {' | '.join(header)} |", "|---" * (len(header) + 1) + "|"]
    for program in (program for program in PROGRAMS if program in found):
        values = found[program]
        cells = [f"{values[measure]['median']:,.4g}" if measure in values else "" for measure in columns]
        cells += [f"{values[share]:.0%}" if share in values else "" for share in SHARES]
        lines.append(f"| {program} | {' | '.join(cells)} |")
    for title, values in ratios(found).items():
        lines += ["", f"{title}: " + ", ".join(f"{measure} {value:.2f}" for measure, value in values.items())]
    return "\n".join(lines) + "\n"


def ratios(found: dict[str, dict]) -> dict[str, dict[str, float]]:
    """Return how many times as fast the fastest Cornu is as the fastest rival, and each Cornu as Keras on the same engine."""
    pairs = {"Cornu, times the best Keras": ("Cornu", "Keras"), "Cornu, times the best plain PyTorch": ("Cornu", "plain")}
    pairs |= {f"on {engine}, times Keras": (f"Cornu on {engine}", f"Keras 3 on {engine}") for engine in ENGINES}
    all_ratios = {}
    for title, starts in pairs.items():
        values = {}
        for measure in ("build", "one", "bulk", "first", "training"):
            is_speed = MEASURES[measure].unit == "images/s"
            medians = [
                [median(each, measure) for program, each in found.items() if program.startswith(start) and measure in each]
                for start in starts
            ]
            if all(medians):
                ours, theirs = (max(each) if is_speed else min(each) for each in medians)
                values[measure] = round(ours / theirs if is_speed else theirs / ours, 2)
        all_ratios |= {title: values} if values else {}
    return all_ratios


def main() -> None:
    """Compare the programs on each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=PROGRAMS)
    parser.add_argument("--measures", nargs="+", choices=CHOICES, default=list(CHOICES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--together", type=int, default=4, help="number of processes at a time")
    parser.add_argument("--quick", action="store_true", help="try everything on images of 64 x 64 pixels; write no file")
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"applications-{datetime.date.today()}.json")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"machine": machine(), "rounds": arguments.rounds, "networks": {}, "ratios": {}}
    if arguments.output.exists() and not arguments.quick:
        results = {**results, **json.loads(arguments.output.read_text()), "machine": machine(), "rounds": arguments.rounds}
    for network in arguments.networks:
        found = results["networks"].setdefault(network, {})
        measures = {*ALWAYS, *(each for choice in arguments.measures for each in CHOICES[choice])}
        for first in range(0, len(arguments.programs), arguments.together):
            programs = arguments.programs[first : first + arguments.together]
            new = measured(network, programs, measures, arguments.rounds, arguments.quick)
            found |= {program: found.get(program, {}) | values for program, values in new.items()}
        results["ratios"][network] = ratios(found)
        if not arguments.quick:
            arguments.output.write_text(json.dumps(results, indent=1) + "\n")
        print("\n" + table(network, found), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
