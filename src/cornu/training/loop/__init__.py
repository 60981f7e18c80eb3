"""The loop over an epoch, recovery from failures, and progress."""
