"""Data of layers that compute on the host: strings and numbers as NumPy arrays, and the data that ``adapt`` accepts."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias, cast

import numpy as np

from cornu import backends, validation
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import is_symbolic
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.typing import ArrayLike

HostData: TypeAlias = ArrayLike | str | bytes | Sequence["HostData"]
"""Numbers or strings: an array, a table, or nested lists."""

AdaptData: TypeAlias = HostData | Iterable[HostData | tuple[HostData, ...]]
"""What ``adapt`` accepts: data, or batches of it."""


def is_tensor(value: AdaptData | None) -> bool:
    """Return whether a value is an array of an engine or of NumPy, and not another object of the engine, such as a dataset."""
    return hasattr(value, "shape") and backends.owner(value) is not None


def is_array(value: AdaptData | None) -> bool:
    """Return whether a value is an array, a tensor or a table, which NumPy can convert."""
    return is_tensor(value) or hasattr(value, "__array__")


def as_array(value: HostData) -> Any:
    """Return data as an array: lists and tables as NumPy arrays, arrays and symbolic tensors unchanged."""
    return value if is_symbolic(value) or is_tensor(value) else to_host(value)


def to_host(value: HostData) -> np.ndarray:
    """Return an array of any engine, a table, a string, a number or nested lists of them as a NumPy array.

    Strings have the dtype ``object``, since in NumPy's own dtype for strings each would take the space of the longest.

    Raises:
        ShapeError: If the rows of nested lists have different lengths.

    Example:
        >>> from cornu.layers.preprocessing.host_data import to_host
        >>> to_host([["a"], ["bc"]]).shape, to_host([1, 2]).dtype.name
        ((2, 1), 'int64')
    """
    if is_tensor(value):
        return backends.home(value).to_numpy(value)
    if hasattr(value, "__array__") or not isinstance(_first_leaf(value), (str, bytes)):
        try:
            return np.asarray(value)
        except ValueError:
            raise _ragged(value) from None
    array = np.array(value, dtype=object)
    if isinstance(_first_leaf(array.tolist(), array.ndim), (list, tuple)):
        raise _ragged(value)
    return array


def _first_leaf(value: HostData, depth: int = 32) -> Any:
    """Return the first element of nested lists, at most ``depth`` lists deep."""
    while depth and isinstance(value, (list, tuple)) and value:
        value, depth = value[0], depth - 1
    return value


def _ragged(value: HostData) -> ShapeError:
    return ShapeError(
        f"Lists of different lengths were received: {value!r:.80}.",
        "All rows must have the same length.",
        "Pad the shorter rows, for example with '' or 0.",
    )


def as_bytes(layer: Layer | str, values: np.ndarray) -> list[bytes]:
    """Return the strings of an array as a flat list of their UTF-8 encodings, the form that tensors of strings have.

    Args:
        layer: The layer, or its name, for the error.
        values: Array of strings or of bytes.

    Raises:
        InvalidTypeError: If an element is neither.

    Example:
        >>> from cornu.layers.preprocessing.host_data import as_bytes, to_host
        >>> as_bytes("layer", to_host([["a"], ["ä"]]))
        [b'a', b'\\xc3\\xa4']
    """
    items = values.ravel().tolist()
    kinds = set(map(type, items))
    if kinds <= {bytes}:
        return items
    if kinds <= {str}:
        return list(map(str.encode, items))
    if not all(issubclass(kind, (str, bytes)) for kind in kinds):
        wrong = next(item for item in items if not isinstance(item, (str, bytes)))
        name = layer if isinstance(layer, str) else type(layer).__name__
        raise InvalidTypeError(
            f"`{name}` received {wrong!r:.80} (a `{type(wrong).__name__}`) among its inputs.",
            "They must be strings.",
            "Replace missing values, for example with ''." if _is_missing(wrong) else "Convert them with `str` first.",
        )
    return [item.encode() if isinstance(item, str) else item for item in items]


def _is_missing(value: HostData | None) -> bool:
    """Return whether a value is what a table holds for a missing entry: None, or a NaN, which differs from itself."""
    return value is None or value != value


# --- Data of `adapt` ----------------------------------------------------------------------------------------------------


class Learner(Protocol):
    """A layer that learns from batches of data."""

    reset_state: Callable[[], None]
    update_state: Callable[[Any], None]
    finalize_state: Callable[[], None]


def learn(layer: Learner, batches: Iterable) -> None:
    """Let a layer forget what it learned, and learn from batches."""
    layer.reset_state()
    for batch in batches:
        layer.update_state(batch)
    layer.finalize_state()


def adapt_refused(layer: Layer, reason: str, hint: str) -> InvalidArgumentError:
    """Return the exception for ``adapt`` of a layer that was given what it would learn."""
    return InvalidArgumentError(f"`adapt` was called on the layer {layer.name!r}.", reason, hint)


def batches_of(layer: Layer, data: AdaptData, steps: int | None = None, batch_size: int | None = None) -> Iterator[np.ndarray]:
    """Yield the data passed to ``adapt`` as NumPy arrays.

    Args:
        layer: The layer, for errors.
        data: An array, a table, nested lists of strings or numbers; or an iterable of batches of these, such as a ``tf.data``
            dataset, a ``DataLoader``, a ``PyDataset`` or a generator. Of a batch ``(x, y)`` or ``(x, y, sample_weight)``,
            ``x`` is taken.
        steps: Integer, the number of batches to take. Defaults to None (all).
        batch_size: Integer, the number of samples of a batch if ``data`` is an array. Defaults to None (one batch).

    Raises:
        InvalidTypeError: If the data is no data.
        InvalidArgumentError: If ``steps`` is passed for an array without ``batch_size``.
        DataError: If the data is empty.
    """
    name = type(layer).__name__
    if steps is not None:
        steps = validation.check_int(f"{name}.adapt", "steps", steps)
    if batch_size is not None:
        batch_size = validation.check_int(f"{name}.adapt", "batch_size", batch_size)
    given = 0
    for batch in itertools.islice(_batches(name, data, steps, batch_size), steps):
        given += batch.size
        yield batch
    if not given:
        raise DataError(
            f"`{name}.adapt` received no data.",
            "At least one sample is required.",
            "Check the array or list; an exhausted generator must be created again.",
        )


def _batches(name: str, data: AdaptData, steps: int | None, batch_size: int | None) -> Iterator[np.ndarray]:
    if is_symbolic(data) or isinstance(data, dict) or not (is_array(data) or isinstance(data, (str, bytes, Iterable))):
        raise InvalidTypeError(
            f"`{name}.adapt` received {data!r:.80} (a `{type(data).__name__}`).",
            "It must be an array, a list, or an iterable of batches.",
            "Pass the training data of the one feature that the layer processes.",
        )
    if not (is_array(data) or isinstance(data, (str, bytes)) or _is_nested_list(data)):
        yield from (to_host(_features(batch)) for batch in cast(Iterable, data))
        return
    if steps is not None and batch_size is None:
        raise InvalidArgumentError(
            f"`{name}.adapt` received an array and `steps={steps}`.",
            "`steps` counts batches, and an array is one.",
            "Omit `steps`, or pass a part of the array.",
        )
    array = to_host(cast(HostData, data))
    if batch_size is None or not array.ndim:
        yield array
        return
    yield from (array[start : start + batch_size] for start in range(0, len(array), batch_size))


def _is_nested_list(data: AdaptData) -> bool:
    """Return whether data is a list of numbers, strings or lists of these, and not a list of batches, which are arrays."""
    if not isinstance(data, (list, tuple)):
        return False
    first = data[0] if data else None
    return not (_is_batch(first) or (isinstance(first, (list, tuple)) and len(first) and _is_batch(first[0])))


def _is_batch(value: HostData | None) -> bool:
    """Return whether a value is an array with at least one axis."""
    return is_array(value) and len(getattr(value, "shape", ())) > 0


def _features(batch: HostData | tuple[HostData, ...]) -> Any:
    """Return ``x`` of a batch ``(x, y)`` or ``(x, y, sample_weight)``, which may be a list, and other batches unchanged."""
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
        return batch
    is_pair = any(map(_is_batch, batch)) or (isinstance(batch, tuple) and is_array(batch[0]))
    return batch[0] if is_pair else batch


def check_numeric(layer: Layer, values: np.ndarray) -> None:
    """Raise ``InvalidTypeError`` if a batch of ``adapt`` does not contain numbers."""
    if values.dtype.kind not in "biuf":
        hint = "Pass the numeric features only, or convert them with `.astype('float32')`."
        raise validation.invalid_dtype(f"{type(layer).__name__}.adapt", values.dtype.name, "numbers", hint)
