"""Conversion of class weights to sample weights."""

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
    """Return a batch whose sample weights are multiplied by the weights of the classes of the samples.

    Args:
        function: Name of the function the user called.
        batch: Validated data.
        class_weight: Dict from class index to weight, or None; classes that it does not contain have the weight 1.
        outputs: The outputs of the model.
        compiled_loss: The losses.

    Raises:
        DataError: If there is no ``y``.
        InvalidTypeError: If ``class_weight`` is not a dict.
        InvalidArgumentError: If it contains an unknown class or a non-finite weight, or there are several outputs.
        ShapeError: If ``y`` does not contain one class for each sample.
    """
    if class_weight is None:
        return batch
    _check_class_weight(function, class_weight, outputs, compiled_loss)
    if batch.y is None:
        raise DataError(
            f"{format_caller(function)} received `class_weight` and no `y`.",
            "`class_weight` requires the classes in `y`.",
            "Pass `y`.",
        )
    y = np.asarray(trees.leaves(batch.y)[0])
    is_one_hot = y.ndim == len(outputs[0].shape) == 2 and y.shape[-1] > 1
    y = y.argmax(axis=-1) if is_one_hot else y.reshape(without_last(y.shape))
    if y.ndim != 1:
        raise ShapeError(
            f"{format_caller(function)} received `class_weight`, and the labels in `y` are {format_shape(y.shape[1:])}.",
            "`class_weight` requires one class per sample.",
            "Pass the weights as `sample_weight`, one for each label.",
        )
    classes, places = np.unique(np.rint(y).astype(np.int64), return_inverse=True)
    weight = np.array([class_weight.get(int(number), 1.0) for number in classes], dtype=np.float32)[places]
    own = trees.leaves(batch.sample_weight)
    if own:
        weight = np.asarray(own[0]) * weight.reshape(-1, *(1,) * (own[0].ndim - 1))
    return batch._replace(sample_weight=weight)


def _check_class_weight(function: str, class_weight: Any, outputs: list[Output], compiled_loss: CompiledLoss) -> None:
    """Check the keys and values of ``class_weight``."""
    if not isinstance(class_weight, dict):
        raise InvalidTypeError(
            f"{format_caller(function)} received `class_weight` as {type(class_weight).__name__}.",
            "It must be a dict from class index to weight.",
            "Convert a list or an array with `dict(enumerate(class_weight))`.",
        )
    if len(outputs) > 1:
        raise InvalidArgumentError(
            f"{format_caller(function)} received `class_weight`, and the model has {len(outputs)} outputs.",
            "`class_weight` is supported for models with one output only.",
            "Pass the weights as `sample_weight`, a list or a dict with one array for each output.",
        )
    classes = _class_count(outputs[0], compiled_loss.losses[0])
    for number, weight in class_weight.items():
        if isinstance(number, str) or int(number) != number or (classes is not None and not 0 <= number < classes):
            raise InvalidArgumentError(
                f"{format_caller(function)} received `class_weight` with the class {number!r}.",
                f"The classes are {'integers' if classes is None else f'the integers from 0 to {classes - 1}'}.",
                "Use the class indices that occur in `y`.",
            )
        if not (isinstance(weight, (int, float, np.number)) and np.isfinite(weight)):
            raise InvalidArgumentError(
                f"{format_caller(function)} received `class_weight` with {weight!r} for the class {number!r}.",
                "A weight must be a finite number.",
                "Pass one, such as 1.0.",
            )


def _class_count(output: Output, loss: Loss | None) -> int | None:
    """Return the number of classes if it is known: one per unit, or two for a single unit with a binary loss."""
    if output.units is not None and output.units > 1:
        return output.units
    fn = loss.fn if isinstance(loss, LossFunctionWrapper) else None
    return 2 if fn in BINARY else None
