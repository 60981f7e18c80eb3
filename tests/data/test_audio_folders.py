"""Folders of WAV files are the datasets that Keras makes of them; files of other sample sizes and rates are read too."""

import wave
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import resample_poly

import cornu
from cornu import config
from cornu.data.dataset import Dataset
from cornu.data.wav import decode_wav
from cornu.errors import DataError, InvalidArgumentError, MissingPackageError
from cornu.utils import audio_dataset_from_directory

CALLS = {
    "in order": {"shuffle": False},
    "shuffled": {"seed": 3},
    "cut and padded": {"shuffle": False, "output_sequence_length": 30},
    "both": {"seed": 3, "validation_split": 0.4, "subset": "both"},
    "no labels": {"labels": None, "shuffle": False},
    "single": {"shuffle": False, "batch_size": None},
}


@pytest.fixture
def folder(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            wavfile.write(tmp_path / name / f"{number}.wav", 8000, rng.integers(-(2**15), 2**15, (20 + 7 * number, 2), "int16"))
    return tmp_path


def elements(dataset) -> list[tuple[np.ndarray, ...]]:
    return [tuple(np.asarray(part) for part in (one if isinstance(one, tuple) else (one,))) for one in dataset]


def made(package, folder, capsys, **arguments):
    found = package.utils.audio_dataset_from_directory(folder, **{"batch_size": 3, **arguments})
    return list(found) if isinstance(found, (tuple, list)) else [found], capsys.readouterr().out


@pytest.mark.parametrize("call", CALLS)
def test_datasets_are_those_of_keras(call, folder, capsys):
    pytest.importorskip("tensorflow")
    (mine, printed), (theirs, expected) = (made(package, folder, capsys, **CALLS[call]) for package in (cornu, keras))
    assert printed == expected
    for one, other in zip(mine, theirs, strict=True):
        assert one.class_names == other.class_names
        for element, wanted in zip(elements(one), elements(other), strict=True):
            for part, right in zip(element, wanted, strict=True):
                np.testing.assert_array_equal(part, right)


def test_ragged_batches_are_those_of_keras(folder):
    pytest.importorskip("tensorflow")
    mine, theirs = (
        next(iter(package.utils.audio_dataset_from_directory(folder, shuffle=False, ragged=True, verbose=False)))[0]
        for package in (cornu, keras)
    )
    assert mine.to_list() == theirs.to_list()


def test_without_tensorflow_the_values_are_the_same(folder, monkeypatch):
    pytest.importorskip("tensorflow")
    arguments = {"shuffle": False, "batch_size": 3, "verbose": False}
    theirs = elements(audio_dataset_from_directory(folder, **arguments))
    monkeypatch.setattr(config, "installed_backends", lambda: ["jax", "numpy"])
    mine = audio_dataset_from_directory(folder, **arguments)
    assert isinstance(mine, Dataset) and len(mine) == 3
    for element, wanted in zip(elements(mine), theirs, strict=True):
        for part, right in zip(element, wanted, strict=True):
            assert (part.dtype, part.shape) == (right.dtype, right.shape)
            np.testing.assert_array_equal(part, right)


@pytest.mark.parametrize(("dtype", "half", "zero"), [("uint8", 2**7, 2**7), ("int16", 2**15, 0), ("int32", 2**31, 0)])
def test_samples_of_every_size_are_scaled_to_1(dtype, half, zero, tmp_path):
    limits = np.iinfo(dtype)
    samples = np.random.default_rng(0).integers(limits.min, limits.max, (50, 2), dtype, endpoint=True)
    wavfile.write(tmp_path / "a.wav", 8000, samples)
    np.testing.assert_allclose(decode_wav(str(tmp_path / "a.wav")), (samples.astype("float64") - zero) / half, atol=1e-7)


def test_files_are_resampled(tmp_path):
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, 300, "int16")
    wavfile.write(tmp_path / "a.wav", 8000, samples)
    found = decode_wav(str(tmp_path / "a.wav"), sampling_rate=12000, length=400)
    expected = resample_poly(samples / 2**15, 3, 2)[:400]
    assert found.shape == (400, 1)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-6)


def test_a_tone_keeps_its_frequency(tmp_path):
    times = np.arange(8000) / 8000
    wavfile.write(tmp_path / "a.wav", 8000, (10_000 * np.sin(2 * np.pi * 440 * times)).astype("int16"))
    found = decode_wav(str(tmp_path / "a.wav"), sampling_rate=4000)[:, 0]
    assert np.abs(np.fft.rfft(found)).argmax() == 440


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\x24\x00\x00\x00WAVEfmt "])
def test_damaged_files_are_named(content, tmp_path):
    (tmp_path / "bark.wav").write_bytes(content)
    with pytest.raises(DataError, match=r"`.*bark.wav` cannot be read as a WAV file: .*integer samples.*ffmpeg"):
        decode_wav(str(tmp_path / "bark.wav"))


def test_samples_of_24_bits_and_floats_are_refused(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 3, 8000, 0, "NONE", ""))
        file.writeframes(bytes(30))
    wavfile.write(tmp_path / "b.wav", 8000, np.zeros(10, "float32"))
    for name in "ab":
        with pytest.raises(DataError, match="cannot be read as a WAV file"):
            decode_wav(str(tmp_path / f"{name}.wav"))


def test_mistakes(folder, monkeypatch):
    with pytest.raises(InvalidArgumentError, match=r"`ragged=True` and `output_sequence_length=5`.*only one"):
        audio_dataset_from_directory(folder, ragged=True, output_sequence_length=5)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"Cannot make ragged batches.*tensorflow.*pip install tensorflow"):
        audio_dataset_from_directory(folder, ragged=True)
