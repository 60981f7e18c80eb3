"""Serialization of layers to JSON-compatible dicts, without weights, and deserialization."""

from cornu import serialization

__all__ = ["deserialize", "serialize"]

serialize, deserialize = serialization.lookup_functions("layers", "layer", "Dense(3)", more_kinds=("models",))[1:]
