"""The room of notebook 05, trajectory probability."""
