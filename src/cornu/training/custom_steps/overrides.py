"""Which methods of a step a model overrides."""

from collections.abc import Callable
from typing import Any

from cornu import autograph
from cornu.core.structure_facts import structure_facts
from cornu.core.variable import values_of
from cornu.training.batch import pack_x_y_sample_weight
from cornu.training.custom_steps.state_checks import result_and_state
from cornu.training.custom_steps.styles import check_style, takes_state
from cornu.training.step_methods import StepMethods

_METHODS = ("train_step", "test_step", "compute_loss", "compute_metrics", "get_metrics_result")


def overrides(model: StepMethods, method: str) -> bool:
    """Return whether the class of a model, or the model itself, overrides a method of ``StepMethods``."""
    found = getattr(model, method)
    return getattr(found, "__func__", found) is not getattr(StepMethods, method)


def is_custom(model: Any) -> bool:
    """Return whether a model has steps, losses or metrics of its own, so that its methods must be called in every step."""
    return reason_for_custom_steps(model) is not None


def reason_for_custom_steps(model: StepMethods) -> str | None:
    """Return in words which step, loss or metric of its own a model has, or None if it has none."""
    own = [method for method in _METHODS if overrides(model, method)]
    if type(model).metrics is not StepMethods.metrics:
        own.append("metrics")
    if own:
        return f"`{type(model).__name__}.{own[0]}` replaces a part of the step, which receives whole batches"
    return "a metric is an attribute of it or of one of its layers" if structure_facts(model).metrics else None


def own_predict_step(model: StepMethods) -> Callable[[Any], Any] | None:
    """Return the ``predict_step`` of the user as a function from inputs to outputs, or None if it is not overridden."""
    if not overrides(model, "predict_step"):
        return None
    step = autograph.not_recorded(model.predict_step)
    if not takes_state(step):
        return lambda x: step(pack_x_y_sample_weight(x))
    check_style(model, "predict_step", takes_state=True)

    def outputs_of(x: Any) -> Any:
        state = values_of(model.trainable_variables), values_of(model.non_trainable_variables)
        name = f"{type(model).__name__}.predict_step"
        return result_and_state(name, step(state, pack_x_y_sample_weight(x)), "outputs")[0]

    return outputs_of
