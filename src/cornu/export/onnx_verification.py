"""Verification of an exported ONNX file against the model."""

from pathlib import Path
from typing import Any

import numpy as np

from cornu import trees
from cornu.core import layer_tree
from cornu.core.layer_placement import backend_of
from cornu.core.signature import TensorSpec
from cornu.errors import BackendError
from cornu.training.model_protocol import TrainableModel
from cornu.training.predict_function import PredictFunction
from cornu.typing import Tree

_BATCHES = (3, 1)
"""Batch sizes with which a file is verified."""

OPEN_SIZES = (64, 96)
"""Values of the unknown sizes of an input, except the batch size: a model is recorded with the first, verified with both."""

_TOLERANCES = {"bfloat16": 0.1, "float16": 0.02}

_TOLERANCE = 1e-3
"""Maximum difference between file and model, relative to the largest absolute output."""

_ABSOLUTE_TOLERANCE = 1e-5
"""Maximum absolute difference for outputs near 0."""

_HINT = (
    "If a custom layer converts `x.shape` with `int()` or NumPy, use the sizes unchanged, or -1 in `reshape`; "
    "if it generates random values or reads the values of its inputs in Python, remove that."
)


class Input:
    """Input of a model: its name, its shape with None for unknown sizes, and its dtype."""

    def __init__(self, spec: TensorSpec):
        self.name, self.shape = spec.name, spec.shape
        self.dtype = "float32" if spec.dtype == "bfloat16" else spec.dtype

    def sizes(self, batch: int, open_size: int) -> tuple[int, ...]:
        """Return the shape with the unknown sizes replaced."""
        return tuple(size or (open_size if axis else batch) for axis, size in enumerate(self.shape))

    def samples(self, shape: tuple[int, ...], below: int | None, rng: np.random.Generator) -> np.ndarray:
        """Return random values that are valid for this input: integers less than ``below``, or arbitrary floats."""
        if below is None and np.dtype(self.dtype).kind == "f":
            return rng.normal(size=shape).astype(self.dtype)
        least = min(below or 256, {"bool": 2, "int8": 128}.get(self.dtype, 256))
        return rng.integers(0, least, size=shape).astype(self.dtype)


def verify_file(model: TrainableModel, path: Path, inputs: list[Input], form: Tree, names: list[str]) -> tuple[float, int]:
    """Compare the outputs of a file with those of the model.

    Returns:
        Tuple of the largest absolute difference and the number of batches compared.

    Raises:
        BackendError: If the file cannot be run, or the difference is too large.
    """
    session, forward, rng = _session(path), PredictFunction(model), np.random.default_rng(0)
    tolerance = max(_TOLERANCES.get(layer.compute_dtype, _TOLERANCE) for layer in layer_tree.flatten(model))
    largest = [layer.cornu_largest_index for layer in layer_tree.flatten(model) if layer.cornu_largest_index is not None]
    below = min(largest) + 1 if largest else None
    trials = {tuple(item.sizes(*sizes) for item in inputs): sizes[0] for sizes in zip(_BATCHES, OPEN_SIZES, strict=True)}
    worst = 0.0
    for shapes, batch in trials.items():
        samples = [item.samples(shape, below, rng) for item, shape in zip(inputs, shapes, strict=True)]
        expected = trees.leaves(forward(trees.unflatten(form, samples)))
        try:
            found = session.run(names, {item.name: sample for item, sample in zip(inputs, samples, strict=True)})
        except Exception as error:  # the exceptions of ONNX Runtime have no common base class
            raise _runtime_error(f"run it for a batch of {batch}", error) from None
        for name, one, other in zip(names, found, expected, strict=True):
            worst = max(worst, _difference(name, one, backend_of(model).to_numpy(other), tolerance, batch))
    return worst, len(trials)


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # problems are reported as errors
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _runtime_error("load it", error) from None


def _difference(name: str, found: np.ndarray, expected: np.ndarray, tolerance: float, batch: int) -> float:
    if found.shape != expected.shape:
        raise _difference_error(f"of shape {found.shape} instead of {expected.shape}", name, batch)
    one, other = found.astype("float64"), expected.astype("float64")
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        distance = np.where(same, 0, np.abs(one - other)).max(initial=0)
    finite = np.abs(other[np.isfinite(other)]).max(initial=0)
    if not distance <= tolerance * finite + _ABSOLUTE_TOLERANCE:
        raise _difference_error(f"that differ by {distance:.1e}", name, batch)
    return float(distance)


def _runtime_error(what: str, error: Exception) -> BackendError:
    return BackendError(
        f"The model was exported, but ONNX Runtime cannot {what}: {error}",
        "A file is written only if its outputs equal those of the model.",
        _HINT,
    )


def _difference_error(what: str, name: str, batch: int) -> BackendError:
    return BackendError(
        f"For a batch of {batch} the exported model returns values {what} for the output {name!r}.",
        "A file is written only if its outputs equal those of the model.",
        _HINT,
    )
