"""ONNX files as objects that predict, whoever wrote them."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from cornu import trees
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ModelFormatError, ShapeError, did_you_mean
from cornu.export.packages import need
from cornu.training.data_validation import arguments
from cornu.training.loop.progress import Progress

__all__ = ["OnnxModel", "load_onnx"]

_DTYPES = {"float": "float32", "double": "float64"}
"""ONNX Runtime's names of types that NumPy calls otherwise."""


class _End:
    """One input or output of a file: its name, its shape with None for what is open, and its dtype."""

    def __init__(self, described: Any):
        self.name = described.name
        self.shape = tuple(size if isinstance(size, int) else None for size in described.shape)
        kind = described.type.removeprefix("tensor(").removesuffix(")")
        self.dtype = _DTYPES.get(kind, kind)

    def takes(self, array: np.ndarray) -> bool:
        """Whether an array is as this input takes it, which most are."""
        shape, sizes = array.shape, self.shape
        if array.dtype != self.dtype or len(shape) != len(sizes) or not array.flags.c_contiguous:
            return False
        return shape[1:] == sizes[1:] or all(size in (None, n) for size, n in zip(sizes[1:], shape[1:], strict=True))


class OnnxModel:
    """A model from an ONNX file, run by ONNX Runtime. :func:`load_onnx` makes it.

    Args:
        path: The file.

    Attributes:
        meta: What the file says beside the model, such as ``{"class_names": ["cat", "dog"]}``.

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
        need("load_onnx", "onnxruntime")
        self._session = _session(Path(os.fspath(path)))
        self._inputs = [_End(described) for described in self._session.get_inputs()]
        self._outputs = [_End(described) for described in self._session.get_outputs()]
        self._fixed_batch = next((size for item in self._inputs for size in item.shape[:1] if size is not None), None)
        self._names = [item.name for item in self._inputs], [item.name for item in self._outputs]
        said = self._session.get_modelmeta().custom_metadata_map
        self._input_form = _form(said.get("cornu.inputs"), self.input_names)
        self._output_form = _form(said.get("cornu.outputs"), self.output_names)
        meta = _json(said.get("cornu.meta"))
        self.meta: dict[str, Any] = meta if isinstance(meta, dict) else {}

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return list(self._names[0])

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""
        return list(self._names[1])

    @property
    def input_shape(self) -> Any:
        """The shape that goes in, ``(None, ...)``; of several inputs a tree of shapes as the model had it."""
        return trees.unflatten(self._input_form, [item.shape for item in self._inputs])

    @property
    def output_shape(self) -> Any:
        """The shape that comes out, ``(None, ...)``; of several outputs a tree of shapes as the model had it."""
        return trees.unflatten(self._output_form, [item.shape for item in self._outputs])

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto") -> Any:
        """The outputs for samples.

        Args:
            x: Arrays ``(samples, ...)``: one, a list, or a dict by the names of the inputs.
            batch_size: Samples a step; default 32.
            verbose: 1 shows progress; ``"auto"`` shows it on a terminal when it takes long.

        Returns:
            NumPy arrays ``(samples, ...)`` in the form of the model's outputs.

        Raises:
            DataError: There are no samples, or they do not fit the model.
        """
        if batch_size is not None:
            arguments.check_integers("predict", 1, batch_size=batch_size)
        arrays = self._as_inputs("predict", x)
        samples = len(arrays[0])
        size = self._batch_size(batch_size, samples)
        if samples <= size:
            return trees.unflatten(self._output_form, self._run(arrays))
        steps = -(-samples // size)
        parts = []
        with Progress(verbose if steps > 100 else 0) as progress:
            progress.begin("Predicting", steps)
            for number, start in enumerate(range(0, samples, size), start=1):
                parts.append(self._run([array[start : start + size] for array in arrays]))
                progress.update(number, {})
            progress.end({})
        joined = [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
        return trees.unflatten(self._output_form, joined)

    def __call__(self, x: Any) -> Any:
        """The outputs for one batch."""
        return trees.unflatten(self._output_form, self._run(self._as_inputs("call", x)))

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        inputs, outputs = self._names
        return self._session.run(outputs, dict(zip(inputs, arrays, strict=True)))

    def _batch_size(self, wanted: int | None, samples: int) -> int:
        """How many samples a step takes: what the file says, if it fixes it."""
        fixed = self._fixed_batch
        if fixed is None:
            return wanted or 32
        if wanted not in (None, fixed):
            raise InvalidArgumentError(
                f"`predict` was given batch_size={wanted}.",
                f"The file was made for batches of {fixed}.",
                "Leave `batch_size` out.",
            )
        if samples % fixed:
            raise ShapeError(
                f"`predict` was given {samples} samples.",
                f"The file was made for batches of {fixed}, so it takes a multiple of {fixed}.",
                "Fill the last batch up with samples that you leave out of the result.",
            )
        return fixed

    # --- What comes in ------------------------------------------------------------------------------------------------

    def _as_inputs(self, function: str, x: Any) -> list[np.ndarray]:
        """The arrays in the order and the dtypes of the inputs."""
        given = self._in_order(function, x)
        arrays = [_fitting(function, item, value) for item, value in zip(self._inputs, given, strict=True)]
        lengths = [len(array) for array in arrays]
        if 0 in lengths:
            raise DataError(f"`{function}` was given no samples.", "It needs at least one.", "Check how the data was loaded.")
        if len(set(lengths)) > 1:
            raise DataError(
                f"`{function}` was given inputs with {dict(zip(self._names[0], lengths, strict=True))} rows.",
                "They must have the same number of rows, one for each sample.",
                "Check how the arrays were made or cut.",
            )
        return arrays

    def _in_order(self, function: str, x: Any) -> list:
        names = self._names[0]
        if isinstance(x, np.ndarray) and len(names) == 1:
            return [x]
        if isinstance(x, dict):
            keys = list(self._input_form) if isinstance(self._input_form, dict) else names
            keys = keys if set(keys) <= set(x) else names
            unknown = [key for key in x if key not in keys]
            if unknown or len(x) != len(keys):
                raise DataError(
                    f"`{function}` was given `x` with the keys {list(x)}.",
                    f"The model's inputs are {keys}.",
                    (did_you_mean(unknown[0], keys) if unknown else "") or "Give one array for each of these names.",
                )
            return [x[key] for key in keys]
        several = isinstance(x, (list, tuple)) and any(getattr(item, "shape", ()) for item in x)
        arrays = list(x) if several else [x]
        if len(arrays) != len(names):
            raise DataError(
                f"`{function}` was given {len(arrays)} array{'s' if len(arrays) > 1 else ''}.",
                f"The model has {len(names)} input{'s' if len(names) > 1 else ''}: {names}.",
                "Give one array for each, in a list or in a dict by these names.",
            )
        return arrays


def load_onnx(filepath: str | os.PathLike) -> OnnxModel:
    """A model from an ONNX file, to predict with. Any program may have written the file.

    Args:
        filepath: The path.

    Returns:
        The model.

    Raises:
        MissingPackageError: ``onnxruntime`` is not installed.
        InvalidArgumentError: There is no such file.
        ModelFormatError: It is no ONNX file, or ONNX Runtime cannot run it.

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
            f"`load_onnx` was given {str(path)!r}.",
            "There is no such file.",
            "Check the path; `model.export` writes such files.",
        )
    try:
        return onnxruntime.InferenceSession(str(path), providers=onnxruntime.get_available_providers())
    except Exception as error:  # ONNX Runtime has no family of exceptions
        raise ModelFormatError(
            f"{str(path)!r} cannot be run: {error}",
            "It must be an ONNX file whose operations ONNX Runtime knows.",
            "Check that the file is whole, or install a newer `onnxruntime`.",
        ) from None


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:  # somebody else's
        return None


