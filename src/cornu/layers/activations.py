"""Activation functions as layers, also the one that learns."""

from typing import Any

from cornu import activations, constraints, initializers, ops, regularizers
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError
from cornu.layers import arguments, shapes
from cornu.layers.shapes import Shape

_FAR_BELOW = {"float16": -3e4}
"""What stands for minus infinity in a dtype; -1e9 in the others."""


class ElementwiseActivation(Layer):
    """The base of activations that look at each number by itself: same shape, floats."""

    batch_coupling = "none"
    supports_masking = True

    def _floats(self, inputs: Any) -> Any:
        return ops.cast(inputs, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        return input_shape


class ReLU(ElementwiseActivation):
    """``max(x, 0)``, or with other arguments ``x`` between a threshold and ``max_value``.

    Args:
        max_value: Larger values become this one; None is no limit.
        negative_slope: Below the threshold the value is ``negative_slope * (x - threshold)``.
        threshold: Where the function bends.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: A number is negative.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ReLU
        >>> ReLU(max_value=6)(np.array([-1.0, 2.0, 9.0])).tolist()
        [0.0, 2.0, 6.0]
    """

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else arguments.at_least_zero(self, "max_value", max_value)
        self.negative_slope = arguments.at_least_zero(self, "negative_slope", negative_slope)
        self.threshold = arguments.at_least_zero(self, "threshold", threshold)

    def call(self, inputs: Any) -> Any:
        """The function of the inputs."""
        return activations.relu(
            self._floats(inputs), negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )


class LeakyReLU(ElementwiseActivation):
    """``x``, and below 0 ``negative_slope * x``.

    Source: Maas et al., 2013.

    Args:
        negative_slope: The slope below 0.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: The slope is negative.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import LeakyReLU
        >>> LeakyReLU(0.5)(np.array([-4.0, 2.0])).tolist()
        [-2.0, 2.0]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.negative_slope = arguments.at_least_zero(self, "negative_slope", negative_slope)

    def call(self, inputs: Any) -> Any:
        """The function of the inputs."""
        return ops.leaky_relu(self._floats(inputs), negative_slope=self.negative_slope)


class ELU(ElementwiseActivation):
    """``x``, and below 0 ``alpha * (exp(x) - 1)``.

    Source: Clevert et al., 2015, https://arxiv.org/abs/1511.07289

    Args:
        alpha: How far below 0 it goes.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ELU
        >>> ELU(2.0)(np.array([-100.0, 3.0])).tolist()
        [-2.0, 3.0]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """The function of the inputs."""
        return ops.elu(self._floats(inputs), alpha=self.alpha)


class PReLU(ElementwiseActivation):
    """A leaky ReLU whose slopes are learned: ``x``, and below 0 ``alpha * x``.

    Its weight ``alpha`` has the shape of one sample, with 1 for shared axes.

    Source: He et al., 2015, https://arxiv.org/abs/1502.01852

    Args:
        alpha_initializer: First value of the slopes.
        alpha_regularizer: Penalty on the slopes.
        alpha_constraint: What they are brought to after each update.
        shared_axes: Axes along which there is one slope: ``[1, 2]`` for one slope for each channel of a picture.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: There is no such axis, or it is the batch's.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import PReLU
        >>> layer = PReLU("ones", shared_axes=[1, 2])
        >>> layer(np.ones((1, 4, 4, 3))).shape, layer.alpha.shape
        ((1, 4, 4, 3), (1, 1, 3))
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        listed = shared_axes if shared_axes is None or isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes = None if listed is None else arguments.axes(self, listed, "shared_axes")

    def build(self, input_shape: Shape) -> None:
        """Makes the slopes."""
        shape = self._alpha_shape(input_shape)
        for axis in range(1, len(input_shape)):
            if shape[axis - 1] is None:
                shapes.check_size(self, input_shape, axis, None, "places")
        self.alpha = self.add_weight(
            shape, self.alpha_initializer, regularizer=self.alpha_regularizer, constraint=self.alpha_constraint, name="alpha"
        )

    def _alpha_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis < len(input_shape):
                raise InvalidArgumentError(
                    f"The layer {self.name!r} has `shared_axes={self.shared_axes}` but received an input of shape "
                    f"{input_shape}.",
                    f"Its axes, without the batch axis, are 1 to {len(input_shape) - 1}.",
                    "Remove the other axes from `shared_axes`.",
                )
            shape[axis - 1] = 1
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        """``x`` where it is positive, else ``alpha * x``."""
        inputs = self._floats(inputs)
        return ops.where(ops.greater(inputs, 0), inputs, self.alpha * inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        if self.built and self._alpha_shape(input_shape) != self.alpha.shape:
            alpha = self.alpha.shape
            advice = "Share the slopes along axes of variable size with `shared_axes`, or create a new layer."
            raise shapes.refusal(self, input_shape, f"It was built with slopes of shape {alpha}.", advice)
        return input_shape


class Softmax(Layer):
    """``exp(x) / sum(exp(x))``: numbers from 0 to 1 that sum to 1.

    Args:
        axis: The axis or axes to sum over.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Softmax
        >>> Softmax()(np.array([[3.0, 3.0]])).tolist()
        [[0.5, 0.5]]
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = arguments.axes(self, axis)

    @property
    def batch_coupling(self) -> str:
        """Samples meet only if one of the axes is the batch's, or may be."""
        listed = self.axis if isinstance(self.axis, list) else [self.axis]
        return "none" if all(axis == -1 or axis > 0 for axis in listed) else "unknown"

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The softmax of the inputs.

        Args:
            inputs: An array.
            mask: What broadcasts to the inputs: where it is False, the result is 0.
        """
        inputs = ops.cast(inputs, self.compute_dtype)
        if mask is None:
            return ops.softmax(inputs, axis=self.axis)
        mask = ops.greater(ops.cast(mask, "float32"), 0.5)
        masked = ops.where(mask, inputs, _FAR_BELOW.get(self.compute_dtype, -1e9))
        return ops.where(mask, ops.softmax(masked, axis=self.axis), 0)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        return input_shape
