"""Transforms and loops for TensorFlow: gradients, compilation, abstract runs.

TensorFlow traces a function into a graph. What goes in and comes out here are flat lists of tensors; the trees around
them (dicts, lists, tuples, named tuples, None) are taken apart and put together by ``cornu.trees``.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config, trees
from cornu.backends import common
from cornu.backends.contract import Array, ArraySpec
from cornu.backends.tensorflow import devices
from cornu.backends.tensorflow.arrays import as_bool, cast, checked
from cornu.backends.tensorflow.startup import tf
from cornu.errors import InvalidArgumentError

_UNROLLED = 32
"""Up to so many steps a scan is written out step by step: an LSTM of 28 steps trains 1.6 times as fast as in a loop.

Of 100 steps it would be 1.1 times, and tracing would take three times as long."""


def asarray(x: Any, dtype: str | None = None) -> Array:
    """A tensor; see ``contract.asarray``."""
    if isinstance(x, (tf.Tensor, tf.Variable, tf.IndexedSlices)):
        x = tf.convert_to_tensor(x)
        return x if dtype is None else cast(x, checked(dtype))
    if isinstance(x, (list, tuple)) and common.holds(x, tf.Tensor):
        x = tf.stack([asarray(item) for item in x])
        return x if dtype is None else cast(x, checked(dtype))
    found = common.numbers(x)
    dtype = checked(dtype or common.usual_dtype(found))
    common.check_fits(found, dtype, "Pass `dtype='int64'`, or give them as floats.")
    with np.errstate(all="ignore"):
        found = found.astype(tf.as_dtype(dtype).as_numpy_dtype, copy=False)
    if tf.executing_eagerly():
        return tf.constant(found)  # a copy
    with tf.init_scope():  # concrete while a function is traced, too
        return tf.constant(found)


def _tensors(tree: Any) -> list[Array]:
    """The leaves of a tree as tensors."""
    return [asarray(leaf) for leaf in trees.leaves(tree)]


def _form(tree: Any) -> Any:
    """The tree with numbers as leaves: what is kept of it to put another one together like it."""
    return trees.map(lambda _: 0, tree)


# --- Gradients --------------------------------------------------------------------------------------------------------


def value_and_grad(f: Callable, has_aux: bool = False) -> Callable:
    """See ``contract.value_and_grad``."""

    @functools.wraps(f)
    def wrapper(first: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            sources = [_source(leaf) for leaf in trees.leaves(first)]
            tape.watch(sources)
            outcome = f(trees.unflatten(first, sources), *args, **kwargs)
            value, aux = outcome if has_aux else (outcome, None)
            number = asarray(value)
            common.check_differentiated(tuple(number.shape), number.dtype.name)
        shares = tape.gradient(number, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient = trees.unflatten(first, [_dense(share) for share in shares])
        return ((number, aux), gradient) if has_aux else (number, gradient)

    return _on_asked_device(wrapper)


def _on_asked_device(function: Callable) -> Callable:
    """The function, run on the device that was asked for."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with devices.scope():
            return function(*args, **kwargs)

    return wrapper


def _source(leaf: Any) -> Array:
    """A tensor of its own for a leaf: the tape must not see other uses of the same one."""
    tensor = asarray(leaf) if isinstance(leaf, (tf.Tensor, np.ndarray)) else asarray(leaf, config.floatx())
    common.check_has_gradient(tensor.dtype.name)
    return tf.identity(tensor)


def _dense(gradient: Any) -> Array:
    """A gradient as a tensor: those of picked rows come as the rows alone."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, gradient.dense_shape[0])


def custom_gradient(f: Callable) -> Callable:
    """See ``contract.custom_gradient``."""

    def with_checked_gradient(*arrays: Array) -> tuple[Any, Callable]:
        value, grad = f(*arrays)
        form = _form(value)

        def gradients(*upstream: Array) -> list:
            shares = grad(trees.unflatten(form, list(upstream)))
            if not isinstance(shares, (list, tuple)) or len(shares) != len(arrays):
                raise InvalidArgumentError(
                    f"The `grad` function of a `custom_gradient` gave {shares!r}.",
                    f"It must give a tuple with one gradient for each of the {len(arrays)} arguments.",
                    "Return `(gradient,)` for one argument.",
                )
            return [None if share is None else asarray(share) for share in shares]

        return trees.map(asarray, value), gradients

    return functools.wraps(f)(lambda *arrays: tf.custom_gradient(with_checked_gradient)(*map(asarray, arrays)))


# --- Compilation ------------------------------------------------------------------------------------------------------


def compile(f: Callable) -> Callable:
    """See ``contract.compile``. Inside another function that is being traced, it is the function itself."""
    programs: dict[Any, Callable] = {}

    @functools.wraps(f)
    def call(*args: Any) -> Any:
        if not tf.executing_eagerly():
            return f(*args)
        tensors = [leaf if isinstance(leaf, tf.Tensor) else asarray(leaf) for leaf in trees.leaves(args)]
        key = (
            _signature(args),
            config.device("tensorflow"),
            config.fast_paths(),
            *[(tensor.dtype, tensor.shape) for tensor in tensors],
        )
        program = programs.get(key)
        if program is None:
            program = programs[key] = _program(f, _form(args), tensors)
        return program(*tensors)

    return _on_asked_device(call)


def _signature(tree: Any) -> Any:
    """The form of a tree as something that can be the key of a dict."""
    if isinstance(tree, dict):
        return dict, *((name, _signature(part)) for name, part in tree.items())
    if isinstance(tree, (list, tuple)):
        return type(tree), *map(_signature, tree)
    return tree is None


def _program(f: Callable, form: Any, tensors: list[Array]) -> Callable:
    """The function, compiled for a form of its arguments and the shapes and dtypes of some tensors."""
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    concrete, result_form = traced(lambda *leaves: f(*trees.unflatten(form, list(leaves))), specs)
    return lambda *leaves: trees.unflatten(result_form, concrete(*leaves))


def traced(f: Callable, specs: list[tf.TensorSpec]) -> tuple[Any, Any]:
    """A function of tensors as TensorFlow's concrete function, which gives a list, and the form of what it gives."""
    forms = []

    def flat(*leaves: Array) -> list[Array]:
        results = f(*leaves)
        forms.append(_form(results))
        return _tensors(results)

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


