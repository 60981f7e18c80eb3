"""Every backend has every primitive of the contract, with the same arguments."""

import importlib.util
import inspect

import pytest

from cornu import backends, config
from cornu.backends import contract, fused_ops


def functions_of(module):
    return {name: f for name, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__}


PRIMITIVES = {name: getattr(contract.Backend, name) for name in contract.PRIMITIVES}
SHORTCUTS = {name: f for name, f in functions_of(fused_ops).items() if name != "find"}
INSTALLED = [name for name in (*config.BACKENDS, *backends.TRACING_BACKENDS) if importlib.util.find_spec(name) is not None]


def arguments(function):
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


def test_the_protocol_of_a_backend_has_its_declarations_and_every_primitive():
    assert list(inspect.get_annotations(contract.Backend)) == ["NAME", "VALUE_ERRORS", "JUST_IN_TIME"]
    assert [name for name in vars(contract.Backend) if not name.startswith("_")] == list(PRIMITIVES)


@pytest.mark.parametrize("name", [name for name in backends.TRACING_BACKENDS if name in INSTALLED])
def test_a_tracing_backend_has_what_its_protocol_declares(name):
    assert not [each for each in inspect.get_annotations(contract.TracingBackend) if not hasattr(backends.get(name), each)]


@pytest.mark.parametrize("name", INSTALLED)
def test_a_backend_declares_its_name(name):
    assert backends.name_of(backends.get(name)) == backends.get(name).NAME == name


def test_there_are_at_most_150_primitives():
    assert 90 <= len(PRIMITIVES) <= 150


@pytest.mark.parametrize("primitive", PRIMITIVES)
@pytest.mark.parametrize("name", INSTALLED)
def test_a_backend_has_the_primitive_with_the_contracts_arguments(name, primitive):
    function = getattr(backends.get(name), primitive, None)

    assert callable(function), f"the backend {name!r} has no `{primitive}`"
    assert arguments(function) == arguments(PRIMITIVES[primitive])[1:]  # without `self`


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_a_shortcut_has_the_arguments_that_stand_in_shortcuts(shortcut):
    found = [getattr(backends.get(name), shortcut) for name in INSTALLED if hasattr(backends.get(name), shortcut)]

    assert found, f"no backend has the shortcut `{shortcut}`"
    assert all(arguments(function) == arguments(SHORTCUTS[shortcut]) for function in found)
