"""The room of notebook 01, gradient ascent."""
