"""What all applications share: their arguments, inputs, classifiers and weights.

An application is a table. A module of this package has the functions that build the blocks of a family of networks, and one
row for each variant, which :func:`application` turns into the function that users call.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from cornu import config, layers
from cornu.applications.pretrained import (
    TF_KERNELS,
    InstalledWeights,
    Weights,
    WeightsFile,
    check_weights,
    load_pretrained,
    published,
)
from cornu.core.graph import get_source_inputs
from cornu.core.input import Input
from cornu.core.symbolic_tensor import SymbolicTensor, is_symbolic
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError, one_of, warn
from cornu.models import Model
from cornu.typing import Activation, Shape
from cornu.validation import check_int

ARGUMENTS = "include_top weights input_tensor input_shape pooling classes classifier_activation name"
"""The arguments of most applications, in their order."""

_DEFAULTS = {
    "include_top": True,
    "weights": "imagenet",
    "input_tensor": None,
    "input_shape": None,
    "pooling": None,
    "classes": 1000,
    "classifier_activation": "softmax",
}

Application: TypeAlias = Callable[..., Model]
"""The function that creates a network."""

Argument: TypeAlias = Activation | SymbolicTensor | Shape | Weights | float
"""What users pass to it."""

_POOLING = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}


class Sizes(NamedTuple):
    """The sizes of images that a network takes, in pixels.

    Attributes:
        default: Height and width of the images that it was trained with.
        least: Smallest height and width. Defaults to 32.
        trained: Further sizes for which there are trained weights. Defaults to none.
        is_free: Whether the classifier takes images of any size, too. Defaults to False.
        is_fixed: Whether the size must be known without the classifier, too. Defaults to False.
    """

    default: int
    least: int = 32
    trained: Sequence[int] = ()
    is_free: bool = False
    is_fixed: bool = False


_USUAL_SIZES = Sizes(224)


def classify_by_mean(x: SymbolicTensor, classes: int, activation: Activation, top_named: bool = True) -> SymbolicTensor:
    """Return the output of a dense layer on the mean of the features over the image: the classifier of most networks."""
    x = layers.GlobalAveragePooling2D(name="avg_pool" if top_named else None)(x)
    return layers.Dense(classes, activation=activation, name="predictions")(x)


def pool(x: SymbolicTensor, pooling: str | None, named: bool = True) -> SymbolicTensor:
    """Return features, pooled over the image for ``"avg"`` and ``"max"``."""
    if pooling is None:
        return x
    return _POOLING[pooling](name=f"{pooling}_pool" if named else None)(x)


class Family(NamedTuple):
    """What the networks of a family have in common.

    Attributes:
        module: Name of the module.
        source: String, the publication.
        features: Function from images to features, which receives the row of a network and those further arguments that it
            names.
        classifier: Function from features, ``classes`` and ``activation`` to the output. Defaults to
            :func:`classify_by_mean`.
        pooled: Function from features and ``pooling`` to the output without the classifier. Defaults to
            :func:`pool`.
        arguments: Names of the arguments, separated by spaces. Those that are not common to all applications have the defaults
            of ``features`` or ``classifier``. Defaults to the common ones.
        channels_last_only: Whether images must have their channels last. Defaults to False.
    """

    module: str
    source: str
    features: Callable[..., SymbolicTensor]
    classifier: Callable[..., SymbolicTensor] = classify_by_mean
    pooled: Callable[..., SymbolicTensor] = pool
    arguments: str = ARGUMENTS
    channels_last_only: bool = False


def application(
    title: str,
    family: Family,
    name: str | Callable[..., str],
    files: Callable[..., WeightsFile | InstalledWeights],
    sizes: Sizes = _USUAL_SIZES,
    **row: float | Sequence,
) -> Application:
    """Return the function that creates a network, with the arguments of Keras's.

    Args:
        title: Name of the function.
        family: The family of the network.
        name: Default name of the model, or a function of the size of the images and the further arguments that returns it.
        files: Function that returns the file of trained weights.
        sizes: Sizes of images. Defaults to 224 pixels, and at least 32.
        **row: The row of the table: arguments of the functions of the family.
    """
    own = {key: value for function in (family.features, family.classifier) for key, value in _defaults_of(function).items()}
    defaults = {**own, **_DEFAULTS, "name": name if isinstance(name, str) else None}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(key, kind, default=defaults[key]) for key in family.arguments.split()])
    further = [key for key in signature.parameters if key not in _DEFAULTS and key != "name"]

    def create(*args: Argument, **kwargs: Argument) -> Model:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        options = {key: given[key] for key in further}
        weights, top, tensor = given["weights"], given["include_top"], given["input_tensor"]
        _check(title, family, given)
        images = _images(title, given["input_shape"], tensor, sizes, top, weights)
        rows = _rows_of(images, sizes, weights == "imagenet")
        file = files(include_top=top, rows=rows, **options) if weights == "imagenet" else None
        label = given["name"] or (name if isinstance(name, str) else name(rows, **options))
        extras = {**row, **options, "name": label, "pretrained": file is not None}
        x = _call(family.features, extras, images)
        if top:
            x = _call(family.classifier, extras, x, given["classes"], given["classifier_activation"])
        else:
            x = _call(family.pooled, extras, x, given["pooling"])
        sources = [images] if tensor is None else get_source_inputs(tensor)
        model = Model(sources[0] if len(sources) == 1 else sources, x, name=label)
        if weights is not None:
            load_pretrained(title, model, weights, file)
        return model

    create.__name__ = create.__qualname__ = title
    create.__module__ = family.module
    create.__doc__ = _DOCUMENTATION.format(title=title, source=family.source, size=sizes.default, least=sizes.least)
    create.__signature__ = signature  # type: ignore[attr-defined]
    return create


def by_depths(
    title: str, family: Family, folder: str, depths: Sequence[int], *checksums: str, named: bool = True
) -> Application:
    """Return the function that creates a network whose row is the number of blocks of each stage.

    Args:
        title: Name of the function; in lower case, that of the model and of its files of weights.
        family: The family of the network.
        folder: Folder of the files.
        depths: Numbers of blocks.
        *checksums: See :func:`cornu.applications.pretrained.published`.
        named: Whether the pooling without the classifier has a name. Defaults to True.
    """
    name = title.lower()
    files = published(f"{folder}/{name}", *checksums, **TF_KERNELS)
    return application(title, family, name, files, depths=depths, named=named)


def channel_axis(from_end: bool = False) -> int:
    """Return the axis of the channels of a batch of images, as Keras writes it: 3 or 1; -1 instead of 3 for ``from_end``."""
    if config.image_data_format() == "channels_first":
        return 1
    return -1 if from_end else 3


def channels_of(x: SymbolicTensor) -> int:
    """Return the number of channels of images or features."""
    return cast(int, x.shape[channel_axis()])


def pad_to_even(x: SymbolicTensor, kernel_size: int, name: str | None = None) -> SymbolicTensor:
    """Pad images for a convolution of stride 2 as TensorFlow's ``"same"`` does, less before than after.

    A size that is not known counts as odd, as in Keras.
    """
    axis = 2 if config.image_data_format() == "channels_first" else 1
    after = kernel_size // 2
    before = [after - (1 if size is None else 1 - size % 2) for size in x.shape[axis : axis + 2]]
    return layers.ZeroPadding2D(tuple((size, after) for size in before), name=name)(x)


def divisible(value: float, divisor: int = 8) -> int:
    """Return a number of channels rounded to a multiple of a divisor, not less than 90 % of it.

    Example:
        >>> from cornu.applications.application import divisible
        >>> divisible(32 * 0.35), divisible(19)
        (16, 24)
    """
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return int(rounded + divisor if rounded < 0.9 * value else rounded)


# --- Arguments ----------------------------------------------------------------------------------------------------------------


def _defaults_of(function: Callable) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {item.name: item.default for item in parameters if item.default is not inspect.Parameter.empty}


def _call(function: Callable, extras: dict[str, Any], x: SymbolicTensor, *args: Activation | int) -> SymbolicTensor:
    """Call a function with those of the further arguments that it names."""
    names = inspect.signature(function).parameters
    return function(x, *args, **{key: value for key, value in extras.items() if key in names})


def _check(title: str, family: Family, given: dict[str, Any]) -> None:
    """Check the arguments that do not concern the images."""
    check_weights(title, given["weights"], given["include_top"], given["classes"], given["classifier_activation"])
    check_int(title, "classes", given["classes"])
    if given["pooling"] not in (None, *_POOLING):
        raise one_of("pooling", given["pooling"], (None, *_POOLING))
    if family.channels_last_only and config.image_data_format() == "channels_first":
        raise _channels_first(title)


def _images(
    title: str, shape: Shape | None, tensor: SymbolicTensor | None, sizes: Sizes, top: bool, weights: Weights
) -> SymbolicTensor:
    """Return the input of a network: the given tensor, or an input of a valid shape."""
    if tensor is not None and not is_symbolic(tensor):
        raise InvalidTypeError(
            f"`{title}` received `input_tensor` of the type {type(tensor).__name__}.",
            "It must be a symbolic tensor, the result of `cornu.Input(shape)` or of layers called on one.",
            "Call the model on an array instead: `model(images)`.",
        )
    if tensor is not None and shape is None:
        shape = tuple(tensor.shape[1:])
    shape = _checked_shape(title, shape, sizes, top, weights == "imagenet")
    return Input(shape) if tensor is None else tensor


def _checked_shape(title: str, shape: Shape | None, sizes: Sizes, top: bool, pretrained: bool) -> tuple:
    first = config.image_data_format() == "channels_first"
    if shape is None:
        size = sizes.default if sizes.is_fixed or (top and not sizes.is_free) else None
        return (3, size, size) if first else (size, size, 3)
    shape = tuple(shape)
    if len(shape) != 3:
        raise ShapeError(
            f"`{title}` received input_shape={shape}.",
            f"It must have three numbers, {'(channels, height, width)' if first else '(height, width, channels)'}.",
            "The batch size is not a part of it: pass, for example, "
            f"`input_shape={(3, sizes.default, sizes.default) if first else (sizes.default, sizes.default, 3)}`.",
        )
    channels, height, width = shape if first else (shape[2], *shape[:2])
    if channels != 3 and pretrained:
        raise ShapeError(
            f"`{title}` received input_shape={shape}, with {channels} channels.",
            'The weights "imagenet" are for images with 3 channels.',
            "Repeat the channel of gray images three times, `np.repeat(x, 3, axis=-1)`, or pass `weights=None`.",
        )
    if channels not in (1, 3):
        warn(f"`{title}` received input_shape={shape}, with {channels} channels; images usually have 1 or 3.")
    if any(size is not None and size < sizes.least for size in (height, width)):
        raise ShapeError(
            f"`{title}` received input_shape={shape}.",
            f"Images must have at least {sizes.least} x {sizes.least} pixels.",
            "Enlarge them, `cornu.layers.Resizing`, or use a network with fewer stages.",
        )
    if None in (height, width) and (sizes.is_fixed or (top and not sizes.is_free)):
        raise ShapeError(
            f"`{title}` received input_shape={shape}{'' if sizes.is_fixed else ' and include_top=True'}.",
            f"{'The network' if sizes.is_fixed else 'The classifier'} requires images of a known size.",
            f"Pass integers{'' if sizes.is_fixed else ', or `include_top=False` for images of any size'}.",
        )
    if top and pretrained and not sizes.is_free and (height != width or height not in (sizes.default, *sizes.trained)):
        raise ShapeError(
            f'`{title}` received input_shape={shape}, include_top=True and weights="imagenet".',
            f"The classifier was trained on images of {_listed((sizes.default, *sizes.trained))} pixels.",
            f"Resize the images to {sizes.default} x {sizes.default}, or pass `include_top=False` and train a classifier of "
            "your own.",
        )
    return shape


def _listed(sizes: Sequence[int]) -> str:
    return " or ".join(f"{size} x {size}" for size in sorted(set(sizes)))


def _rows_of(images: SymbolicTensor, sizes: Sizes, pretrained: bool) -> int | None:
    """Return the height of the images; with trained weights, the size whose weights are used."""
    height, width = images.shape[2:] if config.image_data_format() == "channels_first" else images.shape[1:3]
    if pretrained and (height != width or height not in (sizes.default, *sizes.trained)):
        return sizes.default
    return height


def _channels_first(title: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f'`{title}` was called while `config.image_data_format()` is "channels_first".',
        "This network exists for images with their channels last only.",
        'Call `cornu.config.set_image_data_format("channels_last")` first.',
    )


_DOCUMENTATION = """Create the network {title}.

    {source}

    Args:
        include_top: Whether the model ends with the classifier. Defaults to True.
        weights: ``"imagenet"`` for weights trained on ImageNet, which are looked up in ``~/.keras/models`` and otherwise
            downloaded; the path of a file of weights; or None for random weights. Defaults to ``"imagenet"``.
        input_tensor: Symbolic tensor, the images. Defaults to None (a new input).
        input_shape: Tuple ``(height, width, channels)``, or ``(channels, height, width)`` for ``"channels_first"``; at least
            {least} pixels. Defaults to ({size}, {size}, 3) with the classifier, and to images of any size without it.
        pooling: Without the classifier, ``"avg"`` or ``"max"`` for the mean or the maximum over the image. Defaults to None
            (a map of features).
        classes: Integer, number of classes. Defaults to 1000.
        classifier_activation: Activation of the classifier; None for logits. Defaults to ``"softmax"``.
        name: Name of the model.

    Returns:
        ``cornu.Model``.

    Raises:
        InvalidArgumentError: If arguments are invalid or contradict each other.
        ShapeError: If the shape of the images is invalid.
        DataError: If the weights are not there and cannot be downloaded.

    Example:
        >>> import cornu
        >>> model = cornu.applications.{title}(weights=None, classes=10)  # doctest: +SKIP
        >>> model.output_shape  # doctest: +SKIP
        (None, 10)
    """
