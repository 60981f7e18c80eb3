"""Base class of all optimizers: pure functions ``init`` and ``update``, and the stateful Keras interface around them.

A built-in optimizer defines three things: its constructor arguments, :meth:`Optimizer.slot_groups` (the arrays it keeps for
each weight) and :meth:`Optimizer.update_one` (the formula for one weight). An optimizer written as in Keras overrides
:meth:`Optimizer.build` and :meth:`Optimizer.update_step` instead. This class implements everything else.
"""

import contextlib
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, cast

import numpy as np

from cornu import autograph, backends, config, ops, seeds, serialization, trees
from cornu.core import call_context
from cornu.core.binding import bound_context
from cornu.core.call_context import CallContext
from cornu.core.naming import auto_name
from cornu.core.random_key import RandomKey
from cornu.core.variable import Variable, detached_values_of
from cornu.dtypes import wider_float
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError, not_constructed
from cornu.ops.dispatch import unwrap
from cornu.ops.shape_checks import check_same_length
from cornu.optimizers import gradient_checks, transforms
from cornu.optimizers.argument_checks import check_settings, names_to_load, refuse_unknown
from cornu.optimizers.learning_rate import LearningRate, checked_learning_rate, value_of_function, value_of_schedule
from cornu.optimizers.schedules import LearningRateSchedule
from cornu.typing import Array, ArrayLike, Initializer

__all__ = ["Optimizer"]

Slots = dict[str, list]
"""State of an optimizer: lists of arrays by name, one array per weight (or a single one, see ``scalar_slots``)."""

Update = tuple[Any, dict[str, Any]]
"""What a step computes for one weight: the new weight, and its new slots by name."""

_MADE_BY_INIT = ("name", "built", "_iterations", "_learning_rate", "_trainable_variables", "_variables")
"""Attributes that an optimizer has unless the constructor of a subclass did not call that of its base class."""


class State:
    """Values of the variables of an optimizer during a step.

    Args:
        variables: List of the variables.
        values: List of their values.
    """

    def __init__(self, variables: list[Variable], values: list):
        self.values = dict(zip(map(id, variables), values, strict=True))

    def get(self, variables: Sequence[Variable | None]) -> list:
        return [None if variable is None else self.values[id(variable)] for variable in variables]

    def put(self, variables: Sequence[Variable | None], values: list) -> None:
        pairs = zip(variables, values, strict=True)
        self.values.update({id(variable): value for variable, value in pairs if variable is not None})


