"""Each image layer against Keras's, with the same parameters of the transformation, on every engine."""

from typing import Any

import keras
import numpy as np
import pytest

from cornu import backends, layers, ops

B, H, W = 3, 7, 9


def floats(*values: float, shape: tuple = (-1,)) -> np.ndarray:
    return np.array(values, "float32").reshape(shape)


def rotation(*degrees: float) -> np.ndarray:
    rows = []
    for angle in np.deg2rad(degrees):
        c, s, x, y = np.cos(angle), np.sin(angle), (W - 1) / 2, (H - 1) / 2
        rows.append([c, -s, x - (c * x - s * y), s, c, y - (s * x + c * y), 0, 0])
    return np.array(rows, "float32")


SHAPE = {"input_shape": (B, H, W, 3)}
ONE_EACH = (B, 1, 1, 1)
BOX = np.zeros((B, H, W, 3), bool)
BOX[0, 1:4, 2:6] = BOX[1, 0:2, 5:9] = BOX[2, 6:7, 0:1] = True
CORNERS = np.array([[[0, 0], [W - 1, 0], [0, H - 1], [W - 1, H - 1]]] * B, "float32")
MOVED = CORNERS * np.random.default_rng(5).uniform(0.7, 1.3, (B, 4, 2)).astype("float32")
GEOMETRY = [
    *({"fill_mode": mode, "fill_value": 9.5} for mode in ("constant", "nearest", "reflect", "wrap")),
    {"interpolation": "nearest"},
]

CASES: dict[str, tuple[str, dict, Any]] = {
    "horizontal flip": ("RandomFlip", {"mode": "horizontal"}, {"flips": np.array([1, 0, 1], bool).reshape(ONE_EACH), **SHAPE}),
    "vertical flip": ("RandomFlip", {"mode": "vertical"}, {"flips": np.array([1, 0, 1], bool).reshape(ONE_EACH), **SHAPE}),
    "both flips": ("RandomFlip", {}, {"flips": np.array([1, 0, 1], bool).reshape(ONE_EACH), **SHAPE}),
    **{
        f"rotation {options}": (
            "RandomRotation",
            {"factor": 0.5, **options},
            {
                "angle": floats(20, -100, 77),
                "rotation_matrix": rotation(20, -100, 77),
                **{"image_height": H, "image_width": W, "batch_size": B},
            },
        )
        for options in GEOMETRY
    },
    **{
        f"zoom {options}": (
            "RandomZoom",
            {"height_factor": 0.5, **options},
            {
                "height_zoom": floats(0.8, 1.3, 0.51, shape=(B, 1)),
                "width_zoom": floats(1.23, 0.77, 1.4, shape=(B, 1)),
                **SHAPE,
            },
        )
        for options in GEOMETRY
    },
    **{
        f"translation {options}": (
            "RandomTranslation",
            {"height_factor": 0.5, "width_factor": 0.5, **options},
            {"translations": floats(1.3, -2.6, 3.1, 0.4, -4.2, 1, shape=(B, 2)), **SHAPE},
        )
        for options in GEOMETRY
    },
    **{
        f"shear {options}": (
            "RandomShear",
            {"x_factor": 0.5, "y_factor": 0.5, **options},
            {"shear_factor": floats(0.21, 0.0, -0.3, 0.1, 0.17, -0.44, shape=(B, 2)), **SHAPE},
        )
        for options in GEOMETRY
    },
    **{
        f"perspective {options}": (
            "RandomPerspective",
            options,
            {"apply_perspective": np.array([1, 0, 1], bool), "start_points": CORNERS, "end_points": MOVED, **SHAPE},
        )
        for options in ({}, {"fill_value": 7.0}, {"interpolation": "nearest"})
    },
    "contrast": ("RandomContrast", {"factor": 0.5}, {"contrast_factor": floats(0.4, 1.7, 1, shape=ONE_EACH)}),
    "brightness": ("RandomBrightness", {"factor": 0.5}, {"rgb_delta": floats(90, -120, 3, shape=ONE_EACH)}),
    "saturation": ("RandomSaturation", {"factor": 0.5}, {"factor": floats(0.0, 0.4, 1.0)}),
    "hue": ("RandomHue", {"factor": 0.5}, {"factor": floats(0.3, -0.45, 0.02)}),
    "color degeneration": ("RandomColorDegeneration", {"factor": 0.5}, {"factor": floats(0.0, 0.4, 1, shape=ONE_EACH)}),
    "grayscale": ("RandomGrayscale", {}, np.array([1, 0, 1], bool).reshape(ONE_EACH)),
    "posterization": ("RandomPosterization", {"factor": 8}, {"shift_factor": np.array([1, 5, 7], "uint8")}),
    "sharpness": ("RandomSharpness", {"factor": 0.5}, {"factor": floats(0.0, 0.45, 1)}),
    "inversion": ("RandomInvert", {}, {"apply_inversion": np.array([1, 0, 1], bool)}),
    **{
        f"blur {size}": (
            "RandomGaussianBlur",
            {"kernel_size": size},
            {"should_apply_blur": np.array([1, 0, 1], bool), "blur_factor": floats(0.6, 1.7)},
        )
        for size in (3, (5, 3))
    },
    "erasing": ("RandomErasing", {}, {"apply_erasing": np.array([1, 0, 1], bool), "batch_masks": BOX, "fill_value": floats(3)}),
    "auto contrast": ("AutoContrast", {}, None),
    "equalization": ("Equalization", {}, None),
    "adaptive equalization": ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": (2, 3)}, None),
    "adaptive equalization without a limit": (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {"tile_grid_size": (3, 2), "clip_limit": 0},
        None,
    ),
    "solarization": (
        "Solarization",
        {},
        {"additions": floats(0, 20, 100, shape=ONE_EACH), "thresholds": floats(128, 0, 200, shape=ONE_EACH)},
    ),
    "mixup": ("MixUp", {}, {"mix_weight": floats(0.3, 1.0, 0.6), "permutation_order": np.array([2, 1, 0])}),
    "cutmix": (
        "CutMix",
        {},
        {"permutation_order": np.array([2, 0, 1]), "batch_masks": BOX, "mix_weight": floats(0.8, 0.9, 1, shape=ONE_EACH)},
    ),
    "center crop": ("CenterCrop", {"height": 4, "width": 3}, SHAPE),
    "center crop of smaller images": ("CenterCrop", {"height": 8, "width": 12}, SHAPE),
    **{
        f"resizing {options}": ("Resizing", {"height": 4, "width": 11, **options}, SHAPE)
        for options in (
            {},
            {"interpolation": "nearest"},
            {"crop_to_aspect_ratio": True},
            {"pad_to_aspect_ratio": True, "fill_value": 4.0},
        )
    },
}
"""Case to the layer, its arguments and the parameters of the transformation."""

