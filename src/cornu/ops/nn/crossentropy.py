"""Cross-entropy between targets and predictions."""

from cornu import config
from cornu.backends.contract import Backend
from cornu.dtypes import HALVES
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import aligned, along_axis, of_classes
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.nn.activations import log_softmax
from cornu.ops.nn.encoding import is_class
from cornu.ops.shape_checks import check_axis, check_same_shape, shapes_error
from cornu.typing import Array, ArrayLike

__all__ = ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]


def _log_probabilities(output: Array, from_logits: bool, axis: int) -> Array:
    if from_logits:
        return log_softmax(output, axis)
    backend, output = floats(output)
    output = backend.divide(output, backend.sum(output, axis, True))
    return backend.log(_clipped(backend, output))


def _clipped(backend: Backend, probabilities: Array) -> Array:
    """Clip probabilities to ``[epsilon, 1 - epsilon]``, since the logarithm is infinite at 0."""
    epsilon = config.epsilon()
    above = backend.where(backend.less(probabilities, epsilon), epsilon, probabilities)
    return backend.where(backend.greater(above, 1.0 - epsilon), 1.0 - epsilon, above)


@op(
    batch_coupling=along_axis("target", "output"),
    unknown_sizes=unknown_sizes.equal("target", "output"),
    keras_path="nn.CategoricalCrossentropy",
)
def categorical_crossentropy(target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1) -> Array:
    """Return the categorical cross-entropy ``-sum(target * log(output))`` along the class axis.

    Args:
        target: Array-like of target probabilities (usually one-hot), of the shape of ``output``.
        output: Array-like of probabilities (which are rescaled to sum to 1) or logits.
        from_logits: Whether ``output`` contains logits, to which a softmax is applied. Defaults to False.
        axis: Integer, the class axis. Defaults to -1.

    Returns:
        Array of the shape of ``output`` without the class axis.

    Raises:
        ShapeError: If the shapes differ.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.categorical_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
        0.6931
    """
    backend, target, output = arrays(target, output)
    _, target, output = floats(target, *floats(output)[1:])
    check_same_shape("categorical_crossentropy", "target", target.shape, "output", output.shape)
    place = check_axis(axis, output.shape)
    return backend.negative(backend.sum(backend.multiply(target, _log_probabilities(output, from_logits, place)), place))


@op(batch_coupling=of_classes, keras_path="nn.SparseCategoricalCrossentropy")
def sparse_categorical_crossentropy(target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1) -> Array:
    """Return the categorical cross-entropy ``-log(output[target])`` of integer class indices.

    Args:
        target: Array-like of class indices, of the shape of ``output`` without the class axis (or with size 1 there).
        output: Array-like of probabilities (which are rescaled to sum to 1) or logits.
        from_logits: Whether ``output`` contains logits, to which a softmax is applied. Defaults to False.
        axis: Integer, the class axis. Defaults to -1.

    Returns:
        Array of the shape of ``output`` without the class axis; 0 where the class does not exist.

    Raises:
        ShapeError: If the shapes do not match.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.sparse_categorical_crossentropy(1, [0.5, 0.5])), 4)
        0.6931
    """
    backend, labels, output = arrays(target, output)
    place = check_axis(axis, output.shape)
    if len(labels.shape) == len(output.shape) and labels.shape[-1] == 1:
        labels = backend.reshape(labels, tuple(labels.shape[:-1]))
    shape = (*output.shape[:place], *output.shape[place + 1 :])
    if tuple(labels.shape) != shape:
        expected = f"`target` must contain one class index for each sample: shape {shape}."
        hint = "For one-hot targets, use `categorical_crossentropy`."
        raise shapes_error("sparse_categorical_crossentropy", {"target": labels.shape, "output": output.shape}, expected, hint)
    hits = is_class(backend, backend.cast(labels, "int32"), output.shape[place], place)
    logarithms = _log_probabilities(output, from_logits, place)
    return backend.negative(backend.sum(backend.where(hits, logarithms, 0.0), place))


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.equal("target", "output"), keras_path="nn.BinaryCrossentropy")
def binary_crossentropy(target: ArrayLike, output: ArrayLike, from_logits: bool = False) -> Array:
    """Return the binary cross-entropy ``-target * log(output) - (1 - target) * log(1 - output)``, elementwise.

    Args:
        target: Array-like of target probabilities (usually 0 or 1).
        output: Array-like of probabilities or logits, of the shape of ``target``.
        from_logits: Whether ``output`` contains logits, to which a sigmoid is applied. Defaults to False.

    Returns:
        Array of the shape of ``output``.

    Raises:
        ShapeError: If the shapes differ.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.binary_crossentropy([1.0], [100.0], from_logits=True)).tolist()
        [0.0]
    """
    backend, target, output = floats(target, output)
    check_same_shape("binary_crossentropy", "target", target.shape, "output", output.shape)
    against = backend.subtract(1.0, target)
    if from_logits:  # log(sigmoid(x)) = -log(1 + exp(-x))
        yes, no = backend.logaddexp(backend.negative(output), 0.0), backend.logaddexp(output, 0.0)
        return backend.add(backend.multiply(target, yes), backend.multiply(against, no))
    dtype = backend.dtype(output)
    output = _clipped(backend, backend.cast(output, "float32") if dtype in HALVES else output)  # in which 1 - 1e-7 is 1
    yes, no = backend.log(output), backend.log(backend.subtract(1.0, output))
    if dtype in HALVES:
        yes, no = backend.cast(yes, dtype), backend.cast(no, dtype)
    return backend.negative(backend.add(backend.multiply(target, yes), backend.multiply(against, no)))
