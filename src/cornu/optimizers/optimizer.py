"""Base class of all optimizers: pure functions ``init`` and ``update``, and the stateful Keras interface around them.

An optimizer defines three things: its constructor arguments, :meth:`Optimizer.slot_groups` (the arrays it keeps for each
weight) and :meth:`Optimizer.update_one` (the formula for one weight). This class implements everything else.
"""

import functools
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cornu import backends, config, ops, serialization, trees
from cornu.core import call_context
from cornu.core.naming import auto_name
from cornu.core.variable import Variable
from cornu.dtypes import wider_float
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError, did_you_mean
from cornu.optimizers import transforms
from cornu.optimizers.schedules import LearningRateSchedule
from cornu.typing import Array, ArrayLike, Config

__all__ = ["Optimizer"]

Slots = dict[str, list]
"""State of an optimizer: lists of arrays by name, one array per weight (or a single one, see ``scalar_slots``)."""


class Optimizer(serialization.Configurable):
    """Base class of optimizers, which update weights to minimize the loss.

    Each step clips the gradients, applies weight decay, ``weight = weight - weight_decay * learning_rate * weight``, and
    updates each weight with :meth:`update_one`.

    Args:
        learning_rate: Float, or a schedule from ``cornu.optimizers.schedules``.
        weight_decay: Float, the fraction of each weight, times the learning rate, that is subtracted at each step (decoupled
            weight decay). Defaults to None (no decay).
        clipnorm: Positive float, the maximum L2 norm of the gradient of each weight. Defaults to None.
        clipvalue: Positive float, the maximum absolute value of the elements of gradients. Defaults to None.
        global_clipnorm: Positive float, the maximum L2 norm of all gradients together. Defaults to None. At most one of the
            three clipping arguments may be set.
        use_ema: Whether to keep an exponential moving average (EMA) of the weights,
            ``average = ema_momentum * average + (1 - ema_momentum) * weight``, which replaces the weights at the end of
            training. Defaults to False.
        ema_momentum: Float in [0, 1], the decay rate of the moving average. Defaults to 0.99.
        ema_overwrite_frequency: Positive integer, the number of steps after which the average replaces the weights. Defaults
            to None (only at the end of training).
        loss_scale_factor: Positive float by which the loss is multiplied and the gradients are divided, to avoid underflow in
            16-bit dtypes. Defaults to None.
        gradient_accumulation_steps: Integer of at least 2, the number of steps whose gradients are averaged for one update.
            Defaults to None.
        name: Name of the optimizer. Defaults to a name derived from the class.
        **kwargs: Not used; any other argument raises an error.

    Raises:
        InvalidArgumentError: An argument is invalid or unknown.
        InvalidTypeError: The learning rate is neither a number nor a schedule.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0, 2.0])
        >>> optimizers.SGD(learning_rate=0.5).apply([[1.0, 1.0]], [weight])
        >>> weight.numpy().tolist()
        [0.5, 1.5]
    """

    scalar_slots: Sequence[tuple[str, float]] = ()
    """Names and initial values of scalars that are kept once rather than for each weight."""

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        self._refuse(kwargs)
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = use_ema, ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor, self.gradient_accumulation_steps = loss_scale_factor, gradient_accumulation_steps
        self._check()
        self.built = False
        self._trainable_variables: list[Variable] = []
        self._averages: list[Variable] = []
        self._accumulators: list[Variable] = []
        self._slots: dict[str, list[Variable]] = {}
        self._excluded: tuple[list[Variable], list[str]] = ([], [])
        self._decays: list[bool] = []
        self._iterations = self._variable(0, "iteration", "int32")
        self._learning_rate = self._checked_rate(learning_rate)
        if not isinstance(self._learning_rate, LearningRateSchedule):
            self._learning_rate = self._variable(self._learning_rate, "learning_rate", config.floatx())

    # --- Pure functions -----------------------------------------------------------------------------------------------

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the names and initial values of the arrays kept for each weight; a group is stored together in files."""
        return []

    def update_one(
        self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array | float, step: Array
    ) -> tuple[Any, dict]:
        """Compute one step for one weight.

        Args:
            gradient: Gradient of the weight.
            slots: Dict of the arrays kept for the weight, by name.
            weight: Array, the weight.
            learning_rate: Scalar.
            step: Float, the number of this step, starting at 1.

        Returns:
            Tuple of the new weight and the dict of new slots.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `update_one`.")

    def update_scalars(self, scalars: dict[str, Any], step: ArrayLike) -> dict[str, Any]:
        """Compute one step for the scalars that are kept once (see :attr:`scalar_slots`)."""
        return scalars

    def init(self, weights: list) -> Slots:
        """Return the initial slots.

        Args:
            weights: List of arrays.

        Returns:
            Dict of lists of arrays, by slot name.

        Example:
            >>> from cornu import ops, optimizers
            >>> sorted(optimizers.Adam().init([ops.array([1.0, 2.0])]))
            ['momentum', 'velocity']
        """
        slots = {
            name: [ops.full_like(w, value) for w in weights] for group in self.slot_groups() for name, value in group.items()
        }
        like = weights[0] if weights else np.zeros((), config.floatx())
        return slots | {name: [ops.full_like(ops.sum(like), value)] for name, value in self.scalar_slots}

    def update(
        self,
        gradients: list,
        slots: Slots,
        weights: list,
        learning_rate: Array | float,
        step: Array | int,
        decays: list[bool] | None = None,
    ) -> tuple[list, Slots]:
        """Compute one step for all weights: clip, decay, and update each with :meth:`update_one`. Pure function.

        Args:
            gradients: List of gradients; None for a weight that does not change.
            slots: Slots returned by :meth:`init` or by the previous step.
            weights: List of arrays.
            learning_rate: Scalar.
            step: Integer, the number of this step, starting at 1.
            decays: List of booleans, which weights use weight decay. Defaults to None (all).

        Returns:
            Tuple of the list of new weights and the new slots.

        Example:
            >>> from cornu import ops, optimizers
            >>> sgd = optimizers.SGD()
            >>> weights = [ops.array([1.0])]
            >>> sgd.update([ops.array([2.0])], sgd.init(weights), weights, learning_rate=0.25, step=1)[0][0].tolist()
            [0.5]
        """
        step = ops.cast(step, config.floatx())
        gradients = self._clipped(gradients)
        decayed = self._decayed(weights, learning_rate, decays)
        scalars = self.update_scalars({name: slots[name][0] for name, _ in self.scalar_slots}, step)
        names = [name for group in self.slot_groups() for name in group]
        new_weights, new_slots = [], {name: [] for name in names} | {name: [value] for name, value in scalars.items()}
        for place, (gradient, weight) in enumerate(zip(gradients, weights, strict=True)):
            kept = {name: slots[name][place] for name in names}
            if gradient is not None:
                weight, kept = self._moved(gradient, kept, scalars, decayed[place], learning_rate, step)
            new_weights.append(weight)
            for name in names:
                new_slots[name].append(kept[name])
        return new_weights, new_slots

    def _moved(
        self, gradient: Array, kept: dict, scalars: dict, weight: Array, learning_rate: Array | float, step: Array
    ) -> tuple[Any, dict]:
        """Update one weight; the results have the dtypes of the arguments.

        A layer may have a dtype other than ``config.floatx()``, the dtype of the learning rate; the wider one is used to
        compute.
        """
        given: tuple[Any, ...] = gradient, kept | scalars, weight, learning_rate, step
        dtypes = {config.floatx(), *map(ops.dtype, (weight, *scalars.values()))}
        if len(dtypes) > 1:
            wide = functools.reduce(wider_float, dtypes)
            given = trees.map(lambda value: ops.cast(value, wide), given)
        new_weight, new = self.update_one(*given)
        as_before = transforms.cast_like
        return as_before(weight, new_weight), {name: as_before(kept[name], new[name]) for name in kept}

    def _clipped(self, gradients: list) -> list:
        if self.clipnorm:
            return transforms.clip_by_norm(gradients, self.clipnorm)
        if self.global_clipnorm:
            return transforms.clip_by_global_norm(gradients, self.global_clipnorm)
        if self.clipvalue:
            return transforms.clip_by_value(gradients, self.clipvalue)
        return gradients

    def _decayed(self, weights: list, learning_rate: Array | float, decays: list[bool] | None) -> list:
        if not self.weight_decay:
            return weights
        return transforms.decay_weights(weights, self.weight_decay * learning_rate, decays)

    # --- One training step, pure --------------------------------------------------------------------------------------

    def stateless_apply(self, optimizer_variables: list, grads: list, trainable_variables: list) -> tuple[list, list]:
        """Compute one complete step: accumulation, clipping, decay, moving averages and constraints. Pure function.

        Args:
            optimizer_variables: List of arrays, the values of :attr:`variables`.
            grads: List of gradients, one per trainable variable; None for a variable that does not change.
            trainable_variables: List of arrays, the values of the variables the optimizer was built with.

        Returns:
            Tuple of the list of new trainable variables and the list of new optimizer variables.

        Raises:
            NotBuiltError: The optimizer is not built.
            InvalidArgumentError: One of the lists has the wrong length.

        Example:
            >>> from cornu import Variable, ops, optimizers
            >>> sgd, weight = optimizers.SGD(0.5), Variable([1.0])
            >>> sgd.build([weight])
            >>> state = [v.value for v in sgd.variables]
            >>> [w.tolist() for w in sgd.stateless_apply(state, [ops.array([1.0])], [weight.value])[0]]
            [[0.5]]
        """
        self._check_lengths(optimizer_variables, grads, trainable_variables)
        state = self._unpacked(optimizer_variables)
        if self.loss_scale_factor:
            grads = transforms.scale(grads, 1 / self.loss_scale_factor)
        weights = self._step(state, grads, trainable_variables)
        if self.use_ema:
            weights = self._averaged(state, weights)
        for place, variable in enumerate(self._trainable_variables):
            if variable.constraint is not None and grads[place] is not None:
                weights[place] = variable.constraint(weights[place])
        state["iterations"] = state["iterations"] + 1
        return weights, self._packed(state)

    def _step(self, state: dict, gradients: list, weights: list) -> list:
        """Return the new weights and update the state. With accumulation, most steps only accumulate gradients."""
        steps = self.gradient_accumulation_steps
        rate = self._rate(state["learning_rate"], state["iterations"])
        number = self._updates(state["iterations"]) + 1
        if not steps:
            weights, state["slots"] = self.update(gradients, state["slots"], weights, rate, number, self._decays)
            return weights
        sums = [a if g is None else a + g for a, g in zip(state["accumulators"], gradients, strict=True)]
        is_update = ops.equal((state["iterations"] + 1) % steps, 0)
        means = [None if g is None else s / steps for g, s in zip(gradients, sums, strict=True)]
        moved, slots = self.update(means, state["slots"], weights, rate, number, self._decays)
        state["slots"] = {name: transforms.choose(is_update, slots[name], old) for name, old in state["slots"].items()}
        state["accumulators"] = transforms.choose(is_update, [ops.zeros_like(s) for s in sums], sums)
        return transforms.choose(is_update, moved, weights)

    def _averaged(self, state: dict, weights: list) -> list:
        """Update the moving averages; return the weights, or the averages at every ``ema_overwrite_frequency``-th update."""
        number = self._updates(state["iterations"])
        momentum = ops.where(ops.equal(number, 0), 0.0, self.ema_momentum)
        state["averages"] = transforms.average(state["averages"], weights, momentum)
        if not self.ema_overwrite_frequency:
            return weights
        is_time = ops.equal((number + 1) % self.ema_overwrite_frequency, 0)
        return transforms.choose(is_time, state["averages"], weights)

    def _updates(self, iterations: Array) -> Any:
        """Return the number of updates made in ``iterations`` steps."""
        return iterations // self.gradient_accumulation_steps if self.gradient_accumulation_steps else iterations

    def _rate(self, learning_rate: Array | float | LearningRateSchedule, iterations: Array) -> Any:
        return self._learning_rate(iterations) if isinstance(self._learning_rate, LearningRateSchedule) else learning_rate

    # --- Keras interface ----------------------------------------------------------------------------------------------

    def build(self, variables: list[Variable]) -> None:
        """Create the variables that the optimizer keeps for the weights. The first step calls this method if necessary.

        Args:
            variables: List of weights to train, in the order of the gradients.
        """
        if self.built:
            return
        self._trainable_variables = list(variables)
        self._decays = [self._takes_decay(v) for v in variables]
        with config.placement_scope(*(variables[0].place if variables else config.place())):
            self._make_variables(variables)
        self.built = True

    def _make_variables(self, variables: list[Variable]) -> None:
        """Create the variables next to the weights, on their backend, and move the existing variables there."""
        for variable in self.variables:
            variable.to_backend(config.backend())
        if self.use_ema:
            self._averages = [self._beside(v, "average", 0.0) for v in variables]
        if self.gradient_accumulation_steps:
            self._accumulators = [self._beside(v, "gradient_accumulator", 0.0) for v in variables]
        for group in self.slot_groups():
            for name, value in group.items():
                self._slots[name] = [self._beside(v, name, value) for v in variables]
        for name, value in self.scalar_slots:
            dtype = variables[0].dtype if variables else config.floatx()
            self._slots[name] = [self._variable(value, name, dtype)]

    def _beside(self, variable: Variable, name: str, value: float) -> Variable:
        """Create a variable for a weight: with its shape, on its backend and device, and named after it."""
        numbers = np.broadcast_to(np.float64(value), variable.shape)  # on the host: JAX would compile a `full` for each shape
        first = backends.array_at(variable.place, numbers, variable.dtype)
        return self._variable(first, f"{variable.path.replace('/', '_')}_{name}", variable.dtype)

    def _variable(self, value: ArrayLike, name: str, dtype: str) -> Variable:
        with call_context.name_scope(self.name):
            return Variable(value, dtype=dtype, trainable=False, name=name)

    @property
    def variables(self) -> list[Variable]:
        """All variables of the optimizer, in the order of Keras files: iterations, learning rate, averages, accumulated
        gradients, slots.
        """
        rate = [self._learning_rate] if isinstance(self._learning_rate, Variable) else []
        slots = self._in_file_order(self._slots) if self.built else []
        return [self._iterations, *rate, *self._averages, *self._accumulators, *slots]

    def _in_file_order(self, slots: dict[str, list]) -> list:
        """Return the slots as one list: group by group, within a group weight by weight; scalar slots come last."""
        groups = [zip(*(slots[name] for name in group), strict=True) for group in self.slot_groups()]
        return [item for group in groups for items in group for item in items] + [
            slots[name][0] for name, _ in self.scalar_slots
        ]

    def _unpacked(self, values: list) -> dict[str, Any]:
        """Return the values of :attr:`variables` by role."""
        by_variable = {id(variable): value for variable, value in zip(self.variables, values, strict=True)}
        rate = self._learning_rate
        return {
            "iterations": by_variable[id(self._iterations)],
            "learning_rate": by_variable[id(rate)] if isinstance(rate, Variable) else None,
            "averages": [by_variable[id(v)] for v in self._averages],
            "accumulators": [by_variable[id(v)] for v in self._accumulators],
            "slots": {name: [by_variable[id(v)] for v in variables] for name, variables in self._slots.items()},
        }

    def _packed(self, state: dict[str, Any]) -> list:
        """Return the inverse of :meth:`_unpacked`."""
        rate = [] if state["learning_rate"] is None else [state["learning_rate"]]
        slots = self._in_file_order(state["slots"])
        return [state["iterations"], *rate, *state["averages"], *state["accumulators"], *slots]

    def apply(self, grads: Sequence, trainable_variables: list[Variable] | None = None) -> None:
        """Update the variables by one step.

        Args:
            grads: Sequence of gradients; None for a variable without a gradient.
            trainable_variables: List of the corresponding variables. Defaults to the variables the optimizer was built with.

        Raises:
            NotBuiltError: The optimizer is not built and no variables were passed.
            InvalidArgumentError: The number of gradients differs from the number of variables, all gradients are None, or a
                variable is unknown.
        """
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if not self.built and trainable_variables is None:
            raise NotBuiltError(
                f"The optimizer {self.name!r} received gradients but no variables.",
                "It requires the variables that the gradients belong to.",
                "Pass `trainable_variables`, or call `optimizer.build(variables)` first.",
            )
        self.build(variables)
        with config.placement_scope(*(variables[0].place if variables else config.place())):
            gradients = self._for_each_variable(list(grads), variables)
            weights, state = self.stateless_apply(
                [v.value for v in self.variables], gradients, [v.value for v in self._trainable_variables]
            )
        for variable, value in zip([*self._trainable_variables, *self.variables], [*weights, *state], strict=True):
            variable.assign(value)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Update the variables by one step, given pairs of a gradient and a variable; return the step count."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def _for_each_variable(self, gradients: list, variables: list[Variable]) -> list:
        """Return gradients for all variables the optimizer was built with; None for those without one."""
        if len(gradients) != len(variables):
            raise InvalidArgumentError(
                f"The optimizer received {len(gradients)} gradients for {len(variables)} variables.",
                "Each variable requires one gradient, or None.",
                "Compute the gradients with respect to the same list of variables.",
            )
        places = {id(variable): place for place, variable in enumerate(self._trainable_variables)}
        found: list = [None] * len(places)
        for gradient, variable in zip(gradients, variables, strict=True):
            if id(variable) not in places:
                raise InvalidArgumentError(
                    f"The optimizer {self.name!r} received the variable {variable.path!r}.",
                    "It can only update the variables that it was built with.",
                    "Create a new optimizer for other variables.",
                )
            found[places[id(variable)]] = None if gradient is None else _gradient_of(gradient, variable)
        self._check_gradients(gradients, variables)
        return found

    def _check_gradients(self, gradients: list, variables: list[Variable]) -> None:
        missing = [variable.path for gradient, variable in zip(gradients, variables, strict=True) if gradient is None]
        if len(missing) == len(variables):
            raise InvalidArgumentError(
                f"The optimizer {self.name!r} received no gradient for any variable.",
                "At least one variable must have a gradient.",
                "Check that the loss depends on the variables.",
            )
        if missing:
            warnings.warn(f"There are no gradients for the variables {missing}; they are not updated.", stacklevel=4)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights the optimizer was built with; empty before it is built."""
        return list(self._trainable_variables)

    @property
    def iterations(self) -> Any:
        """The number of updates made: a variable, or an array if gradients are accumulated."""
        return self._updates(self._iterations)

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or with a schedule an array with its value at the current step."""
        return self._rate(self._learning_rate, self._iterations)

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | LearningRateSchedule) -> None:
        checked = self._checked_rate(learning_rate)
        if isinstance(checked, LearningRateSchedule):
            self._learning_rate = checked
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise InvalidTypeError(
                f"`learning_rate = {learning_rate!r}` was set on the optimizer {self.name!r}.",
                f"Its learning rate follows a schedule, {type(self._learning_rate).__name__}.",
                "Create the optimizer with a float `learning_rate` in order to set it.",
            )
        else:
            self._learning_rate.assign(checked)

    @property
    def schedule(self) -> LearningRateSchedule | None:
        """The schedule of the learning rate, or None. Compiled steps contain it as it is when they are compiled."""
        return self._learning_rate if isinstance(self._learning_rate, LearningRateSchedule) else None

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times ``loss_scale_factor``; gradients are computed of the result."""
        return loss * self.loss_scale_factor if self.loss_scale_factor else loss

    def finalize_variable_values(self, var_list: list[Variable]) -> None:
        """Assign the moving averages to the weights at the end of training with ``use_ema``, if there has been a step."""
        if int(self._iterations) == 0:
            return
        for variable, mean in zip(var_list, self._averages, strict=False):
            variable.assign(mean.value)

    def exclude_from_weight_decay(self, var_list: list[Variable] | None = None, var_names: list[str] | None = None) -> None:
        """Exclude variables from weight decay. Call this method before the optimizer is built.

        Args:
            var_list: List of variables. Defaults to None.
            var_names: List of regular expressions searched for in variable names, such as ``["bias"]``. Defaults to None.

        Raises:
            InvalidArgumentError: The optimizer is already built.
        """
        if self.built:
            raise InvalidArgumentError(
                f"`exclude_from_weight_decay` was called on the optimizer {self.name!r} after it was built.",
                "The excluded variables must be set before the optimizer is built.",
                "Call it immediately after creating the optimizer.",
            )
        self._excluded = (list(var_list or []), list(var_names or []))

    def _takes_decay(self, variable: Variable) -> bool:
        variables, names = self._excluded
        return all(variable is not v for v in variables) and not any(re.search(name, variable.name) for name in names)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, with the current learning rate."""
        now = self._learning_rate
        current = float(now.numpy()) if isinstance(now, Variable) else serialization.serialize(now)
        return super().get_config() | {"name": self.name, "learning_rate": current}

    # --- Checks -------------------------------------------------------------------------------------------------------

    def _refuse(self, kwargs: dict[str, Any]) -> None:
        for name in kwargs:
            known = [argument for argument in self._cornu_arguments or {} if argument not in kwargs]
            hint = "Did you mean 'learning_rate'?" if name == "lr" else did_you_mean(name, known)
            if name == "decay":  # `weight_decay` is something else
                hint = (
                    f"Pass `learning_rate=InverseTimeDecay(rate, 1, {kwargs[name]!r})` of `cornu.optimizers.schedules`, which "
                    "decreases it as Keras 2 did."
                )
            raise InvalidArgumentError(
                f"`{type(self).__name__}` received an argument `{name}`.",
                "It has no argument of this name.",
                hint or f"Omit `{name}`. For a decreasing learning rate, pass a schedule as `learning_rate`.",
            )

    def _check(self) -> None:
        clips = {name: getattr(self, name) for name in ("clipnorm", "clipvalue", "global_clipnorm")}
        given = {name: value for name, value in clips.items() if value is not None}
        if len(given) > 1:
            raise InvalidArgumentError(
                f"The optimizer received {' and '.join(f'`{name}={value}`' for name, value in given.items())}.",
                "At most one of the clipping arguments may be set.",
                "Pass only one of them.",
            )
        positive = given | {"loss_scale_factor": self.loss_scale_factor, "weight_decay": self.weight_decay or None}
        for name, value in positive.items():
            if value is not None and not value > 0:
                raise InvalidArgumentError(
                    f"The optimizer received `{name}={value!r}`.",
                    f"`{name}` must be a positive number.",
                    f"Omit `{name}` to disable it.",
                )
        if not 0 <= self.ema_momentum <= 1:
            raise InvalidArgumentError(
                f"The optimizer received `ema_momentum={self.ema_momentum!r}`.",
                "`ema_momentum` must be between 0 and 1.",
                "Pass, for example, `ema_momentum=0.99`.",
            )
        for name, least in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
            value = getattr(self, name)
            if value is not None and (not hasattr(value, "__index__") or value < least):
                raise InvalidArgumentError(
                    f"The optimizer received `{name}={value!r}`.",
                    f"`{name}` must be an integer of at least {least}.",
                    f"Omit `{name}` to disable it.",
                )

    def _checked_rate(self, learning_rate: float | Config | LearningRateSchedule) -> Any:
        """Return the learning rate as a float or a schedule; a schedule config is converted to the schedule."""
        is_config = isinstance(learning_rate, dict)
        rate = serialization.deserialize(learning_rate, "optimizers.schedules") if is_config else learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate
        try:
            if isinstance(rate, (str, bool)):
                raise TypeError
            return float(rate)
        except (TypeError, ValueError):
            raise InvalidTypeError(
                f"`{type(self).__name__}` received `learning_rate={rate!r}`.",
                "`learning_rate` must be a number, or a schedule from `cornu.optimizers.schedules`.",
                "For a function of the epoch, use the callback `LearningRateScheduler`.",
            ) from None

    def _check_lengths(self, optimizer_variables: list, grads: list, trainable_variables: list) -> None:
        if not self.built:
            raise NotBuiltError(
                f"The optimizer {self.name!r} is not built.",
                "It must be built with its variables before the first step.",
                "Call `optimizer.build(trainable_variables)` first.",
            )
        expected = {"optimizer_variables": len(self.variables), "grads": len(self._trainable_variables)}
        expected["trainable_variables"] = expected["grads"]
        lists = {"optimizer_variables": optimizer_variables, "grads": grads, "trainable_variables": trainable_variables}
        for name, values in lists.items():
            if len(values) != expected[name]:
                raise InvalidArgumentError(
                    f"`{name}` has {len(values)} elements.",
                    f"The optimizer {self.name!r} was built for {expected[name]}.",
                    "Pass one element per variable, in the order of the variables it was built with.",
                )


def _gradient_of(gradient: Array, variable: Variable) -> Any:
    """Convert a gradient to an array on the backend of its variable."""
    gradient = ops.convert_to_tensor(gradient, dtype=variable.dtype, backend=backends.name_of(variable.backend))
    if tuple(gradient.shape) != variable.shape:
        raise ShapeError(
            f"The gradient for the variable {variable.path!r} has shape {tuple(gradient.shape)}.",
            f"The variable has shape {variable.shape}.",
            "Pass the gradients in the order of the variables.",
        )
    return gradient
