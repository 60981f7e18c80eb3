"""Layer that maps integers to indices."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import registry
from cornu.layers.preprocessing.fingerprints import hash_function
from cornu.layers.preprocessing.hashing import check_salt
from cornu.layers.preprocessing.index_lookup import IndexLookup, VocabularyLike
from cornu.typing import ArrayLike
from cornu.validation import check_option, invalid_dtype, invalid_together

__all__ = ["IntegerLookup"]


@registry.register("layers")
class IntegerLookup(IndexLookup[int]):
    """Layer that maps integers to the indices of a vocabulary, which is passed or learned with :meth:`adapt`.

    An integer that is not in the vocabulary has an out-of-vocabulary index. Indices are, in this order, that of the mask token
    (only if there is one and ``output_mode`` is ``"int"``), the out-of-vocabulary indices, and those of the vocabulary.

    Input shape: any, integers. Output shape: that of the inputs, for other modes than ``"int"`` see ``output_mode``.

    Args:
        max_tokens: Integer, the largest size of the vocabulary, including the mask token and the out-of-vocabulary tokens.
            Defaults to None (no limit).
        num_oov_indices: Integer, the number of out-of-vocabulary indices. With more than one, ``oov_method`` chooses among
            them; with 0, an unknown integer is an error. Defaults to 1.
        mask_token: Integer that stands for padding: it has index 0 for ``output_mode="int"``, and is left out in other modes.
            Defaults to None (no such integer).
        oov_token: Integer that an inverse lookup returns for out-of-vocabulary indices. Defaults to -1.
        vocabulary: Sequence of integers, or the path of a text file with one integer in each line. Defaults to None.
        vocabulary_dtype: Must be ``"int64"``. Defaults to ``"int64"``.
        idf_weights: Sequence of floats, the inverse document frequency of each integer, for ``output_mode="tf_idf"``. Defaults
            to None.
        invert: Whether to map indices to integers of the vocabulary instead. Defaults to False.
        output_mode: ``"int"`` (the indices), ``"one_hot"``, ``"multi_hot"`` (for each sample, the last axis, 1 at each of its
            indices), ``"count"`` (how often each index occurs in a sample) or ``"tf_idf"`` (the counts multiplied by
            ``idf_weights``). Defaults to ``"int"``.
        sparse: Must be False: Cornu has no sparse arrays. Defaults to False.
        pad_to_max_tokens: Whether outputs in other modes than ``"int"`` have the size ``max_tokens`` even if the vocabulary is
            smaller. Defaults to False.
        oov_method: ``"floormod"`` (the remainder of the integer) or ``"farmhash"`` (of a hash of its digits). Defaults to
            ``"floormod"``.
        salt: Integer, or two integers, the key of SipHash, which then takes the place of FarmHash. Defaults to None.
        name: Name of the object. Defaults to a name derived from the class.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``dtype``.

    Raises:
        InvalidArgumentError: If arguments contradict each other, or the vocabulary is invalid (see :meth:`set_vocabulary`).
        InvalidTypeError: If inputs are no integers.
        NotBuiltError: If the layer is called without a vocabulary.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import IntegerLookup
        >>> layer = IntegerLookup(vocabulary=[12, 36, 1138, 42])
        >>> layer(np.array([[12, 1138, 42], [42, 1000, 36]])).tolist()
        [[1, 3, 4], [4, 0, 2]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: VocabularyLike | None = None,
        vocabulary_dtype: str = "int64",
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: int | Sequence[int] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.vocabulary_dtype = check_option("vocabulary_dtype", vocabulary_dtype, ("int64",))
        self.oov_method = check_option("oov_method", oov_method, ("floormod", "farmhash"))
        if salt is not None and oov_method != "farmhash":
            given = {"salt": salt, "oov_method": oov_method}
            hint = "Pass `oov_method='farmhash'`, or omit `salt`."
            raise invalid_together(self, given, "A remainder has no salt.", hint)
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.output_mode, self.sparse = invert, output_mode, sparse
        self.pad_to_max_tokens, self.salt = pad_to_max_tokens, check_salt(self, salt)
        self.set_up(vocabulary, idf_weights)

    def tokens_of(self, values: np.ndarray) -> list[int]:
        """Return integers as Python integers."""
        if values.dtype.kind not in "iubf" or (values % 1 != 0).any():
            hint = "Convert it with `.astype('int64')`, or use `StringLookup` for strings."
            raise invalid_dtype(self, values.dtype.name, "integers", hint)
        return values.ravel().astype("int64").tolist()

    def value_of(self, token: int) -> Any:
        """Return the integer itself."""
        return token

    def token_from_text(self, text: str) -> int:
        """Return the integer that a line represents."""
        return int(text)

    def array_of(self, tokens: Sequence[int]) -> np.ndarray:
        """Return tokens as an array of integers."""
        return np.array(tokens, dtype="int64")

    def bucket_of(self, token: int) -> int:
        """Return the integer, or a hash of its digits."""
        return token if self.oov_method == "floormod" else hash_function(self.salt)(b"%d" % token)
