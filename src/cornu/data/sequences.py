"""Sequences of different lengths as one array."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError, one_of
from cornu.validation import check_int

_SIDES = ("pre", "post")


def pad_sequences(
    sequences: Sequence[Sequence[npt.ArrayLike]],
    maxlen: int | None = None,
    dtype: npt.DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | str = 0.0,
) -> np.ndarray:
    """Pad or truncate sequences to the same length.

    Args:
        sequences: List of sequences: lists of numbers, or arrays of shape ``(length, ...)``.
        maxlen: Integer, length of the result. Defaults to the length of the longest sequence.
        dtype: Dtype of the result; ``object`` or ``str`` for strings. Defaults to ``"int32"``.
        padding: ``"pre"`` or ``"post"``, the side on which shorter sequences are padded. Defaults to ``"pre"``.
        truncating: ``"pre"`` or ``"post"``, the side from which elements of longer sequences are removed. Defaults to
            ``"pre"``.
        value: Number or string, the value of the padding. Defaults to 0.0.

    Returns:
        NumPy array of shape ``(len(sequences), maxlen, ...)``.

    Raises:
        InvalidArgumentError: If an argument has an invalid value.
        InvalidTypeError: If ``sequences`` is no list of sequences.
        ShapeError: If the elements of two sequences have different shapes.

    Example:
        >>> import cornu
        >>> cornu.utils.pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
        [[0, 1], [2, 3], [5, 6]]
    """
    for argument, side in (("padding", padding), ("truncating", truncating)):
        if side not in _SIDES:
            raise one_of(argument, side, _SIDES)
    if not hasattr(sequences, "__len__") or not all(hasattr(sequence, "__len__") for sequence in sequences):
        raise InvalidTypeError(
            f"`pad_sequences` received `sequences={sequences!r:.60}`.",
            "It must be a list of sequences, such as lists of integers.",
            "Put a single sequence into a list.",
        )
    longest = max((len(sequence) for sequence in sequences), default=0)
    length = longest if maxlen is None else check_int("pad_sequences", "maxlen", maxlen, least=0)
    shape = next((np.asarray(sequence).shape[1:] for sequence in sequences if len(sequence)), ())
    is_text = np.issubdtype(np.dtype(dtype), np.str_)
    if isinstance(value, str) and not is_text and np.dtype(dtype) != np.dtype(object):
        raise InvalidArgumentError(
            f"`pad_sequences` received `value={value!r}` with `dtype={dtype!r}`.",
            "A string can only be stored in an array of strings or objects.",
            "Pass `dtype=object`.",
        )
    padded = np.full((len(sequences), length, *shape), value, dtype=dtype)
    for row, sequence in zip(padded, sequences, strict=True):
        kept = sequence[max(len(sequence) - length, 0) :] if truncating == "pre" else sequence[:length]
        if not len(kept):
            continue
        elements = np.asarray(kept, dtype=dtype)
        if elements.shape[1:] != shape:
            raise ShapeError(
                f"`pad_sequences` received sequences whose elements have the shapes {shape} and {elements.shape[1:]}.",
                "All elements must have the same shape.",
                "Reshape the sequences.",
            )
        row[slice(None, len(kept)) if padding == "post" else slice(length - len(kept), None)] = elements
    return padded
