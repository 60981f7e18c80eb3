"""Spectrograms against real Keras, SciPy and a tone whose frequency is known."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy import signal

import cornu
from cornu import backends, layers, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.testing.layer_checks import check_layer

SHORT = {"frame_length": 8, "frame_step": 3}
MEL = {"fft_length": 32, "sequence_stride": 10, "num_mel_bins": 5, "sampling_rate": 800}

AGAINST_KERAS = {
    "log": ("STFTSpectrogram", SHORT, (2, 25, 2)),
    "magnitude": ("STFTSpectrogram", {**SHORT, "mode": "magnitude", "padding": "same"}, (2, 25, 1)),
    "power": ("STFTSpectrogram", {"mode": "psd", "frame_length": 7, "fft_length": 16}, (2, 25, 2)),
    "real part": ("STFTSpectrogram", {**SHORT, "mode": "real", "expand_dims": True}, (2, 25, 2)),
    "imaginary part": ("STFTSpectrogram", {**SHORT, "mode": "imag", "window": "hamming", "periodic": True}, (2, 25, 2)),
    "phase": ("STFTSpectrogram", {**SHORT, "mode": "angle", "scaling": "spectrum"}, (1, 11, 2)),
    "both parts": ("STFTSpectrogram", {**SHORT, "mode": "stft", "window": None, "scaling": None}, (2, 25, 2)),
    "channels first": ("STFTSpectrogram", {**SHORT, "mode": "psd", "data_format": "channels_first"}, (2, 2, 25)),
    "channels first, images": (
        "STFTSpectrogram",
        {**SHORT, "mode": "stft", "data_format": "channels_first", "expand_dims": True},
        (2, 2, 25),
    ),
    "mel": ("MelSpectrogram", {**MEL, "power_to_db": False}, (2, 95)),
    "mel, decibels": ("MelSpectrogram", {**MEL, "top_db": 200.0, "ref_power": 2.0, "max_freq": 300.0}, (2, 95)),
    "mel, magnitude": ("MelSpectrogram", {**MEL, "mag_exp": 1.0, "sequence_length": 20, "window": "hamming"}, (2, 95)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


@pytest.mark.parametrize("window", ["hann", "blackman", None, [1.0, 2.0, 3.0, 2.5, 1.0, 0.5, 0.2, 0.1]], ids=str)
def test_the_kernels_are_those_of_keras(window, backend: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 25, 2)).astype("float32")
    ours = layers.STFTSpectrogram(**SHORT, window=window, fft_length=16).to_backend(backend)(x)
    window = np.float32(window) if isinstance(window, list) else window
    theirs = keras.layers.STFTSpectrogram(**SHORT, window=window, fft_length=16)(x)
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-4, atol=1e-5)


def test_the_transform_is_that_of_scipy(backend: str) -> None:
    x = np.random.default_rng(0).normal(size=64).astype("float32")
    layer = layers.STFTSpectrogram("stft", 16, 8, periodic=True, scaling="spectrum").to_backend(backend)
    found = np.asarray(layer(x[None, :, None]))[0]
    _, _, expected = signal.stft(x, nperseg=16, noverlap=8, boundary=None, padded=False)
    np.testing.assert_allclose(found[:, :9] + 1j * found[:, 9:], expected.T, atol=1e-6)


@pytest.mark.parametrize("name", ["STFTSpectrogram", "MelSpectrogram"])
def test_in_tf_data(name: str, backend: str) -> None:
    tf = pytest.importorskip("tensorflow")
    case = AGAINST_KERAS["log" if name == "STFTSpectrogram" else "mel, decibels"]
    layer = getattr(layers, name)(**case[1]).to_backend(backend)
    x = np.random.default_rng(0).normal(size=case[2]).astype("float32")
    expected = np.asarray(layer(x))
    data = tf.data.Dataset.from_generator(lambda: [x], output_signature=tf.TensorSpec((None, None, *case[2][2:])))
    [found] = data.map(layer)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_matrix_of_the_bands_is_that_of_keras(backend: str) -> None:
    ours = layers.MelSpectrogram(**MEL).to_backend(backend).linear_to_mel_weight_matrix()
    assert backends.owner(ours) == backend
    np.testing.assert_allclose(np.asarray(ours), keras.layers.MelSpectrogram().linear_to_mel_weight_matrix(), atol=1e-4)


def test_decibels_far_below_the_largest_are_cut_as_in_keras(backend: str) -> None:
    """Without gradients: compiled by JAX, Keras's gradient of the maximum differs from that of single operations."""
    x = np.random.default_rng(0).normal(size=(2, 95)).astype("float32")
    found = np.asarray(layers.MelSpectrogram(**MEL, top_db=6.0).to_backend(backend)(x))
    np.testing.assert_allclose(found, keras.layers.MelSpectrogram(**MEL, top_db=6.0)(x), rtol=1e-4, atol=1e-4)
    assert (found == found.min()).sum() > 5


