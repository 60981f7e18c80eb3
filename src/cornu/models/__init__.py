"""Models: ``Model``, ``Sequential``, saving, loading and cloning."""

from cornu import registry
from cornu.models.cloning import clone_model
from cornu.models.load import load_model, model_from_json
from cornu.models.model import Model
from cornu.models.save import save_model
from cornu.models.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

registry.register("models", [Sequential])
registry.register("models", [Model], keras_path=("keras.src.models.functional", "Functional"))
