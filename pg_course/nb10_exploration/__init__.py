"""The room of notebook 10, exploration."""
