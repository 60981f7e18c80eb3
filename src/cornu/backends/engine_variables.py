"""Variables of the engines themselves, which their gradients, optimizers and traced functions recognize.

``tf.GradientTape`` finds gradients of a ``tf.Variable``, ``tf.function`` records an assignment to one, and ``loss.backward()``
and ``torch.optim`` work on a ``torch.nn.Parameter``. Cornu's compiled functions need none of these: they bind variables to
arrays. So the value of a variable of Cornu moves to one of its engine only when code of the engine itself can observe it.

The backend of an engine with such variables defines ``EngineVariable``, a class with the methods below. A backend may also
define ``VARIABLE_ATTRIBUTES``: attributes that a variable of Cornu has for functions of the engine, as a dict from the name to
a function of the variable; and ``accept_variables(kind)``, which makes the class of variables known to the engine.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cornu.backends.contract import Array, Backend
from cornu.typing import Tree


class EngineVariable(Protocol):
    """A variable of an engine.

    Args:
        x: Array, the initial value.
        trainable: Whether the engine records what is computed with the value, to differentiate it.
        name: Name of the variable.

    Attributes:
        native: The engine's object.
        records_assignments: Whether an assignment in a function that the engine traces is part of the traced function.
    """

    native: Any
    records_assignments: bool

    def __init__(self, x: Array, trainable: bool, name: str): ...

    @staticmethod
    def observes_reads(trainable: bool) -> bool:
        """Return whether code of the engine may observe that a variable is read now."""
        ...

    @staticmethod
    def observes_assignments() -> bool:
        """Return whether code of the engine may record that a variable is assigned now."""
        ...

    @staticmethod
    def own(x: Array) -> Any:
        """Return an array of the user as a constant for the engine, which in-place operations on ``x`` do not change."""
        ...

    @staticmethod
    def steps_of(f: Callable[[Any, Any], Any], differentiates: bool, is_compiled: bool) -> Callable[[Any, int, int], Any]:
        """Return consecutive steps that change variables in place, in the form in which the engine runs them.

        Args:
            f: A step: a function ``(data, number) -> logs`` of a tree of arrays and the number of the batch.
            differentiates: Whether the step computes gradients.
            is_compiled: Whether the engine may record the step; otherwise it runs operation by operation.

        Returns:
            Function ``(data, start, stop) -> logs`` that runs the steps ``start`` to ``stop - 1``, with the logs of the last.
        """
        ...

    @staticmethod
    def batches_of(data: Tree) -> Any:
        """Return a batch in the form in which Keras passes batches to the ``train_function`` of a model on the engine."""
        ...

    def read(self, trainable: bool) -> Any:
        """Return the value such that the engine records its use."""
        ...

    def snapshot(self) -> Any:
        """Return the value as an array that is independent of later assignments by :meth:`replace`."""
        ...

    def assign(self, x: Array) -> None:
        """Set the value; in a function that the engine traces, record the assignment if the engine can."""
        ...

    def replace(self, x: Array) -> None:
        """Set the value outside of all traces. The arrays of earlier snapshots do not change."""
        ...


def one_by_one(step: Callable[[Any, Any], Any]) -> Callable[[Any, int, int], Any]:
    """Return the steps of :meth:`EngineVariable.steps_of` as a loop over a step."""

    def steps(data: Tree, start: int, stop: int) -> Any:
        for number in range(start, stop - 1):
            step(data, number)
        return step(data, stop - 1)

    return steps


def find(backend: Backend) -> "type[EngineVariable] | None":
    """Return the class of the variables of an engine, or None for an engine without."""
    return getattr(backend, "EngineVariable", None)


def attributes(backend: Backend) -> Mapping[str, Callable[[Any], Any]]:
    """Return the attributes that a variable has for functions of an engine."""
    return getattr(backend, "VARIABLE_ATTRIBUTES", {})
