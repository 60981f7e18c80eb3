"""What is last_read at before the first step, third part: whether labels and weights fit the outputs and the losses."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cornu import activations, losses, registry
from cornu.errors import DataError, InvalidArgumentError, ShapeError, did_you_mean
from cornu.losses import Loss, LossFunctionWrapper
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss
from cornu.training.data_validation import finite_values
from cornu.training.data_validation.arguments import format_caller
from cornu.training.data_validation.inputs import format_shape
from cornu.training.data_validation.outputs import Output

_SPARSE = (losses.sparse_categorical_crossentropy,)
BINARY = (losses.binary_crossentropy, losses.binary_focal_crossentropy)


class Target(NamedTuple):
    """The labels for an output.

    Attributes:
        function: Name of the function the user called.
        name: What the user would call them: ``y``, ``y['left']``.
        array: The labels.
        output: The output.
        loss: The loss that compares the two.
    """

    function: str
    name: str
    array: Any
    output: Output
    loss: Loss

    @property
    def kind(self) -> Callable | None:
        """The loss's function, if it is a built-in one."""
        fn = self.loss.fn if isinstance(self.loss, LossFunctionWrapper) else None
        return fn if fn in registry.registered("losses").values() else None

    @property
    def axis(self) -> int:
        """The axis of the classes."""
        return self.loss.kwargs.get("axis", -1) if isinstance(self.loss, LossFunctionWrapper) else -1


def check(function: str, compiled_loss: CompiledLoss, outputs: list[Output], batch: Batch) -> None:
    """Refuses targets and sample weights that do not fit the outputs and the losses.

    Args:
        function: Name of the function the user called.
        objective: The losses.
        outputs: The outputs.
        batch: The data, as :func:`cornu.training.data_validation.array_checks.as_arrays` gives it.

    Raises:
        DataError: Targets are missing, or hold what the loss cannot judge.
        NonFiniteError: There is NaN or infinity.
        ShapeError: Shapes differ.
    """
    names = [output.name for output in outputs]
    one_loss = sum(loss is not None for loss in compiled_loss.losses) <= 1
    targets = _for_each_output(function, "y", batch.y, names, one_for_all=one_loss)
    weights = _for_each_output(function, "sample_weight", batch.sample_weight, names, one_for_all=True)
    for output, loss, (name, array), (weight_name, weight) in zip(outputs, compiled_loss.losses, targets, weights, strict=True):
        if loss is not None:
            _check_present(function, name, array, output, loss)
            _check_target(Target(function, name, array, output, loss))
        elif array is not None:
            finite_values.check_finite(function, name, array)
        if weight is not None:
            finite_values.check_finite(function, weight_name, weight)
            _check_weight(function, weight_name, weight, output, loss)


def _for_each_output(function: str, argument: str, tree: Any, names: list[str], one_for_all: bool) -> list[tuple[str, Any]]:
    """The name and the array for each output; where it may, a single array serves all outputs."""
    if tree is None:
        return [(argument, None)] * len(names)
    if isinstance(tree, dict):
        unknown = [key for key in tree if key not in names]
        if unknown:
            raise DataError(
                f"{format_caller(function)} received `{argument}` with the keys {list(tree)}.",
                f"The model's outputs are {names}.",
                did_you_mean(unknown[0], names) or "Use these names as keys.",
            )
        return [(f"{argument}[{name!r}]", tree.get(name)) for name in names]
    if isinstance(tree, (list, tuple)) and len(tree) == len(names):
        return [(f"{argument}[{number}]", part) for number, part in enumerate(tree)]
    if not isinstance(tree, (list, tuple)) and (len(names) == 1 or one_for_all):
        return [(argument, tree)] * len(names)
    given = f"a list of {len(tree)} arrays" if isinstance(tree, (list, tuple)) else "one array"
    outputs = f"one output, {names[0]!r}" if len(names) == 1 else f"{len(names)} outputs, {names}"
    raise DataError(
        f"{format_caller(function)} received `{argument}` as {given}.",
        f"The model has {outputs}.",
        f"Make one array of the samples: `np.stack({argument})`."
        if len(names) == 1
        else "Give a list or a dict with one array for each.",
    )


def _check_present(function: str, name: str, array: Any, output: Output, loss: Loss) -> None:
    if array is None:
        raise DataError(
            f"{format_caller(function)} received no `{name}`.",
            f"The loss {loss.name!r} compares the output {output.name!r} with it.",
            "Pass the labels as `y`, or `(x, y)` from whatever gives batches.",
        )


# --- Labels -------------------------------------------------------------------------------------------------------------------


