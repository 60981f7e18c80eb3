"""Transforms and loops for TensorFlow: gradients, compilation, abstract runs.

TensorFlow traces a function into a graph. What goes in and comes out here are flat lists of tensors; the trees around
them (dicts, lists, tuples, named tuples, None) are taken apart and put together by ``cornu.trees``.
"""

from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.backends import common
from cornu.backends.contract import Array, ArraySpec
from cornu.backends.tensorflow.arrays import as_tensors, checked, structure_of
from cornu.backends.tensorflow.startup import tf

# --- Gradients --------------------------------------------------------------------------------------------------------


# --- Compilation ------------------------------------------------------------------------------------------------------


def traced(f: Callable, specs: list[tf.TensorSpec]) -> tuple[Any, Any]:
    """A function of tensors as TensorFlow's concrete function, which gives a list, and the form of what it gives."""
    forms = []

    def flat(*leaves: Array) -> list[Array]:
        results = f(*leaves)
        forms.append(structure_of(results))
        return as_tensors(results)

    concrete = tf.function(flat, autograph=False).get_concrete_function(*specs)
    return concrete, forms[-1]


def abstract_eval(f: Callable, *specs: Any) -> Any:
    """See ``contract.abstract_eval``."""
    flat_specs: list[tf.TensorSpec] = []

    def noted(spec: ArraySpec) -> int:
        flat_specs.append(tf.TensorSpec(spec.shape, checked(spec.dtype)))
        return 0

    form = common.map_specs(noted, list(specs))
    concrete, result_form = traced(lambda *leaves: f(*trees.unflatten(form, list(leaves))), flat_specs)
    return trees.unflatten(result_form, [ArraySpec(tuple(found.shape), found.dtype.name) for found in concrete.outputs])


# --- Loops and choices ------------------------------------------------------------------------------------------------