def scan(f: Callable, init: Any, xs: Any, reverse: bool = False) -> tuple[Any, Any]:
    """See ``contract.scan``."""
    length = trees.leaves(xs)[0].shape[0]
    init, xs = trees.map(asarray, init), trees.map(asarray, xs)
    if length and (tf.executing_eagerly() or length <= _UNROLLED):
        return _unrolled_scan(f, init, xs, range(length)[:: -1 if reverse else 1])
    return _scan_in_a_loop(f, init, xs, length, reverse)


def _unrolled_scan(f: Callable, init: Any, xs: Any, steps: range) -> tuple[Any, Any]:
    carry, ys = init, [None] * len(steps)
    for step in steps:
        carry, ys[step] = f(carry, trees.map(lambda x, step=step: x[step], xs))
    return trees.map(asarray, carry), trees.map(lambda *parts: tf.stack([asarray(part) for part in parts]), *ys)


def _scan_in_a_loop(f: Callable, init: Any, xs: Any, length: int, reverse: bool) -> tuple[Any, Any]:
    y_form, y_specs = _what_a_step_gives(f, init, xs)
    first = trees.leaves(init)
    sources = [_array_of_steps(x.dtype, length, x.shape[1:]).unstack(x) for x in trees.leaves(xs)]
    targets = [_array_of_steps(spec.dtype, length, spec.shape) for spec in y_specs]

    def step(number: Array, carry: list, targets: list) -> tuple[Array, list, list]:
        place = length - 1 - number if reverse else number
        x = trees.unflatten(xs, [source.read(place) for source in sources])
        carry, y = f(trees.unflatten(init, carry), x)
        ys = [target.write(place, asarray(leaf)) for target, leaf in zip(targets, trees.leaves(y), strict=True)]
        return number + 1, _tensors(carry), ys

    _, last, targets = tf.while_loop(lambda number, *_: number < length, step, (tf.constant(0), first, targets))
    return trees.unflatten(init, last), trees.unflatten(y_form, [target.stack() for target in targets])


def _what_a_step_gives(f: Callable, init: Any, xs: Any) -> tuple[Any, list[tf.TensorSpec]]:
    """The form of ``y`` and the specs of its leaves: the arrays that gather them must be there before the loop."""
    specs = [tf.TensorSpec(leaf.shape, leaf.dtype) for leaf in trees.leaves(init)]
    specs += [tf.TensorSpec(leaf.shape[1:], leaf.dtype) for leaf in trees.leaves(xs)]
    form = _form((init, xs))
    concrete, y_form = traced(lambda *leaves: f(*trees.unflatten(form, list(leaves)))[1], specs)
    return y_form, [tf.TensorSpec(found.shape, found.dtype) for found in concrete.outputs]


def _array_of_steps(dtype: tf.DType, length: int, shape: Any) -> tf.TensorArray:
    return tf.TensorArray(dtype, size=length, element_shape=shape)


def while_loop(cond: Callable, body: Callable, init: Any) -> Any:
    """See ``contract.while_loop``."""
    init = trees.map(asarray, init)

    def go_on(*leaves: Array) -> Array:
        return as_bool(asarray(cond(trees.unflatten(init, list(leaves)))))

    def step(*leaves: Array) -> list[Array]:
        return _tensors(body(trees.unflatten(init, list(leaves))))

    return trees.unflatten(init, list(tf.while_loop(go_on, step, trees.leaves(init), parallel_iterations=1)))


def cond(pred: Array, true_fn: Callable, false_fn: Callable, *operands: Any) -> Any:
    """See ``contract.cond``."""
    if not isinstance(pred, tf.Tensor) or hasattr(pred, "numpy"):  # its value is known
        return true_fn(*operands) if pred else false_fn(*operands)
    forms = []

    def flat(function: Callable) -> list[Array]:
        results = function(*operands)
        forms.append(_form(results))
        return _tensors(results)

    results = tf.cond(as_bool(pred), lambda: flat(true_fn), lambda: flat(false_fn))
    return trees.unflatten(forms[-1], results)


def repeat(step: Callable, finish: Callable) -> Callable:
    """See ``contract.repeat``.

    TensorFlow's optimizer of graphs does nothing for what stands inside a loop. A function that the loop calls and that may
    not be written out there is improved: a small convolutional network trains 1.3 times as fast.
    """

    def run(carry: Any, data: Any, start: Any, stop: Any) -> tuple[Any, Any]:
        def flat(number: Array, *leaves: Array) -> list[Array]:
            return _tensors(step(*trees.unflatten((carry, data), list(leaves)), number))

        one_step = tf.function(flat, autograph=False, experimental_attributes={"_noinline": True})
        constant = trees.leaves(data)

        def one_more(place: tuple) -> tuple:
            number, leaves = place
            return number + 1, one_step(number, *leaves, *constant)

        last = while_loop(lambda place: place[0] < stop, one_more, (asarray(start, "int32"), trees.leaves(carry)))[1]
        carry = trees.unflatten(carry, last)
        return carry, finish(carry)

    return compile(run)
