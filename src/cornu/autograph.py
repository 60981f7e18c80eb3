"""Mark functions that TensorFlow's AutoGraph must call as they are."""

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable)

MARK = "autograph_info__"
"""The attribute by which AutoGraph recognizes functions that it need not convert."""


def not_converted(function: F) -> F:
    """Decorate a function that AutoGraph calls as it is.

    AutoGraph rewrites the source of functions that a ``tf.function`` calls, so that an ``if`` on a tensor becomes part of the
    graph. The code of Cornu needs no such change, and Keras's is not rewritten either.

    Example:
        >>> from cornu.autograph import not_converted
        >>> @not_converted
        ... def double(x):
        ...     return 2 * x
        >>> double(3)
        6
    """
    setattr(function, MARK, {})
    return function