def _form(text: str | None, names: list[str]) -> Any:
    """The tree that a model had its inputs or outputs in, with their names; for another program's file a list."""
    form = _json(text)
    if trees.leaves(form) == names:
        return form
    return names[0] if len(names) == 1 else names


def _fitting(function: str, item: _End, value: Any) -> np.ndarray:
    """An array as an input takes it."""
    if isinstance(value, np.ndarray) and item.takes(value):
        return value
    try:
        array = np.asarray(value)
    except ValueError:
        raise DataError(
            f"`{function}` was given rows of different lengths for the input {item.name!r}.",
            "All samples must have the same shape.",
            "Cut them or fill them up to one length.",
        ) from None
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and np.dtype(item.dtype).kind != "f"):
        raise InvalidTypeError(
            f"`{function}` was given {array.dtype} for the input {item.name!r}.",
            f"It takes {item.dtype}.",
            "Give numbers." if array.dtype.kind not in "biuf" else f"Round them first: `x.round().astype('{item.dtype}')`.",
        )
    if len(item.shape) == array.ndim + 1 and item.shape[-1] == 1:
        array = array[..., None]  # as the model itself adds it
    if array.ndim != len(item.shape) or any(s not in (None, n) for s, n in zip(item.shape[1:], array.shape[1:], strict=True)):
        raise ShapeError(
            f"`{function}` was given an array of shape {array.shape} for the input {item.name!r}.",
            f"It takes {item.shape}.",
            "Reshape or resize the samples; one sample alone needs the axis of the batch: `x[None]`.",
        )
    return np.ascontiguousarray(array, item.dtype)
