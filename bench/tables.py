"""The benchmark's two tables, as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.measure import Measurement

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Target:
    """A target: ``value`` at most ``limit``; None if it could not be measured."""

    what: str
    value: float | None
    limit: float
    unit: str = "x"

    @property
    def verdict(self) -> str:
        """``reached``, ``missed`` or ``not measured``."""
        if self.value is None:
            return "not measured"
        return "reached" if self.value <= self.limit else "missed"


def measurement_table(measurements: Sequence[Measurement]) -> str:
    """Return a table with one line per run."""
    head = (
        "run",
        "wall s",
        "asking s",
        "after s",
        "first s",
        "CPU s",
        "peak MB",
        "worker MB",
        "requests",
        "twice",
        "in flight",
        "connections",
        "exit",
    )
    return _table([head, *(_measurement_row(measurement) for measurement in measurements)])


def target_table(targets: Sequence[Target]) -> str:
    """Return a table with one line per target."""
    head = ("to reach", "measured", "at most", "")
    rows = [
        (
            target.what,
            "-" if target.value is None else f"{target.value:.2f} {target.unit}",
            f"{target.limit:.2f} {target.unit}",
            target.verdict,
        )
        for target in targets
    ]
    return _table([head, *rows])


def _measurement_row(run: Measurement) -> tuple[str, ...]:
    lanes = (run.model, run.judge)
    return (
        run.name,
        f"{run.wall_s:.1f}",
        _seconds(run.asking_s),
        _seconds(run.after_last_s),
        _seconds(run.to_first_request_s),
        f"{run.cpu_s:.1f}",
        f"{run.peak_bytes / MEGABYTE:.0f}",
        "-" if run.worker_bytes is None else f"{run.worker_bytes / MEGABYTE:.0f}",
        *(
            " + ".join(str(lane[name]) for lane in lanes)
            for name in ("requests", "duplicates", "in_flight_peak")
        ),
        " + ".join(str(lane["connections"]) for lane in lanes),
        str(run.exit_status),
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_lines(rows, widths))


def _lines(rows: Sequence[tuple[str, ...]], widths: Sequence[int]) -> Iterator[str]:
    for number, row in enumerate(rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
