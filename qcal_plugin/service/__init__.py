"""Service performance: how fast a served model answers under load, and whether it answers as well (docs/service.md)."""
