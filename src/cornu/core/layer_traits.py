"""What a layer declares about itself, so that training and export need to know no layer class.

A layer author overrides what applies, as a class attribute, an attribute set in ``__init__``, or a property (a function must
be returned by a property: as a class attribute Python would bind it). Names that begin with ``cornu_`` are reserved for
Cornu; every other name that Keras does not use is free for a subclass.
"""

from collections.abc import Callable
from typing import Any


class LayerTraits:
    """The declarations of a layer, with what holds for a layer of which nothing is known.

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
    """How samples of a batch meet: ``"none"`` (each is treated alone), ``"masked"`` (they meet, and those that the context's
    ``sample_mask`` marks as padding are left out), or ``"unknown"``: then batches are neither padded nor cut. ``"none"``
    promises that nothing goes along the first axis, whose size may be any: a batch may be trained a few samples at a time."""

    supports_masking = False
    """Whether the layer hands the mask of its input on to its output (see ``compute_mask``). A class that has a
    ``compute_mask`` of its own does."""

    cornu_input_value_range: tuple[float, float] | None = None
    """The range that input values should lie in for the layer to be trained well, such as ``(-1, 1)`` for a layer of weights
    or ``(0, 255)`` for one that scales images itself; None if any range will do."""

    cornu_preserves_value_range = False
    """Whether output values lie in the range of the input values: the layer moves, selects, repeats or averages values."""

    cornu_normalizes_values = False
    """Whether output values are of a scale near 1 whatever the scale of the input, as after batch normalization."""

    cornu_channel_axis: int | None = None
    """The axis of the input whose size the layer's weights fix; None if they fix none."""

    cornu_largest_index: int | None = None
    """The largest integer that the layer accepts if its inputs are indices, which begin at 0; None if they are not."""

    cornu_output_activation: Callable | None = None
    """The activation function that gives the output its final values; None if there is none or it is not known."""

    cornu_graph: Any = None
    """The graph of the layers inside, from its ``input_tensors`` to its ``output_tensors``; None for all but functional
    models."""

    compute_dtype: str

    @property
    def cornu_output_dtype(self) -> str:
        """The dtype of the output, of which ``compute_output_shape`` says only the shape; by default the compute dtype."""
        return self.compute_dtype
