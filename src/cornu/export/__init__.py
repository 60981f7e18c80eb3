"""Models in formats that other programs run, written by ``model.export``. ONNX files are also run here: :func:`load_onnx`."""

from cornu import registry
from cornu.export.formats import *
from cornu.export.onnx_model import *

__all__ = registry.exported_names(globals())
