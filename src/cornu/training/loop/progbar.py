"""The progress display of loops that users write."""

from collections.abc import Iterable

from cornu.errors import InvalidArgumentError
from cornu.training.loop.progress import Progress


class Progbar:
    """Progress display for a custom loop: a progress bar on a terminal, or one line at the end elsewhere.

    Args:
        target: Number of steps; None if it is unknown.
        width: Accepted for compatibility with Keras; the bar adapts to the terminal. Defaults to 20.
        verbose: 1 for the progress bar, 2 for one line at the end, 0 for no output. Defaults to 1.
        interval: Accepted for compatibility with Keras. Defaults to 0.05.
        stateful_metrics: Names of values that are shown as they are; the others are averaged over the steps. Defaults to None.
        stateless_metrics: Names of the values that are averaged, in place of ``stateful_metrics``: the others are not. Defaults
            to None.
        unit_name: Accepted for compatibility with Keras. Defaults to ``"step"``.

    Raises:
        InvalidArgumentError: If both ``stateful_metrics`` and ``stateless_metrics`` are given.

    Example:
        >>> import cornu
        >>> bar = cornu.utils.Progbar(3, verbose=0)
        >>> for step in range(3):
        ...     bar.update(step + 1, values=[("loss", 3.0 - step)])
        >>> bar.averages()
        {'loss': 2.0}
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise InvalidArgumentError(
                "`Progbar` received both `stateful_metrics` and `stateless_metrics`.",
                "Only one of them may be given: the names that are not listed are of the other kind.",
                "Omit one of them.",
            )
        self.target, self.width, self.verbose, self.interval, self.unit_name = target, width, verbose, interval, unit_name
        self.stateful_metrics = None if stateless_metrics is not None else set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._progress: Progress | None = None
        self._done = 0
        self._sums: dict[str, tuple[float, int]] = {}

    def update(self, current: int, values: Iterable[tuple[str, float]] | None = None, finalize: bool | None = None) -> None:
        """Show that some steps are done.

        Args:
            current: Number of completed steps.
            values: Pairs of a name and the value for the steps since the last call. Defaults to None.
            finalize: Whether this is the last call. Defaults to whether ``current`` has reached ``target``.
        """
        steps = max(current - self._done, 1)
        for name, value in values or ():
            total, count = self._sums.get(name, (0.0, 0)) if self._is_averaged(name) else (0.0, 0)
            self._sums[name] = total + float(value) * steps, count + steps
        self._done = current
        if self._progress is None:
            self._progress = Progress(self.verbose)
            self._progress.begin("", self.target)
        self._progress.update(current, self.averages())
        if finalize or (finalize is None and self.target is not None and current >= self.target):
            self._progress.end(self.averages())

    def add(self, n: int, values: Iterable[tuple[str, float]] | None = None) -> None:
        """Show that more steps are done.

        Args:
            n: Number of steps since the last call.
            values: As in :meth:`update`.
        """
        self.update(self._done + n, values)

    def averages(self) -> dict[str, float]:
        """Return the values that are shown: dict from name to average, or to the last value."""
        return {name: total / count for name, (total, count) in self._sums.items()}

    def _is_averaged(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return self.stateful_metrics is None or name not in self.stateful_metrics
