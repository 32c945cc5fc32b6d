"""The room of notebook 07, the policy network."""
