"""Layers that apply randomly chosen transformations of images, one after the other: RandAugment and AugMix."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from cornu import backends, ops, registry, trees
from cornu.layers.augmentation.arguments import Factor, RandomImageArguments, as_range, check_value_range, up_to
from cornu.layers.augmentation.base import BaseImagePreprocessingLayer, Boxes, RandomImageLayer, Transformation
from cornu.layers.augmentation.color import RandomBrightness, RandomColorDegeneration, RandomContrast
from cornu.layers.augmentation.geometry import RandomRotation, RandomShear, RandomTranslation
from cornu.layers.augmentation.intensity import AutoContrast, Equalization, RandomPosterization, RandomSharpness, Solarization
from cornu.ops.image.warping import INTERPOLATIONS
from cornu.ops.random import Seed
from cornu.serialization import with_signature
from cornu.typing import Array, Tree
from cornu.validation import check_between, check_int, check_option

__all__ = ["AugMix", "RandAugment"]

_COLORS_AND_SHARPNESS = ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")


class PolicyArguments(RandomImageArguments, total=False):
    """The arguments that all layers which choose among transformations accept as ``**kwargs``."""

    interpolation: str


class PolicyLayer(RandomImageLayer):
    """Base class of the layers that choose among transformations, the same ones for all images of a batch.

    Args:
        value_range: Pair of numbers, the smallest and the largest value of images.
        factor: Range of the strength of the transformations.
        interpolation: ``"nearest"`` or ``"bilinear"``.
        **kwargs: Arguments of the base class.
    """

    def __init__(
        self,
        *,
        value_range: Sequence[float],
        factor: Factor,
        interpolation: str = "bilinear",
        **kwargs: Unpack[RandomImageArguments],
    ):
        super().__init__(**kwargs)
        self.value_range = check_value_range(self, value_range)
        self.factor = as_range(self, "factor", factor, (0.0, 1.0), up_to)
        self.interpolation = check_option("interpolation", interpolation, INTERPOLATIONS)
        common = {"data_format": self.data_format, "bounding_box_format": self.bounding_box_format, "dtype": self.dtype_policy}
        color = {"value_range": self.value_range, **common}
        affine = {"interpolation": interpolation, **common}
        bits = tuple(8 - round(7 * strength) for strength in self.factor[::-1])
        self.random_shear = RandomShear(self.factor, self.factor, **affine)
        self.random_translation = RandomTranslation(self.factor, self.factor, **affine)
        self.random_rotation = RandomRotation(self.factor, **affine)
        self.random_brightness = RandomBrightness(self.factor, **color)
        self.random_color_degeneration = RandomColorDegeneration(self.factor, **color)
        self.random_contrast = RandomContrast(self.factor, **color)
        self.random_sharpness = RandomSharpness(self.factor, **color)
        self.random_posterization = RandomPosterization(bits, **color)
        self.solarization = Solarization(self.factor, self.factor, **color)
        self.auto_contrast = AutoContrast(**color)
        self.equalization = Equalization(**color)

    def _choices(self) -> dict[str, BaseImagePreprocessingLayer]:
        """Return the layers to choose from, by name."""
        return {name: layer for name, layer in vars(self).items() if isinstance(layer, BaseImagePreprocessingLayer)}

    def _applied(self, method: str, index: Array, values: Tree, transforms: dict[str, Any]) -> Any:
        """Apply the method of the layer with an index, an array."""
        choices = list(self._choices().items())

        def call(name: str, layer: BaseImagePreprocessingLayer, given: Tree) -> Any:
            return layer._run(getattr(layer, method), given, transforms[name], True)

        backend = backends.of(index)
        if not backend.is_traced(index):
            return call(*choices[int(backend.to_numpy(index))], values)

        def branch(name: str, layer: BaseImagePreprocessingLayer) -> Callable:
            def run(given: Tree) -> Tree:
                # No choice changes the shapes, but in a function of `tf.data` it may lose a size that is known.
                return trees.map(lambda new, old: backend.reshape(new, backend.shape(old)), call(name, layer, given), given)

            return run

        return ops.switch(index, [branch(*choice) for choice in choices], values)

    def _run(self, method: Callable, values: Tree, transformation: Transformation, training: bool) -> Any:
        """Call a method: what it chooses is compiled, each transformation separately."""
        return method(values, transformation, training=training)


@registry.register("layers")
class RandAugment(PolicyLayer):
    """Layer that applies randomly chosen transformations to images during training, one after the other.

    They are chosen among :class:`RandomShear`, :class:`RandomTranslation`, :class:`RandomRotation`, :class:`RandomBrightness`,
    :class:`RandomColorDegeneration`, :class:`RandomContrast`, :class:`RandomSharpness`, :class:`RandomPosterization`,
    :class:`Solarization`, :class:`AutoContrast` and :class:`Equalization`, the same ones for all images of a batch. Source:
    Cubuk et al., 2020, RandAugment, https://arxiv.org/abs/1909.13719

    Args:
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        num_ops: Integer, number of transformations. Defaults to 2.
        factor: Float, or tuple of two floats from 0 to 1: the range of the strength of the transformations; a single number
            ``f`` denotes ``(0, f)``. Defaults to 0.5.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: ``bounding_box_format``, and arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RandAugment
        >>> RandAugment(seed=1)(np.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    @with_signature("value_range num_ops factor interpolation seed data_format", PolicyLayer)
    def __init__(
        self, value_range: Sequence[float] = (0, 255), num_ops: int = 2, factor: Factor = 0.5, **kwargs: Unpack[PolicyArguments]
    ):
        super().__init__(value_range=value_range, factor=factor, **kwargs)
        self.num_ops = check_int(self, "num_ops", num_ops)

    def get_random_transformation(self, data: Tree, training: bool = True, seed: Seed = None) -> Transformation:
        """Return ``"transforms"``, the parameters of each layer by name, and ``"layer_idxes"``, which are applied."""
        if not training:
            return None
        source, choices = self.generator if seed is None else seed, self._choices()
        return {
            "layer_idxes": self._draws(source).integers((self.num_ops,), 0, len(choices) - 1),
            "transforms": {name: layer.get_random_transformation(data, training, source) for name, layer in choices.items()},
        }

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        """Return the images, transformed."""
        return self._all_applied("transform_images", images, transformation)

    def _changed_boxes(self, bounding_boxes: Boxes, transformation: Transformation) -> Boxes:
        """Return the boxes, transformed like their images."""
        return self._all_applied("transform_bounding_boxes", bounding_boxes, transformation)

    def _changed_masks(self, masks: Array, transformation: Transformation) -> Array:
        """Return the masks, transformed like their images."""
        return self._all_applied("transform_segmentation_masks", masks, transformation)

    def _all_applied(self, method: str, values: Tree, transformation: Transformation) -> Any:
        for place in range(self.num_ops):
            values = self._applied(method, transformation["layer_idxes"][place], values, transformation["transforms"])
        return values


@registry.register("layers")
class AugMix(PolicyLayer):
    """Layer that mixes images with several chains of randomly chosen transformations of them during training.

    ::

        w * x + (1 - w) * (m[0] * chain_0(x) + m[1] * chain_1(x) + ...)

    ``w`` is drawn from the distribution ``Beta(alpha, alpha)`` and ``m`` from the Dirichlet distribution with ``alpha``. A
    chain applies from 1 to ``chain_depth`` of the transformations of :class:`RandAugment`. All draws are made once for the
    batch. Labels, bounding boxes and masks are unchanged. Source: Hendrycks et al., 2020, AugMix, https://arxiv.org/abs/1912.02781

    Args:
        value_range: Tuple of the smallest and the largest value of images. Defaults to ``(0, 255)``.
        num_chains: Integer, number of chains. Defaults to 3.
        chain_depth: Integer, largest number of transformations in a chain. Defaults to 3.
        factor: Float, or tuple of two floats from 0 to 1: the range of the strength of the transformations; a single number
            ``f`` denotes ``(0, f)``. Defaults to 0.3.
        alpha: Float larger than 0, at most 1: parameter of the distributions of the weights. Defaults to 1.0.
        all_ops: Whether brightness, colors, contrast and sharpness are changed, too. Defaults to True.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is invalid.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import AugMix
        >>> AugMix(seed=1)(np.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    @with_signature("value_range num_chains chain_depth factor alpha all_ops interpolation seed data_format", PolicyLayer)
    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Factor = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        **kwargs: Unpack[PolicyArguments],
    ):
        super().__init__(value_range=value_range, factor=factor, **kwargs)
        self.num_chains = check_int(self, "num_chains", num_chains)
        self.chain_depth = check_int(self, "chain_depth", chain_depth)
        self.alpha, self.all_ops = check_between(self, "alpha", alpha, without=(0,)), all_ops

    def _choices(self) -> dict[str, BaseImagePreprocessingLayer]:
        left_out = () if self.all_ops else _COLORS_AND_SHARPNESS
        return {name: layer for name, layer in super()._choices().items() if name not in left_out}

    def get_random_transformation(self, data: Tree, training: bool = True, seed: Seed = None) -> Transformation:
        """Return the weights ``"chain_mixing_weights"`` and ``"weight_sample"``, and what each chain applies.

        ``"layer_idxes"`` has the shape ``(num_chains, chain_depth)``, ``"chain_lengths"`` the shape ``(num_chains,)``, and
        ``"transforms"`` is a list of lists of the parameters of each layer by name.
        """
        if not training:
            return None
        source, choices = self.generator if seed is None else seed, self._choices()
        draws, shape = self._draws(source), (self.num_chains, self.chain_depth)
        return {
            "chain_mixing_weights": draws.dirichlet(self.num_chains, self.alpha),
            "weight_sample": draws.beta((), self.alpha, self.alpha),
            "layer_idxes": draws.integers(shape, 0, len(choices) - 1),
            "chain_lengths": draws.integers((self.num_chains,), 1, self.chain_depth),
            "transforms": [
                [
                    {name: layer.get_random_transformation(data, training, source) for name, layer in choices.items()}
                    for _ in range(self.chain_depth)
                ]
                for _ in range(self.num_chains)
            ],
        }

    def _changed(self, images: Array, transformation: Transformation) -> Array:
        mean = None
        for chain in range(self.num_chains):
            changed = images
            for step in range(self.chain_depth):
                index = transformation["layer_idxes"][chain, step]
                new = self._applied("transform_images", index, changed, transformation["transforms"][chain][step])
                changed = ops.where(transformation["chain_lengths"][chain] > step, new, changed)
            part = changed * ops.cast(transformation["chain_mixing_weights"][chain], self.compute_dtype)
            mean = part if mean is None else mean + part
        weight = ops.cast(transformation["weight_sample"], self.compute_dtype)
        return images * weight + mean * (1.0 - weight)
