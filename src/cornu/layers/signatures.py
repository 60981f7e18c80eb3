"""Signatures of constructors that pass arguments on to their base class, or to a part of the layer."""

import inspect
from collections import ChainMap
from collections.abc import Callable

from cornu.serialization import Constructor, accept, constructor_of


def with_signature(names: str, *sources: type) -> Callable[[Constructor], Constructor]:
    """Give a constructor with ``**kwargs`` the signature of Keras's, in which all arguments have names and positions.

    Args:
        names: Names of the arguments in their order, separated by spaces.
        *sources: The classes to whose constructors ``**kwargs`` is passed on. They, or their base classes, define the arguments
            that the constructor does not define itself.

    Example:
        >>> import inspect
        >>> from cornu.layers.signatures import with_signature
        >>> class Shape:
        ...     def __init__(self, color="red", **kwargs):
        ...         self.color = color
        >>> class Circle(Shape):
        ...     @with_signature("radius color", Shape)
        ...     def __init__(self, radius, **kwargs):
        ...         super().__init__(**kwargs)
        >>> str(inspect.signature(Circle)), Circle(2, "blue").color
        ("(radius, color='red', **kwargs)", 'blue')
    """

    def decorate(constructor: Constructor) -> Constructor:
        own = dict(inspect.signature(constructor).parameters)
        classes = [base for source in sources for base in source.__mro__]
        known = ChainMap(own, *(dict(constructor_of(kind).parameters) for kind in classes))
        parameters = [known[name].replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names.split()]
        return accept(inspect.Signature([own["self"], *parameters, own["kwargs"]]), constructor)

    return decorate
