"""Read ``--gate FILE``, before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.gates.file import GateFile, GateFileError, read_gate_file


def read_gates(given: str | None, *, canary: bool) -> GateFile | None:
    """Return the gates in the file; None without a file. Raises pytest.UsageError."""
    if not given:
        return None
    try:
        file = read_gate_file(Path(given))
    except GateFileError as error:
        raise pytest.UsageError(f"--gate {error}") from error
    if file.min_agreement is not None and not canary:
        raise pytest.UsageError(f"--gate {given}: [judges] min_agreement needs --judge-canary")
    return file
