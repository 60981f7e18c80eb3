"""The public face, and Keras's namespaces that gather names from several tiers."""

import ast
import importlib
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import cornu
from cornu import namespaces, registry
from cornu.namespaces import NAMESPACES

KERAS_NAMESPACES = [name for name in NAMESPACES if name != "cornu"]

NAMES = [
    (namespace, name)
    for namespace in KERAS_NAMESPACES
    for name, home in NAMESPACES[namespace].items()
    if home != f"{namespace}.{name}"  # a module
]

NOT_CORNUS: dict[str, set[str]] = {}
"""Arguments of Keras's that Cornu does not have."""

ONLY_CORNUS = ["expand_blocks"]
"""Arguments of diagrams that Keras does not have, behind those of Keras."""

IN_KERAS_KWARGS = {"load_weights": {"objects_to_skip", "by_name"}, "save_weights": {"objects_to_skip"}}
"""Arguments that Keras takes as ``**kwargs``, and that signatures here list."""

PUBLIC_MODULES = {path.stem for path in Path(cornu.__file__).parent.iterdir() if path.suffix == ".py" or path.is_dir()}

WITH_CODE = ("cornu.saving", "cornu.config")
"""Modules of their own that also export names of higher tiers."""


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_name_is_found_where_the_table_says(namespace):
    module = importlib.import_module(namespace)
    for name, target in NAMESPACES[namespace].items():
        home, _, original = target.partition(":")
        found = getattr(module, name)
        expected = importlib.import_module(home)
        assert found is (expected if home == f"{namespace}.{name}" else getattr(expected, original or name))
        assert inspect.ismodule(found) or getattr(found, "__module__", home).startswith(("cornu.", "contextlib"))


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_dir_and_all_list_the_names(namespace):
    module = importlib.import_module(namespace)
    assert set(NAMESPACES[namespace]) <= set(module.__all__) <= set(dir(module))
    assert len(set(module.__all__)) == len(module.__all__)
    assert {"__doc__", "__name__"} < set(dir(module))


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_name_that_is_not_there_is_an_attribute_error(namespace):
    module = importlib.import_module(namespace)
    with pytest.raises(AttributeError, match=f"module '{namespace}' has no attribute 'Sequentail'"):
        _ = module.Sequentail
    assert not hasattr(module, "_HOMES")


@pytest.mark.parametrize("namespace", KERAS_NAMESPACES)
def test_a_star_import_brings_the_names(namespace):
    brought = {}
    exec(f"from {namespace} import *", brought)
    assert set(NAMESPACES[namespace]) <= set(brought)


@pytest.mark.parametrize("module", [name for name in cornu.__all__ if name.islower() and name in PUBLIC_MODULES])
def test_public_functions_and_classes_can_be_pickled(module):
    found = importlib.import_module(f"cornu.{module}")
    things = [getattr(found, name) for name in namespaces.public_names(found)]
    things = [thing for thing in things if (inspect.isfunction(thing) or inspect.isclass(thing)) and registry.is_builtin(thing)]
    assert [pickle.loads(pickle.dumps(thing)) for thing in things] == things


@pytest.mark.parametrize(("namespace", "name"), NAMES)
def test_signatures_are_those_of_keras(namespace, name):
    of_keras = getattr(importlib.import_module(namespace.replace("cornu", "keras")), name)
    if inspect.ismodule(of_keras):
        missing = set(namespaces.public_names(of_keras)) - set(getattr(importlib.import_module(namespace), name).__all__)
        assert missing <= {"affine_transform"}  # of boxes: the matrix of Keras does not follow from its arguments
        return
    theirs = dict(inspect.signature(of_keras).parameters)
    mine = inspect.signature(getattr(importlib.import_module(namespace), name)).parameters.values()
    mine = {p.name: p for p in mine if p.kind is not p.VAR_KEYWORD}
    theirs = [p for p in theirs.values() if p.kind is not p.VAR_KEYWORD and p.name not in NOT_CORNUS.get(name, ())]
    listed = [n for n, p in mine.items() if p.kind is not p.VAR_KEYWORD and n not in IN_KERAS_KWARGS.get(name, ())]
    assert listed == [p.name for p in theirs] + [n for n in ONLY_CORNUS if n in mine]
    for p in theirs:
        if p.default is not p.empty:
            assert mine[p.name].default == p.default, p.name


