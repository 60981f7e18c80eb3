"""Networks for images in plain PyTorch, from their papers, with the names of arrays and the arithmetic of torchvision's.

A state of torchvision therefore fits the network of the same name here, and the reverse. Weights are initialized by PyTorch's
defaults, as these networks are measured and compared, not trained.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

Norm = Callable[[int], nn.Module]
Activation = Callable[..., nn.Module]

RESNET_FILTERS = (64, 128, 256, 512)
VGG_FILTERS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Filters and number of convolutions before each pooling of VGG-16."""

MOBILENET_V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, filters, number of blocks and stride of the first."""

MOBILENET_V3_SMALL = (
    (3, 16, 16, True, nn.ReLU, 2),
    (3, 72, 24, False, nn.ReLU, 2),
    (3, 88, 24, False, nn.ReLU, 1),
    (5, 96, 40, True, nn.Hardswish, 2),
    (5, 240, 40, True, nn.Hardswish, 1),
    (5, 240, 40, True, nn.Hardswish, 1),
    (5, 120, 48, True, nn.Hardswish, 1),
    (5, 144, 48, True, nn.Hardswish, 1),
    (5, 288, 96, True, nn.Hardswish, 2),
    (5, 576, 96, True, nn.Hardswish, 1),
    (5, 576, 96, True, nn.Hardswish, 1),
)
"""Kernel size, expanded channels, filters, whether squeezed and excited, activation and stride of each block."""

MOBILENET_V3_LARGE = (
    (3, 16, 16, False, nn.ReLU, 1),
    (3, 64, 24, False, nn.ReLU, 2),
    (3, 72, 24, False, nn.ReLU, 1),
    (5, 72, 40, True, nn.ReLU, 2),
    (5, 120, 40, True, nn.ReLU, 1),
    (5, 120, 40, True, nn.ReLU, 1),
    (3, 240, 80, False, nn.Hardswish, 2),
    (3, 200, 80, False, nn.Hardswish, 1),
    (3, 184, 80, False, nn.Hardswish, 1),
    (3, 184, 80, False, nn.Hardswish, 1),
    (3, 480, 112, True, nn.Hardswish, 1),
    (3, 672, 112, True, nn.Hardswish, 1),
    (5, 672, 160, True, nn.Hardswish, 2),
    (5, 960, 160, True, nn.Hardswish, 1),
    (5, 960, 160, True, nn.Hardswish, 1),
)

EFFICIENTNET_B0 = (
    (False, 1, 3, 1, 16, 1),
    (False, 6, 3, 2, 24, 2),
    (False, 6, 5, 2, 40, 2),
    (False, 6, 3, 2, 80, 3),
    (False, 6, 5, 1, 112, 3),
    (False, 6, 5, 2, 192, 4),
    (False, 6, 3, 1, 320, 1),
)
"""Whether fused, expansion, kernel size, stride of the first block, filters and number of blocks of each stage."""

EFFICIENTNET_V2_S = (
    (True, 1, 3, 1, 24, 2),
    (True, 4, 3, 2, 48, 4),
    (True, 4, 3, 2, 64, 4),
    (False, 4, 3, 2, 128, 6),
    (False, 6, 3, 1, 160, 9),
    (False, 6, 3, 2, 256, 15),
)


def _unit(
    channels: int,
    filters: int,
    size: int = 1,
    stride: int = 1,
    groups: int = 1,
    norm: Norm = nn.BatchNorm2d,
    activation: Activation | None = nn.ReLU,
) -> nn.Sequential:
    """Return a convolution without bias, its normalization and its activation."""
    convolution = nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, norm(filters), *([activation(inplace=True)] if activation else []))


def _divisible(channels: float) -> int:
    """Return the nearest multiple of 8 that is not below nine tenths of the channels."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class Classifier(nn.Module):
    """Features, pooled and classified."""

    def __init__(self, features: list[nn.Module], classifier: list[nn.Module], pooled: int = 1):
        super().__init__()
        self.features, self.avgpool = nn.Sequential(*features), nn.AdaptiveAvgPool2d(pooled)
        self.classifier = nn.Sequential(*classifier)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class Residual(nn.Module):
    """Block whose input is added where the shapes are equal; in training, whole samples of a block are dropped at a rate."""

    part = "block"

    def __init__(self, parts: list[nn.Module], added: bool, rate: float = 0.0):
        super().__init__()
        self.add_module(self.part, nn.Sequential(*parts))
        self.added, self.rate = added, rate

    def change(self, x: Tensor) -> Tensor:
        """Return what is added to the input."""
        return self.get_submodule(self.part)(x)

    def forward(self, x: Tensor) -> Tensor:
        y = self.change(x)
        if self.training and self.rate and self.added:
            y = y * y.new_empty(len(y), 1, 1, 1).bernoulli_(1 - self.rate).div_(1 - self.rate)
        return x + y if self.added else y


