"""Which public names a test compares with Keras, or with another independent source.

A name counts if a test file of its subject that has an oracle names it: as ``layers.Dense``, as ``"Dense"`` in a table of
cases, in a string of several names, or in an import. A file has an oracle if it uses Keras, SciPy, scikit-learn, Pillow or
TensorBoard's reader or, for the namespaces of ``NUMPY_IS_AN_ORACLE``, formulas in NumPy or values of Python.
"""

import ast
import functools
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]

FOLDERS: dict[str, tuple[str, ...]] = {
    "layers": ("layers", "core", "export"),
    "losses": ("losses", "ops"),
    "metrics": ("metrics", "losses"),
    "optimizers": ("optimizers",),
    "initializers": ("test_initializers.py",),
    "regularizers": ("test_regularizers.py",),
    "constraints": ("test_constraints.py",),
    "activations": ("test_activations.py", "ops"),
    "applications": ("applications",),
    "callbacks": ("callbacks", "training"),
    "ops": ("ops", "backends", "core"),
    "random": ("ops", "core", "test_initializers.py", "test_namespaces.py"),
    "tree": ("test_trees.py", "test_structures.py", "test_namespaces.py"),
    "config": ("test_config.py", "core", "cli", "legacy", "training"),
}
"""The files below ``tests`` in which the names of a namespace are compared; of others, all files."""

ORACLES = re.compile(r"keras|scipy|sklearn|PIL|tensorboard")

NUMPY_IS_AN_ORACLE = ("ops", "random", "initializers", "constraints", "regularizers", "tree", "config")
"""Namespaces whose functions are compared with formulas in NumPy or with values of Python as well."""


IN_COMPUTED_TABLES = ("activations", "applications")
"""Namespaces of which a table, such as ``ACTIVATIONS`` of ``test_random_examples.py``, contains every function."""

NOT_COMPARED = {
    **dict.fromkeys(("constraints.Constraint", "initializers.Initializer", "regularizers.Regularizer"), "a base class"),
    "callbacks.RemoteMonitor": "its requests are read by a server of the test",
    "callbacks.TerminateOnNaN": "what it does differs on purpose",
    **dict.fromkeys(("remat", "RematScope"), "training produces the same weights as without them"),
    "SymbolicScope": "the engine inside of it is asked",
    **dict.fromkeys(("utils.plot_model", "utils.model_to_dot"), "drawings of our own, read from the files"),
}
"""Names that are here and that no test compares, with the reason: what is tested instead."""


@functools.cache
def names_in(file: Path) -> tuple[frozenset[str], bool]:
    """Return the names that a test file uses, and whether it uses an oracle other than NumPy."""
    text = file.read_text(encoding="utf-8")
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.split()
            found |= set(words) if all(map(str.isidentifier, words)) else set()
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return frozenset(found), bool(ORACLES.search(text))


def files_of(namespace: str) -> list[Path]:
    """Return the test files of a namespace."""
    places = FOLDERS.get(namespace.partition(".")[0], ("",))
    found = [
        path for place in places for path in ([TESTS / place] if place.endswith(".py") else (TESTS / place).rglob("test_*.py"))
    ]
    return sorted({*found, *(TESTS / "oracle").glob("test_*.py")})


@functools.cache
def compared_in(namespace: str) -> frozenset[str]:
    """Return the names that the test files of a namespace with an oracle use."""
    first = namespace.partition(".")[0]
    found = [names for names, oracle in map(names_in, files_of(namespace)) if oracle or first in NUMPY_IS_AN_ORACLE]
    return frozenset().union(*found)


def is_compared(path: str) -> bool:
    """Return whether a test compares what a public name, such as ``layers.Dense``, computes."""
    namespace, _, name = path.rpartition(".")
    return namespace in IN_COMPUTED_TABLES or name in compared_in(namespace)
