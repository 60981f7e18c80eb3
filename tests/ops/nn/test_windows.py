import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.src.backend.common.backend_utils import compute_conv_transpose_output_shape
from keras.src.ops.operation_utils import compute_conv_output_shape

from cornu import validation
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.nn import windows as window

sizes, windows, strides, dilations = st.integers(1, 40), st.integers(1, 7), st.integers(1, 5), st.integers(1, 3)


@given(sizes, windows, strides, dilations, st.sampled_from(["valid", "same"]))
def test_output_size_is_that_of_keras(size, kernel, stride, dilation, padding):
    found = window.padded_output_size(padding, size, kernel, stride, dilation)
    if found < 1:
        assert window.effective_size(kernel, dilation) > size
    else:
        expected = compute_conv_output_shape((1, size, 1), 1, (kernel,), stride, padding, "channels_last", dilation)
        assert found == expected[1]


@given(sizes, windows, strides, dilations)
def test_same_padding_gives_the_size_divided_by_the_stride(size, kernel, stride, dilation):
    before, after = window.padding_pair("same", size, kernel, stride, dilation)
    assert window.output_size(size, kernel, stride, (before, after), dilation) == -(-size // stride)
    assert after - before in (0, 1)


@given(sizes, windows, strides, dilations)
def test_causal_padding_stands_before(size, kernel, stride, dilation):
    assert window.padding_pair("causal", size, kernel, stride, dilation) == ((kernel - 1) * dilation, 0)
    assert window.padded_output_size("causal", size, kernel, stride, dilation) == -(-size // stride)


@given(sizes, windows, strides, dilations, st.sampled_from(["valid", "same"]), st.none() | st.integers(0, 4))
def test_transposed_output_size_is_that_of_keras(size, kernel, stride, dilation, padding, extra):
    expected = compute_conv_transpose_output_shape(
        (1, size, 1), (kernel,), 1, stride, padding, extra, "channels_last", dilation
    )
    assert window.transpose_output_size(padding, size, kernel, stride, dilation, extra) == expected[1]


def test_the_formula_by_hand():
    assert window.output_size(7, 3, 2) == 3
    assert window.output_size(7, 3, 2, (1, 1)) == 4
    assert window.output_size(7, 3, 1, dilation=3) == 1
    assert window.output_size(2, 3, 1) == 0


def test_an_unknown_size_stays_unknown():
    assert window.output_size(None, 3, 1) is None
    assert window.padded_output_size("same", None, 3, 1) is None
    assert window.transpose_output_size("same", None, 3, 1) is None


def test_padding_is_read_in_any_case():
    assert validation.standardize_padding("Valid") == "valid"
    assert validation.standardize_padding("causal", causal=True) == "causal"


def test_a_wrong_padding_is_named_with_a_guess_of_what_was_meant():
    with pytest.raises(InvalidArgumentError) as caught:
        validation.standardize_padding("equal")
    assert str(caught.value) == "`padding='equal'` was given. It must be one of 'valid', 'same'. Did you mean 'same'?"
    with pytest.raises(InvalidArgumentError, match=r"'valid', 'same', 'causal'. Did you mean 'causal'"):
        validation.standardize_padding("casual", causal=True)
    with pytest.raises(InvalidArgumentError, match=r"`padding=1` was given"):
        validation.standardize_padding(1)


def test_a_window_larger_than_the_input_is_named():
    with pytest.raises(ShapeError) as caught:
        window.check_fits("conv", (4, 2), (2, 0), (3, 3), "kernel")
    assert str(caught.value) == (
        "`conv` received an input of spatial size 4 x 2 and a `kernel` that covers 3 x 3. The input must be at least as large; "
        "on spatial axis 1, 2 is less than 3. Use a larger input, fewer preceding pooling layers or strides, a smaller "
        'window, or `padding="same"`.'
    )
