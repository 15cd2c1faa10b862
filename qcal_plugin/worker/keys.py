"""Keys of what a test process keeps on pytest's config, and of the input that xdist passes to a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qcal_plugin.worker.runner import Runner

RUNNER: pytest.StashKey[Runner] = pytest.StashKey()
"""On the config of a process that collects and runs tests: its runner."""

WORKER_INPUT = "qcal"
"""Key of ``workerinput``: a `WorkerInput` as JSON."""
