"""DenseNet: in a dense block, each layer receives the outputs of all layers before it."""

from collections.abc import Sequence

from cornu import layers
from cornu.applications.application import Family, by_depths, channel_axis, channels_of
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.resnet import normalized
from cornu.core.symbolic_tensor import SymbolicTensor

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("torch")

_GROWTH = 32
"""Channels that each layer of a dense block adds."""


def _dense_layer(x: SymbolicTensor, name: str) -> SymbolicTensor:
    new = normalized(x, f"{name}_0", "relu")
    new = layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(new)
    new = normalized(new, f"{name}_1", "relu")
    new = layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return layers.Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, new])


def _transition(x: SymbolicTensor, name: str) -> SymbolicTensor:
    x = normalized(x, name, "relu")
    x = layers.Conv2D(channels_of(x) // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _features(x: SymbolicTensor, depths: Sequence[int]) -> SymbolicTensor:
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    x = layers.ZeroPadding2D(1)(normalized(x, "conv1", "relu"))
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for stage, depth in enumerate(depths, start=2):
        for number in range(1, depth + 1):
            x = _dense_layer(x, f"conv{stage}_block{number}")
        if stage < 5:
            x = _transition(x, f"pool{stage}")
    x = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name="bn")(x)
    return layers.Activation("relu", name="relu")(x)


_FAMILY = Family(
    __name__,
    "Huang et al., 2017, Densely Connected Convolutional Networks, https://arxiv.org/abs/1608.06993",
    _features,
    channels_last_only=True,
)


DenseNet121 = by_depths(
    "DenseNet121", _FAMILY, "densenet", (6, 12, 24, 16), "9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"
)
DenseNet169 = by_depths(
    "DenseNet169", _FAMILY, "densenet", (6, 12, 32, 32), "d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"
)
DenseNet201 = by_depths(
    "DenseNet201", _FAMILY, "densenet", (6, 12, 48, 32), "1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"
)
