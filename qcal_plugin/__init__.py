"""The pytest plugin: options, fixtures, hooks, dataset, requests, engine, recording."""
