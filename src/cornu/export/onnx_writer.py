"""Export of models to ONNX files: a model is recorded by one call with the ONNX backend, and the file is verified."""

import importlib.metadata
import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cornu import backends, trees
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.random_key import RandomKey
from cornu.core.signature import input_specs, output_names
from cornu.errors import BackendError, InvalidArgumentError, NotBuiltError
from cornu.export.onnx_verification import OPEN_SIZES, Input, verify_file
from cornu.io.atomic import atomic_write
from cornu.training.model_protocol import TrainableModel
from cornu.typing import Tree
from cornu.validation import require_packages

_BATCH = 29
"""Batch size of the recorded call. It is unlikely to occur elsewhere, so that it is detected if it remains in the file."""


_MAX_BYTES = 2**31 - 2**20
"""Maximum size of an ONNX file in bytes."""


class ExportableModel(TrainableModel, Protocol):
    """A model with metadata, which is stored in the file."""

    meta: dict[str, Any]


def write(model: ExportableModel, path: Path) -> str:
    """Write a model to an ONNX file, after verifying that the file returns the outputs of the model.

    Args:
        model: Built model.
        path: ``Path`` of the file. An existing file is replaced only after the new one has been verified.

    Returns:
        String, a message about the exported file.

    Raises:
        MissingPackageError: If ``onnx`` or ``onnxruntime`` is not installed.
        NotBuiltError: If the model is not built.
        InvalidArgumentError: If the weights are larger than 2 GiB.
        BackendError: If an operation is not supported by ONNX, or the outputs of the file differ from those of the model.

    Example:
        >>> import tempfile
        >>> import cornu
        >>> from cornu.export import onnx_writer
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.ReLU()])
        >>> onnx_writer.write(model, Path(tempfile.mkdtemp()) / "positive.onnx")
        'Exported to positive.onnx (opset 17): largest difference 0.0e+00 over 2 batches'
    """
    require_packages("write an ONNX file", "onnx", "onnxruntime", install='"cornu[export]"')
    _check(model)
    specs = input_specs(model)
    inputs, form = list(map(Input, trees.leaves(specs))), trees.map(lambda spec: spec.name, specs)
    recorded, names = _record(model, inputs, form)
    with atomic_write(path) as temporary:
        temporary.write_bytes(recorded)
        difference, batches = verify_file(model, temporary, inputs, form, names)
    opset = backends.get("onnx").OPSET
    counted = f"{batches} batch{'es' if batches > 1 else ''}"
    return f"Exported to {path.name} (opset {opset}): largest difference {difference:.1e} over {counted}"


def _check(model: ExportableModel) -> None:
    if not model.built:
        raise NotBuiltError(
            f"Cannot export the model {model.name!r}: it is not built.",
            "A file contains the weights, so the input shape must be known.",
            "Add a `cornu.Input(shape)` to the model, or call it on data once.",
        )
    size = sum(variable.size * np.dtype(variable.dtype).itemsize for variable in model.variables)
    if size > _MAX_BYTES:
        raise InvalidArgumentError(
            f"The weights of {model.name!r} have a size of {size / 2**30:.1f} GiB.",
            "An ONNX file can contain at most 2 GiB.",
            "Export it with `format='tf_saved_model'`, or save it with `model.save`.",
        )


def _record(model: ExportableModel, inputs: list[Input], form: Tree) -> tuple[bytes, list[str]]:
    """Record a model; return the bytes of the file and the names of its outputs."""
    engine = backends.get("onnx")
    results: list[Any] = []

    def call(arrays: list) -> list[tuple[str, Any]]:
        constants = {id(variable): engine.weight(variable.numpy(), variable.path) for variable in model.variables}
        context = CallContext(training=False, values=dict(constants), key=RandomKey(np.zeros(2, "uint32")), backend_name="onnx")
        with call_context.entered(context):
            outputs = model(trees.unflatten(form, arrays))
        _check_unchanged(model, constants, context.values or {})
        results.append(outputs)
        named = zip(output_names(model, outputs), trees.leaves(outputs), strict=True)
        return [(name, engine.asarray(array)) for name, array in named]

    traced = [engine.TracedInput(item.name, item.shape, item.sizes(_BATCH, OPEN_SIZES[0]), item.dtype) for item in inputs]
    graph = engine.trace(call, traced, call_context.path_of)
    names = [array.name for array in graph.outputs]
    version = importlib.metadata.version("cornu")
    metadata = {
        "cornu.inputs": json.dumps(trees.unflatten(form, [array.name for array in graph.inputs])),
        "cornu.outputs": json.dumps(trees.unflatten(results[-1], names)),
        "cornu.meta": json.dumps(model.meta),
    }
    engine.optimize_graph(graph)
    return engine.model_proto(graph, model.name, version, metadata).SerializeToString(), names


def _check_unchanged(model: ExportableModel, before: dict[int, Any], after: dict[int, Any]) -> None:
    for variable in model.variables:
        if after[id(variable)] is not before[id(variable)]:
            raise BackendError(
                f"The variable {variable.path!r} was assigned to while the model was recorded for ONNX.",
                "An ONNX file keeps no state between calls.",
                "Make the layer stateless for the export, for example with `stateful=False`.",
            )
