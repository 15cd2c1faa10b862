"""The evaluation itself."""
