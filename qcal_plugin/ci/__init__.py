"""Services of a CI that a run uses: stored baselines, and comments on pull and merge requests."""
