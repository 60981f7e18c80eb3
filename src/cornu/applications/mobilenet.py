"""MobileNet: depthwise convolutions, each followed by a 1 x 1 convolution."""

from cornu import layers
from cornu.applications.application import Family, Sizes, application, channel_axis
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import BASE, WeightsFile, no_weights
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.typing import Activation

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")

_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Outputs and stride of each block."""

_WIDTHS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}
"""The values of ``alpha`` with trained weights, and how the names of their files write them."""


def _normalized(x: SymbolicTensor, name: str) -> SymbolicTensor:
    x = layers.BatchNormalization(axis=channel_axis(from_end=True), name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _features(x: SymbolicTensor, alpha: float = 1.0, depth_multiplier: int = 1) -> SymbolicTensor:
    x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(x)
    x = _normalized(x, "conv1")
    for number, (filters, stride) in enumerate(_BLOCKS, start=1):
        if stride == 2:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
        x = layers.DepthwiseConv2D(
            3,
            strides=stride,
            padding="same" if stride == 1 else "valid",
            depth_multiplier=depth_multiplier,
            use_bias=False,
            name=f"conv_dw_{number}",
        )(x)
        x = _normalized(x, f"conv_dw_{number}")
        x = layers.Conv2D(int(filters * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{number}")(x)
        x = _normalized(x, f"conv_pw_{number}")
    return x


def _classifier(x: SymbolicTensor, classes: int, activation: Activation, dropout: float = 1e-3) -> SymbolicTensor:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Conv2D(classes, 1, padding="same", name="conv_preds")(x)
    x = layers.Reshape((classes,), name="reshape_2")(x)
    return layers.Activation(activation, name="predictions")(x)


def _file(include_top: bool, rows: int, alpha: float, depth_multiplier: int, **_: float) -> WeightsFile:
    if alpha not in _WIDTHS or depth_multiplier != 1:
        given = f"alpha={alpha} and depth_multiplier={depth_multiplier}"
        raise no_weights("MobileNet", given, f"alpha={' or '.join(map(str, _WIDTHS))} and depth_multiplier=1")
    return WeightsFile(f"{BASE}mobilenet/mobilenet_{_WIDTHS[alpha]}_{rows}_tf{'' if include_top else '_no_top'}.h5")


_FAMILY = Family(
    __name__,
    "Howard et al., 2017, MobileNets, https://arxiv.org/abs/1704.04861",
    _features,
    classifier=_classifier,
    arguments="input_shape alpha depth_multiplier dropout include_top weights input_tensor pooling classes "
    "classifier_activation name",
)


MobileNet = application(
    "MobileNet",
    _FAMILY,
    lambda rows, alpha, **_: f"mobilenet_{alpha:0.2f}_{rows}",
    _file,
    Sizes(224, trained=(128, 160, 192, 224)),
    named=False,
)
