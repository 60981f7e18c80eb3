"""Export of models to the ONNX and SavedModel formats (see ``model.export``), and inference with ONNX files."""

from cornu import namespaces, registry
from cornu.export.formats import *
from cornu.export.onnx_model import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
