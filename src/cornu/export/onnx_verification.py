"""Verify an exported ONNX file against the model."""

from pathlib import Path
from typing import Any

import numpy as np

from cornu import trees
from cornu.core import layer_tree
from cornu.core.layer_placement import backend_of
from cornu.core.signature import TensorSpec
from cornu.errors import BackendError
from cornu.training.predict_function import PredictFunction

_BATCHES = (3, 1)
"""Sizes of the batches that a file is tried with."""

OPEN_SIZES = (64, 96)
"""What stands in the place of each other None in the shape of an input: recorded with the first, tried with both."""

_TOLERANCES = {"bfloat16": 0.1, "float16": 0.02}

_TOLERANCE = 1e-3
"""The largest difference between file and model, as a part of the largest output."""

_LEAST = 1e-5
"""The difference that is allowed to outputs near 0."""

_ADVICE = (
    "If a layer of yours calculates with `x.shape` by `int()` or NumPy, let it use the sizes as they are, or -1 in `reshape`; "
    "if it draws numbers or looks at the numbers of its inputs, leave that out."
)


class Input:
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


def held_against(model: Any, path: Path, inputs: list[Input], form: Any, names: list[str]) -> tuple[float, int]:
    """The largest difference between the file and the model, and over how many batches it was looked for.

    Raises:
        BackendError: The file cannot be run, or the difference is too large.
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
