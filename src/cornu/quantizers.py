"""``keras.quantizers``: its names can be imported, and calling them says what to use instead of quantized layers."""

from cornu import namespaces

__all__: list[str] = []

__getattr__ = namespaces.missing_names_of(__name__, __all__)
