"""EfficientNet: inverted residual blocks with squeeze-and-excite, scaled in width, depth and size of the image together."""

import math
from collections.abc import Sequence

from cornu import initializers, layers
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
from cornu.applications.pretrained import published
from cornu.config import image_data_format
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.typing import Activation

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]

preprocess_input = preprocessing(None)

STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 2, 6),
    (5, 2, 40, 2, 6),
    (3, 3, 80, 2, 6),
    (5, 3, 112, 1, 6),
    (5, 4, 192, 2, 6),
    (3, 1, 320, 1, 6),
)
"""Kernel, blocks, outputs, stride and expansion of each stage of EfficientNet and of EfficientNet-Lite."""

_STD = (0.229, 0.224, 0.225)
"""Standard deviation of the channels of ImageNet."""

DROP_RATE = 0.2
"""Rate at which the last block is left out in training; it grows from 0 at the first block."""


def conv_initializer() -> initializers.Initializer:
    """Return the initializer of convolutions.

    Example:
        >>> from cornu.applications.efficientnet import conv_initializer
        >>> conv_initializer().distribution
        'truncated_normal'
    """
    return initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")


def convolution(
    x: SymbolicTensor, filters: int, kernel: int, strides: int = 1, padding: str = "same", name: str = ""
) -> SymbolicTensor:
    """Return a convolution without bias.

    Example:
        >>> import cornu
        >>> from cornu.applications.efficientnet import convolution
        >>> convolution(cornu.Input((8, 8, 3)), 4, 3, name="conv").shape
        (None, 8, 8, 4)
    """
    return layers.Conv2D(
        filters, kernel, strides=strides, padding=padding, use_bias=False, kernel_initializer=conv_initializer(), name=name
    )(x)


def normalized(x: SymbolicTensor, name: str, activation: str | None = None, momentum: float = 0.99) -> SymbolicTensor:
    """Return the batch normalization of channels, and its activation, swish, if it has a name.

    Example:
        >>> import cornu
        >>> from cornu.applications.efficientnet import normalized
        >>> normalized(cornu.Input((8, 8, 3)), "bn", "activation").shape
        (None, 8, 8, 3)
    """
    x = layers.BatchNormalization(axis=channel_axis(), momentum=momentum, name=name)(x)
    return x if activation is None else layers.Activation("swish", name=activation)(x)


def squeeze_and_excite(x: SymbolicTensor, reduced: int, name: str) -> SymbolicTensor:
    """Return the channels times a share from 0 to 1 of each, computed from the means of all channels.

    Example:
        >>> import cornu
        >>> from cornu.applications.efficientnet import squeeze_and_excite
        >>> squeeze_and_excite(cornu.Input((8, 8, 4)), 2, "first_").shape
        (None, 8, 8, 4)
    """
    channels = channels_of(x)
    share = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    shape = (channels, 1, 1) if image_data_format() == "channels_first" else (1, 1, channels)
    share = layers.Reshape(shape, name=f"{name}se_reshape")(share)
    for part, filters, activation in (("se_reduce", reduced, "swish"), ("se_expand", channels, "sigmoid")):
        share = layers.Conv2D(
            filters, 1, padding="same", activation=activation, kernel_initializer=conv_initializer(), name=name + part
        )(share)
    return layers.Multiply(name=f"{name}se_excite")([x, share])


def add_shortcut(x: SymbolicTensor, shortcut: SymbolicTensor, rate: float, name: str) -> SymbolicTensor:
    """Return the sum of a block and its input; the block of a whole image is left out at a rate in training.

    Example:
        >>> import cornu
        >>> from cornu.applications.efficientnet import add_shortcut
        >>> add_shortcut(cornu.Input((8, 8, 4)), cornu.Input((8, 8, 4)), 0.1, "first_").shape
        (None, 8, 8, 4)
    """
    if rate > 0:
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.Add(name=f"{name}add")([x, shortcut])


