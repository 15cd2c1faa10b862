"""What a process that measures loads keeps on pytest's config, by typed key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qcal_plugin.service.session import ServiceSession

LOAD_SESSION: pytest.StashKey[ServiceSession] = pytest.StashKey()
"""On the config of a process that measures a service under load."""
