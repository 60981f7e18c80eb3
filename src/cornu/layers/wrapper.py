"""Base class of layers that wrap another layer."""

import inspect
from typing import Any, Unpack

from cornu import registry
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.typing import Shape
from cornu.validation import invalid_type

__all__ = ["Wrapper"]


def forwarded(name: str, description: str = "That of the layer inside.") -> Any:
    """Return a property that answers with an attribute of the layer inside, such as a trait (``cornu.core.layer_traits``)."""
    return property(lambda wrapper: getattr(wrapper.layer, name), doc=description)


@registry.register("layers")
class Wrapper(Layer):
    """Base class of layers that wrap another layer.

    Args:
        layer: Layer to wrap.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidTypeError: If ``layer`` is not a layer.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Dense, Wrapper
        >>> class Twice(Wrapper):
        ...     def call(self, inputs):
        ...         return 2 * self.layer(inputs)
        >>> Twice(Dense(3))(np.ones((2, 5))).shape
        (2, 3)
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.layer = check_layer(self, "layer", layer)

    def build(self, input_shape: Shape | None = None) -> None:
        """Build the wrapped layer."""
        if not self.layer.built:
            self.layer.build(input_shape)


# --- Helpers ----------------------------------------------------------------------------------------------------------


def accepted_arguments(layer: Layer, **arguments: Any) -> dict[str, Any]:
    """Return the arguments that are not None and that the ``call`` of the layer accepts."""
    parameters = inspect.signature(type(layer).call).parameters
    return {name: value for name, value in arguments.items() if value is not None and name in parameters}


def check_layer(wrapper: Layer, argument: str, layer: Layer | type) -> Any:
    """Return the argument of a wrapper, after checking that it is a layer."""
    if not isinstance(layer, Layer):
        raise invalid_type(wrapper, argument, layer, "a layer", "Pass, for example, `LSTM(32)`; if it is a class, call it.")
    return layer
