"""``utils.FeatureSpace``: columns of a table, of numbers, categories and strings, as vectors."""

import builtins
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeAlias, cast

import numpy as np

from cornu import ops, registry, serialization
from cornu.core.input import Input
from cornu.core.layer import Layer
from cornu.core.naming import auto_name
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, NotBuiltError, one_of
from cornu.layers import (
    CategoryEncoding,
    Discretization,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    Normalization,
    Rescaling,
    StringLookup,
)
from cornu.layers.preprocessing.host_data import HostData, as_array, to_host
from cornu.models.save import save_model
from cornu.typing import Array, CustomObjects

__all__ = ["FeatureSpace"]

_FILE = "keras.src.layers.preprocessing.feature_space"
_BATCH = 32
"""The samples of a batch of ``adapt`` if the data has single samples, as in Keras: the bins of floats depend on it."""

Table: TypeAlias = Mapping[str, HostData]
"""The columns of a table."""


@registry.register("layers", keras_path=(_FILE, "TFDIdentity"))
class TFDIdentity(Layer):
    """Layer that returns its input as floats, under Keras's name in files.

    Example:
        >>> import numpy as np
        >>> from cornu.models.feature_space import TFDIdentity
        >>> TFDIdentity()(np.array([1, 2])).tolist()
        [1.0, 2.0]
    """

    batch_coupling = "none"

    def call(self, inputs: Array) -> Any:
        """Return the inputs as floats."""
        return ops.cast(inputs, self.compute_dtype)


def _checked_mode(mode: str, *modes: str) -> str:
    if mode not in modes:
        raise one_of("output_mode", mode, modes)
    return mode


