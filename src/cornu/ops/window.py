"""The arithmetic of windows that slide over pictures: sizes and padding of convolutions and pooling.

Plain Python on whole numbers.

With input size I, window K, dilation D, stride S and padding P on both sides together, the window reaches over
``K_eff = (K - 1) * D + 1`` places and the output has ``floor((I - K_eff + P) / S) + 1``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.errors import InvalidArgumentError, ShapeError, one_of

PADDINGS = ("valid", "same")
"""No padding, or as much as makes the output as large as the input (divided by the stride, rounded up)."""

_GUESSES = {"equal": "same", "half": "same", "zero": "same", "zeros": "same", "none": "valid", "no": "valid", "false": "valid"}
"""What people mean who write something else; spelling would guess wrong (``"equal"`` is nearer to ``"valid"``)."""


def standardize_padding(padding: Any, causal: bool = False) -> str:
    """The name of a padding, in small letters.

    Args:
        padding: ``"valid"`` or ``"same"``.
        causal: Whether ``"causal"`` is accepted too.

    Raises:
        InvalidArgumentError: It is another one.

    Example:
        >>> from cornu.ops.window import standardize_padding
        >>> standardize_padding("SAME")
        'same'
    """
    options = (*PADDINGS, "causal") if causal else PADDINGS
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in options:
        raise one_of("padding", padding, options, guess=_GUESSES.get(str(name).lower(), ""))
    return name


def standardize_sizes(value: Any, rank: int, argument: str, least: int = 1) -> tuple[int, ...]:
    """One whole number for each spatial axis.

    Args:
        value: A number for all axes, or a tuple of one for each.
        rank: How many axes there are.
        argument: What the value is called where the user gave it.
        least: The least number that is accepted.

    Raises:
        InvalidArgumentError: There are not as many numbers as axes, or one is too small or not whole.

    Example:
        >>> from cornu.ops.window import standardize_sizes
        >>> standardize_sizes(2, 2, "strides")
        (2, 2)
    """
    whole = (int, np.integer)
    values = (value,) * rank if isinstance(value, whole) else value
    valid = isinstance(values, Sequence) and len(values) == rank
    if not valid or any(not isinstance(item, whole) or isinstance(item, bool) or item < least for item in values):
        kind = "positive whole number" if least == 1 else f"whole number from {least} on"
        expected = f"one {kind}, or a tuple of {rank} of them" if rank > 1 else f"one {kind}"
        raise InvalidArgumentError(
            f"`{argument}={value!r}` was given.", f"It must be {expected}.", f"Pass for example `{argument}={max(least, 2)}`."
        )
    return tuple(int(item) for item in values)


def effective_size(window: int, dilation: int = 1) -> int:
    """How many places a dilated window reaches over.

    Example:
        >>> from cornu.ops.window import effective_size
        >>> effective_size(3, 2)
        5
    """
    return (window - 1) * dilation + 1


def output_size(size: int | None, window: int, stride: int, padding: tuple[int, int] = (0, 0), dilation: int = 1) -> int | None:
    """Size of the output along one axis; may be 0 or less if the window does not fit.

    Args:
        size: Size of the input; None if unknown.
        window: Size of the window.
        stride: Step of the window.
        padding: Places added before and after.
        dilation: Distance of the window's places.

    Returns:
        ``floor((size - effective window + padding) / stride) + 1``, or None for an unknown size.

    Example:
        >>> from cornu.ops.window import output_size
        >>> output_size(28, 5, 2)
        12
    """
    if size is None:
        return None
    return (size - effective_size(window, dilation) + sum(padding)) // stride + 1


def padding_pair(padding: str, size: int, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Places to add before and after along one axis.

    Of an odd number ``"same"`` adds one more behind, as TensorFlow and Keras do. ``"causal"`` adds all before, so that an
    output sees no later input.

    Args:
        padding: ``"valid"``, ``"same"`` or ``"causal"``.
        size: Size of the input.
        window: Size of the window.
        stride: Step of the window.
        dilation: Distance of the window's places.

    Example:
        >>> from cornu.ops.window import padding_pair
        >>> padding_pair("same", 5, 2, 1), padding_pair("causal", 5, 3, 1)
        ((0, 1), (2, 0))
    """
    reach = effective_size(window, dilation)
    if padding == "causal":
        return (reach - 1, 0)
    if padding == "valid":
        return (0, 0)
    wanted = -(-size // stride)
    total = max((wanted - 1) * stride + reach - size, 0)
    return (total // 2, total - total // 2)


def padded_output_size(padding: str, size: int | None, window: int, stride: int, dilation: int = 1) -> int | None:
    """Size of the output along one axis under a named padding; None for an unknown size.

    Example:
        >>> from cornu.ops.window import padded_output_size
        >>> padded_output_size("same", 28, 3, 2), padded_output_size("valid", None, 3, 1)
        (14, None)
    """
    if size is None:
        return None
    return output_size(size, window, stride, padding_pair(padding, size, window, stride, dilation), dilation)


def check_fits(
    name: str, sizes: Sequence[int | None], outputs: Sequence[int | None], reaches: Sequence[int], window: str
) -> None:
    """Raises a :class:`ShapeError` where the window is larger than the input, so that there would be no output.

    Args:
        name: Name of the op or layer, for the message.
        sizes: Spatial sizes of the input.
        outputs: Spatial sizes of the output.
        reaches: Effective sizes of the window.
        window: What the window is called where the user gave it.

    Example:
        >>> from cornu.ops.window import check_fits
        >>> check_fits("conv", (4, 4), (2, 2), (3, 3), "kernel")
    """
    for axis, output in enumerate(outputs):
        if output is not None and output < 1:
            raise ShapeError(
                f"`{name}` was given an input of spatial size {_by(sizes)} and a `{window}` that reaches over {_by(reaches)}.",
                f"The input must be at least as large: on spatial axis {axis} it is {sizes[axis]} against {reaches[axis]}.",
                'Use a larger input, fewer pooling layers or strides before, a smaller window, or `padding="same"`.',
            )


def _by(sizes: Sequence[int | None]) -> str:
    return " x ".join(str(size) for size in sizes)


def transpose_output_size(
    padding: str, size: int | None, window: int, stride: int, dilation: int = 1, output_padding: int | None = None
) -> int | None:
    """Size of a transposed convolution's output along one axis, as Keras defines it.

    Args:
        padding: ``"valid"`` or ``"same"``.
        size: Size of the input; None if unknown.
        window: Size of the window.
        stride: Step of the convolution that is transposed: the factor by which the picture grows.
        dilation: Distance of the window's places.
        output_padding: Added to the least size. None chooses it so that ``"same"`` gives ``size * stride`` and ``"valid"``
            gives ``(size - 1) * stride + max(window, stride)``.

    Example:
        >>> from cornu.ops.window import transpose_output_size
        >>> transpose_output_size("same", 7, 3, 2), transpose_output_size("valid", 7, 3, 2)
        (14, 15)
    """
    if size is None:
        return None
    reach = effective_size(window, dilation)
    if padding == "valid":
        extra = max(stride - reach, 0) if output_padding is None else output_padding
        return (size - 1) * stride + reach + extra
    return size * stride if output_padding is None else (size - 1) * stride + reach % 2 + output_padding


def transpose_padding_before(
    padding: str, window: int, stride: int, dilation: int = 1, output_padding: int | None = None
) -> int:
    """Places that the convolution, whose transpose it is, adds before its input, along one axis.

    A transposed convolution spreads each input over a window of the output; so many places are cut off at its start.
    (See :func:`transpose_output_size` for the arguments.)

    Example:
        >>> from cornu.ops.window import transpose_padding_before
        >>> transpose_padding_before("same", 3, 1), transpose_padding_before("valid", 3, 1)
        (1, 0)
    """
    if padding == "valid":
        return 0
    reach = effective_size(window, dilation)
    total = stride + reach - 2 if output_padding is None else reach + reach % 2 - 2 + output_padding
    return reach - 1 - min(-(-total // 2), reach - 1)
