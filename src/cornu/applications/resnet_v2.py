"""ResNet V2: residual blocks that begin with their normalization and activation."""

from collections.abc import Sequence

from cornu import layers
from cornu.applications.application import Family, by_depths
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.resnet import FILTERS, normalized, stem, stem_pool
from cornu.core.symbolic_tensor import SymbolicTensor

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")


def _block(x: SymbolicTensor, filters: int, stride: int, is_first: bool, name: str) -> SymbolicTensor:
    before = normalized(x, f"{name}_preact", "relu")
    if is_first:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(before)
    else:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = normalized(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(before), f"{name}_1", "relu")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x)
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(normalized(x, f"{name}_2", "relu"))
    return layers.Add(name=f"{name}_out")([shortcut, x])


def _features(x: SymbolicTensor, depths: Sequence[int]) -> SymbolicTensor:
    x = stem_pool(stem(x))
    for stage, (filters, depth) in enumerate(zip(FILTERS, depths, strict=True), start=2):
        for number in range(1, depth + 1):
            stride = 2 if number == depth and stage < 5 else 1
            x = _block(x, filters, stride, number == 1, f"conv{stage}_block{number}")
    return normalized(x, "post", "relu")


_FAMILY = Family(
    __name__,
    "He et al., 2016, Identity Mappings in Deep Residual Networks, https://arxiv.org/abs/1603.05027",
    _features,
)


ResNet50V2 = by_depths(
    "ResNet50V2", _FAMILY, "resnet", (3, 4, 6, 3), "3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"
)
ResNet101V2 = by_depths(
    "ResNet101V2", _FAMILY, "resnet", (3, 4, 23, 3), "6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"
)
ResNet152V2 = by_depths(
    "ResNet152V2", _FAMILY, "resnet", (3, 8, 36, 3), "a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"
)
