"""Training: the state, the step, the loop over it, and what feeds it."""
