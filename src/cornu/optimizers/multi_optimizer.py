"""Different optimizers for different weights."""

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, NoReturn

from cornu import registry, serialization
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError, InvalidTypeError, MissingNameError, warn
from cornu.optimizers.loss_scale_optimizer import LossScaleOptimizer, build_inner
from cornu.optimizers.optimizer import Optimizer, State
from cornu.validation import invalid_type

__all__ = ["MultiOptimizer", "OptimizerMap"]


@registry.register("optimizers")
class OptimizerMap(serialization.Configurable, MutableMapping):
    """Mapping from paths of weights to optimizers, for :class:`MultiOptimizer`.

    A key is the path of a weight (``variable.path``), such as ``"dense/kernel"``, or ``"sequential/dense/kernel"`` in a
    ``Sequential`` model, or a regular expression that matches whole paths, such as ``".*dense/.*"``.

    Args:
        default_optimizer: Optimizer of the weights that no key matches.
        optimizer_map: Dict of keys to optimizers. Defaults to None.

    Raises:
        InvalidTypeError: If an optimizer is of another type, or one that cannot be combined with others.
        InvalidArgumentError: If a key is not a regular expression.

    Example:
        >>> from cornu import optimizers
        >>> optimizer_map = optimizers.OptimizerMap(optimizers.Adam(), {".*encoder/.*": optimizers.SGD(0.01)})
        >>> type(optimizer_map["model/encoder/kernel"]).__name__, type(optimizer_map["model/decoder/kernel"]).__name__
        ('SGD', 'Adam')
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None):
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            expected = "a dict from paths of weights to optimizers"
            hint = 'Pass, for example, `{".*encoder/.*": SGD(0.01)}`.'
            raise invalid_type(self, "optimizer_map", optimizer_map, expected, hint)
        self.default_optimizer = _checked("default_optimizer", default_optimizer)
        self._optimizer_map: dict[str, Optimizer] = {}
        self.update(optimizer_map or {})

    def __getitem__(self, key: str) -> Optimizer:
        """Return the optimizer for the path of a weight.

        Raises:
            InvalidArgumentError: If the path is no key and several keys match it.
        """
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        found = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise InvalidArgumentError(
                f"The weight {key!r} matches the keys {found} of an `OptimizerMap`.",
                "At most one key may match a weight.",
                f"Make the keys more specific, or add the key {key!r}.",
            )
        return self._optimizer_map[found[0]] if found else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if key in self._optimizer_map or not isinstance(key, str):
            raise InvalidArgumentError(
                f"The key {key!r} was set in an `OptimizerMap` with the keys {list(self)}.",
                "A key must be a string that is not a key already.",
                "Delete the key before setting it again.",
            )
        try:
            re.compile(key)
        except re.error as error:
            raise InvalidArgumentError(
                f"The key {key!r} was set in an `OptimizerMap`.",
                f"It must be a path or a regular expression, but: {error}.",
                "Escape special characters with `re.escape`.",
            ) from None
        self._optimizer_map[key] = _checked(key, optimizer)

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        """Return the optimizer for a weight."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """Return the configs of the optimizers."""
        return {
            "default_optimizer": serialization.serialize(self.default_optimizer),
            "optimizer_map": serialization.serialize(self._optimizer_map),
        }


@registry.register("optimizers")
class MultiOptimizer(Optimizer):
    """Optimizer that trains each weight with one of several optimizers, such as layers with different learning rates.

    Args:
        optimizer_map: :class:`OptimizerMap`, or a function that returns the optimizer for a variable. A function cannot be
            saved.
        loss_scale_factor: Positive float that replaces the ``loss_scale_factor`` of the optimizers. Defaults to None.
        name: Name of the optimizer. Defaults to a name derived from the class.

    Attributes:
        optimizers: List of the optimizers. Each has its own ``learning_rate`` and ``iterations``; ``learning_rate`` of this
            class is an error.

    Raises:
        InvalidTypeError: If ``optimizer_map`` cannot be called or, when the optimizer is built, returns another object.

    Example:
        >>> from cornu import Variable, optimizers
        >>> kernel, bias = Variable([1.0], name="kernel"), Variable([1.0], name="bias")
        >>> optimizer_map = optimizers.OptimizerMap(optimizers.SGD(0.5), {"bias": optimizers.SGD(0.25)})
        >>> optimizers.MultiOptimizer(optimizer_map).apply([[1.0], [1.0]], [kernel, bias])
        >>> kernel.numpy().tolist(), bias.numpy().tolist()
        ([0.5], [0.75])
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ):
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        if not callable(optimizer_map):
            expected = "an `OptimizerMap`, or a function that returns the optimizer for a variable"
            raise invalid_type(self, "optimizer_map", optimizer_map, expected, "Pass `OptimizerMap(default_optimizer, {...})`.")
        self._optimizer_map = optimizer_map
        self.optimizers: list[Optimizer] = []
        self._places: list[list[int]] = []
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._place_of(optimizer)

    def _place_of(self, optimizer: Optimizer) -> int:
        """Return the position of an optimizer, after adding it if it is new."""
        if optimizer not in self.optimizers:
            optimizer.loss_scale_factor = self.loss_scale_factor
            self.optimizers.append(optimizer)
            self._places.append([])
        return self.optimizers.index(optimizer)

    def _make_variables(self, variables: list[Variable]) -> None:
        super()._make_variables(variables)
        if isinstance(self._optimizer_map, OptimizerMap):
            self._warn_of_unused_keys(self._optimizer_map, [variable.path for variable in variables])
        for place, variable in enumerate(variables):
            self._places[self._place_of(_checked(variable.path, self._optimizer_map(variable)))].append(place)
        for optimizer, places in zip(self.optimizers, self._places, strict=True):
            if places:
                build_inner(optimizer, [variables[place] for place in places])

    def _warn_of_unused_keys(self, keys: Iterable[str], paths: list[str]) -> None:
        shown = ", ".join(map(repr, paths[:4])) + (", ..." if len(paths) > 4 else "")
        for key in keys:
            if key not in paths and not any(re.fullmatch(key, path) for path in paths):
                warn(
                    f"The key {key!r} of the `OptimizerMap` matches none of the {len(paths)} trainable weights, so that its "
                    f"optimizer is not used. Their paths are {shown}. A key must be a path, or a regular expression that "
                    f"matches the whole path, such as '.*{key}.*'."
                )

    def _step(self, state: State, gradients: list, weights: list) -> list:
        """Return the weights after a step of each optimizer."""
        weights = list(weights)
        for optimizer, places in zip(self.optimizers, self._places, strict=True):
            own = [gradients[place] for place in places]
            if any(gradient is not None for gradient in own):
                variables = optimizer.variables
                after, values = optimizer.stateless_apply(state.get(variables), own, [weights[place] for place in places])
                state.put(variables, values)
                for place, weight in zip(places, after, strict=True):
                    weights[place] = weight
        self._count_step(state)
        return weights

    @property
    def variables(self) -> list[Variable]:
        """All variables, in the order of Keras files: those of this class, then those of the optimizers."""
        return [*super().variables, *(variable for optimizer in self.optimizers for variable in optimizer.variables)]

    @property
    def loss_scale_factor(self) -> float | None:  # type: ignore[override]
        """Float by which the loss is multiplied, that of all optimizers; None for 1."""
        return vars(self)["loss_scale_factor"]

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        vars(self)["loss_scale_factor"] = factor
        for optimizer in vars(self).get("optimizers", ()):
            optimizer.loss_scale_factor = factor

    @property
    def learning_rate(self) -> NoReturn:
        """There is none, since the optimizers have a learning rate each."""
        raise MissingNameError(
            f"`learning_rate` of the `MultiOptimizer` {self.name!r} was used.",
            "Each of its optimizers has a learning rate of its own.",
            "Use `learning_rate` of the elements of `optimizer.optimizers`.",
        )

    @learning_rate.setter
    def learning_rate(self, learning_rate: float) -> None:
        _ = self.learning_rate

    @property
    def compiled_learning_rate(self) -> tuple:
        """What a compiled step contains of the learning rates."""
        return tuple(optimizer.compiled_learning_rate for optimizer in self.optimizers)

    def finalize_variable_values(self, var_list: list[Variable]) -> None:
        """Assign the moving averages of the optimizers to the weights at the end of training, if they have them."""
        for optimizer, places in zip(self.optimizers, self._places, strict=True):
            optimizer.finalize_variable_values([var_list[place] for place in places])

    def exclude_from_weight_decay(self, var_list: list[Variable] | None = None, var_names: list[str] | None = None) -> None:
        """Exclude variables from the weight decay of all optimizers known so far."""
        for optimizer in self.optimizers:
            optimizer.exclude_from_weight_decay(var_list, var_names)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, with the configs of the optimizers."""
        optimizer_map = serialization.serialize(self._optimizer_map)
        return {"optimizer_map": optimizer_map, "loss_scale_factor": self.loss_scale_factor, "name": self.name}


def _checked(key: str, optimizer: Optimizer) -> Optimizer:
    """Return an optimizer; raise ``InvalidTypeError`` if it is not one, or one that cannot be combined with others."""
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise InvalidTypeError(
            f"The optimizer for {key!r} is {optimizer!r}.",
            "It must be an optimizer, and neither a `LossScaleOptimizer` nor a `MultiOptimizer`.",
            "Pass, for example, `SGD(0.01)`. To scale the loss, wrap the `MultiOptimizer` in a `LossScaleOptimizer`.",
        )
    return optimizer
