"""What a layer says when it is used in a way it cannot be: the exceptions of ``core/layer.py``, to be raised there."""

import inspect
from typing import Any

from cornu import trees
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError, did_you_mean
from cornu.ops.shape_checks import shapes_text

_WHERE = "This happened in the layer "
"""How the note begins that says in which layer an exception came up."""


def say_where(layer: Any, error: Exception, args: tuple, kwargs: dict) -> None:
    """Adds to an exception that leaves a ``call`` a note that says of which layer, and the shapes that it was called on.

    Of layers inside one another the innermost says it. An exception whose text names the layer needs no note.
    """
    notes = getattr(error, "__notes__", ())
    if repr(layer.name) in str(error) or any(note.startswith(_WHERE) for note in notes):
        return
    shapes = [leaf.shape for leaf in trees.leaves((args, kwargs)) if hasattr(leaf, "shape")]
    arrays = "an array of shape" if len(shapes) == 1 else "arrays of shapes"
    on = f", called on {arrays} {shapes_text(shapes)}" if shapes else ""
    error.add_note(f"{_WHERE}{layer.name!r} ({type(layer).__name__}){on}.")


def unknown_argument(kind: type, given: dict[str, Any], base_arguments: tuple[str, ...]) -> InvalidTypeError:
    """For a constructor that got an argument it does not have."""
    name = next(iter(given))
    known = dict.fromkeys([*inspect.signature(kind.__init__).parameters, *base_arguments])
    known = [argument for argument in known if argument not in ("self", "args", "kwargs")]
    return InvalidTypeError(
        f"`{kind.__name__}` was given an argument `{name}`.",
        f"Its arguments are {', '.join(known)}.",
        did_you_mean(name, known) or "Leave it out.",
    )


def unusable_name(kind: type, name: Any) -> InvalidArgumentError:
    """For a name that is no text or would break the paths of variables."""
    return InvalidArgumentError(
        f"`{kind.__name__}` was given name={name!r}.",
        "A name is a text without `/`, which stands between the parts of a path.",
        "Use `_` instead.",
    )


def no_call(layer: Any) -> InvalidTypeError:
    """For a layer whose class has no ``call``."""
    kind = type(layer).__name__
    return InvalidTypeError(
        f"The layer {layer.name!r} ({kind}) was called.",
        "A layer needs a method `call(self, inputs)`.",
        f"Write one in the class `{kind}`.",
    )


def no_arrays(layer: Any, inputs: Any) -> InvalidTypeError:
    """For a call without an array, such as one on a list of numbers."""
    return InvalidTypeError(
        f"The layer {layer.name!r} was called on {inputs!r:.80}.",
        "A layer takes arrays or symbolic tensors.",
        "Make one of it first: `np.array(x)`.",
    )


def other_arguments(layer: Any, error: TypeError) -> InvalidTypeError:
    """For a call that lacks an argument, or has one too many, as Python's error says."""
    parameters = inspect.signature(layer.call).parameters.items()
    needed = [name for name, parameter in parameters if parameter.default is parameter.empty]
    return InvalidTypeError(
        f"The layer {layer.name!r} cannot be called like this: {error}.",
        f"It needs {' and '.join(f'`{name}`' for name in needed)}.",
        f"Write `layer({', '.join(f'{name}=...' for name in needed)})`.",
    )


def not_constructed(layer: Any) -> InvalidTypeError:
    """For a layer whose constructor forgot the base's."""
    kind = type(layer).__name__
    return InvalidTypeError(
        f"The layer `{kind}` was used before it was set up.",
        "A layer's constructor must call the base's.",
        f"Begin `{kind}.__init__` with `super().__init__()`.",
    )


def wrong_weights(layer: Any, shapes: list[tuple], expected: list[tuple]) -> ShapeError:
    """For ``set_weights`` with other shapes than the layer's."""
    return ShapeError(
        f"`set_weights` of {layer.name!r} was given {len(shapes)} arrays of shapes {shapes}.",
        f"It has {len(expected)} weights of shapes {expected}.",
        "Give them in the order of `layer.weights`" + (", and build the layer first." if not layer.built else "."),
    )


def not_countable(layer: Any) -> NotBuiltError:
    """For ``count_params`` of a layer that is not built."""
    return NotBuiltError(
        f"The number of parameters of {layer.name!r} was asked for.",
        "It is known once the layer is built.",
        "Call it on data, or `build` it with an input shape, or begin the model with `cornu.Input(shape)`.",
    )


def never_called(layer: Any, what: str) -> NotBuiltError:
    """For what a layer knows only once it was called on a symbolic tensor."""
    return NotBuiltError(
        f"`{what}` of the layer {layer.name!r} was asked for.",
        "It is known once the layer was called on a symbolic tensor.",
        "Put it into a model that begins with `cornu.Input(shape)`.",
    )
