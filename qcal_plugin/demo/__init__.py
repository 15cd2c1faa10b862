"""The embedded models and judge of ``--demo`` and ``--baseline``."""
