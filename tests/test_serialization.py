"""The functions ``get``, ``serialize`` and ``deserialize`` of the public modules."""

import copy
import doctest
import importlib
import inspect
import pickle

import keras
import pytest

from cornu import layers
from cornu.constraints import MaxNorm
from cornu.errors import InvalidArgumentError, InvalidTypeError, UnsafeModelError

MODULES = {
    "activations": "relu",
    "constraints": "max_norm",
    "initializers": "zeros",
    "layers": "flatten",
    "losses": "huber",
    "metrics": "mean",
    "optimizers": "adam",
    "optimizers.schedules": None,
    "regularizers": "l2",
}
"""Public module to the name of an object that needs no arguments."""

NAMED = [module for module, name in MODULES.items() if name is not None]
WITH_GET = [module for module in NAMED if module != "layers"]


def ours(module):
    return importlib.import_module(f"cornu.{module}")


def theirs(module):
    found = keras
    for name in module.split("."):
        found = getattr(found, name)
    return found


def functions(module):
    return [name for name in ("get", "serialize", "deserialize") if hasattr(ours(module), name)]


@pytest.mark.parametrize("module", MODULES)
def test_arguments_have_the_names_and_order_of_keras(module):
    for name in functions(module):
        mine = inspect.signature(getattr(ours(module), name)).parameters
        of_keras = inspect.signature(getattr(theirs(module), name)).parameters
        assert [(p.name, p.default) for p in mine.values()] == [(p.name, p.default) for p in of_keras.values()], name


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_their_docstrings_run(module):
    for name in functions(module):
        function = getattr(ours(module), name)
        problems = []
        (found,) = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
        assert found.examples and function.__name__ == name
        doctest.DocTestRunner(verbose=False).run(found, out=problems.append)
        assert not problems, "".join(problems)


@pytest.mark.parametrize("module", MODULES)
def test_arguments_may_be_passed_by_name(module):
    package, example = ours(module), MODULES[module]
    thing = package.ExponentialDecay(0.1, 10, 0.5) if example is None else package.deserialize(example)
    serialized = inspect.signature(package.serialize).parameters
    config = package.serialize(**{next(iter(serialized)): thing})
    first = next(iter(inspect.signature(package.deserialize).parameters))
    again = package.deserialize(**{first: config, "custom_objects": None})
    assert package.serialize(again) == config


@pytest.mark.parametrize("module", NAMED)
def test_deserialize_also_takes_names(module):
    found = ours(module).deserialize(MODULES[module])
    assert found is not None and not isinstance(found, str)


@pytest.mark.parametrize("module", MODULES)
def test_deserialize_finds_custom_objects(module):
    marker = object.__new__(type("Marker", (), {"__call__": lambda self: self}))
    assert ours(module).deserialize("mine", {"mine": marker}) is marker
    with pytest.raises(InvalidArgumentError, match="'mine' was received"):
        ours(module).deserialize("mine")


@pytest.mark.parametrize("module", MODULES)
def test_a_config_of_another_kind_is_refused(module):
    with pytest.raises(UnsafeModelError, match=f"not one of the {module} that a config may name"):
        ours(module).deserialize({"class_name": "Nothing", "config": {}})
    with pytest.raises(InvalidTypeError, match=f"3 was received where one of the {module} was expected"):
        ours(module).deserialize(3)


@pytest.mark.parametrize("module", WITH_GET)
def test_none_stays_none_but_for_activations(module):
    expected = ours("activations").linear if module == "activations" else None
    assert ours(module).get(None) is expected and ours(module).deserialize(None) is expected


def test_a_missing_argument_is_named():
    with pytest.raises(TypeError, match="missing a required argument: 'constraint'"):
        ours("constraints").serialize()
    with pytest.raises(TypeError, match="too many positional arguments"):
        ours("constraints").serialize(MaxNorm(), MaxNorm())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_an_object_whose_constructor_requires_arguments_can_be_copied(copied):
    layer = layers.Dense(3, activation="relu")
    assert copied(layer).get_config() == layer.get_config()
