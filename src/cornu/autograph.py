"""Mark functions that TensorFlow's AutoGraph must call as they are."""

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
