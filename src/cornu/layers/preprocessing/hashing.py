"""Layers that hash categories to bins."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import registry, validation
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.layers.preprocessing.fingerprints import fingerprint64, fingerprint_cat64, hash_function
from cornu.layers.preprocessing.host_data import HostData, as_array, as_bytes
from cornu.layers.preprocessing.host_layer import HostLayer
from cornu.layers.preprocessing.output_modes import check_output_mode, encode, encoded_shape
from cornu.typing import Array, Shape

__all__ = ["HashedCrossing", "Hashing"]

_CROSSING_KEY = 0xDECAFCAFFE
"""The fingerprint that crossings start with, as in TensorFlow."""


def check_salt(layer: Layer, salt: int | Sequence[int] | None) -> tuple[int, int] | None:
    """Return a ``salt`` argument as the two words of the key; one integer stands for both.

    Raises:
        InvalidTypeError: If it is neither an integer nor two integers.
    """
    if salt is None:
        return None
    pair = list(salt) if isinstance(salt, Sequence) and not isinstance(salt, str) else [salt, salt]
    words = [word for word in pair if isinstance(word, (int, np.integer))]
    if len(words) != 2 or len(pair) != 2:
        hint = "Pass, for example, `salt=[133, 137]`."
        raise validation.invalid_type(layer, "salt", salt, "an integer, or two integers", hint)
    return int(words[0]), int(words[1])


def texts_of(layer: Layer, values: np.ndarray) -> list[bytes]:
    """Return strings as bytes, and integers as their decimal digits.

    Raises:
        InvalidTypeError: If the values are neither strings nor integers.
    """
    if values.dtype.kind in "iuf" and not (values % 1 != 0).any():
        return [b"%d" % value for value in values.ravel().tolist()]
    if values.dtype.kind in "fbc":
        hint = "Convert it with `.astype('int64')`, or put floats into bins with `Discretization` first."
        raise validation.invalid_dtype(layer, values.dtype.name, "strings or integers", hint)
    return as_bytes(layer, values)


def map_distinct(function: Callable, values: list) -> list:
    """Return the results of a function for values that are often equal; it is called once for each distinct value."""
    known = {value: function(value) for value in set(values)}
    return [known[value] for value in values]


@registry.register("layers")
class Hashing(HostLayer):
    """Layer that maps strings and integers to a fixed number of bins by a hash function that never changes.

    The index is ``hash % num_bins`` of FarmHash's ``Fingerprint64`` of the UTF-8 encoding, or of the decimal digits of an
    integer. With a ``salt`` the hash function is SipHash, keyed with the salt.

    Input shape: any, strings or integers. Output shape: that of the inputs, for other modes than ``"int"`` see
    ``output_mode``.

    Args:
        num_bins: Positive integer, the number of bins, including that of ``mask_value``.
        mask_value: String or integer that is mapped to index 0; other values are then mapped to the indices from 1 on. Defaults
            to None (no such value).
        salt: Integer, or two integers, the key of SipHash. Defaults to None (FarmHash).
        output_mode: ``"int"`` (the indices), ``"one_hot"``, ``"multi_hot"`` (for each sample, the last axis, 1 at each of its
            indices) or ``"count"`` (how often each index occurs in a sample). Defaults to ``"int"``.
        sparse: Must be False: Cornu has no sparse arrays. Defaults to False.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``num_bins`` is not positive, or there is no such mode.
        InvalidTypeError: If the salt has another form, or the inputs are neither strings nor integers.

    Example:
        >>> from cornu.layers import Hashing
        >>> Hashing(num_bins=3)([["A"], ["B"], ["C"]]).tolist()
        [[1], [0], [1]]
    """

    batch_coupling = "none"

    def __init__(
        self,
        num_bins: int,
        mask_value: str | int | None = None,
        salt: int | Sequence[int] | None = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ):
        if output_mode == "int" and kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64"
        super().__init__(**kwargs)
        self.num_bins = validation.check_int(self, "num_bins", num_bins, 1 if mask_value is None else 2)
        self.mask_value, self.salt, self.sparse = mask_value, check_salt(self, salt), sparse
        self.output_mode = check_output_mode(self, output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)

    def compute_on_host(self, values: np.ndarray) -> np.ndarray:
        """Return the indices of the bins, in the output mode."""
        mask = self.mask_value
        masked = None if mask is None else mask.encode() if isinstance(mask, str) else b"%d" % mask
        function, first = hash_function(self.salt), 0 if mask is None else 1

        def index(text: bytes) -> int:
            return 0 if text == masked else function(text) % (self.num_bins - first) + first

        indices = np.array(map_distinct(index, texts_of(self, values)), "int64").reshape(values.shape)
        return encode(indices, self.output_mode, self.num_bins, self.cornu_output_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output in the output mode."""
        return encoded_shape(tuple(input_shape), self.output_mode, self.num_bins)


