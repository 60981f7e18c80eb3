"""Where a NaN came from."""

from typing import Any

import numpy as np

from cornu import config, trees
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of, placement_of
from cornu.errors import NonFiniteError
from cornu.training.batch import Batch, DataChunk, batch_of
from cornu.training.step.train_state import TrainState


def explain(function: str, model: Any, optimizer: Any, chunk: DataChunk, step: int, state: TrainState) -> NonFiniteError:
    """The error for a step that made a weight or the loss NaN or infinite.

    Args:
        function: Name of the function the user called.
        model: The model, which holds the state before that step.
        optimizer: Its optimizer.
        segment: The data of the step.
        step: Number of the step in the segment.
        state: The state before that step.
    """
    with config.placement_scope(*placement_of(model)):
        batch = batch_of(chunk.data, chunk.indices, step)
        first_bad = _first_bad_layer(model, state, batch)
    where = (
        f"the layer {first_bad!r} gave it first"
        if first_bad
        else "the outputs were finite, so it came from the loss or its gradient"
    )
    number = int(backend_of(model).to_numpy(state.step)) + 1
    values = [backend_of(model).to_numpy(leaf) for leaf in trees.leaves(batch.x)]
    low, high = min(float(value.min()) for value in values), max(float(value.max()) for value in values)
    return NonFiniteError(
        f"`{function}`: step {number} gave a loss or a weight that is NaN or infinite: {where}.",
        f"The learning rate is {float(optimizer.learning_rate):g}, the inputs of the batch lie between {low:g} and {high:g}.",
        "Lower the learning rate or scale the inputs. The model holds the weights from before that step.",
    )


def _first_bad_layer(model: Any, state: TrainState, batch: Batch) -> str | None:
    """Path of the first layer whose output is not finite, in a run with the weights from before the step."""
    bad: list[str] = []

    def look(layer: Any, inputs: Any, outputs: Any) -> Any:
        arrays = [backend_of(model).to_numpy(leaf) for leaf in trees.leaves(outputs)]
        if not bad and not all(np.isfinite(array).all() for array in arrays):
            bad.append(layer.path.removeprefix(f"{model.path}/"))  # as `get_layer` knows it
        return outputs

    key = backend_of(model).fold_in(state.key, state.step)
    context = CallContext(training=True, key=key, sample_mask=batch.sample_mask, hooks=(look,))
    model.stateless_call(state.trainable, state.non_trainable, batch.x, call_context=context)
    return bad[0] if bad else None
