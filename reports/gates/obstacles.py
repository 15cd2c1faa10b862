"""Reasons why a whole run cannot be gated: its coverage, its judges, or an early end."""

from __future__ import annotations

from collections.abc import Iterator

from reports.analysis.consistency import truncated
from reports.gates.file import GateFile
from reports.gates.judges import judge_obstacles
from reports.records.outcomes import benchmark_records
from reports.records.records import Run


def obstacles(file: GateFile, run: Run, interrupted: str = "") -> tuple[str, ...]:
    """Return why no gate can be decided, as text; empty if gates can be.

    ``interrupted`` is why the run ended early, if it did.
    """
    return (*filter(None, [interrupted]), *coverage_obstacles(file, run), *judge_obstacles(file, run))


def coverage_obstacles(file: GateFile, run: Run) -> Iterator[str]:
    """Yield how the run misses the file's [coverage]; items of studies are left out."""
    records = benchmark_records(run)
    planned = sum(not item.key.variant for item in run.manifest.planned)
    missing = planned - sum(record.measured for record in records)
    if file.max_unmeasured is not None and missing > file.max_unmeasured:
        yield f"{missing} of {planned} items not measured (max_unmeasured {file.max_unmeasured})"
    answered, cut = sum(record.answer is not None for record in records), sum(map(truncated, records))
    if file.max_truncated is not None and cut > file.max_truncated * answered:
        yield f"{cut} of {answered} answers cut at max_tokens (max_truncated {file.max_truncated:g})"
