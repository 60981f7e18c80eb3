"""Spectrograms of signals: which frequencies they contain at each time.

The Fourier transforms of the frames of a signal are a convolution with cosines and sines. So a size that is known only when a
function runs needs no special care, the gradient follows, and the kernels can be trained.
"""

from typing import Any, Unpack

import numpy as np

from cornu import config, initializers, ops, registry
from cornu.core.input_spec import InputSpec
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.layer_placement import placement_of
from cornu.layers.shape_arithmetic import check_rank, shape_error
from cornu.ops.nn.windows import padded_output_size
from cornu.ops.window_functions import check_scaling, window_values
from cornu.typing import Array, ArrayLike, Shape
from cornu.validation import PADDINGS, check_int, check_option, invalid_dtype, invalid_together

__all__ = ["MelSpectrogram", "STFTSpectrogram"]

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


@registry.register("layers")
class STFTSpectrogram(Layer):
    """Layer that computes a spectrogram by the short-time Fourier transform, with kernels that can be trained.

    Each channel of the signal is convolved with the kernels of :class:`cornu.initializers.STFT`, which yields the real and the
    imaginary part of the transform of each frame.

    Input shape: ``(batch, time, channels)``, or ``(batch, channels, time)`` with ``data_format="channels_first"``. Output
    shape: ``(batch, frames, channels * frequencies)``, or ``(batch, channels * frequencies, frames)``; with ``expand_dims``
    ``(batch, frames, frequencies, channels)``, or ``(batch, channels, frames, frequencies)``. There are
    ``fft_length // 2 + 1`` frequencies.

    Args:
        mode: ``"magnitude"``, ``"log"`` (its logarithm), ``"psd"`` (power spectral density: the square of the magnitude, twice
            that between the lowest and the highest frequency), ``"real"``, ``"imag"``, ``"stft"`` (both, twice as many
            frequencies) or ``"angle"`` (phase in radians). Defaults to ``"log"``.
        frame_length: Integer, length of a frame in samples. Defaults to 256.
        frame_step: Integer, step between frames, at most ``frame_length``. Defaults to None (half of it).
        fft_length: Integer, length of the Fourier transform, at least ``frame_length``. Defaults to None (the next power of
            two).
        window: Name of a window of :func:`scipy.signal.get_window`, array-like of its ``frame_length`` values, or None for
            none. Defaults to ``"hann"``.
        periodic: Whether a window given by its name is periodic, not symmetric. Defaults to False.
        scaling: ``"density"``, ``"spectrum"`` or None (see :class:`cornu.initializers.STFT`). Defaults to ``"density"``.
        padding: ``"valid"`` or ``"same"``. Defaults to ``"valid"``.
        expand_dims: Whether the channels are an axis of the output. Defaults to False.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is invalid.
        InvalidTypeError: If, when called, the signal is of integers.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import STFTSpectrogram
        >>> tone = np.cos(2 * np.pi * np.arange(64) / 8)[np.newaxis, :, np.newaxis]
        >>> layer = STFTSpectrogram("magnitude", frame_length=16)
        >>> spectrum = layer(tone)
        >>> spectrum.shape, int(spectrum[0, 0].argmax())  # of frequency 2 / 16
        ((1, 7, 9), 2)
    """

    batch_coupling = "none"

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: str | ArrayLike | None = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.mode = check_option("mode", mode, _MODES)
        self.padding = check_option("padding", padding, PADDINGS)
        self.scaling = check_scaling(scaling)
        self.frame_length = check_int(self, "frame_length", frame_length)
        self.frame_step = None if frame_step is None else check_int(self, "frame_step", frame_step)
        self.fft_length = None if fft_length is None else check_int(self, "fft_length", fft_length)
        self._step = self.frame_step or max(self.frame_length // 2, 1)
        self._fft_length = self.fft_length or 2 ** (self.frame_length - 1).bit_length()
        if self._step > self.frame_length or self._fft_length < self.frame_length:
            given = {"frame_length": frame_length, "frame_step": frame_step, "fft_length": fft_length}
            expected = "The step must not be larger than a frame, and the transform not shorter."
            raise invalid_together(self, given, expected, "Omit `frame_step` and `fft_length`.")
        if window is not None:
            window_values(window, self.frame_length, periodic)
        self.window, self.periodic, self.expand_dims = window, periodic, expand_dims
        self.data_format = config.standardize_data_format(data_format)

    @property
    def cornu_input_spec(self) -> InputSpec:  # type: ignore[override]
        """Three axes."""
        return InputSpec(ndim=3)

    def build(self, input_shape: Shape) -> None:
        """Create the kernels that the mode needs."""
        for side, other in (("real", "imag"), ("imag", "real")):
            if self.mode != other:
                shape = (self.frame_length, 1, self._fft_length // 2 + 1)
                initializer = initializers.STFT(side, self.window, self.scaling, self.periodic)
                setattr(self, f"{side}_kernel", self.add_weight(shape, initializer, name=f"{side}_kernel"))

    def call(self, inputs: Array) -> Any:
        """Return the spectrogram of signals.

        Args:
            inputs: Array of floats.
        """
        if "int" in ops.dtype(inputs):
            hint = "Scale it first, for example `signal / 32768.0` for 16 bits."
            raise invalid_dtype(self, ops.dtype(inputs), "floating-point numbers", hint)
        signal = ops.transpose(inputs, (0, 2, 1)) if self.data_format == "channels_last" else inputs
        _, channels, size = ops.shape(signal)
        signal = ops.reshape(signal, (-1, size, 1))
        found = self._of_parts(
            *(
                ops.conv(signal, ops.cast(getattr(self, f"{side}_kernel"), ops.dtype(signal)), self._step, self.padding)
                for side in ("real", "imag")
                if self.mode in (side, *_MODES[:3], *_MODES[5:])
            )
        )
        _, frames, frequencies = ops.shape(found)
        found = ops.reshape(found, (-1, channels, frames, frequencies))
        is_last = self.data_format == "channels_last"
        if self.expand_dims:
            return ops.transpose(found, (0, 2, 3, 1)) if is_last else found
        found = ops.transpose(found, (0, 2, 1, 3) if is_last else (0, 1, 3, 2))
        joined = channels * frequencies
        return ops.reshape(found, (-1, frames, joined) if is_last else (-1, joined, frames))

    def _of_parts(self, *parts: Array) -> Array:
        """Return the output of the mode for the real and the imaginary part, or for the one that it needs."""
        if len(parts) == 1:
            return parts[0]
        real, imaginary = parts
        if self.mode == "stft":
            return ops.concatenate(parts, -1)
        if self.mode == "angle":
            return ops.arctan2(imaginary, real)
        power = ops.square(real) + ops.square(imaginary)
        if self.mode == "psd":
            return power + ops.pad(power[:, :, 1:-1], ((0, 0), (0, 0), (1, 1)))
        magnitude = ops.sqrt(ops.maximum(power, config.epsilon()))
        return magnitude if self.mode == "magnitude" else ops.log(ops.maximum(magnitude, config.epsilon()))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the spectrogram."""
        check_rank(self, input_shape, ("batch", "time", "channels"))
        is_last = self.data_format == "channels_last"
        batch, size, channels = input_shape if is_last else (input_shape[0], input_shape[2], input_shape[1])
        frames = padded_output_size(self.padding, size, self.frame_length, self._step)
        frequencies = (self._fft_length // 2 + 1) * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            return (batch, frames, frequencies, channels) if is_last else (batch, channels, frames, frequencies)
        joined = None if channels is None else channels * frequencies
        return (batch, frames, joined) if is_last else (batch, joined, frames)


@registry.register("layers")
class MelSpectrogram(Layer):
    """Layer that computes a mel spectrogram: the power of a signal in bands that are equally spaced on the mel scale.

    The power of each frequency of the short-time Fourier transform is summed in triangular bands. The center of the first frame
    is the first sample; beyond its ends, the signal is mirrored. A frequency ``f`` in Hertz is at
    ``2595 * log10(1 + f / 700)`` of the mel scale. Source: the Hidden Markov Model Toolkit, http://htk.eng.cam.ac.uk/

    Input shape: ``(samples,)`` or ``(batch, samples)``. Output shape: ``(num_mel_bins, frames)`` or
    ``(batch, num_mel_bins, frames)``.

    Args:
        fft_length: Integer, length of the Fourier transform and of the mirrored part. Defaults to 2048.
        sequence_stride: Integer, step between frames, in samples. Defaults to 512.
        sequence_length: Integer, length of the window, at most ``fft_length``. Defaults to None (``fft_length``).
        window: Name of a window of :func:`scipy.signal.get_window`, which is periodic, array-like of its values, or None for
            none. Defaults to ``"hann"``.
        sampling_rate: Integer, samples per second. Defaults to 16000.
        num_mel_bins: Integer, number of bands. Defaults to 128.
        min_freq: Float, lower end of the first band, in Hertz. Defaults to 20.0.
        max_freq: Float, upper end of the last band, in Hertz. Defaults to None (half of ``sampling_rate``).
        power_to_db: Whether the result is in decibels, ``10 * log10(power / ref_power)``. Defaults to True.
        top_db: Float, how far below the largest one of the batch values in decibels are cut. Defaults to 80.0.
        mag_exp: Float, exponent of the magnitude: 2 for power. Defaults to 2.0.
        min_power: Float, smallest power in decibels. Defaults to 1e-10.
        ref_power: Float, the power of 0 decibels. Defaults to 1.0.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is invalid.
        ShapeError: If, when called, the signal has more than two axes.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import MelSpectrogram
        >>> MelSpectrogram(fft_length=256, sequence_stride=128, num_mel_bins=10)(np.ones((2, 1000))).shape
        (2, 10, 8)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: str | ArrayLike | None = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.fft_length = check_int(self, "fft_length", fft_length, 2)
        self.sequence_stride = check_int(self, "sequence_stride", sequence_stride)
        self.sequence_length = check_int(self, "sequence_length", sequence_length or fft_length)
        self.sampling_rate, self.num_mel_bins = sampling_rate, check_int(self, "num_mel_bins", num_mel_bins)
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        if self.sequence_length > self.fft_length or not 0 <= min_freq < self.max_freq:
            given = {"sequence_length": sequence_length, "fft_length": fft_length, "min_freq": min_freq, "max_freq": max_freq}
            expected = "The window must not be longer than the transform, and the lowest frequency must be below the highest."
            raise invalid_together(self, given, expected, "Omit `sequence_length` and `max_freq`.")
        self.window = window
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power
        self._kernel = self._fourier_kernel()
        self._bands = _mel_bands(num_mel_bins, self.fft_length // 2 + 1, sampling_rate, min_freq, self.max_freq)

    def _fourier_kernel(self) -> np.ndarray:
        """Return the kernel of a convolution that computes the real and the imaginary part of the transform."""
        length, window = self.sequence_length, self.window
        values = np.ones(length) if window is None else window_values(window, length, periodic=True)
        before = (self.fft_length - length) // 2
        padded = np.pad(values, (before, self.fft_length - length - before))
        angle = 2 * np.pi * np.outer(np.arange(self.fft_length), np.arange(self.fft_length // 2 + 1)) / self.fft_length
        return np.concatenate([np.cos(angle), -np.sin(angle)], 1)[:, np.newaxis] * padded[:, np.newaxis, np.newaxis]

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: str = "float32",
    ) -> Any:
        """Return the share of each frequency in each band, of shape ``(num_spectrogram_bins, num_mel_bins)``.

        Args:
            num_mel_bins: Integer, number of bands. Defaults to 20.
            num_spectrogram_bins: Integer, number of frequencies. Defaults to 129.
            sampling_rate: Samples per second, twice the highest frequency. Defaults to 8000.
            lower_edge_hertz: Lower end of the first band. Defaults to 125.0.
            upper_edge_hertz: Upper end of the last band. Defaults to 3800.0.
            dtype: Dtype of the result. Defaults to ``"float32"``.
        """
        matrix = _mel_bands(num_mel_bins, num_spectrogram_bins, sampling_rate, lower_edge_hertz, upper_edge_hertz)
        return ops.convert_to_tensor(matrix, dtype=dtype, backend=placement_of(self).backend)

    def call(self, inputs: Array) -> Any:
        """Return the mel spectrogram of a signal, or of a batch of signals."""
        is_single = len(inputs.shape) == 1
        if len(inputs.shape) not in (1, 2):
            expected = "It must have the shape (samples,) or (batch, samples)."
            raise shape_error(self, tuple(inputs.shape), expected, "Remove the axis of the channels with `ops.squeeze(x, -1)`.")
        dtype = self.compute_dtype if self.compute_dtype in ("float32", "float64") else "float32"
        signal = ops.cast(inputs, dtype)
        signal = ops.expand_dims(signal, 0) if is_single else signal
        around = self.fft_length // 2
        signal = ops.expand_dims(ops.pad(signal, ((0, 0), (around, around)), "reflect"), -1)
        real, imaginary = ops.split(ops.conv(signal, self._kernel.astype(dtype), self.sequence_stride), 2, -1)
        power = ops.square(real) + ops.square(imaginary)
        if self.mag_exp != 2:
            is_zero = ops.equal(power, 0)
            power = ops.where(is_zero, 0.0, ops.power(ops.where(is_zero, 1.0, power), self.mag_exp / 2))
        found = ops.transpose(ops.matmul(power, self._bands.astype(dtype)), (0, 2, 1))
        if self.power_to_db:
            reference = 10 * np.log10(max(abs(self.ref_power), self.min_power))
            found = 10.0 * ops.log10(ops.maximum(found, self.min_power)) - float(reference)
            found = ops.maximum(found, ops.max(found) - self.top_db)
        return ops.cast(ops.squeeze(found, 0) if is_single else found, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the spectrogram."""
        *batch, size = input_shape
        frames = None if size is None else (size - self.fft_length % 2) // self.sequence_stride + 1
        return (*batch, self.num_mel_bins, frames)


def _mel_bands(count: int, frequencies: int, sampling_rate: float, low: float, high: float) -> np.ndarray:
    """Return the share of each frequency in each band, of shape ``(frequencies, count)``."""

    def as_mel(hertz: Any) -> Any:
        return 1127.0 * np.log1p(hertz / 700.0)

    edges = np.linspace(as_mel(low), as_mel(high), count + 2)
    places = as_mel(np.linspace(0, sampling_rate / 2, frequencies))[:, np.newaxis]
    rising = (places - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - places) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rising, falling))
    bands[0] = 0  # a constant has no pitch
    return bands
