"""The room of notebook 00, start here."""
