"""Initializers: their formulas, their distributions compared with those of real Keras, their seeds."""

import keras
import numpy as np
import pytest
import scipy.stats

from cornu import config, initializers, seeds
from cornu.errors import InvalidArgumentError, ShapeError

RANDOM = ["RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "GlorotUniform", "GlorotNormal"]
RANDOM += ["HeUniform", "HeNormal", "LecunUniform", "LecunNormal", "Orthogonal"]
CONSTANT = ["Zeros", "Ones", "Constant", "Identity"]
SHAPES = [(7,), (5, 4), (3, 4, 5), (3, 2, 4, 5), (2, 3, 2, 4, 3)]


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_filled(name, shape):
    shape = (*shape, 2) if name == "Orthogonal" else shape  # needs two axes at least
    values = getattr(initializers, name)()(shape)
    assert values.shape == shape
    assert values.dtype == np.float32
    assert np.all(np.isfinite(values))
    assert len(np.unique(values)) > 1


@pytest.mark.parametrize(("scale", "mode", "distribution"), [
    (1.0, "fan_in", "truncated_normal"),
    (2.0, "fan_out", "untruncated_normal"),
    (0.5, "fan_avg", "uniform"),
])  # fmt: skip
@pytest.mark.parametrize("shape", [(300, 200), (3, 3, 60, 90)])
def test_variance_scaling_has_the_variance_of_its_formula(scale, mode, distribution, shape):
    window = np.prod(shape[:-2], dtype=int)
    fans = {"fan_in": window * shape[-2], "fan_out": window * shape[-1]}
    fans["fan_avg"] = (fans["fan_in"] + fans["fan_out"]) / 2
    values = initializers.VarianceScaling(scale, mode, distribution)(shape)
    expected = np.sqrt(scale / fans[mode])
    assert abs(values.std() / expected - 1) < 4 / np.sqrt(2 * values.size)
    assert abs(values.mean()) < 4 * expected / np.sqrt(values.size)


@pytest.mark.parametrize("name", [name for name in RANDOM if name != "Orthogonal"])
def test_distribution_is_that_of_keras(name):
    shape = (40, 50, 10)
    ours = getattr(initializers, name)(seed=3)(shape).ravel()
    theirs = np.asarray(getattr(keras.initializers, name)(seed=4)(shape)).ravel()
    assert scipy.stats.ks_2samp(ours, theirs).pvalue > 1e-4
    assert abs(ours.std() / theirs.std() - 1) < 0.02
    assert abs(np.abs(ours).max() / np.abs(theirs).max() - 1) < 0.2


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_truncated_normal_stays_within_two_deviations(dtype):
    values = initializers.TruncatedNormal(mean=1.0, stddev=0.5)((10_000,), dtype=dtype)
    assert values.dtype == dtype
    assert 1.9 < values.max() <= 2.0
    assert 0.0 <= values.min() < 0.1


def test_uniform_fills_its_interval():
    values = initializers.RandomUniform(-2.0, 3.0)((10_000,))
    assert -2 <= values.min() < -1.98
    assert 2.98 < values.max() < 3


def test_bfloat16_is_drawn_as_float32():
    assert initializers.HeNormal()((2, 3), dtype="bfloat16").dtype == np.float32


def test_default_dtype_is_the_setting(monkeypatch):
    monkeypatch.setattr(config._floatx, "_default", "float64")
    assert initializers.Zeros()((2,)).dtype == np.float64
    assert initializers.RandomNormal()((2,)).dtype == np.float64


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 3, 4), (2, 2, 9)])
def test_orthogonal_vectors_have_right_angles_and_the_length_of_the_gain(shape):
    matrix = initializers.Orthogonal(gain=2.0)(shape).reshape(-1, shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_orthogonal_matrices_have_no_preferred_sign():
    corners = [initializers.Orthogonal()((3, 3))[0, 0] for _ in range(200)]
    assert 60 < sum(corner > 0 for corner in corners) < 140


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_gives_the_same_numbers_at_every_call(name):
    cls, shape = getattr(initializers, name), (3, 4)
    initializer = cls(seed=5)
    np.testing.assert_array_equal(initializer(shape), initializer(shape))
    np.testing.assert_array_equal(initializer(shape), cls(seed=5)(shape))
    assert not np.array_equal(initializer(shape), cls(seed=6)(shape))


@pytest.mark.parametrize("name", RANDOM)
def test_without_a_seed_each_call_draws_something_new(name):
    initializer = getattr(initializers, name)()
    assert not np.array_equal(initializer((3, 4)), initializer((3, 4)))


def test_the_seed_of_the_process_decides_about_unseeded_draws():
    seeds.set_seed(11)
    first = [initializers.GlorotUniform()((3, 4)) for _ in range(2)]
    seeds.set_seed(11)
    again = [initializers.GlorotUniform()((3, 4)) for _ in range(2)]
    np.testing.assert_array_equal(first, again)


def test_constants():
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.Ones()((2, 3)), np.ones((2, 3)))
    np.testing.assert_array_equal(initializers.Constant(2.5)((2,)), [2.5, 2.5])
    np.testing.assert_array_equal(initializers.Constant([1.0, 2.0])((2, 2)), [[1.0, 2.0], [1.0, 2.0]])
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)), [[3.0, 0, 0], [0, 3.0, 0]])
    np.testing.assert_array_equal(initializers.Ones()((), dtype="int32"), 1)