WITH_RANGE = (
    *("contrast", "brightness", "saturation", "hue", "color degeneration", "inversion", "posterization", "sharpness"),
    *("auto contrast", "equalization", "solarization"),
)
"""The cases of layers that know the range of the values."""

OF_RANGE = ("additions", "thresholds", "rgb_delta")
"""Parameters that are values of images."""

ASYMMETRIC = np.random.default_rng(3).integers(0, 256, (B, H, W, 3)).astype("float32")


def on(backend: str, transformation: Any) -> Any:
    """The parameters as arrays of a backend."""
    if isinstance(transformation, dict):
        return {name: on(backend, value) for name, value in transformation.items()}
    return backends.get(backend).asarray(transformation) if isinstance(transformation, np.ndarray) else transformation


def keras_images(name: str, arguments: dict, images: np.ndarray, transformation: Any) -> np.ndarray:
    layer = getattr(keras.layers, name)(**arguments)
    if name == "Equalization":  # Keras makes one histogram of all images of a batch
        return np.concatenate([layer.transform_images(image[None], transformation) for image in images])
    return np.asarray(layer.transform_images(images, transformation))


@pytest.mark.parametrize("case", CASES)
def test_images_are_those_of_keras(case: str, backend: str) -> None:
    name, arguments, transformation = CASES[case]
    layer = getattr(layers, name)(**arguments).to_backend(backend)
    found = layer.transform_images(backends.get(backend).asarray(ASYMMETRIC), on(backend, transformation))
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), keras_images(name, arguments, ASYMMETRIC, transformation), atol=0.02
    )


@pytest.mark.parametrize("case", WITH_RANGE)
def test_a_range_from_0_to_1_is_right_as_well(case: str, backend: str) -> None:
    name, arguments, transformation = CASES[case]
    small = transformation and {n: v / np.float32(255) if n in OF_RANGE else v for n, v in transformation.items()}
    layer = getattr(layers, name)(**arguments, value_range=(0, 1)).to_backend(backend)
    found = layer.transform_images(backends.get(backend).asarray(ASYMMETRIC / np.float32(255)), on(backend, small))
    expected = keras_images(name, arguments, ASYMMETRIC, transformation) / 255
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_channels_first_and_single_images(case: str, backend: str) -> None:
    name, arguments, transformation = CASES[case]
    engine = backends.get(backend)

    def first(transformation: Any) -> Any:
        if not isinstance(transformation, dict):
            return transformation
        moved = {n: np.moveaxis(v, -1, 1) if n == "batch_masks" else v for n, v in transformation.items()}
        return {**moved, "input_shape": (B, 3, H, W)} if "input_shape" in moved else moved

    last = getattr(layers, name)(**arguments).to_backend(backend)
    expected = ops.convert_to_numpy(last.transform_images(engine.asarray(ASYMMETRIC), on(backend, transformation)))
    layer = getattr(layers, name)(**arguments, data_format="channels_first").to_backend(backend)
    found = layer.transform_images(engine.asarray(np.moveaxis(ASYMMETRIC, -1, 1)), on(backend, first(transformation)))
    np.testing.assert_allclose(np.moveaxis(ops.convert_to_numpy(found), 1, -1), expected, atol=1e-3)


