"""A computed attribute that a subclass or a user may replace."""

from collections.abc import Callable
from typing import Any


class soft_property:
    """A read-only property that an instance attribute of the same name replaces.

    Cornu's additions to Keras's ``Layer`` are such properties, because ``self.backend = ...`` in a subclass written for Keras
    must work: the name belongs to the user. Cornu's own code asks the functions behind them.

    Args:
        function: Takes the object and returns the value.

    Example:
        >>> from cornu.core.soft_property import soft_property
        >>> class Room:
        ...     @soft_property
        ...     def place(self):
        ...         return "somewhere"
        >>> room = Room()
        >>> room.place
        'somewhere'
        >>> room.place = "here"
        >>> room.place
        'here'
    """

    def __init__(self, function: Callable[[Any], Any]):
        self.function, self.__doc__ = function, function.__doc__

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else self.function(owner)
