"""Decoding of WAV files."""

import math
import wave

import numpy as np

from cornu.errors import DataError

_DTYPES = {1: "u1", 2: "<i2", 4: "<i4"}
"""Dtypes of the samples, by the number of bytes."""


def decode_wav(path: str, sampling_rate: int | None = None, length: int | None = None) -> np.ndarray:
    """Decode a WAV file of integer samples (PCM).

    Args:
        path: String, path of the file.
        sampling_rate: Integer, samples per second of the result. Defaults to that of the file.
        length: Integer, number of samples of the result: longer files are cut, and shorter ones padded with zeros at the end.
            Defaults to None (the length of the file).

    Returns:
        ``float32`` NumPy array of shape ``(length, channels)``, with values from -1 to 1.

    Raises:
        DataError: If the file is no such file, or is damaged.

    Example:
        >>> import os, tempfile, wave
        >>> from cornu.data.wav import decode_wav
        >>> path = os.path.join(tempfile.mkdtemp(), "a.wav")
        >>> with wave.open(path, "wb") as file:
        ...     file.setparams((1, 2, 8000, 0, "NONE", ""))
        ...     file.writeframes(bytes([0, 64, 0, 192]))
        >>> decode_wav(path)[:, 0].tolist()
        [0.5, -0.5]
    """
    try:
        with wave.open(path, "rb") as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            content = file.readframes(file.getnframes())
        samples = np.frombuffer(content, _DTYPES[width]).reshape(-1, channels)
    except (wave.Error, EOFError, KeyError, ValueError) as error:
        raise DataError(
            f"`{path}` cannot be read as a WAV file: {error or 'it is too short'}.",
            "It must contain integer samples of 8, 16 or 32 bits (PCM).",
            "Convert it, for example with `ffmpeg -i input -c:a pcm_s16le output.wav`.",
        ) from error
    half = 2 ** (8 * width - 1)
    audio = (samples.astype("float64") - half * (width == 1)) / half  # 8 bits are unsigned
    if sampling_rate is not None and sampling_rate != rate:
        audio = _resampled(audio, rate, sampling_rate)
    if length is not None:
        audio = np.pad(audio[:length], [(0, max(length - len(audio), 0)), (0, 0)])
    return audio.astype("float32")


def _resampled(audio: np.ndarray, old: int, new: int) -> np.ndarray:
    from scipy.signal import resample_poly

    common = math.gcd(old, new)
    return resample_poly(audio, new // common, old // common)
