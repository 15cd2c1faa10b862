"""Gates of a release: the file, the evidence and the verdicts."""
