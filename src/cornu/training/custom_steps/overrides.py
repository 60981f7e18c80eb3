"""Which methods of a step a model overrides."""

from typing import Any

from cornu.training.step_methods import StepMethods, own_metrics

_METHODS = ("train_step", "test_step", "compute_loss", "compute_metrics", "get_metrics_result")


def overrides(model: StepMethods, method: str) -> bool:
    """Return whether the class of a model, or the model itself, overrides a method of ``StepMethods``."""
    found = getattr(model, method)
    return getattr(found, "__func__", found) is not getattr(StepMethods, method)


def is_custom(model: Any) -> bool:
    """Return whether a model has steps, losses or metrics of its own, so that its methods must be called in every step."""
    overrides_metrics = type(model).metrics is not StepMethods.metrics
    return overrides_metrics or any(overrides(model, method) for method in _METHODS) or bool(own_metrics(model))
