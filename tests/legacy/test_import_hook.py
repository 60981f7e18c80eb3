"""The import hook, in this process: names, errors, what it leaves alone. ``tests/cli/test_run.py`` runs programs with it."""

import ast
import functools
import importlib
import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import pytest

import cornu
from cornu import errors
from cornu.legacy import import_hook, names
from cornu.namespaces import REFUSED, public_names


@pytest.fixture
def hook(monkeypatch, tmp_path):
    """The hook in this process, without real Keras, which the tests have imported; both are as before afterwards."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "keras"}
    for name in kept:
        del sys.modules[name]
    finder = import_hook.KerasFinder()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    yield finder
    for name in [name for name in sys.modules if name.partition(".")[0] == "keras"]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.mark.parametrize(
    "name", ["keras", "keras.layers", "keras.ops.numpy", "keras.datasets.mnist", "keras._tf_keras.keras.models"]
)
def test_a_module_is_that_of_cornu_at_the_same_place(hook, name):
    module = importlib.import_module(name)
    mine = importlib.import_module(f"cornu.{names.path_of(name)}".rstrip("."))
    shared = [each for each in public_names(mine) if not isinstance(getattr(mine, each), type(sys))]
    assert shared or name == "keras"
    assert all(getattr(module, each) is getattr(mine, each) for each in shared)


def test_parents_and_modules_are_consistent(hook):
    keras = importlib.import_module("keras")
    assert keras.layers is importlib.import_module("keras.layers") is sys.modules["keras.layers"]
    assert keras.layers.__file__ == cornu.layers.__file__
    assert keras.layers.__name__ == keras.layers.__spec__.name == "keras.layers"
    assert keras.__version__ == keras.version() == names.KERAS_VERSION != cornu.__version__ == cornu.version()


def test_the_version_is_that_of_the_keras_that_tests_compare_with():
    assert importlib.metadata.version("keras") == names.KERAS_VERSION


def test_every_name_of_keras_that_a_module_of_cornu_defines_is_public():
    home = Path(str(importlib.metadata.distribution("keras").locate_file("keras")))
    hidden = []
    for file in [*home.glob("*/__init__.py"), *home.glob("*/*/__init__.py")]:
        parts = file.parent.relative_to(home).parts
        module: Any = functools.reduce(lambda module, part: getattr(module, part, None), parts, cornu)
        if parts[0] in ("_tf_keras", "src") or not isinstance(module, type(sys)):
            continue
        imports = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ImportFrom)]
        for name in {alias.asname or alias.name for node in imports for alias in node.names}:
            known = {*public_names(module), *REFUSED.get(module.__name__, ())}
            if hasattr(module, name) and name not in known:
                hidden.append(f"{module.__name__}.{name}")
    assert hidden == []


def test_the_modules_of_cornu_are_unchanged(hook):
    before = cornu.layers.__spec__, cornu.layers.__name__, cornu.layers.__loader__
    importlib.import_module("keras.layers")
    assert before == (cornu.layers.__spec__, cornu.layers.__name__, cornu.layers.__loader__)


def test_names_of_a_module_that_are_not_public_are_missing(hook):
    layers = importlib.import_module("keras.layers")
    with pytest.raises(AttributeError, match=r"`keras.layers.registry` was requested"):
        _ = layers.registry
    with pytest.raises(ImportError):
        importlib.import_module("keras.core")


def test_other_packages_are_left_alone(hook):
    assert hook.find_spec("keras_hub") is None
    assert hook.find_spec("json") is None
    assert hook.find_spec("tensorflow.data") is None


@pytest.mark.parametrize("importing", [True, False])
def test_the_error_for_a_missing_name_has_three_parts(importing):
    error = names.missing("keras.layers", "Dnse", importing)
    assert isinstance(error, errors.CornuError)
    assert isinstance(error, ModuleNotFoundError if importing else AttributeError)
    assert error.received == f"`keras.layers.Dnse` was {'imported' if importing else 'requested'}."
    assert error.expected == "Cornu has no such name in `keras.layers`."
    assert error.hint == "Did you mean 'Dense'?"


def test_the_error_for_a_name_of_a_missing_module_is_about_the_module():
    assert "`keras.layer` was imported" in str(names.missing("keras.layer.core", "Dense", True))


def test_installing_twice_adds_one_finder(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    import_hook.install()
    import_hook.install()
    assert sum(isinstance(finder, import_hook.KerasFinder) for finder in sys.meta_path) == 1
