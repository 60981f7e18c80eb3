"""Helpers of the layer checks: running a layer on any backend and comparing outputs."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.core import dtype_policy
from cornu.core.call_context import CallContext
from cornu.core.layer import Layer
from cornu.core.layer_placement import placement_of
from cornu.core.random_key import RandomKey
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.dtypes import is_float
from cornu.errors import CornuError
from cornu.typing import Array, Tree

__all__ = ["ContractError"]

KEY = (20, 26)
"""Random key of the calls."""

_OTHER_KEY = (20, 27)

DIRECTIONS = 3
"""Number of random directions along which each gradient is checked."""

STEP = 1e-6
"""Step size of the finite differences."""

RATE = 0.01
"""Learning rate of the training check."""


class ContractError(CornuError, AssertionError):
    """Raised when a layer violates a clause of the layer contract (see :func:`cornu.testing.check_layer`).

    Example:
        >>> from cornu.testing.harness import ContractError
        >>> issubclass(ContractError, AssertionError)
        True
    """


class Subject:
    """Layer under test, with the arguments of its calls.

    Args:
        name: String, name of the layer in error messages.
        make: Function without arguments that returns a new layer.
        inputs: Tree of NumPy arrays, the first argument of the call.
        call: Dict of the other arguments of the call, by name.
    """

    def __init__(self, name: str, make: Callable[[], Layer], inputs: Tree, call: dict[str, Any]):
        self.name, self.make, self.inputs, self.call = name, make, inputs, call
        self._weights: list[np.ndarray] | None = None

    def layer(self, backend: str = "numpy", policy: str | None = None) -> Layer:
        """Return a new built layer, with the same weights at each call; they are perturbed so that all values differ.

        Args:
            backend: String, name of the backend. Defaults to ``"numpy"``.
            policy: String, name of the dtype policy. Defaults to the global policy.
        """
        with _policy_scope(policy):  # also while it is built, since building may create sublayers
            layer = self.make().to_backend(backend)
            layer(self.symbols(), **self.call)
        if self._weights is None:
            rng = np.random.default_rng(1)
            self._weights = [_perturbed(value, rng) for value in layer.get_weights()]
        layer.set_weights(self._weights)
        return layer

    def symbols(self) -> Any:
        """Return symbolic tensors for the inputs, with an unknown batch size."""
        floats = config.floatx()
        return trees.map(
            lambda x: SymbolicTensor((None, *x.shape[1:]), floats if is_float(str(x.dtype)) else str(x.dtype)), self.inputs
        )

    def failure(self, clause: str, found: str, expected: str, hint: str) -> ContractError:
        """Return the exception for a violated clause."""
        return ContractError(f"`{self.name}` violates the clause {clause!r}: {found}", expected, hint)


def _policy_scope(policy: str | None) -> contextlib.AbstractContextManager:
    """Return a context manager inside which layers are created with a dtype policy; None for the current policy."""
    return contextlib.nullcontext() if policy is None else dtype_policy.dtype_policy_scope(policy)


def _perturbed(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a weight close to its initial value, so that variances stay positive, with distinct elements."""
    value = np.asarray(value)
    return value + 0.1 * rng.normal(size=value.shape).astype(value.dtype) if "float" in str(value.dtype) else value


def run(layer: Layer, subject: Subject, training: bool = False, key: tuple[int, int] = KEY, inputs: Tree = None) -> Any:
    """Compute the outputs of a layer without changing its variables.

    Args:
        layer: Layer to call.
        subject: ``Subject`` with the inputs and the other arguments.
        training: Whether to call the layer in training mode. Defaults to False.
        key: Key of the random generator. Defaults to ``KEY``.
        inputs: Tree of inputs. Defaults to the inputs of the subject.

    Returns:
        Tree of arrays on the layer's backend.
    """
    arrays = trees.map(array_converter(layer), subject.inputs if inputs is None else inputs)
    trained = [variable.value for variable in layer.trainable_variables]
    return backends.get(placement_of(layer).backend).compile(
        stateless_function(layer, subject, training, key, sample_mask=None)
    )(trained, arrays)


def array_converter(layer: Layer) -> Callable:
    """Return the function that converts NumPy arrays to arrays on the layer's backend."""
    return backends.get(placement_of(layer).backend).asarray


def stateless_function(
    layer: Layer, subject: Subject, training: bool, key: tuple[int, int], sample_mask: Array | None
) -> Callable:
    """Return the layer as a stateless function of its trainable values and its inputs."""
    state = [variable.value for variable in layer.non_trainable_variables]
    key_array = array_converter(layer)(np.array(key, dtype="uint32"))

    def function(trained: list, inputs: Tree) -> Any:
        random_key = RandomKey(key_array, key)  # the keys of explicit seeds follow from the second argument
        context = CallContext(key=random_key, sample_mask=sample_mask)
        return layer.stateless_call(trained, state, inputs, call_context=context, training=training, **subject.call)[0]

    return function


def numpy_outputs(layer: Layer, outputs: Tree) -> list[np.ndarray]:
    """Return the outputs as NumPy arrays; 16-bit floats as ``float32``, which NumPy can compare."""
    to_numpy = backends.get(placement_of(layer).backend).to_numpy
    arrays = [to_numpy(leaf) for leaf in trees.leaves(outputs)]
    return [array.astype("float32") if str(array.dtype) in ("float16", "bfloat16") else array for array in arrays]


def real_dtype(layer: Layer) -> str:
    """Return the dtype in which the gradients of a layer are checked."""
    return "float64" if layer.variable_dtype == "float64" else "float32"


def is_random(layer: Layer, subject: Subject) -> bool:
    """Return whether the outputs of the layer in training mode depend on the random key."""
    one = numpy_outputs(layer, run(layer, subject, training=True))
    other = numpy_outputs(layer, run(layer, subject, training=True, key=_OTHER_KEY))
    return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


def all_close(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    """Return whether two arrays are equal up to a tolerance relative to the largest absolute value or 1."""
    if one.shape != other.shape:
        return False
    scale = max(float(np.abs(other).max(initial=0)), 1.0)
    return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def describe_difference(one: np.ndarray, other: np.ndarray) -> str:
    """Return a description of the difference between two arrays, for error messages."""
    if one.shape != other.shape:
        return f"of shapes {one.shape} and {other.shape}"
    return f"different by up to {float(np.abs(one.astype('float64') - other).max()):.3g}"


def random_inputs(shape: Any) -> Any:
    """Return ``float32`` arrays of normally distributed values, for a shape or a list of shapes."""
    rng = np.random.default_rng(4)
    if isinstance(shape, list):
        return [rng.normal(size=part).astype("float32") for part in shape]
    return rng.normal(size=shape).astype("float32")