@pytest.mark.parametrize("namespace", [name for name in NAMESPACES if name not in WITH_CODE])
def test_type_checkers_see_the_names_of_the_table(namespace):
    """``cornu.saving`` and ``cornu.config`` may not import from the higher tier, not even for type checkers."""
    tree = ast.parse(Path(importlib.import_module(namespace).__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for node in block.body:
        for alias in node.names:
            home = f"{node.module}.{alias.name}" if node.module in ("cornu", namespace) else node.module
            original = "" if alias.name == alias.asname else f":{alias.name}"
            seen[alias.asname] = home + original
    assert seen == NAMESPACES[namespace]


def test_the_namespaces_hold_no_code():
    for namespace in KERAS_NAMESPACES:
        if namespace not in WITH_CODE:
            tree = ast.parse(Path(importlib.import_module(namespace).__file__).read_text(encoding="utf-8"))
            assert not [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))], namespace


def test_importing_a_namespace_imports_nothing_else_of_cornu():
    names = [name for name in KERAS_NAMESPACES if name not in WITH_CODE]
    code = f"import sys, {', '.join(names)}; print(*(name for name in sys.modules if name.partition('.')[0] == 'cornu'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"cornu", "cornu.namespaces", *names}


def test_saving_imports_models_only_when_it_is_asked_for_them():
    code = "import sys, cornu.saving as s; print('cornu.models' in sys.modules, s.load_model.__module__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "cornu.models.load"]


# --- What they do ---------------------------------------------------------------------------------------------------------


def test_the_custom_object_scope_is_that_of_keras():
    def mine(x):
        return x

    for module in (cornu.utils, keras.utils):
        with module.CustomObjectScope({"mine": mine}):
            assert (
                module.deserialize_keras_object(
                    {"module": "builtins", "class_name": "function", "config": "mine", "registered_name": "function"}
                )
                is mine
            )


def test_random_values_follow_from_a_seed_generator():
    one, other = cornu.random.SeedGenerator(3), cornu.random.SeedGenerator(3)
    first, again = (cornu.random.uniform((4,), seed=generator).tolist() for generator in (one, other))
    assert first == again != cornu.random.uniform((4,), seed=one).tolist()


def test_the_global_policy_is_set_under_both_names():
    try:
        cornu.mixed_precision.set_global_policy("mixed_bfloat16")
        assert cornu.mixed_precision.dtype_policy().name == cornu.mixed_precision.global_policy().name == "mixed_bfloat16"
        assert cornu.dtype_policies.get(None).compute_dtype == "bfloat16"
    finally:
        cornu.mixed_precision.set_dtype_policy(None)
    assert cornu.mixed_precision.global_policy().name == cornu.backend.floatx()


PACKAGES = (
    *("callbacks", "datasets", "export", "layers", "losses", "metrics", "models", "ops", "ops.image", "ops.nn", "optimizers"),
    *("plots", "testing"),
)
"""Public packages whose names are no table of ``namespaces``."""


@pytest.mark.parametrize("package", PACKAGES)
def test_the_error_for_a_missing_name_of_a_package_names_the_nearest(package):
    module = importlib.import_module(f"cornu.{package}")
    known = next(name for name in module.__all__ if len(name) > 4)
    with pytest.raises(AttributeError, match=f"^module 'cornu.{package}' has no attribute '{known}x'. Did you mean '{known}'"):
        getattr(module, f"{known}x")


def test_the_public_names_of_a_module_without_a_list_are_those_it_defines():
    assert "set_seed" in namespaces.public_names(importlib.import_module("cornu.seeds"))


def test_the_names_of_the_ops_of_numpy_are_those_of_keras_and_the_same_functions():
    expected = {name for name in dir(keras.ops.numpy) if not name.startswith("_")} & set(cornu.ops.__all__)
    assert set(cornu.ops.numpy.__all__) == expected
    assert all(getattr(cornu.ops.numpy, name) is getattr(cornu.ops, name) for name in expected)


@pytest.mark.parametrize("name", ["KerasTensor", "Initializer", "Loss", "Metric", "Optimizer", "Regularizer", "StatelessScope"])
def test_the_base_classes_are_those_of_the_objects(name):
    example = {
        "KerasTensor": lambda: cornu.Input((3,)),
        "Initializer": lambda: cornu.initializers.Zeros(),
        "Loss": lambda: cornu.losses.MeanSquaredError(),
        "Metric": lambda: cornu.metrics.Mean(),
        "Optimizer": lambda: cornu.optimizers.SGD(),
        "Regularizer": lambda: cornu.regularizers.L2(),
        "StatelessScope": lambda: cornu.StatelessScope(),
    }
    assert isinstance(example[name](), getattr(cornu, name))
