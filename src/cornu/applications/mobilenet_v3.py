"""MobileNet V3: inverted residual blocks with squeeze-and-excite and hard swish, found by a search."""

from collections.abc import Sequence

from cornu import layers
from cornu.applications.application import (
    Application,
    Family,
    Sizes,
    application,
    channel_axis,
    channels_of,
    divisible,
    pad_to_even,
)
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import BASE, WeightsFile, no_weights
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.typing import Activation

__all__ = ["decode_predictions", "preprocess_input"]

preprocess_input = preprocessing(None)


_SMALL = (
    (1, 16, 3, 2, True, False),
    (72 / 16, 24, 3, 2, False, False),
    (88 / 24, 24, 3, 1, False, False),
    (4, 40, 5, 2, True, True),
    *[(6, 40, 5, 1, True, True)] * 2,
    *[(3, 48, 5, 1, True, True)] * 2,
    (6, 96, 5, 2, True, True),
    *[(6, 96, 5, 1, True, True)] * 2,
)
_LARGE = (
    (1, 16, 3, 1, False, False),
    (4, 24, 3, 2, False, False),
    (3, 24, 3, 1, False, False),
    (3, 40, 5, 2, True, False),
    *[(3, 40, 5, 1, True, False)] * 2,
    (6, 80, 3, 2, False, True),
    (2.5, 80, 3, 1, False, True),
    *[(2.3, 80, 3, 1, False, True)] * 2,
    *[(6, 112, 3, 1, True, True)] * 2,
    (6, 160, 5, 2, True, True),
    *[(6, 160, 5, 1, True, True)] * 2,
)
"""Expansion, outputs, kernel, stride, squeeze-and-excite and hard swish of each block; ``minimalistic`` has neither of the two,
and no kernel larger than 3."""

_CHECKSUMS = {
    "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0_float": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
    "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0_float": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
}


def _activated(x: SymbolicTensor, hard_swish: bool) -> SymbolicTensor:
    return layers.Activation("hard_swish")(x) if hard_swish else layers.ReLU()(x)


def _normalized(x: SymbolicTensor, name: str) -> SymbolicTensor:
    return layers.BatchNormalization(axis=channel_axis(from_end=True), epsilon=1e-3, momentum=0.999, name=name)(x)


def _squeeze_and_excite(x: SymbolicTensor, channels: int, prefix: str) -> SymbolicTensor:
    prefix = f"{prefix}squeeze_excite_"
    share = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}avg_pool")(x)
    share = layers.Conv2D(divisible(channels * 0.25), 1, padding="same", name=f"{prefix}conv")(share)
    share = layers.ReLU(name=f"{prefix}relu")(share)
    share = layers.Conv2D(channels, 1, padding="same", name=f"{prefix}conv_1")(share)
    share = layers.ReLU(6.0)(share + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{prefix}mul")([x, share])


def _block(x: SymbolicTensor, row: Sequence, filters: int, number: int, minimalistic: bool) -> SymbolicTensor:
    expansion, _, kernel, stride, excite, hard_swish = row
    kernel, excite, hard_swish = (3, False, False) if minimalistic else (kernel, excite, hard_swish)
    shortcut, channels = x, channels_of(x)
    prefix, wide = f"expanded_conv_{number}_" if number else "expanded_conv_", divisible(channels * expansion)
    if number:
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = _activated(_normalized(x, f"{prefix}expand_bn"), hard_swish)
    if stride == 2:
        x = pad_to_even(x, kernel, f"{prefix}depthwise_pad")
    padding = "same" if stride == 1 else "valid"
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding=padding, use_bias=False, name=f"{prefix}depthwise")(x)
    x = _activated(_normalized(x, f"{prefix}depthwise_bn"), hard_swish)
    if excite:
        x = _squeeze_and_excite(x, wide, prefix)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = _normalized(x, f"{prefix}project_bn")
    return layers.Add(name=f"{prefix}add")([shortcut, x]) if stride == 1 and channels == filters else x


def _features(
    x: SymbolicTensor, rows: Sequence, alpha: float = 1.0, minimalistic: bool = False, include_preprocessing: bool = True
) -> SymbolicTensor:
    if include_preprocessing:
        x = layers.Rescaling(1.0 / 127.5, offset=-1.0)(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = _activated(_normalized(x, "conv_bn"), not minimalistic)
    for number, row in enumerate(rows):
        x = _block(x, row, divisible(row[1] * alpha), number, minimalistic)
    channels = divisible(channels_of(x) * 6)
    x = layers.Conv2D(channels, 1, padding="same", use_bias=False, name="conv_1")(x)
    return _activated(_normalized(x, "conv_1_bn"), not minimalistic)


def _classifier(
    x: SymbolicTensor,
    classes: int,
    activation: Activation,
    last: int,
    alpha: float,
    minimalistic: bool,
    dropout_rate: float = 0.2,
) -> SymbolicTensor:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(divisible(last * alpha) if alpha > 1 else last, 1, padding="same", name="conv_2")(x)
    x = _activated(x, not minimalistic)
    if dropout_rate > 0:
        x = layers.Dropout(dropout_rate)(x)
    x = layers.Flatten()(layers.Conv2D(classes, 1, padding="same", name="logits")(x))
    return layers.Activation(activation, name="predictions")(x)


_FAMILY = Family(
    __name__,
    "Howard et al., 2019, Searching for MobileNetV3, https://arxiv.org/abs/1905.02244",
    _features,
    classifier=_classifier,
    arguments="input_shape alpha minimalistic include_top weights input_tensor classes pooling dropout_rate "
    "classifier_activation include_preprocessing name",
)


def _mobilenet(title: str, size: str, rows: Sequence, last: int) -> Application:
    def file(include_top: bool, alpha: float, minimalistic: bool, **_: float) -> WeightsFile:
        name = f"{size}{'_minimalistic' if minimalistic else ''}_224_{float(alpha)}_float"
        if name not in _CHECKSUMS:
            given = f"alpha={alpha} and minimalistic={minimalistic}"
            raise no_weights(title, given, "alpha=1.0, and without `minimalistic` alpha=0.75")
        address = f"{BASE}mobilenet_v3/weights_mobilenet_v3_{name}{'' if include_top else '_no_top_v2'}.h5"
        return WeightsFile(address, _CHECKSUMS[name][not include_top])

    return application(title, _FAMILY, title, file, Sizes(224, is_free=True), rows=rows, last=last)


MobileNetV3Small = _mobilenet("MobileNetV3Small", "small", _SMALL, 1024)
MobileNetV3Large = _mobilenet("MobileNetV3Large", "large", _LARGE, 1280)
