"""Inception V3: modules of parallel branches of convolutions."""

from collections.abc import Sequence

from cornu import layers
from cornu.applications.application import Family, Sizes, application, channel_axis
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import TF_KERNELS, published
from cornu.core.symbolic_tensor import SymbolicTensor

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")

Convolution = tuple
"""Filters, height and width of a kernel; and ``2`` if the stride is 2, without padding."""


def _convolution(
    x: SymbolicTensor, filters: int, height: int, width: int, stride: int = 1, padding: str = "same"
) -> SymbolicTensor:
    padding = "valid" if stride == 2 else padding
    x = layers.Conv2D(filters, (height, width), strides=stride, padding=padding, use_bias=False)(x)
    x = layers.BatchNormalization(axis=channel_axis(), scale=False)(x)
    return layers.Activation("relu")(x)


def _chain(x: SymbolicTensor, convolutions: Sequence[Convolution]) -> SymbolicTensor:
    for convolution in convolutions:
        x = _convolution(x, *convolution)
    return x


def _module(x: SymbolicTensor, branches: Sequence[Sequence[Convolution]], pooled: int | None, name: str) -> SymbolicTensor:
    """Return the outputs of branches, and of a pooling: a mean with ``pooled`` filters, or a maximum with stride 2."""
    outputs = [_chain(x, branch) for branch in branches]
    if pooled is None:
        outputs.append(layers.MaxPooling2D(3, strides=2)(x))
    else:
        mean = layers.AveragePooling2D(3, strides=1, padding="same")(x)
        outputs.append(_convolution(mean, pooled, 1, 1))
    return layers.Concatenate(axis=channel_axis(), name=name)(outputs)


def _wide_module(x: SymbolicTensor, number: int) -> SymbolicTensor:
    """Return the last kind of module, in which two branches fork."""
    axis = channel_axis()
    outputs = [_convolution(x, 320, 1, 1)]
    for convolutions, name in (([(384, 1, 1)], f"mixed9_{number}"), ([(448, 1, 1), (384, 3, 3)], None)):
        branch = _chain(x, convolutions)
        fork = [_convolution(branch, 384, 1, 3), _convolution(branch, 384, 3, 1)]
        outputs.append(layers.Concatenate(axis=axis, name=name)(fork))
    mean = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    outputs.append(_convolution(mean, 192, 1, 1))
    return layers.Concatenate(axis=axis, name=f"mixed{9 + number}")(outputs)


def _small_module(pooled: int) -> tuple:
    return [[(64, 1, 1)], [(48, 1, 1), (64, 5, 5)], [(64, 1, 1), (96, 3, 3), (96, 3, 3)]], pooled


def _long_module(filters: int) -> tuple:
    double = [(filters, 1, 1), (filters, 7, 1), (filters, 1, 7), (filters, 7, 1), (192, 1, 7)]
    return [[(192, 1, 1)], [(filters, 1, 1), (filters, 1, 7), (192, 7, 1)], double], 192


_MODULES = (
    *(_small_module(32), _small_module(64), _small_module(64)),
    ([[(384, 3, 3, 2)], [(64, 1, 1), (96, 3, 3), (96, 3, 3, 2)]], None),
    *(_long_module(128), _long_module(160), _long_module(160), _long_module(192)),
    ([[(192, 1, 1), (320, 3, 3, 2)], [(192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, 2)]], None),
)
"""The branches of each module, and the filters of its pooling, None for a maximum with stride 2."""


def _features(x: SymbolicTensor) -> SymbolicTensor:
    x = _convolution(x, 32, 3, 3, 2)
    x = _convolution(_convolution(x, 32, 3, 3, padding="valid"), 64, 3, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _convolution(_convolution(x, 80, 1, 1, padding="valid"), 192, 3, 3, padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(x)
    for number, (branches, pooled) in enumerate(_MODULES):
        x = _module(x, branches, pooled, f"mixed{number}")
    return _wide_module(_wide_module(x, 0), 1)


_FAMILY = Family(
    __name__,
    "Szegedy et al., 2016, Rethinking the Inception Architecture, https://arxiv.org/abs/1512.00567",
    _features,
)


InceptionV3 = application(
    "InceptionV3",
    _FAMILY,
    "inception_v3",
    published(
        "inception_v3/inception_v3", "9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63", **TF_KERNELS
    ),
    Sizes(299, 75),
    named=False,
)
