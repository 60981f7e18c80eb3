"""Random parameters: their ranges and distributions, equal on every engine, different for each image, call and epoch."""

import threading
from typing import Any

import numpy as np
import pytest
import scipy.stats

import cornu
from cornu import backends, config, layers, ops, random
from cornu.layers.augmentation.draws import Draws

COUNT = 4000

MADE: dict[str, dict] = {
    "RandomFlip": {},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.3},
    "RandomShear": {"x_factor": 0.2, "y_factor": 0.1},
    "RandomPerspective": {"scale": 0.5},
    "RandomElasticTransform": {},
    "RandomCrop": {"height": 5, "width": 4},
    "RandomContrast": {"factor": 0.3},
    "RandomBrightness": {"factor": 0.3},
    "RandomSaturation": {"factor": 0.7},
    "RandomHue": {"factor": 0.3},
    "RandomColorJitter": {"brightness_factor": 0.2, "contrast_factor": 0.3, "saturation_factor": 0.6, "hue_factor": 0.2},
    "RandomColorDegeneration": {"factor": 0.7},
    "RandomGrayscale": {},
    "RandomPosterization": {"factor": 3},
    "RandomSharpness": {"factor": 0.4},
    "RandomInvert": {},
    "RandomGaussianBlur": {},
    "RandomErasing": {},
    "Solarization": {"addition_factor": 0.2, "threshold_factor": 0.8},
    "MixUp": {},
    "CutMix": {},
    "RandAugment": {},
    "AugMix": {},
}
"""Every layer that draws, with arguments."""

IMAGES = np.random.default_rng(1).uniform(0, 255, (4, 6, 7, 3)).astype("float32")


def parameters(name: str, arguments: dict, shape: tuple = (COUNT, 4, 10, 3)) -> Any:
    """The parameters that a layer draws for a batch, as NumPy arrays."""
    layer = getattr(layers, name)(**arguments, seed=11).to_backend("numpy")
    with config.placement_scope("numpy"):
        return layer.get_random_transformation(np.zeros(shape, "float32"), training=True)


def is_uniform(values: np.ndarray, low: float, high: float) -> None:
    assert low <= values.min() <= values.max() <= high
    assert scipy.stats.kstest(np.ravel(values), "uniform", (low, high - low)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "arguments", "parameter", "low", "high"),
    [
        ("RandomRotation", {"factor": 0.2}, "angle", -72, 72),
        ("RandomRotation", {"factor": (0.1, 0.3)}, "angle", 36, 108),
        ("RandomZoom", {"height_factor": 0.2}, "height_zoom", 0.8, 1.2),
        ("RandomZoom", {"height_factor": 0.2, "width_factor": (-0.3, -0.1)}, "width_zoom", 0.7, 0.9),
        ("RandomContrast", {"factor": 0.2}, "contrast_factor", 0.8, 1.2),
        ("RandomContrast", {"factor": (0.1, 0.3)}, "contrast_factor", 0.9, 1.3),
        ("RandomBrightness", {"factor": 0.2}, "rgb_delta", -51, 51),
        ("RandomBrightness", {"factor": (0.1, 0.3), "value_range": (0, 1)}, "rgb_delta", 0.1, 0.3),
        ("RandomHue", {"factor": (1.0, 1.0)}, "factor", -0.5, 0.5),
        ("RandomColorDegeneration", {"factor": 0.2}, "factor", 0, 0.2),
        ("RandomSharpness", {"factor": (0.1, 0.3)}, "factor", 0.1, 0.3),
        ("Solarization", {"threshold_factor": 0.2}, "thresholds", 0, 51),
        ("Solarization", {"addition_factor": (0.1, 0.2)}, "additions", 25.5, 51),
    ],
)
def test_ranges(name: str, arguments: dict, parameter: str, low: float, high: float) -> None:
    values = parameters(name, arguments)[parameter]
    if name == "RandomHue":
        assert set(np.unique(values)) == {low, high}
        return
    is_uniform(values, low, high)


