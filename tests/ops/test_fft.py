import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError


@pytest.fixture
def draw(rng):
    return lambda *shape: rng.normal(size=shape).astype("float32")


@pytest.fixture
def check_pair(check):
    def compare(found, expected):
        for one, other in zip(found, expected, strict=True):
            check(one, other, rtol=1e-4, atol=1e-5)

    return compare


@pytest.mark.parametrize("name", ["fft", "fft2", "ifft2"])
@pytest.mark.parametrize("shape", [(4, 6), (2, 5, 7)], ids=str)
def test_transforms_are_those_of_keras(name, shape, make, check_pair, draw):
    x, y = draw(*shape), draw(*shape)
    check_pair(getattr(ops, name)((make(x), make(y))), getattr(keras.ops, name)((x, y)))


@pytest.mark.parametrize("length", [None, 1, 5, 8, 13])
def test_transforms_of_real_numbers_are_those_of_numpy(length, make, check, check_pair, draw):
    x, y = draw(2, 8), draw(2, 8)
    expected = np.fft.rfft(x, length)
    check_pair(ops.rfft(make(x), length), (expected.real, expected.imag))
    check(ops.irfft((make(x), make(y)), length), np.fft.irfft(x + 1j * y, length), atol=1e-5)


ARGUMENTS = {
    "a window of its own size": {"sequence_length": 8, "sequence_stride": 2, "fft_length": 8},
    "a narrow window": {"sequence_length": 5, "sequence_stride": 2, "fft_length": 8},
    "hamming": {"sequence_length": 6, "sequence_stride": 3, "fft_length": 6, "window": "hamming"},
    "an own window": {"sequence_length": 4, "sequence_stride": 1, "fft_length": 6, "window": np.float32([1, 2, 3, 2])},
    "not centered": {"sequence_length": 4, "sequence_stride": 2, "fft_length": 8, "center": False},
    "no window": {"sequence_length": 4, "sequence_stride": 4, "fft_length": 4, "window": None},
    "no window, overlapping": {"sequence_length": 4, "sequence_stride": 2, "fft_length": 8, "window": None},
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_short_time_transforms_are_those_of_keras(case, make, check_pair, draw):
    x = draw(2, 32)
    check_pair(ops.stft(make(x), **ARGUMENTS[case]), keras.ops.stft(x, **ARGUMENTS[case]))


@pytest.mark.parametrize("case", ARGUMENTS)
def test_short_time_transforms_are_inverted(case, make, check, draw):
    x = draw(2, 32)
    found = ops.istft(ops.stft(make(x), **ARGUMENTS[case]), **ARGUMENTS[case])  # in Keras not without a window
    inner = slice(4, 28)  # the edges have no window over them if they are not centered
    check(found[:, inner], x[:, inner], atol=1e-4)


def test_the_inverse_of_what_is_no_transform_is_that_of_keras(make, check, draw):
    x, y = draw(2, 9, 5), draw(2, 9, 5)
    for arguments in ({}, {"length": 11}, {"center": False}):
        expected = keras.ops.istft((x, y), 8, 2, 8, **arguments)
        inner = slice(2, -2) if arguments.get("center") is False else slice(None)
        check(ops.istft((make(x), make(y)), 8, 2, 8, **arguments)[..., inner], expected[..., inner], rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_keras(check_gradients, draw):
    x, y = draw(2, 6), draw(2, 6)
    for part in (0, 1):
        check_gradients(lambda x, y: ops.fft((x, y))[part], lambda x, y: keras.ops.fft((x, y))[part], x, y)  # noqa: B023
        check_gradients(lambda x: ops.rfft(x, 8)[part], lambda x: keras.ops.rfft(x, 8)[part], x)  # noqa: B023
        check_gradients(lambda x: ops.stft(x, 4, 2, 4)[part], lambda x: keras.ops.stft(x, 4, 2, 4)[part], x)  # noqa: B023
    check_gradients(lambda x, y: ops.irfft((x, y)), lambda x, y: keras.ops.irfft((x, y)), x, y)
    stack = draw(4, 3), draw(4, 3)
    check_gradients(lambda x, y: ops.istft((x, y), 4, 2, 4), lambda x, y: keras.ops.istft((x, y), 4, 2, 4), *stack)


def test_half_precision_and_integers(make, check_pair):
    x = np.arange(8)
    expected = np.fft.rfft(x)
    for dtype in ("float16", "int32"):
        real, imag = (part.astype("float16" if dtype == "float16" else "float32") for part in (expected.real, expected.imag))
        check_pair(ops.rfft(make(x.astype(dtype))), (real, imag))


def test_invalid_arguments_are_refused(make, draw):
    x = make(draw(2, 8))
    with pytest.raises(InvalidTypeError, match=r"`fft` received .* tuple of two arrays.*`\(x, ops.zeros_like\(x\)\)`"):
        ops.fft(x)
    with pytest.raises(InvalidTypeError, match=r"`fft` received an array of dtype complex64. .*real numbers.*separately"):
        ops.fft((ops.cast(x, "complex64"), x))
    with pytest.raises(ShapeError, match=r"`fft2` received `x\[0\]` of shape \(2, 8\) and `x\[1\]` of shape \(8,\)"):
        ops.fft2((x, x[0]))
    with pytest.raises(ShapeError, match=r"`fft2` received an array of shape \(8,\). It must have at least 2 axes"):
        ops.fft2((x[0], x[0]))
    with pytest.raises(InvalidArgumentError, match=r"`fft_length=0`"):
        ops.rfft(x, 0)
    with pytest.raises(InvalidArgumentError, match=r"`sequence_stride=0`"):
        ops.stft(x, 4, 0, 4)
    with pytest.raises(InvalidArgumentError, match=r"`stft` received `fft_length=3` and `sequence_length=4`"):
        ops.stft(x, 4, 1, 3)
    with pytest.raises(InvalidArgumentError, match=r"`window='han'`.*Did you mean 'hann'"):
        ops.stft(x, 4, 1, 4, "han")
    with pytest.raises(ShapeError, match=r"`window` of shape \(3,\) and `sequence_length=4`"):
        ops.stft(x, 4, 1, 4, np.ones(3))
    with pytest.raises(ShapeError, match=r"`stft` received an array of shape \(2, 8\) and `fft_length=16`"):
        ops.stft(x, 4, 1, 16, center=False)


def test_shapes_are_known_before():
    x, y = cornu.Input((10,)), cornu.Input((10,))
    assert [part.shape for part in ops.fft((x, y))] == [(None, 10)] * 2
    assert [part.shape for part in ops.rfft(x)] == [(None, 6)] * 2
    assert [part.shape for part in ops.stft(x, 4, 2, 4)] == [(None, 6, 3)] * 2
    assert ops.irfft((x, y)).shape == (None, 18)
    assert ops.istft(ops.stft(x, 4, 2, 4), 4, 2, 4).shape == (None, 10)
