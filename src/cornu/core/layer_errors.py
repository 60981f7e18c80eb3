"""The exceptions of ``core/layer.py``, returned by functions and raised by the caller."""

import inspect
import numbers
from typing import Any

from cornu import registry, trees
from cornu.core import call_context
from cornu.core.layer_protocol import LayerLike
from cornu.errors import (
    InvalidArgumentError,
    InvalidTypeError,
    NotBuiltAttributeError,
    NotBuiltError,
    ShapeError,
    wrong_argument,
)
from cornu.ops.shape_checks import shapes_text
from cornu.typing import Tree

_NOTE_PREFIX = "This happened in the layer "
"""Prefix of the note that names the layer in which an exception was raised."""


def add_layer_note(layer: LayerLike, error: Exception, args: tuple, kwargs: dict) -> None:
    """Add a note to an exception raised in a ``call`` that names the layer and the shapes of its arguments.

    Among nested layers only the innermost adds a note. An exception whose message names the layer gets none. Another note names
    a layer that returned None before, which may be the reason.
    """
    silent = call_context.silent_layers()
    if silent and isinstance(error, (TypeError, AttributeError)):
        _add_note(
            error, silent[-1], f"The layer {silent[-1].name!r} ({type(silent[-1]).__name__}), called before, returned None."
        )
    if any(note.startswith(_NOTE_PREFIX) for note in getattr(error, "__notes__", ())):
        return
    shapes = [leaf.shape for leaf in trees.leaves((args, kwargs)) if hasattr(leaf, "shape")]
    arrays = "an array of shape" if len(shapes) == 1 else "arrays of shapes"
    on = f", called on {arrays} {shapes_text(shapes)}" if shapes else ""
    _add_note(error, layer, f"{_NOTE_PREFIX}{layer.name!r} ({type(layer).__name__}){on}.")


def _add_note(error: Exception, layer: LayerLike, note: str) -> None:
    """Add a note about a layer to an exception, unless it has the note or its message names the layer."""
    if repr(layer.name) not in str(error) and note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def unknown_argument(kind: type, given: dict[str, Any], base_arguments: tuple[str, ...]) -> InvalidTypeError:
    """Return the error for an unknown argument of a constructor."""
    name = next(iter(given))
    known = dict.fromkeys([*inspect.signature(kind.__init__).parameters, *base_arguments])
    known = [argument for argument in known if argument not in ("self", "args", "kwargs")]
    return wrong_argument(kind.__name__, name, known)


def unusable_name(kind: type, name: Any) -> InvalidArgumentError:
    """Return the error for a name that is not a string or would break the paths of variables."""
    return InvalidArgumentError(
        f"`{kind.__name__}` received name={name!r}.",
        "A name must be a string without `/`, which separates the parts of a path.",
        "Use `_` instead.",
    )


def no_call(layer: LayerLike) -> InvalidTypeError:
    """Return the error for a layer whose class has no ``call``."""
    kind = type(layer).__name__
    return InvalidTypeError(
        f"The layer {layer.name!r} ({kind}) was called.",
        "A layer must define a method `call(self, inputs)`.",
        f"Define it in the class `{kind}`.",
    )


def no_arrays(layer: LayerLike, inputs: Tree) -> InvalidTypeError:
    """Return the error for a call without an array, such as on a list of values, or on what a layer before returned."""
    silent = call_context.silent_layers()
    if inputs is None and silent:
        return no_outputs(silent[-1], f" and the layer {layer.name!r} was called on it")
    if inputs is None:
        return InvalidTypeError(
            f"The layer {layer.name!r} was called on None.",
            "A layer must be called on arrays or symbolic tensors.",
            "Check that the layers and functions that compute its input end with `return`.",
        )
    return InvalidTypeError(
        f"The layer {layer.name!r} was called on {inputs!r:.80}.",
        "A layer must be called on arrays or symbolic tensors.",
        "Convert the value first: `np.array(x)`.",
    )


def no_outputs(layer: LayerLike, then: str = "") -> InvalidTypeError:
    """Return the error for a layer whose call returned None where an array is required.

    Args:
        layer: The layer.
        then: What was done with it, as the end of a sentence. Defaults to ``""``.
    """
    kind = type(layer).__name__
    if registry.is_builtin(type(layer)):  # whose code is complete, unlike that of a function that it received
        hint = "Check that the functions that it received, such as its `activation`, end with `return`."
    else:
        hint = f"End `{kind}.call` with `return`, for example `return outputs`."
    return InvalidTypeError(
        f"The layer {layer.name!r} ({kind}) returned None{then and ','}{then}.",
        "A layer must return an array, or a list, tuple or dict of arrays.",
        hint,
    )


