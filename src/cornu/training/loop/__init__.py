"""The loop over the steps of an epoch, recovery from failures, diagnosis of NaN, and the progress display."""
