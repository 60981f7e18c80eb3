"""Apply class weights to sample weights."""

from typing import Any

import numpy as np

from cornu import trees
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.losses import Loss, LossFunctionWrapper
from cornu.training.batch import Batch
from cornu.training.compiled_loss import CompiledLoss
from cornu.training.data_validation.arguments import format_caller
from cornu.training.data_validation.inputs import format_shape
from cornu.training.data_validation.outputs import Output
from cornu.training.data_validation.targets import BINARY, without_last


def with_class_weight(
    function: str, batch: Batch, class_weight: dict | None, outputs: list[Output], compiled_loss: CompiledLoss
) -> Batch:
    """The batch with a weight for each sample from the weight of its class, times the one it has.

    Args:
        function: Name of the function the user called.
        batch: The data, checked.
        class_weight: Class number to weight; a class that is not named has the weight 1.
        outputs: The outputs.
        objective: The losses.

    Raises:
        DataError: There is no ``y``.
        InvalidTypeError: ``class_weight`` is no dict.
        InvalidArgumentError: It names a class that there is not, a weight is no finite number, or there are several outputs.
        ShapeError: ``y`` does not hold one class for each sample.
    """
    if class_weight is None:
        return batch
    _check_class_weight(function, class_weight, outputs, compiled_loss)
    if batch.y is None:
        raise DataError(
            f"{format_caller(function)} received `class_weight` and no `y`.", "The classes stand in `y`.", "Pass it."
        )
    y = np.asarray(trees.leaves(batch.y)[0])
    is_one_hot = y.ndim == len(outputs[0].shape) == 2 and y.shape[-1] > 1
    y = y.argmax(axis=-1) if is_one_hot else y.reshape(without_last(y.shape))
    if y.ndim != 1:
        raise ShapeError(
            f"{format_caller(function)} received `class_weight`, and the labels in `y` are {format_shape(y.shape[1:])}.",
            "It needs one class for each sample.",
            "Give the weights as `sample_weight`, one for each label.",
        )
    classes, places = np.unique(np.rint(y).astype(np.int64), return_inverse=True)
    weight = np.array([class_weight.get(int(number), 1.0) for number in classes], dtype=np.float32)[places]
    own = trees.leaves(batch.sample_weight)
    if own:
        weight = np.asarray(own[0]) * weight.reshape(-1, *(1,) * (own[0].ndim - 1))
    return batch._replace(sample_weight=weight)


def _check_class_weight(function: str, class_weight: Any, outputs: list[Output], compiled_loss: CompiledLoss) -> None:
    if not isinstance(class_weight, dict):
        raise InvalidTypeError(
            f"{format_caller(function)} received `class_weight` as {type(class_weight).__name__}.",
            "It must be a dict from class number to weight.",
            "Of a list or an array, `dict(enumerate(class_weight))` makes one.",
        )
    if len(outputs) > 1:
        raise InvalidArgumentError(
            f"{format_caller(function)} received `class_weight`, and the model has {len(outputs)} outputs.",
            "It cannot tell for which of them it is.",
            "Give the weights as `sample_weight`, a list or a dict with one array for each output.",
        )
    classes = _class_count(outputs[0], compiled_loss.losses[0])
    for number, weight in class_weight.items():
        if isinstance(number, str) or int(number) != number or (classes is not None and not 0 <= number < classes):
            raise InvalidArgumentError(
                f"{format_caller(function)} received `class_weight` with the class {number!r}.",
                f"The classes are {'whole numbers' if classes is None else f'the numbers from 0 to {classes - 1}'}.",
                "Use the numbers that stand in `y`.",
            )
        if not (isinstance(weight, (int, float, np.number)) and np.isfinite(weight)):
            raise InvalidArgumentError(
                f"{format_caller(function)} received `class_weight` with {weight!r} for the class {number!r}.",
                "A weight must be a finite number.",
                "Pass one, such as 1.0.",
            )


def _class_count(output: Output, loss: Loss | None) -> int | None:
    """How many classes there are, if it can be known: one for each unit, or two for a single one that says yes or no."""
    if output.units is not None and output.units > 1:
        return output.units
    fn = loss.fn if isinstance(loss, LossFunctionWrapper) else None
    return 2 if fn in BINARY else None
