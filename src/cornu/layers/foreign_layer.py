"""Base class of layers that compute by code of one engine, which no file may hold."""

from typing import Any

from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
from cornu.errors import BackendError, UnsafeModelError
from cornu.serialization import serialize
from cornu.typing import CustomObjects


class ForeignLayer(Layer):
    """Base class of the layers that wrap what was written for one engine.

    Attributes:
        cornu_engine: Name of the backend that the layer must be on.
        cornu_wraps: What the layer holds, such as ``"a function of JAX"``.
    """

    cornu_engine = ""
    cornu_wraps = ""

    def _check_engine(self) -> None:
        """Raise a :class:`BackendError` if the layer is on another backend."""
        if placement_of(self).backend != self.cornu_engine:
            raise BackendError(
                f"The layer {self.name!r} holds {self.cornu_wraps} and is on the backend {placement_of(self).backend!r}.",
                f"It computes on the backend {self.cornu_engine!r} alone.",
                f"Move the model: `model.to_backend({self.cornu_engine!r})`.",
            )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the base class: no file can hold the others."""
        return {"name": self.name, "trainable": self.trainable, "dtype": serialize(self.dtype_policy)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> Layer:
        """Raise an :class:`UnsafeModelError`: loading a file reads only data."""
        raise UnsafeModelError(
            f"The config names a `{cls.__name__}`, {config.get('name')!r}, which holds {cls.cornu_wraps}.",
            "It cannot be created from a config: that would need code, or another file, and loading reads only data.",
            "Build the model in Python, and read its weights with `model.load_weights(path)`.",
        )
