"""Load tests: how fast and how well the model answers under load. They need ``--parallel`` or ``--rate``."""

from __future__ import annotations

import pytest

from reports.service.records import MeasuredLevel


@pytest.mark.qcal_load
def test_load(measured_load: MeasuredLevel) -> None:
    """Hold a load until its requests are answered, and record all of them."""
    assert measured_load.answered > 0  # noqa: S101 - a test


@pytest.mark.qcal_load
def test_highest_load(highest_load: int) -> None:
    """Search for the highest load that meets the objectives, and record every load that was tried."""
    assert highest_load > 0  # noqa: S101 - a test
