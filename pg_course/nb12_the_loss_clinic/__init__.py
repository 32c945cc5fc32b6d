"""The room of notebook 12, the loss clinic."""