MASKED = [case for case, (name, arguments, _) in CASES.items() if name != "MixUp" and "interpolation" not in arguments]


@pytest.mark.parametrize("case", MASKED)
def test_masks_are_those_of_keras(case: str, backend: str) -> None:
    name, arguments, transformation = CASES[case]
    masks = np.random.default_rng(4).integers(0, 5, (B, H, W, 3)).astype("float32")
    layer = getattr(layers, name)(**arguments).to_backend(backend)
    found = layer.transform_segmentation_masks(backends.get(backend).asarray(masks), on(backend, transformation))
    if name in ("AutoContrast", "Equalization", "ContrastLimitedAdaptiveHistogramEqualization"):
        expected = masks
    elif name in ("CenterCrop", "Resizing"):
        kind = keras.layers.Resizing(layer.height, layer.width, "nearest", **KEPT.get(case, {}))
        expected = kind(masks) if case != "center crop" else keras_images(name, arguments, masks, transformation)
    else:
        expected = getattr(keras.layers, name)(**arguments).transform_segmentation_masks(masks, transformation)
    np.testing.assert_allclose(ops.convert_to_numpy(found), np.asarray(expected), atol=1e-4)


KEPT = {
    "center crop of smaller images": {"crop_to_aspect_ratio": True},
    **{case: {n: v for n, v in CASES[case][1].items() if n not in ("height", "width")} for case in CASES if "resizing" in case},
}


def test_saturation_is_limited(backend: str) -> None:
    """Keras's exceeds 1, and values leave their range."""
    image = np.array([[[0.0, 50.0, 100.0], [60.0, 80.0, 100.0]]], "float32")[None]
    layer = layers.RandomSaturation(0.9).to_backend(backend)
    found = layer.transform_images(backends.get(backend).asarray(image), on(backend, {"factor": floats(2.0)}))
    np.testing.assert_allclose(ops.convert_to_numpy(found)[0, 0], [[0, 50, 100], [20, 60, 100]], atol=1e-3)


LABELS = np.eye(B, 4, dtype="float32")


@pytest.mark.parametrize("case", ["mixup", "cutmix", "hue", "horizontal flip", "erasing"])
def test_labels_are_those_of_keras(case: str, backend: str) -> None:
    name, arguments, transformation = CASES[case]
    layer = getattr(layers, name)(**arguments).to_backend(backend)
    found = layer.transform_labels(backends.get(backend).asarray(LABELS), on(backend, transformation))
    expected = getattr(keras.layers, name)(**arguments).transform_labels(LABELS, transformation)
    np.testing.assert_allclose(ops.convert_to_numpy(found), np.asarray(expected), atol=1e-6)


@pytest.mark.parametrize("name", ["RandomFlip", "RandomHue", "RandomRotation", "CenterCrop"])
def test_a_subclass_may_draw_its_own_parameters(name: str, backend: str) -> None:
    arguments = {"RandomHue": {"factor": 0.5}, "RandomRotation": {"factor": 0.5}, "CenterCrop": {"height": 2, "width": 2}}
    fixed = next(transformation for kind, _, transformation in CASES.values() if kind == name)

    class Mine(getattr(layers, name)):
        def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
            return on(backend, fixed)

    layer = Mine(**arguments.get(name, {})).to_backend(backend)
    expected = layer.transform_images(backends.get(backend).asarray(ASYMMETRIC), on(backend, fixed))
    found = layer(ASYMMETRIC, training=True)
    np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(expected), atol=1e-3)


def test_one_image_is_a_batch_of_one(backend: str) -> None:
    for name, arguments in (("RandomRotation", {"factor": 0.2}), ("RandomBrightness", {"factor": 0.2}), ("RandomFlip", {})):
        one, batch = (getattr(layers, name)(**arguments, seed=3).to_backend(backend) for _ in range(2))
        single = ops.convert_to_numpy(one(ASYMMETRIC[0], training=True))
        np.testing.assert_allclose(single, ops.convert_to_numpy(batch(ASYMMETRIC[:1], training=True))[0], atol=1e-3)


def test_equalization_keeps_nan(backend: str) -> None:
    x = np.full((1, 4, 4, 3), np.nan, "float32")
    assert np.isnan(np.asarray(layers.Equalization().to_backend(backend)(x))).all()
