"""The metrics of a compiled model: the mean loss and the metrics of its outputs, as a list of arrays while steps run."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from cornu import metrics as metrics_package
from cornu import ops, trees
from cornu.core.masks import expand_mask
from cornu.dtypes import is_integer
from cornu.metrics import Mean, Metric
from cornu.metrics.sum_variable import with_exact_sums
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss, Losses, aligned, per_output
from cornu.typing import Array, ArrayLike, Tree

MetricsArgument: TypeAlias = str | Metric | Callable[..., Any] | Sequence["MetricsArgument"] | Mapping[str, Any] | None
"""The ``metrics`` argument of ``compile``."""


class CompiledMetrics:
    """All metrics of a compiled model.

    Args:
        metrics: The ``metrics`` argument of ``compile``: a list for a model with one output, else a list of lists or a dict.
        weighted_metrics: The ``weighted_metrics`` argument of ``compile``: metrics weighted by ``sample_weight``.
        compiled_loss: The losses, whose means are tracked too.
        targets: List of the shapes of the targets, one for each output, or None.
        outputs: List of the shapes of the outputs.
        backend_name: Name of the backend that stores the variables of the metrics.

    Attributes:
        names: Names of the logs, in order.
    """

    def __init__(
        self,
        metrics: MetricsArgument,
        weighted_metrics: MetricsArgument,
        compiled_loss: CompiledLoss,
        targets: list,
        outputs: list,
        backend_name: str,
    ):
        self.compiled_loss = compiled_loss
        self._trackers: list[Metric] = [Mean(name=name) for name in ("loss", *compiled_loss.part_names)]
        self._of_output: list[list[Metric]] = []
        self._weighted: list[list[Metric]] = []
        self.names = [tracker.name for tracker in self._trackers]
        for kind, given in ((self._of_output, metrics), (self._weighted, weighted_metrics)):
            for position, identifiers in enumerate(_lists(given, compiled_loss.output_names)):
                loss = compiled_loss.losses[position]
                resolved = [metrics_package.resolve(each, loss, targets[position], outputs[position]) for each in identifiers]
                kind.append(resolved)
                for metric in resolved:
                    self._add_name(metric.name, position, kind is self._weighted)
        for variable in self.variables:
            variable.to_backend(backend_name)

    def _add_name(self, name: str, position: int, weighted: bool) -> None:
        """Add the name of a metric's log as in Keras, ``output_accuracy`` if there are several outputs; names are unique."""
        names = self.compiled_loss.output_names
        prefix = f"{names[position]}_" if len(names) > 1 else ""
        first = f"{prefix}weighted_{name}" if weighted and prefix + name in self.names else prefix + name
        candidates = itertools.chain([first], (f"{first}_{number}" for number in itertools.count(1)))
        self.names.append(next(each for each in candidates if each not in self.names))

    @property
    def metrics(self) -> list[Metric]:
        """List of all metrics, the mean loss first."""
        return [*self._trackers, *(m for kind in (self._of_output, self._weighted) for part in kind for m in part)]

    @property
    def variables(self) -> list:
        """The variables of all metrics, with what their sums keep to add without loss."""
        return [variable for metric in self.metrics for variable in with_exact_sums(metric.variables)]

    @property
    def padding_is_safe(self) -> bool:
        """Whether every metric ignores samples of weight 0, so that batches may be padded."""
        return all(metric.ignores_zero_weight for metric in self.metrics)

    def reset(self) -> None:
        """Reset the state of all metrics."""
        for metric in self.metrics:
            metric.reset_state()

    @property
    def log_names(self) -> dict[int, str]:
        """Names of the logs, by ``id`` of the metric."""
        return {id(metric): name for metric, name in zip(self.metrics, self.names, strict=True)}

    def update_mean_loss(self, loss: Array, count: ArrayLike) -> None:
        """Update the mean loss with the loss of a batch of ``count`` samples."""
        self._trackers[0].update_state(loss, sample_weight=count)

    def update_parts(self, losses: Losses, count: ArrayLike) -> None:
        """Update the mean losses of the outputs, if there are several, with a batch of ``count`` samples."""
        for tracker, loss in zip(self._trackers[1:], losses.parts, strict=False):
            tracker.update_state(loss, sample_weight=count)

    def update_outputs(self, y: Tree, outputs: list, sample_weight: Tree) -> None:
        """Update the metrics of the outputs with a batch."""
        names = self.compiled_loss.output_names
        targets, weights = aligned(y, names), aligned(sample_weight, names)
        for kind, weighted in ((self._of_output, False), (self._weighted, True)):
            for metrics, target, output, weight in zip(kind, targets, outputs, weights, strict=True):
                for metric in metrics:
                    given = {"sample_weight": weight} if weighted and weight is not None else {}
                    metric.update_state(target, output, **given)

    def update(self, values: list, losses: Losses, batch: Batch, outputs: list) -> list:
        """Return the values of the metrics' variables after one more batch. Pure.

        Args:
            values: Values of :attr:`variables`.
            losses: Losses of the batch.
            batch: The batch.
            outputs: List of the outputs of the model for the batch.
        """
        remaining, after = iter(values), []

        def update_metric(metric: Metric, *args: ArrayLike, sample_weight: Array | None = None) -> None:
            own = [next(remaining) for _ in with_exact_sums(metric.variables)]
            after.extend(
                metric.stateless_update_state(own, *args, **({} if sample_weight is None else {"sample_weight": sample_weight}))
            )

        count = ops.shape(trees.leaves(batch.x)[0])[0] if batch.sample_mask is None else ops.sum(batch.sample_mask)
        parts = losses.parts if len(self._trackers) > 1 else []
        for tracker, loss in zip(self._trackers, [losses.total, *parts], strict=True):
            update_metric(tracker, loss, sample_weight=count)
        names = self.compiled_loss.output_names
        targets, weights = aligned(batch.y, names), aligned(batch.sample_weight, names)
        for kind, weighted in ((self._of_output, False), (self._weighted, True)):
            for metrics, target, output, weight in zip(kind, targets, outputs, weights, strict=True):
                for metric in metrics:
                    combined = _combined(weight if weighted else None, batch.sample_mask, metric.dtype)
                    update_metric(metric, target, output, sample_weight=combined)
        return after

    def results(self, values: list) -> dict[str, Any]:
        """Return the logs for values of :attr:`variables`. Pure."""
        remaining, logs = iter(values), {}
        for name, metric in zip(self.names, self.metrics, strict=True):
            result = metric.stateless_result([next(remaining) for _ in with_exact_sums(metric.variables)])
            logs.update(result if isinstance(result, dict) else {name: result})
        return logs

    def in_order(self, logs: dict[str, Any]) -> dict[str, Any]:
        """Return logs in the order of the metrics, since a backend may return a dict in another order."""
        position = {name: number for number, name in enumerate(self.names)}
        return dict(sorted(logs.items(), key=lambda item: position.get(item[0], len(position))))


def _lists(given: MetricsArgument, output_names: list[str]) -> list[list]:
    """Return a list of metrics for each output."""
    if given is None:
        return [[] for _ in output_names]
    if len(output_names) == 1 and not isinstance(given, dict):
        given = [given if isinstance(given, (list, tuple)) else [given]]
        given = given[0][0:1] if len(given[0]) == 1 and isinstance(given[0][0], (list, tuple)) else given
    if isinstance(given, (list, tuple)) and len(given) != len(output_names):
        given = [given for _ in output_names]
    entries = per_output(given, output_names, "metrics")
    return [list(each) if isinstance(each, (list, tuple)) else [] if each is None else [each] for each in entries]


def _combined(weight: Array | None, mask: Array | None, dtype: str) -> Any:
    """Return the product of sample weights and a sample mask, either of which may be None, for a metric of a dtype."""
    if mask is not None and is_integer(dtype):
        mask = ops.cast(mask, dtype)
    if weight is None or mask is None:
        return mask if weight is None else weight
    return ops.multiply(weight, expand_mask(mask, len(weight.shape)))
