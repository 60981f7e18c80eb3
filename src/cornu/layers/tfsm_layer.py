"""A SavedModel of TensorFlow as a layer. TensorFlow is imported only when one is created."""

from os import PathLike, fspath
from typing import Any

from cornu import registry
from cornu.errors import InvalidArgumentError
from cornu.layers.foreign_layer import ForeignLayer
from cornu.typing import DType, Tree

__all__ = ["TFSMLayer"]


@registry.register("layers")
class TFSMLayer(ForeignLayer):
    """Layer that computes by a function of a SavedModel. It must be on the backend ``"tensorflow"``.

    A SavedModel contains code: read only those that you trust. The layer is for inference: the function reads variables of its
    own, so that the layer has no weights, and training a model with it trains the other layers only.

    Args:
        filepath: Path of the folder of the SavedModel.
        call_endpoint: Name of the function to call. Defaults to ``"serve"``, as ``model.export`` names it; others may have
            ``"serving_default"``.
        call_training_endpoint: Name of the function to call in training. Defaults to that of ``call_endpoint``.
        trainable: Accepted for compatibility with Keras; the layer has no weights.
        name: Name of the layer. Defaults to None (an automatic name).
        dtype: Dtype or dtype policy of the layer. Defaults to the global policy.

    Raises:
        InvalidArgumentError: If there is no such function.
        BackendError: If, when called, the layer is on another backend.

    Example:
        >>> import cornu  # doctest: +SKIP
        >>> cornu.layers.TFSMLayer("exported")(np.ones((1, 4), "float32")).shape  # doctest: +SKIP
        (1, 3)
    """

    cornu_engine, cornu_wraps = "tensorflow", "a SavedModel"

    def __init__(
        self,
        filepath: str | PathLike,
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: DType = None,
    ):
        import tensorflow as tf

        super().__init__(trainable=trainable, name=name, dtype=dtype)
        self.filepath, self.call_endpoint = fspath(filepath), call_endpoint
        self.call_training_endpoint = call_training_endpoint
        self._loaded = tf.saved_model.load(self.filepath)
        self._function = self._find("call_endpoint", call_endpoint)
        self._training_function = self._function
        if call_training_endpoint is not None:
            self._training_function = self._find("call_training_endpoint", call_training_endpoint)
        self.built = True
        self.to_backend("tensorflow")

    def _find(self, argument: str, endpoint: str) -> Any:
        found = getattr(self._loaded, endpoint, None) or self._loaded.signatures.get(endpoint)
        if found is None:
            raise InvalidArgumentError(
                f"`TFSMLayer` received `{argument}={endpoint!r}`.",
                f"The SavedModel {self.filepath!r} has no such function. Its signatures are {sorted(self._loaded.signatures)}.",
                f"Pass one of them as `{argument}`.",
            )
        return found

    def call(self, inputs: Tree, training: bool | None = False) -> Any:
        """Return what the function of the SavedModel returns."""
        self._check_engine()
        return self._training_function(inputs) if training else self._function(inputs)
