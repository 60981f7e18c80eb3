"""Inference with ONNX files of any origin."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from cornu import trees
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ModelFormatError, ShapeError, did_you_mean
from cornu.training.data_validation import arguments
from cornu.training.loop.progress import Progress, Verbose, display_of_prediction
from cornu.typing import ArrayLike, Tree
from cornu.validation import require_packages

__all__ = ["OnnxModel", "load_onnx"]

_DTYPES = {"float": "float32", "double": "float64"}
"""Map of dtype names in ONNX Runtime to the names in NumPy, where they differ."""


class _Port:
    """Input or output of a file: its name, its shape with None for unknown sizes, and its dtype."""

    def __init__(self, described: Any):
        self.name = described.name
        self.shape = tuple(size if isinstance(size, int) else None for size in described.shape)
        kind = described.type.removeprefix("tensor(").removesuffix(")")
        self.dtype = _DTYPES.get(kind, kind)

    def accepts(self, array: np.ndarray) -> bool:
        """Return whether an array can be used without conversion, the most frequent case."""
        shape, sizes = array.shape, self.shape
        if array.dtype != self.dtype or len(shape) != len(sizes) or not array.flags.c_contiguous:
            return False
        return shape[1:] == sizes[1:] or all(size in (None, n) for size, n in zip(sizes[1:], shape[1:], strict=True))


class OnnxModel:
    """Model loaded from an ONNX file and run by ONNX Runtime. Use :func:`load_onnx` to create it.

    Args:
        path: Path of the file.

    Attributes:
        meta: Dict of the model's additional information, such as ``{"class_names": ["cat", "dog"]}``.

    Raises:
        MissingPackageError: If ``onnxruntime`` is not installed.
        InvalidArgumentError: If the file does not exist.
        ModelFormatError: If the file is not an ONNX file, or ONNX Runtime cannot run it.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,), name="measures"), cornu.layers.Dense(3)])
        >>> path = f"{tempfile.mkdtemp()}/small.onnx"
        >>> model.export(path, verbose=False)
        >>> loaded = cornu.load_onnx(path)
        >>> loaded.input_names, loaded.output_shape
        (['measures'], (None, 3))
        >>> loaded.predict(np.zeros((2, 4))).tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def __init__(self, path: str | os.PathLike):
        require_packages("read an ONNX file", "onnxruntime", install='"cornu[export]"')
        self._session = _session(Path(os.fspath(path)))
        self._inputs = [_Port(described) for described in self._session.get_inputs()]
        self._outputs = [_Port(described) for described in self._session.get_outputs()]
        self._fixed_batch = next((size for item in self._inputs for size in item.shape[:1] if size is not None), None)
        self._names = [item.name for item in self._inputs], [item.name for item in self._outputs]
        properties = self._session.get_modelmeta().custom_metadata_map
        self._input_structure = _structure(properties.get("cornu.inputs"), self.input_names)
        self._output_structure = _structure(properties.get("cornu.outputs"), self.output_names)
        meta = _json(properties.get("cornu.meta"))
        self.meta: dict[str, Any] = meta if isinstance(meta, dict) else {}

    @property
    def input_names(self) -> list[str]:
        """List of the names of the inputs."""
        return list(self._names[0])

    @property
    def output_names(self) -> list[str]:
        """List of the names of the outputs."""
        return list(self._names[1])

    @property
    def input_shape(self) -> Any:
        """Shape of the input, ``(None, ...)``, or a tree of shapes if there are several inputs."""
        return trees.unflatten(self._input_structure, [item.shape for item in self._inputs])

    @property
    def output_shape(self) -> Any:
        """Shape of the output, ``(None, ...)``, or a tree of shapes if there are several outputs."""
        return trees.unflatten(self._output_structure, [item.shape for item in self._outputs])

    def predict(self, x: Tree, batch_size: int | None = None, verbose: Verbose = "auto") -> Any:
        """Compute the outputs for a number of samples, in batches.

        Args:
            x: Array-like of shape ``(samples, ...)``, or a list of them, or a dict of them by the names of the inputs.
            batch_size: Integer, number of samples per batch. Defaults to 32, or to the batch size that the file requires.
            verbose: 0 (silent), 1 (progress bar), 2 (one line) or ``"auto"``: 1 on a terminal and 2 elsewhere if there are more
                than 100 steps, otherwise 0. Defaults to ``"auto"``.

        Returns:
            NumPy array of shape ``(samples, ...)``, or a tree of them with the structure of the model's outputs.

        Raises:
            DataError: If there are no samples, or the inputs do not match the model.
            InvalidTypeError: If the values have an invalid dtype.
            ShapeError: If an input has an invalid shape, or the number of samples is invalid for the batch size of the file.
            InvalidArgumentError: If ``batch_size`` is invalid.
        """
        if batch_size is not None:
            arguments.check_integers("predict", 1, batch_size=batch_size)
        arrays = self._as_inputs("predict", x)
        samples = len(arrays[0])
        size = self._batch_size(batch_size, samples)
        steps = -(-samples // size)
        parts = []
        with Progress(display_of_prediction(verbose, steps)) as progress:
            progress.begin("Predicting", steps)
            for number, start in enumerate(range(0, samples, size), start=1):
                parts.append(self._run([array[start : start + size] for array in arrays]))
                progress.update(number, {})
            progress.end({})
        joined = [outputs[0] if steps == 1 else np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
        return trees.unflatten(self._output_structure, joined)

    def __call__(self, x: Tree) -> Any:
        """Compute the outputs for one batch."""
        return trees.unflatten(self._output_structure, self._run(self._as_inputs("call", x)))

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        inputs, outputs = self._names
        return self._session.run(outputs, dict(zip(inputs, arrays, strict=True)))

    def _batch_size(self, wanted: int | None, samples: int) -> int:
        """Return the batch size: that of the file if it is fixed."""
        fixed = self._fixed_batch
        if fixed is None:
            return wanted or 32
        if wanted not in (None, fixed):
            raise InvalidArgumentError(
                f"`predict` received batch_size={wanted}.",
                f"The file requires a batch size of {fixed}.",
                "Omit `batch_size`.",
            )
        if samples % fixed:
            raise ShapeError(
                f"`predict` received {samples} samples.",
                f"The file requires a batch size of {fixed}, so the number of samples must be a multiple of {fixed}.",
                "Pad the last batch, and discard the outputs for the padding.",
            )
        return fixed

    # --- Inputs -------------------------------------------------------------------------------------------------------

    def _as_inputs(self, function: str, x: Tree) -> list[np.ndarray]:
        """Return the arrays in the order and with the dtypes of the inputs."""
        values = self._in_order(function, x)
        arrays = [_as_array(function, item, value) for item, value in zip(self._inputs, values, strict=True)]
        lengths = [len(array) for array in arrays]
        if 0 in lengths:
            raise DataError(f"`{function}` received no samples.", "At least one is required.", "Check how the data was loaded.")
        if len(set(lengths)) > 1:
            raise DataError(
                f"`{function}` received inputs with {dict(zip(self._names[0], lengths, strict=True))} samples.",
                "All inputs must have the same number of samples.",
                "Check how the arrays were created or sliced.",
            )
        return arrays

    def _in_order(self, function: str, x: Any) -> list:
        names = self._names[0]
        if isinstance(x, np.ndarray) and len(names) == 1:
            return [x]
        if isinstance(x, dict):
            keys = trees.keys(self._input_structure) if isinstance(self._input_structure, dict) else names
            keys = keys if set(keys) <= set(x) else names
            unknown = [key for key in x if key not in keys]
            if unknown or len(x) != len(keys):
                raise DataError(
                    f"`{function}` received `x` with the keys {list(x)}.",
                    f"The model's inputs are {keys}.",
                    (did_you_mean(unknown[0], keys) if unknown else "") or "Pass one array for each of these names.",
                )
            return [x[key] for key in keys]
        several = isinstance(x, (list, tuple)) and any(getattr(item, "shape", ()) for item in x)
        arrays = list(x) if several else [x]
        if len(arrays) != len(names):
            raise DataError(
                f"`{function}` received {len(arrays)} array{'s' if len(arrays) > 1 else ''}.",
                f"The model has {len(names)} input{'s' if len(names) > 1 else ''}: {names}.",
                "Pass one array for each input, in a list or in a dict with these names.",
            )
        return arrays


def load_onnx(filepath: str | os.PathLike) -> OnnxModel:
    """Load an ONNX file for inference. The file may have been written by any software.

    Args:
        filepath: Path of the file.

    Returns:
        ``OnnxModel`` instance.

    Raises:
        MissingPackageError: If ``onnxruntime`` is not installed.
        InvalidArgumentError: If the file does not exist.
        ModelFormatError: If the file is not an ONNX file, or ONNX Runtime cannot run it.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Rescaling(0.5)])
        >>> path = f"{tempfile.mkdtemp()}/half.onnx"
        >>> model.export(path, verbose=False)
        >>> cornu.load_onnx(path).predict([[1, 2]]).tolist()
        [[0.5, 1.0]]
    """
    return OnnxModel(filepath)


def _session(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise InvalidArgumentError(
            f"Cannot read {str(path)!r}: file not found.",
            "`load_onnx` requires the path of an existing ONNX file.",
            "Check the path, or write the file with `model.export`.",
        )
    try:
        return onnxruntime.InferenceSession(str(path), providers=onnxruntime.get_available_providers())
    except Exception as error:  # the exceptions of ONNX Runtime have no common base class
        raise ModelFormatError(
            f"{str(path)!r} cannot be run: {error}",
            "It must be an ONNX file whose operations ONNX Runtime supports.",
            "Check that the file is complete, or install a newer version of `onnxruntime`.",
        ) from None


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:  # metadata written by other software
        return None


def _structure(text: str | None, names: list[str]) -> Any:
    """Return the tree of names of the inputs or outputs; for a file of other software, a name or a list of names."""
    structure = _json(text)
    if trees.leaves(structure) == names:
        return structure
    return names[0] if len(names) == 1 else names


def _as_array(function: str, item: _Port, value: ArrayLike) -> np.ndarray:
    """Convert a value to an array with the dtype and shape of an input."""
    if isinstance(value, np.ndarray) and item.accepts(value):
        return value
    try:
        array = np.asarray(value)
    except ValueError:
        raise DataError(
            f"`{function}` received samples of different lengths for the input {item.name!r}.",
            "All samples must have the same shape.",
            "Truncate or pad them to the same length.",
        ) from None
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and np.dtype(item.dtype).kind != "f"):
        raise InvalidTypeError(
            f"`{function}` received {array.dtype} for the input {item.name!r}.",
            f"It must be {item.dtype}.",
            "Pass numerical values."
            if array.dtype.kind not in "biuf"
            else f"Round them first: `x.round().astype('{item.dtype}')`.",
        )
    if len(item.shape) == array.ndim + 1 and item.shape[-1] == 1:
        array = array[..., None]  # the model does the same
    if array.ndim != len(item.shape) or any(s not in (None, n) for s, n in zip(item.shape[1:], array.shape[1:], strict=True)):
        raise ShapeError(
            f"`{function}` received an array of shape {array.shape} for the input {item.name!r}.",
            f"The shape must be {item.shape}.",
            "Reshape or resize the samples; add a batch axis to a single sample: `x[None]`.",
        )
    return np.ascontiguousarray(array, item.dtype)