def test_shifts_shears_and_saturation() -> None:
    moves = parameters("RandomTranslation", {"height_factor": 0.2, "width_factor": (0.1, 0.3)})["translations"]
    is_uniform(moves[:, 0], 1.0, 3.0)
    is_uniform(moves[:, 1], -0.8, 0.8)
    shears = parameters("RandomShear", {"x_factor": (0.1, 0.2), "y_factor": 0.3})["shear_factor"]
    is_uniform(np.abs(shears[:, 0]), 0.1, 0.2)
    assert 0.45 < np.mean(shears[:, 0] < 0) < 0.55
    is_uniform(shears[:, 1], -0.3, 0.3)
    factors = parameters("RandomSaturation", {"factor": 0.6})["factor"]
    is_uniform(factors / (1 + factors), 0, 0.6)


@pytest.mark.parametrize(
    ("name", "arguments", "parameter", "share"),
    [
        ("RandomFlip", {}, "flips", 0.5),
        ("RandomFlip", {}, "vertical_flips", 0.5),
        ("RandomInvert", {"factor": 0.4}, "apply_inversion", 0.2),
        ("RandomInvert", {"factor": (0.7, 0.7)}, "apply_inversion", 0.7),
        ("RandomPerspective", {"factor": 0.5}, "apply_perspective", 0.25),
        ("RandomGaussianBlur", {"factor": (0.2, 0.4)}, "should_apply_blur", 0.3),
        ("RandomErasing", {"factor": 1.0}, "apply_erasing", 0.5),
        ("RandomElasticTransform", {"factor": (1.0, 1.0)}, "apply_transform", 1.0),
    ],
)
def test_shares_of_the_images(name: str, arguments: dict, parameter: str, share: float) -> None:
    assert abs(np.mean(parameters(name, arguments)[parameter]) - share) < 0.04


def test_both_flips_are_independent() -> None:
    flips = parameters("RandomFlip", {})
    assert abs(np.corrcoef(flips["flips"].ravel(), flips["vertical_flips"].ravel())[0, 1]) < 0.06


def test_bits_and_parts() -> None:
    shifts = parameters("RandomPosterization", {"factor": (3, 5)})["shift_factor"]
    assert (np.bincount(shifts)[3:] / COUNT > 0.3).all() and set(np.unique(shifts)) == {3, 4, 5}
    tops = {int(parameters("RandomCrop", {"height": 2, "width": 3}, (1, 4, 5, 3))["h_start"]) for _ in range(3)}
    assert tops <= {0, 1, 2}
    layer = layers.RandomCrop(2, 3, seed=1).to_backend("numpy")
    with config.placement_scope("numpy"):
        drawn = [layer.get_random_transformation(IMAGES[:, :4, :5]) for _ in range(200)]
    assert {int(each["h_start"]) for each in drawn} == {int(each["w_start"]) for each in drawn} == {0, 1, 2}


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.2), (1.0, 1.0), (1.0, 2.0), (0.3, 0.9)])
def test_the_beta_distribution(a: float, b: float) -> None:
    drawn = Draws(3, backends.get("numpy")).beta((COUNT,), a, b)
    assert scipy.stats.kstest(drawn, "beta", (a, b)).pvalue > 1e-3


def test_shares_sum_to_one() -> None:
    draws = Draws(3, backends.get("numpy"))
    shares = np.stack([draws.dirichlet(3, 1.0) for _ in range(500)])
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    for column in range(3):
        assert scipy.stats.kstest(shares[:, column], "beta", (1.0, 2.0)).pvalue > 1e-3


def test_areas_of_boxes() -> None:
    erased = parameters("RandomErasing", {"scale": (0.25, 0.25)}, (COUNT, 10, 20, 1))["batch_masks"]
    assert (erased.any((2, 3)).sum(1) == 5).all() and (erased.any((1, 3)).sum(1) == 10).all()
    mean = erased[..., 0].mean(0)
    assert mean[0, 0] < mean[5, 10] and mean[:, 0].min() > 0  # each place is reached, the middle most often
    cut = parameters("CutMix", {}, (COUNT, 10, 20, 1))
    np.testing.assert_allclose(cut["mix_weight"].ravel(), 1 - cut["batch_masks"].mean((1, 2, 3)), atol=1e-6)
    assert sorted(cut["permutation_order"]) == list(range(COUNT))


