"""What can be told about a sample's status without understanding its plot: ``python -m synthetic audit``."""
