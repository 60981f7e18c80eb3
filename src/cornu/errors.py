"""Exceptions raised by Cornu, and its warnings. Each message states what was received, what was expected and what to do.

The three parts are separate required arguments, which the exception joins into one message. Every exception also derives from
``ValueError`` or ``TypeError``, or, for something that is missing, from ``ImportError``, ``AttributeError`` or
``FileNotFoundError``.
"""

import difflib
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, TracebackType

_BETWEEN = {*sys.stdlib_module_names, "cornu", "jax", "numpy", "scipy", "sklearn", "tensorflow", "torch"}
"""Packages whose functions may stand between the user's code and a warning or error."""

_INSTALLED = {"site-packages", "dist-packages"}
"""Folders of installed packages."""


class CornuError(Exception):
    """Base class of the exceptions that Cornu raises.

    Args:
        received: String, what was received, in terms of the user's arguments.
        expected: String, what was expected.
        hint: String, how to fix the problem.

    Attributes:
        received: The first part of the message.
        expected: The second part of the message.
        hint: The third part of the message.

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
    """Raised when an argument has an invalid value.

    Example:
        >>> import cornu
        >>> from cornu.errors import InvalidArgumentError
        >>> try:
        ...     cornu.Input((0,))
        ... except InvalidArgumentError as error:
        ...     print(type(error).__name__)
        InvalidArgumentError
    """


class InvalidTypeError(CornuError, TypeError):
    """Raised when an argument has an invalid type, or when an argument name is unknown.

    Example:
        >>> from cornu import layers
        >>> from cornu.errors import InvalidTypeError
        >>> try:
        ...     layers.Dense(3, activaton="relu")
        ... except InvalidTypeError as error:
        ...     print(error.hint)
        Did you mean 'activation'?
    """


class TracedValueError(InvalidTypeError):
    """Raised when code reads the values of an array inside a function that is being compiled.

    Example:
        >>> from cornu.errors import InvalidTypeError, TracedValueError
        >>> issubclass(TracedValueError, InvalidTypeError)
        True
    """


class ShapeError(InvalidArgumentError):
    """Raised when an array does not have the shape that a layer, model or loss requires.

    Example:
        >>> from cornu import Variable
        >>> from cornu.errors import ShapeError
        >>> try:
        ...     Variable([1.0, 2.0]).assign([1.0])
        ... except ShapeError as error:
        ...     print(type(error).__name__)
        ShapeError
    """


class DataError(InvalidArgumentError):
    """Raised when the data passed to ``fit``, ``evaluate`` or ``predict`` are invalid.

    Example:
        >>> from cornu.errors import DataError
        >>> issubclass(DataError, ValueError)
        True
    """


class NonFiniteError(DataError, RuntimeError):
    """Raised when the data or the loss contain NaN or infinity.

    Example:
        >>> from cornu.errors import DataError, NonFiniteError
        >>> issubclass(NonFiniteError, DataError)
        True
    """


class NotBuiltError(InvalidArgumentError):
    """Raised when an operation requires a built layer or model, and it is not built.

    Example:
        >>> from cornu import layers
        >>> from cornu.errors import NotBuiltError
        >>> try:
        ...     layers.Dense(3).count_params()
        ... except NotBuiltError as error:
        ...     print(type(error).__name__)
        NotBuiltError
    """


class NotBuiltAttributeError(NotBuiltError, AttributeError):
    """Raised when an attribute is requested that a layer or model has only once it is built; ``hasattr`` returns False.

    Example:
        >>> import cornu
        >>> from cornu import layers
        >>> hasattr(cornu.Sequential([layers.Dense(3)]), "input_shape")
        False
    """


class BackendError(InvalidArgumentError):
    """Raised when one operation receives arrays of two backends, or when a backend does not support an operation.

    Example:
        >>> from cornu import config, ops
        >>> from cornu.errors import BackendError
        >>> try:
        ...     with config.placement_scope("numpy"):
        ...         ops.zeros((2,), dtype="bfloat16")
        ... except BackendError as error:
        ...     print(error.expected)
        NumPy has no bfloat16 dtype.
    """


class MissingFileError(InvalidArgumentError, FileNotFoundError):
    """Raised when a file to be read, or the folder of a file to be written, does not exist.

    Example:
        >>> from cornu.errors import MissingFileError
        >>> from cornu.models import load_model
        >>> try:
        ...     load_model("no/such/file.keras")
        ... except FileNotFoundError as error:
        ...     print(type(error).__name__)
        MissingFileError
    """


class ModelFormatError(InvalidArgumentError):
    """Raised when a model or weights file is damaged, has another format or does not match the model.

    Example:
        >>> from cornu.errors import ModelFormatError
        >>> from cornu.models import model_from_json
        >>> try:
        ...     model_from_json('{"class_name": "Sequential", "module": "keras", "config": {}}')
        ... except ModelFormatError as error:
        ...     print(type(error).__name__)
        ModelFormatError
    """


class UnsafeModelError(ModelFormatError):
    """Raised when a model file refers to an object that is not registered.

    Example:
        >>> from cornu.serialization import deserialize
        >>> from cornu.errors import UnsafeModelError
        >>> try:
        ...     deserialize({"module": "os", "class_name": "system", "config": {}})
        ... except UnsafeModelError as error:
        ...     print(type(error).__name__)
        UnsafeModelError
    """


class MissingPackageError(CornuError, ImportError):
    """Raised when a package required by a feature is not installed.

    Example:
        >>> from cornu.errors import MissingPackageError
        >>> str(MissingPackageError("Cannot draw a chart.", "matplotlib is required.", "Run `pip install matplotlib`."))
        'Cannot draw a chart. matplotlib is required. Run `pip install matplotlib`.'
    """


class MissingNameError(CornuError, AttributeError):
    """Raised when a program requests a name of Keras that Cornu, or an object, does not have.

    Example:
        >>> from cornu.errors import MissingNameError
        >>> issubclass(MissingNameError, AttributeError)
        True
    """


class MissingModuleError(CornuError, ModuleNotFoundError):
    """Raised when a program imports a name of Keras that Cornu does not have.

    Example:
        >>> from cornu.errors import MissingModuleError
        >>> issubclass(MissingModuleError, ImportError)
        True
    """


def did_you_mean(name: object, options: Iterable[str]) -> str:
    """Return the sentence ``Did you mean 'x'?`` for the option closest to a name.

    Args:
        name: Name that was received.
        options: Iterable of valid names.

    Returns:
        String, the sentence, or ``""`` if no option is similar.

    Example:
        >>> from cornu.errors import did_you_mean
        >>> did_you_mean("vaild", ["valid", "same"])
        "Did you mean 'valid'?"
    """
    nearest = difflib.get_close_matches(str(name), map(str, options), n=1, cutoff=0.5)
    return f"Did you mean {nearest[0]!r}?" if nearest else ""


_RENAMED = {
    "alpha": ("negative_slope",),
    "b_constraint": ("bias_constraint",),
    "b_regularizer": ("bias_regularizer",),
    "bias": ("use_bias",),
    "border_mode": ("padding",),
    "dim_ordering": ("data_format",),
    "dropout_U": ("recurrent_dropout",),
    "dropout_W": ("dropout",),
    "init": ("kernel_initializer", "embeddings_initializer"),
    "inner_activation": ("recurrent_activation",),
    "inner_init": ("recurrent_initializer",),
    "length": ("size",),
    "nb_epoch": ("epochs",),
    "nb_filter": ("filters",),
    "nb_val_samples": ("validation_steps",),
    "output_dim": ("units",),
    "p": ("rate",),
    "pool_length": ("pool_size",),
    "samples_per_epoch": ("steps_per_epoch",),
    "sigma": ("stddev",),
    "stride": ("strides",),
    "subsample": ("strides",),
    "subsample_length": ("strides",),
    "theta": ("threshold",),
    "W_constraint": ("kernel_constraint", "embeddings_constraint"),
    "W_regularizer": ("kernel_regularizer", "embeddings_regularizer"),
}
"""Names of arguments in Keras 1 and 2 to those of Keras 3. A name by spelling would often be wrong."""

_REMOVED = ("workers", "use_multiprocessing", "max_queue_size")
"""Arguments of Keras 2 for the preparation of batches."""


def wrong_argument(function: str, name: str, known: Iterable[str]) -> InvalidTypeError:
    """Return the exception for an argument that a function or class does not have.

    Args:
        function: Name of the function or class.
        name: Name of the argument that was received.
        known: Iterable of the names of its arguments.

    Returns:
        ``InvalidTypeError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.errors import wrong_argument
        >>> print(wrong_argument("Conv2D", "border_mode", ["filters", "padding"]).hint)
        Keras 3 calls it `padding`.
    """
    known = list(known)
    successor = next((new for new in _RENAMED.get(name, ()) if new in known), None)
    hint = f"Keras 3 calls it `{successor}`." if successor else did_you_mean(name, known)
    if name in _REMOVED:
        hint = "Omit it: batches are prepared in the background. Parallel preparation belongs to the data set."
    return InvalidTypeError(
        f"`{function}` received an unknown argument `{name}`.",
        f"Its arguments are {', '.join(known)}." if known else "It has no arguments.",
        hint or "Remove it.",
    )


def one_of(argument: str, value: object, options: Iterable[object], guess: str = "") -> InvalidArgumentError:
    """Return the exception for an argument whose value is not one of a fixed set of options.

    Args:
        argument: Name of the argument.
        value: Value that was received.
        options: Iterable of valid values.
        guess: Option to suggest. Defaults to the option with the most similar spelling.

    Returns:
        ``InvalidArgumentError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.errors import one_of
        >>> str(one_of("padding", "smae", ["valid", "same"]))
        "`padding='smae'` was given. It must be one of 'valid', 'same'. Did you mean 'same'?"
    """
    options = list(options)
    listed = ", ".join(repr(option) for option in options)
    hint = f"Did you mean {guess!r}?" if guess else did_you_mean(value, map(str, options))
    return InvalidArgumentError(
        f"`{argument}={value!r}` was given.",
        f"It must be one of {listed}.",
        hint or f"Choose one of them for `{argument}`.",
    )


def returned_none(function: Callable | str, expected: str, example: str) -> InvalidTypeError:
    """Return the exception for a function of the user that returned None, usually because it has no ``return``.

    Args:
        function: The function, or its name.
        expected: String, what the function must return.
        example: String, a last line of such a function.

    Returns:
        ``InvalidTypeError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.errors import returned_none
        >>> str(returned_none("mine", "a scalar", "return ops.mean(x)"))
        '`mine` returned None. It must return a scalar. End it with `return`, for example `return ops.mean(x)`.'
    """
    name = function if isinstance(function, str) else getattr(function, "__name__", f"{type(function).__name__}.__call__")
    return InvalidTypeError(
        f"`{name}` returned None.", f"It must return {expected}.", f"End it with `return`, for example `{example}`."
    )


def not_constructed(kind: str, what: str, call: str = "super().__init__()") -> InvalidTypeError:
    """Return the exception for an object whose constructor did not call the constructor of its base class.

    Args:
        kind: Name of the class.
        what: String, what the object is, such as ``"layer"``.
        call: String, the missing call. Defaults to ``"super().__init__()"``.

    Returns:
        ``InvalidTypeError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.errors import not_constructed
        >>> not_constructed("Mine", "layer").hint
        'Begin `Mine.__init__` with `super().__init__()`.'
    """
    return InvalidTypeError(
        f"The {what} `{kind}` was used before it was initialized.",
        "The constructor of a subclass must call the constructor of its base class.",
        f"Begin `{kind}.__init__` with `{call}`.",
    )


def line_of_user(error: BaseException) -> TracebackType | None:
    """Return the innermost entry of the traceback of an exception that belongs to the user's code, or None if none does.

    Code of installed packages counts only if there is no other.

    Args:
        error: The exception.

    Example:
        >>> from cornu.errors import line_of_user
        >>> line_of_user(ValueError("not raised")) is None
        True
    """
    entries, entry = [], error.__traceback__
    while entry is not None:
        if not _is_between(entry.tb_frame):
            entries.append(entry)
        entry = entry.tb_next
    own = [entry for entry in entries if not _INSTALLED & set(Path(entry.tb_frame.f_code.co_filename).parts)]
    return (own or entries or [None])[-1]


def place_of(entry: TracebackType) -> str:
    """Return the function and line of an entry of a traceback in words, such as ```loss`, line 3 of `train.py```.

    Args:
        entry: The entry.

    Example:
        >>> from cornu.errors import place_of
        >>> def invert(x):
        ...     return 1 / x
        >>> try:
        ...     invert(0)
        ... except ZeroDivisionError as error:
        ...     print(place_of(error.__traceback__.tb_next).partition(" of")[0])
        `invert`, line 2
    """
    code = entry.tb_frame.f_code
    names = [part for part in code.co_qualname.split(".<locals>.") if not part.startswith("<")]
    function = f"`{names[-1]}`, " if names else ""
    return f"{function}line {entry.tb_lineno} of `{Path(code.co_filename).name}`"


def _is_between(frame: FrameType) -> bool:
    """Return whether a frame runs code of Cornu, an engine or another library, which the user does not know."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN


def warn(text: str, at: TracebackType | None = None) -> None:
    """Issue a warning that names the line of the user's code that led to it.

    Args:
        text: The message.
        at: The line, as an entry of a traceback. Defaults to None (the line that called Cornu).

    Example:
        >>> import warnings
        >>> from cornu import errors
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     errors.warn("The model is not built.")
        >>> str(caught[0].message), caught[0].category
        ('The model is not built.', <class 'UserWarning'>)
    """
    if at is not None:
        namespace = at.tb_frame.f_globals
        name, registry = namespace.get("__name__"), namespace.setdefault("__warningregistry__", {})
        warnings.warn_explicit(text, UserWarning, at.tb_frame.f_code.co_filename, at.tb_lineno, name, registry)
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _is_between(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, stacklevel=level)
