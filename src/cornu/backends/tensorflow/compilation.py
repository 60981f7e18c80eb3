"""Compile functions to TensorFlow graphs, one for each signature of the arguments."""

import functools
from collections.abc import Callable
from typing import Any

from cornu import config, trees
from cornu.backends.tensorflow.arrays import as_tensors, asarray, structure_of
from cornu.backends.tensorflow.control_flow import while_loop
from cornu.backends.tensorflow.devices import on_requested_device
from cornu.backends.tensorflow.startup import tf
from cornu.backends.tensorflow.tracing import traced
from cornu.typing import Tree


def compile(f: Callable) -> Callable:
    """See ``contract.compile``. While another function is being traced, ``f`` itself is called."""
    graphs: dict[Any, Callable] = {}

    @functools.wraps(f)
    def call(*args: Tree) -> Any:
        if not tf.executing_eagerly():
            return f(*args)
        tensors = [leaf if isinstance(leaf, tf.Tensor) else asarray(leaf) for leaf in trees.leaves(args)]
        key = (
            _signature(args),
            config.device("tensorflow"),
            config.fast_paths(),
            *[(tensor.dtype, tensor.shape) for tensor in tensors],
        )
        graph = graphs.get(key)
        if graph is None:
            graph = graphs[key] = _graph(f, structure_of(args), tensors)
        return graph(*tensors)

    return on_requested_device(call)


def _signature(tree: Tree) -> Any:
    """Return the structure of a tree as a hashable key."""
    if isinstance(tree, dict):
        return dict, *((name, _signature(tree[name])) for name in trees.keys(tree))
    if isinstance(tree, (list, tuple)):
        return type(tree), *map(_signature, tree)
    return tree is None


def _graph(f: Callable, structure: Tree, tensors: list[tf.Tensor]) -> Callable:
    """Return the function, compiled for the structure of its arguments and the shapes and dtypes of their tensors."""
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    concrete, result_structure = traced(lambda *leaves: f(*trees.unflatten(structure, list(leaves))), specs)
    return lambda *leaves: trees.unflatten(result_structure, concrete(*leaves))


def multi_step(step: Callable, finish: Callable) -> Callable:
    """See ``contract.multi_step``.

    TensorFlow's graph optimizer does not optimize the body of a loop, but it does optimize a function that the body calls and
    that must not be inlined: a small convolutional network trains 1.3 times as fast.
    """

    def run(carry: Tree, data: Tree, start: int, stop: int) -> tuple[Any, Any]:
        def flat(number: tf.Tensor, *leaves: tf.Tensor) -> list[tf.Tensor]:
            return as_tensors(step(*trees.unflatten((carry, data), list(leaves)), number))

        one_step = tf.function(flat, autograph=False, experimental_attributes={"_noinline": True})
        constant = trees.leaves(data)

        def advance(state: tuple) -> tuple:
            number, leaves = state
            return number + 1, one_step(number, *leaves, *constant)

        last = while_loop(lambda state: state[0] < stop, advance, (asarray(start, "int32"), trees.leaves(carry)))[1]
        carry = trees.unflatten(carry, last)
        return carry, finish(carry)

    return compile(run)
