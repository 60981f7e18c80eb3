"""Validation of targets: whether labels and sample weights fit the outputs and the losses."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cornu import activations, losses, registry
from cornu.errors import DataError, InvalidArgumentError, ShapeError, did_you_mean, warn
from cornu.losses import Loss, LossFunctionWrapper
from cornu.training.batch import Batch, DataArray
from cornu.training.compiled_loss import CompiledLoss
from cornu.training.data_validation import finite_values
from cornu.training.data_validation.arguments import format_caller
from cornu.training.data_validation.inputs import format_shape
from cornu.training.data_validation.outputs import Output
from cornu.typing import Tree

_SPARSE = (losses.sparse_categorical_crossentropy, losses.categorical_generalized_cross_entropy)
BINARY = (losses.binary_crossentropy, losses.binary_focal_crossentropy)
_CATEGORICAL = (losses.categorical_crossentropy, losses.categorical_focal_crossentropy, *_SPARSE)


class Target(NamedTuple):
    """The labels of an output.

    Attributes:
        function: Name of the function the user called.
        name: Name of the labels as a user would write it: ``y``, ``y['left']``.
        array: The labels.
        output: The output.
        loss: The loss that compares the two.
    """

    function: str
    name: str
    array: DataArray
    output: Output
    loss: Loss

    @property
    def kind(self) -> Callable | None:
        """The function of the loss if it is built in, else None."""
        fn = self.loss.fn if isinstance(self.loss, LossFunctionWrapper) else None
        return fn if fn in registry.registered("losses").values() else None

    @property
    def axis(self) -> int:
        """The axis of the classes."""
        return self.loss.kwargs.get("axis", -1) if isinstance(self.loss, LossFunctionWrapper) else -1


def check(function: str, compiled_loss: CompiledLoss, outputs: list[Output], batch: Batch, hint: bool = False) -> None:
    """Check that targets and sample weights fit the outputs and the losses.

    Args:
        function: Name of the function the user called.
        compiled_loss: The losses.
        outputs: The outputs.
        batch: The data, as returned by :func:`cornu.training.data_validation.array_checks.as_arrays`.
        hint: Whether to warn about a last activation with which the loss does not work. Defaults to False.

    Raises:
        DataError: If targets are missing or contain values that are invalid for the loss.
        NonFiniteError: If there is NaN or infinity.
        ShapeError: If shapes do not match.
    """
    names = [output.name for output in outputs]
    one_loss = sum(loss is not None for loss in compiled_loss.losses) <= 1
    targets = _for_each_output(function, "y", batch.y, names, one_for_all=one_loss)
    weights = _for_each_output(function, "sample_weight", batch.sample_weight, names, one_for_all=True)
    for output, loss, (name, array), (weight_name, weight) in zip(outputs, compiled_loss.losses, targets, weights, strict=True):
        if loss is not None:
            _check_present(function, name, array, output, loss)
            _check_target(Target(function, name, array, output, loss))
            if hint:
                _warn_of_activation(Target(function, name, array, output, loss))
        elif array is not None:
            finite_values.check_finite(function, name, array)
        if weight is not None:
            finite_values.check_finite(function, weight_name, weight)
            _check_weight(function, weight_name, weight, output, loss)


def _for_each_output(function: str, argument: str, tree: Tree, names: list[str], one_for_all: bool) -> list[tuple[str, Any]]:
    """Return the name and the array for each output; a single array is used for all outputs if ``one_for_all``."""
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
        f"Stack the samples into one array: `np.stack({argument})`."
        if len(names) == 1
        else "Pass a list or a dict with one array for each.",
    )


def _check_present(function: str, name: str, array: DataArray | None, output: Output, loss: Loss) -> None:
    """Raise ``DataError`` if the target of an output with a loss is missing."""
    if array is None:
        raise DataError(
            f"{format_caller(function)} received no `{name}`.",
            f"The loss {loss.name!r} compares the output {output.name!r} with it.",
            "Pass the labels as `y`, or yield `(x, y)` from an iterable of batches.",
        )


# --- Labels -------------------------------------------------------------------------------------------------------------------


def _check_target(target: Target) -> None:
    """Check the target of one output."""
    low, high = finite_values.check_finite(target.function, target.name, target.array)
    _check_softmax_units(target)
    if target.kind is None:  # a user-defined loss may accept any target
        return
    if target.kind is losses.circle:
        _check_groups(target)
        return
    if target.kind is losses.ctc:
        _check_class_range(target, target.output.shape[-1], low, high)
        return
    _check_sigmoid_units(target)
    if target.kind in _SPARSE:
        _check_class_indices(target, low, high)
        return
    _check_same_shape(target)
    if target.kind in BINARY and not (low >= 0 and high <= 1):
        _raise_outside_unit_interval(target, low, high)


def _check_softmax_units(target: Target) -> None:
    """Raise ``InvalidArgumentError`` for an output of one unit with softmax."""
    if target.output.activation is activations.softmax and target.output.units == 1:
        raise InvalidArgumentError(
            f"{format_caller(target.function)}: the output {target.output.name!r} has one unit with softmax.",
            "The softmax of a single unit is always 1, so nothing can be learned.",
            "For two classes, use `Dense(1, activation='sigmoid')` with `loss='binary_crossentropy'`; else one unit per class.",
        )


def _check_sigmoid_units(target: Target) -> None:
    """Raise ``ShapeError`` for an output of two sigmoid units with class indices as labels."""
    output, array = target.output, target.array
    if output.activation is activations.sigmoid and output.units == 2 and _are_class_indices(array, output):
        raise ShapeError(
            f"{format_caller(target.function)}: `{target.name}` contains one class index per sample, "
            f"and the output {output.name!r} has two units with sigmoid.",
            "Sigmoid treats each unit independently, so two units are two separate binary outputs.",
            "For two classes, use `Dense(1, activation='sigmoid')` with `loss='binary_crossentropy'`, or "
            "`Dense(2, activation='softmax')` with `loss='sparse_categorical_crossentropy'`.",
        )


def _warn_of_activation(target: Target) -> None:
    """Warn about a crossentropy of logits that are probabilities, or of probabilities that are logits."""
    output, applied, kind = target.output, target.output.activation, target.kind
    if kind not in (*BINARY, *_CATEGORICAL) or not applied or not registry.is_builtin(applied):
        return
    right = activations.sigmoid if kind in BINARY else activations.softmax
    logits, is_probability = target.loss.kwargs.get("from_logits", False), applied in (activations.softmax, activations.sigmoid)
    loss = f"the loss {target.loss.name!r}"
    if logits and is_probability:
        text = f"{loss} with `from_logits=True` applies {right.__name__} again. Omit `from_logits=True`, or the activation."
    elif not logits and not is_probability:
        text = f"{loss} expects probabilities. Use `activation={right.__name__!r}`, or pass `from_logits=True` to the loss."
    elif not logits and applied is not right and right is activations.softmax:
        text = f"{loss} expects probabilities that sum to 1. Use `activation='softmax'`, or `loss='binary_crossentropy'` if a "
        text += "sample may belong to several classes."
    else:
        return
    warn(f"{format_caller(target.function)}: the output {output.name!r} has the activation {applied.__name__!r}, and {text}")


def _are_class_indices(array: DataArray, output: Output) -> bool:
    """Return whether labels have one value where the output has several units."""
    rank = len(output.shape)
    lacks_axis = array.ndim == rank - 1 or (array.ndim == rank and array.shape[-1] == 1)
    return lacks_axis and output.units not in (None, 1)


def _check_class_indices(target: Target, low: float, high: float) -> None:
    """Check labels of sparse losses: integers from 0, one per position of the output."""
    function, name, array, output, _ = target
    classes = output.shape[target.axis]
    expected = tuple(size for axis, size in enumerate(output.shape) if axis != target.axis % len(output.shape))
    shape = tuple(array.shape)
    if shape[1:] == tuple(output.shape[1:]) and classes != 1:
        raise ShapeError(
            f"{format_caller(function)}: `{name}` has {classes} columns, one for each class.",
            f"The loss {target.loss.name!r} expects the class index instead: an integer from 0 to {classes - 1}.",
            f"Use `loss='categorical_crossentropy'`, or `{name}.argmax(axis=-1)`.",
        )
    if not any(_may_be(given[1:], expected[1:]) for given in (shape, without_last(shape))):
        raise ShapeError(
            f"{format_caller(function)}: the labels in `{name}` are {format_shape(shape[1:])},",
            f"and the output {output.name!r} is {format_shape(output.shape[1:])}: "
            f"the loss {target.loss.name!r} expects labels of {format_shape(expected[1:])}.",
            f"Pass `{name}` with one class index for each position of the output"
            + (", or put a `Flatten` or a global pooling layer before the last layer." if len(shape) == 1 else "."),
        )
    _check_class_range(target, classes, low, high)


def _check_groups(target: Target) -> None:
    """Check the labels of embeddings: one integer for each sample, whatever its value."""
    shape = tuple(target.array.shape)
    if without_last(shape)[1:]:
        raise ShapeError(
            f"{format_caller(target.function)}: the labels in `{target.name}` are {format_shape(shape[1:])}.",
            f"The loss {target.loss.name!r} expects one class index for each sample.",
            f"If the labels are one-hot, use `{target.name}.argmax(axis=-1)`.",
        )
    if target.array.dtype.kind not in "iub":
        _check_integer_labels(target, None)


def without_last(shape: tuple) -> tuple:
    """Return a shape without its last axis if that has size 1."""
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def _may_be(shape: tuple, expected: tuple) -> bool:
    """Return whether two shapes can be equal, where None matches any size."""
    return len(shape) == len(expected) and all(None in pair or pair[0] == pair[1] for pair in zip(shape, expected, strict=True))


def _check_class_range(target: Target, classes: int | None, low: float, high: float) -> None:
    """Check that class indices are integers within the range of the units."""
    function, name, array, output, loss = target
    if array.dtype.kind not in "iub":
        _check_integer_labels(target, classes)
    if classes is None or (low >= 0 and high < classes):
        return
    ignored = loss.kwargs.get("ignore_class") if isinstance(loss, LossFunctionWrapper) else None

    def is_bad(piece: np.ndarray) -> np.ndarray:
        outside = (piece < 0) | (piece >= classes)
        return outside if ignored is None else outside & (piece != ignored)

    count, place, value = finite_values.find(array, is_bad)
    if not count:
        return
    others = f"; {count} of {array.size} labels are out of range" if count > 1 else ""
    raise DataError(
        f"{format_caller(function)}: `{name}` contains the label {value:g} {finite_values.format_position(place)}{others}.",
        f"The output {output.name!r} has {classes} unit{'' if classes == 1 else 's'}, so labels range from 0 to {classes - 1}.",
        _range_advice(name, value, classes, low, high),
    )


def _range_advice(name: str, value: float, classes: int, low: float, high: float) -> str:
    """Return the hint for a class index that is out of range."""
    if low >= 1 and high == classes:
        return f"The labels start at 1: subtract 1, `{name} - 1`."
    if value in (-1, 255):
        unknown = "" if value < 0 else " (-1 becomes 255 in `uint8`)"
        return (
            f"If {value:g} marks unknown labels{unknown}, use `losses.SparseCategoricalCrossentropy(ignore_class={value:g})`."
        )
    if value < 0:
        return "Number the classes from 0."
    if high > 10 * classes:
        return f"Number the classes from 0: `names, {name} = np.unique({name}, return_inverse=True)`."
    return f"Number the classes from 0, or use {int(high) + 1} units in the last layer."


def _check_integer_labels(target: Target, classes: int | None) -> None:
    """Raise ``DataError`` if class indices are not integers."""
    count, place, value = finite_values.find(target.array, lambda piece: piece != np.floor(piece))
    if count:
        raise DataError(
            f"{format_caller(target.function)}: `{target.name}` contains the label {value:g} "
            f"{finite_values.format_position(place)}.",
            f"The loss {target.loss.name!r} expects class indices: integers from 0"
            + (f" to {classes - 1}." if classes else "."),
            "For class probabilities, use `loss='categorical_crossentropy'`; for regression, `loss='mse'`.",
        )


def _check_same_shape(target: Target) -> None:
    """Check labels of all other losses: shape of the output, except for a last axis of size 1."""
    output, shape = target.output, tuple(target.array.shape)
    mine = {shape[1:], without_last(shape)[1:]}
    theirs = {tuple(output.shape[1:]), without_last(tuple(output.shape))[1:]}
    if any(_may_be(one, other) for one in mine for other in theirs):
        return
    raise ShapeError(
        f"{format_caller(target.function)}: the labels in `{target.name}` are {format_shape(shape[1:])},",
        f"and the output {output.name!r} is {format_shape(output.shape[1:])}: "
        f"the loss {target.loss.name!r} compares them element by element.",
        _same_shape_advice(target),
    )


def _same_shape_advice(target: Target) -> str:
    """Return the hint for labels whose shape differs from that of the output."""
    name, output, array = target.name, target.output, target.array
    if _are_class_indices(array, output) and array.dtype.kind in "iub":
        to_columns = f"`{name} = cornu.utils.to_categorical({name}, {output.units})`"
        if target.kind is losses.categorical_crossentropy:
            return f"If they are class indices, use `loss='sparse_categorical_crossentropy'`, or {to_columns}."
        return f"If they are class indices, write {to_columns}."
    if array.ndim == len(output.shape) and output.units == 1:
        more = (
            f", or convert one column per class to indices: `{name}.argmax(axis=-1)`"
            if target.kind in BINARY and array.shape[-1] == 2
            else ""
        )
        return f"Use {array.shape[-1]} units in the last layer{more}."
    if array.ndim == len(output.shape) and array.shape[-1] != output.units:
        units = "1 unit" if array.shape[-1] == 1 else f"{array.shape[-1]} units"
        return f"Use {units} in the last layer, or check how `{name}` was created."
    return f"Check how `{name}` was created, and the last layers of the model."


def _raise_outside_unit_interval(target: Target, low: float, high: float) -> None:
    """Raise ``DataError`` for labels of a binary loss outside the range 0 to 1."""
    count, place, value = finite_values.find(target.array, lambda piece: (piece < 0) | (piece > 1))
    if low == -1 and high == 1:
        advice = f"Map labels of -1 and 1 to 0 and 1, `({target.name} + 1) / 2`, or use `loss='hinge'`."
    elif high == 255:
        advice = f"Scale images to the range 0 to 1: `{target.name} / 255`."
    elif low >= 0:
        advice = (
            f"For {int(high) + 1} classes, use `loss='sparse_categorical_crossentropy'` and a last layer of "
            f"{int(high) + 1} units with softmax; for regression, `loss='mse'`."
        )
    else:
        advice = "For regression, use `loss='mse'`."
    raise DataError(
        f"{format_caller(target.function)}: `{target.name}` contains {value:g} {finite_values.format_position(place)}"
        + (f"; {count} of {target.array.size} labels are out of range." if count > 1 else "."),
        f"The loss {target.loss.name!r} expects values of 0 and 1, or probabilities between them.",
        advice,
    )


# --- Weights ------------------------------------------------------------------------------------------------------------------


def _check_weight(function: str, name: str, weight: DataArray, output: Output, loss: Loss | None) -> None:
    """Check that there is one sample weight per sample, or one per value of the loss."""
    shape = without_last(tuple(weight.shape))
    values = tuple(output.shape[: max(len(output.shape) - 1, 1)])  # one for each sample, or for each position of the output
    fits = len(shape) <= len(values) and all(
        a == 1 or None in (a, b) or a == b for a, b in zip(shape[1:], values[1:], strict=False)
    )
    is_custom = loss is not None and Target(function, name, weight, output, loss).kind is None
    if fits or is_custom:  # the shape of a user-defined loss is not known before it runs
        return
    each_place = f", or one for each of its {format_shape(values[1:])} positions" if len(values) > 1 else ""
    raise ShapeError(
        f"{format_caller(function)}: the weights in `{name}` are {format_shape(tuple(weight.shape[1:]))}.",
        f"The loss requires one weight per sample{each_place}.",
        f"Pass `{name}` with the shape ({weight.shape[0]},). Pass weights of classes as `class_weight`.",
    )
