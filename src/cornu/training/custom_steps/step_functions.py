"""The functions that ``make_train_function`` and its siblings set, which a subclass of ``Model`` may replace by its own."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from cornu import backends, config, trees
from cornu.backends import engine_variables
from cornu.core.binding import bindings
from cornu.core.layer_placement import placement_of
from cornu.core.variable import Variable, values_of
from cornu.errors import InvalidTypeError
from cornu.training.batch import Batch, BatchIndices, pack_x_y_sample_weight, sample_count, spec_of, unpack_x_y_sample_weight
from cornu.training.compile_state import TrainingSetup
from cornu.training.custom_steps.state_checks import arrays_of_state, result_and_state
from cornu.training.custom_steps.styles import FUNCTIONAL_ENGINE
from cornu.training.predict_function import PredictFunction
from cornu.training.step.train_state import StateSync
from cornu.training.step_methods import StepMethods
from cornu.typing import Tree

Kind: TypeAlias = Literal["train", "test", "predict"]
"""What a function does; its attribute of the model is named ``train_function`` and so on."""


class StepFunction:
    """A step on one batch, in the form that it has in Keras on the engine of the model.

    On JAX it is called as ``function(state, iterator)`` and returns ``(logs, state)``. The state has lists of the values of the
    trainable variables, the non-trainable variables, those of the optimizer (in training only) and those of the metrics. On
    other engines it is called with an iterator of batches, or a list of one, changes the variables, and returns the logs.

    Args:
        model: The model.
        kind: Whether it is a step of training or of evaluation.
    """

    def __init__(self, model: "StepFunctionMethods", kind: Kind):
        self._model, self._kind = model, kind

    def __call__(self, *args: Any) -> Any:
        """Run the step: ``function(state, iterator)`` on JAX, ``function(iterator)`` on other engines."""
        training = self._kind == "train"
        run, state_sync = self._prepared(args[-1], training)
        state = state_sync.pull()
        if len(args) == 1:
            after, result = run(state)
            state_sync.push(after)
            return result.logs
        trainable, non_trainable, *optimizer, metrics = map(list, args[0])
        state = state._replace(trainable=trainable, non_trainable=non_trainable, optimizer=optimizer[0] if training else [])
        after, result = run(state._replace(metrics=[*metrics, *state.metrics[len(metrics) :]]))
        own = after.trainable, after.non_trainable, *([after.optimizer] if training else []), after.metrics[: len(metrics)]
        return result.logs, own

    def _prepared(self, batches: Iterable[Tree], training: bool) -> tuple[Callable, StateSync]:
        """Return the compiled step for the next batch, as a function of the state, and what reads and writes the state."""
        place = placement_of(self._model)
        data = trees.map(lambda array: backends.array_at(place, array), unpack_x_y_sample_weight(next(iter(batches))))
        batch = Batch(data[0], data[1], data[2], None)
        spec, only_batch = spec_of(batch), trees.map(lambda array: array[None], batch)
        steps = self._model._cornu_steps_of_methods()
        steps.ensure_built(spec, sample_count(batch))
        function = (steps.train_function if training else steps.test_function)(spec)
        return lambda state: function(state, only_batch, BatchIndices(None, None), 0, 1), steps.state_sync(training)


class PredictStepFunction:
    """The prediction for one batch, in the form that it has in Keras on the engine of the model.

    On JAX it is called as ``function(state, iterator)`` and returns ``(outputs, state)``. The state has lists of the values of
    the trainable and of the non-trainable variables. On other engines it is called with a list of one batch.

    Args:
        model: The model.
    """

    def __init__(self, model: "StepFunctionMethods"):
        self._model = model

    def __call__(self, *args: Any) -> Any:
        """Return the outputs: ``function(state, iterator)`` on JAX, ``function(data)`` on other engines."""
        model = self._model
        x, _, _ = unpack_x_y_sample_weight(next(iter(args[-1])))
        x = trees.map(lambda array: backends.array_at(placement_of(model), array), x)
        if len(args) == 1:
            return model._cornu_forward_function(x)
        groups = model.trainable_variables, model.non_trainable_variables
        bound = bindings(groups, args[0])
        outputs, changed = model._cornu_forward_function.stateless(bound, x)
        return outputs, tuple([changed.get(id(variable), bound[id(variable)]) for variable in group] for group in groups)


class StepFunctionMethods(StepMethods):
    """The methods of :class:`cornu.Model` that make the functions of its steps, and the attributes that they set.

    Attributes:
        train_function: Function of one training step, set by :meth:`make_train_function`; None before.
        test_function: Function of one evaluation step, set by :meth:`make_test_function`; None before.
        predict_function: Function of the prediction for a batch, set by :meth:`make_predict_function`; None before.
    """

    _cornu_is_base = True
    train_function: Callable | None
    test_function: Callable | None
    predict_function: Callable | None

    def make_train_function(self, force: bool = False) -> Any:
        """Set :attr:`train_function` to a function of one training step, unless it is set. ``fit`` calls this method.

        A subclass may override it to set another function, of the form in which Keras calls it on the engine of the model: on
        JAX ``function(state, iterator)``, which returns ``(logs, state)`` (see :meth:`train_step`); on TensorFlow
        ``function(iterator)``; on PyTorch ``function(data)`` with a list of one batch. It is then called for each step.

        Args:
            force: Whether to replace a function that is set. Defaults to False.

        Returns:
            The function.

        Example:
            >>> import numpy as np
            >>> import cornu
            >>> class Counts(cornu.Sequential):
            ...     calls = 0
            ...     def make_train_function(self, force=False):
            ...         super().make_train_function(force)
            ...         step = self.train_function
            ...         def function(*args):
            ...             self.calls += 1
            ...             return step(*args)
            ...         self.train_function = function
            >>> model = Counts([cornu.Input((2,)), cornu.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> _ = model.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=4, verbose=0)
            >>> model.calls
            2
        """
        if self.train_function is None or force:
            self.train_function = StepFunction(self, "train")
        return self.train_function

    def make_test_function(self, force: bool = False) -> Any:
        """Set :attr:`test_function` to a function of one evaluation step, unless it is set. ``evaluate`` calls this method.

        Args:
            force: Whether to replace a function that is set. Defaults to False.

        Returns:
            The function.
        """
        if self.test_function is None or force:
            self.test_function = StepFunction(self, "test")
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Any:
        """Set :attr:`predict_function` to a function of the prediction for a batch, unless it is set. ``predict`` calls it.

        Args:
            force: Whether to replace a function that is set. Defaults to False.

        Returns:
            The function.
        """
        if self.predict_function is None or force:
            self.predict_function = PredictStepFunction(self)
        return self.predict_function

    def _cornu_steps_of_methods(self) -> TrainingSetup:
        """Return what trains the model by the methods of its steps, whatever function replaces :attr:`train_function`."""
        raise NotImplementedError

    @property
    def _cornu_forward_function(self) -> PredictFunction:
        """The compiled prediction function, whatever function replaces :attr:`predict_function`."""
        raise NotImplementedError


def replaced_function(model: StepFunctionMethods, kind: Kind) -> Callable | None:
    """Return the function of the user for a kind of steps, or None if the model has none.

    Raises:
        InvalidTypeError: If it is not a function of the form that the engine of the model requires.
    """
    function = getattr(model, f"{kind}_function")
    if isinstance(function, (StepFunction, PredictStepFunction)):
        return None
    is_functional = placement_of(model).backend == FUNCTIONAL_ENGINE
    if not callable(function) or not _accepts(function, 2 if is_functional else 1):
        name, form = f"{type(model).__name__}.{kind}_function", _FORMS[is_functional]
        raise InvalidTypeError(
            f"`{name}` is {_described(function)}, and the model is on {placement_of(model).backend}.",
            f"It must be a function that can be called as `{form}`.",
            f"Let `make_{kind}_function` set `self.{kind}_function` to one, or move the model with `model.to_backend(...)`.",
        )
    return function


_FORMS = {True: "function(state, iterator)", False: "function(data)"}
"""How the functions are called, by whether the engine is the one whose steps are pure functions."""


def _accepts(function: Callable, count: int) -> bool:
    """Return whether a function can be called with a number of positional arguments, as far as its signature is known."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except ValueError:
        return True
    except TypeError:
        return False
    return True


def _described(function: Any) -> str:
    return f"a function with the arguments {inspect.signature(function)}" if callable(function) else repr(function)


def in_place(model: StepMethods, kind: Kind, function: Callable) -> Callable[[Any], Any]:
    """Return a function of the user as one from a batch to its result, which changes the variables of the model.

    Args:
        model: The model.
        kind: What the function does.
        function: The function.
    """
    place = placement_of(model)
    engine = engine_variables.find(backends.get(place.backend))
    if place.backend == FUNCTIONAL_ENGINE:
        return lambda data: _with_state(model, kind, function, data)
    if engine is None:
        return lambda data: function([data])
    batches_of = engine.batches_of if kind != "predict" else lambda data: [data]
    differentiates = kind == "train"
    steps = engine.steps_of(lambda data, _: function(batches_of(data)), differentiates=differentiates, is_compiled=False)
    return lambda data: steps(data, 0, 1)


def _with_state(model: StepMethods, kind: Kind, function: Callable, data: Tree) -> Any:
    """Call ``function(state, iterator)`` with the values of the variables, assign the returned ones, and return the result."""
    groups = _groups(model, kind)
    returned = function(tuple(map(values_of, groups)), iter([data]))
    name, kind_of_result = f"{type(model).__name__}.{kind}_function", "outputs" if kind == "predict" else "logs"
    result, state = result_and_state(name, returned, kind_of_result)
    arrays = arrays_of_state(name, groups, state)
    for variables, values in zip(groups, arrays, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.set_unchecked(value)
    return result


def _groups(model: StepMethods, kind: Kind) -> list[list[Variable]]:
    """Return the variables whose values are the state of a function."""
    groups = [model.trainable_variables, model.non_trainable_variables]
    if kind == "predict":
        return groups
    return [*groups, *([model.optimizer.variables] if kind == "train" else []), model.metrics_variables]


class ReplacedPredictFunction:
    """A ``predict_function`` of the user, with the interface of ``PredictFunction`` that ``predict`` uses.

    Args:
        model: The model.
        function: The function.
    """

    may_pad = False

    def __init__(self, model: StepFunctionMethods, function: Callable):
        self._place, self._run = placement_of(model), in_place(model, "predict", function)

    def meets_first(self, x: Tree) -> bool:
        """Return False: the function is not compiled here."""
        return False

    def __call__(self, x: Tree) -> Any:
        """Return the outputs for a batch."""
        with config.placement_scope(*self._place):
            arrays = trees.map(lambda array: backends.array_at(self._place, array), x)
            return self._run(pack_x_y_sample_weight(arrays))
