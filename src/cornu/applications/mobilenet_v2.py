"""MobileNet V2: inverted residual blocks, wide inside and narrow between them."""

from cornu import layers
from cornu.applications.application import Family, Sizes, application, channel_axis, channels_of, divisible, pad_to_even
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import BASE, WeightsFile, no_weights
from cornu.core.symbolic_tensor import SymbolicTensor

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")

_STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
"""Outputs, blocks and stride of each stage."""

_WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
"""The values of ``alpha`` with trained weights."""


def _normalized(x: SymbolicTensor, name: str, relu: str | None = None) -> SymbolicTensor:
    x = layers.BatchNormalization(axis=channel_axis(from_end=True), epsilon=1e-3, momentum=0.999, name=name)(x)
    return x if relu is None else layers.ReLU(6.0, name=relu)(x)


def _block(x: SymbolicTensor, filters: int, stride: int, number: int) -> SymbolicTensor:
    shortcut, channels = x, channels_of(x)
    prefix = f"block_{number}_" if number else "expanded_conv_"
    if number:
        x = layers.Conv2D(6 * channels, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = _normalized(x, f"{prefix}expand_BN", f"{prefix}expand_relu")
    if stride == 2:
        x = pad_to_even(x, 3, f"{prefix}pad")
    padding = "same" if stride == 1 else "valid"
    x = layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False, name=f"{prefix}depthwise")(x)
    x = _normalized(x, f"{prefix}depthwise_BN", f"{prefix}depthwise_relu")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = _normalized(x, f"{prefix}project_BN")
    return layers.Add(name=f"{prefix}add")([shortcut, x]) if channels == filters and stride == 1 else x


def _features(x: SymbolicTensor, alpha: float = 1.0) -> SymbolicTensor:
    x = layers.Conv2D(divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
    x = _normalized(x, "bn_Conv1", "Conv1_relu")
    number = 0
    for filters, blocks, stride in _STAGES:
        for place in range(blocks):
            x = _block(x, divisible(int(filters * alpha)), stride if place == 0 else 1, number)
            number += 1
    last = divisible(1280 * alpha) if alpha > 1 else 1280
    return _normalized(layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x), "Conv_1_bn", "out_relu")


def _file(include_top: bool, rows: int, alpha: float) -> WeightsFile:
    if alpha not in _WIDTHS:
        raise no_weights("MobileNetV2", f"alpha={alpha}", f"alpha={' or '.join(map(str, _WIDTHS))}")
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}{'' if include_top else '_no_top'}.h5"
    return WeightsFile(f"{BASE}mobilenet_v2/{name}")


_FAMILY = Family(
    __name__,
    "Sandler et al., 2018, MobileNetV2, https://arxiv.org/abs/1801.04381",
    _features,
    arguments="input_shape alpha include_top weights input_tensor pooling classes classifier_activation name",
)


MobileNetV2 = application(
    "MobileNetV2",
    _FAMILY,
    lambda rows, alpha: f"mobilenetv2_{alpha:0.2f}_{rows}",
    _file,
    Sizes(224, trained=(96, 128, 160, 192, 224)),
    named=False,
    top_named=False,
)
