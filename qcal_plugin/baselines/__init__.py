"""Answers that look at no plot, made from the rows of a dataset; a model should score more than they do."""
