"""Spectral normalization of the kernel of another layer."""

from typing import Any, Unpack

from cornu import ops, registry, validation
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError
from cornu.initializers import TruncatedNormal
from cornu.layers.wrapper import Wrapper, forwarded
from cornu.typing import Array, Shape

__all__ = ["SpectralNormalization"]


@registry.register("layers")
class SpectralNormalization(Wrapper):
    """Wrapper that divides the kernel of a layer by its largest singular value, to stabilize the training of GANs.

    In training, the layer inside computes with ``kernel / sigma``. ``sigma`` is estimated by ``power_iterations`` steps of::

        v = normalize(u @ transpose(w));  u = normalize(v @ w);  sigma = v @ w @ transpose(u)

    with the kernel as a matrix ``w`` of one column per unit or filter, and ``u`` kept in the weight ``vector_u``. A call with
    ``training=True`` stores the divided kernel. In ``fit``, as in Keras on JAX, the gradient passes through the division, and
    the optimizer updates the kernel as it was before it. Otherwise the layer computes with the kernel as it is stored.

    Source: Miyato et al., 2018, Spectral Normalization for Generative Adversarial Networks, https://arxiv.org/abs/1802.05957

    Args:
        layer: Layer with an attribute ``kernel`` or ``embeddings``.
        power_iterations: Positive integer, the number of steps in each call. Defaults to 1.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidTypeError: If ``layer`` is not a layer.
        InvalidArgumentError: If ``power_iterations`` is not a positive integer, or the layer has no such attribute.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> layer = layers.SpectralNormalization(layers.Dense(4), power_iterations=50)
        >>> y = layer(np.ones((2, 3)), training=True)
        >>> round(float(np.linalg.norm(layer.layer.kernel.numpy(), 2)), 3)
        1.0
    """

    batch_coupling = "masked"
    cornu_input_value_range = forwarded("cornu_input_value_range")
    cornu_largest_index = forwarded("cornu_largest_index")
    cornu_output_activation = forwarded("cornu_output_activation")
    cornu_output_dtype = forwarded("cornu_output_dtype")
    cornu_channel_axis = forwarded("cornu_channel_axis")

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Unpack[LayerArguments]):
        super().__init__(layer, **kwargs)
        self.power_iterations = validation.check_int(self, "power_iterations", power_iterations)
        self.autocast = False

    def build(self, input_shape: Shape | None = None) -> None:
        """Build the layer inside and create ``vector_u``."""
        super().build(input_shape)
        kernel: Variable | None = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if kernel is None:
            raise InvalidArgumentError(
                f"`SpectralNormalization` received the layer {self.layer.name!r}, a `{type(self.layer).__name__}`.",
                "It must have an attribute `kernel` or `embeddings`.",
                "Wrap, for example, a `Dense` or a `Conv2D`.",
            )
        self.kernel, self.kernel_shape = kernel, kernel.shape
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), TruncatedNormal(stddev=0.02), kernel.dtype, trainable=False, name="vector_u"
        )

    def call(self, inputs: Array, training: bool | None = None) -> Any:
        """Return the outputs of the layer inside."""
        if training:
            vector, kernel = self.normalized_weights()
            self.vector_u.assign(vector)
            self.kernel.assign(kernel)
        return self.layer(inputs)

    def normalized_weights(self) -> tuple[Any, Any]:
        """Return the next ``vector_u`` and the divided kernel; a kernel of zeros, which has no direction, is unchanged."""
        kernel = self.kernel.value
        w = ops.reshape(kernel, (-1, self.kernel.shape[-1]))
        fixed, u = ops.stop_gradient(w), self.vector_u.value
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(fixed)))
            u = ops.normalize(ops.matmul(v, fixed))
        sigma = ops.sum(ops.matmul(v, w) * u)
        is_zero = ops.all(ops.equal(fixed, 0))
        return ops.where(is_zero, self.vector_u.value, u), kernel / ops.where(is_zero, 1.0, sigma)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the output shape of the layer inside."""
        return self.layer.compute_output_shape(input_shape)
