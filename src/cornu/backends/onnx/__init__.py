"""The backend that records a model as an ONNX graph instead of computing."""
