"""Collect the tests of a load test: one for each load, one for the search, and none of the benchmark's items."""

from __future__ import annotations

import pytest

from qcal_plugin.cli.service import ServiceSettings
from qcal_plugin.worker import collection

SEARCH_FIXTURE = "highest_load"


class LoadItems:
    """Collects the loads of the command line, in order."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test per load level."""
        if collection.asked_mode(metafunc) is not None:
            collection.parametrize(metafunc, ())
        elif collection.LOAD_PARAMETER in metafunc.fixturenames:
            levels = [pytest.param(level, id=level.name) for level in self._settings.levels]
            metafunc.parametrize(collection.LOAD_PARAMETER, levels)

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop the benchmark's items, and the search or the levels if the command line has none."""
        collection.drop_unasked(items)
        items[:] = [item for item in items if not collection.is_load(item) or self._is_asked(item)]

    def _is_asked(self, item: pytest.Item) -> bool:
        if SEARCH_FIXTURE in getattr(item, "fixturenames", ()):
            return self._settings.find_max_load
        return bool(self._settings.levels)
