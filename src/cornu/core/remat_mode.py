"""Which layers are rematerialized, as a scope that a layer remembers when it is created."""

from typing import NamedTuple

from cornu.scopes import Scope


class RematMode(NamedTuple):
    """The arguments of a :class:`RematScope`."""

    mode: str | None
    output_size_threshold: int
    layer_names: list[str]


scope: Scope[RematMode | None] = Scope("rematerialization of the layers that are created", None)


def current_mode() -> RematMode | None:
    """Return the mode of the innermost :class:`RematScope`, or None."""
    return scope.get()
