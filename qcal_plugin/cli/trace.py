"""Read arrival times from a trace of recorded traffic (``--replay FILE``).

A line is a JSON object with ``timestamp`` in milliseconds, as in the traces that Mooncake publishes and
AIPerf and GuideLLM replay, or a number of seconds. Other fields are ignored, because the benchmark's prompts
are sent.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from scoring.errors import BadValueError


def read_trace(path: Path, *, speed: float = 1.0) -> tuple[float, ...]:
    """Return the arrivals in seconds since the first, ascending, ``speed`` times as fast as recorded.

    Raises BadValueError if there is no such file, if a line has no time, and for fewer than two different
    times.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise BadValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    times = sorted(_seconds(path, number, line) for number, line in enumerate(lines, start=1) if line.strip())
    if len(times) < 2 or times[0] == times[-1]:
        raise BadValueError(f"{path}: expected requests at two different times or more")
    return tuple((time - times[0]) / speed for time in times)


def _seconds(path: Path, number: int, line: str) -> float:
    try:
        entry = json.loads(line)
        seconds = float(entry["timestamp"]) / 1000 if isinstance(entry, dict) else float(entry)
    except (ValueError, TypeError, KeyError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise BadValueError(
            f"{path}, line {number}: expected a number of seconds, or an object with timestamp in milliseconds"
        )
    return seconds
