"""One training step, and many of them as one compiled call."""
