"""The progress display of training, evaluation and prediction."""

import io
import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from cornu import config
from cornu.training.logs import as_number

if TYPE_CHECKING:
    from IPython.display import DisplayHandle
    from rich.progress import Progress as RichProgress

_NOTEBOOK_INTERVAL, _NOTEBOOK_WIDTH = 0.2, 110
"""Seconds between updates of the bar in a notebook, and its width in characters."""

Verbose: TypeAlias = int | Literal["auto"]
"""The ``verbose`` argument of ``fit``."""

_SHORT_PREDICTION = 100
"""Largest number of steps of a prediction that ``verbose="auto"`` does not display."""


class Progress:
    """Shows the progress of a run: a progress bar per epoch on a terminal or in a notebook, or one line per epoch elsewhere.

    Args:
        verbose: ``"auto"`` or 1 for the progress bar, 2 for one line per epoch, 0 for no output. If the output is neither a
            terminal nor a notebook, 1 is treated as 2. Without ``config.enable_interactive_logging`` the lines go to a logger.
    """

    def __init__(self, verbose: Verbose):
        self._print = _print if config.is_interactive_logging_enabled() else logging.getLogger("cornu").info
        self._moving = verbose in ("auto", 1, True) and self._print is _print and (_on_terminal() or _in_notebook())
        self._lines = verbose in ("auto", 1, 2, True) and not self._moving
        self._heading = ""
        self._done = 0
        self._bar: RichProgress | None = None
        self._task: Any = None
        self._display: DisplayHandle | None = None
        self._drawn = 0.0
        self._started = time.perf_counter()

    def announce(self, text: str) -> None:
        """Print a separate line."""
        if self._moving or self._lines:
            self._print(text)

    def begin(self, heading: str, steps: int | None) -> None:
        """Start the display of a pass over the data.

        Args:
            heading: Text at the start of the line.
            steps: Number of steps, or None if unknown.
        """
        self._heading, self._done, self._started = heading, 0, time.perf_counter()
        if not self._moving:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        in_notebook = _in_notebook()
        plain = Console(file=io.StringIO(), width=_NOTEBOOK_WIDTH, force_jupyter=False) if in_notebook else None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[logs]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=plain,
        )
        self._task = self._bar.add_task(self._heading, total=steps, logs="")
        if in_notebook:
            from IPython.display import DisplayHandle

            self._display = DisplayHandle()
            self._display.display(self._as_text(), raw=True)
        else:
            self._bar.start()

    def _as_text(self) -> dict[str, str]:
        """Return the bar as the content of a display of IPython."""
        console = self._bar.console
        with console.capture() as text:
            console.print(self._bar.get_renderable())
        return {"text/plain": text.get().rstrip()}

    def _draw(self, force: bool = False) -> None:
        """Update the bar in a notebook, not too often."""
        now = time.perf_counter()
        if self._display is not None and (force or now - self._drawn > _NOTEBOOK_INTERVAL):
            self._display.update(self._as_text(), raw=True)
            self._drawn = now

    @property
    def is_moving(self) -> bool:
        """Whether there is a progress bar, on which :meth:`wait_for` can show a message."""
        return self._bar is not None

    def wait_for(self, what: str) -> None:
        """Show on the progress bar, in place of the logs, what the next step is waiting for."""
        if self._bar is not None:  # refresh now, since the display may not be refreshed during a long wait
            self._bar.update(self._task, logs=what, refresh=self._display is None)
            self._draw(force=True)

    def update(self, done: int, logs: dict[str, Any]) -> None:
        """Show the number of completed steps and the logs."""
        self._done = done
        if self._bar is not None:
            self._bar.update(self._task, completed=done, logs=format_logs(logs))
            self._draw()

    def end(self, logs: dict[str, Any]) -> None:
        """End the display of a pass over the data."""
        seconds = time.perf_counter() - self._started
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, total=self._done, logs=format_logs(logs))
            self._draw(force=True)
            self.stop()
        elif self._lines:
            parts = [self._heading, f"{self._done} steps", f"{seconds:.1f} s", format_logs(logs)]
            self._print(" - ".join(filter(None, parts)))

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """Restore the terminal; called automatically at the end of ``with progress:``, also after an exception."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._display = None


def display_of_prediction(verbose: Verbose, steps: int) -> Verbose:
    """Return the ``verbose`` argument of the display of a prediction: for ``"auto"``, a short prediction has none."""
    return 0 if verbose == "auto" and steps <= _SHORT_PREDICTION else verbose


def format_logs(logs: dict[str, Any]) -> str:
    """Return logs as one line, ``loss: 0.1234 - accuracy: 0.9876``; very small and very large values with an exponent."""
    return " - ".join(f"{name}: {_number(value)}" for name, value in logs.items())


def _number(value: Any) -> str:
    """Return a value with 4 decimal places, with an exponent if it is very small or very large."""
    value = as_number(value)
    if not isinstance(value, (float, int)):
        return str(value.tolist() if isinstance(value, np.ndarray) else value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.4e}"


def _print(text: str) -> None:
    print(text, flush=True)


def _in_notebook() -> bool:
    """Return whether the output goes to a notebook: whether a kernel of IPython runs the program."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython is not None and hasattr(get_ipython(), "kernel")


def _on_terminal() -> bool:
    """Return whether the standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()
