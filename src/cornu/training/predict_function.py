"""The compiled prediction of a model."""

from typing import Any

import numpy as np

from cornu import backends, config, registry, trees
from cornu.core import batch_coupling, call_context, call_handling, layer_tree
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of, placement_of
from cornu.core.structure_fingerprint import StructureFingerprint
from cornu.core.variable import values_of
from cornu.training.batch import shapes_and_dtypes

_KEY = 0x5EED


class PredictFunction:
    """The compiled function from inputs to outputs, with the variables it reads.

    Args:
        model: The model, built.

    Attributes:
        may_pad: Whether a batch may be filled up: whether no layer lets samples meet.
        validated_signatures: Forms of inputs that were found to fit the model, so that only their numbers need be looked at again.
        only_computes: Whether a call does nothing that can be noticed but compute its outputs: all code in it is Cornu's, and
            it adds no loss, assigns to no variable, reads none but the model's, and draws no random numbers. All but the
            first is known after a call.
    """

    def __init__(self, model: Any):
        self._model, self._variables, self._place = model, model.variables, placement_of(model)
        self._snapshot = StructureFingerprint(model)
        self._calls = 0
        self.may_pad = batch_coupling.effective_coupling(model) != "unknown"
        self.validated_signatures: set = set()
        self.only_computes = all(map(_is_own, layer_tree.flatten(model)))
        self._compiled_for: set[tuple] = set()
        self._refused: set[tuple] = set()

        def forward(arrays: list, key: Any, x: Any) -> Any:
            values = dict(zip(map(id, self._variables), arrays, strict=True))
            context = CallContext(training=False, values=values, key=key)
            with call_context.entered(context):
                outputs = model(x)
            self._form = trees.map(lambda _: 0, outputs)
            assigned = any(values[id(variable)] is not array for variable, array in zip(self._variables, arrays, strict=True))
            more = assigned or context.losses or context.draws or context.meets_unbound
            self.only_computes = self.only_computes and not more
            return trees.leaves(outputs)  # a backend may give a dict back in another order

        self._form: Any = None
        with config.placement_scope(*self._place):
            self._function = backend_of(model).compile(forward)

    def is_for(self, model: Any) -> bool:
        """Whether the model still has the variables and the place that this was compiled for."""
        if placement_of(model) != self._place:
            return False
        if self._snapshot.holds():
            return True
        now = StructureFingerprint(model)
        same, self._snapshot = now.is_like(self._snapshot), now
        return same

    def is_compiled_for(self, x: Any) -> bool:
        """Whether it has run for inputs of these shapes and dtypes, and so is compiled for them."""
        return shapes_and_dtypes(x) in self._compiled_for

    def for_call(self, x: Any) -> Any:
        """The outputs for the inputs of a call; None if the call must run line by line, since somebody would notice."""
        form = shapes_and_dtypes(x)
        if not self.only_computes or form in self._refused:
            return None
        calls = self._calls
        try:
            outputs = self(x)
        except Exception:  # what cannot be compiled may run, and errors say more, line by line
            self._refused.add(form)
            return None
        finally:
            self._calls = calls  # what `predict` draws does not change with calls of the model
        return outputs if self.only_computes else None

    def __call__(self, x: Any) -> Any:
        """The outputs for a batch."""
        self._calls += 1
        key = np.array([_KEY, self._calls], dtype=np.uint32)  # for layers that draw numbers also outside of training
        with config.placement_scope(*self._place):
            outputs = self._function(values_of(self._variables), key, x)
        self._compiled_for.add(shapes_and_dtypes(x))
        if not self._snapshot.holds():  # a layer has set an attribute in its `call`, which does not make it another layer
            self._snapshot = StructureFingerprint(self._model)
        return trees.unflatten(self._form, outputs)


def _is_own(layer: Any) -> bool:
    """Whether all code that runs when a layer is called is Cornu's: that of the layer, and of functions that it was given."""
    code = [type(layer), type(layer).call, *filter(callable, vars(layer).values())]
    return all(map(registry.is_builtin, code))


def inputs_of_call(model: Any, args: tuple, kwargs: dict) -> Any:
    """What a model was called on, as arrays of its own, if its compiled function may stand for such a call; else None.

    It may on an engine that would compile the operations of the call one by one, if the call is for no training and has no
    other arguments.
    """
    training = kwargs.get("training")
    is_plain = len(args) == 1 and set(kwargs) <= {"training"} and (training is None or training is False)
    arrays = trees.leaves(args) if is_plain and call_context.is_outside() and model.cornu_graph is not None else []
    if not arrays or not all(
        type(array) is np.ndarray or backends.owner(array) == placement_of(model).backend for array in arrays
    ):
        return None
    if not backend_of(model).prefers_compiled(*arrays):
        return None
    return call_handling.to_layer_device(model, trees.map(lambda array: backends.array_at(placement_of(model), array), args[0]))


def input_signature(x: Any) -> tuple | None:
    """What decides whether an array of NumPy's fits a model, whatever its finite numbers are; None for anything else."""
    return (x.dtype, x.shape[1:]) if type(x) is np.ndarray and x.ndim and x.size else None
