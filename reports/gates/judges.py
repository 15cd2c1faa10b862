"""Check that a run's judges are good enough: ``[judges] min_agreement``, on the judge canary's known grades.

The canary has some fifty key points, so the plain share says little: a judge that is right in 85% of all
cases reaches 90% one time in five. The condition is therefore met if the lower bound of the interval meets
it, as for a gate.
"""

from __future__ import annotations

from collections.abc import Iterator

from reports.gates.file import GateFile, GateFileError
from reports.records.records import Run
from reports.statistics.intervals import score_interval
from scoring.canary import load_canary

LEVEL = 0.9
"""Level of the interval: a judge that is not good enough meets the condition with a chance of 5%."""


def judge_obstacles(file: GateFile, run: Run) -> Iterator[str]:
    """Yield how the run's judges miss the file's [judges]."""
    least = file.min_agreement
    if least is None:
        return
    if not run.judge_agreement:
        yield f"judges not checked (min_agreement {least:g}): run with --judge-canary"
    points = run.judge_points or known_grades()
    for judge, agreement in run.judge_agreement.items():
        agreed = round(agreement * points)
        interval = score_interval(agreed / points, points, level=LEVEL)
        if interval is None or interval.low < least:
            needed = fewest_agreed(least, points)
            remedy = (
                f"{needed} of {points} would be enough"
                if needed is not None
                else f"{points} can never show it"
            )
            below = interval is not None and interval.high < least
            yield (
                f"judge {judge} agrees with {agreed} of {points} known grades of the canary "
                f"({100 * agreement:.0f}%), which {'is below' if below else 'does not show'} min_agreement {least:g}; "
                f"{remedy}"
            )


def check_judges(file: GateFile) -> None:
    """Raise GateFileError if no judge could meet the file's [judges], however good."""
    if file.min_agreement is not None and fewest_agreed(file.min_agreement, points := known_grades()) is None:
        highest = score_interval(1.0, points, level=LEVEL)
        most = 0.0 if highest is None else highest.low
        raise GateFileError(
            f"{file.path}: [judges] min_agreement {file.min_agreement:g} cannot be shown with the canary's {points} "
            f"known grades; give at most {int(1000 * most) / 1000:g}"
        )


def fewest_agreed(least: float, points: int) -> int | None:
    """Return how many of ``points`` grades must be the known ones.

    None if even all of them are not enough.
    """
    counts = (count for count in range(points + 1) if _shows(count, points, least))
    return next(counts, None)


def known_grades() -> int:
    """Return the number of key points in the canary."""
    return sum(len(answer.grades) for answer in load_canary())


def _shows(count: int, points: int, least: float) -> bool:
    interval = score_interval(count / points, points, level=LEVEL)
    return interval is not None and interval.low >= least
