"""The room of notebook 02, the objective."""
