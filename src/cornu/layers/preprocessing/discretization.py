"""Layer that puts numbers into bins."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import ops, registry, validation
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError, NotBuiltError
from cornu.layers.preprocessing import host_data
from cornu.layers.preprocessing.output_modes import check_output_mode, encode_array, encoded_shape
from cornu.typing import Array, CustomObjects, Shape

__all__ = ["Discretization"]


@registry.register("layers")
class Discretization(Layer):
    """Layer that maps numbers to the indices of the bins between boundaries.

    The boundaries ``[b0, b1]`` stand for the bins ``(-inf, b0)``, ``[b0, b1)`` and ``[b1, inf)``. They are passed, or computed
    by :meth:`adapt` so that the bins contain about the same number of values.

    Input shape: any. Output shape: that of the inputs, for other modes than ``"int"`` see ``output_mode``.

    Args:
        bin_boundaries: Sequence of floats in ascending order. Defaults to None (computed by :meth:`adapt`).
        num_bins: Integer, number of bins that :meth:`adapt` makes. Either this or ``bin_boundaries`` must be given. Defaults to
            None.
        epsilon: Float, tolerance of the quantiles that :meth:`adapt` computes: it keeps about ``1 / epsilon`` values. Defaults
            to 0.01.
        output_mode: ``"int"`` (the indices), ``"one_hot"``, ``"multi_hot"`` (for each sample, the last axis, 1 at each of its
            indices) or ``"count"`` (how often each index occurs in a sample). Defaults to ``"int"``.
        sparse: Must be False: Cornu has no sparse arrays. Defaults to False.
        dtype: Dtype of the output, for ``"int"`` if it is an integer dtype, else ``"int32"``. Defaults to the global policy.
        name: Name of the object. Defaults to a name derived from the class.

    Raises:
        InvalidArgumentError: If none or both of ``bin_boundaries`` and ``num_bins`` are given, or they are out of range.
        NotBuiltError: If the layer is called before it has boundaries.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Discretization
        >>> Discretization(bin_boundaries=[0.0, 1.0, 2.0])(np.array([[-1.5, 1.0, 3.4, 0.5]])).tolist()
        [[0, 2, 3, 1]]
    """

    batch_coupling = "none"

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: str | None = None,
        name: str | None = None,
    ):
        super().__init__(dtype=dtype, name=name)
        if (bin_boundaries is None) == (num_bins is None):
            raise InvalidArgumentError(
                f"`Discretization` received {'neither' if num_bins is None else 'both'} `bin_boundaries` and `num_bins`.",
                "Exactly one of the two must be given.",
                "Pass `num_bins` and call `adapt(data)`, or pass the boundaries.",
            )
        self.num_bins = None if num_bins is None else validation.check_int(self, "num_bins", num_bins)
        self.bin_boundaries = self._checked(bin_boundaries)
        self._is_fixed = bin_boundaries is not None
        self.epsilon, self.sparse = validation.check_between(self, "epsilon", epsilon, without=(0, 1)), sparse
        self.output_mode = check_output_mode(self, output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)
        self.autocast = False  # half precision would move values to other bins
        self.reset_state()

    def _checked(self, boundaries: Sequence[float] | None) -> list[float] | None:
        """Return boundaries as floats, or raise ``InvalidArgumentError`` if they are not in ascending order."""
        if boundaries is None:
            return None
        values = host_data.to_host(boundaries)
        if values.ndim != 1 or values.dtype.kind not in "iuf" or (np.diff(values) < 0).any():
            raise validation.invalid_value(self, "bin_boundaries", boundaries, "numbers in ascending order", [0.0, 1.0])
        return [float(value) for value in values]

    def adapt(self, data: host_data.AdaptData, steps: int | None = None) -> None:
        """Compute boundaries from quantiles of data; those of an earlier call are replaced.

        Args:
            data: Array, list, or an iterable of batches, such as a ``tf.data`` dataset or a generator.
            steps: Integer, number of batches to take. Defaults to None (all).

        Raises:
            InvalidArgumentError: If the layer was created with ``bin_boundaries``.
            InvalidTypeError: If the data is not numeric.
            DataError: If the data is empty. The boundaries are then unchanged.
        """
        if self._is_fixed:
            reason = "It was created with `bin_boundaries`, which `adapt` would compute."
            raise host_data.adapt_refused(self, reason, "Create it with `num_bins` instead.")
        host_data.learn(self, host_data.batches_of(self, data, steps))

    def update_state(self, data: host_data.HostData) -> None:
        """Add a batch to the summary of the data: every so many values of the sorted batch, with their weights."""
        values = host_data.to_host(data)
        host_data.check_numeric(self, values)
        if not values.size:
            return
        ordered, step = np.sort(values.astype("float32"), axis=None), max(values.size * self.epsilon, 1.0)
        chosen = ordered[int(step) - 1 :: int(step)]
        both = np.concatenate([self._summary, [chosen, np.full(len(chosen), step)]], axis=1)
        self._summary = _compressed(both[:, np.argsort(both[0], kind="stable")], self.epsilon)

    def finalize_state(self) -> None:
        """Compute the boundaries from the summary of the data seen so far."""
        if self.num_bins is not None and self._summary.size:
            quantiles = _compressed(self._summary, 1.0 / self.num_bins)[0]
            self.bin_boundaries = quantiles[:-1].astype("float32").tolist()

    def reset_state(self) -> None:
        """Forget the data seen so far."""
        self._summary = np.zeros((2, 0))

    @property
    def cornu_output_dtype(self) -> str:
        """``"int32"`` for indices unless the dtype of the layer is another integer dtype, else the compute dtype."""
        dtype = self.compute_dtype
        return "int32" if self.output_mode == "int" and not validation.is_int_dtype(dtype) else dtype

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> Any:
        """Create a layer from a config; one of a layer that learned boundaries contains both them and ``num_bins``."""
        if config.get("num_bins") is None:
            return super().from_config(config, custom_objects)
        layer = super().from_config({**config, "bin_boundaries": None}, custom_objects)
        layer.bin_boundaries = layer._checked(config.get("bin_boundaries"))
        return layer

    def get_config(self) -> dict[str, Any]:
        """Return the config, with learned boundaries and without ``trainable``, which Keras's constructor does not accept."""
        config = {**super().get_config(), "bin_boundaries": self.bin_boundaries}
        return {name: value for name, value in config.items() if name != "trainable"}

    def __call__(self, inputs: host_data.HostData, **kwargs: bool) -> Any:
        """Call the layer on arrays or lists, or record the call on a symbolic tensor."""
        return super().__call__(host_data.as_array(inputs), **kwargs)

    def call(self, inputs: Array) -> Any:
        """Return the indices of the bins, in the output mode."""
        if self.bin_boundaries is None:
            raise NotBuiltError(
                f"The layer {self.name!r} was called before it had boundaries.",
                "`Discretization` needs them to choose bins.",
                "Call `adapt(data)` on the training data first, or pass `bin_boundaries`.",
            )
        indices = ops.digitize(ops.cast(inputs, "float32"), np.array(self.bin_boundaries, "float32"))
        return encode_array(indices, self.output_mode, len(self.bin_boundaries) + 1, self.cornu_output_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output in the output mode."""
        boundaries = self.bin_boundaries
        depth = self.num_bins if boundaries is None else len(boundaries) + 1
        return encoded_shape(tuple(input_shape), self.output_mode, depth)


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """Return a weighted sample with about ``1 / epsilon`` values that has the same quantiles.

    Args:
        summary: Array of shape ``(2, n)``, values in ascending order and their weights.
        epsilon: Distance of the quantiles to keep.
    """
    if summary.shape[1] * epsilon < 1:
        return summary
    quantiles = epsilon + np.arange(0.0, 1.0, epsilon)
    sums = np.cumsum(summary[1])
    values, weights = (np.interp(quantiles, sums / sums[-1], row) for row in (summary[0], sums))
    return np.stack([values, np.diff(weights, prepend=0.0)])
