"""Answers that look at no plot, from a dataset's own rows: what they score is what a model has to beat."""
