"""Reports of load tests."""