def test_scalars_can_be_drawn():
    for name in ("RandomNormal", "RandomUniform", "TruncatedNormal", "GlorotUniform"):
        assert getattr(initializers, name)()(()).shape == ()


@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (5, 3, 4), (2, 5, 3, 4)])
def test_fans_are_those_of_keras(shape):
    from keras.src.initializers.random_initializers import compute_fans

    assert initializers.compute_fans(shape) == compute_fans(shape)


def test_fans_of_chosen_axes():
    assert initializers.compute_fans((2, 3, 4), input_axes=[0, 1], output_axes=[2]) == (6, 4)


@pytest.mark.parametrize("name", RANDOM + CONSTANT)
def test_config_of_keras_is_read_and_ours_is_read_by_keras(name):
    arguments = {"seed": 7} if name in RANDOM else {}
    theirs = keras.initializers.serialize(getattr(keras.initializers, name)(**arguments))
    ours = initializers.deserialize(theirs)
    assert theirs["config"].items() <= ours.get_config().items()
    back = keras.initializers.deserialize(initializers.serialize(ours))
    assert type(back).__name__ == name
    assert back.get_config() == theirs["config"]


def test_clone_has_the_same_arguments():
    clone = initializers.RandomNormal(1.0, 2.0, seed=3).clone()
    assert clone.get_config() == {"mean": 1.0, "stddev": 2.0, "seed": 3}


NAMES = ["zeros", "ones", "identity", "random_normal", "random_uniform", "truncated_normal", "variance_scaling"]
NAMES += ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "orthogonal"]
NAMES += ["zero", "one", "normal", "uniform", "IdentityInitializer", "OrthogonalInitializer", "HeNormal"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_keras_means_the_same(name):
    assert type(initializers.get(name)).__name__ == type(keras.initializers.get(name)).__name__


def test_get_gives_functions_and_objects_back():
    def mine(shape, dtype=None):
        return np.zeros(shape)

    zeros = initializers.Zeros()
    assert initializers.get(mine) is mine
    assert initializers.get(zeros) is zeros
    assert initializers.get(None) is None


def test_errors_say_what_to_do():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom")
    with pytest.raises(InvalidArgumentError, match="Did you mean 'fan_in'"):
        initializers.VarianceScaling(mode="fanin")
    with pytest.raises(InvalidArgumentError, match="scale=0"):
        initializers.VarianceScaling(scale=0)
    with pytest.raises(InvalidArgumentError, match="an integer or None"):
        initializers.HeNormal(seed="a")
    with pytest.raises(ShapeError, match=r"shape \(3,\).*at least two axes"):
        initializers.Orthogonal()((3,))
    with pytest.raises(ShapeError, match=r"shape \(3, 3, 3\).*matrices"):
        initializers.Identity()((3, 3, 3))


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize(
    "arguments", [{}, {"scaling": "spectrum", "periodic": True}, {"window": None}, {"scaling": None}], ids=str
)
def test_kernels_of_fourier_transforms_are_those_of_keras(side, arguments):
    ours, theirs = (library.STFT(side, **arguments) for library in (initializers, keras.initializers))
    np.testing.assert_allclose(ours((12, 1, 9)), theirs((12, 1, 9)), atol=1e-5)
    assert ours.get_config() == theirs.get_config()
    assert initializers.get("stft")((3, 1, 2)).shape == (3, 1, 2)


def test_mistakes_in_kernels_of_fourier_transforms_are_named():
    with pytest.raises(InvalidArgumentError, match="`side='left'`"):
        initializers.STFT("left")
    with pytest.raises(InvalidArgumentError, match="`scaling='power'`"):
        initializers.STFT(scaling="power")
    with pytest.raises(InvalidArgumentError, match="`window='hat'` was given"):
        initializers.STFT(window="hat")
    with pytest.raises(ShapeError, match=r"`STFT` received the shape \(3, 2\)"):
        initializers.STFT()((3, 2))
    with pytest.raises(ShapeError, match=r"A window of shape \(2,\) was given"):
        initializers.STFT(window=[1, 2])((3, 1, 2))
