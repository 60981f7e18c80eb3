"""Evaluation of a step without values, before training: what it builds, which variables it uses, and what it returns."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cornu import backends, config, trees
from cornu.backends.contract import ArraySpec
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.random_key import RandomKey
from cornu.core.variable import Variable
from cornu.errors import CornuError
from cornu.training.batch import Batch, pack_x_y_sample_weight
from cornu.training.logs import flat_logs
from cornu.typing import Array


class DryRun(NamedTuple):
    """What is known about a step after it was evaluated once.

    Attributes:
        touched: Variables that the step reads or assigns to.
        logs: Shapes and dtypes of the logs, by name.
        differentiates: Whether the step calls ``value_and_grad``.
        error: What is wrong with the logs, or None.
    """

    touched: list[Variable]
    logs: dict[str, ArraySpec]
    differentiates: bool
    error: CornuError | None


def dry_run(step: Callable[[Any], Any], name: str, spec: Batch, batch_size: int, place: config.Placement) -> DryRun:
    """Evaluate a step abstractly: layers, optimizers and metrics that it uses are built, and no variable changes.

    Args:
        step: Function ``(data) -> logs``.
        name: Name of the step, for errors.
        spec: Specification of the data.
        batch_size: Number of samples of a batch, where the specification has none.
        place: Placement of the model.
    """
    contexts: list[CallContext] = []
    names: list[str] = []
    errors: list[CornuError | None] = []

    def run(*arrays: Array) -> list[Array]:
        context = CallContext.of_step({}, RandomKey(backend.asarray([0, 0], "uint32")), abstract=True)
        with call_context.entered(context):
            returned, logs, error = step(pack_x_y_sample_weight(*trees.unflatten(parts, list(arrays)))), {}, None
            try:
                logs = flat_logs(name, returned)
            except CornuError as wrong:
                error = wrong
        contexts[:], names[:], errors[:] = [context], list(logs), [error]
        return list(logs.values())

    parts = spec.x, spec.y, spec.sample_weight
    specs = [ArraySpec((leaf.shape[0] or batch_size, *leaf.shape[1:]), leaf.dtype) for leaf in trees.leaves(parts)]
    with config.placement_scope(*place):
        backend = backends.get(place.backend)
        results = backend.abstract_eval(run, *specs)
    [context], [error] = contexts, errors
    return DryRun(list(context.touched.values()), dict(zip(names, results, strict=True)), context.differentiates, error)
