"""Activation functions as layers, including one with trainable slopes."""

from typing import Any, Unpack

from cornu import activations, ops, registry, validation
from cornu.core.input_spec import InputSpec
from cornu.core.layer_config import LayerArguments
from cornu.errors import warn
from cornu.layers import shape_arithmetic
from cornu.layers.shape_preserving import ShapePreserving
from cornu.layers.weight_arguments import ActivatedLayer, add_described_weight, store_weight_arguments
from cornu.typing import Activation as ActivationArgument
from cornu.typing import Array, Constraint, Initializer, IntOrInts, Regularizer, Shape

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"]

_FAR_BELOW = {"float16": -3e4}
"""Finite substitute for minus infinity for a dtype; -1e9 for the others."""


class ElementwiseActivation(ShapePreserving):
    """Base class of elementwise activation layers; the shape is kept, the values are floats."""

    cornu_is_stateless = True

    def _floats(self, inputs: Array) -> Any:
        return ops.cast(inputs, self.compute_dtype)


@registry.register("layers")
class ReLU(ElementwiseActivation):
    """Rectified linear unit activation layer.

    The layer computes, elementwise::

        y = max_value                          if x >= max_value
        y = x                                  if threshold <= x < max_value
        y = negative_slope * (x - threshold)   otherwise

    which is ``y = max(x, 0)`` with the default arguments.

    Source: Nair and Hinton, 2010, Rectified Linear Units Improve Restricted Boltzmann Machines.

    Args:
        max_value: Non-negative float, the maximum output. Defaults to None (no maximum).
        negative_slope: Non-negative float, the slope below the threshold. Defaults to 0.
        threshold: Non-negative float, the threshold. Defaults to 0.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If an argument is negative.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ReLU
        >>> ReLU(max_value=6)(np.array([-1.0, 2.0, 9.0])).tolist()
        [0.0, 2.0, 6.0]
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else validation.check_nonnegative(self, "max_value", max_value)
        self.negative_slope = validation.check_nonnegative(self, "negative_slope", negative_slope)
        self.threshold = validation.check_nonnegative(self, "threshold", threshold)

    def call(self, inputs: Array) -> Any:
        """Return the activation of the inputs."""
        return activations.relu(
            self._floats(inputs), negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )


@registry.register("layers")
class LeakyReLU(ElementwiseActivation):
    """Leaky rectified linear unit activation layer.

    The layer computes, elementwise::

        y = x                    if x >= 0
        y = negative_slope * x   otherwise

    Source: Maas et al., 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models.

    Args:
        negative_slope: Non-negative float, the slope below 0. Defaults to 0.3.
        alpha: Deprecated name of ``negative_slope``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the slope is negative.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import LeakyReLU
        >>> LeakyReLU(0.5)(np.array([-4.0, 2.0])).tolist()
        [-2.0, 2.0]
    """

    def __init__(self, negative_slope: float = 0.3, *, alpha: float | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        if alpha is not None:
            warn("`LeakyReLU(alpha=...)`: the argument is called `negative_slope`; `alpha` is deprecated.")
            negative_slope = alpha
        self.negative_slope = validation.check_nonnegative(self, "negative_slope", negative_slope)

    def call(self, inputs: Array) -> Any:
        """Return the activation of the inputs."""
        return ops.leaky_relu(self._floats(inputs), negative_slope=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        """Return the config, in which the slope has its present name."""
        config = super().get_config() | {"negative_slope": self.negative_slope}
        config.pop("alpha", None)
        return config


@registry.register("layers")
class ELU(ElementwiseActivation):
    """Exponential linear unit activation layer.

    The layer computes, elementwise::

        y = x                      if x >= 0
        y = alpha * (exp(x) - 1)   otherwise

    Source: Clevert et al., 2015, Fast and Accurate Deep Network Learning by Exponential Linear Units,
    https://arxiv.org/abs/1511.07289

    Args:
        alpha: Float; the output approaches ``-alpha`` for large negative inputs. Defaults to 1.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ELU
        >>> ELU(2.0)(np.array([-100.0, 3.0])).tolist()
        [-2.0, 3.0]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Array) -> Any:
        """Return the activation of the inputs."""
        return ops.elu(self._floats(inputs), alpha=self.alpha)


