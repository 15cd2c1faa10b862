"""The embedded model and judge of ``--demo``."""
