"""Layer that normalizes features by the mean and variance of data."""

import math
from typing import Any, Unpack

import numpy as np

from cornu import config, ops, registry, validation
from cornu.core.layer_config import LayerArguments
from cornu.core.layer_placement import placement_of
from cornu.errors import InvalidArgumentError, NotBuiltAttributeError, ShapeError
from cornu.layers.preprocessing import host_data
from cornu.layers.shape_arithmetic import shape_error
from cornu.layers.shape_preserving import ShapePreserving
from cornu.typing import Array, ArrayLike, Axis, Shape

__all__ = ["Normalization"]


@registry.register("layers")
class Normalization(ShapePreserving):
    """Layer that normalizes features by constants: ``y = (x - mean) / max(sqrt(variance), epsilon)``.

    ``mean`` and ``variance`` are arguments, or are computed from data by :meth:`adapt` and then stored as weights.

    Args:
        axis: Integer, tuple of integers or None, the axis or axes whose indices have a mean and a variance of their own; None
            for one mean and variance of all values. Defaults to -1.
        mean: Float, or array-like that broadcasts to the shape of ``axis``. Defaults to None (computed by :meth:`adapt`).
        variance: As ``mean``; both or none must be given. Defaults to None.
        invert: Whether to compute the inverse, ``y = x * max(sqrt(variance), epsilon) + mean``. Defaults to False.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If only one of ``mean`` and ``variance`` is given, or an axis does not exist.
        ShapeError: If an axis of ``axis`` has no fixed size, or ``mean`` does not broadcast.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Normalization
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
        >>> layer(np.array([[0.0, 10.0]])).tolist()
        [[-1.0, 2.0]]
    """

    cornu_input_value_range = None
    cornu_normalizes_values = True

    def __init__(
        self,
        axis: Axis = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        invert: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        axes = () if axis is None else validation.check_axes(self, axis)
        self.axis = tuple(axes) if isinstance(axes, (list, tuple)) else (axes,)
        if (mean is None) != (variance is None):
            raise InvalidArgumentError(
                f"`Normalization` received {'`variance` without `mean`' if mean is None else '`mean` without `variance`'}.",
                "Both or none must be given.",
                "Pass both, or call `adapt(data)` to compute them.",
            )
        self.invert = invert
        self.input_mean, self.input_variance = mean, variance
        self._given = None if mean is None or variance is None else (host_data.to_host(mean), host_data.to_host(variance))

    def build(self, input_shape: Shape) -> None:
        """Create the weights, or broadcast ``mean`` and ``variance`` to the shape of the axes."""
        kept = self._kept_axes(tuple(input_shape))
        shape = tuple(kept.values())
        self._broadcast_shape = tuple(kept.get(axis, 1) for axis in range(len(input_shape)))
        if self._given is None:
            self.adapt_mean = self.add_weight(shape, "zeros", name="mean", trainable=False)
            self.adapt_variance = self.add_weight(shape, "ones", name="variance", trainable=False)
            self.count = self.add_weight((), "zeros", "int32", name="count", trainable=False)
            return
        try:
            self._constants = tuple(np.broadcast_to(value, shape).reshape(self._broadcast_shape) for value in self._given)
        except ValueError:
            raise ShapeError(
                f"`Normalization` received `mean` of shape {self._given[0].shape} and `variance` of shape "
                f"{self._given[1].shape}.",
                f"They must broadcast to the shape {shape} of the axes {self.axis}.",
                "Pass one value for each index of these axes.",
            ) from None

    def _kept_axes(self, shape: Shape) -> dict[int, int]:
        """Return the axes that have means of their own, in ascending order, with their sizes."""
        rank = len(shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            advice = "Pass an axis that exists, or `axis=None` for one mean of all values."
            raise shape_error(self, shape, f"It must have the axes of `axis={self.axis}`.", advice)
        kept = sorted(axis % rank for axis in self.axis)
        sizes = {axis: size for axis in kept if (size := shape[axis]) is not None}
        if len(sizes) < len(kept):
            expected = f"The sizes of the axes of `axis={self.axis}` must be known, so the batch axis cannot be one of them."
            advice = "Pass `axis=None` for one mean of all values, or reshape the inputs to `(batch, features)`."
            raise shape_error(self, shape, expected, advice)
        return sizes

    def adapt(self, data: host_data.AdaptData) -> None:
        """Compute the mean and variance of data, in ``float64``; those of an earlier call are replaced.

        Args:
            data: Array, list, or an iterable of batches, such as a ``tf.data`` dataset or a generator.

        Raises:
            InvalidArgumentError: If the layer was created with ``mean`` and ``variance``.
            InvalidTypeError: If the data is not numeric.
            DataError: If the data is empty.
        """
        if self._given is not None:
            reason = "It was created with `mean` and `variance`, which `adapt` would compute."
            raise host_data.adapt_refused(self, reason, "Omit one of the two.")
        total = (0, np.zeros(()), np.zeros(()))
        for batch in host_data.batches_of(self, data):
            total = self._with_batch(total, batch)
        count, mean, deviations = total
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(deviations / count)

    def finalize_state(self) -> None:
        """Do nothing: :attr:`mean` and :attr:`variance` are those of the weights at all times."""

    def _with_batch(self, total: tuple[int, np.ndarray, np.ndarray], batch: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
        """Return the number of values, their mean and the sum of their squared deviations, after another batch.

        Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
        """
        host_data.check_numeric(self, batch)
        if not self.built:
            self.build((None, *batch.shape[1:]))
        if not batch.size:
            return total
        kept = self._kept_axes((None, *batch.shape[1:]))
        reduced = tuple(axis for axis in range(batch.ndim) if axis not in kept)
        values = batch.astype("float64")
        own_count = batch.size // math.prod(kept.values())
        own_mean, own_variance = values.mean(axis=reduced), values.var(axis=reduced)
        count, mean, deviations = total
        change, whole = own_mean - mean, count + own_count
        deviations = deviations + own_variance * own_count + change**2 * (count * own_count / whole)
        return whole, mean + change * (own_count / whole), deviations

    @property
    def mean(self) -> Any:
        """The means, an array that broadcasts to the inputs."""
        return self._constant(0)

    @property
    def variance(self) -> Any:
        """The variances, an array that broadcasts to the inputs."""
        return self._constant(1)

    def _constant(self, number: int) -> Any:
        if not self.built:
            raise NotBuiltAttributeError(
                f"The mean and variance of the layer {self.name!r} were requested.",
                "It has them once the shape of its inputs is known.",
                "Call `adapt(data)`, or the layer, first.",
            )
        if self._given is None:
            return ops.reshape((self.adapt_mean, self.adapt_variance)[number], self._broadcast_shape)
        return ops.convert_to_tensor(self._constants[number], "float32", backend=placement_of(self).backend)

    def __call__(self, inputs: host_data.HostData, **kwargs: bool) -> Any:
        """Call the layer on arrays or lists, or record the call on a symbolic tensor."""
        return super().__call__(host_data.as_array(inputs), **kwargs)

    def call(self, inputs: Array) -> Any:
        """Return the normalized inputs, or for ``invert=True`` those that the inputs are the normalized form of."""
        own = self._broadcast_shape
        if any(a != 1 and b not in (1, None, a) for a, b in zip(reversed(own), reversed(tuple(inputs.shape)), strict=False)):
            expected = f"`Normalization` has means and variances of the shape {own}, which must broadcast to the inputs."
            advice = "Pass inputs with the features that it was adapted or built for, or adapt a new layer."
            raise shape_error(self, tuple(inputs.shape), expected, advice)
        dtype = self.compute_dtype
        x, mean, variance = (ops.cast(value, dtype) for value in (inputs, self.mean, self.variance))
        scale = ops.maximum(ops.sqrt(variance), config.epsilon())
        return x * scale + mean if self.invert else (x - mean) / scale

    def get_config(self) -> dict[str, Any]:
        """Return the config, with ``mean`` and ``variance`` as lists."""
        mean, variance = (None, None) if self._given is None else (value.tolist() for value in self._given)
        return {**super().get_config(), "axis": list(self.axis), "mean": mean, "variance": variance}
