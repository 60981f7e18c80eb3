"""ConvNeXt: residual blocks of a 7 x 7 depthwise convolution and two dense layers, with layer normalization."""

from collections.abc import Sequence

import numpy as np

from cornu import layers, models
from cornu.applications.application import Application, Family, application, channels_of, pool
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import published
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.layers.scaling import LayerScale
from cornu.typing import Activation

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "decode_predictions",
    "preprocess_input",
]

preprocess_input = preprocessing(None)

_MEAN, _STD = 255 * np.array([0.485, 0.456, 0.406]), 255 * np.array([0.229, 0.224, 0.225])
"""Mean and standard deviation of the channels of ImageNet."""


def _block(x: SymbolicTensor, filters: int, name: str) -> SymbolicTensor:
    new = layers.Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(x)
    new = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_layernorm")(new)
    new = layers.Dense(4 * filters, name=f"{name}_pointwise_conv_1")(new)
    new = layers.Activation("gelu", name=f"{name}_gelu")(new)
    new = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(new)
    new = LayerScale(1e-6, filters, name=f"{name}_layer_scale")(new)
    return x + layers.Activation("linear", name=f"{name}_identity")(new)


def _features(
    x: SymbolicTensor, depths: Sequence[int], filters: Sequence[int], name: str, include_preprocessing: bool = True
) -> SymbolicTensor:
    if include_preprocessing and channels_of(x) == 3:
        x = layers.Normalization(mean=_MEAN, variance=_STD**2, name=f"{name}_prestem_normalization")(x)
    for stage, (depth, channels) in enumerate(zip(depths, filters, strict=True)):
        if stage == 0:
            conv = layers.Conv2D(channels, 4, strides=4, name=f"{name}_stem_conv")
            normalization = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_stem_layernorm")
            x = models.Sequential([conv, normalization], name=f"{name}_stem")(x)
        else:
            normalization = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_downsampling_layernorm_{stage - 1}")
            conv = layers.Conv2D(channels, 2, strides=2, name=f"{name}_downsampling_conv_{stage - 1}")
            x = models.Sequential([normalization, conv], name=f"{name}_downsampling_block_{stage - 1}")(x)
        for number in range(depth):
            x = _block(x, channels, f"{name}_stage_{stage}_block_{number}")
    return x


def _classifier(x: SymbolicTensor, classes: int, activation: Activation, name: str) -> SymbolicTensor:
    x = layers.GlobalAveragePooling2D(name=f"{name}_head_gap")(x)
    x = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_head_layernorm")(x)
    return layers.Dense(classes, activation=activation, name=f"{name}_head_dense")(x)


def _pooled(x: SymbolicTensor, pooling: str | None) -> SymbolicTensor:
    return layers.LayerNormalization(epsilon=1e-6)(pool(x, pooling, named=False))


_FAMILY = Family(
    __name__,
    "Liu et al., 2022, A ConvNet for the 2020s, https://arxiv.org/abs/2201.03545",
    _features,
    classifier=_classifier,
    pooled=_pooled,
    channels_last_only=True,
    arguments="include_top include_preprocessing weights input_tensor input_shape pooling classes classifier_activation name",
)


def _convnext(size: str, depths: Sequence[int], width: int, *checksums: str) -> Application:
    name = f"convnext_{size.lower()}"
    filters = [width * 2**stage for stage in range(4)]
    return application(
        f"ConvNeXt{size}", _FAMILY, name, published(f"convnext/{name}", *checksums), depths=depths, filters=filters
    )


ConvNeXtTiny = _convnext(
    "Tiny",
    (3, 3, 9, 3),
    96,
    "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
)
ConvNeXtSmall = _convnext(
    "Small",
    (3, 3, 27, 3),
    96,
    "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
)
ConvNeXtBase = _convnext(
    "Base",
    (3, 3, 27, 3),
    128,
    "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
)
ConvNeXtLarge = _convnext(
    "Large",
    (3, 3, 27, 3),
    192,
    "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
)
ConvNeXtXLarge = _convnext(
    "XLarge",
    (3, 3, 27, 3),
    256,
    "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
)
