"""VGG: five stages of 3 x 3 convolutions, each followed by a max pooling."""

from collections.abc import Sequence

from cornu import layers
from cornu.applications.application import Family, by_depths
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.typing import Activation

__all__ = ["VGG16", "VGG19", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("caffe")

_FILTERS = (64, 128, 256, 512, 512)


def _features(x: SymbolicTensor, depths: Sequence[int]) -> SymbolicTensor:
    for stage, (filters, depth) in enumerate(zip(_FILTERS, depths, strict=True), start=1):
        for number in range(1, depth + 1):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"block{stage}_conv{number}")(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{stage}_pool")(x)
    return x


def _classifier(x: SymbolicTensor, classes: int, activation: Activation) -> SymbolicTensor:
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", name="fc1")(x)
    x = layers.Dense(4096, activation="relu", name="fc2")(x)
    return layers.Dense(classes, activation=activation, name="predictions")(x)


_FAMILY = Family(
    __name__,
    "Simonyan & Zisserman, 2015, Very Deep Convolutional Networks, https://arxiv.org/abs/1409.1556",
    _features,
    classifier=_classifier,
)


VGG16 = by_depths(
    "VGG16",
    _FAMILY,
    "vgg16",
    (2, 2, 3, 3, 3),
    "64373286793e3c8b2b4e3219cbf3544b",
    "6d6bbae143d832006294945121d1f1fc",
    named=False,
)
VGG19 = by_depths(
    "VGG19",
    _FAMILY,
    "vgg19",
    (2, 2, 4, 4, 4),
    "cbe5617147190e668d6c5d5026f83318",
    "253f8cb515780f3b799900260a226db6",
    named=False,
)
