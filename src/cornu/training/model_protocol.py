"""What training asks of a model."""

from collections.abc import Callable
from typing import Any, Protocol

from cornu.core.layer_protocol import LayerLike


class TrainableModel(LayerLike, Protocol):
    """A layer that also has the attributes that training sets, and can be called as a pure function of its variables."""

    stop_training: bool
    stop_evaluating: bool
    stop_predicting: bool
    history: Any  # a `History`, which stands above this module

    @property
    def stateless_call(self) -> Callable[..., tuple]:
        """The method from values of the variables and inputs to outputs and values of the variables."""
        ...
