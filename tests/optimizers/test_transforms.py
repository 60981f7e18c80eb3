"""Clipping, decay and averages, by hand."""

import numpy as np
import pytest

from cornu import backends
from cornu.optimizers import transforms


@pytest.fixture
def gradients(backend):
    rng = np.random.default_rng(0)
    return [backends.get(backend).asarray(rng.normal(size=shape).astype("float32")) for shape in ((3, 4), (5,))]


def norm(*arrays) -> float:
    return float(np.sqrt(sum(np.square(np.asarray(array)).sum() for array in arrays)))


def test_norms_are_cut_one_by_one(gradients):
    clipped = transforms.clip_by_norm([*gradients, None], 0.5)
    np.testing.assert_allclose([norm(g) for g in clipped[:2]], 0.5, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(clipped[0]) * norm(gradients[0]), np.asarray(gradients[0]) * 0.5, rtol=1e-5)
    assert clipped[2] is None


def test_the_global_norm_keeps_proportions(gradients):
    clipped = transforms.clip_by_global_norm([*gradients, None], 0.5)
    np.testing.assert_allclose(norm(*clipped[:2]), 0.5, rtol=1e-5)
    np.testing.assert_allclose(norm(clipped[0]) / norm(clipped[1]), norm(gradients[0]) / norm(gradients[1]), rtol=1e-5)
    assert clipped[2] is None


def test_an_average_that_starts_at_zero_is_unbiased_after_its_correction(backend):
    rng, decay = np.random.default_rng(1), 0.8
    values = rng.normal(size=(4, 3)).astype("float32")
    asarray = backends.get(backend).asarray
    moment = asarray(np.zeros(3, "float32"))
    for step, value in enumerate(values, start=1):
        moment = transforms.update_moment(moment, asarray(value), decay)
        corrected = moment / transforms.bias_correction(decay, asarray(np.float32(step)))
        weights = decay ** np.arange(step - 1, -1, -1)
        np.testing.assert_allclose(np.asarray(corrected), np.average(values[:step], axis=0, weights=weights), rtol=1e-5)


def test_an_average_without_memory_is_the_last_value(backend):
    asarray = backends.get(backend).asarray
    moment = transforms.update_moment(asarray(np.float32([1e10])), asarray(np.float32([1.0])), 0.0)
    np.testing.assert_array_equal(np.asarray(moment), [1.0])


@pytest.mark.parametrize("clip", [transforms.clip_by_norm, transforms.clip_by_global_norm, transforms.clip_by_value])
def test_small_gradients_stay_as_they_are(gradients, clip):
    for clipped, gradient in zip(clip(gradients, 100.0), gradients, strict=True):
        np.testing.assert_array_equal(np.asarray(clipped), np.asarray(gradient))


@pytest.mark.parametrize("clip", [transforms.clip_by_norm, transforms.clip_by_global_norm])
def test_zero_gradients_stay_zero(clip):
    assert clip([np.zeros(3, "float32")], 1.0)[0].tolist() == [0.0, 0.0, 0.0]


def test_values_are_cut_on_both_sides(gradients):
    clipped = transforms.clip_by_value([*gradients, None], 0.3)
    np.testing.assert_allclose(np.asarray(clipped[0]), np.clip(np.asarray(gradients[0]), -0.3, 0.3))
    assert clipped[2] is None


def test_all_weights_decay_unless_told_otherwise(gradients):
    all_of_them, one = transforms.decay_weights(gradients, 0.25), transforms.decay_weights(gradients, 0.25, [False, True])
    for decayed, weight in zip(all_of_them, gradients, strict=True):
        np.testing.assert_allclose(np.asarray(decayed), 0.75 * np.asarray(weight), rtol=1e-6)
    assert one[0] is gradients[0]


def test_scale_leaves_missing_gradients_out(gradients):
    scaled = transforms.scale([None, gradients[1]], 2.0)
    assert scaled[0] is None
    np.testing.assert_allclose(np.asarray(scaled[1]), 2 * np.asarray(gradients[1]))
