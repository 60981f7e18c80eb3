"""Training, evaluation and prediction with steps, losses and metrics that a subclass of ``Model`` overrides."""
