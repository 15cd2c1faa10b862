"""Service performance: how fast, and how well, the model answers under load. Only with ``--parallel`` or ``--rate``."""

from __future__ import annotations

import pytest

from reports.service.records import MeasuredLevel


@pytest.mark.qcal_load
def test_load(measured_load: MeasuredLevel) -> None:
    """Hold a load until its requests are answered; all of them go on record."""
    assert measured_load.answered > 0  # noqa: S101 - a test


@pytest.mark.qcal_load
def test_highest_load(highest_load: int) -> None:
    """Search the highest load that keeps the objectives; every load tried goes on record."""
    assert highest_load > 0  # noqa: S101 - a test