@registry.register("layers")
class PReLU(ElementwiseActivation):
    """Parametric rectified linear unit activation layer, a leaky ReLU with trainable slopes.

    The layer computes, elementwise::

        y = x           if x > 0
        y = alpha * x   otherwise

    Its weight ``alpha`` has the shape of one sample, with size 1 for shared axes.

    Source: He et al., 2015, Delving Deep into Rectifiers, https://arxiv.org/abs/1502.01852

    Args:
        alpha_initializer: Initializer for the slopes. Defaults to ``"Zeros"``.
        alpha_regularizer: Regularizer applied to the slopes. Defaults to None.
        alpha_constraint: Constraint applied to the slopes after each optimizer update. Defaults to None.
        shared_axes: List of the axes along which the slope is shared, such as ``[1, 2]`` for one slope per channel of an image.
            Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a shared axis does not exist, or is the batch axis.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import PReLU
        >>> layer = PReLU("ones", shared_axes=[1, 2])
        >>> layer(np.ones((1, 4, 4, 3))).shape, layer.alpha.shape
        ((1, 4, 4, 3), (1, 1, 3))
    """

    def __init__(
        self,
        alpha_initializer: Initializer = "Zeros",
        alpha_regularizer: Regularizer = None,
        alpha_constraint: Constraint = None,
        shared_axes: IntOrInts | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        store_weight_arguments(self, "alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        listed = shared_axes if shared_axes is None or isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes = None if listed is None else validation.check_axes(self, listed, "shared_axes")

    @property
    def cornu_input_spec(self) -> InputSpec | None:  # type: ignore[override]
        """The axes that have slopes of their own."""
        rank, shared = len(self._cornu.input_shapes or ()), self.shared_axes or ()
        return shape_arithmetic.built_input_spec(self, *(axis for axis in range(1, rank) if axis not in shared and shared))

    def build(self, input_shape: Shape) -> None:
        """Create the slopes."""
        shape = self._alpha_shape(input_shape)
        for axis in range(1, len(input_shape)):
            if shape[axis - 1] is None:
                shape_arithmetic.check_size(self, input_shape, axis, None, "places")
        self.alpha = add_described_weight(self, "alpha", shape)

    def _alpha_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis < len(input_shape):
                expected = f"`shared_axes` must be of its axes without the batch axis, 1 to {len(input_shape) - 1}."
                raise shape_arithmetic.shape_error(self, input_shape, expected, "Remove the other axes from `shared_axes`.")
            shape[axis - 1] = 1
        return tuple(shape)

    def call(self, inputs: Array) -> Any:
        """Return ``x`` where it is positive, and ``alpha * x`` elsewhere."""
        inputs = self._floats(inputs)
        return ops.where(ops.greater(inputs, 0), inputs, self.alpha * inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        if self.built and self._alpha_shape(input_shape) != self.alpha.shape:
            alpha = self.alpha.shape
            advice = "Share the slopes along axes of variable size with `shared_axes`, or create a new layer."
            raise shape_arithmetic.shape_error(self, input_shape, f"It was built with slopes of shape {alpha}.", advice)
        return input_shape


@registry.register("layers")
class Softmax(ShapePreserving):
    """Softmax activation layer: ``y = exp(x) / sum(exp(x))``, with the sum over the given axes.

    The outputs are in [0, 1] and sum to 1.

    Args:
        axis: Integer or list of integers, the axis or axes along which the softmax is computed. Defaults to -1.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Softmax
        >>> Softmax()(np.array([[3.0, 3.0]])).tolist()
        [[0.5, 0.5]]
    """

    cornu_is_stateless = True

    def __init__(self, axis: IntOrInts = -1, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.axis = validation.check_axes(self, axis)

    @property
    def batch_coupling(self) -> str:  # type: ignore[override]
        """Samples are coupled only if one of the axes is, or may be, the batch axis."""
        listed = self.axis if isinstance(self.axis, list) else [self.axis]
        return "none" if all(axis == -1 or axis > 0 for axis in listed) else "unknown"

    @property
    def cornu_output_activation(self) -> Any:
        """The op ``softmax``."""
        return activations.softmax

    def call(self, inputs: Array, mask: Array | None = None) -> Any:
        """Return the softmax of the inputs.

        Args:
            inputs: Array.
            mask: Array that broadcasts to the inputs; the output is 0 where it is False. Defaults to None.

        Raises:
            ShapeError: If the mask cannot be broadcast to the inputs.
        """
        inputs = ops.cast(inputs, self.compute_dtype)
        if mask is None:
            return ops.softmax(inputs, axis=self.axis)
        shape, given = tuple(inputs.shape), tuple(mask.shape)
        sizes = zip(reversed(given), reversed(shape), strict=False)
        if len(given) > len(shape) or any(size not in (1, expected) for size, expected in sizes):
            expected = "The mask must broadcast to the input: counted from the last axis, each size is 1 or that of the input."
            advice = "Reshape the mask, for example with `mask[..., None]` for a mask of time steps."
            raise shape_arithmetic.mask_error(self, shape, given, expected, advice)
        mask = ops.greater(ops.cast(mask, "float32"), 0.5)
        masked = ops.where(mask, inputs, _FAR_BELOW.get(self.compute_dtype, -1e9))
        return ops.where(mask, ops.softmax(masked, axis=self.axis), 0)


@registry.register("layers")
class Activation(ActivatedLayer):
    """Layer that applies an activation function: ``y = activation(x)``.

    The output has the shape of the input.

    Args:
        activation: Activation function, as a name such as ``"relu"`` or a callable.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Activation
        >>> Activation("relu")(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    supports_masking = True
    cornu_is_stateless = True

    def __init__(self, activation: ActivationArgument, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.activation = activation

    def call(self, inputs: Array) -> Any:
        """Return the activation function of the inputs."""
        return self.activation(inputs)
