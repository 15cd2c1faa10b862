"""Hooks and fixtures of the suite; each delegates to one well-named thing."""