def _block(x: SymbolicTensor, kernel: int, filters: int, stride: int, expansion: int, rate: float, name: str) -> SymbolicTensor:
    shortcut, channels = x, channels_of(x)
    if expansion != 1:
        x = convolution(x, channels * expansion, 1, name=f"{name}expand_conv")
        x = normalized(x, f"{name}expand_bn", f"{name}expand_activation")
    if stride == 2:
        x = pad_to_even(x, kernel, f"{name}dwconv_pad")
    x = layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding="valid" if stride == 2 else "same",
        use_bias=False,
        depthwise_initializer=conv_initializer(),
        name=f"{name}dwconv",
    )(x)
    x = normalized(x, f"{name}bn", f"{name}activation")
    x = squeeze_and_excite(x, max(1, int(channels * 0.25)), name)
    x = normalized(convolution(x, filters, 1, name=f"{name}project_conv"), f"{name}project_bn")
    return add_shortcut(x, shortcut, rate, name) if stride == 1 and channels == filters else x


def _features(x: SymbolicTensor, width: float, depth: float, pretrained: bool) -> SymbolicTensor:
    x = layers.Rescaling(1.0 / 255.0)(x)
    x = layers.Normalization(axis=channel_axis())(x)
    if pretrained:  # the published weights were trained with this scale in addition
        x = layers.Rescaling([1.0 / math.sqrt(std) for std in _STD])(x)
    x = pad_to_even(x, 3, "stem_conv_pad")
    x = convolution(x, divisible(32 * width), 3, strides=2, padding="valid", name="stem_conv")
    x = normalized(x, "stem_bn", "stem_activation")
    counts = [math.ceil(depth * row[1]) for row in STAGES]
    done = 0
    for stage, (row, count) in enumerate(zip(STAGES, counts, strict=True), start=1):
        kernel, _, filters, stride, expansion = row
        for place in range(count):
            rate, name = DROP_RATE * done / sum(counts), f"block{stage}{chr(ord('a') + place)}_"
            x = _block(x, kernel, divisible(filters * width), stride if place == 0 else 1, expansion, rate, name)
            done += 1
    x = convolution(x, divisible(1280 * width), 1, name="top_conv")
    return normalized(x, "top_bn", "top_activation")


def classifier(
    x: SymbolicTensor, classes: int, activation: Activation, dropout: float, bias: str | initializers.Initializer = "zeros"
) -> SymbolicTensor:
    """Return the output of a dense layer on the mean of the features, after dropout.

    Example:
        >>> import cornu
        >>> from cornu.applications.efficientnet import classifier
        >>> classifier(cornu.Input((8, 8, 4)), 3, "softmax", 0.1).shape
        (None, 3)
    """
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(dropout, name="top_dropout")(x)
    initializer = initializers.VarianceScaling(1 / 3, "fan_out", "uniform")
    return layers.Dense(classes, activation, kernel_initializer=initializer, bias_initializer=bias, name="predictions")(x)


_FAMILY = Family(
    __name__,
    "Tan & Le, 2019, EfficientNet: Rethinking Model Scaling, https://arxiv.org/abs/1905.11946",
    _features,
    classifier=classifier,
)


def _efficientnet(number: int, scales: tuple[float, float], size: int, dropout: float, *checksums: str) -> Application:
    name = f"efficientnetb{number}"
    files = published(f"https://storage.googleapis.com/keras-applications/{name}", *checksums)
    row = {"width": scales[0], "depth": scales[1], "dropout": dropout}
    return application(f"EfficientNetB{number}", _FAMILY, name, files, Sizes(size), **row)


_ROWS: Sequence[tuple] = (
    ((1.0, 1.0), 224, 0.2, "902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    ((1.0, 1.1), 240, 0.2, "1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    ((1.1, 1.2), 260, 0.3, "b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    ((1.2, 1.4), 300, 0.3, "ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    ((1.4, 1.8), 380, 0.4, "18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    ((1.6, 2.2), 456, 0.4, "ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    ((1.8, 2.6), 528, 0.5, "165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    ((2.0, 3.1), 600, 0.5, "8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
)
"""Width and depth, size of the image, dropout of the classifier, and checksums of the files, of B0 to B7."""

(
    EfficientNetB0,
    EfficientNetB1,
    EfficientNetB2,
    EfficientNetB3,
    EfficientNetB4,
    EfficientNetB5,
    EfficientNetB6,
    EfficientNetB7,
) = (_efficientnet(number, *row) for number, row in enumerate(_ROWS))
