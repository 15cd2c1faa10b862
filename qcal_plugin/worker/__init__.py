"""Collects and runs the tests, in the only process or in an xdist worker."""
