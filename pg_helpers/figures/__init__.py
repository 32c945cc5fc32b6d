"""The larger figures of the notebooks, and what their demos draw."""
