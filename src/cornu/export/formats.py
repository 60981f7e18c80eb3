"""Export formats, and the functions that write them."""

import os
from pathlib import Path

from cornu.core import layer_tree
from cornu.errors import InvalidArgumentError, one_of
from cornu.export import onnx_writer, saved_model
from cornu.export.onnx_writer import ExportableModel

__all__ = ["export_model"]

_FORMATS = {"onnx": onnx_writer.write, "tf_saved_model": saved_model.write}
"""Map of format names to functions of a model and a path, which write the file and may return a message to print."""


def export_model(model: ExportableModel, filepath: str | os.PathLike, format: str | None = None, verbose: bool = True) -> None:
    """Export a model for inference with other software (see ``model.export``).

    Args:
        model: Built model.
        filepath: Path of the ONNX file or SavedModel folder to write.
        format: String: ``"onnx"`` or ``"tf_saved_model"``. Defaults to ``"onnx"`` for a path that ends in ``.onnx``, otherwise
            ``"tf_saved_model"``.
        verbose: Whether to print a message about the exported file. Defaults to True.

    Raises:
        InvalidArgumentError: If there is no such format, or a layer of the model computes in Python.

    Example:
        >>> import tempfile
        >>> import cornu
        >>> from cornu.export import export_model
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(3)])
        >>> export_model(model, f"{tempfile.mkdtemp()}/small.onnx", verbose=False)
    """
    path = Path(os.fspath(filepath))
    format = format or ("onnx" if path.suffix.lower() == ".onnx" else "tf_saved_model")
    if format not in _FORMATS:
        raise one_of("format", format, _FORMATS)
    _check_layers(model)
    message = _FORMATS[format](model, path)
    if verbose and message:
        print(message)


def _check_layers(model: ExportableModel) -> None:
    """Raise ``InvalidArgumentError`` if a layer computes in Python, which other software cannot run."""
    layer = next((layer for layer in layer_tree.flatten(model) if layer.cornu_runs_on_host), None)
    if layer is not None:
        raise InvalidArgumentError(
            f"The model {model.name!r} was exported with the layer {layer.name!r}, a `{type(layer).__name__}`.",
            "It computes in Python, so other software cannot run it.",
            "Export the model that follows it, and apply the layer to the data before.",
        )
