"""Preprocessing of input data."""
