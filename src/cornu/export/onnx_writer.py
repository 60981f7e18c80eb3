"""Models as ONNX files: recorded by one run on arrays of the ONNX backend, and held against the model before they are there."""

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.backends.onnx.graph_builder import Graph, OnnxArray, recording
from cornu.backends.onnx.symbolic_sizes import form_of, is_open, of_axis
from cornu.core import call_context, layer_tree
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of
from cornu.core.signature import TensorSpec, input_specs, output_names
from cornu.errors import BackendError, InvalidArgumentError, NotBuiltError
from cornu.export.packages import need
from cornu.io.atomic import atomic_write
from cornu.training.predict_function import Forward

_BATCHES = (3, 1)
"""Sizes of the batches that a file is tried with."""
_OPEN_SIZES = (64, 96)
"""What stands in the place of each other None in the shape of an input: recorded with the first, tried with both."""
_BATCH = 29
"""The size of the batch that is recorded: one that nothing else has, so that it is found if it stays in the file."""

_TOLERANCES = {"bfloat16": 0.1, "float16": 0.02}
_TOLERANCE = 1e-3
"""The largest difference between file and model, as a part of the largest output."""
_LEAST = 1e-5
"""The difference that is allowed to outputs near 0."""

_MAX_BYTES = 2**31 - 2**20
"""What an ONNX file can hold."""


class _Input:
    """One input of a model: its name, its shape with None for what is open, and its dtype."""

    def __init__(self, spec: TensorSpec):
        self.name, self.shape = spec.name, spec.shape
        self.dtype = "float32" if spec.dtype == "bfloat16" else spec.dtype

    def sizes(self, batch: int, open_size: int) -> tuple[int, ...]:
        """The shape with numbers in the place of what is open."""
        return tuple(size or (open_size if axis else batch) for axis, size in enumerate(self.shape))

    def samples(self, shape: tuple[int, ...], below: int | None, rng: np.random.Generator) -> np.ndarray:
        """Random numbers as they may come in: whole ones below a limit, or of floats any."""
        if below is None and np.dtype(self.dtype).kind == "f":
            return rng.normal(size=shape).astype(self.dtype)
        least = min(below or 256, {"bool": 2, "int8": 128}.get(self.dtype, 256))
        return rng.integers(0, least, size=shape).astype(self.dtype)


def write(model: Any, path: Path) -> str:
    """Writes a model as an ONNX file, after it was seen to give what the model gives.

    Args:
        model: The model, built.
        path: Where to. A file that is there stays until the new one is known to be right.

    Returns:
        A line that says what was written.

    Raises:
        MissingPackageError: ``onnx`` or ``onnxruntime`` is not installed.
        NotBuiltError: The model has no shapes yet.
        BackendError: Something in the model cannot be said in ONNX, or the file gives other numbers than the model.

    Example:
        >>> import tempfile
        >>> import cornu
        >>> from cornu.export import onnx_writer
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.ReLU()])
        >>> onnx_file.write(model, Path(tempfile.mkdtemp()) / "positive.onnx")
        'Exported to positive.onnx (opset 17): largest difference 0.0e+00 over 2 batches'
    """
    need("export", "onnx", "onnxruntime")
    _check(model)
    specs = input_specs(model)
    inputs, form = list(map(_Input, trees.leaves(specs))), trees.map(lambda spec: spec.name, specs)
    recorded, names = _record(model, inputs, form)
    with atomic_write(path) as temporary:
        temporary.write_bytes(recorded)
        difference, batches = _held_against(model, temporary, inputs, form, names)
    opset = backends.get("onnx").OPSET
    counted = f"{batches} batch{'es' if batches > 1 else ''}"
    return f"Exported to {path.name} (opset {opset}): largest difference {difference:.1e} over {counted}"


def _check(model: Any) -> None:
    if not model.built:
        raise NotBuiltError(
            f"The model {model.name!r} was to be exported, and it is not built.",
            "A file holds the weights, so the shape of the input must be known.",
            "Begin the model with `cornu.Input(shape)`, or call it on data once.",
        )
    size = sum(variable.size * np.dtype(variable.dtype).itemsize for variable in model.variables)
    if size > _MAX_BYTES:
        raise InvalidArgumentError(
            f"The weights of {model.name!r} take {size / 2**30:.1f} GiB.",
            "An ONNX file holds at most 2 GiB.",
            "Export it with `format='tf_saved_model'`, or save it with `model.save`.",
        )


# --- Recording --------------------------------------------------------------------------------------------------------


