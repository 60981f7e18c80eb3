"""Layer that turns texts into indices of their words."""

import itertools
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, cast

import numpy as np

from cornu import backends, registry, validation
from cornu.core.layer_placement import placement_of
from cornu.core.symbolic_tensor import check_dense
from cornu.layers.preprocessing import text_processing
from cornu.layers.preprocessing.host_data import AdaptData, HostData, as_bytes, batches_of, is_array, learn, to_host
from cornu.layers.preprocessing.host_layer import HostLayer
from cornu.layers.preprocessing.index_lookup import VocabularyLike, without_files
from cornu.layers.preprocessing.output_modes import check_output_mode, encode_rows
from cornu.layers.preprocessing.string_lookup import StringLookup
from cornu.layers.preprocessing.token_table import Places, places_of_words
from cornu.layers.shape_arithmetic import shape_error
from cornu.typing import Array, ArrayLike, CustomObjects, Shape

__all__ = ["TextVectorization"]

_MODES = ("int", "multi_hot", "count", "tf_idf")
Rows = list[list[bytes]]
"""The tokens of each text."""


@registry.register("layers")
class TextVectorization(HostLayer):
    """Layer that turns texts into indices of their words, or into one vector of counts for each text.

    Each text is standardized, split into tokens, which may be combined to n-grams, and the tokens are looked up in a
    vocabulary, which is passed or learned with :meth:`adapt`. For ``output_mode="int"`` index 0 stands for padding and index 1
    for tokens that are not in the vocabulary; in other modes index 0 stands for these.

    Input shape: ``(batch,)`` or ``(batch, 1)``, strings, or one string. Output shape: ``(batch, length)`` for
    ``output_mode="int"``, else ``(batch, size of the vocabulary)``.

    Args:
        max_tokens: Integer, the largest size of the vocabulary, including the tokens for padding and unknown tokens. Defaults
            to None (no limit).
        standardize: ``"lower_and_strip_punctuation"``, ``"lower"``, ``"strip_punctuation"``, None, or a function from an array
            of strings to one. Defaults to ``"lower_and_strip_punctuation"``.
        split: ``"whitespace"``, ``"character"``, None (each string is a token), or a function from an array of strings to their
            tokens. Defaults to ``"whitespace"``.
        ngrams: Integer ``n``, for n-grams of 1 to ``n`` tokens; or a tuple of their sizes. Defaults to None (tokens).
        output_mode: ``"int"``, ``"multi_hot"``, ``"count"`` or ``"tf_idf"`` (see :class:`StringLookup`). Defaults to
            ``"int"``.
        output_sequence_length: Integer, the length to which outputs are cut or padded, for ``output_mode="int"``. Defaults to
            None (that of the longest text of the batch).
        pad_to_max_tokens: Whether outputs in other modes than ``"int"`` have the size ``max_tokens`` even if the vocabulary is
            smaller. Defaults to False.
        vocabulary: Sequence of tokens, or the path of a text file with one token in each line. Defaults to None.
        idf_weights: Sequence of floats, the inverse document frequency of each token, for ``output_mode="tf_idf"``. Defaults to
            None.
        sparse: Must be False: Cornu has no sparse arrays. Defaults to False.
        ragged: Must be False: Cornu has no ragged arrays. Defaults to False.
        encoding: Must be ``"utf-8"``, the encoding of texts that are bytes. Defaults to ``"utf-8"``.
        name: Name of the object. Defaults to a name derived from the class.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``dtype``.

    A function for ``standardize`` or ``split`` receives an array of strings of NumPy; on the TensorFlow engine, and in a
    function that TensorFlow traces, a tensor of strings, as in Keras.

    Raises:
        InvalidArgumentError: If arguments contradict each other, or the vocabulary is invalid.
        NotBuiltError: If the layer is called without a vocabulary.
        ShapeError: If a text has more than one string.

    Example:
        >>> from cornu.layers import TextVectorization
        >>> layer = TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["foo bar", "bar baz", "baz bada boom"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'baz', 'bar', 'foo', 'boom', 'bada']
        >>> layer(["Foo qux bar!", "qux baz"]).tolist()
        [[4, 1, 3, 0], [1, 2, 0, 0]]
    """

    cornu_takes_strings = True

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable | None = "lower_and_strip_punctuation",
        split: str | Callable | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: VocabularyLike | None = None,
        idf_weights: ArrayLike | None = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        check_dense("TextVectorization", sparse, ragged)
        self.standardize = _one_of("standardize", standardize, text_processing.STANDARDIZATIONS)
        self.split = _one_of("split", split, text_processing.SPLITS)
        self.ngrams, self._ngram_sizes = ngrams, self._sizes_of(ngrams)
        self.output_mode = check_output_mode(self, output_mode, _MODES, sparse)
        self.output_sequence_length = output_sequence_length
        if output_sequence_length is not None:
            self.output_sequence_length = validation.check_int(self, "output_sequence_length", output_sequence_length)
            if output_mode != "int":
                given = {"output_sequence_length": output_sequence_length, "output_mode": output_mode}
                expected = "Only outputs of `output_mode='int'` have a length."
                raise validation.invalid_together(self, given, expected, "Omit `output_sequence_length`.")
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            mask_token="",
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            encoding=encoding,
            dtype=self.dtype_policy,
        )
        self._lookup_layer.shown_as = self.name, type(self).__name__
        self.batch_coupling = "none" if output_mode != "int" or output_sequence_length else "unknown"

    def _sizes_of(self, ngrams: int | Sequence[int] | None) -> tuple[int, ...] | None:
        """Return the sizes of n-grams; None for tokens as they are."""
        if ngrams is None:
            return None
        if isinstance(ngrams, (list, tuple)):
            return validation.check_ints(self, "ngrams", ngrams, len(ngrams))
        return tuple(range(1, validation.check_int(self, "ngrams", ngrams) + 1))

    # --- Arguments of the vocabulary, which are those of the lookup -----------------------------------------------------

    @property
    def max_tokens(self) -> int | None:
        """The largest size of the vocabulary."""
        return self._lookup_layer.max_tokens

    def get_vocabulary(self, include_special_tokens: bool = True) -> list:
        """Return the vocabulary as a list.

        Args:
            include_special_tokens: Whether the list begins with the tokens for padding and for unknown tokens, so that each
                token is at its index. Defaults to True.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Return the number of tokens, including those for padding and for unknown tokens."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: VocabularyLike, idf_weights: ArrayLike | None = None) -> None:
        """Set the vocabulary (see :meth:`StringLookup.set_vocabulary`)."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def build(self, input_shape: Shape | None = None) -> None:
        """Do nothing: the layer does not depend on the shape of its inputs."""

    # --- Learning from data -----------------------------------------------------------------------------------------------

    def adapt(self, data: AdaptData, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary: the most frequent tokens, those of equal frequency in descending order.

        A vocabulary learned before is replaced. With ``output_mode="tf_idf"`` the weights
        ``log(1 + texts / (1 + texts with the token))`` are learned too.

        Args:
            data: Array, list, or an iterable of batches, such as a ``tf.data`` dataset or a generator.
            batch_size: Integer, number of texts to process at once if the data is an array or list. Defaults to None (all).
            steps: Integer, number of batches to take. Defaults to None (all).

        Raises:
            InvalidArgumentError: If the vocabulary was passed or set.
            DataError: If the data is empty. The vocabulary is then unchanged.
        """
        self._lookup_layer.check_adaptable()
        learn(self, batches_of(self, data, steps, batch_size))

    def update_state(self, data: HostData) -> None:
        """Count the tokens of a batch of texts."""
        self._lookup_layer.count(self._rows(to_host(data)))

    def finalize_state(self) -> None:
        """Make the most frequent of the tokens counted so far the vocabulary."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forget the tokens counted so far."""
        self._lookup_layer.reset_state()

    # --- From texts to tokens -------------------------------------------------------------------------------------------

    def _rows(self, texts: np.ndarray) -> Rows:
        """Return the tokens of texts."""
        return self._split(self._standardized(texts))

    def _standardized(self, texts: np.ndarray) -> np.ndarray:
        """Return standardized texts, an array of the same shape."""
        if callable(self.standardize):
            return to_host(self.standardize(self._for_function(texts)))
        flat = text_processing.standardized(as_bytes(self, texts), self.standardize)
        return np.array(flat, dtype=object).reshape(texts.shape)

    def _split(self, texts: np.ndarray) -> Rows:
        """Return the tokens of standardized texts."""
        flat, split = as_bytes(self, self._one_string_each(texts)), self.split
        if callable(split):
            return self._combined(_rows_of(split(self._for_function(np.array(flat, dtype=object)))))
        if split is None:
            width = texts.shape[-1] if texts.ndim > 1 else 1
            return self._combined([flat[start : start + width] for start in range(0, len(flat), max(width, 1))])
        return self._combined(text_processing.split(flat, split))

    def _combined(self, rows: Rows) -> Rows:
        """Return the n-grams of tokens, or without ``ngrams`` the tokens."""
        return rows if self._ngram_sizes is None else text_processing.with_ngrams(rows, self._ngram_sizes)

    def _one_string_each(self, texts: Array) -> Any:
        """Return texts of shape ``(batch, 1)``, if they are split, as an array of shape ``(batch,)``."""
        if self.split is None or len(texts.shape) < 2:
            return texts
        if len(texts.shape) > 2 or texts.shape[1] != 1:
            expected = "To be split, each text must be one string: the shape must be `(batch,)` or `(batch, 1)`."
            advice = "Join the strings of a text, or pass `split=None` if they are tokens already."
            raise shape_error(self, tuple(texts.shape), expected, advice)
        return texts[:, 0]

    def _for_function(self, texts: np.ndarray) -> Any:
        """Return texts as functions of the user receive them: as a tensor on TensorFlow, else as an array of ``str``."""
        place = placement_of(self)
        if hasattr(backends.get(place.backend), "call_on_host"):
            return backends.array_at(place, texts, "string")
        strings = [text.decode() for text in as_bytes(self, texts)]
        return np.array(strings, dtype=str).reshape(texts.shape)

    # --- Calls --------------------------------------------------------------------------------------------------------

    def compute_on_host(self, values: np.ndarray) -> np.ndarray:
        """Return the indices or counts of texts."""
        return self._encoded_standardized(self._standardized(values))

    def _encoded_standardized(self, texts: np.ndarray) -> np.ndarray:
        """Return the indices or counts of standardized texts."""
        if self._are_tokens(texts.shape):
            return self._lookup_layer.compute_on_host(texts)
        if self.split == "whitespace" and self._ngram_sizes is None:
            buffer, places, sizes = places_of_words(as_bytes(self, self._one_string_each(texts)))
            encoded = self._filled(*self._indices_in(buffer, places, sizes))
        else:
            encoded = self._encoded(self._split(texts))
        return encoded if texts.ndim else encoded[0]

    def _indices_in(self, buffer: bytes, places: Places, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices of the words of texts that the output takes, and their number for each text."""
        length = self.output_sequence_length
        if length is not None and sizes.max(initial=0) > length:
            number_in_text = np.arange(len(places[0])) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            kept = number_in_text < length
            places, sizes = (places[0][kept], places[1][kept]), np.minimum(sizes, length)
        return self._lookup_layer.indices_in(buffer, places), sizes

    def _are_tokens(self, shape: Shape) -> bool:
        """Return whether inputs of a shape are not texts but tokens, which the lookup encodes as they are."""
        return self.split is None and self._ngram_sizes is None and len(shape) < 2

    def _encoded(self, rows: Rows) -> np.ndarray:
        """Return the tokens of texts as one array of indices or counts."""
        rows = [row[: self.output_sequence_length] for row in rows]
        sizes = np.fromiter(map(len, rows), np.int64, len(rows))
        return self._filled(self._lookup_layer.indices_of(list(itertools.chain.from_iterable(rows))), sizes)

    def _filled(self, indices: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Return the indices of all texts as one array of indices or counts.

        Args:
            indices: Array of the indices of all texts, one text after the other.
            sizes: Array of the number of indices of each text.
        """
        length, lookup, dtype = self.output_sequence_length, self._lookup_layer, self.cornu_output_dtype
        if self.output_mode != "int":
            numbers = np.repeat(np.arange(len(sizes)), sizes)
            return encode_rows(numbers, indices, len(sizes), self.output_mode, lookup.depth, dtype, lookup.weights_by_index)
        encoded = np.zeros((len(sizes), sizes.max(initial=0) if length is None else length), dtype)
        encoded[np.arange(encoded.shape[1]) < sizes[:, np.newaxis]] = indices
        return encoded

    def call(self, inputs: Array) -> Any:
        """Return the indices or counts of texts, as an array of the engine."""
        home = backends.home(inputs)
        if not (callable(self.standardize) or callable(self.split)) or not home.is_traced(inputs):
            return super().call(inputs)
        # TensorFlow traces a function: functions of the user compute with its tensors, in the graph
        shape = self.compute_output_shape(tuple(inputs.shape))
        if callable(self.standardize):
            texts = self.standardize(inputs)
        else:
            texts = self.on_host(self._standardized, [inputs], tuple(inputs.shape), "string")
        if not callable(self.split):
            return self.on_host(self._encoded_standardized, [texts], shape)
        tokens = self.split(self._one_string_each(texts))
        parts = [tokens.flat_values, tokens.row_lengths()] if hasattr(tokens, "row_lengths") else [tokens]
        return self.on_host(self._encoded_tokens, parts, shape)

    def _encoded_tokens(self, tokens: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
        """Return the indices or counts of tokens: an array of texts and tokens, or one of all tokens and the texts' sizes."""
        if sizes is None:
            return self._encoded(self._combined(_rows_of(tokens)))
        ends = np.cumsum(sizes).tolist()
        flat = as_bytes(self, tokens)
        return self._encoded(self._combined([flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]))

    @property
    def cornu_output_dtype(self) -> str:
        """That of the lookup."""
        return self._lookup_layer.cornu_output_dtype

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output; None for the number of tokens of the longest text."""
        shape = tuple(input_shape)
        if self._are_tokens(shape):
            return self._lookup_layer.compute_output_shape(shape)
        if self.output_mode != "int":
            return (*shape[:1], self._lookup_layer.depth)
        width = shape[-1] if self.split is None and self._ngram_sizes is None else None
        return (*shape[:1], self.output_sequence_length or width)

    # --- Configs and files --------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the config: the arguments, and the size of the vocabulary. One that was not an argument is in the assets."""
        lookup = self._lookup_layer.get_config()
        return super().get_config() | {name: lookup[name] for name in ("vocabulary", "idf_weights", "vocabulary_size")}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> Any:
        """Create a layer from a config; the path of a vocabulary in it is not read, since the assets hold the vocabulary."""
        layer = super().from_config(without_files(config), custom_objects)
        layer._lookup_layer.size_in_config = config.get("vocabulary_size")
        return layer

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the weights of ``output_mode="tf_idf"`` into a dict."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take the weights of ``output_mode="tf_idf"`` from a dict that :meth:`save_own_variables` filled."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary to a folder, one token in each line."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Read the vocabulary from a folder that :meth:`save_assets` wrote."""
        self._lookup_layer.load_assets(dir_path)


def _one_of(argument: str, value: str | Callable | None, options: Sequence[str]) -> str | Callable | None:
    """Return an argument that is a name, a function or None."""
    return value if value is None or callable(value) else validation.check_option(argument, value, options)


def _rows_of(tokens: HostData) -> Rows:
    """Return what a function for ``split`` returned, a ragged tensor, an array or nested lists, as lists of bytes."""
    to_list = getattr(tokens, "to_list", None)
    rows = cast(list, tokens) if to_list is None else to_list()
    if is_array(rows):
        rows = to_host(rows).tolist()
    return [[token.encode() if isinstance(token, str) else token for token in row] for row in rows]