# --- The same on every engine, different for each call -----------------------------------------------------------------------


@pytest.mark.parametrize("name", MADE)
def test_eager_calls_are_the_same_on_every_engine(name: str) -> None:
    found = []
    for engine in config.installed_backends():
        layer = getattr(layers, name)(**MADE[name], seed=5).to_backend(engine)
        found.append([ops.convert_to_numpy(layer(IMAGES, training=True)) for _ in range(2)])
    for other in found[1:]:
        for mine, reference in zip(other, found[0], strict=True):
            difference = np.abs(mine - reference)
            assert np.mean(difference > 0.05) < 0.02, name  # a rounding error may move a value to the next step
    assert (found[0][0].shape != found[0][1].shape) or (found[0][0] != found[0][1]).any(), "the second call is the same"


@pytest.mark.parametrize("name", MADE)
def test_the_same_seed_and_the_same_images_are_drawn_again(name: str) -> None:
    first, second = (getattr(layers, name)(**MADE[name], seed=9).to_backend("numpy") for _ in range(2))
    np.testing.assert_array_equal(first(IMAGES, training=True), second(IMAGES, training=True))


@pytest.mark.parametrize("seed", [None, 3])
def test_functions_of_tf_data_draw_for_each_element_and_epoch(seed: int | None, backend: str) -> None:
    tf = pytest.importorskip("tensorflow")
    layer = layers.Pipeline([layers.RandomFlip(seed=seed), layers.RandomBrightness(0.3, seed=seed)]).to_backend(backend)
    same = np.full((8, 4, 5, 3), 128, "float32")
    parallel = None if backend == "tensorflow" else 2  # two calls at once may read one state of the generator there
    data = tf.data.Dataset.from_tensor_slices(same).map(layer, num_parallel_calls=parallel)
    epochs = [np.array([np.asarray(image) for image in data]) for _ in range(2)]
    values = [round(float(image.mean()), 3) for epoch in epochs for image in epoch]
    assert len(set(values)) == 16
    assert 25 < np.std(values) < 60  # uniform on 128 +- 76.5


def test_an_explicit_seed_is_reproducible_in_tf_data() -> None:
    tf = pytest.importorskip("tensorflow")
    found = []
    for _ in range(2):
        layer = layers.RandomRotation(0.5, seed=4).to_backend("jax")
        data = tf.data.Dataset.from_tensor_slices(IMAGES).map(layer)
        found.append(np.array([np.asarray(image) for image in data]))
    np.testing.assert_array_equal(*found)


LONG = pytest.mark.thorough  # TensorFlow traces each choice


@pytest.mark.parametrize("name", [pytest.param(name, marks=[LONG] * (name in ("AugMix", "RandAugment"))) for name in MADE])
def test_images_of_unknown_size_in_tf_data(name: str) -> None:
    tf = pytest.importorskip("tensorflow")
    short = {"num_chains": 2, "chain_depth": 1} if name == "AugMix" else {}  # TensorFlow traces each step of each chain
    layer = getattr(layers, name)(**MADE[name], **short)
    data = tf.data.Dataset.from_generator(lambda: iter(IMAGES), output_signature=tf.TensorSpec((None, None, 3)))
    if name in ("RandomCrop", "RandomElasticTransform"):
        with pytest.raises(Exception, match=f"`{name}` received images whose height or width is not known"):
            data.map(layer)
        return
    assert {tuple(image.shape) for image in data.map(layer)} == {(6, 7, 3)}


def test_threads_draw_different_values() -> None:
    layer, found = layers.RandomBrightness(0.5, seed=1).to_backend("numpy"), []
    image = np.full((1, 2, 2, 3), 128, "float32")

    def work() -> None:
        for _ in range(50):
            found.append(float(np.mean(layer(image, training=True))))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 200


def test_a_seed_generator_may_be_passed() -> None:
    layer = layers.RandomRotation(0.3).to_backend("numpy")
    first, second = (layer.get_random_transformation(IMAGES, seed=random.SeedGenerator(3))["angle"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert cornu.utils.set_random_seed(1) is None
