"""The line that shows how far training is."""

import sys
import time
from typing import Any


class Progress:
    """Shows a run on the terminal: a moving line an epoch, or in a file one finished line.

    Args:
        verbose: ``"auto"`` or 1 for the moving line, 2 for one line an epoch, 0 for nothing. Where the output is no terminal,
            1 is shown as 2.
    """

    def __init__(self, verbose: Any):
        self._moving = verbose in ("auto", 1, True) and _on_terminal()
        self._lines = verbose in ("auto", 1, 2, True) and not self._moving
        self._heading = ""
        self._done = 0
        self._bar: Any = None
        self._task: Any = None
        self._started = time.perf_counter()

    def announce(self, text: str) -> None:
        """Prints a line of its own."""
        if self._moving or self._lines:
            print(text, flush=True)

    def begin(self, heading: str, steps: int | None) -> None:
        """A pass over the data begins, with so many steps (None if nobody knows)."""
        self._heading, self._done, self._started = heading, 0, time.perf_counter()
        if not self._moving:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[logs]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        )
        self._bar.start()
        self._task = self._bar.add_task(self._heading, total=steps, logs="")

    @property
    def is_moving(self) -> bool:
        """Whether there is a moving line, on which :meth:`wait_for` can say something."""
        return self._bar is not None

    def wait_for(self, what: str) -> None:
        """Says on the moving line, in place of the logs, what keeps the next step waiting."""
        if self._bar is not None:
            self._bar.update(self._task, logs=what, refresh=True)  # at once: what takes long may leave no time for it

    def update(self, done: int, logs: dict[str, float]) -> None:
        """So many steps are done, with these logs."""
        self._done = done
        if self._bar is not None:
            self._bar.update(self._task, completed=done, logs=format_logs(logs))

    def end(self, logs: dict[str, float]) -> None:
        """The pass is over."""
        seconds = time.perf_counter() - self._started
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, total=self._done, logs=format_logs(logs))
            self.stop()
        elif self._lines:
            print(
                f"{self._heading} - {self._done} steps - {seconds:.1f} s - {format_logs(logs)}".removesuffix(" - "), flush=True
            )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """Leaves the terminal in order; ``with progress:`` does so after an exception, too."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def format_logs(logs: dict[str, float]) -> str:
    """Logs as a line: ``loss: 0.1234 - accuracy: 0.9876``; very small and very large numbers with an exponent."""
    return " - ".join(f"{name}: {_number(value)}" for name, value in logs.items())


def _number(value: Any) -> str:
    try:
        value = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.4e}"


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
