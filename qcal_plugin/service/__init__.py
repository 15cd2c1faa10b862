"""Load tests: how fast a served model answers under load, and whether its scores change (docs/service.md)."""
