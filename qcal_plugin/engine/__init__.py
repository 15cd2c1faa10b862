"""Asks the model and the judges, hundreds of requests at a time. Knows nothing of pytest."""
