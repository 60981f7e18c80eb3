"""Models in formats that other programs run, written by ``model.export``. ONNX files are also run here: :func:`load_onnx`."""

from cornu.export.formats import export_model
from cornu.export.onnx_model import OnnxModel, load_onnx

__all__ = ["OnnxModel", "export_model", "load_onnx"]
