"""Declarations of a layer about itself, so that training and export do not depend on layer classes.

A layer author overrides the declarations that apply, as a class attribute, an attribute set in ``__init__``, or a property (a
function must be returned by a property, since Python would bind it as a method if it were a class attribute). Names that
begin with ``cornu_`` are reserved for Cornu; all other names that Keras does not use are available to subclasses.
"""

from collections.abc import Callable
from typing import Any

from cornu.core.layer_protocol import LayerGraph, LayerLike


class LayerTraits:
    """The declarations of a layer, with defaults for a layer that declares nothing.

    Example:
        >>> from cornu import layers
        >>> class Scrambled(layers.Layer):
        ...     cornu_preserves_value_range = True
        ...     def call(self, inputs):
        ...         return inputs[:, ::-1]
        >>> Scrambled().cornu_preserves_value_range, Scrambled().cornu_largest_index
        (True, None)
    """

    batch_coupling = "unknown"
    """How the layer couples the samples of a batch: ``"none"`` (each sample is processed independently), ``"masked"`` (samples
    interact, and samples marked as padding by the context's ``sample_mask`` are excluded) or ``"unknown"`` (batches are then
    neither padded nor split). ``"none"`` guarantees that no computation runs along the first axis and that its size is
    arbitrary, so that a batch may be trained a few samples at a time."""

    supports_masking = False
    """Whether the layer propagates the mask of its input to its output (see ``compute_mask``). True for classes that define
    ``compute_mask``."""

    supports_jit = True
    """Whether ``call`` can be compiled, as in Keras."""

    cornu_is_stateless = False
    """Whether the class creates no variables, so that its layers are built as soon as they are made. It does not hold for a
    subclass that defines ``build``."""

    cornu_runs_on_host = False
    """Whether ``call`` receives its inputs as they were passed, not as arrays of the engine of the layer. So do layers that
    compute in Python, such as those that take strings, of which most engines have no arrays."""

    cornu_takes_strings = False
    """Whether the input of ``call`` is an array of strings."""

    cornu_input_value_range: tuple[float, float] | None = None
    """The range that input values should lie in for good training, such as ``(-1, 1)`` for a layer with weights or
    ``(0, 255)`` for a layer that scales images; None if any range is suitable."""

    cornu_preserves_value_range = False
    """Whether output values lie in the range of the input values, as in layers that move, select, repeat or average values."""

    cornu_normalizes_values = False
    """Whether output values have a scale near 1 for inputs of any scale, as after batch normalization."""

    cornu_channel_axis: int | None = None
    """The axis of the input whose size is fixed by the weights of the layer; None if there is no such axis."""

    cornu_input_spec: Any = None
    """What the layer requires of its first argument: an ``InputSpec``, or a list or dict of them; None if it declares nothing.
    ``input_spec`` returns it unless that was set. It only describes: ``compute_output_shape`` raises the errors."""

    cornu_largest_index: int | None = None
    """The largest integer that the layer accepts if its inputs are indices, which start at 0; None if they are not indices."""

    cornu_output_activation: Callable | None = None
    """The activation function that computes the final output values; None if there is none or it is unknown."""

    cornu_first_call = 0
    """The number of the first call of the layer in ``output_layers`` of a config: 1 for functional models, as in Keras."""

    cornu_graph: LayerGraph | None = None
    """The graph of the layers inside, from its ``input_tensors`` to its ``output_tensors``; None for all layers but functional
    models."""

    @property
    def cornu_output_dtype(self: LayerLike) -> str:
        """Dtype of the output, which complements ``compute_output_shape``. Defaults to the compute dtype."""
        return self.compute_dtype
