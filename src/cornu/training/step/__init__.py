"""The compiled step: training state, loss and gradients, micro-batches, and several steps per call."""
