"""Apply a layer to every step of a sequence."""

import contextlib
from collections.abc import Iterator
from typing import Any

from cornu import ops, registry
from cornu.core import batch_coupling, call_context
from cornu.dtypes import is_float
from cornu.layers import shape_arithmetic
from cornu.layers.wrapper import Wrapper, accepted_arguments, forwarded
from cornu.typing import Array, Shape

__all__ = ["TimeDistributed"]


@registry.register("layers")
class TimeDistributed(Wrapper):
    """Wrapper that applies a layer to each time step separately, with the same weights: ``y[:, t] = layer(x[:, t])``.

    If the layer treats each sample independently, all time steps are processed at once, as one batch of ``batch * steps``
    samples; otherwise, as with batch normalization, one after the other.

    Input shape: ``(batch, steps, ...)``. Output shape: ``(batch, steps, ...)``.

    Args:
        layer: Layer to apply, with inputs of shape ``(batch, ...)``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidTypeError: If ``layer`` is not a layer.
        ShapeError: If, when called, the input has fewer than three axes, or the mask has a wrong shape.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv2D, TimeDistributed
        >>> TimeDistributed(Conv2D(4, 3))(np.ones((2, 5, 8, 8, 3))).shape
        (2, 5, 6, 6, 4)
    """

    batch_coupling = "none"
    supports_masking = True
    cornu_input_value_range = forwarded("cornu_input_value_range")
    cornu_preserves_value_range = forwarded("cornu_preserves_value_range")
    cornu_normalizes_values = forwarded("cornu_normalizes_values")
    cornu_largest_index = forwarded("cornu_largest_index")
    cornu_output_activation = forwarded("cornu_output_activation")

    @property
    def cornu_output_dtype(self) -> str:  # type: ignore[override]
        """The compute dtype, unless the output of the layer inside is not floating-point."""
        inner = self.layer.cornu_output_dtype
        return self.compute_dtype if is_float(inner) else inner

    @property
    def cornu_channel_axis(self) -> int | None:  # type: ignore[override]
        """That of the layer inside, whose input has no axis for the steps."""
        axis = self.layer.cornu_channel_axis
        return axis + 1 if axis is not None and axis > 0 else axis

    def build(self, input_shape: Shape) -> None:  # type: ignore[override]
        """Build the wrapped layer."""
        super().build(self._inner_shape(input_shape))

    def call(self, inputs: Array, training: bool | None = None, mask: Array | None = None) -> Any:
        """Return the outputs of the layer at all time steps.

        Args:
            inputs: Array of shape ``(batch, steps, ...)``.
            training: Ignored; the wrapped layer receives it automatically.
            mask: Boolean array of shape ``(batch, steps, ...)``, passed to the wrapped layer for each time step if it accepts a
                mask. Defaults to None.
        """
        if mask is not None and tuple(mask.shape[:2]) != tuple(inputs.shape[:2]):
            expected = f"The shape of the mask must begin with {tuple(inputs.shape[:2])} (batch and steps)."
            raise shape_arithmetic.mask_error(self, inputs.shape, mask.shape, expected, "Check the axes of the mask.")
        if batch_coupling.effective_coupling(self.layer) == "none":
            return self._all_at_once(inputs, mask)
        outputs = [self._one(inputs[:, step], None if mask is None else mask[:, step]) for step in range(inputs.shape[1])]
        return ops.stack(outputs, axis=1)

    def _all_at_once(self, inputs: Array, mask: Array | None) -> Any:
        with _each_sample_often(inputs.shape[1]):
            outputs = self._one(_folded(inputs), None if mask is None else _folded(mask))
        return ops.reshape(outputs, (*ops.shape(inputs)[:2], *ops.shape(outputs)[1:]))

    def _one(self, inputs: Array, mask: Array | None) -> Any:
        outputs = self.layer(inputs, **accepted_arguments(self.layer, mask=mask))
        return ops.cast(outputs, self.compute_dtype) if is_float(ops.dtype(outputs)) else outputs

    def compute_mask(self, inputs: Array, previous_mask: Array | None) -> Any:
        """Return the mask computed by the wrapped layer or, if there is none, the time steps with any unmasked element."""
        inner = None
        if self.layer.supports_masking and (previous_mask is None or previous_mask.ndim > 2):
            inner = self.layer.compute_mask(_folded(inputs), None if previous_mask is None else _folded(previous_mask))
        if inner is not None:
            return ops.reshape(inner, (*ops.shape(inputs)[:2], *ops.shape(inner)[1:]))
        if previous_mask is None or previous_mask.ndim == 2:
            return previous_mask
        return ops.any(previous_mask, axis=tuple(range(2, previous_mask.ndim)))

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the output shape of the wrapped layer for one time step, with the time axis after the batch axis."""
        inner = self.layer.compute_output_shape(self._inner_shape(input_shape))
        return (input_shape[0], input_shape[1], *inner[1:])

    def _inner_shape(self, shape: Shape) -> Shape:
        if len(shape) < 3:
            advice = "Add the feature axis: `x[..., None]`; or, for a single sequence, the batch axis: `x[None]`."
            raise shape_arithmetic.shape_error(self, shape, "It needs at least 3 dimensions (batch, steps, ...).", advice)
        return (shape[0], *shape[2:])


@contextlib.contextmanager
def _each_sample_often(times: int) -> Iterator[None]:
    """Repeat each element of the sample mask of the current call within the context."""
    context = call_context.current()
    if context is None or context.sample_mask is None:
        yield
        return
    sample_mask, context.sample_mask = context.sample_mask, ops.repeat(context.sample_mask, times, axis=0)
    try:
        yield
    finally:
        context.sample_mask = sample_mask


def _folded(x: Array) -> Any:
    """Reshape ``(batch, steps, ...)`` to ``(batch * steps, ...)``."""
    sizes = ops.shape(x)
    return ops.reshape(x, (sizes[0] * sizes[1], *sizes[2:]))
