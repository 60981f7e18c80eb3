"""What TensorFlow does with functions: AutoGraph rewrites them, and ``tf.function`` records them."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MARK = "autograph_info__"
"""The attribute by which AutoGraph recognizes functions that it need not convert."""


def not_converted(function: T) -> T:
    """Decorate a function, or a class whose instances are called, that AutoGraph calls as it is.

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


def not_recorded(function: Callable) -> Callable:
    """Return the Python function of a ``tf.function``, and any other function unchanged.

    A ``tf.function`` keeps the graph of its first call, with the arrays that are bound to variables in that call. Code that
    binds arrays to variables therefore calls the Python function, which becomes a part of its own graph.

    Args:
        function: A function or bound method.

    Example:
        >>> from cornu.autograph import not_recorded
        >>> not_recorded(max) is max
        True
    """
    return getattr(function, "python_function", function)