class Optimizer(serialization.Configurable):
    """Base class of optimizers, which update weights to minimize the loss.

    Each step clips the gradients, applies weight decay, ``weight = weight - weight_decay * learning_rate * weight``, and
    updates each weight with :meth:`update_step`.

    A subclass defines an optimizer as in Keras: it overrides :meth:`build`, which creates variables with
    :meth:`add_variable_from_reference`, and :meth:`update_step`, which updates one weight and its variables with
    :meth:`assign`, :meth:`assign_add` and :meth:`assign_sub`. Such an optimizer runs in the compiled training step on every
    engine, and all its variables are saved.

    Args:
        learning_rate: Float, a schedule from ``cornu.optimizers.schedules``, or a function without arguments that returns the
            learning rate. A compiled step contains the operations of the function on ``iterations``; any other value is read
            when :meth:`Model.fit` begins.
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
        InvalidTypeError: The learning rate is neither a number, a schedule nor a function without arguments.

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([1.0, 2.0])
        >>> optimizers.SGD(learning_rate=0.5).apply([[1.0, 1.0]], [weight])
        >>> weight.numpy().tolist()
        [0.5, 1.5]
        >>> class Momentum(optimizers.Optimizer):
        ...     def build(self, variables):
        ...         super().build(variables)
        ...         self.velocities = self.add_optimizer_variables(variables, "velocity")
        ...
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         velocity = self.velocities[self._get_variable_index(variable)]
        ...         self.assign(velocity, 0.5 * velocity - learning_rate * gradient)
        ...         self.assign_add(variable, velocity)
        >>> momentum = Momentum(learning_rate=0.5)
        >>> for _ in range(2):
        ...     momentum.apply([[1.0, 1.0]], [weight])
        >>> weight.numpy().tolist()
        [-0.75, 0.25]
    """

    scalar_slots: Sequence[tuple[str, float]] = ()
    """Names and initial values of scalars that are kept once rather than for each weight."""

    def __init__(
        self,
        learning_rate: LearningRate,
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
        refuse_unknown(type(self).__name__, kwargs, self._cornu_arguments or {})
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = use_ema, ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor, self.gradient_accumulation_steps = loss_scale_factor, gradient_accumulation_steps
        check_settings(self)
        self.built = False
        self._variables: list[Variable] = []  # in the order of creation, which is that of Keras's files
        self._trainable_variables: list[Variable] = []
        self._averages: list[Variable] = []
        self._accumulators: list[Variable] = []
        self._slots: dict[str, list[Any]] = {}  # of variables; None for a weight without the slot
        self._excluded: tuple[list[Variable], list[str]] = ([], [])
        self._decays: list[bool] = []
        self._iterations = self._variable(0, "iteration", "int32")
        rate = checked_learning_rate(type(self).__name__, learning_rate)
        self._learning_rate = self._variable(rate, "learning_rate", config.floatx()) if isinstance(rate, float) else rate

    def __getattr__(self, name: str) -> Any:
        """Raise an error for an attribute that is missing, which names the reason if it is the constructor of a subclass."""
        if name in _MADE_BY_INIT:
            raise not_constructed(type(self).__name__, "optimizer", "super().__init__(learning_rate)")
        return object.__getattribute__(self, name)  # raises the error of Python, or of a property, again

    # --- Pure functions -----------------------------------------------------------------------------------------------

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the names and initial values of the arrays kept for each weight; a group is stored together in files."""
        return []

    def first_slot(self, name: str, value: float, weight: Variable | Array) -> ArrayLike | Callable | None:
        """Return the first value of a slot of one weight, or an initializer of it; None for a weight without this slot.

        Args:
            name: Name of the slot.
            value: Float, its initial value in :meth:`slot_groups`, which by default fills an array of the shape of the weight.
            weight: The weight: a variable in :meth:`build`, an array in :meth:`init`.
        """
        return np.broadcast_to(np.float64(value), tuple(weight.shape))  # on the host: JAX would compile a `full` for each shape

    def update_one(
        self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array | float, step: Array
    ) -> Update:
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
        raise NotImplementedError(f"`{type(self).__name__}` has no `update_step(gradient, variable, learning_rate)`.")

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
        named = [(name, value) for group in self.slot_groups() for name, value in group.items()]
        slots = {name: [_like(w, self.first_slot(name, value, w)) for w in weights] for name, value in named}
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
            kept = {name: slots[name][place] for name in names if slots[name][place] is not None}
            if gradient is not None:
                weight, kept = self._moved(gradient, kept, scalars, decayed[place], learning_rate, step)
            new_weights.append(weight)
            for name in names:
                new_slots[name].append(kept.get(name))
        return new_weights, new_slots

    def _moved(
        self, gradient: Array, kept: dict, scalars: dict, weight: Array, learning_rate: Array | float, step: Array
    ) -> Update:
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

    @autograph.not_converted
    def stateless_apply(self, optimizer_variables: list, grads: list, trainable_variables: list) -> tuple[list, list]:
        """Compute one complete step: accumulation, clipping, decay, moving averages and constraints. Pure function.

        Args:
            optimizer_variables: List of arrays, the values of :attr:`variables`, or of the variables themselves.
            grads: List of gradients, one per trainable variable; None for a variable that does not change.
            trainable_variables: List of arrays, the values of the variables the optimizer was built with, or of the variables.

        Returns:
            Tuple of the list of new trainable variables and the list of new optimizer variables.

        Raises:
            NotBuiltError: The optimizer is not built.
            InvalidArgumentError: One of the lists has the wrong length.
            ShapeError: A value has not the shape of its variable.

        Example:
            >>> from cornu import Variable, ops, optimizers
            >>> sgd, weight = optimizers.SGD(0.5), Variable([1.0])
            >>> sgd.build([weight])
            >>> state = [v.value for v in sgd.variables]
            >>> [w.tolist() for w in sgd.stateless_apply(state, [ops.array([1.0])], [weight.value])[0]]
            [[0.5]]
        """
        own = self.variables
        lists = {
            "optimizer_variables": (optimizer_variables, own),
            "grads": (grads, self._trainable_variables),
            "trainable_variables": (trainable_variables, self._trainable_variables),
        }
        gradient_checks.check_values(self.name, self.built, lists)
        trainable_variables = [unwrap(weight) for weight in trainable_variables]
        state = State(own, [unwrap(value) for value in optimizer_variables])
        if self._overrides("apply") or self._overrides("apply_gradients"):
            with self._bound(state, trainable_variables) as values:
                self.apply_gradients(zip(grads, self._trainable_variables, strict=True))
            return [values[id(v)] for v in self._trainable_variables], [values[id(v)] for v in self.variables]
        return self._step(state, grads, trainable_variables), state.get(self.variables)

    def _step(self, state: State, gradients: list, weights: list) -> list:
        """Return the new weights and update the state."""
        if self.loss_scale_factor:
            gradients = transforms.scale(gradients, 1 / self.loss_scale_factor)
        weights = self._accumulated(state, gradients, weights)
        if self.use_ema:
            weights = self._averaged(state, weights)
        for place, variable in enumerate(self._trainable_variables):
            if gradients[place] is not None:
                weights[place] = gradient_checks.constrained(variable, weights[place])
        self._count_step(state)
        return weights

    def _count_step(self, state: State) -> None:
        state.put([self._iterations], [state.get([self._iterations])[0] + 1])

    def _accumulated(self, state: State, gradients: list, weights: list) -> list:
        """Return the new weights and update the state. With accumulation, most steps only accumulate gradients."""
        steps = self.gradient_accumulation_steps
        if not steps:
            return self._updated(state, gradients, weights)
        sums = list(map(_added, state.get(self._accumulators), gradients))
        (iterations,) = state.get([self._iterations])
        is_update = ops.equal((iterations + 1) % steps, 0)
        means = [None if g is None else s / steps for g, s in zip(gradients, sums, strict=True)]
        before = state.get(self.variables)
        updated = self._updated(state, means, weights)
        state.put(self.variables, transforms.choose(is_update, state.get(self.variables), before))
        state.put(self._accumulators, transforms.choose(is_update, [ops.zeros_like(s) for s in sums], sums))
        return transforms.choose(is_update, updated, weights)

    def _updated(self, state: State, gradients: list, weights: list) -> list:
        """Return the new weights and update the slots, with :meth:`update_step` if a subclass overrides it."""
        rate = self._rate(state, weights)
        if self._overrides("update_step"):
            return self._updated_by_steps(state, self._clipped(gradients), weights, rate)
        slots = {name: state.get(variables) for name, variables in self._slots.items()}
        number = self._updates(state.get([self._iterations])[0]) + 1
        weights, slots = self.update(gradients, slots, weights, rate, number, self._decays)
        for name, variables in self._slots.items():
            state.put(variables, slots[name])
        return weights

    def _updated_by_steps(self, state: State, gradients: list, weights: list, rate: Array | float) -> list:
        """Return the weights that :meth:`update_step` assigns, and update the state with all that it assigns."""
        decayed = self._decayed(weights, rate, self._decays)
        starts = [w if g is None else d for g, w, d in zip(gradients, weights, decayed, strict=True)]
        with self._bound(state, starts) as values:
            for name, value in self.update_scalars(self._scalar_values(), self._number_of_step()).items():
                self._slots[name][0].assign(value)
            for gradient, variable in zip(gradients, self._trainable_variables, strict=True):
                if gradient is not None:
                    self.update_step(gradient, variable, rate)
        state.put(self.variables, [values[id(v)] for v in self.variables])
        return [values[id(v)] for v in self._trainable_variables]

    def _scalar_values(self) -> dict[str, Any]:
        return {name: self._slots[name][0].value for name, _ in self.scalar_slots}

    @contextlib.contextmanager
    def _bound(self, state: State, weights: list) -> Iterator[dict[int, Any]]:
        """Bind the variables of the optimizer and the weights to the values of a step; yield the bindings by variable."""
        (iterations,) = state.get([self._iterations])
        backend = backends.home(iterations)
        own = state.values | dict(zip(map(id, self._trainable_variables), weights, strict=True))
        context = bound_context(own)
        context.key = RandomKey(backend.asarray(self._random_key, "uint32")).fold_in(iterations)
        with call_context.entered(context), call_context.autocast(None):
            yield cast(dict[int, Any], context.values)
        for number, variable in context.assigned.items():
            if number not in own:
                variable.assign(cast(dict[int, Any], context.values)[number])

    @functools.cached_property
    def _random_key(self) -> tuple[int, int]:
        """The key from which the random values of :meth:`update_step` are derived, together with the number of the step."""
        return seeds.next_key()

    def _overrides(self, method: str) -> bool:
        """Return whether a subclass overrides a method of this class."""
        return getattr(type(self), method) is not getattr(Optimizer, method)

    def _averaged(self, state: State, weights: list) -> list:
        """Update the moving averages; return the weights, or the averages at every ``ema_overwrite_frequency``-th update."""
        number = self._updates(state.get([self._iterations])[0])
        momentum = ops.where(ops.equal(number, 0), 0.0, self.ema_momentum)
        averages = transforms.average(state.get(self._averages), weights, momentum)
        state.put(self._averages, averages)
        if not self.ema_overwrite_frequency:
            return weights
        return transforms.choose(ops.equal((number + 1) % self.ema_overwrite_frequency, 0), averages, weights)

    def _updates(self, iterations: Array) -> Any:
        """Return the number of updates made in ``iterations`` steps."""
        return iterations // self.gradient_accumulation_steps if self.gradient_accumulation_steps else iterations

    def _number_of_step(self) -> Any:
        """Return the number of the current update, starting at 1, as a float."""
        return ops.cast(self._updates(self._iterations.value) + 1, config.floatx())

    def _rate(self, state: State, weights: list) -> Any:
        """Return the learning rate of a step."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return state.get([rate])[0]
        if isinstance(rate, LearningRateSchedule):
            return value_of_schedule(rate, state.get([self._iterations])[0])
        with self._bound(state, weights):
            return value_of_function(rate)

    # --- Keras interface ----------------------------------------------------------------------------------------------

    @autograph.not_converted
    def build(self, variables: list[Variable] | None = None, *, var_list: list[Variable] | None = None) -> None:
        """Create the variables that the optimizer keeps for the weights. The first step calls this method if necessary.

        Args:
            variables: List of weights to train, in the order of the gradients.
            var_list: The same list, under the name that most of Keras's optimizers give it.
        """
        if self.built:
            return
        variables = list(variables or var_list or [])
        self._trainable_variables = variables
        self._decays = [self._takes_decay(v) for v in variables]
        with config.placement_scope(*self._place()):
            self._make_variables(variables)
        self.built = True

    def ensure_built(self, variables: list[Variable]) -> None:
        """Call :meth:`build` unless the optimizer is built; what it creates is on the backend and device of the weights.

        Args:
            variables: List of weights to train.
        """
        if not self.built:
            made = len(self._variables)
            try:
                with config.placement_scope(*(variables[0].place if variables else config.place())):
                    self.build(variables)
            except BaseException:  # also Ctrl-C, so that another attempt does not duplicate the variables
                del self._variables[made:]
                self._averages, self._accumulators, self._slots = [], [], {}
                raise
            if not self._trainable_variables and variables:
                raise InvalidTypeError(
                    f"`{type(self).__name__}.build` did not call `build` of its base class.",
                    "That method records the variables to update.",
                    f"Begin `{type(self).__name__}.build` with `super().build(variables)`.",
                )
            self.built = True

    def _place(self) -> config.Placement:
        """Return the backend and device of the weights, the default ones before the optimizer is built."""
        return self._trainable_variables[0].place if self._trainable_variables else config.place()

    def _make_variables(self, variables: list[Variable]) -> None:
        """Create the variables next to the weights, on their backend, and move the existing variables there."""
        for variable in self.variables:
            variable.to_backend(config.backend())
        if self.use_ema:
            self._averages = [self._beside(v, "average") for v in variables]
        if self.gradient_accumulation_steps:
            self._accumulators = [self._beside(v, "gradient_accumulator") for v in variables]
        for group in self.slot_groups():
            self._slots |= {name: [] for name in group}
            for variable in variables:
                for name, value in group.items():
                    first = self.first_slot(name, value, variable)
                    self._slots[name].append(None if first is None else self._beside(variable, name, first))
        for name, value in self.scalar_slots:
            dtype = variables[0].dtype if variables else config.floatx()
            self._slots[name] = [self._variable(value, name, dtype)]

    def _beside(self, variable: Variable, name: str, value: ArrayLike | Callable | None = None) -> Variable:
        """Create a variable for a weight, of zeros by default: on its backend and device, and named after it."""
        path = f"{variable.path.replace('/', '_')}_{name}"
        if callable(value):
            return self._variable(value, path, variable.dtype, variable.shape)
        numbers = np.asarray(Optimizer.first_slot(self, name, 0.0, variable) if value is None else value)
        dtype = _slot_dtype(numbers, variable.dtype)
        return self._variable(backends.array_at(variable.place, numbers, dtype), path, dtype)

    def _variable(
        self, value: Initializer | ArrayLike, name: str | None, dtype: str | None, shape: tuple[int, ...] | None = None
    ) -> Variable:
        with call_context.name_scope(self.name):
            variable = Variable(value, shape=shape, dtype=dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Initializer = "zeros",
        dtype: str | None = None,
        aggregation: str | None = "none",
        layout: None = None,
        name: str | None = None,
    ) -> Variable:
        """Create a variable of the optimizer, which is saved with it. Called in ``__init__`` or :meth:`build` of a subclass.

        Args:
            shape: Tuple of integers.
            initializer: Identifier of an initializer. Defaults to ``"zeros"``.
            dtype: Name of the dtype. Defaults to ``config.floatx()``.
            aggregation: How Keras combines the values of several devices. A model has one device, so it is not used.
            layout: How Keras distributes the values over devices. Must be None.
            name: Name of the variable. Defaults to ``"variable"``.

        Returns:
            The variable, on the device of the weights.

        Example:
            >>> from cornu import optimizers
            >>> sgd = optimizers.SGD(name="mine")
            >>> sgd.add_variable((), name="factor").path
            'mine/factor'
        """
        with config.placement_scope(*self._place()):
            return self._variable(initializer, name, dtype or config.floatx(), shape)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Initializer = "zeros"
    ) -> Variable:
        """Create a variable of the optimizer with the shape, dtype and device of a weight.

        Args:
            reference_variable: The weight.
            name: End of the name, which begins with the path of the weight. Defaults to ``"var"``.
            initializer: Identifier of an initializer. Defaults to ``"zeros"``.

        Example:
            >>> from cornu import Variable, optimizers
            >>> sgd = optimizers.SGD(name="mine")
            >>> sgd.add_variable_from_reference(Variable([1.0, 2.0], name="kernel"), "velocity").path
            'mine/kernel_velocity'
        """
        weight = reference_variable
        with config.placement_scope(*weight.place):
            return self._variable(initializer, f"{weight.path.replace('/', '_')}_{name or 'var'}", weight.dtype, weight.shape)

    def add_optimizer_variables(
        self,
        trainable_variables: list[Variable],
        name: str | Sequence[str],
        initializer: Initializer | list[Initializer] | tuple[Initializer, ...] = "zeros",
    ) -> Any:
        """Create a variable of the optimizer for each weight, or several for each weight.

        Args:
            trainable_variables: List of weights.
            name: End of the names of the variables, or a list of them for several variables per weight.
            initializer: Identifier of an initializer, or one for each name. Defaults to ``"zeros"``.

        Returns:
            List of variables, one per weight; for a list of names a tuple of such lists.

        Raises:
            InvalidArgumentError: The numbers of names and initializers differ.

        Example:
            >>> from cornu import Variable, optimizers
            >>> weights = [Variable([1.0, 2.0], name="kernel"), Variable([0.0], name="bias")]
            >>> means, squares = optimizers.SGD().add_optimizer_variables(weights, ["mean", "square"])
            >>> [v.name for v in means]
            ['kernel_mean', 'bias_mean']
        """
        names = [name] if isinstance(name, str) else list(name)
        given = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer for _ in names]
        check_same_length("add_optimizer_variables", "name", names, "initializer", given)
        found: tuple[list, ...] = tuple([] for _ in names)
        for weight in trainable_variables:  # weight by weight, the order of Keras's files
            for variables, each_name, each_initializer in zip(found, names, given, strict=True):
                variables.append(self.add_variable_from_reference(weight, each_name, each_initializer))
        return found[0] if isinstance(name, str) else found

    @property
    def variables(self) -> list[Variable]:
        """All variables of the optimizer, in the order of Keras files: iterations, learning rate, averages, accumulated
        gradients, slots; and those that a subclass creates or sets as attributes.
        """
        attributes = (value for name, value in list(vars(self).items()) if name not in ("_cornu_arguments", "_excluded"))
        known = set(map(id, (*self._variables, *self._trainable_variables)))
        found = {id(leaf): leaf for value in attributes for leaf in trees.leaves(value) if isinstance(leaf, Variable)}
        return [*self._variables, *(variable for key, variable in found.items() if key not in known)]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the values of :attr:`variables`.

        Args:
            weights: Sequence of arrays with the shapes of :attr:`variables`, in the same order.

        Raises:
            NotBuiltError: The optimizer is not built.
            ShapeError: The number of arrays or a shape differs. No variable is changed in that case.

        Example:
            >>> from cornu import Variable, optimizers
            >>> sgd = optimizers.SGD(0.5)
            >>> sgd.build([Variable([1.0])])
            >>> sgd.set_weights([7, 0.25])
            >>> int(sgd.iterations), float(sgd.learning_rate)
            (7, 0.25)
        """
        if not self.built:
            raise NotBuiltError(
                f"`set_weights` was called on the optimizer {self.name!r}, which is not built.",
                "An optimizer has its variables once it is built.",
                "Call `optimizer.build(trainable_variables)` first.",
            )
        self._set_all("set_weights", weights)

    def _set_all(self, function: str, weights: Sequence[ArrayLike]) -> None:
        """Set the values of :attr:`variables` for a method of this name; an error leaves all of them unchanged."""
        variables, shapes = self.variables, [tuple(ops.shape(value)) for value in weights]
        expected = [variable.shape for variable in variables]
        if shapes != expected:
            raise ShapeError(
                f"`{function}` of the optimizer {self.name!r} received arrays of shapes {shapes}.",
                f"Its variables have the shapes {expected}.",
                "Pass one array per variable, in the order of `optimizer.variables`.",
            )
        _assign_all(variables, weights)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put copies of the values of :attr:`variables` into a dict, under the names ``"0"``, ``"1"`` and so on.

        It becomes a group of a weights file. Override it, together with :meth:`load_own_variables`, to save something else;
        names must not contain ``/``.

        Args:
            store: Dict from name to array.

        Example:
            >>> from cornu import Variable, optimizers
            >>> sgd, store = optimizers.SGD(0.5), {}
            >>> sgd.build([Variable([1.0])])
            >>> sgd.save_own_variables(store)
            >>> {name: float(value) for name, value in store.items()}
            {'0': 0.0, '1': 0.5}
        """
        store.update({str(number): variable.numpy() for number, variable in enumerate(self.variables)})

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Assign the arrays of a dict, written by :meth:`save_own_variables`, to :attr:`variables`.

        If their number differs, as for an optimizer that is not built yet, nothing is loaded, with a warning, as in Keras.

        Args:
            store: Dict from name to array.

        Raises:
            InvalidArgumentError: The arrays are not named ``"0"``, ``"1"`` and so on.
            ShapeError: A shape differs. No variable is changed in that case.
        """
        names = names_to_load(self, store)
        if names:
            self._set_all("load_own_variables", [store[name] for name in names])

    def assign(self, variable: Variable, value: ArrayLike) -> None:
        """Assign a value to a weight or to a variable of the optimizer."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: ArrayLike) -> None:
        """Add a value to a weight or to a variable of the optimizer."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: ArrayLike) -> None:
        """Subtract a value from a weight or from a variable of the optimizer."""
        variable.assign_sub(value)

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array | float) -> None:
        """Update a weight by one step.

        :meth:`apply` and the training step call this method for each weight if a subclass overrides it, after clipping and
        weight decay. :attr:`iterations` is the number of steps before this one.

        Args:
            gradient: Gradient of the weight.
            variable: The weight, a variable.
            learning_rate: Scalar.

        Example:
            >>> from cornu import Variable, optimizers
            >>> class Halved(optimizers.SGD):
            ...     def update_step(self, gradient, variable, learning_rate):
            ...         super().update_step(gradient / 2, variable, learning_rate)
            >>> weight = Variable([1.0])
            >>> Halved(learning_rate=0.5).apply([[1.0]], [weight])
            >>> weight.numpy().tolist()
            [0.75]
        """
        index, scalars = self._get_variable_index(variable), self._scalar_values()
        of_weight = {name: variables[index] for name, variables in self._slots.items() if name not in scalars}
        slots = {name: slot for name, slot in of_weight.items() if slot is not None}
        kept = {name: slot.value for name, slot in slots.items()}
        weight, new = self._moved(gradient, kept, scalars, variable.value, learning_rate, self._number_of_step())
        variable.assign(weight)
        for name, slot in slots.items():
            slot.assign(new[name])

    def _get_variable_index(self, variable: Variable) -> int:
        """Return the position of a weight among those the optimizer was built with. Keras's guide uses this name.

        Raises:
            InvalidArgumentError: The optimizer was not built with the variable.
        """
        index = next((index for index, other in enumerate(self._trainable_variables) if other is variable), None)
        if index is None:
            raise InvalidArgumentError(
                f"The optimizer {self.name!r} received the variable {variable.path!r}.",
                "It can only update the variables that it was built with.",
                "Create a new optimizer for other variables.",
            )
        return index

    @autograph.not_converted
    def apply(self, grads: Sequence, trainable_variables: list[Variable] | None = None) -> None:
        """Update the variables by one step. Without gradients nothing changes.

        Args:
            grads: Sequence of gradients; None for a variable without a gradient.
            trainable_variables: List of the corresponding variables. Defaults to the variables the optimizer was built with.

        Raises:
            NotBuiltError: The optimizer is not built and no variables were passed.
            InvalidArgumentError: The number of gradients differs from the number of variables, all gradients are None, or a
                variable is unknown.
        """
        given = self._trainable_variables if trainable_variables is None else trainable_variables
        grads, variables = gradient_checks.as_lists(self.name, grads, given)
        if not grads:
            return
        if not self.built and trainable_variables is None:
            raise NotBuiltError(
                f"The optimizer {self.name!r} received gradients but no variables.",
                "It requires the variables that the gradients belong to.",
                "Pass `trainable_variables`, or call `optimizer.build(variables)` first.",
            )
        self.ensure_built(variables)
        with config.placement_scope(*variables[0].place):
            gradients = self._for_each_variable(grads, variables)
            own = self.variables
            state = State(own, detached_values_of(own))
            weights = self._step(state, gradients, detached_values_of(self._trainable_variables))
        _assign_all([*self._trainable_variables, *own], [*weights, *state.get(own)])

    @autograph.not_converted
    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Update the variables by one step, given pairs of a gradient and a variable; return the step count."""
        pairs = gradient_checks.as_pairs(self.name, grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def _for_each_variable(self, gradients: list, variables: list[Variable]) -> list:
        """Return gradients for all variables the optimizer was built with; None for those without one."""
        gradient_checks.check_lengths(gradients, variables)
        found: list = [None] * len(self._trainable_variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            index = self._get_variable_index(variable)
            found[index] = None if gradient is None else gradient_checks.as_gradient(gradient, variable)
        gradient_checks.check_some_gradient(self.name, gradients, variables)
        return found

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
        """The learning rate: a variable; with a schedule an array with its value at the current step; or what the function
        returns.

        It can be set to a number, a schedule or a function; no number can be set in place of the latter two.
        """
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return value_of_schedule(rate, self._iterations)
        return rate if isinstance(rate, Variable) else rate()

    @learning_rate.setter
    def learning_rate(self, learning_rate: LearningRate) -> None:
        before, rate = self._learning_rate, checked_learning_rate(type(self).__name__, learning_rate)
        if not isinstance(rate, float):
            self._learning_rate = rate
            self._variables = [variable for variable in self._variables if variable is not before]
        elif isinstance(before, Variable):
            before.assign(rate)
        else:
            raise InvalidTypeError(
                f"`learning_rate = {learning_rate!r}` was set on the optimizer {self.name!r}.",
                f"Its learning rate follows {_described(before)}.",
                "Create the optimizer with a float `learning_rate` in order to set it.",
            )

    @property
    def compiled_learning_rate(self) -> tuple:
        """What a compiled step contains of the learning rate: another value requires another compilation.

        Empty for a number, which is a variable; the schedule; or the function and, unless it reads variables, its value.
        """
        rate = self._learning_rate
        if isinstance(rate, (Variable, LearningRateSchedule)):
            return () if isinstance(rate, Variable) else (rate,)
        context = CallContext(values={})
        with call_context.entered(context):
            value = value_of_function(rate)
        return (rate,) if context.meets_unbound else (rate, float(value))

    @autograph.not_converted
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
        """Return the constructor arguments, with the current values of the learning rate and of other arguments of this class.

        For a subclass whose constructor takes ``*args`` these are the arguments of this class.
        """
        rate, names = self._learning_rate, list(serialization.constructor_of(Optimizer).parameters)[2:-1]
        now = {"learning_rate": float(rate.numpy()) if isinstance(rate, Variable) else serialization.serialize(rate)}
        now |= {name: getattr(self, name) for name in names}
        if self._cornu_arguments is None:  # of a constructor with `*args`
            return now
        given = super().get_config()
        return given | {name: value for name, value in now.items() if name in {"name", "learning_rate", *given}}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _assign_all(variables: list[Variable], values: Sequence[ArrayLike]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _described(rate: LearningRateSchedule | Callable[[], Any]) -> str:
    """Return what an error calls a learning rate that is not a number."""
    return f"a schedule, {type(rate).__name__}" if isinstance(rate, LearningRateSchedule) else "a function"


def _slot_dtype(first: np.ndarray, dtype: str) -> str:
    """Return the dtype of a slot of a weight: that of the weight, unless its first value is an integer."""
    return "int32" if first.dtype.kind == "i" else dtype


def _like(weight: Array, first: ArrayLike | Callable | None) -> Any:
    """Return the first value of a slot as an array next to a weight."""
    if first is None or callable(first):
        return first and first(weight.shape, ops.dtype(weight))
    dtype = _slot_dtype(np.asarray(first), ops.dtype(weight))
    return ops.convert_to_tensor(first, dtype=dtype, backend=backends.name_of(backends.of(weight)))


def _added(total: Array, gradient: Array | None) -> Any:
    """Return the sum of an accumulator and a gradient, in the dtype of the accumulator."""
    return total if gradient is None else transforms.cast_like(total, ops.add(total, gradient))
