"""Trace functions to TensorFlow graphs, and infer shapes and dtypes.

Graphs have flat lists of tensors as inputs and outputs; ``cornu.trees`` flattens and unflattens the trees of the callers
(dicts, lists, tuples, named tuples, None).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import trees
from cornu.backends import common
from cornu.backends.contract import ArraySpec, ArraySpecs
from cornu.backends.tensorflow.arrays import as_tensors, asarray, checked, structure_of
from cornu.backends.tensorflow.startup import tf
from cornu.errors import TracedValueError

VALUE_ERRORS = (tf.errors.OperatorNotAllowedInGraphError, TracedValueError)
"""Raised where a traced function reads the values of a tensor."""


def traced(f: Callable, specs: list[tf.TensorSpec]) -> tuple[Any, Any]:
    """Return a function of tensors as a concrete function that returns a list, and the structure of its results."""
    structures = []

    def flat(*leaves: tf.Tensor) -> list[tf.Tensor]:
        results = f(*leaves)
        structures.append(structure_of(results))
        return as_tensors(results)

    concrete = tf.function(flat, autograph=False).get_concrete_function(*specs)
    return concrete, structures[-1]


def abstract_eval(f: Callable, *specs: ArraySpecs) -> Any:
    """See ``contract.abstract_eval``."""
    flat_specs: list[tf.TensorSpec] = []

    def collect(spec: ArraySpec) -> int:
        flat_specs.append(tf.TensorSpec(spec.shape, checked(spec.dtype)))
        return 0

    structure = common.map_specs(collect, list(specs))
    try:
        concrete, result_structure = traced(lambda *leaves: f(*trees.unflatten(structure, list(leaves))), flat_specs)
    except VALUE_ERRORS:
        with tf.init_scope(), common.without_values.set_to(True):
            results = f(*trees.unflatten(structure, [tf.zeros(spec.shape, spec.dtype) for spec in flat_specs]))
        return trees.map(lambda x: ArraySpec(tuple(x.shape), x.dtype.name), trees.map(asarray, results))
    return trees.unflatten(result_structure, [ArraySpec(tuple(x.shape), x.dtype.name) for x in concrete.outputs])


def call_on_host(function: Callable, inputs: Sequence[tf.Tensor], shape: Sequence[int | None], dtype: str) -> tf.Tensor:
    """Return a tensor of a graph that a function of NumPy arrays computes when the graph runs.

    Strings reach the function as arrays of ``bytes``.
    """

    def call(*arrays: np.ndarray) -> np.ndarray:
        return function(*map(np.asarray, arrays)).astype(output.as_numpy_dtype, copy=False)

    output = tf.as_dtype(dtype)
    result = tf.numpy_function(call, inputs, output, stateful=False)
    result.set_shape(shape)
    return result
