"""Variables, layers and the graph: the basis of all models."""