def test_one_signal_is_a_batch_of_one(backend: str) -> None:
    x = np.random.default_rng(0).normal(size=95)
    layer = layers.MelSpectrogram(**MEL).to_backend(backend)
    np.testing.assert_allclose(np.asarray(layer(x)), np.asarray(layer(x[None]))[0], rtol=1e-5)
    assert layer.compute_output_shape((95,)) == layer(x).shape


@pytest.mark.parametrize("samples", [99, 100, 101])
@pytest.mark.parametrize("length", [32, 33])
def test_the_number_of_frames_is_told_before(samples: int, length: int) -> None:
    """Keras tells one frame too many where the samples lack one to a multiple of the step."""
    layer = layers.MelSpectrogram(**{**MEL, "fft_length": length})
    assert layer(np.zeros((1, samples))).shape == layer.compute_output_shape((1, samples))


def test_a_tone_is_in_the_band_of_its_frequency(backend: str) -> None:
    layer = layers.MelSpectrogram(256, 128, sampling_rate=8000, num_mel_bins=20, power_to_db=False).to_backend(backend)
    centers = 700 * (np.exp(np.linspace(*(1127 * np.log1p(np.array([20, 4000]) / 700)), 22)[1:-1] / 1127) - 1)
    found = np.asarray(layer(np.cos(2 * np.pi * centers[12] / 8000 * np.arange(4000))))
    assert (found[:, 3:-3].argmax(0) == 12).all()


def test_a_trained_layer_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    model = cornu.Sequential([cornu.Input((25, 2)), layers.STFTSpectrogram(**SHORT, window=[1.0] * 8), layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=(8, 25, 2)).astype("float32")
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((8, 6, 1)), verbose=0)
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(cornu.models.load_model(tmp_path / "m.keras").predict(x), model.predict(x), rtol=1e-6)
    assert len(model.layers[0].trainable_weights) == 2
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "m.keras").predict(x, verbose=0), model.predict(x), rtol=1e-3)


def test_half_precision(backend: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 95)).astype("float32")
    found = layers.MelSpectrogram(**MEL, dtype="float16").to_backend(backend)(x)
    assert ops.dtype(found) == "float16"
    expected = keras.layers.MelSpectrogram(**MEL)(x)
    np.testing.assert_allclose(backends.home(found).to_numpy(found).astype("float32"), expected, atol=0.05)


def test_mistakes_are_named() -> None:
    for arguments in ({"frame_step": 300}, {"fft_length": 100}):
        with pytest.raises(InvalidArgumentError, match="The step must not be larger than a frame, and the"):
            layers.STFTSpectrogram(**arguments)
    with pytest.raises(InvalidArgumentError, match="`mode='power'`"):
        layers.STFTSpectrogram("power")
    with pytest.raises(InvalidArgumentError, match="`window='hat'` was given"):
        layers.STFTSpectrogram(window="hat")
    with pytest.raises(ShapeError, match=r"A window of shape \(3,\) was given. It must have the length of a frame, 8"):
        layers.STFTSpectrogram(**SHORT, window=[1, 2, 3])
    with pytest.raises(InvalidTypeError, match="received an array of dtype int16"):
        layers.STFTSpectrogram()(np.zeros((1, 300, 1), "int16"))
    with pytest.raises(InvalidArgumentError, match="The window must not be longer than the transform"):
        layers.MelSpectrogram(sequence_length=4096)
    with pytest.raises(ShapeError, match=r"received an input of shape \(1, 300, 1\)"):
        layers.MelSpectrogram(**MEL)(np.zeros((1, 300, 1)))
