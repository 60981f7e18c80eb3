"""NASNet: cells found by a search, each of which receives the outputs of the two cells before it."""

from cornu import layers
from cornu.applications.application import Application, Family, Sizes, application, channels_of, pad_to_even
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.pretrained import published
from cornu.core.symbolic_tensor import SymbolicTensor

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")


def _normalized(x: SymbolicTensor, name: str) -> SymbolicTensor:
    return layers.BatchNormalization(axis=-1, momentum=0.9997, epsilon=1e-3, name=name)(x)


def _convolution(x: SymbolicTensor, filters: int, name: str) -> SymbolicTensor:
    return layers.Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)


def _separable(x: SymbolicTensor, filters: int, kernel: int, name: str, stride: int = 1) -> SymbolicTensor:
    x = layers.Activation("relu")(x)
    if stride == 2:
        x = pad_to_even(x, kernel, f"separable_conv_1_pad_{name}")
    x = layers.SeparableConv2D(
        filters,
        kernel,
        strides=stride,
        padding="valid" if stride == 2 else "same",
        use_bias=False,
        name=f"separable_conv_1_{name}",
    )(x)
    x = layers.Activation("relu")(_normalized(x, f"separable_conv_1_bn_{name}"))
    x = layers.SeparableConv2D(filters, kernel, padding="same", use_bias=False, name=f"separable_conv_2_{name}")(x)
    return _normalized(x, f"separable_conv_2_bn_{name}")


def _adjusted(before: SymbolicTensor | None, x: SymbolicTensor, filters: int, name: str) -> SymbolicTensor:
    """Return the output of the cell before the last one with the size of the last one's and a number of channels."""
    if before is None:
        return x
    if before.shape[-2] != x.shape[-2]:
        before = layers.Activation("relu", name=f"adjust_relu_1_{name}")(before)
        one = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_1_{name}")(before)
        one = _convolution(one, filters // 2, f"adjust_conv_1_{name}")
        other = layers.ZeroPadding2D(((0, 1), (0, 1)))(before)
        other = layers.Cropping2D(((1, 0), (1, 0)))(other)
        other = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_2_{name}")(other)
        other = _convolution(other, filters // 2, f"adjust_conv_2_{name}")
        return _normalized(layers.Concatenate(axis=-1)([one, other]), f"adjust_bn_{name}")
    if channels_of(before) != filters:
        active = layers.Activation("relu")(before)
        return _normalized(_convolution(active, filters, f"adjust_conv_projection_{name}"), f"adjust_bn_{name}")
    return before


def _add(name: str | None, *arrays: SymbolicTensor) -> SymbolicTensor:
    return layers.Add(name=name)(list(arrays))


def _mean(x: SymbolicTensor, name: str) -> SymbolicTensor:
    return layers.AveragePooling2D(3, strides=1, padding="same", name=name)(x)


def _normal_cell(x: SymbolicTensor, before: SymbolicTensor | None, filters: int, name: str) -> SymbolicTensor:
    before = _adjusted(before, x, filters, name)
    h = _convolution(layers.Activation("relu")(x), filters, f"normal_conv_1_{name}")
    h = _normalized(h, f"normal_bn_1_{name}")
    left = _separable(h, filters, 5, f"normal_left1_{name}")
    one = _add(f"normal_add_1_{name}", left, _separable(before, filters, 3, f"normal_right1_{name}"))
    left = _separable(before, filters, 5, f"normal_left2_{name}")
    two = _add(f"normal_add_2_{name}", left, _separable(before, filters, 3, f"normal_right2_{name}"))
    three = _add(f"normal_add_3_{name}", _mean(h, f"normal_left3_{name}"), before)
    left = _mean(before, f"normal_left4_{name}")
    four = _add(f"normal_add_4_{name}", left, _mean(before, f"normal_right4_{name}"))
    five = _add(f"normal_add_5_{name}", _separable(h, filters, 3, f"normal_left5_{name}"), h)
    return layers.Concatenate(axis=-1, name=f"normal_concat_{name}")([before, one, two, three, four, five])


def _reduction_cell(x: SymbolicTensor, before: SymbolicTensor | None, filters: int, name: str) -> SymbolicTensor:
    before = _adjusted(before, x, filters, name)
    h = _convolution(layers.Activation("relu")(x), filters, f"reduction_conv_1_{name}")
    h = _normalized(h, f"reduction_bn_1_{name}")
    padded = pad_to_even(h, 3, f"reduction_pad_1_{name}")
    left = _separable(h, filters, 5, f"reduction_left1_{name}", stride=2)
    one = _add(f"reduction_add_1_{name}", left, _separable(before, filters, 7, f"reduction_right1_{name}", stride=2))
    left = layers.MaxPooling2D(3, strides=2, name=f"reduction_left2_{name}")(padded)
    two = _add(f"reduction_add_2_{name}", left, _separable(before, filters, 7, f"reduction_right2_{name}", stride=2))
    left = layers.AveragePooling2D(3, strides=2, name=f"reduction_left3_{name}")(padded)
    three = _add(f"reduction_add3_{name}", left, _separable(before, filters, 5, f"reduction_right3_{name}", stride=2))
    four = _add(None, two, _mean(one, f"reduction_left4_{name}"))
    left = _separable(one, filters, 3, f"reduction_left4_{name}")
    five = _add(f"reduction_add4_{name}", left, layers.MaxPooling2D(3, strides=2, name=f"reduction_right5_{name}")(padded))
    return layers.Concatenate(axis=-1, name=f"reduction_concat_{name}")([two, three, four, five])


def _features(x: SymbolicTensor, filters: int, stem: int, cells: int, skip_reduction: bool) -> SymbolicTensor:
    x = layers.Conv2D(stem, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem_conv1")(x)
    x, before = _normalized(x, "stem_bn1"), None
    for number, share in (("stem_1", 4), ("stem_2", 2)):
        x, before = _reduction_cell(x, before, filters // share, number), x
    for stage in range(3):
        if stage > 0:
            reduced = _reduction_cell(x, before, filters * 2**stage, f"reduce_{stage * cells}")
            x, before = reduced, before if skip_reduction else x
        for number in range(cells):
            name = f"{stage * cells + number + (stage > 0)}"
            x, before = _normal_cell(x, before, filters * 2**stage, name), x
    return layers.Activation("relu")(x)


_FAMILY = Family(
    __name__,
    "Zoph et al., 2018, Learning Transferable Architectures, https://arxiv.org/abs/1707.07012",
    _features,
    channels_last_only=True,
    arguments="input_shape include_top weights input_tensor pooling classes classifier_activation name",
)


def _nasnet(title: str, size: int, checksums: tuple[str, str], **row: int) -> Application:
    name = f"nasnet_{title.removeprefix('NASNet').lower()}"
    files = published(f"nasnet/{name}", *checksums, no_top="_no_top.h5")
    row |= {"named": False, "top_named": False}
    return application(title, _FAMILY, name, files, Sizes(size, is_fixed=True), **row)


NASNetMobile = _nasnet(
    "NASNetMobile",
    224,
    ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
    filters=44,
    stem=32,
    cells=4,
    skip_reduction=False,
)
NASNetLarge = _nasnet(
    "NASNetLarge",
    331,
    ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
    filters=168,
    stem=96,
    cells=6,
    skip_reduction=True,
)
