"""EfficientNet V2: EfficientNet with plain convolutions in the first stages, for faster training."""

import math
from collections.abc import Sequence

from cornu import initializers, layers
from cornu.applications.application import ARGUMENTS, Application, Family, Sizes, application, channel_axis, channels_of
from cornu.applications.efficientnet import (
    DROP_RATE,
    add_shortcut,
    classifier,
    conv_initializer,
    convolution,
    normalized,
    squeeze_and_excite,
)
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import published
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.typing import Activation

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]

preprocess_input = preprocessing(None)

_MEAN, _VARIANCE = (0.485, 0.456, 0.406), (0.229**2, 0.224**2, 0.225**2)
"""Mean and variance of the channels of ImageNet."""
_MOMENTUM = 0.9

_B = ((1, 16, 1, 1, 0), (2, 32, 2, 4, 0), (2, 48, 2, 4, 0), (3, 96, 2, 4, 0.25), (5, 112, 1, 6, 0.25), (8, 192, 2, 6, 0.25))
_S = ((2, 24, 1, 1, 0), (4, 48, 2, 4, 0), (4, 64, 2, 4, 0), (6, 128, 2, 4, 0.25), (9, 160, 1, 6, 0.25), (15, 256, 2, 6, 0.25))
_M = (
    *((3, 24, 1, 1, 0), (5, 48, 2, 4, 0), (5, 80, 2, 4, 0), (7, 160, 2, 4, 0.25)),
    *((14, 176, 1, 6, 0.25), (18, 304, 2, 6, 0.25), (5, 512, 1, 6, 0.25)),
)
_L = (
    *((4, 32, 1, 1, 0), (7, 64, 2, 4, 0), (7, 96, 2, 4, 0), (10, 192, 2, 4, 0.25)),
    *((19, 224, 1, 6, 0.25), (25, 384, 2, 6, 0.25), (7, 640, 1, 6, 0.25)),
)
"""Blocks, outputs, stride, expansion and squeeze-and-excite of each stage; stages without it have plain convolutions."""


def _rounded(filters: float) -> int:
    """Return a number of channels as a multiple of 8; unlike that of other networks, it may be less than 90 %."""
    return max(8, int(filters + 4) // 8 * 8)


def _normalized(x: SymbolicTensor, name: str, activation: str | None = None) -> SymbolicTensor:
    return normalized(x, name, activation, _MOMENTUM)


def _fused_block(x: SymbolicTensor, filters: int, stride: int, expansion: int, rate: float, name: str) -> SymbolicTensor:
    shortcut, channels = x, channels_of(x)
    if expansion != 1:
        x = convolution(x, channels * expansion, 3, stride, name=f"{name}expand_conv")
        x = _normalized(x, f"{name}expand_bn", f"{name}expand_activation")
        x = _normalized(convolution(x, filters, 1, name=f"{name}project_conv"), f"{name}project_bn")
    else:
        x = convolution(x, filters, 3, stride, name=f"{name}project_conv")
        x = _normalized(x, f"{name}project_bn", f"{name}project_activation")
    return add_shortcut(x, shortcut, rate, name) if stride == 1 and channels == filters else x


def _block(
    x: SymbolicTensor, filters: int, stride: int, expansion: int, rate: float, name: str, excite: float
) -> SymbolicTensor:
    shortcut, channels = x, channels_of(x)
    if expansion != 1:
        x = convolution(x, channels * expansion, 1, name=f"{name}expand_conv")
        x = _normalized(x, f"{name}expand_bn", f"{name}expand_activation")
    x = layers.DepthwiseConv2D(
        3, strides=stride, padding="same", use_bias=False, depthwise_initializer=conv_initializer(), name=f"{name}dwconv2"
    )(x)
    x = _normalized(x, f"{name}bn", f"{name}activation")
    x = squeeze_and_excite(x, max(1, int(channels * excite)), name)
    x = _normalized(convolution(x, filters, 1, name=f"{name}project_conv"), f"{name}project_bn")
    return add_shortcut(x, shortcut, rate, name) if stride == 1 and channels == filters else x


def _features(
    x: SymbolicTensor,
    stages: Sequence,
    stem: int,
    width: float,
    depth: float,
    imagenet_scale: bool,
    include_preprocessing: bool = True,
) -> SymbolicTensor:
    if include_preprocessing and imagenet_scale and channels_of(x) == 3:
        x = layers.Rescaling(1.0 / 255)(x)
        x = layers.Normalization(mean=_MEAN, variance=_VARIANCE, axis=channel_axis())(x)
    elif include_preprocessing:
        x = layers.Rescaling(1.0 / 128.0, offset=-1)(x)
    x = _normalized(convolution(x, _rounded(stem * width), 3, 2, name="stem_conv"), "stem_bn", "stem_activation")
    done, total = 0, sum(row[0] for row in stages)  # before scaling, as in Keras
    for stage, (count, filters, stride, expansion, excite) in enumerate(stages, start=1):
        for place in range(math.ceil(count * depth)):
            rate, name = DROP_RATE * done / total, f"block{stage}{chr(ord('a') + place)}_"
            arguments = (_rounded(filters * width), stride if place == 0 else 1, expansion, rate, name)
            x = _block(x, *arguments, excite) if excite else _fused_block(x, *arguments)
            done += 1
    return _normalized(convolution(x, _rounded(1280 * width), 1, name="top_conv"), "top_bn", "top_activation")


def _classifier(x: SymbolicTensor, classes: int, activation: Activation) -> SymbolicTensor:
    return classifier(x, classes, activation, 0.2, initializers.Constant(0.0))


_FAMILY = Family(
    __name__,
    "Tan & Le, 2021, EfficientNetV2: Smaller Models and Faster Training, https://arxiv.org/abs/2104.00298",
    _features,
    classifier=_classifier,
    arguments=ARGUMENTS.replace(" name", " include_preprocessing name"),
)


def _efficientnet(
    title: str, stages: Sequence, stem: int, size: int, scales: tuple[float, float], *checksums: str
) -> Application:
    name = f"efficientnetv2-{title.removeprefix('EfficientNetV2').lower()}"
    files = published(f"efficientnet_v2/{name}", *checksums)
    row = {"stages": stages, "stem": stem, "width": scales[0], "depth": scales[1], "imagenet_scale": stages is _B}
    return application(title, _FAMILY, name, files, Sizes(size), **row)


_ROWS: Sequence[tuple] = (
    ("B0", _B, 32, 224, (1.0, 1.0), "21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    ("B1", _B, 32, 240, (1.0, 1.1), "069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    ("B2", _B, 32, 260, (1.1, 1.2), "424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    ("B3", _B, 32, 300, (1.2, 1.4), "1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    ("S", _S, 24, 384, (1.0, 1.0), "e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    ("M", _M, 24, 480, (1.0, 1.0), "a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    ("L", _L, 32, 480, (1.0, 1.0), "27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
)
"""Stages, outputs of the first convolution, size of the image, width and depth, and checksums of the files, of each variant."""

(
    EfficientNetV2B0,
    EfficientNetV2B1,
    EfficientNetV2B2,
    EfficientNetV2B3,
    EfficientNetV2S,
    EfficientNetV2M,
    EfficientNetV2L,
) = (_efficientnet(f"EfficientNetV2{row[0]}", *row[1:]) for row in _ROWS)