def _check_target(target: Target) -> None:
    low, high = finite_values.check_finite(target.function, target.name, target.array)
    _check_softmax_units(target)
    if target.kind is None:  # a loss of the user's own may compare anything
        return
    _check_sigmoid_units(target)
    if target.kind in _SPARSE:
        _check_class_numbers(target, low, high)
        return
    _check_same_shape(target)
    if target.kind in BINARY and not (low >= 0 and high <= 1):
        _raise_outside_unit_interval(target, low, high)


def _check_softmax_units(target: Target) -> None:
    if target.output.activation is activations.softmax and target.output.units == 1:
        raise InvalidArgumentError(
            f"{format_caller(target.function)}: the output {target.output.name!r} is one unit with softmax.",
            "Softmax shares 1 among the units, so that a single one is always 1 and nothing can be learned.",
            "For yes or no, write `Dense(1, activation='sigmoid')` with `loss='binary_crossentropy'`; else one unit a class.",
        )


def _check_sigmoid_units(target: Target) -> None:
    output, array = target.output, target.array
    if output.activation is activations.sigmoid and output.units == 2 and _are_class_numbers(array, output):
        raise ShapeError(
            f"{format_caller(target.function)}: `{target.name}` holds one class number for each sample, "
            f"and the output {output.name!r} is two units with sigmoid.",
            "Sigmoid judges each unit by itself, so two of them answer two questions.",
            "For two classes, write `Dense(1, activation='sigmoid')` with `loss='binary_crossentropy'`, or "
            "`Dense(2, activation='softmax')` with `loss='sparse_categorical_crossentropy'`.",
        )


def _are_class_numbers(array: Any, output: Output) -> bool:
    """Whether labels hold one number where the output has several."""
    rank = len(output.shape)
    lacks_axis = array.ndim == rank - 1 or (array.ndim == rank and array.shape[-1] == 1)
    return lacks_axis and output.units not in (None, 1)


def _check_class_numbers(target: Target, low: float, high: float) -> None:
    """Labels for sparse losses: whole numbers from 0, one where the output has its classes."""
    function, name, array, output, _ = target
    classes = output.shape[target.axis]
    expected = tuple(size for axis, size in enumerate(output.shape) if axis != target.axis % len(output.shape))
    shape = tuple(array.shape)
    if shape[1:] == tuple(output.shape[1:]) and classes != 1:
        raise ShapeError(
            f"{format_caller(function)}: `{name}` has {classes} columns, one for each class.",
            f"The loss {target.loss.name!r} needs the number of the class instead: a whole number from 0 to {classes - 1}.",
            f"Use `loss='categorical_crossentropy'`, or `{name}.argmax(axis=-1)`.",
        )
    if not any(_may_be(given[1:], expected[1:]) for given in (shape, without_last(shape))):
        raise ShapeError(
            f"{format_caller(function)}: the labels in `{name}` are {format_shape(shape[1:])},",
            f"and the output {output.name!r} is {format_shape(output.shape[1:])}: the loss {target.loss.name!r} needs labels of "
            f"{format_shape(expected[1:])}.",
            f"Give `{name}` one class number for each place of the output that is judged.",
        )
    _check_class_range(target, classes, low, high)


def without_last(shape: tuple) -> tuple:
    """A shape without its last axis, if that has the size 1."""
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def _may_be(shape: tuple, expected: tuple) -> bool:
    return len(shape) == len(expected) and all(None in pair or pair[0] == pair[1] for pair in zip(shape, expected, strict=True))


def _check_class_range(target: Target, classes: int | None, low: float, high: float) -> None:
    function, name, array, output, loss = target
    if array.dtype.kind not in "iub":
        _check_integer_labels(target, classes)
    if classes is None or (low >= 0 and high < classes):
        return
    ignored = loss.kwargs.get("ignore_class") if isinstance(loss, LossFunctionWrapper) else None

    def is_bad(piece: np.ndarray) -> np.ndarray:
        outside = (piece < 0) | (piece >= classes)
        return outside if ignored is None else outside & (piece != ignored)

    count, place, value = finite_values.find_bad(array, is_bad)
    if not count:
        return
    others = f"; {count} of {array.size} labels are out of range" if count > 1 else ""
    raise DataError(
        f"{format_caller(function)}: `{name}` holds the label {value:g} {finite_values.format_position(place)}{others}.",
        f"The output {output.name!r} has {classes} unit{'' if classes == 1 else 's'}, so labels go from 0 to {classes - 1}.",
        _range_advice(name, value, classes, low, high),
    )


def _range_advice(name: str, value: float, classes: int, low: float, high: float) -> str:
    if low >= 1 and high == classes:
        return f"Your labels count from 1: subtract it, `{name} - 1`."
    if value in (-1, 255):
        unknown = "" if value < 0 else " (the number -1 becomes that in `uint8`)"
        return f"If {value:g} means unknown{unknown}, use `losses.SparseCategoricalCrossentropy(ignore_class={value:g})`."
    if value < 0:
        return "Number the classes from 0."
    if high > 10 * classes:
        return f"Number the classes from 0: `names, {name} = np.unique({name}, return_inverse=True)`."
    return f"Number the classes from 0, or give the last layer {int(high) + 1} units."


