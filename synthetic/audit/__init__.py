"""How well a sample's status can be guessed without understanding its plot: ``python -m synthetic audit``."""
