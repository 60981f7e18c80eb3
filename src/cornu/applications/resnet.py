"""ResNet: stages of residual blocks, whose activations follow the sum of a block and its input."""

from collections.abc import Sequence

from cornu import layers
from cornu.applications.application import Family, by_depths, channel_axis
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.core.symbolic_tensor import SymbolicTensor

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("caffe")

FILTERS = (64, 128, 256, 512)
"""Channels inside the blocks of each stage; a block has four times as many outputs."""


def normalized(x: SymbolicTensor, name: str, activation: str | None = None) -> SymbolicTensor:
    """Return the batch normalization of channels, and its activation if there is one.

    Example:
        >>> import cornu
        >>> from cornu.applications.resnet import normalized
        >>> normalized(cornu.Input((8, 8, 3)), "conv1", "relu").shape
        (None, 8, 8, 3)
    """
    x = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{name}_bn")(x)
    return x if activation is None else layers.Activation(activation, name=f"{name}_relu")(x)


def stem(x: SymbolicTensor) -> SymbolicTensor:
    """Return the first convolution, with padding.

    Example:
        >>> import cornu
        >>> from cornu.applications.resnet import stem
        >>> stem(cornu.Input((32, 32, 3))).shape
        (None, 16, 16, 64)
    """
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    return layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)


def stem_pool(x: SymbolicTensor) -> SymbolicTensor:
    """Return the pooling after the first convolution.

    Example:
        >>> import cornu
        >>> from cornu.applications.resnet import stem_pool
        >>> stem_pool(cornu.Input((16, 16, 64))).shape
        (None, 8, 8, 64)
    """
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def _block(x: SymbolicTensor, filters: int, stride: int, is_first: bool, name: str) -> SymbolicTensor:
    shortcut = x
    if is_first:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = normalized(shortcut, f"{name}_0")
    x = normalized(layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x), f"{name}_1", "relu")
    x = normalized(layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x), f"{name}_2", "relu")
    x = normalized(layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _features(x: SymbolicTensor, depths: Sequence[int]) -> SymbolicTensor:
    x = stem_pool(normalized(stem(x), "conv1", "relu"))
    for stage, (filters, depth) in enumerate(zip(FILTERS, depths, strict=True), start=2):
        for number in range(1, depth + 1):
            stride = 2 if number == 1 and stage > 2 else 1
            x = _block(x, filters, stride, number == 1, f"conv{stage}_block{number}")
    return x


_FAMILY = Family(
    __name__,
    "He et al., 2015, Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385",
    _features,
)


ResNet50 = by_depths(
    "ResNet50", _FAMILY, "resnet", (3, 4, 6, 3), "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"
)
ResNet101 = by_depths(
    "ResNet101", _FAMILY, "resnet", (3, 4, 23, 3), "f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"
)
ResNet152 = by_depths(
    "ResNet152", _FAMILY, "resnet", (3, 8, 36, 3), "100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"
)
