"""Cornu: the Keras way of building neural networks, rebuilt small, fast and honest."""
