"""What records show about a model and its judges. Numbers only, no layout."""
