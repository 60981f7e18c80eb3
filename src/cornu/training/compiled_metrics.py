"""The metrics of a compiled model: the mean loss and the metrics of its outputs, as a list of arrays while steps run."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from cornu import metrics as metrics_package
from cornu import ops, trees
from cornu.core.binding import bindings, values_in
from cornu.core.masks import expand_mask
from cornu.core.variable import Variable
from cornu.dtypes import is_integer
from cornu.errors import NotBuiltError
from cornu.metrics import Mean, Metric
from cornu.metrics.metric import result_of
from cornu.metrics.sum_variable import with_exact_sums
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss, Losses, aligned, by_output, per_output
from cornu.training.logs import in_order
from cornu.typing import Array, ArrayLike, Config, Tree

MetricsArgument: TypeAlias = str | Metric | Callable[..., Any] | Sequence["MetricsArgument"] | Mapping[str, Any] | None
"""The ``metrics`` argument of ``compile``."""


class OutputMetrics(Metric):
    """The metrics passed to ``compile`` as one metric, as ``Model.metrics`` lists them. It exists before the metrics are built.

    Args:
        ensure_built: Function ``(y, y_pred)`` that builds the losses and metrics of the model for targets and outputs.

    Attributes:
        built: Whether the metrics exist: they depend on the outputs of the model.
        names: Names of the results, in order.
    """

    def __init__(self, ensure_built: Callable[[Tree, Tree], None]):
        super().__init__(name="compile_metrics")
        self.built = False
        self._ensure_built = ensure_built
        self._output_names: list[str] = []
        self._of_output: list[list[Metric]] = []
        self._weighted: list[list[Metric]] = []
        self.names: list[str] = []

    def create(
        self,
        metrics: MetricsArgument,
        weighted_metrics: MetricsArgument,
        compiled_loss: CompiledLoss,
        targets: list,
        outputs: list,
        other_names: list[str],
    ) -> None:
        """Create the metrics for a model's outputs.

        Args:
            metrics: The ``metrics`` argument of ``compile``: a list for one output, else a list of lists or a dict.
            weighted_metrics: The ``weighted_metrics`` argument of ``compile``: metrics weighted by ``sample_weight``.
            compiled_loss: The losses.
            targets: List of the shapes of the targets, one for each output, or None.
            outputs: List of the shapes of the outputs.
            other_names: Names of other logs, from which those of the metrics must differ.
        """
        self._output_names = compiled_loss.output_names
        known = list(zip(compiled_loss.losses, targets, outputs, strict=True))
        self._of_output, self._weighted = (
            [[metrics_package.resolve(each, *facts) for each in own] for own, facts in zip(given, known, strict=True)]
            for given in (_lists(argument, self._output_names) for argument in (metrics, weighted_metrics))
        )
        taken = list(other_names)
        for metric, position, weighted in self.placed():
            taken.append(self._new_name(metric.name, position, weighted, taken))
        self.names = taken[len(other_names) :]
        self.built = True

    def _new_name(self, name: str, position: int, weighted: bool, taken: list[str]) -> str:
        """Return the name of a metric's log as in Keras, ``output_accuracy`` if there are several outputs; names are unique."""
        prefix = f"{self._output_names[position]}_" if len(self._output_names) > 1 else ""
        first = f"{prefix}weighted_{name}" if weighted and prefix + name in taken else prefix + name
        candidates = itertools.chain([first], (f"{first}_{number}" for number in itertools.count(1)))
        return next(each for each in candidates if each not in taken)

    @property
    def metrics(self) -> list[Metric]:
        """List of the metrics, those of ``weighted_metrics`` last; empty until they are built."""
        return [metric for kind in (self._of_output, self._weighted) for part in kind for metric in part]

    @property
    def variables(self) -> list[Variable]:
        """The variables of the metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def placed(self) -> Iterator[tuple[Metric, int, bool]]:
        """Yield each metric with the position of its output and whether it is weighted."""
        for kind, weighted in ((self._of_output, False), (self._weighted, True)):
            for position, metrics in enumerate(kind):
                yield from ((metric, position, weighted) for metric in metrics)

    def update_state(self, y_true: Tree, y_pred: Tree, sample_weight: Tree = None) -> None:
        """Update the metrics with a batch.

        Args:
            y_true: Targets of the outputs.
            y_pred: Outputs of the model.
            sample_weight: Weights of the samples, for the ``weighted_metrics``. Defaults to None.
        """
        self._ensure_built(y_true, y_pred)
        given = by_output(y_true, y_pred), by_output(sample_weight, y_pred)
        targets, weights = (aligned(each, self._output_names) for each in given)
        outputs = trees.leaves(y_pred)
        for metric, position, weighted in self.placed():
            weight = weights[position] if weighted else None
            arguments = {} if weight is None else {"sample_weight": weight}
            metric.update_state(targets[position], outputs[position], **arguments)

    def result(self) -> dict[str, Any]:
        """Return the results by name.

        Raises:
            NotBuiltError: If the metrics are not built yet.
        """
        if not self.built:
            raise NotBuiltError(
                "`result` of the metrics passed to `compile` was called before the first batch.",
                "The metrics depend on the outputs of the model and are built with the first batch.",
                "Call `fit`, `evaluate`, `train_on_batch` or `update_state` first.",
            )
        return {name: result_of(metric) for name, metric in zip(self.names, self.metrics, strict=True)}

    def reset_state(self) -> None:
        """Reset the metrics."""
        for metric in self.metrics:
            metric.reset_state()

    def get_config(self) -> Config:
        """Raise ``NotImplementedError``: the arguments of ``compile`` describe the metrics (``Model.get_compile_config``)."""
        raise NotImplementedError("The metrics passed to `compile` are part of `Model.get_compile_config()`.")


class CompiledMetrics:
    """All metrics of a compiled model, once they are built.

    Args:
        loss_tracker: Mean of the loss.
        output_metrics: The metrics passed to ``compile``.
        compiled_loss: The losses, whose means are tracked if there are several.
        backend_name: Name of the backend that stores the variables of the metrics.

    Attributes:
        part_trackers: Means of the losses of the outputs, if there are several.
        names: Names of the logs, in order.
    """

    def __init__(self, loss_tracker: Metric, output_metrics: OutputMetrics, compiled_loss: CompiledLoss, backend_name: str):
        self.compiled_loss = compiled_loss
        self._loss_tracker, self._output_metrics = loss_tracker, output_metrics
        self.part_trackers: list[Metric] = [Mean(name=name) for name in compiled_loss.part_names]
        self.names = [loss_tracker.name, *output_metrics.names, *compiled_loss.part_names]
        for variable in self.variables:
            variable.to_backend(backend_name)

    @property
    def metrics(self) -> list[Metric]:
        """List of all metrics, in the order of Keras: the mean loss, those of the outputs, and the losses of the outputs."""
        return [self._loss_tracker, *self._output_metrics.metrics, *self.part_trackers]

    @property
    def variables(self) -> list[Variable]:
        """The variables of all metrics, and after them what their sums keep to add without loss."""
        return with_exact_sums([variable for metric in self.metrics for variable in metric.variables])

    @property
    def padding_is_safe(self) -> bool:
        """Whether every metric ignores samples of weight 0, so that batches may be padded."""
        return all(metric.ignores_zero_weight for metric in self.metrics)

    def reset(self) -> None:
        """Reset the state of all metrics."""
        for metric in self.metrics:
            metric.reset_state()

    def update_mean_loss(self, loss: Array, count: ArrayLike) -> None:
        """Update the mean loss with the loss of a batch of ``count`` samples."""
        self._loss_tracker.update_state(loss, sample_weight=count)

    def update_parts(self, losses: Losses, count: ArrayLike) -> None:
        """Update the mean losses of the outputs, if there are several, with a batch of ``count`` samples."""
        for tracker, loss in zip(self.part_trackers, losses.parts, strict=False):
            tracker.update_state(loss, sample_weight=count)

    def update(self, values: list, losses: Losses, batch: Batch, outputs: list) -> list:
        """Return the values of the metrics' variables after one more batch. Pure.

        Args:
            values: Values of :attr:`variables`.
            losses: Losses of the batch.
            batch: The batch.
            outputs: List of the outputs of the model for the batch.
        """
        variables = self.variables
        bound = bindings([variables], [values])

        def update_metric(metric: Metric, *args: ArrayLike, sample_weight: Array | None = None) -> None:
            own, weight = with_exact_sums(metric.variables), {} if sample_weight is None else {"sample_weight": sample_weight}
            bound.update(bindings([own], [metric.stateless_update_state(values_in(bound, [own])[0], *args, **weight)]))

        count = ops.shape(trees.leaves(batch.x)[0])[0] if batch.sample_mask is None else ops.sum(batch.sample_mask)
        update_metric(self._loss_tracker, losses.total, sample_weight=count)
        names = self.compiled_loss.output_names
        targets, weights = aligned(batch.y, names), aligned(batch.sample_weight, names)
        for metric, position, weighted in self._output_metrics.placed():
            combined = _combined(weights[position] if weighted else None, batch.sample_mask, metric.dtype)
            update_metric(metric, targets[position], outputs[position], sample_weight=combined)
        for tracker, loss in zip(self.part_trackers, losses.parts, strict=False):
            update_metric(tracker, loss, sample_weight=count)
        return values_in(bound, [variables])[0]

    def results(self, values: list) -> dict[str, Any]:
        """Return the logs for values of :attr:`variables`. Pure."""
        bound, logs = bindings([self.variables], [values]), {}
        for name, metric in zip(self.names, self.metrics, strict=True):
            logs[name] = metric.stateless_result(values_in(bound, [metric.variables])[0])
        return in_order(logs)


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
