"""An attribute of a layer that holds an activation function."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cornu import activations
from cornu.core.layer_protocol import LayerLike
from cornu.typing import Activation


class ActivationAttribute:
    """Attribute that may be set to an activation function, its name or None, and is then a function: for None ``linear``.

    Reading it costs no more than reading any other attribute, since the class defines no ``__get__``.

    Example:
        >>> from cornu import layers
        >>> layer = layers.Dense(3, activation="relu")
        >>> layer.activation = None
        >>> layer.activation.__name__
        'linear'
    """

    if TYPE_CHECKING:

        def __get__(self, layer: object, owner: type) -> Callable: ...

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __set__(self, layer: LayerLike, value: Activation) -> None:
        vars(layer)[self.name] = activations.get(value)
