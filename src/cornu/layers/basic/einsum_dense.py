"""Dense layer over arbitrary axes, defined by an einsum equation."""

import copy
import re
import string
from collections.abc import Sequence
from typing import Any, Unpack

from cornu import ops, registry, validation
from cornu.core import batch_coupling
from cornu.core.input_spec import InputSpec
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.soft_property import soft_property
from cornu.errors import InvalidArgumentError
from cornu.layers import shape_arithmetic
from cornu.layers.lora import LowRankAdaptable
from cornu.layers.weight_arguments import KernelAndBias, add_described_weight, store_weight_arguments
from cornu.typing import Activation, Array, Constraint, Initializer, Regularizer, Shape, Size

__all__ = ["EinsumDense"]

_FORM = re.compile(r"(?P<before>\.\.\.)?([a-zA-Z]+)(?P<after>\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


@registry.register("layers")
class EinsumDense(LowRankAdaptable, KernelAndBias):
    """Dense layer over arbitrary axes.

    The layer computes::

        y = activation(einsum(equation, x, kernel) + bias)

    The equation names the axes of input, kernel and output by letters: ``"abc,cd->abd"`` applies ``Dense`` to each time step of
    a sequence, ``"abc,cde->abde"`` maps each time step to a matrix. Axes that are missing in the output are summed over.
    ``...`` stands for any number of axes, at the beginning or at the end of input and output. The weights are ``kernel`` and,
    with ``bias_axes``, ``bias``.

    Args:
        equation: String of the form ``"input,kernel->output"``.
        output_shape: Integer or tuple of integers, the sizes of the output without the batch size and those of ``...``. None
            for a size that is determined by the input.
        activation: Activation function, as a name or a callable. Defaults to None (linear).
        bias_axes: String of the output axes along which the bias varies. Defaults to None (no bias).
        kernel_initializer: Initializer for the kernel weights. Its input and output axes are those of the equation. Defaults to
            ``"glorot_uniform"``.
        bias_initializer: Initializer for the bias vector. Defaults to ``"zeros"``.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        lora_rank: Positive integer, the rank of a LoRA adaptation of the kernel (see :meth:`enable_lora`). Defaults to None.
        lora_alpha: Number that scales the adaptation. Defaults to ``lora_rank``.
        **kwargs: Arguments of the base class :class:`Layer`: ``name``, ``trainable``, ``dtype`` and ``activity_regularizer``.

    Raises:
        InvalidArgumentError: If the equation is invalid, or ``bias_axes`` are not output axes.
        ShapeError: If, when called, the input does not match the equation, the output shape or the weights.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import EinsumDense
        >>> layer = EinsumDense("abc,cde->abde", output_shape=(None, 2, 4), bias_axes="de")
        >>> layer(np.ones((1, 5, 3))).shape
        (1, 5, 2, 4)
        >>> layer.count_params()
        32
    """

    def __init__(
        self,
        equation: str,
        output_shape: Size | Sequence[Size],
        activation: Activation = None,
        bias_axes: str | None = None,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.equation = equation
        self.activation = activation
        self.bias_axes = bias_axes
        store_weight_arguments(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        store_weight_arguments(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self._keep_lora(lora_rank, lora_alpha)
        self._given_shape = output_sizes(self, output_shape)
        self._read_equation()

    @property
    def cornu_input_spec(self) -> InputSpec | None:  # type: ignore[override]
        """The number of axes that the layer was built for."""
        return shape_arithmetic.built_input_spec(self)

    @soft_property
    def batch_coupling(self) -> str:  # type: ignore[override]
        """That of the activation, if the equation keeps the batch axis."""
        return batch_coupling.coupling_of_function(self.activation) if self._keeps_the_batch() else "unknown"

    @property
    def partial_output_shape(self) -> tuple[Size, ...]:
        """The argument ``output_shape`` as a tuple."""
        return self._given_shape

    # --- The equation -------------------------------------------------------------------------------------------------

    def _read_equation(self) -> None:
        """Parse the equation: the letters of input, kernel and output, and the side of the ellipsis."""
        found = _FORM.fullmatch(self.equation) if isinstance(self.equation, str) else None
        if found is None or (found[1], found[3]) != (found[5], found[7]) or (found[1] and found[3]):
            raise self._refused("It must have the form 'input,kernel->output', with any '...' on the same side of both.")
        self._ellipsis = "before" if found["before"] else "after" if found["after"] else None
        self._input, self._kernel, self._output = found[2], found[4], found[6]
        for where, letters in (("input", self._input), ("kernel", self._kernel), ("output", self._output)):
            if len(set(letters)) < len(letters):
                raise self._refused(f"Each letter may denote only one axis of the {where}.")
        if strange := sorted(set(self._output) - {*self._input, *self._kernel}):
            raise self._refused(f"{strange[0]!r} in the output must be an axis of the input or of the kernel.")
        if strange := sorted(set(self._kernel) - {*self._input, *self._output}):
            raise self._refused(f"{strange[0]!r} in the kernel must be an axis of the input or of the output.")
        if strange := sorted(set(self.bias_axes or "") - set(self._output)):
            given = {"bias_axes": self.bias_axes, "equation": self.equation}
            expected = f"The letters must be axes of the output, and {strange[0]!r} is not one."
            raise validation.invalid_together(self, given, expected, f"Pass, for example, `bias_axes={self._output[-1]!r}`.")

    def _refused(self, expected: str) -> InvalidArgumentError:
        return InvalidArgumentError(
            f"`EinsumDense` received `equation={self.equation!r}`.", expected, "Pass, for example, `equation='abc,cd->abd'`."
        )

    def _keeps_the_batch(self) -> bool:
        """Return whether the first axis of input and output is the same and is not an axis of the kernel."""
        kept = self._input[0] == self._output[0] and self._input[0] not in self._kernel
        return self._ellipsis == "before" or kept

    def _letters(self, rank: int) -> tuple[str, str]:
        """Return the letters of input and output, including those of ``...``, for an input of the given rank."""
        unused = [letter for letter in string.ascii_letters if letter not in self.equation]
        more = "".join(unused[: rank - len(self._input)])
        if self._ellipsis == "before":
            return more + self._input, more + self._output
        return self._input + more, self._output + more

    # --- The layer ----------------------------------------------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        """Create the kernel and the bias."""
        sizes = self._sizes(tuple(input_shape))
        for letter in (*self._kernel, *(self.bias_axes or "")):
            if sizes[letter] is None:
                expected = f"The size of axis {letter!r} must be known, since the weights depend on it ({self.equation!r})."
                raise shape_arithmetic.shape_error(
                    self, tuple(input_shape), expected, "Specify it in `output_shape` or in the `Input` of the model."
                )
        shape = tuple(sizes[letter] for letter in self._kernel)
        self.kernel = add_described_weight(self, "kernel", shape, initializer=self._initializer_with_axes())
        self.bias = None
        if self.bias_axes:
            output = self._letters(len(input_shape))[1]
            first = min(output.index(letter) for letter in self.bias_axes)
            shape = tuple(sizes[letter] if letter in self.bias_axes else 1 for letter in output[first:])
            self.bias = add_described_weight(self, "bias", shape)

    def _initializer_with_axes(self) -> Any:
        """Return the kernel initializer with the input and output axes set; by default it would assume a convolution kernel."""
        if getattr(self.kernel_initializer, "input_axes", 0) is not None:
            return self.kernel_initializer
        told = copy.copy(self.kernel_initializer)
        told.input_axes = [place for place, letter in enumerate(self._kernel) if letter not in self._output]
        told.output_axes = [place for place, letter in enumerate(self._kernel) if letter in self._output]
        return told

    def call(self, inputs: Array, training: bool | None = None) -> Any:
        """Return ``activation(einsum(equation, inputs, kernel) + bias)``, the same in training and otherwise."""
        ours, output = self._letters(len(inputs.shape))
        outputs = ops.einsum(f"{ours},{self._kernel}->{output}", ops.cast(inputs, self.compute_dtype), self.kernel)
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the sizes determined by the equation and ``output_shape``."""
        sizes = self._sizes(tuple(input_shape))
        return tuple(sizes[letter] for letter in self._letters(len(input_shape))[1])

    def _sizes(self, shape: Shape) -> dict[str, int | None]:
        """Return the size that each letter stands for.

        Raises:
            ShapeError: If the shape does not match the equation, ``output_shape`` or the weights.
        """
        if len(shape) < len(self._input) or (len(shape) > len(self._input) and self._ellipsis is None):
            least = "at least " if self._ellipsis else ""
            expected = f"Its equation {self.equation!r} is for inputs with {least}{len(self._input)} axes."
            raise shape_arithmetic.shape_error(self, shape, expected, "Reshape the input, or write an equation for it.")
        sizes = dict(zip(self._letters(len(shape))[0], shape, strict=True))
        if self.built:
            for letter, size in zip(self._kernel, self.kernel.shape, strict=True):
                if letter in sizes:
                    shape_arithmetic.check_size(self, shape, list(sizes).index(letter), size, f"along the axis {letter!r}")
                sizes[letter] = size
        named = self._output if self._ellipsis == "before" else self._output[1:]
        if len(named) != len(self._given_shape):
            axes = ", ".join(map(repr, named))
            expected = f"`output_shape={self._given_shape}` must have {len(named)} sizes, one for each output axis {axes}."
            hint = "Omit the batch size and the sizes of '...'. Pass None for a size that is determined by the input."
            raise shape_arithmetic.shape_error(self, shape, expected, hint)
        for letter, size in zip(named, self._given_shape, strict=True):
            if size is not None and sizes.get(letter) not in (None, size):
                expected = (
                    f"For the axis {letter!r} its `output_shape={self._given_shape}` has {size}, "
                    f"but the input has {sizes[letter]}."
                )
                raise shape_arithmetic.shape_error(
                    self, shape, expected, "Pass None for this axis, since the input determines its size."
                )
            sizes[letter] = sizes.get(letter) if size is None else size
        return {letter: None for letter in self._output} | sizes

    def get_config(self) -> dict[str, Any]:
        """Return the config, including ``output_shape``."""
        return {**super().get_config(), "output_shape": self._given_shape}


def output_sizes(layer: Layer, value: Size | Sequence[Size]) -> tuple[int | None, ...]:
    """Return the argument ``output_shape`` as a tuple of sizes; an integer is a single size.

    Raises:
        InvalidArgumentError: If a size is not a positive integer.
    """
    parts = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(None if part is None else validation.check_int(layer, "output_shape", part) for part in parts)
