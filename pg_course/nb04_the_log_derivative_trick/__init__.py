"""The room of notebook 04, the log derivative trick."""