class SqueezeExcitation(nn.Module):
    """Factors for channels, computed from the means of the channels."""

    def __init__(self, channels: int, squeezed: int, activation: nn.Module, gate: nn.Module):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        self.activation, self.gate = activation, gate

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.fc2(self.activation(self.fc1(x.mean((2, 3), keepdim=True)))))


class Bottleneck(nn.Module):
    """Block of ResNet-50, with the stride in the 3 x 3 convolution."""

    def __init__(self, channels: int, filters: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = _unit(channels, filters, activation=None)
        self.conv2, self.bn2 = _unit(filters, filters, 3, stride, activation=None)
        self.conv3, self.bn3 = _unit(filters, 4 * filters, activation=None)
        self.relu = nn.ReLU(inplace=True)
        same = stride == 1 and channels == 4 * filters
        self.downsample = None if same else _unit(channels, 4 * filters, 1, stride, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        return self.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """He et al., Deep Residual Learning for Image Recognition, 2015."""

    def __init__(self, depths: tuple[int, ...], num_classes: int = 1000):
        super().__init__()
        self.conv1, self.bn1, self.relu = _unit(3, 64, 7, 2)
        self.maxpool, self.avgpool = nn.MaxPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(1)
        channels = 64
        for number, (filters, depth) in enumerate(zip(RESNET_FILTERS, depths, strict=True), 1):
            blocks = []
            for block in range(depth):
                blocks.append(Bottleneck(channels, filters, 2 if number > 1 and block == 0 else 1))
                channels = 4 * filters
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for number in range(1, 1 + len(RESNET_FILTERS)):
            x = self.get_submodule(f"layer{number}")(x)
        return self.fc(self.avgpool(x).flatten(1))


class VGG(Classifier):
    """Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014."""

    def __init__(self, num_classes: int = 1000):
        features: list[nn.Module] = []
        channels = 3
        for filters, depth in VGG_FILTERS:
            for _ in range(depth):
                features += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(inplace=True)]
                channels = filters
            features.append(nn.MaxPool2d(2))
        hidden = [nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5)]
        more = [nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5)]
        super().__init__(features, [*hidden, *more, nn.Linear(4096, num_classes)], pooled=7)


class InvertedResidual(Residual):
    """Block of MobileNetV2, with a linear projection."""

    part = "conv"

    def __init__(self, channels: int, filters: int, stride: int, expansion: int):
        expanded = expansion * channels
        first = [_unit(channels, expanded, activation=nn.ReLU6)] if expansion > 1 else []
        middle = _unit(expanded, expanded, 3, stride, groups=expanded, activation=nn.ReLU6)
        projected = _unit(expanded, filters, activation=None)
        super().__init__([*first, middle, *projected], stride == 1 and channels == filters)


class MobileNetV2(Classifier):
    """Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018."""

    def __init__(self, num_classes: int = 1000):
        features: list[nn.Module] = [_unit(3, 32, 3, 2, activation=nn.ReLU6)]
        channels = 32
        for expansion, filters, depth, stride in MOBILENET_V2:
            for block in range(depth):
                features.append(InvertedResidual(channels, filters, 1 if block else stride, expansion))
                channels = filters
        features.append(_unit(channels, 1280, activation=nn.ReLU6))
        super().__init__(features, [nn.Dropout(0.2), nn.Linear(1280, num_classes)])


def _mobile_parts(
    widths: tuple[int, int, int], size: int, stride: int, norm: Norm, activation: Activation, excited: nn.Module | None
) -> list[nn.Module]:
    """Return the parts of a block that expands from the first width to the second, and projects to the third."""
    channels, expanded, filters = widths
    first = [_unit(channels, expanded, norm=norm, activation=activation)] if expanded != channels else []
    middle = _unit(expanded, expanded, size, stride, expanded, norm, activation)
    return [*first, middle, *([excited] if excited else []), _unit(expanded, filters, norm=norm, activation=None)]


