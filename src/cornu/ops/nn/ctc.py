"""Connectionist temporal classification (CTC): the labels of a sequence, without their positions.

A model predicts one class for each time step, among them a blank. A path of such classes stands for the labels that remain
after repeated classes are merged and blanks are removed. Source: Graves et al., 2006, Connectionist Temporal Classification,
https://www.cs.toronto.edu/~graves/icml_2006.pdf
"""

from typing import Any, NamedTuple

from cornu.backends.contract import Backend
from cornu.dtypes import HALVES
from cornu.errors import ShapeError
from cornu.ops.batch_coupling import all_batched
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.nn.activations import log_softmax
from cornu.typing import Array, ArrayLike
from cornu.validation import check_int, check_option, invalid_together

__all__ = ["ctc_decode", "ctc_loss"]

_IMPOSSIBLE = -1e5
"""Logarithm of the probability of what cannot happen, as in Keras: that of 0 would make gradients NaN."""

_NO_PREFIX = -1e30
"""Score of a place in the beam that no prefix has taken."""


def _check_shapes(name: str, wanted: dict[str, tuple[Array, int]]) -> None:
    """Raise a :class:`ShapeError` unless arrays have a number of axes and the same first size."""
    ranks = {argument: rank for argument, (_, rank) in wanted.items()}
    shapes = {argument: tuple(x.shape) for argument, (x, _) in wanted.items()}
    sizes = {shape[0] for shape in shapes.values() if shape and shape[0] is not None}
    if any(len(shapes[argument]) != rank for argument, rank in ranks.items()) or len(sizes) > 1:
        raise ShapeError(
            f"`{name}` received arrays of shapes {', '.join(f'`{argument}`: {shape}' for argument, shape in shapes.items())}.",
            f"They must have {', '.join(map(str, ranks.values()))} axes, of which the first is the batch.",
            "Pass logits of shape (batch, steps, classes), labels of shape (batch, labels) and one length for each sample.",
        )


def _logarithms(backend: Backend, logits: Array) -> Array:
    return log_softmax(backend.cast(logits, "float32") if backend.dtype(logits) in HALVES else logits, -1)


