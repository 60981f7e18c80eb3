"""The compiled prediction function of a model."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import backends, config, registry, trees
from cornu.core import batch_coupling, call_context, call_handling, layer_errors, layer_tree, masks
from cornu.core.call_context import CallContext
from cornu.core.layer import Layer
from cornu.core.layer_placement import backend_of, placement_of
from cornu.core.random_key import RandomKey
from cornu.core.structure_fingerprint import StructureFingerprint
from cornu.core.variable import values_of
from cornu.errors import InvalidTypeError, returned_none
from cornu.training.batch import shapes_and_dtypes
from cornu.training.model_protocol import TrainableModel
from cornu.training.step.multi_step import warn_about_reading
from cornu.typing import Array, Tree

_KEY = 0x5EED


class PredictFunction:
    """The compiled function from inputs to outputs, with the variables that it reads.

    Args:
        model: A built model.
        own_step: The ``predict_step`` of the user, as a function from inputs to outputs. Defaults to None (the model's call).
        is_compiled: Whether the function is compiled; otherwise it runs operation by operation. Defaults to True.

    Attributes:
        may_pad: Whether a batch may be padded, that is, whether no layer couples the samples of a batch.
        validated_signatures: Signatures of inputs that are known to fit the model, so that only their values must be checked.
        only_computes: Whether a call has no side effects: all code in it is built in, and it adds no loss, assigns to no
            variable, reads no variable but the model's, and draws no random values. All but the first condition are known
            only after a call.
    """

    def __init__(self, model: TrainableModel, own_step: Callable[[Any], Any] | None = None, is_compiled: bool = True):
        self._model, self._place = model, placement_of(model)
        counted = [variable for metric in layer_tree.metrics(model) for variable in metric.variables]
        self._variables = [*model.variables, *counted]  # layers may update metrics in their `call`
        self._snapshot = StructureFingerprint(model)
        self._calls = 0
        self.may_pad = own_step is None and batch_coupling.effective_coupling(model) != "unknown"
        self.validated_signatures: set = set()
        self.only_computes = own_step is None and is_compiled and all(map(_is_builtin, layer_tree.flatten(model)))
        self._met: set[tuple] = set()
        self._not_compilable: set[tuple] = set()

        def forward(arrays: list, key: Array, x: Tree) -> Any:
            values = dict(zip(map(id, self._variables), arrays, strict=True))
            context = CallContext(training=False, values=values, key=RandomKey(key, (_KEY, key[1])))
            context.is_step = own_step is not None
            with call_context.entered(context):
                outputs = (own_step or model)(x)
            if outputs is None:
                raise layer_errors.no_outputs(model) if own_step is None else _no_outputs_of_step(model)
            self._output_structure = trees.map(lambda _: 0, outputs)
            assigned = [values[id(variable)] for variable in self._variables]
            changed = [None if new is old else new for new, old in zip(assigned, arrays, strict=True)]
            if not trees.leaves(changed):
                changed = None
            more = changed or context.losses or context.draws or context.meets_unbound
            self.only_computes = self.only_computes and not more
            leaves = trees.leaves(outputs)  # a backend may return a dict in another order
            return leaves, masks.masks_of(leaves), changed

        self._output_structure: Tree = None
        self._not_compiled: Callable = forward
        with config.placement_scope(*self._place):
            self._function = backend_of(model).compile(forward) if is_compiled else forward

    def is_for(self, model: TrainableModel) -> bool:
        """Return whether the model still has the variables and the placement that the function was compiled for."""
        if placement_of(model) != self._place:
            return False
        if self._snapshot.holds():
            return True
        now = StructureFingerprint(model)
        same, self._snapshot = now.is_like(self._snapshot), now
        return same

    def meets_first(self, x: Tree) -> bool:
        """Return whether this was not asked before for inputs of these shapes and dtypes, which must be compiled for."""
        form = shapes_and_dtypes(x)
        is_new = form not in self._met
        self._met.add(form)
        return is_new

    def for_call(self, x: Tree) -> Any:
        """Return the outputs for the inputs of a call, or None if the call has side effects and cannot run compiled."""
        form = shapes_and_dtypes(x)
        if not self.only_computes or form in self._not_compilable:
            return None
        calls = self._calls
        try:
            outputs, _ = self._run(x)
        except Exception:  # operation by operation it may run, or raise a more specific error
            self._not_compilable.add(form)
            return None
        finally:
            self._calls = calls  # calls of the model do not change the random values of `predict`
        return outputs if self.only_computes else None

    def __call__(self, x: Tree) -> Any:
        """Return the outputs for a batch. Variables that layers assign to, such as the states of recurrent layers, are set."""
        outputs, changed = self._run(x)
        if changed is not None:
            for variable, array in zip(self._variables, changed, strict=True):
                if array is not None:
                    variable.set_unchecked(array)
        return outputs

    def stateless(self, values: dict[int, Any], x: Tree) -> tuple[Any, dict[int, Any]]:
        """Return the outputs for a batch and given values of the variables, and the new values of those that changed.

        Args:
            values: Dict from ``id(variable)`` to array.
            x: The batch.
        """
        arrays = [values.get(id(variable), variable.value) for variable in self._variables]
        outputs, changed = self._run(x, arrays)
        pairs = zip(self._variables, changed or [], strict=False)
        return outputs, {id(variable): array for variable, array in pairs if array is not None}

    def _run(self, x: Tree, arrays: list | None = None) -> tuple[Any, list | None]:
        """Return the outputs for a batch, and the new values of the variables, None for each or all that are unchanged."""
        arrays = values_of(self._variables) if arrays is None else arrays
        self._calls += 1
        key = np.array([_KEY, self._calls], dtype=np.uint32)  # for layers that draw random values outside of training
        with config.placement_scope(*self._place):
            try:
                leaves, found, changed = self._function(arrays, key, x)
            except backends.get(self._place.backend).VALUE_ERRORS as error:
                warn_about_reading(error)
                self._function = self._not_compiled
                leaves, found, changed = self._function(arrays, key, x)
        if not self._snapshot.holds():  # an attribute set by a layer in its `call` does not invalidate the function
            self._snapshot = StructureFingerprint(self._model)
        masks.restore(leaves, found)
        return trees.unflatten(self._output_structure, leaves), changed


def _no_outputs_of_step(model: TrainableModel) -> InvalidTypeError:
    return returned_none(f"{type(model).__name__}.predict_step", "the outputs of the model", "return self(x, training=False)")


def _is_builtin(layer: Layer) -> bool:
    """Return whether all code that runs in a call of a layer is built in, including functions that were passed to the layer."""
    code = [type(layer), type(layer).call, *filter(callable, list(vars(layer).values()))]
    return all(map(registry.is_builtin, code))


def inputs_of_call(model: TrainableModel, args: tuple, kwargs: dict) -> Any:
    """Return the inputs of a model call as arrays of the model's backend if its compiled function may run the call, else None.

    This is the case on an engine that would compile the operations of the call one by one, if the call is not for training and
    has no other arguments.
    """
    training = kwargs.get("training")
    is_plain = len(args) == 1 and set(kwargs) <= {"training"} and (training is None or training is False)
    arrays = trees.leaves(args) if is_plain and call_context.is_outside() and model.cornu_graph is not None else []
    if not arrays or not all(
        array.dtype.kind not in "USO" if type(array) is np.ndarray else backends.owner(array) == placement_of(model).backend
        for array in arrays
    ):  # strings are for layers that compute in Python
        return None
    if masks.masks_of(arrays) is not None:
        return None
    if not backend_of(model).prefers_compiled(*arrays):
        return None
    return call_handling.to_layer_device(model, trees.map(lambda array: backends.array_at(placement_of(model), array), args[0]))


def input_signature(x: Tree) -> tuple | None:
    """Return the dtype and sample shape of a NumPy array, which decide whether it fits a model; None for other inputs."""
    return (x.dtype, x.shape[1:]) if type(x) is np.ndarray and x.ndim and x.size else None
