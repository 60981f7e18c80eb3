"""Variables of TensorFlow, for gradient tapes and traced functions of the user (see ``backends/engine_variables.py``)."""

from collections.abc import Callable
from typing import Any

from cornu.backends import engine_variables
from cornu.backends.tensorflow.startup import tf
from cornu.typing import Tree


class TensorFlowVariable:
    """A ``tf.Variable``.

    Args:
        x: Tensor with values.
        trainable: Whether tapes watch the variable without being told.
        name: Name of the variable.
    """

    records_assignments = True

    def __init__(self, x: tf.Tensor, trainable: bool, name: str):
        self._trainable, self._name = trainable, name
        self.native = self._variable(x)

    def _variable(self, x: tf.Tensor) -> tf.Variable:
        with tf.init_scope(), tf.device(x.device):  # outside of the graph of a function that is being traced
            return tf.Variable(x, trainable=self._trainable, name=self._name)

    @staticmethod
    def observes_reads(trainable: bool) -> bool:
        """Return True: TensorFlow has no public name to ask whether a tape is recording."""
        return True

    @staticmethod
    def observes_assignments() -> bool:
        """Return whether a function is being traced."""
        return not tf.executing_eagerly()

    @staticmethod
    def own(x: tf.Tensor) -> tf.Tensor:
        """Return the tensor itself, which is immutable."""
        return x

    @staticmethod
    def steps_of(f: Callable[[Any, Any], Any], differentiates: bool, is_compiled: bool) -> Callable[[Any, int, int], Any]:
        """Return a loop over the steps: one ``tf.function``, or a Python loop if they must run operation by operation.

        A call of a ``tf.function`` takes longer than a small step. See ``compilation.multi_step`` for ``_noinline``.
        """
        if not is_compiled:
            return engine_variables.one_by_one(f)
        step = tf.function(f, autograph=False, experimental_attributes={"_noinline": True})

        def run(data: Tree, start: tf.Tensor, stop: tf.Tensor) -> Any:
            def advance(number: tf.Tensor, logs: Tree) -> tuple[tf.Tensor, Any]:
                return number + 1, step(data, number)

            return tf.while_loop(lambda number, logs: number < stop, advance, (start + 1, step(data, start)))[1]

        steps = tf.function(run, autograph=False)
        return lambda data, start, stop: steps(data, tf.constant(start), tf.constant(stop))

    @staticmethod
    def batches_of(data: Tree) -> Any:
        """Return an iterator of a ``tf.data.Dataset``, which a ``tf.function`` accepts without being traced again."""
        return iter(tf.data.Dataset.from_tensors(_tuples(data)))

    def read(self, trainable: bool) -> tf.Tensor:
        """Return the value; tapes that are recording watch the variable."""
        return self.native.value()

    def snapshot(self) -> tf.Tensor:
        """Return the value as a tensor, which later assignments do not change."""
        return self.native.value()

    def assign(self, x: tf.Tensor) -> None:
        """Set the value, or record the assignment in the graph that is being traced."""
        self.native.assign(x)

    def replace(self, x: tf.Tensor) -> None:
        """Set the value; on another device the variable becomes a new one."""
        if x.device == self.native.device:
            self.native.assign(x)
        else:
            self.native = self._variable(x)


def _tuples(tree: Tree) -> Any:
    """Return a tree with tuples in place of lists, which a ``tf.data.Dataset`` would take for an array."""
    if isinstance(tree, (list, tuple)):
        return tuple(map(_tuples, tree))
    return {name: _tuples(part) for name, part in tree.items()} if isinstance(tree, dict) else tree


VARIABLE_ATTRIBUTES = {
    "_should_act_as_resource_variable": lambda variable: True,
    "handle": lambda variable: variable.engine_variable().native.handle,
}
"""What ``tf.GradientTape.gradient`` asks of a variable of another library."""
