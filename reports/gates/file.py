"""``gates.toml``: what a model must show to be released (docs/ci.md has the reference and examples).

It imports only the standard library, like `records`: a session reads the file before anything is asked.

    GateFileError      the file cannot be used; the message names the file, the gate and the problem
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from reports.records.toml_tables import TomlError, check_keys, count, entries, number, read_file, text
from scoring.questions import Mode, Question

LEVEL = 0.95
LOWEST_LEVEL, HIGHEST_LEVEL = 0.8, 0.999
ARTIFACT_PREFIX = "artifact:"
"""Begins a baseline that names a branch: the run that the CI's workflow left there."""


class GateFileError(TomlError):
    """A gate file that cannot be used."""


class Decision(StrEnum):
    """What a gate compares with its threshold: a confidence interval (default) or the plain figure."""

    INTERVAL = "interval"
    POINT = "point"


class RateName(StrEnum):
    """Rates of bad answers; a gate on one has a ``max``. Definitions: docs/ci.md."""

    FALSE_SUCCESS = "q6.false_success"
    SUBOPTIMAL_AS_EXPECTED = "q2.suboptimal_as_expected"
    FALSE_CONFIDENCE = "q4.false_confidence"
    NO_FIT_BLINDNESS = "q4.no_fit_blindness"
    Q1_UNREADABLE = "q1.unreadable"
    Q2_UNREADABLE = "q2.unreadable"
    Q4_UNREADABLE = "q4.unreadable"
    Q5_UNREADABLE = "q5.unreadable"
    Q6_UNREADABLE = "q6.unreadable"

    @property
    def question(self) -> Question:
        """The question whose answers are counted."""
        return Question(self.value[:2].upper())


