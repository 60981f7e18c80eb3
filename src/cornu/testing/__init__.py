"""Checks of your own layers."""
