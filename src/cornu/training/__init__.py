"""Training: data validation and adapters, the compiled step, and the loop over steps and epochs."""