def other_arguments(layer: LayerLike, error: TypeError) -> InvalidTypeError:
    """Return the error for a call with missing or extra arguments, based on Python's error."""
    parameters = inspect.signature(layer.call).parameters.items()
    needed = [name for name, parameter in parameters if parameter.default is parameter.empty]
    return InvalidTypeError(
        f"The layer {layer.name!r} cannot be called like this: {error}.",
        f"It requires {' and '.join(f'`{name}`' for name in needed)}.",
        f"Write `layer({', '.join(f'{name}=...' for name in needed)})`.",
    )


def wrong_weights(layer: LayerLike, shapes: list[tuple], expected: list[tuple]) -> ShapeError:
    """Return the error for ``set_weights`` with shapes that differ from those of the layer."""
    return ShapeError(
        f"`set_weights` of {layer.name!r} received {len(shapes)} arrays of shapes {shapes}.",
        f"The layer has {len(expected)} weights of shapes {expected}.",
        "Pass the arrays in the order of `layer.weights`" + (", and build the layer first." if not layer.built else "."),
    )


def wrong_number_of_values(layer: LayerLike, argument: str, given: int, expected: int) -> InvalidArgumentError:
    """Return the error for ``stateless_call`` with more or fewer values than the layer has variables."""
    return InvalidArgumentError(
        f"`stateless_call` of {layer.name!r} received {given} values as `{argument}`.",
        f"The layer has {expected} of these variables, and each requires a value.",
        f"Pass `[variable.value for variable in layer.{argument}]`"
        + (", and build the layer first." if not layer.built else "."),
    )


def not_countable(layer: LayerLike) -> NotBuiltError:
    """Return the error for ``count_params`` of a layer that is not built."""
    return NotBuiltError(
        f"The number of parameters of {layer.name!r} was requested.",
        "It is known once the layer is built.",
        "Call the layer on data, call `build` with an input shape, or start the model with `cornu.Input(shape)`.",
    )


def never_called(layer: LayerLike, what: str) -> NotBuiltAttributeError:
    """Return the error for an attribute that is only known after a call on a symbolic tensor."""
    return NotBuiltAttributeError(
        f"`{what}` of the layer {layer.name!r} was requested.",
        "It is known once the layer has been called on a symbolic tensor.",
        "Use the layer in a model that starts with `cornu.Input(shape)`.",
    )


# --- Variables --------------------------------------------------------------------------------------------------------


def already_built(layer: LayerLike, what: str) -> InvalidArgumentError:
    """Return the error for new state of a layer that is built."""
    kind = type(layer).__name__
    return InvalidArgumentError(
        f"The layer {layer.name!r} is built and received {what}.",
        "A layer must create all variables and layers inside it in `__init__` or `build`, so that files and optimizers have a "
        "place for them.",
        f"Move it into `{kind}.__init__` or `{kind}.build`.",
    )


def positional_name(name: str) -> InvalidArgumentError:
    """Return the error for ``add_weight("name", ...)``, the order of arguments of Keras 2."""
    return InvalidArgumentError(
        f"`add_weight` received {name!r} as its first argument.",
        "The first argument is `shape`; `name` must be passed as a keyword argument.",
        f"Write `add_weight(shape=..., name={name!r})`.",
    )


def too_many_positional(function: str, count: int, names: list[str]) -> InvalidTypeError:
    """Return the error for more positional arguments than a function takes."""
    return InvalidTypeError(
        f"`{function}` received {count} positional arguments.",
        f"At most {len(names)} may be positional: {', '.join(names)}.",
        "Pass the others by name.",
    )


def passed_twice(function: str, name: str) -> InvalidArgumentError:
    """Return the error for an argument that is passed both by position and by name."""
    return InvalidArgumentError(
        f"`{function}` received `{name}` both by position and by name.", "It must be passed once.", "Remove one of the two."
    )


def no_add_metric() -> NotImplementedError:
    """Return the error for ``add_metric`` of Keras 2, which Keras 3 refuses as well."""
    return NotImplementedError(
        "`add_metric` was called. Keras 3 has no metrics of this form. Pass the metric to `compile(metrics=[...])`, or make it "
        "an attribute of the layer (`self.m = metrics.Mean()`) and call `self.m.update_state(value)` in `call`."
    )


def check_losses(layer: LayerLike, losses: list) -> None:
    """Raise ``InvalidTypeError`` if what a layer adds to the loss is neither a number nor an array."""
    for loss in losses:
        if not isinstance(loss, numbers.Number) and not hasattr(loss, "shape"):
            raise InvalidTypeError(
                f"`add_loss` of the layer {layer.name!r} received {loss!r:.80}.",
                "A loss must be a number or an array.",
                "Pass, for example, `self.add_loss(ops.mean(x**2))`.",
            )


def not_positional(layer: LayerLike, name: str, value: Any) -> InvalidArgumentError:
    """Return the error for a positional argument of a call that is no tensor."""
    return InvalidArgumentError(
        f"The layer {layer.name!r} received {value!r:.80} (a `{type(value).__name__}`) as the positional argument `{name}`.",
        "Only arrays and symbolic tensors may be positional.",
        f"Pass it by name, `{name}=...`, or convert it to an array with `np.array`.",
    )