@registry.register("layers")
class HashedCrossing(HostLayer):
    """Layer that maps combinations of categories to a fixed number of bins: ``hash(features) % num_bins``.

    Input shape: a list or tuple of arrays of shape ``(batch,)`` or ``(batch, 1)``, strings or integers. Output shape: that of
    one input, for ``output_mode="one_hot"`` ``(batch, num_bins)``.

    Args:
        num_bins: Positive integer, the number of bins.
        output_mode: ``"int"`` (the indices) or ``"one_hot"``. Defaults to ``"int"``.
        sparse: Must be False: Cornu has no sparse arrays. Defaults to False.
        name: Name of the object. Defaults to a name derived from the class.
        dtype: Dtype of the output. Defaults to ``"int64"`` for indices, else to the global policy.
        **kwargs: Arguments of the base class :class:`Layer`.

    Raises:
        InvalidArgumentError: If ``num_bins`` is not positive, there is no such mode, or there are less than two inputs.
        ShapeError: If the inputs have other or different shapes.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import HashedCrossing
        >>> HashedCrossing(5)((np.array(["A", "B", "A"]), np.array([101, 101, 102]))).tolist()
        [1, 4, 3]
    """

    batch_coupling = "none"

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype="int64" if output_mode == "int" and dtype is None else dtype, **kwargs)
        self.num_bins = validation.check_int(self, "num_bins", num_bins)
        self.output_mode = check_output_mode(self, output_mode, ("int", "one_hot"), sparse)
        self.sparse = sparse

    def _as_arrays(self, inputs: HostData) -> Any:
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise InvalidArgumentError(
                f"`HashedCrossing` received {inputs!r:.80}.",
                "It must receive a list or tuple of at least two features.",
                "Call it like `layer((a, b))`.",
            )
        return tuple(map(as_array, inputs))

    def call(self, inputs: Sequence[Array]) -> Any:
        """Return the indices of the bins, in the output mode."""
        return self.on_host(self._cross, inputs, self.compute_output_shape([tuple(feature.shape) for feature in inputs]))

    def _cross(self, *features: np.ndarray) -> np.ndarray:
        columns = [self._fingerprints(feature) for feature in features]
        indices = map_distinct(self._index, list(zip(*columns, strict=True)))
        numbers = np.array(indices, "int64").reshape(features[0].shape)
        return encode(numbers, self.output_mode, self.num_bins, self.cornu_output_dtype)

    def _fingerprints(self, feature: np.ndarray) -> list[int]:
        """Return the fingerprints of strings, and integers themselves."""
        if feature.dtype.kind in "iu":
            return feature.ravel().tolist()
        return map_distinct(fingerprint64, texts_of(self, feature))

    def _index(self, fingerprints: tuple[int, ...]) -> int:
        return functools.reduce(fingerprint_cat64, fingerprints, _CROSSING_KEY) % self.num_bins

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Return the shape of the output in the output mode, after a check of the shapes of the inputs."""
        shape, *others = map(tuple, input_shape)
        if any(other != shape for other in others) or len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ShapeError(
                f"`HashedCrossing` received inputs of shapes {[shape, *others]}.",
                "All must have the same shape, `(batch,)` or `(batch, 1)`.",
                "Pass one array for each feature.",
            )
        return encoded_shape(shape, self.output_mode, self.num_bins)
