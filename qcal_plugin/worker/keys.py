"""What a process that runs tests keeps on pytest's config, and the key under which xdist hands a worker its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qcal_plugin.worker.runner import Runner

RUNNER: pytest.StashKey[Runner] = pytest.StashKey()
"""On the config of a process that collects and runs tests."""

WORKER_INPUT = "qcal"
"""Key of ``workerinput``: where the engine is and what to collect, as JSON."""
