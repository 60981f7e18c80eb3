"""Processes that take turns, and the CPU time that they use: both versions or libraries then see the same machine."""

import os
import subprocess
import sys
import time
from collections.abc import Callable

LEAST_SECONDS = 0.1
"""What takes less CPU time is repeated until it takes this long: times of single short calls differ by a fifth."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
"""Settings for one thread: threads that wait for work use CPU time, up to a hundred times that of a small step."""


def serve(functions: dict[str, Callable[[], object]]) -> None:
    """Print "ready", and answer each line on standard input with the CPU seconds of the function that it names."""
    print("ready", flush=True)
    for line in sys.stdin:
        print(cpu_seconds(functions[line.strip()]), flush=True)


def cpu_seconds(function: Callable[[], object]) -> float:
    """Return the CPU seconds (user and system, all threads) of a call."""
    calls, began = 0, time.process_time()
    while time.process_time() < began + LEAST_SECONDS:
        function()
        calls += 1
    return (time.process_time() - began) / calls


def started(script: str, *arguments: str, **environment: str) -> subprocess.Popen:
    """Start ``python script --serve ARGUMENTS`` and wait until it is ready.

    Args:
        script: Path of the script, which calls ``serve``.
        arguments: Arguments after ``--serve``.
        environment: Further environment variables.
    """
    process = subprocess.Popen(
        [sys.executable, script, "--serve", *arguments],
        env=os.environ | ONE_THREAD | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if process.stdout.readline().strip() != "ready":
        raise SystemExit(f"{' '.join(arguments)} does not run with {environment}.")
    return process


def in_turn(processes: dict[str, subprocess.Popen], measure: str, rounds: int) -> dict[str, list[float]]:
    """Return, for each process, the CPU seconds of a measure in each round; a round before warms up.

    Every second round asks in reverse order.
    """
    seconds: dict[str, list[float]] = {name: [] for name in processes}
    for number in range(rounds + 1):
        for name in list(processes) if number % 2 else list(reversed(processes)):
            answer = ask(processes[name], measure)
            if number:
                seconds[name].append(answer)
    return seconds


def ask(process: subprocess.Popen, measure: str) -> float:
    """Return the answer of a process for a measure."""
    process.stdin.write(measure + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise SystemExit(f"{process.args[-2]} terminated while measuring {process.args[-1]!r}.")
    return float(answer)


def end(process: subprocess.Popen) -> None:
    """End a process and wait for it."""
    process.stdin.close()
    process.wait()