def _record(model: Any, inputs: list[_Input], form: Any) -> tuple[bytes, list[str]]:
    """The bytes of the file, and the names of its outputs."""
    engine = backends.get("onnx")
    graph = Graph(call_context.path_of)
    arrays = [_entrance(graph, item) for item in inputs]
    constants = {id(variable): engine.weight(variable.numpy(), variable.path) for variable in model.variables}
    surroundings = CallContext(training=False, values=dict(constants), key=np.zeros(2, "uint32"), backend_name="onnx")
    # The backend is named twice: `surroundings` tells the layers, `running_on` the ops that make arrays of Python's numbers.
    with config.running_on("onnx"), call_context.entered(surroundings), recording(graph):
        outputs = model(trees.unflatten(form, arrays))
        _check_unchanged(model, constants, surroundings.values or {})
        for array, name in zip(trees.leaves(outputs), output_names(model, outputs), strict=True):
            graph.add_output(engine.asarray(array), name)
    names = [array.name for array in graph.outputs]
    version = importlib.metadata.version("cornu")
    metadata = {
        "cornu.inputs": json.dumps(trees.unflatten(form, [array.name for array in graph.inputs])),
        "cornu.outputs": json.dumps(trees.unflatten(outputs, names)),
        "cornu.meta": json.dumps(model.meta),
    }
    engine.tidy(graph)
    return engine.model_proto(graph, model.name, version, metadata).SerializeToString(), names


def _entrance(graph: Graph, item: _Input) -> OnnxArray:
    """The array that an input begins with. All inputs have the batch of the first that leaves its size open."""
    shape: list[Any] = list(item.sizes(_BATCH, _OPEN_SIZES[0]))
    for axis, size in enumerate(item.shape):
        if size is not None:
            continue
        batches = [array.shape[0] for array in graph.inputs if array.shape and is_open(array.shape[0])]
        found = batches[0] if axis == 0 and batches else of_axis(shape[axis], item.name, axis)
        graph.size_names[form_of(found)] = f"{item.name}_size_{axis}" if axis else "batch"
        shape[axis] = found
    return graph.add_input(item.name, tuple(shape), item.dtype)


def _check_unchanged(model: Any, before: dict[int, Any], after: dict[int, Any]) -> None:
    for variable in model.variables:
        if after[id(variable)] is not before[id(variable)]:
            raise BackendError(
                f"The variable {variable.path!r} was assigned to while the model was recorded for ONNX.",
                "An ONNX file keeps nothing from one call to the next.",
                "Make the layer stateless for the export, such as with `stateful=False`.",
            )


# --- Holding the file against the model -------------------------------------------------------------------------------


def _held_against(model: Any, path: Path, inputs: list[_Input], form: Any, names: list[str]) -> tuple[float, int]:
    """The largest difference between the file and the model, and over how many batches it was looked for.

    Raises:
        BackendError: The file cannot be run, or the difference is too large.
    """
    session, forward, rng = _session(path), Forward(model), np.random.default_rng(0)
    tolerance = max(_TOLERANCES.get(layer.compute_dtype, _TOLERANCE) for layer in layer_tree.flatten(model))
    largest = [layer.cornu_largest_index for layer in layer_tree.flatten(model) if layer.cornu_largest_index is not None]
    below = min(largest) + 1 if largest else None
    trials = {tuple(item.sizes(*sizes) for item in inputs): sizes[0] for sizes in zip(_BATCHES, _OPEN_SIZES, strict=True)}
    worst = 0.0
    for shapes, batch in trials.items():
        samples = [item.samples(shape, below, rng) for item, shape in zip(inputs, shapes, strict=True)]
        expected = trees.leaves(forward(trees.unflatten(form, samples)))
        try:
            found = session.run(names, {item.name: sample for item, sample in zip(inputs, samples, strict=True)})
        except Exception as error:  # ONNX Runtime has no family of exceptions
            raise _unusable(f"run it for a batch of {batch}", error) from None
        for name, one, other in zip(names, found, expected, strict=True):
            worst = max(worst, _difference(name, one, backend_of(model).to_numpy(other), tolerance, batch))
    return worst, len(trials)


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is said in an error
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _unusable("load it", error) from None


def _difference(name: str, found: np.ndarray, expected: np.ndarray, tolerance: float, batch: int) -> float:
    if found.shape != expected.shape:
        raise _unlike(f"of shape {found.shape} instead of {expected.shape}", name, batch)
    one, other = found.astype("float64"), expected.astype("float64")
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        distance = np.where(same, 0, np.abs(one - other)).max(initial=0)
    finite = np.abs(other[np.isfinite(other)]).max(initial=0)
    if not distance <= tolerance * finite + _LEAST:
        raise _unlike(f"that differ by {distance:.1e}", name, batch)
    return float(distance)


_ADVICE = (
    "If a layer of yours calculates with `x.shape` by `int()` or NumPy, let it use the sizes as they are, or -1 in `reshape`; "
    "if it draws numbers or looks at the numbers of its inputs, leave that out."
)


def _unusable(what: str, error: Exception) -> BackendError:
    return BackendError(
        f"The model was recorded, and ONNX Runtime cannot {what}: {error}",
        "A file is written only if it gives what the model gives.",
        _ADVICE,
    )


def _unlike(what: str, name: str, batch: int) -> BackendError:
    return BackendError(
        f"For a batch of {batch} the recorded model gives numbers {what} at the output {name!r}.",
        "A file is written only if it gives what the model gives.",
        _ADVICE,
    )
