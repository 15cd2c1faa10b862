"""Keys of what a load test keeps on pytest's config."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qcal_plugin.service.session import ServiceSession

LOAD_SESSION: pytest.StashKey[ServiceSession] = pytest.StashKey()
"""On the config of a process that runs load tests: its session."""
