"""Operations of a graph that users define, and graphs as functions."""

import abc
from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.core import graph
from cornu.core.layer import Layer
from cornu.core.layer_errors import unusable_name
from cornu.core.naming import auto_name
from cornu.core.shape_inference import infer
from cornu.core.shape_trees import ShapeTree, map_shapes
from cornu.core.symbolic_tensor import Node, SymbolicTensor, is_symbolic, symbolic_leaves
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltAttributeError, ShapeError
from cornu.serialization import Configurable
from cornu.typing import Array, Tree

__all__ = ["Function", "Operation"]


class Operation(Configurable, abc.ABC):
    """Base class of operations without weights: functions of arrays that are recorded when an argument is symbolic.

    A subclass computes the outputs in :meth:`call`. Layers are operations too (``isinstance`` tells so).

    Args:
        name: Name of the operation. Defaults to a name derived from the class.

    Raises:
        InvalidArgumentError: If ``name`` is not a string or contains ``/``.

    Example:
        >>> import cornu
        >>> class Scale(cornu.Operation):
        ...     def __init__(self, factor, name=None):
        ...         super().__init__(name)
        ...         self.factor = factor
        ...     def call(self, x):
        ...         return x * self.factor
        >>> scale = Scale(3)
        >>> scale(cornu.ops.ones((2,))).tolist(), scale(cornu.Input((4,))).shape
        ([3.0, 3.0], (None, 4))
    """

    def __init__(self, name: str | None = None):
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise unusable_name(type(self), name)
        self.name = name or auto_name(type(self).__name__)
        self._inbound_nodes: list[Node] = []

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the recorded calls."""
        return {**vars(self), "_inbound_nodes": []}

    def __call__(self, *args: Tree, **kwargs: Tree) -> Any:
        """Call the operation. A call on symbolic tensors is recorded instead of computed."""
        return (self.symbolic_call if symbolic_leaves((args, kwargs)) else self.call)(*args, **kwargs)

    def symbolic_call(self, *args: Tree, **kwargs: Tree) -> Any:
        """Record a call, and return symbolic tensors of its outputs."""
        return graph.record(self, args, kwargs, self.compute_output_spec(*args, **kwargs))

    def call(self, *args: Tree, **kwargs: Tree) -> Any:
        """Return the outputs for arrays.

        Raises:
            InvalidTypeError: If the class does not define ``call``.
        """
        raise InvalidTypeError(
            f"The operation {self.name!r} was called, and its class `{type(self).__name__}` has no `call`.",
            "An operation computes its outputs in this method.",
            "Define `def call(self, inputs): ...`.",
        )

    def compute_output_spec(self, *args: Tree, **kwargs: Tree) -> Any:
        """Return symbolic tensors of the outputs for symbolic arguments. By default, :meth:`call` is evaluated abstractly."""
        return infer(self.call, args, kwargs)

    @property
    def input(self) -> Any:
        """The symbolic tensors of the first recorded call."""
        inputs = self._first_call().inputs
        return inputs[0] if len(inputs) == 1 else inputs

    @property
    def output(self) -> Any:
        """The symbolic tensors returned by the first recorded call."""
        return self._first_call().outputs

    def _first_call(self) -> Node:
        if not self._inbound_nodes:
            raise NotBuiltAttributeError(
                f"The input or output of the operation {self.name!r} was requested.",
                "It has none before its first call on symbolic tensors.",
                "Call it on a `cornu.Input` first.",
            )
        return self._inbound_nodes[0]


Operation.register(Layer)


class Function(Operation):
    """The computation between symbolic tensors as a function of arrays: like a functional model, but without a layer's methods.

    Args:
        inputs: Symbolic tensor, or a list, tuple or dict of them.
        outputs: Symbolic tensors that are computed from the inputs.
        name: Name of the function. Defaults to a name derived from the class.

    Raises:
        InvalidArgumentError: If there are no inputs or no outputs.
        InvalidTypeError: If an output does not depend only on the inputs.
        ShapeError: If, when called, the number or the ranks of the arrays differ.

    Example:
        >>> import cornu
        >>> x = cornu.KerasTensor((None, 2))
        >>> double_sum = cornu.Function(x, cornu.ops.sum(2 * x, axis=-1))
        >>> double_sum(cornu.ops.ones((3, 2))).tolist()
        [4.0, 4.0, 4.0]
    """

    def __init__(self, inputs: Tree, outputs: Tree, name: str | None = None):
        super().__init__(name)
        self._inputs_form, self._outputs_form = inputs, outputs
        self.inputs, self.outputs = trees.leaves(inputs), trees.leaves(outputs)
        if not self.inputs or not self.outputs or not all(map(is_symbolic, (*self.inputs, *self.outputs))):
            raise InvalidArgumentError(
                f"`Function` received inputs={inputs!r} and outputs={outputs!r}.",
                "Both must be symbolic tensors, at least one each.",
                "Create the inputs by `cornu.Input` or `cornu.KerasTensor`, and compute the outputs from them.",
            )
        for tensor in self.inputs:
            if tensor.node is None:  # a mere description of an array, here the start of a graph
                Node(self, (), {}, tensor, recorded=False)
        self._nodes = graph.run_order(self.inputs, self.outputs)
        known = set(map(id, self.inputs))
        starts = [leaf for node in self._nodes if not node.inputs for leaf in trees.leaves(node.outputs)]
        unknown = [leaf.name for leaf in starts if id(leaf) not in known]
        if unknown:
            raise InvalidTypeError(
                f"`Function` received outputs that depend on {unknown}.",
                "They must be computed from `inputs` alone.",
                "Add these tensors to `inputs`.",
            )

    @property
    def operations(self) -> list:
        """List of the layers and ops, each once."""
        return [operation for operation in graph.operations_of(self._nodes) if not isinstance(operation, Function)]

    def call(self, inputs: Tree) -> Any:  # type: ignore[override]
        """Return the outputs, in the structure of ``outputs``, for arrays in the structure of ``inputs``."""
        return self._run(inputs, lambda operation, args, kwargs: operation(*args, **kwargs))

    def compute_output_spec(self, inputs: Tree) -> Any:  # type: ignore[override]
        """Return symbolic tensors of the outputs."""
        found = self._run(inputs, lambda operation, args, kwargs: operation.compute_output_spec(*args, **kwargs))
        return trees.map(lambda spec: SymbolicTensor(spec.shape, spec.dtype), found)

    def compute_output_shape(self, input_shape: ShapeTree) -> Any:
        """Return the shapes of the outputs for the shapes of the inputs, in the same structure."""
        specs = map_shapes(input_shape, SymbolicTensor)
        for spec, tensor in zip(trees.leaves(specs), self.inputs, strict=True):
            spec.dtype = tensor.dtype
        return trees.map(lambda spec: spec.shape, self.compute_output_spec(specs))

    def _run(self, inputs: Tree, call: Callable) -> Any:
        arrays: list[Array] = trees.leaves(inputs)
        ranks = [len(tensor.shape) for tensor in self.inputs]
        if [len(getattr(array, "shape", ())) for array in arrays] != ranks:
            raise ShapeError(
                f"The function {self.name!r} received {len(arrays)} inputs of the shapes "
                f"{[tuple(getattr(array, 'shape', ())) for array in arrays]}.",
                f"It has {len(ranks)} inputs, of the shapes {[tensor.shape for tensor in self.inputs]}.",
                "Pass one array for each, in the structure of its `inputs`.",
            )
        return graph.run(self._nodes, self.inputs, arrays, self._outputs_form, call)
