"""Run a layer on every backend, and compare what comes out."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.core import dtype_policy
from cornu.core.call_context import CallContext
from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.dtypes import is_float
from cornu.errors import CornuError

__all__ = ["ContractError"]

KEY = (20, 26)

_OTHER_KEY = (20, 27)

DIRECTIONS = 3

STEP = 1e-6

RATE = 0.01


class ContractError(CornuError, AssertionError):
    """A layer breaks a clause of the contract.

    Example:
        >>> from cornu.testing.harness import ContractError
        >>> issubclass(ContractError, AssertionError)
        True
    """


class Subject:
    """A layer under test: how to make it, and what to call it on.

    Args:
        name: What it is called in messages.
        make: Makes a new layer each time.
        inputs: A tree of NumPy arrays, the first argument of the call.
        call: Its other arguments, by name.
    """

    def __init__(self, name: str, make: Callable[[], Layer], inputs: Any, call: dict[str, Any]):
        self.name, self.make, self.inputs, self.call = name, make, inputs, call
        self._weights: list[np.ndarray] | None = None

    def layer(self, backend: str = "numpy", policy: str | None = None) -> Layer:
        """A new layer on a backend, built, with the same weights each time: none is like another, none is 0.

        Args:
            backend: Name of the backend.
            policy: Name of the dtype policy; default that of the settings.
        """
        with _under(policy):  # also while it is built: it may make layers of its own then
            layer = self.make().to_backend(backend)
            layer(self.symbols(), **self.call)
        if self._weights is None:
            rng = np.random.default_rng(1)
            self._weights = [_shaken(value, rng) for value in layer.get_weights()]
        layer.set_weights(self._weights)
        return layer

    def symbols(self) -> Any:
        """Symbolic tensors like the inputs, of a batch of unknown size."""
        floats = config.floatx()
        return trees.map(
            lambda x: SymbolicTensor((None, *x.shape[1:]), floats if is_float(str(x.dtype)) else str(x.dtype)), self.inputs
        )

    def failure(self, clause: str, found: str, expected: str, advice: str) -> ContractError:
        """The exception for a broken clause."""
        return ContractError(f"`{self.name}` breaks the clause {clause!r}: {found}", expected, advice)


def _under(policy: str | None) -> contextlib.AbstractContextManager:
    """Inside, layers are made under this dtype policy; None leaves it as it is."""
    return contextlib.nullcontext() if policy is None else dtype_policy.dtype_policy_scope(policy)


def _shaken(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A weight near its first value, so that a variance stays positive, with all numbers different."""
    value = np.asarray(value)
    return value + 0.1 * rng.normal(size=value.shape).astype(value.dtype) if "float" in str(value.dtype) else value


def run(layer: Layer, subject: Subject, training: bool = False, key: tuple[int, int] = KEY, inputs: Any = None) -> Any:
    """The layer's outputs, its variables left as they are.

    Args:
        layer: The layer.
        subject: Gives the inputs and the other arguments.
        training: Whether it is called as in training.
        key: Where its random numbers come from.
        inputs: Other inputs than the subject's.

    Returns:
        A tree of arrays of the layer's backend.
    """
    arrays = trees.map(on(layer), subject.inputs if inputs is None else inputs)
    trained = [variable.value for variable in layer.trainable_variables]
    return backends.get(placement_of(layer).backend).compile(pure(layer, subject, training, key, sample_mask=None))(
        trained, arrays
    )


def on(layer: Layer) -> Callable:
    return backends.get(placement_of(layer).backend).asarray


def pure(layer: Layer, subject: Subject, training: bool, key: tuple[int, int], sample_mask: Any) -> Callable:
    """The layer as a function of its trainable values and inputs."""
    state = [variable.value for variable in layer.non_trainable_variables]
    key_array = on(layer)(np.array(key, dtype="uint32"))

    def function(trained: list, inputs: Any) -> Any:
        context = CallContext(key=key_array, sample_mask=sample_mask)
        return layer.stateless_call(trained, state, inputs, call_context=context, training=training, **subject.call)[0]

    return function


def numpy_outputs(layer: Layer, outputs: Any) -> list[np.ndarray]:
    """The outputs as NumPy arrays; floats of 16 bits as ``float32``, which NumPy can compare."""
    to_numpy = backends.get(placement_of(layer).backend).to_numpy
    arrays = [to_numpy(leaf) for leaf in trees.leaves(outputs)]
    return [array.astype("float32") if str(array.dtype) in ("float16", "bfloat16") else array for array in arrays]


def real_dtype(layer: Layer) -> str:
    return "float64" if layer.variable_dtype == "float64" else "float32"


def is_random(layer: Layer, subject: Subject) -> bool:
    """Whether its outputs in training depend on the key."""
    one = numpy_outputs(layer, run(layer, subject, training=True))
    other = numpy_outputs(layer, run(layer, subject, training=True, key=_OTHER_KEY))
    return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


def near(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    """Whether two arrays differ by less than a part of the largest number."""
    if one.shape != other.shape:
        return False
    scale = max(float(np.abs(other).max(initial=0)), 1.0)
    return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def farthest(one: np.ndarray, other: np.ndarray) -> str:
    if one.shape != other.shape:
        return f"shapes {one.shape} and {other.shape}"
    return f"numbers that differ by up to {float(np.abs(one.astype('float64') - other).max()):.3g}"


def random_inputs(shape: Any) -> Any:
    rng = np.random.default_rng(4)
    if isinstance(shape, list):
        return [rng.normal(size=part).astype("float32") for part in shape]
    return rng.normal(size=shape).astype("float32")
