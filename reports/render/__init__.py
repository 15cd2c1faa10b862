"""Documents as text, Markdown and CSV."""
