"""Export of models to the ONNX and SavedModel formats (see ``model.export``), and inference with ONNX files."""

from cornu.export.formats import export_model
from cornu.export.onnx_model import OnnxModel, load_onnx

__all__ = ["OnnxModel", "export_model", "load_onnx"]
