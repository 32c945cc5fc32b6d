"""The room of notebook 09, training."""
