"""The room of notebook 06, the policy gradient."""
