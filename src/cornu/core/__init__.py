"""Variables, layers and the graph: what every model is made of."""
