"""Models as files that run without Cornu."""

from cornu.export import saved_model

__all__ = ["saved_model"]
