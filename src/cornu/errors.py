"""The exceptions Cornu raises: what arrived, what was expected, what to do.

Each exception takes the three parts one by one, so that none can be forgotten, and joins them into one text. All of them are
also a ``ValueError`` or a ``TypeError`` (or an ``ImportError``, for a missing package), as Python's own would be.
"""

import difflib
from collections.abc import Iterable


class CornuError(Exception):
    """The base of every exception that Cornu raises on purpose.

    Args:
        arrived: What the user gave, in the user's own names.
        expected: What would have been right.
        advice: What to do about it.

    Example:
        >>> from cornu.errors import InvalidArgumentError
        >>> str(InvalidArgumentError("`units` is -3.", "It must be positive.", "Pass `units=3`."))
        '`units` is -3. It must be positive. Pass `units=3`.'
    """

    def __init__(self, received: str, expected: str, hint: str):
        self.received, self.expected, self.hint = received, expected, hint
        super().__init__(" ".join(part for part in (received, expected, hint) if part))

    def __reduce__(self):
        return type(self), (self.received, self.expected, self.hint)


class InvalidArgumentError(CornuError, ValueError):
    """An argument has a value that cannot be used.

    Example:
        >>> import cornu
        >>> from cornu.errors import InvalidArgumentError
        >>> try:
        ...     cornu.Input((0,))
        ... except InvalidArgumentError as error:
        ...     print(error.expected)
        Sizes must be positive, or None if they vary.
    """


class InvalidTypeError(CornuError, TypeError):
    """An argument is of a kind that cannot be used.

    Example:
        >>> from cornu import layers
        >>> from cornu.errors import InvalidTypeError
        >>> try:
        ...     layers.Dense(3, activaton="relu")
        ... except InvalidTypeError as error:
        ...     print(error.advice)
        Did you mean 'activation'?
    """


class ShapeError(InvalidArgumentError):
    """An array does not have the shape that a layer, a model or a loss needs.

    Example:
        >>> from cornu import Variable
        >>> from cornu.errors import ShapeError
        >>> try:
        ...     Variable([1.0, 2.0]).assign([1.0])
        ... except ShapeError as error:
        ...     print(error.expected)
        Its shape is (2,).
    """


class DataError(InvalidArgumentError):
    """The data given to ``fit``, ``evaluate`` or ``predict`` cannot be used.

    Example:
        >>> from cornu.errors import DataError
        >>> issubclass(DataError, ValueError)
        True
    """


class NonFiniteError(DataError):
    """The data or the loss contains NaN or infinity.

    Example:
        >>> from cornu.errors import DataError, NonFiniteError
        >>> issubclass(NonFiniteError, DataError)
        True
    """


class NotBuiltError(InvalidArgumentError):
    """A layer or model was asked for something it knows only once it is built.

    Example:
        >>> from cornu import layers
        >>> from cornu.errors import NotBuiltError
        >>> try:
        ...     layers.Dense(3).count_params()
        ... except NotBuiltError as error:
        ...     print(error.expected)
        It is known once the layer is built.
    """


class BackendError(InvalidArgumentError):
    """Arrays of two backends met in one operation, or a backend cannot do what was asked.

    Example:
        >>> import numpy as np
        >>> from cornu import ops
        >>> from cornu.errors import BackendError
        >>> try:
        ...     ops.cast(np.ones(2), "bfloat16")
        ... except BackendError as error:
        ...     print(error.expected)
        NumPy has no bfloat16 dtype.
    """


class ModelFormatError(InvalidArgumentError):
    """A model or weights file cannot be read: damaged, of another kind, or not matching the model.

    Example:
        >>> from cornu.errors import ModelFormatError
        >>> from cornu.models import model_from_json
        >>> try:
        ...     model_from_json('{"class_name": "Sequential", "module": "keras", "config": {}}')
        ... except ModelFormatError as error:
        ...     print(error.expected)
        It must be the config of a layer as Keras and Cornu write it.
    """


class UnsafeModelError(ModelFormatError):
    """A model file names something outside the table of what a file may name.

    Example:
        >>> from cornu.serialization import deserialize
        >>> from cornu.errors import UnsafeModelError
        >>> try:
        ...     deserialize({"module": "os", "class_name": "system", "config": {}})
        ... except UnsafeModelError as error:
        ...     print(error.arrived)
        The config names 'system' (module 'os').
    """


class MissingPackageError(CornuError, ImportError):
    """A package that this feature needs is not installed.

    Example:
        >>> from cornu.errors import MissingPackageError
        >>> str(MissingPackageError("A chart was asked for.", "It needs matplotlib.", "Run `pip install matplotlib`."))
        'A chart was asked for. It needs matplotlib. Run `pip install matplotlib`.'
    """


def did_you_mean(name: object, options: Iterable[str]) -> str:
    """The sentence ``Did you mean 'x'?`` for the nearest option, or an empty text.

    Args:
        name: What the user wrote.
        options: What could have been meant.

    Returns:
        A sentence, or ``""`` if nothing is near.

    Example:
        >>> from cornu.errors import did_you_mean
        >>> did_you_mean("vaild", ["valid", "same"])
        "Did you mean 'valid'?"
    """
    nearest = difflib.get_close_matches(str(name), map(str, options), n=1, cutoff=0.5)
    return f"Did you mean {nearest[0]!r}?" if nearest else ""


def one_of(argument: str, value: object, options: Iterable[str], guess: str = "") -> InvalidArgumentError:
    """The exception for an argument that takes one of a few names.

    Args:
        argument: Name of the argument.
        value: What arrived.
        options: The names that are accepted.
        guess: The option to suggest if it is known better than by spelling.

    Returns:
        The exception, to be raised by the caller.

    Example:
        >>> from cornu.errors import one_of
        >>> str(one_of("padding", "smae", ["valid", "same"]))
        "`padding='smae'` was given. It must be one of 'valid', 'same'. Did you mean 'same'?"
    """
    options = list(options)
    listed = ", ".join(repr(option) for option in options)
    hint = f"Did you mean {guess!r}?" if guess else did_you_mean(value, options)
    return InvalidArgumentError(
        f"`{argument}={value!r}` was given.",
        f"It must be one of {listed}.",
        hint or f"Choose one of them for `{argument}`.",
    )
