"""Evaluation of a step without values, before training: what it builds, which variables it uses, and what it returns."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cornu import backends, config, ops, trees
from cornu.backends.contract import ArraySpec
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.random_key import RandomKey
from cornu.core.variable import Variable
from cornu.errors import InvalidTypeError
from cornu.training.batch import Batch, pack_x_y_sample_weight
from cornu.training.logs import in_order
from cornu.typing import Array, Tree


class LogsError(InvalidTypeError):
    """Raised when a step returns no logs."""


class DryRun(NamedTuple):
    """What is known about a step after it was evaluated once.

    Attributes:
        touched: Variables that the step reads or assigns to.
        logs: Shapes and dtypes of the logs, by name.
        differentiates: Whether the step calls ``value_and_grad``.
    """

    touched: list[Variable]
    logs: dict[str, ArraySpec]
    differentiates: bool


def dry_run(step: Callable[[Any], Any], name: str, spec: Batch, batch_size: int, place: config.Placement) -> DryRun:
    """Evaluate a step abstractly: layers, optimizers and metrics that it uses are built, and no variable changes.

    Args:
        step: Function ``(data) -> logs``.
        name: Name of the step, for errors.
        spec: Specification of the data.
        batch_size: Number of samples of a batch.
        place: Placement of the model.
    """
    contexts: list[CallContext] = []
    names: list[str] = []

    def run(*arrays: Array) -> list[Array]:
        context = CallContext.of_step({}, RandomKey(backend.asarray([0, 0], "uint32")), abstract=True)
        with call_context.entered(context):
            logs = flat_logs(name, step(pack_x_y_sample_weight(*trees.unflatten(parts, list(arrays)))))
        contexts[:], names[:] = [context], list(logs)
        return list(logs.values())

    parts = spec.x, spec.y, spec.sample_weight
    specs = [ArraySpec((batch_size, *leaf.shape[1:]), leaf.dtype) for leaf in trees.leaves(parts)]
    with config.placement_scope(*place):
        backend = backends.get(place.backend)
        results = backend.abstract_eval(run, *specs)
    [context] = contexts
    return DryRun(list(context.touched.values()), dict(zip(names, results, strict=True)), context.differentiates)


def flat_logs(name: str, logs: Any) -> dict[str, Any]:
    """Return the logs of a step as a flat dict of arrays, in the order of :func:`~cornu.training.logs.in_order`.

    Args:
        name: Name of the step, for errors.
        logs: What the step returned: a dict from name to scalar, or to a dict of scalars.

    Raises:
        LogsError: If it is not such a dict.
    """
    _check_logs(name, logs)
    return {key: ops.convert_to_tensor(value) for key, value in in_order(logs).items()}


def _check_logs(name: str, logs: Tree) -> None:
    """Raise ``LogsError`` if logs are no dict, or a nested dict, from names to values."""
    if not isinstance(logs, Mapping) or not all(isinstance(key, str) for key in logs):
        received = f"a dict with the keys {list(logs)}" if isinstance(logs, Mapping) else f"{logs!r:.80}"
        raise LogsError(
            f"`{name}` returned {received}.",
            "It must return a dict from the names of the logs to their values.",
            'End it with, for example, `return {"loss": loss}`.',
        )
    for value in logs.values():
        if isinstance(value, Mapping):
            _check_logs(name, value)
