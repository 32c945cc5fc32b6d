"""The room of notebook 08, the pseudo loss."""