@registry.register("layers", keras_path=(_FILE, "Cross"))
class Cross(serialization.Configurable):
    """Combinations of features, made by :meth:`FeatureSpace.cross`.

    Args:
        feature_names: Names of the features.
        crossing_dim: Integer, number of bins to which the combinations are hashed.
        output_mode: ``"int"`` or ``"one_hot"``. Defaults to ``"one_hot"``.

    Example:
        >>> from cornu.models.feature_space import Cross
        >>> Cross(["city", "age"], crossing_dim=8).name
        'city_X_age'
    """

    def __init__(self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"):
        self.feature_names, self.crossing_dim = tuple(feature_names), crossing_dim
        self.output_mode = _checked_mode(output_mode, "int", "one_hot")
        self.name = "_X_".join(self.feature_names)


@registry.register("layers", keras_path=(_FILE, "Feature"))
class Feature(serialization.Configurable):
    """One feature, made by :meth:`FeatureSpace.feature` and its siblings.

    Args:
        dtype: Dtype of the input, such as ``"string"``.
        preprocessor: Layer that encodes the feature, or its config.
        output_mode: ``"int"``, ``"one_hot"`` or ``"float"``.

    Example:
        >>> from cornu.utils import FeatureSpace
        >>> FeatureSpace.string_hashed(num_bins=8).preprocessor.num_bins
        8
    """

    def __init__(self, dtype: str, preprocessor: Layer | dict[str, Any], output_mode: str):
        self.dtype, self.output_mode = dtype, _checked_mode(output_mode, "int", "one_hot", "float")
        found = serialization.deserialize(preprocessor, "layers") if isinstance(preprocessor, dict) else preprocessor
        self.preprocessor: Layer = found

    def get_config(self) -> dict[str, Any]:
        """Return the config, with the present config of the layer, which may have learned something."""
        return {
            "dtype": self.dtype,
            "preprocessor": serialization.serialize(self.preprocessor),
            "output_mode": self.output_mode,
        }


@registry.register("models", keras_path=("keras.utils", "FeatureSpace"))
class FeatureSpace(Layer):
    """Preprocessing of tables: a layer for each feature, and the results as one vector for each sample.

    It is called on a dict of columns, of shape ``(batch,)`` or ``(batch, 1)``, or on a dict of values, a single sample; also in
    a function passed to ``map`` of a ``tf.data`` dataset.

    Args:
        features: Dict from names to features: what ``FeatureSpace.float_normalized()`` and its siblings return, or their names:
            ``"float"``, ``"float_normalized"``, ``"float_rescaled"``, ``"float_discretized"``, ``"integer_categorical"``,
            ``"integer_hashed"``, ``"string_categorical"``, ``"string_hashed"``.
        output_mode: ``"concat"`` (one vector: the features sorted by name, then the crosses) or ``"dict"``. Defaults to
            ``"concat"``.
        crosses: List of what :meth:`cross` returns, or of tuples of names. Defaults to None.
        crossing_dim: Integer, bins of a cross that is a tuple. Defaults to 32.
        hashing_dim: Integer, bins of ``"integer_hashed"`` and ``"string_hashed"``. Defaults to 32.
        num_discretization_bins: Integer, bins of ``"float_discretized"``. Defaults to 32.
        name: Name of the object. Defaults to a name derived from the class.

    Attributes:
        preprocessors: Dict from the names of features to their layers.
        crossers: Dict from the names of crosses, such as ``"a_X_b"``, to their layers.

    Raises:
        InvalidArgumentError: If there are no features, or one is unknown.
        NotBuiltError: If it is used before :meth:`adapt`, and a layer has to learn something.

    Example:
        >>> from cornu.utils import FeatureSpace
        >>> space = FeatureSpace({"size": "float_rescaled", "kind": "string_categorical"})
        >>> space.adapt({"size": [1.0, 2.0], "kind": ["a", "b"]})
        >>> space({"size": 2.0, "kind": "b"}).tolist()
        [0.0, 1.0, 0.0, 2.0]
    """

    def __init__(
        self,
        features: Mapping[str, str | Feature | dict[str, Any]],
        output_mode: str = "concat",
        crosses: Sequence[Cross | Sequence[str] | dict[str, Any]] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not features:
            raise InvalidArgumentError(
                f"`FeatureSpace` received `features={features!r}`.",
                "It must be a dict with at least one feature.",
                "Pass, for example, `features={'age': 'float_normalized'}`.",
            )
        self.crossing_dim, self.hashing_dim, self.num_discretization_bins = crossing_dim, hashing_dim, num_discretization_bins
        self.features = {key: self._feature(key, feature) for key, feature in features.items()}
        self.crosses = [self._cross(cross) for cross in crosses or ()]
        self.output_mode = _checked_mode(output_mode, "concat", "dict")
        self.inputs = {key: Input((1,), dtype=feature.dtype, name=key) for key, feature in self.features.items()}
        self.preprocessors = {key: feature.preprocessor for key, feature in self.features.items()}
        self.crossers = {cross.name: HashedCrossing(cross.crossing_dim, name=cross.name) for cross in self.crosses}
        self.one_hot_encoders: dict[str, Layer] = {}
        self.encoded_features: dict[str, SymbolicTensor] | SymbolicTensor | None = None
        self.meta: dict[str, Any] = {}
        self._is_adapted = not self._adaptable()

    def _feature(self, name: str, feature: str | Feature | dict[str, Any]) -> Feature:
        if isinstance(feature, Feature):
            return feature
        if isinstance(feature, dict):
            return serialization.deserialize(feature, "layers")
        makers = {
            "float": lambda: self.float(name),
            "float_normalized": lambda: self.float_normalized(name),
            "float_rescaled": lambda: self.float_rescaled(name=name),
            "float_discretized": lambda: self.float_discretized(self.num_discretization_bins, name=name),
            "integer_categorical": lambda: self.integer_categorical(name=name),
            "string_categorical": lambda: self.string_categorical(name=name),
            "integer_hashed": lambda: self.integer_hashed(self.hashing_dim, name=name),
            "string_hashed": lambda: self.string_hashed(self.hashing_dim, name=name),
        }
        if feature not in makers:
            raise one_of(f"features[{name!r}]", feature, tuple(makers))
        return makers[feature]()

    def _cross(self, cross: Cross | Sequence[str] | dict[str, Any]) -> Cross:
        given = serialization.deserialize(cross, "layers") if isinstance(cross, dict) else cross
        found = given if isinstance(given, Cross) else Cross(given, self.crossing_dim)
        unknown = [name for name in found.feature_names if name not in self.features]
        if unknown:
            raise InvalidArgumentError(
                f"`FeatureSpace` received a cross of {found.feature_names}.",
                f"All features of `crosses` must be in `features`, which has no {unknown[0]!r}.",
                "Add it to `features`.",
            )
        return found

    # --- Kinds of features ------------------------------------------------------------------------------------------------

    @classmethod
    def cross(cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Return the combinations of features, hashed to ``crossing_dim`` bins, for ``"one_hot"`` or ``"int"``."""
        return Cross(feature_names, crossing_dim, output_mode=output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Layer, output_mode: str) -> Feature:
        """Return a feature that a layer of your own encodes; ``output_mode`` is ``"one_hot"``, ``"int"`` or ``"float"``."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Return a feature of floats as they are."""
        return Feature("float32", TFDIdentity(dtype="float32", name=_layer_name("float", name)), "float")

    @classmethod
    def float_rescaled(cls, scale: builtins.float = 1.0, offset: builtins.float = 0.0, name: str | None = None) -> Feature:
        """Return a feature of floats that become ``x * scale + offset``."""
        return Feature("float32", Rescaling(scale, offset, name=_layer_name("float_rescaled", name)), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Return a feature of floats that are shifted and scaled to mean 0 and variance 1."""
        return Feature("float32", Normalization(axis=-1, name=_layer_name("float_normalized", name)), "float")

    @classmethod
    def float_discretized(
        cls,
        num_bins: int | None,
        bin_boundaries: Sequence[builtins.float] | None = None,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Return a feature of floats that are put into bins, which are learned unless ``bin_boundaries`` are given."""
        bins = num_bins if bin_boundaries is None else None
        layer = Discretization(bin_boundaries, bins, name=_layer_name("float_discretized", name))
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Return a feature of integers whose values are numbered; ``num_oov_indices`` numbers are for values not seen."""
        return Feature(
            "int32", IntegerLookup(max_tokens, num_oov_indices, name=_layer_name("integer_categorical", name)), output_mode
        )

    @classmethod
    def string_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Return a feature of strings whose values are numbered; ``num_oov_indices`` numbers are for values not seen."""
        return Feature(
            "string", StringLookup(max_tokens, num_oov_indices, name=_layer_name("string_categorical", name)), output_mode
        )

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Return a feature of strings that are hashed to ``num_bins`` bins."""
        return Feature("string", Hashing(num_bins, name=_layer_name("string_hashed", name)), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Return a feature of integers that are hashed to ``num_bins`` bins."""
        return Feature("int32", Hashing(num_bins, name=_layer_name("integer_hashed", name)), output_mode)

    # --- Learning ---------------------------------------------------------------------------------------------------------

    def _adaptable(self) -> list[str]:
        """Return the names of the features whose layers learn from data."""
        return [name for name, layer in self.preprocessors.items() if hasattr(layer, "adapt") and not _is_fixed(layer)]

    def adapt(self, dataset: Table | Iterable[Table]) -> None:
        """Learn vocabularies, bins, means and variances from data.

        Args:
            dataset: Dict of columns, a table of pandas, or an iterable of dicts, such as a ``tf.data`` dataset, of batches or
                single samples.

        Raises:
            InvalidTypeError: If it is something else.
            DataError: If a feature is missing.
        """
        if isinstance(dataset, Mapping) or hasattr(dataset, "columns"):
            columns = {name: to_host(_column(cast(Table, dataset), name)) for name in self._adaptable()}
            rows = max(map(len, columns.values()), default=0)
            batches = [
                {name: column[start : start + _BATCH] for name, column in columns.items()} for start in range(0, rows, _BATCH)
            ]
        elif isinstance(dataset, Iterable) and not isinstance(dataset, (str, bytes, np.ndarray)):
            batches = list(dataset) if isinstance(dataset, Iterator) else dataset
        else:
            raise InvalidTypeError(
                f"`FeatureSpace.adapt` received a {type(dataset).__name__}.",
                "It must be a dict of columns, or an iterable of dicts such as a `tf.data` dataset.",
                "Pass, for example, `{'age': ages, 'city': cities}`.",
            )
        for name in self._adaptable():
            self.preprocessors[name].adapt(_batches(batches, name))
        self._is_adapted = True
        self.get_encoded_features()
        self.built = True

    def _check_adapted(self) -> None:
        if not self._is_adapted:
            raise NotBuiltError(
                f"`FeatureSpace` {self.name!r} was used before it learned anything.",
                f"The features {self._adaptable()} need vocabularies, bins or means.",
                "Call `adapt(dataset)` first.",
            )

    # --- Encoding ---------------------------------------------------------------------------------------------------------

    def get_inputs(self) -> dict[str, SymbolicTensor]:
        """Return the symbolic inputs of a functional model, by the names of the features."""
        self._check_adapted()
        return self.inputs

    def get_preprocessed_features(self) -> dict[str, SymbolicTensor]:
        """Return the symbolic features of :meth:`get_inputs` as the layers encode them, before crosses and one-hot encoding."""
        self._check_adapted()
        return self._preprocessed(self.inputs)

    def get_encoded_features(self) -> Any:
        """Return the symbolic result for :meth:`get_inputs`: one tensor, or a dict for ``output_mode="dict"``."""
        self._check_adapted()
        if self.encoded_features is None:
            self.encoded_features = self._encoded(self.inputs)
        return self.encoded_features

    def _preprocessed(self, columns: Mapping[str, Array]) -> dict[str, Any]:
        return {name: self.preprocessors[name](column) for name, column in columns.items()}

    def _encoded(self, columns: Mapping[str, Array]) -> Any:
        preprocessed = self._preprocessed(columns)
        crossed = {
            cross.name: self.crossers[cross.name]([preprocessed[name] for name in cross.feature_names])
            for cross in self.crosses
        }
        modes = {each.name: each.output_mode for each in self.crosses}
        modes |= {name: feature.output_mode for name, feature in self.features.items()}
        encoded = {}
        for name, feature in chain(sorted(preprocessed.items()), sorted(crossed.items())):
            encoded[name] = self._encoder(name)(feature) if modes[name] == "one_hot" else feature
            if self.output_mode == "concat" and not str(ops.dtype(encoded[name])).startswith(("float", "bfloat")):
                raise InvalidArgumentError(
                    f"The feature {name!r} has not been encoded: its dtype is {ops.dtype(encoded[name])}.",
                    "Only floats can be concatenated.",
                    "Pass `output_mode='dict'` to `FeatureSpace`, or `output_mode='one_hot'` to the feature.",
                )
        return encoded if self.output_mode == "dict" else ops.concatenate(list(encoded.values()), axis=-1)

    def _encoder(self, name: str) -> Layer:
        """Return the layer that encodes the integers of a feature or cross, made when it is first needed."""
        if name not in self.one_hot_encoders:
            layer = self.preprocessors.get(name) or self.crossers[name]
            if isinstance(layer, (IntegerLookup, StringLookup)):
                count = layer.vocabulary_size()
            elif isinstance(layer, (CategoryEncoding, Hashing, HashedCrossing)):
                count = layer.num_tokens if isinstance(layer, CategoryEncoding) else layer.num_bins
            elif isinstance(layer, Discretization):
                count = layer.num_bins or len(layer.bin_boundaries or ()) + 1
            else:
                raise InvalidArgumentError(
                    f"The feature {name!r} has `output_mode='one_hot'`, and its layer is {type(layer).__name__}.",
                    "The number of its different values must be known.",
                    "Pass `output_mode='int'`, or 'float' if the layer returns floats.",
                )
            self.one_hot_encoders[name] = CategoryEncoding(count, output_mode="multi_hot")
        return self.one_hot_encoders[name]

    def __call__(self, data: Table) -> Any:
        """Return the encoded features of a batch or of one sample, as arrays of the engine.

        Args:
            data: Dict of columns, or of values.

        Raises:
            DataError: If it is not a dict, or a feature is missing.
        """
        self.get_encoded_features()
        columns = {name: as_array(_column(data, name)) for name in self.features}
        is_row = any(len(column.shape) == 0 for column in columns.values())
        encoded = self._encoded({name: _with_two_axes(column) for name, column in columns.items()})
        if not is_row:
            return encoded
        return {name: value[0] for name, value in encoded.items()} if isinstance(encoded, dict) else encoded[0]

    # --- Configs and files ------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the config: the arguments, with the present configs of the layers."""
        settings = ("output_mode", "crosses", "crossing_dim", "hashing_dim", "num_discretization_bins")
        return {name: serialization.serialize(getattr(self, name)) for name in ("features", *settings)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> Any:
        """Create a ``FeatureSpace`` from a config."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any]:
        """Return the configs with which the layers are built when a file is loaded."""
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layers from the result of :meth:`get_build_config`."""
        for name, shapes in config.items():
            if not self.preprocessors[name].built and shapes:
                self.preprocessors[name].build_from_config(shapes)
        self._is_adapted = True

    def save(self, filepath: str | os.PathLike) -> None:
        """Save the layers and what they learned to a ``.keras`` file, which ``load_model`` reads.

        Args:
            filepath: Path of the file.
        """
        save_model(cast(Any, self), filepath)


def _layer_name(kind: str, name: str | None) -> str:
    return f"{name or auto_name(kind)}_preprocessor"


def _is_fixed(layer: Layer) -> bool:
    """Return whether a layer was created with what ``adapt`` would compute."""
    vocabulary = getattr(layer, "_lookup_layer", layer)
    return getattr(vocabulary, "_is_fixed", False) or getattr(layer, "_given", None) is not None


def _column(table: Table, name: str) -> Any:
    """Return a column of a table, or the value of a sample."""
    is_table = isinstance(table, Mapping) or hasattr(table, "columns")  # of pandas
    if not is_table or name not in table:
        keys = sorted(map(str, table)) if is_table else type(table).__name__
        raise DataError(
            f"`FeatureSpace` received data with the features {keys}.",
            f"The feature {name!r} is missing.",
            "Pass a dict with all features, such as `{'age': ages, 'city': cities}`.",
        )
    return table[name]


def _with_two_axes(column: Array) -> Any:
    """Return a column of shape ``(batch, 1)``, for a single value ``(1, 1)``; other columns as they are."""
    rank = len(column.shape)
    if rank > 1:
        return column
    shape = (1, 1) if rank == 0 else (-1, 1)
    return column.reshape(shape) if isinstance(column, np.ndarray) else ops.reshape(column, shape)


def _batches(dataset: Iterable[Table], name: str) -> Iterator[np.ndarray]:
    """Yield one feature of batches or single samples as arrays of at least two axes."""
    values = (to_host(_column(sample, name)) for sample in dataset)
    for value in values:
        if value.ndim:
            yield _with_two_axes(value)
        else:
            yield np.stack([value, *islice(values, _BATCH - 1)])[:, np.newaxis]
