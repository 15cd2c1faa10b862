"""What a run has to do with the CI that it runs in: baselines that the CI keeps, and comments on changes."""
