"""Every backend has every primitive of the contract, with the same arguments."""

import inspect

import pytest

from cornu import backends, config
from cornu.backends import contract

PRIMITIVES = {
    name: value for name, value in vars(contract).items() if inspect.isfunction(value) and value.__module__ == contract.__name__
}


def arguments(function):
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


def test_there_are_at_most_150_primitives():
    assert 90 <= len(PRIMITIVES) <= 150


@pytest.mark.parametrize("primitive", PRIMITIVES)
@pytest.mark.parametrize("name", config.installed_backends())
def test_a_backend_has_the_primitive_with_the_contracts_arguments(name, primitive):
    function = getattr(backends.get(name), primitive, None)

    assert callable(function), f"the backend {name!r} has no `{primitive}`"
    assert arguments(function) == arguments(PRIMITIVES[primitive])
