"""The arguments of constructors as attributes, and the other public attributes: those of real Keras, with the same values."""

import inspect
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ShapeError
from cornu.layers.augmentation.base import BaseImagePreprocessingLayer

ARGUMENTS: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "relu"},
    **{name: {"height": 4, "width": 3} for name in ("CenterCrop", "RandomCrop", "Resizing")},
    **{name: {"factor": (0.1, 0.2)} for name in ("RandomContrast", "RandomSaturation", "RandomColorDegeneration")},
    **{name: {"factor": 0.1} for name in ("RandomBrightness", "RandomHue", "RandomRotation", "RandomSharpness")},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomShear": {"x_factor": (0.1, 0.2), "y_factor": (0.1, 0.2)},
    "RandomZoom": {"height_factor": 0.1},
    "RandomPosterization": {"factor": 3},
    "MaxNumBoundingBoxes": {"max_number": 3},
    "Pipeline": {"layers": ["Dense"]},
    "BatchNormalization": {"center": False},
    "Bidirectional": {"layer": "LSTM"},
    "CategoryEncoding": {"num_tokens": 3},
    "Dense": {"units": 3},
    "Discretization": {"bin_boundaries": [1.0, 2.0]},
    "Dot": {"axes": 1},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"},
    "Embedding": {"input_dim": 5, "output_dim": 3},
    "ReversibleEmbedding": {"input_dim": 5, "output_dim": 3},
    "SpectralNormalization": {"layer": "Dense"},
    "GroupNormalization": {"groups": 2},
    "GroupQueryAttention": {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
    "HashedCrossing": {"num_bins": 3},
    "Hashing": {"num_bins": 3},
    "IntegerLookup": {"vocabulary": [3, 5]},
    "Lambda": {"function": np.sin},
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 3},
    "Permute": {"dims": (2, 1)},
    "RNN": {"cell": "LSTMCell"},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 2.0},
    "Reshape": {"target_shape": (2, -1)},
    "StackedRNNCells": {"cells": ["LSTMCell", "GRUCell"]},
    "StringLookup": {"vocabulary": ["a", "b"]},
    "TextVectorization": {"vocabulary": ["a", "b"]},
    "TimeDistributed": {"layer": "Dense"},
    "Wrapper": {"layer": "Dense"},
    "ZeroPadding2D": {"padding": ((1, 0), 2)},
}
"""Arguments of the constructors; those that are not here follow from the name of the class."""

SHAPES: dict[str, Any] = {
    "Permute": (None, 4, 5),
    "BatchNormalization": (None, 4),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "TimeDistributed"), (None, 4, 2)),
    **{name: [(None, 4, 5), (None, 4, 5)] for name in ("Attention", "AdditiveAttention")},
    **{name: [(None, 4), (None, 4)] for name in ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply")},
    "Subtract": [(None, 4), (None, 4)],
    **{f"ConvLSTM{rank}D": (None, 2, *(8,) * rank, 2) for rank in (1, 2, 3)},
}

PLUMBING = {
    *(
        "call_signature_parameters",
        "dtype_policy",
        "losses",
        "name",
        "path",
        "quantization_mode",
        "rematerialized_call",
    ),
    *("variable_serialization_spec", "inner_loop", "convert_weight", "backend", "feature_dim"),
    *("get_dropout_mask", "get_recurrent_dropout_mask", "reset_dropout_mask"),
    "reset_recurrent_dropout_mask",
    *("input_idf_weights", "input_vocabulary", "lookup_table", "output_dtype", "strong_hash", "summary", "vocabulary_dtype"),
    *("oov_method",),
}
"""What is left out on purpose (docs/compatibility.md), or differs by its nature."""

PLUMBING_OF_IMAGE_LAYERS = {
    *(
        "channel_axis",
        "height_axis",
        "width_axis",
        "height_lower",
        "height_upper",
        "width_lower",
        "width_upper",
        "supports_jit",
    ),
    *("get_clipped_bbox", "get_shifted_bbox", "get_transformed_x_y", "get_elastic_transform_params"),
    *("factor", "seed", "value_range"),  # compared in their configs: a list or a tuple, None where there is no such argument
}
"""What the image layers of Keras have for themselves."""

CHANGED_BY_BUILD = {
    ("LayerNormalization", "axis"),
    ("RMSNormalization", "axis"),
    ("MultiHeadAttention", "attention_axes"),
    ("AdditiveAttention", "score_mode"),
    *((f"ConvLSTM{rank}D", name) for rank in (1, 2, 3) for name in ("state_size", "single_state")),
    ("SpectralNormalization", "input_spec"),
    *(
        (name, f"{role}_dtype")
        for name in ("IntegerLookup", "StringLookup", "TextVectorization")
        for role in ("compute", "input", "variable")
    ),
}
"""Arguments that Keras overwrites in ``build``, one that its layer has without having the argument, and the dtypes of layers
with a vocabulary, which are those of its tokens in Keras. The state size of a `ConvLSTM2D` is -1 there; a wrapper would refuse
sequences of another length for an `Embedding`."""

FOREIGN = ("FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper")

NAMES = [
    name
    for name in layers.__all__
    if inspect.isclass(getattr(layers, name))
    and name not in ("InputLayer", "InputSpec", "Layer", "JaxLayer", "FlaxLayer", "TFSMLayer", "TorchModuleWrapper")
]


