"""What saving, loading and ``summary`` ask of a model: they stand below the class ``Model`` that calls them."""

from typing import Any, Protocol

from cornu.core.layer import Layer
from cornu.core.variable import Variable
from cornu.optimizers import Optimizer
from cornu.training.model_protocol import TrainableModel


class SavableModel(TrainableModel, Protocol):
    """A model with metadata and compile arguments."""

    meta: dict[str, Any]

    @property
    def layers(self) -> list[Layer]:
        """List of the layers."""
        ...

    @property
    def optimizer(self) -> Any:
        """The optimizer of a compiled model; an ``AttributeError`` if the model is not compiled."""
        ...

    @property
    def metrics_variables(self) -> list[Variable]:
        """List of the variables of the metrics."""
        ...

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of ``compile``, or None."""
        ...


def optimizer_of(model: SavableModel) -> Optimizer | None:
    """Return the optimizer of a model, or None if it has none."""
    found = getattr(model, "optimizer", None)
    return found if isinstance(found, Optimizer) else None