def _check_integer_labels(target: Target, classes: int | None) -> None:
    count, place, value = finite_values.find_bad(target.array, lambda piece: piece != np.floor(piece))
    if count:
        raise DataError(
            f"{format_caller(target.function)}: `{target.name}` holds the label {value:g} {finite_values.format_position(place)}.",
            f"The loss {target.loss.name!r} takes class numbers: whole numbers from 0"
            + (f" to {classes - 1}." if classes else "."),
            "For probabilities of classes, use `loss='categorical_crossentropy'`; for quantities, `loss='mse'`.",
        )


def _check_same_shape(target: Target) -> None:
    """Labels for all other losses: shaped as the output, but for a last axis of size 1."""
    output, shape = target.output, tuple(target.array.shape)
    mine = {shape[1:], without_last(shape)[1:]}
    theirs = {tuple(output.shape[1:]), without_last(tuple(output.shape))[1:]}
    if any(_may_be(one, other) for one in mine for other in theirs):
        return
    raise ShapeError(
        f"{format_caller(target.function)}: the labels in `{target.name}` are {format_shape(shape[1:])},",
        f"and the output {output.name!r} is {format_shape(output.shape[1:])}: the loss {target.loss.name!r} compares them one by one.",
        _same_shape_advice(target),
    )


def _same_shape_advice(target: Target) -> str:
    name, output, array = target.name, target.output, target.array
    if _are_class_numbers(array, output) and array.dtype.kind in "iub":
        to_columns = f"`{name} = cornu.utils.to_categorical({name}, {output.units})`"
        if target.kind is losses.categorical_crossentropy:
            return f"If they are class numbers, use `loss='sparse_categorical_crossentropy'`, or {to_columns}."
        return f"If they are class numbers, write {to_columns}."
    if array.ndim == len(output.shape) and output.units == 1:
        more = (
            f", or one column for each class: `{name}.argmax(axis=-1)`"
            if target.kind in BINARY and array.shape[-1] == 2
            else ""
        )
        return f"Give the last layer {array.shape[-1]} units{more}."
    if array.ndim == len(output.shape) and array.shape[-1] != output.units:
        return f"Give the last layer {array.shape[-1]} units, or check how `{name}` was made."
    return f"Check how `{name}` was made, and the last layers of the model."


def _raise_outside_unit_interval(target: Target, low: float, high: float) -> None:
    count, place, value = finite_values.find_bad(target.array, lambda piece: (piece < 0) | (piece > 1))
    if low == -1 and high == 1:
        advice = f"Bring labels of -1 and 1 to 0 and 1, `({target.name} + 1) / 2`, or use `loss='hinge'`."
    elif high == 255:
        advice = f"Bring pictures to 0..1: `{target.name} / 255`."
    elif low >= 0:
        advice = (
            f"For {int(high) + 1} classes, use `loss='sparse_categorical_crossentropy'` and a last layer of "
            f"{int(high) + 1} units with softmax; for quantities, `loss='mse'`."
        )
    else:
        advice = "For quantities, use `loss='mse'`."
    raise DataError(
        f"{format_caller(target.function)}: `{target.name}` holds {value:g} {finite_values.format_position(place)}"
        + (f"; {count} of {target.array.size} labels are out of range." if count > 1 else "."),
        f"The loss {target.loss.name!r} takes 0 and 1, and probabilities between them.",
        advice,
    )


# --- Weights ------------------------------------------------------------------------------------------------------------------


def _check_weight(function: str, name: str, weight: Any, output: Output, loss: Loss | None) -> None:
    """Refuses weights that are neither one for each sample nor one for each value of the loss."""
    shape = without_last(tuple(weight.shape))
    values = tuple(output.shape[: max(len(output.shape) - 1, 1)])  # one for each sample, or for each place of the output
    fits = len(shape) <= len(values) and all(
        a == 1 or None in (a, b) or a == b for a, b in zip(shape[1:], values[1:], strict=False)
    )
    own = loss is not None and Target(function, name, weight, output, loss).kind is None
    if fits or own:  # what the values of a user's own loss are is not known before it runs
        return
    each_place = f", or one for each of its {format_shape(values[1:])} places" if len(values) > 1 else ""
    raise ShapeError(
        f"{format_caller(function)}: the weights in `{name}` are {format_shape(tuple(weight.shape[1:]))}.",
        f"The loss needs one for each sample{each_place}.",
        f"Give `{name}` the shape ({weight.shape[0]},). Weights of classes go into `class_weight`.",
    )
