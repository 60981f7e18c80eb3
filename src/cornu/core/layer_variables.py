"""The variables that a layer owns: creating, freezing, saving and loading them."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from cornu import config, constraints, initializers, regularizers, validation
from cornu.core import call_context, layer_errors
from cornu.core.adapted_weight import adapted_weight_of, stored_variables
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import record_of
from cornu.core.layer_traits import LayerTraits
from cornu.core.variable import Variable
from cornu.errors import ModelFormatError
from cornu.typing import Constraint, DType, Initializer, Regularizer

VariableShape: TypeAlias = int | Sequence[int] | None
"""Shape of a variable; an integer ``n`` means ``(n,)``, and None a scalar."""


def add_weight(
    layer: LayerLike,
    shape: VariableShape,
    initializer: Initializer,
    dtype: DType,
    options: Mapping[str, Any],
    regularizer: Regularizer = None,
    constraint: Constraint = None,
) -> Variable:
    """Create a variable that belongs to a layer (see ``Layer.add_weight``).

    Args:
        layer: The layer.
        shape: Shape of the variable.
        initializer: Initializer of the values. Defaults to that of the dtype.
        dtype: Dtype of the variable. Defaults to the variable dtype of the layer.
        options: Further arguments of ``Variable``.
        regularizer: Regularizer of the variable, or None.
        constraint: Constraint of the variable, or None.

    Raises:
        InvalidArgumentError: If the layer is built.
    """
    record = record_of(layer)
    check_unlocked(layer, f"a weight{'' if options['name'] is None else ' named ' + repr(options['name'])}")
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape or ())
    name = layer.variable_dtype if dtype is None else validation.standardize_dtype(dtype)
    default = "glorot_uniform" if "float" in name else "zeros"
    parent = None if record.path is None else record.path.rpartition("/")[0]  # also inside a scope that `build` opened
    with config.placement_scope(*record.placement), call_context.name_scope(layer.name, parent):
        variable = Variable(initializers.get(default if initializer is None else initializer), sizes, name, **options)
    variable.regularizer, variable.constraint = regularizers.get(regularizer), constraints.get(constraint)
    (record.trained if variable.made_trainable else record.state).append(variable)
    variable.trainable = variable.trainable and layer.trainable
    return variable


def positional(args: tuple, shape: VariableShape, initializer: Initializer, dtype: DType) -> tuple[Any, Any, Any]:
    """Return shape, initializer and dtype of a variable, which ``Layer.add_weight`` also takes by position.

    Raises:
        InvalidArgumentError: If the name is passed by position, as in Keras 2, or an argument is passed twice.
        InvalidTypeError: If there are more positional arguments.
    """
    if args and isinstance(args[0], str):
        raise layer_errors.positional_name(args[0])
    named = {"shape": shape, "initializer": initializer, "dtype": dtype}
    if len(args) > len(named):
        raise layer_errors.too_many_positional("add_weight", len(args), list(named))
    for name, value in zip(named, args, strict=False):
        if named[name] is not None:
            raise layer_errors.passed_twice("add_weight", name)
        named[name] = value
    return named["shape"], named["initializer"], named["dtype"]


# --- State of a built layer -------------------------------------------------------------------------------------------


def check_unlocked(layer: LayerLike, what: str) -> None:
    """Raise an ``InvalidArgumentError`` if a layer is built and can get no more variables and layers, as in Keras."""
    if record_of(layer).is_locked:
        raise layer_errors.already_built(layer, what)


def check_attribute(layer: LayerLike, name: str, value: Any) -> None:
    """Raise an ``InvalidArgumentError`` if a built layer receives a new variable or layer under a new name."""
    if not isinstance(value, (Variable, LayerTraits)):
        return
    record = vars(layer).get("_cornu")
    if record is None or not record.is_locked:
        return
    held = vars(layer).get(name)
    known = {id(part) for part in [*layer._cornu_sublayers(), *layer._cornu_own_variables()]}
    if id(value) not in known and not isinstance(held, (Variable, LayerTraits)):
        raise layer_errors.already_built(layer, f"the attribute `{name}` (a `{type(value).__name__}`)")


def set_trainable(layer: LayerLike, value: bool) -> None:
    """Set whether training may change the variables that a layer created as trainable, but for an adapted, frozen one."""
    adapted = adapted_weight_of(layer)
    for variable in layer._cornu_own_variables():
        if variable.made_trainable and (adapted is None or variable is not adapted.base):
            variable.trainable = value


# --- Files ------------------------------------------------------------------------------------------------------------


def save_into(layer: LayerLike, store: MutableMapping[str, Any]) -> None:
    """Put the variables that a layer owns into a dict, under the names ``"0"``, ``"1"`` and so on."""
    for number, variable in enumerate(stored_variables(layer)):
        store[str(number)] = variable


def load_from(layer: LayerLike, store: Mapping[str, Any]) -> None:
    """Assign the arrays of a dict, as written by :func:`save_into`, to the variables that a layer owns.

    Raises:
        ModelFormatError: If the number of arrays differs. No variable is changed in that case.
        ShapeError: If a shape differs.
    """
    variables = stored_variables(layer)
    names = [str(number) for number in range(len(variables))]
    if set(store) != set(names):
        raise ModelFormatError(
            f"The layer {layer.name!r} received {len(store)} arrays named {sorted(store)}.",
            f"It has {len(variables)} variables of its own: {[variable.name for variable in variables]}.",
            "Pass one array for each, named '0', '1' and so on" + ("." if layer.built else ", and build the layer first."),
        )
    for name, variable in zip(names, variables, strict=True):
        variable.assign(store[name])