@dataclass(frozen=True, slots=True, kw_only=True)
class GateMetric:
    """The quantity that a gate checks.

    Attributes:
        name: as in the file.
        questions: those averaged; the figure is the mean of their means.
        delta: whether it is ICL minus zero-shot, on the samples planned in both.
        rate: the rate; None for scores.
    """

    name: str
    mode: Mode
    questions: tuple[Question, ...]
    delta: bool = False
    rate: RateName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition: the metric is at least (or, with ``at_most``, at most) the threshold.

    Attributes:
        threshold: a fraction, 0..1; for differences, -1..1. With a baseline it is minus the largest drop
            allowed.
        baseline: the run directory that the metric is compared with, sample by sample.
        anchor: whether the baseline is the fixed ``anchor`` of the file, which stays the same from release to
            release.
        family: the only family that counts; None for all.
        level: the one-sided confidence level of a verdict.
    """

    metric: GateMetric
    threshold: float
    at_most: bool = False
    baseline: Path | None = None
    anchor: bool = False
    family: str | None = None
    decision: Decision = Decision.INTERVAL
    level: float = LEVEL

    @property
    def title(self) -> str:
        """The condition as text, unique within a file."""
        of_family = f" of {self.family}" if self.family else ""
        limit = "max_drop" if self.baseline is not None else "max" if self.at_most else "min"
        value = -self.threshold if self.baseline is not None else self.threshold
        source = (
            f" from {'anchor ' if self.anchor else ''}{self.baseline}" if self.baseline is not None else ""
        )
        plain = ", plain figure" if self.decision is Decision.POINT else ""
        return f"{self.metric.name}{of_family}, {limit} {100 * value:g}{source}{plain}"

    @property
    def differential(self) -> bool:
        """Whether the figure is a difference, -1..1, and not a score or share, 0..1."""
        return self.metric.delta or self.baseline is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFile:
    """The content of a gate file. A limit of None does not apply.

    Attributes:
        max_unmeasured: the number of items that may lack a score.
        max_truncated: the share of answers that may be truncated, 0..1.
        min_agreement: the agreement that each judge must reach with the canary's known grades, 0..1.
        level: the one-sided confidence level of all gates.
        folders: baseline -> the run directory that holds it, for baselines that are not run directories.
    """

    path: Path
    gates: tuple[Gate, ...]
    level: float = LEVEL
    max_unmeasured: int | None = None
    max_truncated: float | None = None
    min_agreement: float | None = None
    folders: Mapping[Path, Path] = field(default_factory=dict)

    @property
    def baselines(self) -> tuple[Path, ...]:
        """The run directories that gates compare with, without duplicates."""
        return tuple(dict.fromkeys(gate.baseline for gate in self.gates if gate.baseline is not None))

    @property
    def artifacts(self) -> dict[Path, str]:
        """The baselines that a CI keeps, with their branches."""
        return {
            path: path.as_posix().removeprefix(ARTIFACT_PREFIX)
            for path in self.baselines
            if _is_artifact(path)
        }

    def folder(self, baseline: Path) -> Path:
        """Return the run directory of a baseline."""
        return self.folders.get(baseline, baseline)


METRICS = (
    "zeroshot.mean, icl.mean, zeroshot.Q1 ... zeroshot.Q6, icl.Q3, icl.Q5, icl.Q6, sums such as zeroshot.Q2+Q6, "
    f"icl.Q6.delta, icl.mean.delta, {', '.join(RateName)} (also icl.q6...)"
)


def read_gate_file(path: Path) -> GateFile:
    """Read the gates in the file. Raises GateFileError."""
    return read_file(path, _gate_file, GateFileError)


def parse_metric(name: str) -> GateMetric:
    """Return the metric with this name. Raises ValueError, which lists the metrics that exist."""
    try:
        return _rate(name) or _scores(name)
    except ValueError:
        raise ValueError(f"unknown metric {name!r}; choose from {METRICS}") from None


def _rate(name: str) -> GateMetric | None:
    mode = Mode.ICL if name.startswith("icl.") else Mode.ZEROSHOT
    match = next((rate for rate in RateName if rate == name.removeprefix("icl.")), None)
    if match is None or match.question not in mode.questions:
        return None
    return GateMetric(name=name, mode=mode, questions=(match.question,), rate=match)


def _scores(name: str) -> GateMetric:
    mode_name, _, asked = name.partition(".")
    mode = Mode(mode_name)
    delta = mode is Mode.ICL and asked.endswith(".delta")
    asked = asked.removesuffix(".delta") if delta else asked
    questions = mode.questions if asked == "mean" else tuple(Question(part) for part in asked.split("+"))
    if list(questions) != sorted(set(questions) & set(mode.questions)):
        raise ValueError(name)
    return GateMetric(name=name, mode=mode, questions=questions, delta=delta)


# --- the file's tables --------------------------------------------------------------------------------------


def _gate_file(path: Path, data: Mapping[str, Any]) -> GateFile:
    check_keys("the file", data, {"gate", "coverage", "judges", "level"})
    level = _level(data)
    numbered = enumerate(entries(data, "gate", "decide"), start=1)
    gates = tuple(gate for position, entry in numbered for gate in _gates(f"gate {position}", entry, level))
    titles = [gate.title for gate in gates]
    if again := next((position for position, title in enumerate(titles) if title in titles[:position]), None):
        raise GateFileError(
            f"gate {again + 1} repeats gate {titles.index(titles[again]) + 1}: {titles[again]}"
        )
    coverage, judges = data.get("coverage", {}), data.get("judges", {})
    check_keys("[coverage]", coverage, {"max_unmeasured", "max_truncated"})
    check_keys("[judges]", judges, {"min_agreement"})
    return GateFile(
        path=path,
        gates=gates,
        level=level,
        max_unmeasured=count("[coverage]", coverage, "max_unmeasured", "items"),
        max_truncated=_share("[coverage]", coverage, "max_truncated"),
        min_agreement=_share("[judges]", judges, "min_agreement"),
    )


def _level(data: Mapping[str, Any]) -> float:
    return number("the file", data, "level", LOWEST_LEVEL, HIGHEST_LEVEL) if "level" in data else LEVEL


def _gates(place: str, entry: Mapping[str, Any], level: float) -> Iterator[Gate]:
    """Yield the gates of a table: one, or two with an ``anchor``."""
    gate = _gate(place, entry, level)
    yield gate
    if "anchor" in entry:
        if gate.baseline is None:
            raise GateFileError(f"{place}: anchor needs a baseline and max_drop as well")
        anchor = Path(text(place, entry, "anchor"))
        if _is_artifact(anchor):
            raise GateFileError(
                f"{place}: anchor {anchor} moves with its branch; give a run directory, "
                "such as one that `qcaleval baseline promote` writes"
            )
        yield replace(gate, baseline=anchor, anchor=True)


def _gate(place: str, entry: Mapping[str, Any], level: float) -> Gate:
    check_keys(place, entry, {"metric", "min", "max", "baseline", "anchor", "max_drop", "family", "mode"})
    metric = _metric(place, entry)
    decision = _decision(place, entry)
    condition = _condition(place, entry, metric)
    lowest = -100 if metric.delta and condition != "max_drop" else 0
    value = number(place, entry, condition, lowest, 100)
    if decision is Decision.INTERVAL and (condition, value) in {("min", 100), ("max", lowest)}:
        raise GateFileError(
            f'{place}: no interval can show {condition} = {value:g}; mode = "point" takes the plain figure'
        )
    return Gate(
        metric=metric,
        threshold=(-value if condition == "max_drop" else value) / 100,
        at_most=condition == "max",
        baseline=_baseline(place, entry),
        family=text(place, entry, "family") if "family" in entry else None,
        decision=decision,
        level=level,
    )


def _baseline(place: str, entry: Mapping[str, Any]) -> Path | None:
    if "baseline" not in entry:
        return None
    given = text(place, entry, "baseline")
    if given.strip() == ARTIFACT_PREFIX:
        raise GateFileError(
            f"{place}: baseline {given!r} names no branch; expected artifact:main or the like"
        )
    return Path(given)


def _is_artifact(path: Path) -> bool:
    return path.as_posix().startswith(ARTIFACT_PREFIX)


def _condition(place: str, entry: Mapping[str, Any], metric: GateMetric) -> str:
    given = [name for name in ("min", "max", "max_drop") if name in entry]
    if len(given) != 1:
        raise GateFileError(
            f"{place}: {' and '.join(given) or 'no condition'}; give one of min, max, max_drop"
        )
    if ("baseline" in entry) != (given == ["max_drop"]):
        raise GateFileError(f"{place}: baseline and max_drop go together, without min and max")
    if metric.rate and given == ["max_drop"]:
        raise GateFileError(
            f"{place}: {metric.name} is a rate of errors, a drop of which is good; give a max"
        )
    return given[0]


def _metric(place: str, entry: Mapping[str, Any]) -> GateMetric:
    if "metric" not in entry:
        raise GateFileError(f"{place}: no metric; choose from {METRICS}")
    try:
        return parse_metric(text(place, entry, "metric"))
    except ValueError as error:
        raise GateFileError(f"{place}: {error}") from None


def _decision(place: str, entry: Mapping[str, Any]) -> Decision:
    name = entry.get("mode", Decision.INTERVAL)
    if name not in list(Decision):
        raise GateFileError(f"{place}: mode is {name!r}; choose from {', '.join(Decision)}")
    return Decision(name)


def _share(place: str, table: Mapping[str, Any], name: str) -> float | None:
    return number(place, table, name, 0, 1) if name in table else None
