"""Layer that maps strings to indices."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import registry
from cornu.errors import InvalidArgumentError
from cornu.layers.preprocessing.fingerprints import hash_function
from cornu.layers.preprocessing.hashing import check_salt
from cornu.layers.preprocessing.host_data import as_bytes
from cornu.layers.preprocessing.index_lookup import IndexLookup, VocabularyLike
from cornu.typing import ArrayLike, CustomObjects

__all__ = ["StringLookup"]


@registry.register("layers")
class StringLookup(IndexLookup[bytes]):
    """Layer that maps strings to the indices of a vocabulary, which is passed or learned with :meth:`adapt`.

    A string that is not in the vocabulary has an out-of-vocabulary index. Indices are, in this order, that of the mask token
    (only if there is one and ``output_mode`` is ``"int"``), the out-of-vocabulary indices, and those of the vocabulary.

    Input shape: any, strings. Output shape: that of the inputs, for other modes than ``"int"`` see ``output_mode``.

    Args:
        max_tokens: Integer, the largest size of the vocabulary, including the mask token and the out-of-vocabulary tokens.
            Defaults to None (no limit).
        num_oov_indices: Integer, the number of out-of-vocabulary indices. With more than one, a hash of the string chooses
            among them; with 0, an unknown string is an error. Defaults to 1.
        mask_token: String that stands for padding: it has index 0 for ``output_mode="int"``, and is left out in other modes.
            Defaults to None (no such string).
        oov_token: String that an inverse lookup returns for out-of-vocabulary indices. Defaults to ``"[UNK]"``.
        vocabulary: Sequence of strings, or the path of a text file with one string in each line. Defaults to None.
        idf_weights: Sequence of floats, the inverse document frequency of each string, for ``output_mode="tf_idf"``. Defaults
            to None.
        invert: Whether to map indices to strings instead. Defaults to False.
        output_mode: ``"int"`` (the indices), ``"one_hot"``, ``"multi_hot"`` (for each sample, the last axis, 1 at each of its
            indices), ``"count"`` (how often each index occurs in a sample) or ``"tf_idf"`` (the counts multiplied by
            ``idf_weights``). Defaults to ``"int"``.
        pad_to_max_tokens: Whether outputs in other modes than ``"int"`` have the size ``max_tokens`` even if the vocabulary is
            smaller. Defaults to False.
        sparse: Must be False: Cornu has no sparse arrays. Defaults to False.
        encoding: Must be ``"utf-8"``, the encoding of strings that are bytes. Defaults to ``"utf-8"``.
        name: Name of the object. Defaults to a name derived from the class.
        salt: Integer, or two integers, the key of SipHash, which then takes the place of FarmHash. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``dtype``.

    Raises:
        InvalidArgumentError: If arguments contradict each other, or the vocabulary is invalid (see :meth:`set_vocabulary`).
        NotBuiltError: If the layer is called without a vocabulary.

    Example:
        >>> from cornu.layers import StringLookup
        >>> layer = StringLookup()
        >>> layer.adapt([["a", "c", "d"], ["d", "z", "b"]])
        >>> layer.get_vocabulary()
        ['[UNK]', 'd', 'z', 'c', 'b', 'a']
        >>> layer([["a", "x"]]).tolist()
        [[5, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: VocabularyLike | None = None,
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: int | Sequence[int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if encoding.lower() not in ("utf-8", "utf8", "ascii"):
            raise InvalidArgumentError(
                f"`encoding={encoding!r}` was given.",
                "It must be 'utf-8', in which tokens are compared.",
                "Decode the data first: `text.decode(encoding)` returns a string.",
            )
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.output_mode, self.sparse = invert, output_mode, sparse
        self.cornu_takes_strings = not invert
        self.pad_to_max_tokens, self.encoding, self.salt = pad_to_max_tokens, encoding, check_salt(self, salt)
        self.set_up(vocabulary, idf_weights)

    def tokens_of(self, values: np.ndarray) -> list[bytes]:
        """Return strings in UTF-8."""
        return as_bytes(self, values)

    def value_of(self, token: bytes) -> Any:
        """Return a token as a string."""
        return token.decode(errors="replace")

    def token_from_text(self, text: str) -> bytes:
        """Return a line as a token."""
        return text.encode()

    def array_of(self, tokens: Sequence[bytes]) -> np.ndarray:
        """Return tokens as an array of strings."""
        return np.array([self.value_of(token) for token in tokens], dtype=object)

    def bucket_of(self, token: bytes) -> int:
        """Return the hash of a string."""
        return hash_function(self.salt)(token)

    @property
    def cornu_output_dtype(self) -> str:
        """``"string"`` for an inverse lookup, ``"int64"`` for indices, else the compute dtype."""
        return "string" if self.invert else super().cornu_output_dtype

    def get_config(self) -> dict[str, Any]:
        """Return the config, with the ``oov_method`` that Keras writes."""
        return {**super().get_config(), "oov_method": "floormod"}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> Any:
        """Create a layer from a config; its ``oov_method`` has no effect on strings."""
        return super().from_config({n: value for n, value in config.items() if n != "oov_method"}, custom_objects)
