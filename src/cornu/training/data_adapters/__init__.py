"""From a user's data to batches for the training loop."""
