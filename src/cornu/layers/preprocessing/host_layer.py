"""Base class of layers that compute on the host."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import backends
from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
from cornu.errors import BackendError
from cornu.layers.preprocessing.host_data import HostData, as_array
from cornu.typing import Array, Shape


class HostLayer(Layer):
    """Base class of layers that compute on the host, with Python and NumPy: no engine but TensorFlow has arrays of strings.

    A subclass defines ``compute_on_host(values)``, from a NumPy array to a NumPy array, and ``compute_output_shape``.

    Inputs are strings or numbers: NumPy arrays, lists, tables, or arrays of an engine. Outputs are arrays of the engine of the
    inputs, for data of no engine those of the engine of the layer; strings without TensorFlow are NumPy arrays of ``object``.
    In a function that TensorFlow traces, such as one passed to ``map`` of a ``tf.data`` dataset, the graph calls the layer
    when it runs. In compiled functions of other engines the layer cannot be used.
    """

    cornu_runs_on_host = True
    supports_jit = False

    def __call__(self, inputs: HostData, **kwargs: bool) -> Any:
        """Call the layer on data, which is not moved to an engine, or record the call on a symbolic tensor."""
        return super().__call__(self._as_arrays(inputs), **kwargs)

    def _as_arrays(self, inputs: HostData) -> Any:
        """Return the inputs as an array."""
        return as_array(inputs)

    def call(self, inputs: Array) -> Any:
        """Return :meth:`compute_on_host` of the inputs, as an array of their engine."""
        return self.on_host(self.compute_on_host, [inputs], self.compute_output_shape(tuple(inputs.shape)))

    def compute_on_host(self, values: np.ndarray) -> np.ndarray:
        """Return the outputs for a NumPy array; a subclass defines it."""
        raise NotImplementedError

    def on_host(
        self, function: Callable[..., np.ndarray], inputs: Sequence[Array], shape: Shape, dtype: str | None = None
    ) -> Any:
        """Return the result of a function of NumPy arrays for arrays, as an array of their engine.

        Args:
            function: Function of NumPy arrays to a NumPy array, the output of the layer.
            inputs: Sequence of arrays, or of tensors of a TensorFlow graph, which calls the function when it runs.
            shape: Shape of the output; None for a size that is not known.
            dtype: Dtype of the output. Defaults to ``cornu_output_dtype``.

        Raises:
            BackendError: If another engine than TensorFlow is tracing a function.
        """
        place, dtype = placement_of(self), dtype or self.cornu_output_dtype
        owners = [name for name in map(backends.owner, inputs) if name not in (None, "numpy")]
        name = owners[0] if owners else place.backend
        call_on_host = getattr(backends.get(name), "call_on_host", None)  # only of an engine that has arrays of strings
        if any(backends.home(value).is_traced(value) for value in inputs):
            if call_on_host is None:
                raise BackendError(
                    f"The layer {self.name!r} was called in a compiled function of the engine {name!r}.",
                    f"`{type(self).__name__}` computes on the host, in Python, which only TensorFlow can call from there.",
                    "Apply the layer to the data before it is passed to the model, or use the TensorFlow engine.",
                )
            return call_on_host(function, inputs, shape, dtype)
        result = function(*(backends.home(value).to_numpy(value) for value in inputs))
        if dtype == "string" and call_on_host is None:
            return result
        return backends.array_at(place if place.backend == name else backends.place(name), result, dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        return input_shape
