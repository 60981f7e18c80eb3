"""Networks of torchvision and timm with the weights of their files.

A network of PyTorch is an application and a row that says what differs: the names of its modules, the epsilon of batch
normalization, the padding of convolutions with strides, the convolution of a block that has the stride.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from cornu import layers
from cornu.applications import (
    convnext,
    efficientnet,
    efficientnet_lite,
    efficientnet_v2,
    mobilenet_v2,
    mobilenet_v3,
    resnet,
    vgg,
)
from cornu.applications.application import Application, channel_axis
from cornu.applications.torch_states import load_torch_state, read_state
from cornu.core import layer_tree
from cornu.core.input import InputLayer
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError, ModelFormatError, did_you_mean
from cornu.models import Model, clone_model
from cornu.typing import Activation, Shape

__all__ = ["from_torch_state"]

Modules: TypeAlias = Callable[[Model], dict[str, str]]
"""Function from a network to a dict from the names of its layers to those of the modules of PyTorch."""

State: TypeAlias = Mapping[str, Any]

PREPROCESSING = "imagenet_normalization"
"""Name of the layer that prepares the images."""


class TorchNetwork(NamedTuple):
    """A network of PyTorch, and how it differs from that of Keras.

    Attributes:
        application: The function that creates the network of Keras.
        modules: The names of its modules.
        epsilon: Of batch normalization. Defaults to 1e-5.
        symmetric: Whether images are padded by as much before as after, where TensorFlow pads more after. Defaults to True.
        changes: Dict from patterns of names of layers to the entries of their configs that differ. Defaults to none.
        arguments: Arguments of the function. Defaults to none.
        flattened: Name of an array for features that were flattened channel by channel. Defaults to None.
    """

    application: Application
    modules: Modules
    epsilon: float = 1e-5
    symmetric: bool = True
    changes: Mapping[str, dict[str, Any]] = {}
    arguments: Mapping[str, Any] = {}
    flattened: str | None = None


def from_torch_state(
    state: str | PathLike | State,
    architecture: str,
    include_top: bool = True,
    input_shape: Shape | None = None,
    pooling: str | None = None,
    classifier_activation: Activation = "softmax",
    mean: Sequence[float] = (0.485, 0.456, 0.406),
    std: Sequence[float] = (0.229, 0.224, 0.225),
    name: str | None = None,
) -> Model:
    """Create a network of torchvision or timm with the weights of a file of PyTorch.

    Neither of these packages, nor PyTorch, is needed. The network computes what theirs computes, which is not exactly what the
    application of Keras computes. Its first layer prepares the images, so it is applied to images from 0 to 255.

    Args:
        state: Path of a file of ``torch.save(network.state_dict(), path)`` or of a ``.safetensors`` file; or a dict from names
            to arrays or tensors.
        architecture: String, the name of the function that creates the network in torchvision or timm, such as ``"resnet50"``,
            ``"mobilenet_v2"`` or ``"tf_efficientnet_b0"``.
        include_top: Whether the model ends with the classifier. Defaults to True.
        input_shape: Tuple ``(height, width, 3)``. Defaults to the usual size with the classifier, and to images of any size
            without it.
        pooling: Without the classifier, ``"avg"`` or ``"max"``. Defaults to None (a map of features).
        classifier_activation: Activation of the classifier; None for logits. Defaults to ``"softmax"``.
        mean: Mean of each channel, for values from 0 to 1, with which the network was trained. Defaults to that of ImageNet.
        std: Standard deviation of each channel. Defaults to that of ImageNet.
        name: Name of the model. Defaults to ``architecture``.

    Returns:
        ``cornu.Model``, with as many classes as the classifier in the file.

    Raises:
        InvalidArgumentError: If the architecture is not known.
        ModelFormatError: If the file cannot be read or is of another network.

    Example:
        >>> from cornu import applications
        >>> model = applications.from_torch_state("resnet50-0676ba61.pth", "resnet50")  # doctest: +SKIP
        >>> model.predict(images)  # doctest: +SKIP
    """
    if architecture not in NETWORKS:
        raise InvalidArgumentError(
            f"`from_torch_state` received architecture={architecture!r}.",
            f"It must be one of {', '.join(sorted(NETWORKS))}.",
            did_you_mean(str(architecture), NETWORKS) or "Other networks of PyTorch are no applications of Keras.",
        )
    arrays, source = read_state(state)
    candidates = NETWORKS[architecture]  # of one application
    plain = candidates[0].application(
        weights=None,
        include_top=include_top,
        input_shape=input_shape,
        pooling=pooling,
        classifier_activation=classifier_activation,
        name=name or architecture,
        **candidates[0].arguments,
    )
    pairs = [(network, network.modules(plain)) for network in candidates]
    network, modules = max(pairs, key=lambda pair: _found(pair[1], arrays))
    classifier, classifier_module = list(modules.items())[-1]
    weights = arrays.get(f"{classifier_module}.weight")
    if include_top and weights is None and 2 * _found(modules, arrays) > len(modules):
        raise ModelFormatError(
            f"{source} has no array {classifier_module + '.weight'!r}: it is a network without a classifier.",
            "With `include_top=True`, the file must contain the classifier.",
            "Pass `include_top=False` and add a classifier of your own.",
        )
    if network.flattened in arrays:
        arrays[network.flattened] = _as_convolution(arrays[network.flattened])
    classes = {} if weights is None else {classifier: len(weights)}
    model = _adapted(plain, network, classes, mean, std)
    load_torch_state(model, arrays, modules.get, source, is_complete=include_top)
    return model


def _found(modules: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> int:
    """Return how many modules have weights among arrays."""
    return sum(f"{module}.weight" in arrays for module in modules.values())


def _as_convolution(weights: np.ndarray, channels: int = 512) -> np.ndarray:
    """Return the weights of a dense layer for flattened features as those of a convolution over a square of features."""
    size = math.isqrt(weights.shape[-1] // channels)
    return weights.reshape(-1, channels, size, size) if channels * size**2 == weights.shape[-1] else weights


# --- What differs -------------------------------------------------------------------------------------------------------------


def _adapted(
    plain: Model,
    network: TorchNetwork,
    classes: Mapping[str, int],
    mean: Sequence[float],
    std: Sequence[float],
) -> Model:
    """Return the network of PyTorch for a network of Keras: the same layers, with other configs and paddings.

    Args:
        plain: The network of Keras.
        network: How it differs.
        classes: Dict from the name of the classifier to its number of classes; empty to leave it.
        mean: See :func:`from_torch_state`.
        std: See :func:`from_torch_state`.
    """
    means, stds = (255 * np.asarray(values, "float64") for values in (mean, std))
    preprocessing = layers.Normalization(axis=channel_axis(), mean=means, variance=stds**2, name=PREPROCESSING)
    paddings: dict[str, int] = {}

    def clone(layer: Layer) -> Layer:
        config = layer.get_config()
        for pattern, entries in network.changes.items():
            if re.fullmatch(pattern, layer.name):
                config |= entries
        if isinstance(layer, layers.BatchNormalization):
            config["epsilon"] = network.epsilon
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            kernel, strides = max(config["kernel_size"]), np.max(config["strides"])
            if network.symmetric and kernel > 1 and strides > 1 and config["padding"] == "same":
                config["padding"], paddings[layer.name] = "valid", kernel // 2
        if isinstance(layer, layers.ZeroPadding2D) and network.symmetric:
            config["padding"] = int(np.max(config["padding"]))
        if layer.name in classes:
            config["filters" if isinstance(layer, layers.Conv2D) else "units"] = classes[layer.name]
        return type(layer).from_config(config)

    def call(layer: Layer, x: SymbolicTensor, *args: SymbolicTensor) -> SymbolicTensor:
        if isinstance(layer, layers.Rescaling | layers.Normalization):
            return x  # of Keras
        if isinstance(x, SymbolicTensor) and isinstance(x.node.operation, InputLayer):
            x = preprocessing(x)
        if layer.name in paddings:
            x = layers.ZeroPadding2D(paddings[layer.name], name=f"{layer.name}_pad")(x)
        return layer(x, *args)

    return clone_model(plain, clone_function=clone, call_function=call)


# --- Names of modules ---------------------------------------------------------------------------------------------------------


_ROLES = {
    "expand": ("expand", "expand_conv"),
    "expand_norm": ("expand_bn",),
    "depthwise": ("depthwise", "dwconv", "dwconv2"),
    "depthwise_norm": ("depthwise_bn", "bn"),
    "reduce": ("se_reduce", "squeeze_excite_conv"),
    "excite": ("se_expand", "squeeze_excite_conv_1"),
    "project": ("project", "project_conv"),
    "project_norm": ("project_bn",),
}
"""Ends of the names of the layers of an inverted residual block, in lower case."""


def _blocks(model: Model) -> dict[str, dict[str, str]]:
    """Return the inverted residual blocks of a network: the names of the layers by their roles, by the prefix of the block."""
    roles = {end: role for role, ends in _ROLES.items() for end in ends}
    blocks: dict[str, dict[str, str]] = {}
    for layer in model.layers:
        match = re.fullmatch(r"(block_?\d+[a-z]?|expanded_conv(?:_\d+)?)_(.+)", layer.name)
        if match and match[2].lower() in roles:
            blocks.setdefault(match[1], {})[roles[match[2].lower()]] = layer.name
    return blocks


def _stages(blocks: Iterable[str], counts: Sequence[int]) -> list[tuple[int, int]]:
    """Return the stage of each block and its place there, from 0; for given numbers of blocks, or by names as `block3b`."""
    if counts:
        return [(stage, place) for stage, count in enumerate(counts) for place in range(count)]
    return [(int(name[5:-1]) - 1, ord(name[-1]) - ord("a")) for name in blocks]


def _torchvision_block(folder: str, found: dict[str, str], is_nested: bool) -> dict[str, str]:
    """Return the modules of a block in torchvision, which are numbered; those of the last step may not be nested."""
    names = {}
    for number, step in enumerate(step for step in ("expand", "depthwise", "reduce", "project") if step in found):
        if step == "reduce":
            ends = {"reduce": f"{number}.fc1", "excite": f"{number}.fc2"}
        elif step == "project" and not is_nested:
            ends = {"project": f"{number}", "project_norm": f"{number + 1}"}
        else:
            ends = {step: f"{number}.0", f"{step}_norm": f"{number}.1"}
        names |= {found[role]: f"{folder}.{end}" for role, end in ends.items()}
    return names


def _timm_block(folder: str, found: dict[str, str]) -> dict[str, str]:
    """Return the modules of a block in timm."""
    if "depthwise" in found:
        ends = {"expand": "conv_pw", "depthwise": "conv_dw", "project": "conv_pwl" if "expand" in found else "conv_pw"}
    else:
        ends = {"expand": "conv_exp", "project": "conv_pwl" if "expand" in found else "conv"}
    ends |= {"reduce": "se.conv_reduce", "excite": "se.conv_expand"}
    steps = [step for step in ("expand", "depthwise", "project") if step in found]
    ends |= {f"{step}_norm": f"bn{number}" for number, step in enumerate(steps, start=1)}
    return {name: f"{folder}.{ends[role]}" for role, name in found.items()}


def _torchvision(first: Sequence[str], last: Sequence[str], is_flat: bool, is_nested: bool = True) -> Modules:
    """Return the function for the modules of a MobileNet or an EfficientNet in torchvision.

    Args:
        first: Names of the first convolution and its batch normalization.
        last: Those of the last convolution, its batch normalization, and the layers of the classifier.
        is_flat: Whether blocks are numbered without stages.
        is_nested: See :func:`_torchvision_block`. Defaults to True.
    """

    def modules(model: Model) -> dict[str, str]:
        blocks = _blocks(model)
        places = _stages(blocks, [1] * len(blocks) if is_flat else ())
        names = dict(zip(first, ("features.0.0", "features.0.1"), strict=True))
        for (stage, place), found in zip(places, blocks.values(), strict=True):
            folder = f"features.{stage + 1}" if is_flat else f"features.{stage + 1}.{place}"
            names |= _torchvision_block(f"{folder}.{'block' if is_nested else 'conv'}", found, is_nested)
        end = f"features.{places[-1][0] + 2}"
        classifier = ("classifier.1",) if len(last) == 3 else ("classifier.0", "classifier.3")
        return names | dict(zip(last, (f"{end}.0", f"{end}.1", *classifier), strict=True))

    return modules


def _timm(first: Sequence[str], last: Sequence[str], counts: Sequence[int] = ()) -> Modules:
    """Return the function for the modules of a MobileNet or an EfficientNet in timm.

    Args:
        first: See :func:`_torchvision`.
        last: See :func:`_torchvision`.
        counts: Number of blocks of each stage. Defaults to those in the names of the layers.
    """

    def modules(model: Model) -> dict[str, str]:
        blocks = _blocks(model)
        names = dict(zip(first, ("conv_stem", "bn1"), strict=True))
        for (stage, place), found in zip(_stages(blocks, counts), blocks.values(), strict=True):
            names |= _timm_block(f"blocks.{stage}.{place}", found)
        end = f"blocks.{len(counts)}.0"
        ends = (
            ("conv_head", "bn2", "classifier") if len(last) == 3 else (f"{end}.conv", f"{end}.bn1", "conv_head", "classifier")
        )
        return names | dict(zip(last, ends, strict=True))

    return modules


def _by_patterns(patterns: Mapping[str, Callable[..., str]]) -> Modules:
    """Return the function for modules that follow from the names of layers: from the groups of the pattern that fits."""

    def modules(model: Model) -> dict[str, str]:
        names = {}
        for layer in layer_tree.flatten(model):
            label = layer.name.removeprefix(f"{model.name}_")
            for pattern, module in patterns.items():
                if match := re.fullmatch(pattern, label):
                    names[layer.name] = module(*match.groups())
        return names

    return modules


def _vgg(classifier: Sequence[str]) -> Modules:
    """Return the function for the modules of VGG, whose convolutions, activations and poolings are numbered."""

    def modules(model: Model) -> dict[str, str]:
        names: dict[str, str] = {}
        number = 0
        for layer in model.layers:
            if isinstance(layer, layers.Conv2D):
                names[layer.name] = f"features.{number}"
            number += 2 if isinstance(layer, layers.Conv2D) else isinstance(layer, layers.MaxPooling2D)
        return names | dict(zip(("fc1", "fc2", "predictions"), classifier, strict=True))

    return modules


_RESNET = _by_patterns(
    {
        "conv1_conv": lambda: "conv1",
        "conv1_bn": lambda: "bn1",
        r"conv(\d)_block(\d+)_([123])_conv": lambda stage, block, n: f"layer{int(stage) - 1}.{int(block) - 1}.conv{n}",
        r"conv(\d)_block(\d+)_([123])_bn": lambda stage, block, n: f"layer{int(stage) - 1}.{int(block) - 1}.bn{n}",
        r"conv(\d)_block(\d+)_0_conv": lambda stage, block: f"layer{int(stage) - 1}.{int(block) - 1}.downsample.0",
        r"conv(\d)_block(\d+)_0_bn": lambda stage, block: f"layer{int(stage) - 1}.{int(block) - 1}.downsample.1",
        "predictions": lambda: "fc",
    }
)
"""Those of torchvision and timm."""

_RESNET_CHANGES = {
    r"conv.*_conv": {"use_bias": False},
    r"conv[345]_block1_1_conv": {"strides": 1},
    r"conv[345]_block1_2_conv": {"strides": 2},
}
"""Convolutions have no bias, and the 3 x 3 convolution of a block has the stride, not the first 1 x 1 convolution."""


def _convnext(stem: str, block: str, parts: Mapping[str, str], downsampling: str, head: Sequence[str]) -> Modules:
    def between(stage: str, part: int) -> str:
        return downsampling.format(int(stage) + 1, 2 * int(stage) + 2, part)

    patterns: dict[str, Callable[..., str]] = {
        "stem_conv": lambda: f"{stem}0",
        "stem_layernorm": lambda: f"{stem}1",
        r"downsampling_layernorm_(\d)": lambda stage: between(stage, 0),
        r"downsampling_conv_(\d)": lambda stage: between(stage, 1),
        r"stage_(\d)_block_(\d+)_(" + "|".join(parts) + ")": lambda stage, place, part: (
            block.format(int(stage), 2 * int(stage) + 1, place) + parts[part]
        ),
        "head_layernorm": lambda: head[0],
        "head_dense": lambda: head[1],
    }
    return _by_patterns(patterns)


_CONVNEXT = (
    _convnext(
        "features.0.",
        "features.{1}.{2}.",
        {
            "depthwise_conv": "block.0",
            "layernorm": "block.2",
            "pointwise_conv_1": "block.3",
            "pointwise_conv_2": "block.5",
            "layer_scale": "layer_scale",
        },
        "features.{1}.{2}",
        ("classifier.0", "classifier.2"),
    ),
    _convnext(
        "stem.",
        "stages.{0}.blocks.{2}.",
        {
            "depthwise_conv": "conv_dw",
            "layernorm": "norm",
            "pointwise_conv_1": "mlp.fc1",
            "pointwise_conv_2": "mlp.fc2",
            "layer_scale": "gamma",
        },
        "stages.{0}.downsample.{2}",
        ("head.norm", "head.fc"),
    ),
)
"""In torchvision and in timm."""

_EFFICIENTNET = (("stem_conv", "stem_bn"), ("top_conv", "top_bn", "predictions"))
_MOBILENET_V2 = (("Conv1", "bn_Conv1"), ("Conv_1", "Conv_1_bn", "predictions"))
_MOBILENET_V3 = (("conv", "conv_bn"), ("conv_1", "conv_1_bn", "conv_2", "logits"))
"""Layers before and after the blocks."""


# --- The networks -------------------------------------------------------------------------------------------------------------


def _efficientnets() -> Iterator[tuple[str, TorchNetwork]]:
    in_torchvision, in_timm = _torchvision(*_EFFICIENTNET, is_flat=False), _timm(*_EFFICIENTNET)
    for number in range(8):
        network = getattr(efficientnet, f"EfficientNetB{number}")
        yield f"efficientnet_b{number}", TorchNetwork(network, in_torchvision, epsilon=1e-5 if number < 5 else 1e-3)
        yield f"efficientnet_b{number}", TorchNetwork(network, in_timm)
        yield f"tf_efficientnet_b{number}", TorchNetwork(network, in_timm, epsilon=1e-3, symmetric=False)
    plain = {"include_preprocessing": False}
    for size in ("S", "M", "L"):
        network = getattr(efficientnet_v2, f"EfficientNetV2{size}")
        yield f"efficientnet_v2_{size.lower()}", TorchNetwork(network, in_torchvision, epsilon=1e-3, arguments=plain)
    for size in ("S", "M", "L", "B0", "B1", "B2", "B3"):
        network = getattr(efficientnet_v2, f"EfficientNetV2{size}")
        row = TorchNetwork(network, in_timm, epsilon=1e-3, symmetric=False, arguments=plain)
        yield f"tf_efficientnetv2_{size.lower()}", row
    for number in range(5):
        network = getattr(efficientnet_lite, f"EfficientNetLite{number}")
        yield f"tf_efficientnet_lite{number}", TorchNetwork(network, in_timm, epsilon=1e-3, symmetric=False)


def _mobilenets() -> Iterator[tuple[str, TorchNetwork]]:
    v2, counts = mobilenet_v2.MobileNetV2, (1, 2, 3, 4, 3, 3, 1)
    yield "mobilenet_v2", TorchNetwork(v2, _torchvision(*_MOBILENET_V2, is_flat=True, is_nested=False))
    for percent in (35, 50, 75, 100, 140):
        row = TorchNetwork(v2, _timm(*_MOBILENET_V2, counts), arguments={"alpha": percent / 100})
        yield f"mobilenetv2_{percent:03}", row
    for size, counts in (("Large", (1, 2, 3, 4, 2, 3)), ("Small", (1, 2, 3, 2, 3))):
        network, name = getattr(mobilenet_v3, f"MobileNetV3{size}"), size.lower()
        plain, in_timm = {"include_preprocessing": False}, _timm(*_MOBILENET_V3, counts)
        yield (
            f"mobilenet_v3_{name}",
            TorchNetwork(network, _torchvision(*_MOBILENET_V3, is_flat=True), epsilon=1e-3, arguments=plain),
        )
        for percent in (75, 100):
            arguments = plain | {"alpha": percent / 100}
            yield f"mobilenetv3_{name}_{percent:03}", TorchNetwork(network, in_timm, arguments=arguments)
            yield (
                f"tf_mobilenetv3_{name}_{percent:03}",
                TorchNetwork(network, in_timm, epsilon=1e-3, symmetric=False, arguments=arguments),
            )


def _others() -> Iterator[tuple[str, TorchNetwork]]:
    for depth in (50, 101, 152):
        yield f"resnet{depth}", TorchNetwork(getattr(resnet, f"ResNet{depth}"), _RESNET, changes=_RESNET_CHANGES)
    for depth in (16, 19):
        for classifier in (("classifier.0", "classifier.3", "classifier.6"), ("pre_logits.fc1", "pre_logits.fc2", "head.fc")):
            modules, first = _vgg(classifier), f"{classifier[0]}.weight"
            yield f"vgg{depth}", TorchNetwork(getattr(vgg, f"VGG{depth}"), modules, flattened=first)
    for size in ("Tiny", "Small", "Base", "Large", "XLarge"):
        for modules in _CONVNEXT:
            arguments = {"include_preprocessing": False}
            yield (
                f"convnext_{size.lower()}",
                TorchNetwork(getattr(convnext, f"ConvNeXt{size}"), modules, arguments=arguments),
            )


def _table() -> dict[str, list[TorchNetwork]]:
    table: dict[str, list[TorchNetwork]] = {}
    for name, network in itertools.chain(_others(), _mobilenets(), _efficientnets()):
        table.setdefault(name, []).append(network)
    return table


NETWORKS = _table()
"""The networks by the names of their functions: in torchvision, and in timm where the names of the modules differ there."""