def arguments_of(name: str) -> dict[str, Any]:
    if name in ARGUMENTS:
        return ARGUMENTS[name]
    if "Separable" in name or ("Conv" in name and "Depthwise" not in name):
        return {"filters": 2, "kernel_size": 3}
    if "Adaptive" in name and "Pooling" in name:
        return {"output_size": 2}
    found = {"Depthwise": ("kernel_size", 3), "Dropout": ("rate", 0.5), "Noise": ("stddev", 0.5), "Cell": ("units", 3)}
    found |= {"AveragePooling": ("pool_size", 2), "AvgPool": ("pool_size", 2)} if "Global" not in name else {}
    found |= dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), ("units", 3))
    return dict(value for part, value in found.items() if part in name)


def shape_of(name: str) -> Any:
    spatial = {"1D": (None, 8, 2), "2D": (None, 8, 8, 2), "3D": (None, 8, 8, 8, 2)}
    return SHAPES.get(name, next((shape for part, shape in spatial.items() if part in name), (None, 4)))


def make(module: Any, name: str, build: bool = True) -> Any:
    def inner(value: Any) -> Any:
        if isinstance(value, list):
            return [inner(part) for part in value]
        return getattr(module, value)(3) if value in ("Dense", "LSTM", "LSTMCell", "GRUCell") else value

    made = getattr(module, name)(**{argument: inner(value) for argument, value in arguments_of(name).items()})
    if not build:
        return made
    if name in ("MultiHeadAttention", "GroupQueryAttention"):
        made.build((None, 4, 5), (None, 4, 5))
    elif name not in ("Lambda", "Pipeline"):
        made.build(shape_of(name))
    return made


def plain(value: Any) -> Any:
    """A value that can be compared: objects by their class, functions by their name, variables by their shape."""
    if isinstance(value, (list, tuple)):
        return type(value)(plain(part) for part in value)
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if hasattr(value, "path") and hasattr(value, "assign"):
        return tuple(value.shape)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if type(value).__name__ == "InputSpec":
        return {part: getattr(value, part) for part in ("shape", "dtype", "ndim", "min_ndim", "max_ndim", "axes")}
    return getattr(value, "__name__", type(value).__name__)


@pytest.mark.parametrize("name", NAMES)
def test_the_attributes_are_those_of_keras(name: str) -> None:
    of_keras, ours = make(keras.layers, name), make(layers, name)
    public = [each for each in dir(of_keras) if not each.startswith("_") and each not in PLUMBING]
    public = [each for each in public if not any(part in each for part in ("lora", "quant", "gptq"))]
    if issubclass(getattr(layers, name), BaseImagePreprocessingLayer):
        public = [each for each in public if each not in PLUMBING_OF_IMAGE_LAYERS]
    differing = {}
    for attribute in public:
        try:
            expected = getattr(of_keras, attribute)
        except AttributeError:  # such as `input`, before a symbolic call
            continue
        if not hasattr(ours, attribute):
            differing[attribute] = "missing"
        elif not inspect.ismethod(expected) and not inspect.isfunction(getattr(type(of_keras), attribute, None)):
            found = plain(getattr(ours, attribute))
            if found != plain(expected) and attribute not in ("dtype", "autocast", "build", "quantize"):
                differing[attribute] = (plain(expected), found)
    assert {attribute for attribute in differing if (name, attribute) not in CHANGED_BY_BUILD} == set(), differing


@pytest.mark.parametrize("name", NAMES)
def test_the_input_spec_before_building_is_that_of_keras(name: str) -> None:
    theirs, ours = make(keras.layers, name, build=False), make(layers, name, build=False)
    assert plain(ours.input_spec) == plain(theirs.input_spec)


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_the_input_spec_of_a_convolution_names_its_channels(data_format: str) -> None:
    made = [module.layers.Conv2D(2, 3, data_format=data_format) for module in (keras, cornu)]
    for layer in made:
        layer.build((None, 5, 6, 7))
    assert plain(made[1].input_spec) == plain(made[0].input_spec)


def test_shared_slopes_leave_the_size_of_an_axis_open() -> None:
    made = [module.layers.PReLU(shared_axes=[1]) for module in (keras, cornu)]
    for layer in made:
        layer.build((None, 5, 6))
    assert plain(made[1].input_spec) == plain(made[0].input_spec) == plain(cornu.InputSpec(ndim=3, axes={2: 6}))


def test_an_input_spec_that_was_set_replaces_the_one_of_the_layer() -> None:
    layer = layers.Dense(2)
    layer.input_spec = cornu.InputSpec(ndim=3)
    assert layer.input_spec.ndim == 3
    with pytest.raises(ShapeError, match="ndim=3"):
        layer(np.ones((2, 3)))


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("Flatten", "Bidirectional") and make(layers, name, False).input_spec]
)
def test_an_input_of_another_rank_is_refused_by_name(name: str) -> None:
    """What the specification shows is what the layer checks: with the name of the layer and the shape that came."""
    layer = make(layers, name, build=False)
    spec = layer.input_spec[0] if isinstance(layer.input_spec, list) else layer.input_spec
    rank = (spec.ndim or spec.min_ndim) - 1
    with pytest.raises(ShapeError) as refused:
        layer(np.ones((2,) * rank, "float32"))
    shapes = [(2,) * rank, (None, *(2,) * (rank - 1))]  # a layer is built with the size of the batch or without
    assert repr(layer.name) in str(refused.value) and any(str(shape) in str(refused.value) for shape in shapes)
