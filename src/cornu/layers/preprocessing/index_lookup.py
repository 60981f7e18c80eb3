"""Base class of the layers that map tokens to indices of a vocabulary."""

import collections
import os
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeAlias

import numpy as np

from cornu import validation
from cornu.errors import DataError, InvalidArgumentError, MissingFileError, NotBuiltError
from cornu.layers.preprocessing.host_data import AdaptData, HostData, adapt_refused, batches_of, learn, to_host
from cornu.layers.preprocessing.host_layer import HostLayer
from cornu.layers.preprocessing.output_modes import COUNTING, check_output_mode, encode, encoded_shape
from cornu.layers.preprocessing.token_table import Places
from cornu.layers.preprocessing.vocabulary import T, TokenCounts, Vocabulary
from cornu.typing import ArrayLike, Config, CustomObjects, Shape

_MODES = ("int", "one_hot", *COUNTING)
_FILE = "vocabulary.txt"
"""The name of the vocabulary among the assets, as in Keras."""

VocabularyLike: TypeAlias = str | os.PathLike | Sequence | np.ndarray
"""A vocabulary: tokens, or the path of a file with one token in each line."""


class IndexLookup(HostLayer, Generic[T]):
    """Base class of :class:`StringLookup` and :class:`IntegerLookup`, with what does not depend on the type of the tokens.

    Indices are those of the mask token (only for ``output_mode="int"``), of the out-of-vocabulary tokens and of the vocabulary,
    in this order. A subclass sets the arguments of its constructor as attributes, calls :meth:`set_up`, and defines how values
    become tokens and tokens become values.
    """

    batch_coupling = "none"

    max_tokens: int | None
    num_oov_indices: int
    mask_token: str | int | None
    oov_token: str | int
    invert: bool
    output_mode: str
    pad_to_max_tokens: bool
    sparse: bool
    salt: tuple[int, int] | None

    shown_as: tuple[str, str] | None = None
    """Name and class, for errors, of the layer that the user made, if it created this one."""

    # --- What depends on the type of the tokens -------------------------------------------------------------------------

    def tokens_of(self, values: np.ndarray) -> list[T]:
        """Return the values of an array as a flat list of tokens."""
        raise NotImplementedError

    def value_of(self, token: T) -> Any:
        """Return a token as users see it."""
        raise NotImplementedError

    def token_from_text(self, text: str) -> T:
        """Return the token of a line of a vocabulary file."""
        raise NotImplementedError

    def array_of(self, tokens: Sequence[T]) -> np.ndarray:
        """Return tokens as an array, the output of an inverse lookup."""
        raise NotImplementedError

    def bucket_of(self, token: T) -> int:
        """Return the integer whose remainder chooses one of several out-of-vocabulary indices."""
        raise NotImplementedError

    # --- Arguments ------------------------------------------------------------------------------------------------------

    def set_up(self, vocabulary: VocabularyLike | None, idf_weights: ArrayLike | None) -> None:
        """Check the arguments of the constructor and take the vocabulary, if one was passed."""
        if self.max_tokens is not None:
            self.max_tokens = validation.check_int(self, "max_tokens", self.max_tokens, 2)
        self.num_oov_indices = validation.check_int(self, "num_oov_indices", self.num_oov_indices, 0)
        self.output_mode = check_output_mode(self, self.output_mode, _MODES, self.sparse)
        self._check_combinations(vocabulary, idf_weights)
        self._vocabulary: Vocabulary[T] | None = None
        self.size_in_config: int | None = None
        self._idf_weights: np.ndarray | None = None
        self._counts: TokenCounts[T] = TokenCounts()
        self._is_fixed = False
        if vocabulary is not None:
            tokens = self._tokens_in(vocabulary)
            self._set_tokens(tokens, idf_weights)
            if self._cornu_arguments is not None and "vocabulary" in self._cornu_arguments:  # a config holds lists, no path
                weights = None if idf_weights is None else to_host(idf_weights).tolist()
                values = [self.value_of(token) for token in tokens]
                self._cornu_arguments = {**self._cornu_arguments, "vocabulary": values, "idf_weights": weights}

    def _check_combinations(self, vocabulary: VocabularyLike | None, idf_weights: ArrayLike | None) -> None:
        """Raise ``InvalidArgumentError`` if arguments contradict each other."""
        pairs = (
            (self.invert and self.output_mode != "int", "invert=True", "output_mode='int'", "Omit `output_mode`."),
            (
                self.pad_to_max_tokens and self.max_tokens is None,
                "pad_to_max_tokens=True",
                "max_tokens",
                "Pass `max_tokens`, the size of the output.",
            ),
            (
                idf_weights is not None and self.output_mode != "tf_idf",
                "idf_weights",
                "output_mode='tf_idf'",
                "Omit `idf_weights`, or pass `output_mode='tf_idf'`.",
            ),
            (idf_weights is not None and vocabulary is None, "idf_weights", "vocabulary", "Pass the `vocabulary` as well."),
        )
        for is_wrong, argument, requirement, hint in pairs:
            if is_wrong:
                raise InvalidArgumentError(
                    f"`{type(self).__name__}` received `{argument}` without `{requirement}`.",
                    f"`{argument.partition('=')[0]}` requires it.",
                    hint,
                )

    # --- Vocabulary -----------------------------------------------------------------------------------------------------

    @property
    def _mask(self) -> list[T]:
        """The mask token, if there is one, as a list."""
        return [] if self.mask_token is None else self.tokens_of(to_host([self.mask_token]))

    @property
    def _special(self) -> list[T]:
        """The tokens before those of the vocabulary."""
        oov = self.tokens_of(to_host([self.oov_token])) * self.num_oov_indices
        return [*(self._mask if self.output_mode == "int" else []), *oov]

    def get_vocabulary(self, include_special_tokens: bool = True) -> list:
        """Return the vocabulary as a list.

        Args:
            include_special_tokens: Whether the list begins with the mask token and the out-of-vocabulary tokens, so that each
                token is at its index. Defaults to True.
        """
        tokens = [] if self._vocabulary is None else self._vocabulary.tokens
        return [self.value_of(token) for token in ((*self._special, *tokens) if include_special_tokens else tokens)]

    def vocabulary_size(self) -> int:
        """Return the number of tokens, including the mask token and the out-of-vocabulary tokens."""
        return len(self._special) + (0 if self._vocabulary is None else len(self._vocabulary.tokens))

    def set_vocabulary(self, vocabulary: VocabularyLike, idf_weights: ArrayLike | None = None) -> None:
        """Set the vocabulary, in place of one learned by :meth:`adapt`.

        Args:
            vocabulary: Sequence of tokens, or the path of a text file with one token in each line. It may begin with the mask
                token and the out-of-vocabulary tokens.
            idf_weights: Sequence of floats, the inverse document frequency of each token, for ``output_mode="tf_idf"``.
                Defaults to None.

        Raises:
            InvalidArgumentError: If the vocabulary is empty, too large, contains a token twice or a special token in another
                place, or ``idf_weights`` do not fit.
            MissingFileError: If there is no such file.
        """
        self._set_tokens(self._tokens_in(vocabulary), idf_weights)

    def _set_tokens(self, tokens: list[T], idf_weights: ArrayLike | None) -> None:
        if not tokens:
            raise InvalidArgumentError(
                f"`{type(self).__name__}` received an empty vocabulary.",
                "It must contain a token.",
                "Omit it, and call `adapt`.",
            )
        weights = None if idf_weights is None else to_host(idf_weights).astype("float32")
        self._check_weights(tokens, weights)
        special = self._special
        has_special = bool(special) and tokens[: len(special)] == special
        own = tokens[len(special) :] if has_special else tokens
        self._check_tokens(own)
        if weights is not None and not has_special:
            weights = np.concatenate([np.full(len(special), weights.mean(), "float32"), weights])
        self._is_fixed = True
        self._take(own, weights)

    def _tokens_in(self, vocabulary: VocabularyLike) -> list[T]:
        """Return the tokens of a vocabulary, which may be a file."""
        if not isinstance(vocabulary, (str, os.PathLike)):
            return self.tokens_of(to_host(vocabulary))
        if not Path(vocabulary).is_file():
            raise MissingFileError(
                f"`{type(self).__name__}` received the vocabulary {os.fspath(vocabulary)!r}.",
                "It must be a sequence of tokens, or the path of a text file that exists.",
                "Check the path, or put a single token into a list.",
            )
        return [
            self.token_from_text(line) for line in Path(vocabulary).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        ]

    def _check_tokens(self, tokens: list[T]) -> None:
        """Raise ``InvalidArgumentError`` unless tokens can be a vocabulary."""
        name, size, special = type(self).__name__, len(tokens) + len(self._special), self._special
        if any(token in self._mask for token in tokens):
            raise InvalidArgumentError(
                f"The vocabulary of `{name}` contains the mask token {self.mask_token!r} as a usual token.",
                f"It may begin with {[self.value_of(token) for token in special]}, and contain no mask token elsewhere.",
                "Remove it, or pass another `mask_token`.",
            )
        twice = [self.value_of(token) for token, count in collections.Counter(tokens).items() if count > 1]
        if twice:
            raise InvalidArgumentError(
                f"The vocabulary of `{name}` contains {len(twice)} tokens several times, such as {twice[0]!r}.",
                "Each token must be in it once.",
                "Remove duplicates, for example with `list(dict.fromkeys(vocabulary))`.",
            )
        if self.max_tokens is not None and size > self.max_tokens:
            raise InvalidArgumentError(
                f"The vocabulary of `{name}` has {size} tokens, including {len(special)} special ones.",
                f"`max_tokens` is {self.max_tokens}.",
                "Pass a larger `max_tokens`, or fewer tokens.",
            )

    def _check_weights(self, tokens: list[T], weights: np.ndarray | None) -> None:
        """Raise ``InvalidArgumentError`` unless there is a weight for each token exactly if the output mode requires it."""
        needs = self.output_mode == "tf_idf"
        if (weights is not None) != needs or (weights is not None and weights.shape != (len(tokens),)):
            received = "no" if weights is None else f"{weights.size}"
            raise InvalidArgumentError(
                f"`{type(self).__name__}` received {len(tokens)} tokens and {received} `idf_weights`.",
                f"`output_mode={self.output_mode!r}` requires {'one for each token' if needs else 'none'}.",
                "Pass `idf_weights`, or call `adapt`." if needs else "Omit `idf_weights`.",
            )

    def _take(self, tokens: Sequence[T], weights: np.ndarray | None) -> None:
        """Make tokens the vocabulary; the weights are those of the special tokens too."""
        mask = dict.fromkeys(self._mask, 0 if self.output_mode == "int" else -1)
        self._vocabulary, self._idf_weights = Vocabulary(tokens, len(self._special), mask), weights

    # --- Learning from data -----------------------------------------------------------------------------------------------

    def adapt(self, data: AdaptData, steps: int | None = None) -> None:
        """Learn the vocabulary: the most frequent tokens, those of equal frequency in descending order.

        A vocabulary learned or set before is replaced. With ``output_mode="tf_idf"`` the weights
        ``log(1 + documents / (1 + documents with the token))`` are learned too; each row is a document.

        Args:
            data: Array, list, or an iterable of batches, such as a ``tf.data`` dataset or a generator.
            steps: Integer, number of batches to take. Defaults to None (all).

        Raises:
            InvalidArgumentError: If the vocabulary was passed or set.
            DataError: If the data is empty. The vocabulary is then unchanged.
        """
        self.check_adaptable()
        learn(self, batches_of(self, data, steps))

    def check_adaptable(self) -> None:
        """Raise ``InvalidArgumentError`` if the vocabulary was passed or set, and not learned."""
        if self._is_fixed:
            reason = "Its vocabulary was passed or set, and `adapt` would replace it."
            raise adapt_refused(self, reason, "Create a layer without `vocabulary` to learn one.")

    def update_state(self, data: HostData) -> None:
        """Count the tokens of a batch.

        Args:
            data: Array or list. Its rows are documents; if it has one axis, each token is one.
        """
        values = to_host(data)
        tokens, length = self.tokens_of(values), values.shape[-1] if values.ndim > 1 else 1
        self.count([tokens[start : start + length] for start in range(0, len(tokens), max(length, 1))])

    def count(self, documents: Iterable[Sequence[T]]) -> None:
        """Count the tokens of documents."""
        self._counts.add(documents, with_documents=self.output_mode == "tf_idf")

    def finalize_state(self) -> None:
        """Make the most frequent of the tokens counted so far the vocabulary."""
        special = self._special
        room = None if self.max_tokens is None else max(self.max_tokens - len(special), 0)
        tokens = self._counts.most_common([*special, *self._mask], room)
        if self.output_mode != "tf_idf":
            return self._take(tokens, None)
        weights = self._counts.idf_of(tokens)
        mean = weights.mean() if len(weights) else 0.0
        return self._take(tokens, np.concatenate([np.full(len(special), mean, "float32"), weights]))

    def reset_state(self) -> None:
        """Forget the tokens counted so far."""
        self._counts = TokenCounts()

    # --- Calls --------------------------------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """The size of the last axis of the output in other modes than ``"int"``."""
        if self.pad_to_max_tokens and self.max_tokens:
            return self.max_tokens
        return self.size_in_config if self._vocabulary is None and self.size_in_config else self.vocabulary_size()

    @property
    def weights_by_index(self) -> np.ndarray | None:
        """The inverse document frequencies by index, of shape ``(depth,)``."""
        weights = self._idf_weights
        return None if weights is None else np.pad(weights, (0, self.depth - len(weights)))

    @property
    def cornu_output_dtype(self) -> str:
        """The compute dtype if that is an integer dtype or the weights make floats, else ``"int64"``."""
        dtype = self.compute_dtype
        return dtype if self.output_mode == "tf_idf" or validation.is_int_dtype(dtype) else "int64"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output in the output mode."""
        return encoded_shape(tuple(input_shape), self.output_mode, self.depth)

    def compute_on_host(self, values: np.ndarray) -> np.ndarray:
        """Return the indices of the tokens in the output mode, or for an inverse lookup the tokens of the indices."""
        if self.invert:
            return self._tokens_at(values)
        indices = self.indices_of(self.tokens_of(values)).reshape(values.shape)
        return encode(indices, self.output_mode, self.depth, self.cornu_output_dtype, self.weights_by_index)

    def indices_of(self, tokens: Sequence[T]) -> np.ndarray:
        """Return the indices of tokens; -1 for a mask token that has no index.

        Raises:
            NotBuiltError: If the layer has no vocabulary.
            DataError: If a token is not in the vocabulary, and there are no out-of-vocabulary indices.
        """
        return self._known_vocabulary().indices_of(tokens, self._indices_of_unknown)

    def indices_in(self: "IndexLookup[bytes]", buffer: bytes, places: Places) -> np.ndarray:
        """Return the indices of the tokens at places of a buffer (see :meth:`indices_of`)."""
        return self._known_vocabulary().indices_in(buffer, places, self._indices_of_unknown)

    def _known_vocabulary(self) -> Vocabulary[T]:
        if self._vocabulary is None:
            name, kind = self.shown_as or (self.name, type(self).__name__)
            raise NotBuiltError(
                f"The layer {name!r} was called before it had a vocabulary.",
                f"`{kind}` needs one to know the indices of tokens.",
                "Call `adapt(data)` on the training data first, or pass `vocabulary`.",
            )
        return self._vocabulary

    def _indices_of_unknown(self, tokens: list[T]) -> Sequence[int]:
        """Return the indices of tokens that are not in the vocabulary."""
        if self.num_oov_indices == 0:
            raise DataError(
                f"The layer {self.name!r} received {len(tokens)} tokens such as {self.value_of(tokens[0])!r}.",
                "They are not in its vocabulary, and `num_oov_indices` is 0.",
                "Pass `num_oov_indices=1`, or remove unknown tokens from the data.",
            )
        first = len(self._special) - self.num_oov_indices
        if self.num_oov_indices == 1:
            return [first] * len(tokens)
        return [self.bucket_of(token) % self.num_oov_indices + first for token in tokens]

    def _tokens_at(self, indices: np.ndarray) -> np.ndarray:
        """Return the tokens of indices, and the out-of-vocabulary token for indices without a token."""
        tokens = (*self._special, *self._known_vocabulary().tokens)
        unknown = self.tokens_of(to_host([self.oov_token]))[0]
        found = [tokens[index] if 0 <= index < len(tokens) else unknown for index in indices.ravel().tolist()]
        return self.array_of(found).reshape(indices.shape)

    # --- Configs and files --------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the config: the arguments, and the size of the vocabulary. One that was not an argument is in the assets."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> Any:
        """Create a layer from a config; the path of a vocabulary in it is not read, since the assets hold the vocabulary.

        Until they are read, the size of the vocabulary in the config decides the shape of the output.
        """
        layer = super().from_config(without_files(config), custom_objects)
        layer.size_in_config = config.get("vocabulary_size")
        return layer

    def get_build_config(self) -> dict[str, Any]:
        """Return an empty dict: the layer does not depend on the shape of its inputs."""
        return {}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Do nothing (see :meth:`get_build_config`)."""

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the weights of ``output_mode="tf_idf"`` into a dict."""
        if self._idf_weights is not None:
            store["idf_weights"] = self._idf_weights

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take the weights of ``output_mode="tf_idf"`` from a dict that :meth:`save_own_variables` filled."""
        if self.output_mode == "tf_idf":
            self._idf_weights = np.asarray(store["idf_weights"], "float32")

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary to a folder, one token in each line.

        Raises:
            InvalidArgumentError: If a token contains a line break.
        """
        lines = [str(value) for value in self.get_vocabulary()]
        broken = next((line for line in lines if "\n" in line), None)
        if broken is not None:
            raise InvalidArgumentError(
                f"The vocabulary of the layer {self.name!r} contains {broken!r:.80}.",
                "A token with a line break cannot be saved, since files have one token in each line.",
                "Remove line breaks from the data before `adapt`.",
            )
        Path(dir_path, _FILE).write_text("\n".join(lines), encoding="utf-8", newline="\n")

    def load_assets(self, dir_path: str) -> None:
        """Read the vocabulary from a folder that :meth:`save_assets` wrote."""
        file = Path(dir_path, _FILE)
        if file.is_file():
            tokens = [self.token_from_text(line) for line in file.read_bytes().decode().split("\n")]
            self._take(tokens[len(self._special) :], self._idf_weights)


def without_files(config: Config) -> Config:
    """Return a config of a layer with a vocabulary without the size of the vocabulary, and without the path of one."""
    config = {name: value for name, value in config.items() if name != "vocabulary_size"}
    return config | {"vocabulary": None, "idf_weights": None} if isinstance(config.get("vocabulary"), str) else config
