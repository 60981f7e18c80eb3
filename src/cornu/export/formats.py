"""Export formats, and the functions that write them."""

import os
from pathlib import Path
from typing import Any

from cornu.errors import one_of
from cornu.export import onnx_writer, saved_model

__all__ = ["export_model"]

_FORMATS = {"onnx": onnx_writer.write, "tf_saved_model": saved_model.write}
"""Names of the formats, and what writes them: functions of a model and a path, which may give a line to print."""


def export_model(model: Any, filepath: str | os.PathLike, format: str | None = None, verbose: bool = True) -> None:
    """Writes a model in a format that other programs run; see ``model.export``.

    Args:
        model: The model, built.
        filepath: Where to.
        format: ``"onnx"`` or ``"tf_saved_model"``; by default the first for a path that ends in ``.onnx``, else the second.
        verbose: Whether to print a line about it.

    Raises:
        InvalidArgumentError: There is no such format.

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
    report = _FORMATS[format](model, path)
    if verbose and report:
        print(report)
