"""The room of notebook 03, why the gradient is hard."""
