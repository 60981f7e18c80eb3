"""The NumPy backend: the reference that every other engine is tested against."""
