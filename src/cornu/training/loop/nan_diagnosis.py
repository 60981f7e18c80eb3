"""Diagnosis of non-finite values: which layer returned the first one."""

from typing import Any

import numpy as np

from cornu import config, trees
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of, placement_of
from cornu.core.layer_protocol import LayerLike
from cornu.errors import NonFiniteError
from cornu.optimizers import Optimizer
from cornu.training.batch import Batch, DataChunk, batch_of
from cornu.training.model_protocol import TrainableModel
from cornu.training.step.train_state import TrainState, key_of_step
from cornu.typing import Tree


def explain(
    function: str,
    model: TrainableModel,
    optimizer: Optimizer,
    calls_model: bool,
    chunk: DataChunk,
    step: int,
    state: TrainState,
) -> NonFiniteError:
    """Return the error for a step that made a weight or the loss NaN or infinite.

    Args:
        function: Name of the function the user called.
        model: The model, which has the state before that step.
        optimizer: The optimizer of the model.
        calls_model: Whether the step calls the model on the inputs; False for a step of the user, which is not examined.
        chunk: Data of the step.
        step: Index of the step in the chunk.
        state: State before that step.
    """
    with config.placement_scope(*placement_of(model)):
        batch = batch_of(chunk.data, chunk.indices, step)
        first_bad = _first_bad_layer(model, state, batch) if calls_model else None
    where = (
        f"the layer {first_bad!r} returned the first one"
        if first_bad
        else "the outputs were finite, so the loss or its gradient was not"
        if calls_model
        else f"`{type(model).__name__}.train_step` computed it"
    )
    number = int(backend_of(model).to_numpy(state.step)) + 1
    values = [backend_of(model).to_numpy(leaf) for leaf in trees.leaves(batch.x)]
    low, high = min(float(value.min()) for value in values), max(float(value.max()) for value in values)
    rates = ", ".join(f"{float(each.learning_rate):g}" for each in getattr(optimizer, "optimizers", [optimizer]))
    return NonFiniteError(
        f"`{function}`: step {number} resulted in a loss or a weight that is NaN or infinite: {where}.",
        f"The learning rate is {rates}; the inputs of the batch are between {low:g} and {high:g}.",
        "Lower the learning rate or scale the inputs. The model has the weights from before that step.",
    )


def _first_bad_layer(model: TrainableModel, state: TrainState, batch: Batch) -> str | None:
    """Return the path of the first layer with a non-finite output, with the weights from before the step, or None."""
    bad: list[str] = []

    def look(layer: LayerLike, inputs: Tree, outputs: Tree) -> Any:
        arrays = [backend_of(model).to_numpy(leaf) for leaf in trees.leaves(outputs)]
        if not bad and not all(np.isfinite(array).all() for array in arrays):
            bad.append((layer.path or layer.name).removeprefix(f"{model.name}/"))  # as `get_layer` knows it
        return outputs

    context = CallContext(training=True, key=key_of_step(state, training=True), sample_mask=batch.sample_mask, hooks=(look,))
    model.stateless_call(state.trainable, state.non_trainable, batch.x, call_context=context)
    return bad[0] if bad else None
