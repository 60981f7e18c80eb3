"""``cornu run``: run a program written for Keras, with Cornu in its place."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import click

from cornu import legacy
from cornu.legacy import notebook

_STARTUP = Path(legacy.__file__).parent / "startup"
"""Directory with the ``sitecustomize.py`` that installs the import hook."""

_NOTEBOOK = f"from {notebook.__name__} import {notebook.main.__name__} as main; main()"
"""Program that runs a notebook, whose path is the first argument."""

_WITHOUT_HOOK = {"E", "I", "S"}
"""Options with which Python ignores ``PYTHONPATH`` or imports no ``sitecustomize``."""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", metavar="PROGRAM [ARGUMENTS]...", nargs=-1, required=True, type=click.UNPROCESSED)
def run(arguments: tuple[str, ...]) -> None:
    """Run a Python program written for Keras 3, with Cornu in place of Keras.

    PROGRAM is a script (`train.py`), a module (`-m package.train`) or a notebook (`train.ipynb`). In it, `import keras`,
    `tf.keras` and `tensorflow.keras` are Cornu. It runs as `python PROGRAM ARGUMENTS` would run it.

    The backend is the one that the program selects, else CORNU_BACKEND, else KERAS_BACKEND, else the one in keras.json.
    """
    _check_options(arguments)
    program = ["-c", _NOTEBOOK] if arguments[0].endswith(".ipynb") else []
    command = [sys.executable, *program, *arguments]
    paths = [str(_STARTUP), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    sys.stdout.flush()
    if os.name == "nt":  # where `execve` would return to the shell before the program ends
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    os.execve(sys.executable, command, environment)


def _check_options(arguments: tuple[str, ...]) -> None:
    """Refuse the options of Python with which it does not install the import hook, so that the program would run with Keras."""
    for option in itertools.takewhile(lambda argument: re.fullmatch("-[a-zA-Z]+", argument), arguments):
        flags = re.match("-[^cmWX]*", option)
        if flags is not None and set(flags[0]) & _WITHOUT_HOOK:
            raise click.UsageError(
                f"The option {option!r} of Python was given. With it, Python ignores the environment or its site packages, and "
                "the program would run with Keras. Leave it out."
            )
        if option[-1] in "cmWX":
            return
