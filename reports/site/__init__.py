"""One static site over many runs: a leaderboard, items by models, pairs, histories, and the runs' own reports."""
