"""What the benchmarks should show, whether a results file shows it, and what bounds the rest."""

from collections.abc import Iterator
from typing import NamedTuple

from workloads import WORKLOADS

CONVNETS = tuple(name for name in WORKLOADS if name.startswith(("MNIST convnet", "cats")) and WORKLOADS[name].goal is None)
WITH_BATCH_NORMALISATION = ("CIFAR VGG-like with batch normalisation, batch 64", "CIFAR ResNet-20, batch 64")
OTHERS = ("tiny, batch 10", "MNIST MLP, batch 128", "LSTM on 80 tokens, batch 32")
ALL = (*OTHERS, *CONVNETS, *WITH_BATCH_NORMALISATION)
TINY = OTHERS[:1]

LESS_IS_BETTER = ("one", "memory", "cold", "warm", "goal")


class Goal(NamedTuple):
    """What Cornu should reach beside some rivals.

    Attributes:
        measure: One of ``bench.MEASURES``.
        workloads: Of which networks.
        ours, theirs: How the names of the rivals begin of which the best are compared; of ``theirs`` one of several.
        ratio: Ours is at least so many times theirs, or at most where less is better.
    """

    measure: str
    workloads: tuple[str, ...]
    ours: str
    theirs: tuple[str, ...]
    ratio: float


KERAS, PYTORCH, JAX = ("Keras 3",), ("plain PyTorch",), ("plain JAX",)
GOALS = (
    Goal("training", ALL, "Cornu on torch", ("Keras 3 on torch",), 2.0),
    Goal("training", ALL, "Cornu on torch", ("plain PyTorch, channels last",), 0.9),
    Goal("training", ALL, "Cornu on tensorflow", ("Keras 3 on tensorflow",), 1.0),
    Goal("training", CONVNETS, "Cornu", KERAS, 2.0),
    Goal("training", CONVNETS, "Cornu", PYTORCH, 1.3),
    Goal("training", WITH_BATCH_NORMALISATION, "Cornu", KERAS, 1.5),
    Goal("training", WITH_BATCH_NORMALISATION, "Cornu", PYTORCH, 1.0),
    Goal("training", OTHERS, "Cornu", (*KERAS, *PYTORCH, *JAX), 1.2),
    Goal("one", (*OTHERS, *CONVNETS), "Cornu on jax", JAX, 1.5),  # plain JAX has the other two networks not
    Goal("memory", ALL, "Cornu on jax", KERAS, 1.0),
    Goal("memory", ALL, "Cornu on torch", KERAS, 1.0),
    Goal("cold", TINY, "Cornu", KERAS, 0.5),
    Goal("warm", TINY, "Cornu", KERAS, 1 / 3),
)


def tables(results: dict) -> str:
    """The goals as Markdown: what each network reaches, and for training what its time goes into."""
    lines = ["## goals", "", "| of | Cornu | beside the best of | goal | reached | met |", "|---" * 6 + "|"]
    for goal, name, reached in _reached(results["workloads"]):
        less = goal.measure in LESS_IS_BETTER
        wanted = f"{'at most' if less else 'at least'} {goal.ratio:.2g}"
        answer = " | not measured"
        if reached is not None:
            is_met = reached <= goal.ratio if less else reached >= goal.ratio
            answer = f"{reached:.2f} | {'yes' if is_met else 'no'}"
        lines.append(f"| {goal.measure}: {name} | {goal.ours} | {', '.join(goal.theirs)} | {wanted} | {answer} |")
    return "\n".join(lines) + "\n\n" + _bounds(results)


def _reached(workloads: dict) -> Iterator[tuple[Goal, str, float | None]]:
    """Each goal for each of its networks, with the ratio of the medians; None where one of the two was not measured."""
    for goal in GOALS:
        for name in goal.workloads:
            ours = _best(workloads.get(name, {}), (goal.ours,), goal.measure)
            theirs = _best(workloads.get(name, {}), goal.theirs, goal.measure)
            yield goal, name, ours / theirs if ours and theirs else None


def _best(found: dict, beginnings: tuple[str, ...], measure: str) -> float | None:
    medians = [each[measure]["median"] for rival, each in found.items() if rival.startswith(beginnings) and measure in each]
    choose = min if measure in LESS_IS_BETTER else max
    return choose(medians) if medians else None


def _bounds(results: dict) -> str:
    """For each network the time of a step, what its matrix products alone would take, and where the time goes."""
    lines = [
        "## bounds",
        "",
        "A step of Cornu's on an engine, in ms; what its matrix products alone (convolutions are some) take at the speed of a "
        "large one, measured after it; the megabytes that Adam reads and writes; and the shares of the kinds of kernels in a "
        "profile of it.",
        "",
        "| | step | GFLOP/s of a large product | products alone | part of the step | Adam, MB | profile |",
        "|---" * 7 + "|",
    ]
    for name, found in results.get("bounds", {}).items():
        speed = found["matrix product, GFLOP/s"]["median"]
        for engine, profile in found["profiles"].items():
            measured = results["workloads"][name][f"Cornu on {engine}"]["training"]["median"]
            step = 1000 * WORKLOADS[name].batch_size / measured
            alone = 1000 * profile["matrix products, GFLOP"] / speed
            shares = ", ".join(f"{kind} {share:.0f} %" for kind, share in profile["shares"].items() if share >= 1)
            times = f"{step:.3g} | {speed:.0f} | {alone:.3g} | {100 * alone / step:.0f} %"
            lines.append(f"| {name}, {engine} | {times} | {profile['Adam, MB']:.3g} | {shares} |")
    return "\n".join(lines) + "\n"