@op(batch_coupling=all_batched("target", "output", "target_length", "output_length"), keras_path="nn.CTCLoss")
def ctc_loss(
    target: ArrayLike, output: ArrayLike, target_length: ArrayLike, output_length: ArrayLike, mask_index: int = 0
) -> Array:
    """Return the CTC loss: the negative logarithm of the probability of the labels, which is summed over all their paths.

    The sum is computed step by step, in logarithms, for the labels with a blank before, between and after them:
    ``alpha[t, s] = p[t, s] * (alpha[t - 1, s] + alpha[t - 1, s - 1] + alpha[t - 1, s - 2])``, without the last term where it
    would skip a label, or the blank between two equal labels.

    Args:
        target: Array-like of integers of shape ``(batch, labels)``, the classes; those after ``target_length`` are ignored.
        output: Array-like of logits, of shape ``(batch, steps, classes)``.
        target_length: Array-like of integers of shape ``(batch,)``, number of labels of each sample.
        output_length: Array-like of integers of shape ``(batch,)``, number of steps of each sample.
        mask_index: Integer, the class of the blank. Defaults to 0.

    Returns:
        Array of shape ``(batch,)``, of the dtype of ``output``, but at least ``float32``. It is about 1e5 for labels that need
        more steps than there are.

    Raises:
        ShapeError: If the arrays do not have these numbers of axes, or not the same batch size.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.ctc_loss([[1]], [[[0.0, 0.0], [0.0, 0.0]]], [1], [2])[0]), 4)  # three of four paths
        0.2877
    """
    backend, logits = floats(output)
    backend, logits, target, labels, steps = arrays(logits, target, target_length, output_length)
    wanted = {"target": (target, 2), "output": (logits, 3), "target_length": (labels, 1), "output_length": (steps, 1)}
    _check_shapes("ctc_loss", wanted)
    target, labels, steps = (backend.cast(x, "int32") for x in (target, labels, steps))
    logarithms = _logarithms(backend, logits)
    (count, size), classes = backend.shape(target), backend.shape(logits)[2]
    states = 2 * size + 1
    inner = backend.reshape(backend.minimum(backend.maximum(target, 0), classes - 1), (count, size, 1))
    blanks = backend.add(backend.multiply(inner, 0), mask_index)
    pairs = backend.reshape(backend.concatenate([blanks, inner], 2), (count, 2 * size))
    path = backend.pad(pairs, ((0, 0), (0, 1)), "constant", mask_index)

    def earlier(values: Array, shift: int, filled: float) -> Array:
        """Return the value that is some states before each state."""
        padded = backend.pad(values, ((0, 0), (shift, 0)), "constant", filled)
        return backend.getitem(padded, (slice(None), slice(0, states)))

    is_skipped = backend.logical_and(backend.not_equal(path, mask_index), backend.not_equal(path, earlier(path, 2, mask_index)))
    emitted = backend.take_along_axis(logarithms, backend.reshape(path, (count, 1, states)), 2)
    steps = backend.reshape(steps, (count, 1))

    def step(alpha: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
        number, added = now
        moved = backend.logaddexp(alpha, earlier(alpha, 1, _IMPOSSIBLE))
        moved = backend.logaddexp(moved, backend.where(is_skipped, earlier(alpha, 2, _IMPOSSIBLE), _IMPOSSIBLE))
        return backend.where(backend.less(number, steps), backend.add(moved, added), alpha), None

    dtype = backend.dtype(logarithms)
    start = [backend.full((count, 1), 0, dtype), backend.full((count, 2 * size), _IMPOSSIBLE, dtype)]
    by_time = backend.transpose(emitted, (1, 0, 2))
    numbers = backend.arange(0, backend.shape(by_time)[0], 1, "int32")
    alpha, _ = backend.scan(step, backend.concatenate(start, 1), (numbers, by_time))
    end = backend.multiply(backend.reshape(labels, (count, 1)), 2)  # a path ends with a blank there, or with the label before
    before = backend.take_along_axis(alpha, backend.maximum(backend.subtract(end, 1), 0), 1)
    before = backend.where(backend.greater(end, 0), before, _IMPOSSIBLE)
    total = backend.logaddexp(before, backend.take_along_axis(alpha, end, 1))
    return backend.negative(backend.reshape(total, (count,)))


@op(keras_path="nn.CTCDecode")
def ctc_decode(
    inputs: ArrayLike,
    sequence_lengths: ArrayLike,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Array, Array]:
    """Return the most probable labels for the logits of a CTC model.

    ``"greedy"`` takes the most probable class of each step. ``"beam_search"`` keeps the ``beam_width`` most probable beginnings
    after each step, whose probability is summed over all their paths.

    Args:
        inputs: Array-like of logits, of shape ``(batch, steps, classes)``.
        sequence_lengths: Array-like of integers of shape ``(batch,)``, number of steps of each sample.
        strategy: ``"greedy"`` or ``"beam_search"``. Defaults to ``"greedy"``.
        beam_width: Integer, number of beginnings that are kept. Defaults to 100.
        top_paths: Integer, number of results of ``"beam_search"``. Defaults to 1.
        merge_repeated: Whether ``"greedy"`` merges repeated classes. Defaults to True.
        mask_index: Integer, the class of the blank. Defaults to 0.

    Returns:
        Tuple of the labels, an ``int32`` array of shape ``(top_paths, batch, steps)`` with -1 after the last label, and scores
        of shape ``(batch, top_paths)``: for ``"greedy"`` the negative sum of the largest logits, for ``"beam_search"`` the
        logarithms of the probabilities.

    Raises:
        InvalidArgumentError: If the strategy is unknown, or ``top_paths`` is larger than ``beam_width``.
        ShapeError: If the arrays have other numbers of axes, or other batch sizes.

    Example:
        >>> from cornu import ops
        >>> labels, scores = ops.ctc_decode([[[0.0, 3.0], [0.0, 3.0], [3.0, 0.0], [0.0, 3.0]]], [4])
        >>> labels.tolist(), scores.tolist()
        ([[[1, 1, -1, -1]]], [[-12.0]])
    """
    check_option("strategy", strategy, ("greedy", "beam_search"))
    backend, logits = floats(inputs)
    backend, logits, lengths = arrays(logits, sequence_lengths)
    _check_shapes("ctc_decode", {"inputs": (logits, 3), "sequence_lengths": (lengths, 1)})
    logits = backend.cast(logits, "float32") if backend.dtype(logits) in HALVES else logits
    lengths = backend.reshape(backend.cast(lengths, "int32"), (-1, 1))
    if strategy == "greedy":
        return _greedy(backend, logits, lengths, merge_repeated, mask_index)
    width, paths = check_int("ctc_decode", "beam_width", beam_width), check_int("ctc_decode", "top_paths", top_paths)
    if paths > width:
        given = {"top_paths": paths, "beam_width": width}
        expected = "There are as many results as beginnings are kept, at most."
        raise invalid_together("ctc_decode", given, expected, f"Pass `beam_width={paths}` or more.")
    return _beam_search(backend, logits, lengths, width, paths, mask_index)


def _greedy(backend: Backend, logits: Array, lengths: Array, merge: bool, blank: int) -> tuple[Array, Array]:
    """Decode by the most probable class of each step; ``lengths`` has the shape ``(batch, 1)``."""
    size = backend.shape(logits)[1]
    places = backend.reshape(backend.arange(0, size, 1, "int32"), (1, size))
    is_step = backend.less(places, lengths)
    classes = backend.where(is_step, backend.argmax(logits, 2), blank)
    scores = backend.sum(backend.where(is_step, backend.max(logits, 2), 0.0), 1, True)
    is_label = backend.not_equal(classes, blank)
    if merge:
        before = backend.pad(backend.getitem(classes, (slice(None), slice(0, -1))), ((0, 0), (1, 0)), "constant", blank)
        is_label = backend.logical_and(is_label, backend.not_equal(classes, before))
    order = backend.argsort(backend.where(is_label, places, size), 1)
    labels = backend.take_along_axis(backend.where(is_label, classes, -1), order, 1)
    return backend.reshape(labels, (1, *backend.shape(labels))), backend.negative(scores)


class _Beam(NamedTuple):
    """The prefixes of labels that the search keeps, by sample and place in the beam.

    Attributes:
        prefixes: Labels, of shape ``(batch, width, steps)``; -1 after the last one.
        ends: Number of labels, of shape ``(batch, width)``.
        closed, open: Logarithms of the probabilities of the paths that end with a blank, and of the others.
    """

    prefixes: Array
    ends: Array
    closed: Array
    open: Array


def _grown(backend: Backend, beam: _Beam, now: Array, blank: int) -> tuple[Array, Array, Array]:
    """Return the scores after a step of the prefixes themselves, with a blank and without, and of each with one more label.

    ``now`` contains the logarithms of the probabilities of the step, of shape ``(batch, classes)``.
    """
    (count, width, size), classes = backend.shape(beam.prefixes), backend.shape(now)[1]
    ends = backend.reshape(beam.ends, (count, width, 1))
    lasts = backend.take_along_axis(beam.prefixes, backend.maximum(backend.subtract(ends, 1), 0), 2)
    last = backend.reshape(lasts, (count, width))
    total = backend.logaddexp(beam.closed, beam.open)
    # A prefix remains what it is by a blank, or by its last label once more. It grows by its last label only after a blank.
    closed = backend.add(total, backend.getitem(now, (slice(None), slice(blank, blank + 1))))
    repeated = backend.add(beam.open, backend.take_along_axis(now, backend.maximum(last, 0), 1))
    classes_ = backend.reshape(backend.arange(0, classes, 1, "int32"), (1, 1, classes))
    is_last = backend.equal(classes_, lasts)
    before = [backend.reshape(scores, (count, width, 1)) for scores in (beam.closed, total)]
    grown = backend.add(backend.where(is_last, *before), backend.reshape(now, (count, 1, classes)))
    grown = backend.where(backend.equal(classes_, blank), _NO_PREFIX, grown)
    # What a prefix becomes may be another prefix of the beam, to which it is added.
    places = backend.reshape(backend.arange(0, size, 1, "int32"), (1, 1, size))
    parents = backend.where(backend.equal(places, backend.subtract(ends, 1)), -1, beam.prefixes)
    is_equal = backend.equal(
        backend.reshape(beam.prefixes, (count, width, 1, size)), backend.reshape(parents, (count, 1, width, size))
    )
    has_label = backend.reshape(backend.greater(ends, 0), (count, 1, width))
    is_parent = backend.logical_and(backend.all(is_equal, 3), has_label)
    joined = backend.take_along_axis(grown, backend.reshape(backend.maximum(last, 0), (count, 1, width)), 2)
    joined = backend.max(backend.where(is_parent, joined, _NO_PREFIX), 1)
    dtype = backend.dtype(now)
    is_joined = backend.greater(backend.matmul(backend.cast(is_parent, dtype), backend.cast(is_last, dtype)), 0)
    return closed, backend.logaddexp(repeated, joined), backend.where(is_joined, _NO_PREFIX, grown)


def _advanced(backend: Backend, beam: _Beam, now: Array, blank: int) -> _Beam:
    """Return the most probable prefixes after a step."""
    (count, width, size), classes = backend.shape(beam.prefixes), backend.shape(now)[1]
    closed, open_, grown = _grown(backend, beam, now, blank)
    scores = [backend.logaddexp(closed, open_), backend.reshape(grown, (count, width * classes))]
    best, chosen = backend.top_k(backend.concatenate(scores, 1), width)
    is_new, number = backend.greater_equal(chosen, width), backend.maximum(backend.subtract(chosen, width), 0)
    source = backend.where(is_new, backend.floor_divide(number, classes), chosen)
    closed, open_, ends = (backend.take_along_axis(x, source, 1) for x in (closed, open_, beam.ends))
    source, label, place, is_wider = (
        backend.reshape(x, (count, width, 1)) for x in (source, backend.remainder(number, classes), ends, is_new)
    )
    places = backend.reshape(backend.arange(0, size, 1, "int32"), (1, 1, size))
    is_place = backend.logical_and(is_wider, backend.equal(places, place))
    return _Beam(
        backend.where(is_place, label, backend.take_along_axis(beam.prefixes, source, 1)),
        backend.add(ends, backend.cast(is_new, "int32")),
        backend.where(is_new, _NO_PREFIX, closed),
        backend.where(is_new, best, open_),
    )


def _beam_search(backend: Backend, logits: Array, lengths: Array, width: int, paths: int, blank: int) -> tuple[Array, Array]:
    """Decode by a search for the most probable prefixes of labels; ``lengths`` has the shape ``(batch, 1)``."""
    logarithms = log_softmax(logits, -1)
    dtype, (count, size, _) = backend.dtype(logarithms), backend.shape(logarithms)

    def step(beam: Any, at: tuple[Array, Array]) -> tuple[Any, None]:
        is_step = backend.less(at[0], lengths)
        flags = [backend.reshape(is_step, (count, 1, 1)), *[is_step] * 3]
        after = _advanced(backend, _Beam(*beam), at[1], blank)
        return tuple(backend.where(flag, new, old) for flag, new, old in zip(flags, after, beam, strict=True)), None

    empty = backend.full((count, width - 1), _NO_PREFIX, dtype)  # the search starts with one prefix, without labels
    start = (
        backend.full((count, width, size), -1, "int32"),
        backend.full((count, width), 0, "int32"),
        backend.concatenate([backend.full((count, 1), 0, dtype), empty], 1),
        backend.full((count, width), _NO_PREFIX, dtype),
    )
    steps = (backend.arange(0, size, 1, "int32"), backend.transpose(logarithms, (1, 0, 2)))
    (prefixes, _, closed, open_), _ = backend.scan(step, start, steps)
    scores, chosen = backend.top_k(backend.logaddexp(closed, open_), paths)
    exists = backend.greater(scores, _NO_PREFIX / 2)
    found = backend.take_along_axis(prefixes, backend.reshape(chosen, (count, paths, 1)), 1)
    found = backend.where(backend.reshape(exists, (count, paths, 1)), found, -1)
    return backend.transpose(found, (1, 0, 2)), backend.where(exists, scores, float("-inf"))
