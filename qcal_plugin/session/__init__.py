"""The owner of a run: preparation, run directory, recording, gating, summary, progress."""
