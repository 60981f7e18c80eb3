"""Inception-ResNet V2: residual blocks of parallel branches of convolutions."""

from collections.abc import Sequence

from cornu import layers
from cornu.applications.application import Family, Sizes, application, channel_axis, channels_of
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import TF_KERNELS, published
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.layers.scaling import CustomScaleLayer

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")


_BLOCK35 = [[(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]]
_BLOCK17 = [[(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]]
_BLOCK8 = [[(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]]
"""Filters and kernel of the convolutions of each branch."""

_MIXED_6A = [[(384, 3, 2)], [(256, 1), (256, 3), (384, 3, 2)]]
_MIXED_7A = [[(256, 1), (384, 3, 2)], [(256, 1), (288, 3, 2)], [(256, 1), (288, 3), (320, 3, 2)]]
"""The same for the modules with stride 2."""


def _convolution(
    x: SymbolicTensor,
    filters: int,
    kernel: int | tuple[int, int],
    stride: int = 1,
    padding: str = "same",
    name: str | None = None,
) -> SymbolicTensor:
    padding = "valid" if stride == 2 else padding
    x = layers.Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(axis=channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return layers.Activation("relu", name=name and f"{name}_ac")(x)


def _branches(x: SymbolicTensor, branches: Sequence) -> list:
    outputs = []
    for branch in branches:
        output = x
        for convolution in branch:
            output = _convolution(output, *convolution)
        outputs.append(output)
    return outputs


def _block(x: SymbolicTensor, branches: Sequence, scale: float, name: str, activation: str | None = "relu") -> SymbolicTensor:
    mixed = layers.Concatenate(axis=channel_axis(), name=f"{name}_mixed")(_branches(x, branches))
    change = layers.Conv2D(channels_of(x), 1, padding="same", name=f"{name}_conv")(mixed)
    x = CustomScaleLayer(scale)([x, change])
    return x if activation is None else layers.Activation(activation, name=f"{name}_ac")(x)


def _features(x: SymbolicTensor) -> SymbolicTensor:
    def joined(outputs: list, name: str) -> SymbolicTensor:
        return layers.Concatenate(axis=channel_axis(), name=name)(outputs)

    x = _convolution(x, 32, 3, 2)
    x = _convolution(_convolution(x, 32, 3, padding="valid"), 64, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _convolution(_convolution(x, 80, 1, padding="valid"), 192, 3, padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(x)
    outputs = _branches(x, [[(96, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)]])
    mean = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    x = joined([*outputs, _convolution(mean, 64, 1)], "mixed_5b")
    for number in range(1, 11):
        x = _block(x, _BLOCK35, 0.17, f"block35_{number}")
    outputs = _branches(x, _MIXED_6A)
    x = joined([*outputs, layers.MaxPooling2D(3, strides=2)(x)], "mixed_6a")
    for number in range(1, 21):
        x = _block(x, _BLOCK17, 0.1, f"block17_{number}")
    outputs = _branches(x, _MIXED_7A)
    x = joined([*outputs, layers.MaxPooling2D(3, strides=2)(x)], "mixed_7a")
    for number in range(1, 10):
        x = _block(x, _BLOCK8, 0.2, f"block8_{number}")
    x = _block(x, _BLOCK8, 1.0, "block8_10", activation=None)
    return _convolution(x, 1536, 1, name="conv_7b")


_FAMILY = Family(
    __name__,
    "Szegedy et al., 2017, Inception-v4, Inception-ResNet, https://arxiv.org/abs/1602.07261",
    _features,
)


InceptionResNetV2 = application(
    "InceptionResNetV2",
    _FAMILY,
    "inception_resnet_v2",
    published(
        "inception_resnet_v2/inception_resnet_v2",
        "e693bd0210a403b3192acc6073ad2e96",
        "d19885ff4a710c122648d3b5c3b684e4",
        **TF_KERNELS,
    ),
    Sizes(299, 75),
    named=False,
)
