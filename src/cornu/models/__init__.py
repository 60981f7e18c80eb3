"""Models: layers that are made of layers, and can be trained."""

from cornu import registry
from cornu.models.model import Model
from cornu.models.sequential import Sequential

__all__ = ["Model", "Sequential"]

registry.allow("models", [Sequential])
registry.allow("models", [Model], written_as=("keras.src.models.functional", "Functional"))