class MobileNetV3(Classifier):
    """Howard et al., Searching for MobileNetV3, 2019."""

    def __init__(self, blocks: tuple[tuple, ...], hidden: int, num_classes: int = 1000):
        norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
        features: list[nn.Module] = [_unit(3, 16, 3, 2, norm=norm, activation=nn.Hardswish)]
        channels = 16
        for size, expanded, filters, excited, activation, stride in blocks:
            squeezed = _divisible(expanded // 4)
            factors = SqueezeExcitation(expanded, squeezed, nn.ReLU(), nn.Hardsigmoid()) if excited else None
            parts = _mobile_parts((channels, expanded, filters), size, stride, norm, activation, factors)
            features.append(Residual(parts, stride == 1 and channels == filters))
            channels = filters
        features.append(_unit(channels, 6 * channels, norm=norm, activation=nn.Hardswish))
        first = [nn.Linear(6 * channels, hidden), nn.Hardswish(inplace=True), nn.Dropout(0.2)]
        super().__init__(features, [*first, nn.Linear(hidden, num_classes)])


class EfficientNet(Classifier):
    """Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019."""

    def __init__(self, stages: tuple[tuple, ...], channels: int, norm: Norm = nn.BatchNorm2d, num_classes: int = 1000):
        features: list[nn.Module] = [_unit(3, channels, 3, 2, norm=norm, activation=nn.SiLU)]
        number, total = 0, sum(stage[-1] for stage in stages)
        for fused, expansion, size, stride, filters, depth in stages:
            blocks = []
            for block in range(depth):
                widths, moved = (channels, expansion * channels, filters), 1 if block else stride
                if fused:
                    parts = _fused_parts(widths, size, moved, norm)
                else:
                    excited = SqueezeExcitation(widths[1], max(1, channels // 4), nn.SiLU(inplace=True), nn.Sigmoid())
                    parts = _mobile_parts(widths, size, moved, norm, nn.SiLU, excited)
                blocks.append(Residual(parts, moved == 1 and channels == filters, 0.2 * number / total))
                channels, number = filters, number + 1
            features.append(nn.Sequential(*blocks))
        features.append(_unit(channels, 1280, norm=norm, activation=nn.SiLU))
        super().__init__(features, [nn.Dropout(0.2), nn.Linear(1280, num_classes)])


class EfficientNetV2(EfficientNet):
    """Tan and Le, EfficientNetV2: Smaller Models and Faster Training, 2021."""

    def __init__(self, stages: tuple[tuple, ...], channels: int, num_classes: int = 1000):
        super().__init__(stages, channels, partial(nn.BatchNorm2d, eps=1e-3), num_classes)


def _fused_parts(widths: tuple[int, int, int], size: int, stride: int, norm: Norm) -> list[nn.Module]:
    """Return the parts of a block whose expansion and depthwise convolution are one convolution."""
    channels, expanded, filters = widths
    if expanded == channels:
        return [_unit(channels, filters, size, stride, norm=norm, activation=nn.SiLU)]
    expansion = _unit(channels, expanded, size, stride, norm=norm, activation=nn.SiLU)
    return [expansion, _unit(expanded, filters, norm=norm, activation=None)]


class Permute(nn.Module):
    """Another order of the axes."""

    def __init__(self, *axes: int):
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.axes)


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels, which are the second axis."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(Residual):
    """Depthwise convolution of 7 x 7 and two dense layers, scaled by channel."""

    def __init__(self, channels: int, rate: float):
        mixed = [nn.Conv2d(channels, channels, 7, padding=3, groups=channels), Permute(0, 2, 3, 1)]
        dense = [nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels), Permute(0, 3, 1, 2)]
        super().__init__([*mixed, nn.LayerNorm(channels, eps=1e-6), *dense], True, rate)
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), 1e-6))

    def change(self, x: Tensor) -> Tensor:
        return self.layer_scale * super().change(x)


class ConvNeXt(Classifier):
    """Liu et al., A ConvNet for the 2020s, 2022."""

    def __init__(self, depths: tuple[int, ...], filters: tuple[int, ...], rate: float, num_classes: int = 1000):
        features: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, filters[0], 4, 4), ChannelNorm(filters[0], eps=1e-6))]
        rates = iter(torch.linspace(0, rate, sum(depths)).tolist())
        for stage, (channels, depth) in enumerate(zip(filters, depths, strict=True)):
            if stage:
                before = filters[stage - 1]
                features.append(nn.Sequential(ChannelNorm(before, eps=1e-6), nn.Conv2d(before, channels, 2, 2)))
            features.append(nn.Sequential(*(ConvNeXtBlock(channels, next(rates)) for _ in range(depth))))
        last = filters[-1]
        super().__init__(features, [nn.LayerNorm(last, eps=1e-6), nn.Identity(), nn.Linear(last, num_classes)])


def resnet50(num_classes: int = 1000) -> ResNet:
    return ResNet((3, 4, 6, 3), num_classes)


def vgg16(num_classes: int = 1000) -> VGG:
    return VGG(num_classes)


def mobilenet_v2(num_classes: int = 1000) -> MobileNetV2:
    return MobileNetV2(num_classes)


def mobilenet_v3_small(num_classes: int = 1000) -> MobileNetV3:
    return MobileNetV3(MOBILENET_V3_SMALL, 1024, num_classes)


def mobilenet_v3_large(num_classes: int = 1000) -> MobileNetV3:
    return MobileNetV3(MOBILENET_V3_LARGE, 1280, num_classes)


def efficientnet_b0(num_classes: int = 1000) -> EfficientNet:
    return EfficientNet(EFFICIENTNET_B0, 32, num_classes=num_classes)


def efficientnet_v2_s(num_classes: int = 1000) -> EfficientNetV2:
    return EfficientNetV2(EFFICIENTNET_V2_S, 24, num_classes)


def convnext_tiny(num_classes: int = 1000, rate: float = 0.1) -> ConvNeXt:
    return ConvNeXt((3, 3, 9, 3), (96, 192, 384, 768), rate, num_classes)
