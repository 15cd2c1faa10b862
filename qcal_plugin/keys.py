"""What the plugin keeps on pytest's config and items, by typed key. There is no other shared state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qcal_plugin.engine.outcome import Outcome
    from qcal_plugin.service.session import ServiceSession
    from qcal_plugin.session.owner import RunSession
    from qcal_plugin.worker.measuring import Measurement
    from qcal_plugin.worker.runner import Runner

RUNNER: pytest.StashKey[Runner] = pytest.StashKey()
"""On the config of a process that collects and runs tests."""

SESSION: pytest.StashKey[RunSession] = pytest.StashKey()
"""On the config of the process that owns the engine: the only one, or the xdist controller."""

LOAD_SESSION: pytest.StashKey[ServiceSession] = pytest.StashKey()
"""On the config of a process that measures a service under load."""

OUTCOME: pytest.StashKey[Outcome] = pytest.StashKey()
"""On an item: what the engine found out, taken before the item starts."""

MEASUREMENT: pytest.StashKey[Measurement] = pytest.StashKey()
"""On an item: what its report carries to the controller."""
