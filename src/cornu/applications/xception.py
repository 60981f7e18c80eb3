"""Xception: residual blocks of separable convolutions."""

from cornu import layers
from cornu.applications.application import Family, Sizes, application, channel_axis
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import TF_KERNELS, published
from cornu.core.symbolic_tensor import SymbolicTensor

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")

_BLOCKS = ((128, 128), (256, 256), (728, 728), *[(728, 728, 728)] * 8, (728, 1024))
"""Outputs of the convolutions of blocks 2 to 13. Those of three keep the size of the image, and the others halve it."""


def _normalized(x: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
    return layers.BatchNormalization(axis=channel_axis(from_end=True), name=name)(x)


def _separable(x: SymbolicTensor, filters: int, name: str) -> SymbolicTensor:
    return _normalized(layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x), f"{name}_bn")


def _block(x: SymbolicTensor, filters: tuple[int, ...], number: int) -> SymbolicTensor:
    shortcut, halved = x, len(filters) == 2
    if halved:
        shortcut = layers.Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False)(x)
        shortcut = _normalized(shortcut)
    for place, channels in enumerate(filters, start=1):
        name = f"block{number}_sepconv{place}"
        if number > 2 or place > 1:  # the activation before the first one belongs to block 1
            x = layers.Activation("relu", name=f"{name}_act")(x)
        x = _separable(x, channels, name)
    if halved:
        x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"block{number}_pool")(x)
    return layers.Add()([x, shortcut])


def _features(x: SymbolicTensor) -> SymbolicTensor:
    for name, filters, stride in (("block1_conv1", 32, 2), ("block1_conv2", 64, 1)):
        x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=name)(x)
        x = layers.Activation("relu", name=f"{name}_act")(_normalized(x, f"{name}_bn"))
    for number, filters in enumerate(_BLOCKS, start=2):
        x = _block(x, filters, number)
    for name, channels in (("block14_sepconv1", 1536), ("block14_sepconv2", 2048)):
        x = layers.Activation("relu", name=f"{name}_act")(_separable(x, channels, name))
    return x


_FAMILY = Family(
    __name__,
    "Chollet, 2017, Xception, https://arxiv.org/abs/1610.02357",
    _features,
)


Xception = application(
    "Xception",
    _FAMILY,
    "xception",
    published("xception/xception", "0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97", **TF_KERNELS),
    Sizes(299, 71),
    named=False,
)
