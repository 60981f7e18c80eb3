"""A computed attribute that a subclass or a user may replace."""

from collections.abc import Callable
from typing import Any


class soft_property:
    """Read-only property that is replaced by an instance attribute of the same name.

    Cornu's additions to Keras's ``Layer`` are such properties, so that ``self.backend = ...`` works in a subclass written for
    Keras. Cornu's own code calls the underlying functions instead.

    Args:
        function: Function that receives the object and returns the value.

    Example:
        >>> from cornu.core.soft_property import soft_property
        >>> class Shape:
        ...     @soft_property
        ...     def sides(self):
        ...         return 3
        >>> shape = Shape()
        >>> shape.sides
        3
        >>> shape.sides = 4
        >>> shape.sides
        4
    """

    def __init__(self, function: Callable[[Any], Any]):
        self.function, self.__doc__ = function, function.__doc__

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else self.function(owner)
