"""The room of notebook 11, variance reduction."""
