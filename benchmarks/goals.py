"""The goals of the benchmarks, whether a results file reaches them, and what limits a step."""

from collections.abc import Iterator
from typing import NamedTuple

from workloads import WORKLOADS

CONVNETS = tuple(name for name in WORKLOADS if name.startswith(("MNIST convnet", "cats")) and WORKLOADS[name].goal is None)
WITH_BATCH_NORMALIZATION = ("CIFAR VGG-like with batch normalization, batch 64", "CIFAR ResNet-20, batch 64")
OTHERS = ("tiny, batch 10", "MNIST MLP, batch 128", "LSTM on 80 tokens, batch 32")
ALL = (*OTHERS, *CONVNETS, *WITH_BATCH_NORMALIZATION)
TINY = OTHERS[:1]

LESS_IS_BETTER = ("one", "memory", "cold", "warm", "goal")


class Goal(NamedTuple):
    """A ratio that Cornu should reach relative to other rivals.

    Attributes:
        measure: One of ``bench.MEASURES``.
        workloads: Names of the networks that the goal applies to.
        ours: Prefix of the names of our rivals; the best of them is compared.
        theirs: Prefixes of the names of the other rivals; the best of them is compared.
        ratio: Least ratio of ours to theirs, or the largest one for measures where less is better.
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
    Goal("training", WITH_BATCH_NORMALIZATION, "Cornu", KERAS, 1.5),
    Goal("training", WITH_BATCH_NORMALIZATION, "Cornu", PYTORCH, 1.0),
    Goal("training", OTHERS, "Cornu", (*KERAS, *PYTORCH, *JAX), 1.2),
    Goal("one", (*OTHERS, *CONVNETS), "Cornu on jax", JAX, 1.5),  # plain JAX does not implement the other two networks
    Goal("memory", ALL, "Cornu on jax", KERAS, 1.0),
    Goal("memory", ALL, "Cornu on torch", KERAS, 1.0),
    Goal("cold", TINY, "Cornu", KERAS, 0.5),
    Goal("warm", TINY, "Cornu", KERAS, 1 / 3),
)


def tables(results: dict) -> str:
    """Return the goals as Markdown tables: the ratio of each network, and a profile of a training step."""
    lines = ["## goals", "", "| measure | Cornu | compared with the best of | goal | reached | met |", "|---" * 6 + "|"]
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
    """Yield each goal for each of its networks, with the ratio of the medians, or None if one of the two was not measured."""
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
    """Return a table with the time of a step of each network, the time of its matrix products alone, and a profile."""
    lines = [
        "## bounds",
        "",
        "The time of a training step of Cornu, in ms; the time of its matrix products (including convolutions) alone at the "
        "speed of a large matrix product, measured afterwards; the megabytes that Adam reads and writes; and the share of each "
        "kind of kernel in a profile of the step.",
        "",
        "| | step | GFLOP/s of a large product | products alone | share of the step | Adam, MB | profile |",
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
