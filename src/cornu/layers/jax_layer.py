"""Functions of JAX and modules of Flax as layers. JAX and Flax are imported only when one is created."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Unpack

import numpy as np

from cornu import ops, registry, seeds
from cornu.core.layer_config import LayerArguments
from cornu.core.layer_placement import backend_of
from cornu.core.seed_generator import SeedGenerator
from cornu.core.shape_trees import ShapeTree, map_shapes
from cornu.core.variable import Variable
from cornu.dtypes import is_float
from cornu.errors import InvalidArgumentError, MissingPackageError
from cornu.layers.foreign_layer import ForeignLayer
from cornu.typing import ArrayLike, Tree
from cornu.validation import invalid_type

__all__ = ["FlaxLayer", "JaxLayer"]


@registry.register("layers")
class JaxLayer(ForeignLayer):
    """Layer that computes by a function of JAX. The layer, and so the model it belongs to, must be on the backend ``"jax"``.

    Args:
        call_fn: Function of some of the arguments ``params``, ``state``, ``rng``, ``inputs`` and ``training``, by these names;
            ``inputs`` is required. It returns the outputs, or ``(outputs, new_state)`` if it takes ``state``. ``rng`` is a key
            in training, else None.
        init_fn: Function of some of ``rng``, ``inputs`` and ``training`` that returns ``params``, or ``(params, state)`` if
            ``call_fn`` takes ``state``. It is called when the layer is built, with inputs of ones. Defaults to None.
        params: Tree of arrays, the initial values of the trainable weights. Defaults to what ``init_fn`` returns.
        state: Tree of arrays, the initial values of the other weights. Defaults to what ``init_fn`` returns.
        seed: Integer seed of ``rng``. Defaults to a seed drawn from the global generator.
        native_serialization_platforms: Accepted for compatibility with Keras; ignored.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a function has other arguments, or there is no source of the weights.
        BackendError: If, when called, the layer is on another backend.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import JaxLayer
        >>> layer = JaxLayer(lambda params, inputs: inputs @ params["w"], params={"w": np.ones((3, 2), "float32")})
        >>> layer(np.ones((1, 3), "float32")).tolist(), layer.count_params()
        ([[3.0, 3.0]], 6)
    """

    cornu_engine, cornu_wraps = "jax", "a function of JAX"

    def __init__(
        self,
        call_fn: Callable,
        init_fn: Callable | None = None,
        params: Tree = None,
        state: Tree = None,
        seed: int | None = None,
        native_serialization_platforms: list[str] | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.call_fn, self.init_fn = call_fn, init_fn
        self._call_names = _names_of("call_fn", call_fn, ("params", "state", "rng", "inputs", "training"))
        self._init_names = [] if init_fn is None else _names_of("init_fn", init_fn, ("rng", "inputs", "training"))
        is_given = params is not None or state is not None
        needs_weights = "params" in self._call_names or "state" in self._call_names
        if needs_weights and init_fn is None and not is_given:
            raise InvalidArgumentError(
                f"`{type(self).__name__}` received neither `init_fn` nor `params` nor `state`.",
                "Its `call_fn` takes weights, whose initial values must come from one of them.",
                "Pass `params={...}`, or a function that returns them as `init_fn`.",
            )
        self.seed_generator = SeedGenerator(seed) if "rng" in self._call_names else None
        self.params, self.state = self._variables(params, True), self._variables(state, False)
        self.built = is_given or not needs_weights
        self.to_backend("jax")

    def _variables(self, values: Tree, trainable: bool) -> Any:
        """Return a tree with a variable in the place of each array and number, in the order and by the rules of JAX."""
        import jax

        def variable_of(value: Tree) -> Any:
            if not hasattr(value, "dtype") and not isinstance(value, (bool, int, float)):
                return value
            array = np.array(value)  # a copy: training reuses the memory of its arrays
            dtype = None if is_float(array.dtype.name) else array.dtype.name
            return self.add_weight(array.shape, lambda shape, dtype: array, dtype, trainable=trainable)

        return jax.tree_util.tree_map(variable_of, values)

    def build(self, input_shape: ShapeTree) -> None:
        """Create the weights by ``init_fn``."""
        if self.init_fn is None or self.params is not None or self.state is not None:
            return
        with backend_of(self).concrete():
            ones = map_shapes(input_shape, lambda shape: ops.ones([1 if size is None else size for size in shape]))
            given = {"rng": self._init_rng(), "inputs": ones, "training": True}
            found = self.init_fn(**{name: given[name] for name in self._init_names})
        params, state = found if "state" in self._call_names else (found, None)
        self.params, self.state = self._variables(params, True), self._variables(state, False)

    def _init_rng(self) -> Any:
        return _key(seeds.next_key())

    def _call_rng(self, training: bool | None) -> Any:
        return _key(self.seed_generator.next()) if training and self.seed_generator is not None else None

    def call(self, inputs: Tree, training: bool | None = False) -> Any:
        """Return the outputs of ``call_fn``, and store the new state."""
        self._check_engine()
        import jax

        def values_of(tree: Tree) -> Any:
            return jax.tree_util.tree_map(lambda leaf: leaf.value if _is_variable(leaf) else leaf, tree, is_leaf=_is_variable)

        given = {"params": values_of(self.params), "state": values_of(self.state), "inputs": inputs, "training": training}
        given["rng"] = self._call_rng(training)
        outputs = self.call_fn(**{name: given[name] for name in self._call_names})
        if "state" in self._call_names:
            outputs, state = outputs
            jax.tree_util.tree_map(lambda variable, new: variable.assign(new), self.state, state, is_leaf=_is_variable)
        return outputs


@registry.register("layers")
class FlaxLayer(JaxLayer):
    """Layer that computes by a ``flax.linen.Module``. It must be on the backend ``"jax"``.

    The collection ``"params"`` of the module becomes the trainable weights, the others become non-trainable weights.

    Args:
        module: Module whose method takes the argument ``inputs``, and optionally ``training``.
        method: Name of a method of the module, or a function of the module and these arguments. Defaults to ``__call__``.
        variables: Dict of collections, the initial weights. Defaults to what ``module.init`` returns when the layer is built.
        **kwargs: ``seed``, the integer seed of dropout, and arguments of the base class :class:`Layer`, such as ``name``.

    Raises:
        MissingPackageError: If Flax is not installed.
        BackendError: If, when called, the layer is on another backend.

    Example:
        >>> import flax.linen, numpy as np  # doctest: +SKIP
        >>> FlaxLayer(flax.linen.Dense(4))(np.ones((2, 3))).shape  # doctest: +SKIP
        (2, 4)
    """

    cornu_wraps = "a module of Flax"

    def __init__(
        self, module: Any, method: str | Callable | None = None, variables: Mapping[str, Any] | None = None, **kwargs: Any
    ):
        linen = _linen()
        if not isinstance(module, linen.Module):
            hint = "Pass an object of such a class, for example `flax.linen.Dense(4)`; for a function of JAX use `JaxLayer`."
            raise invalid_type(self, "module", module, "a `flax.linen.Module`", hint)
        self.module, self.method = module, method
        called = getattr(module, method or "__call__") if isinstance(method, (str, type(None))) else method
        takes_training = "training" in inspect.signature(called).parameters
        mutable = linen.DenyList(["params"])

        def apply(params: dict | None, state: dict | None, rng: Tree, inputs: Tree, training: bool | None) -> Any:
            mode = {"training": training} if takes_training else {}
            return module.apply({**(params or {}), **(state or {})}, inputs, rngs=rng, method=method, mutable=mutable, **mode)

        def init(rng: Tree, inputs: Tree) -> Any:
            return _divided(module.init(rng, inputs, method=method, **({"training": True} if takes_training else {})))

        params, state = (None, None) if variables is None else _divided(variables)
        super().__init__(call_fn=apply, init_fn=init, params=params, state=state, **kwargs)

    def _init_rng(self) -> Any:
        return {name: _key(seeds.next_key()) for name in ("params", "dropout")}

    def _call_rng(self, training: bool | None) -> Any:
        return {"dropout": super()._call_rng(training)} if training else {}


def _linen() -> Any:
    """Return the module ``flax.linen``."""
    try:
        from flax import linen
    except ImportError:
        raise MissingPackageError(
            "`FlaxLayer` was called, and the package `flax` is not installed.",
            "It wraps a module of Flax.",
            "Install it: `pip install flax`.",
        ) from None
    return linen


def _divided(variables: Mapping[str, Any]) -> tuple[dict, dict]:
    """Return the trainable collection and the others."""
    params = {name: variables[name] for name in variables if name == "params"}
    return params, {name: variables[name] for name in variables if name != "params"}


def _is_variable(leaf: Tree) -> bool:
    return isinstance(leaf, Variable)


def _key(pair: ArrayLike) -> Any:
    """Return a key of two integers as a key of JAX."""
    import jax.numpy as jnp

    return jnp.asarray(pair, "uint32")


def _names_of(argument: str, function: Callable, allowed: tuple[str, ...]) -> list[str]:
    """Return the names of the arguments of a function, after a check."""
    names = list(inspect.signature(function).parameters)
    if "inputs" not in names or not set(names) <= set(allowed):
        raise InvalidArgumentError(
            f"`JaxLayer` received as `{argument}` a function of the arguments {names}.",
            f"Its arguments must be `inputs` and any others of {', '.join(f'`{name}`' for name in allowed)}, by these names.",
            "Rename them, or pass a `lambda` that calls the function.",
        )
    return names
