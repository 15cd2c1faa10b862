"""Simulated experiments and their fits."""
