"""Asks the model and the judges, hundreds of requests at a time. Does not depend on pytest."""
