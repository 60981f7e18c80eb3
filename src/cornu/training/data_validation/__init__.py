"""Validation of arguments and data before training."""
