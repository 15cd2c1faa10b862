"""An evaluation from JUnit XML files alone: every score is in the tests' properties (`reports.records.records`).

A document type declaration is refused: JUnit files have none, and without one XML has neither entities of its own
(no "billion laughs") nor anything to fetch. The files are read as a stream.

    JUnitError      a file cannot be read or used; the message names the file and what is wrong
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from xml.parsers import expat

from reports.records.floors import floors_from_json
from reports.records.mixes import Mix, mix_from_json
from reports.records.outcomes import Evaluation, Identity, Outcome
from reports.records.records import PROPERTY_PREFIX, ItemKey, Status
from scoring.errors import QCalError
from scoring.questions import Mode, Question


class JUnitError(QCalError):
    """A JUnit file that cannot be used."""


def load_junit(files: Iterable[Path]) -> Evaluation:
    """The evaluation that the files (shards of one run, say) hold together.

    A test without a status was planned and not measured. Of several tests of one item the first that measured it
    counts, else the last. What the tests and suites do not state about the run stays unstated.

    Raises JUnitError, also where tests state different models, judges, datasets, revisions, scorers or stand-ins, and
    where no file holds a test of the benchmark.
    """
    outcomes: dict[ItemKey, Outcome] = {}
    first: tuple[Identity, Path] | None = None
    for file in files:
        for properties in _read(file):
            identity = _identity(properties, file)
            if identity is not None:
                first = first or (identity, file)
                _check_alike(identity, file, *first)
            outcome = _outcome(properties, file)
            earlier = outcomes.get(outcome.key)
            if earlier is None or not earlier.measured:
                outcomes[outcome.key] = outcome
    if not outcomes:
        raise JUnitError(
            "no test of the benchmark in these files; make them with: pytest test_qcaleval --junitxml FILE"
        )
    return Evaluation(identity=Identity() if first is None else first[0], outcomes=tuple(outcomes.values()))


# --- XML -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Content:
    """What expat finds: for each test of the benchmark its properties and its suite's, without their prefix."""

    suite: dict[str, str] = field(default_factory=dict)
    tests: list[dict[str, str]] = field(default_factory=list)
    open_test: dict[str, str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Called at each start tag."""
        name = attributes.get("name", "")
        if tag == "testsuite":
            self.suite = {}
        elif tag == "testcase":
            self.open_test = {}
        elif tag == "property" and name.startswith(PROPERTY_PREFIX):
            target = self.suite if self.open_test is None else self.open_test
            target[name.removeprefix(PROPERTY_PREFIX)] = sys.intern(attributes.get("value", ""))

    def end(self, tag: str) -> None:
        """Called at each end tag."""
        if tag == "testcase":
            if self.open_test and "sample" in self.open_test:
                self.tests.append(self.suite | self.open_test)
            self.open_test = None


def _read(file: Path) -> list[dict[str, str]]:
    content = _Content()
    parser = expat.ParserCreate()
    parser.StartElementHandler = content.start
    parser.EndElementHandler = content.end
    parser.StartDoctypeDeclHandler = lambda *_: _refuse_doctype(file)
    try:
        with file.open("rb") as stream:
            parser.ParseFile(stream)
    except OSError as error:
        raise JUnitError(f"{file}: cannot be read ({error.strerror})") from error
    except expat.ExpatError as error:
        raise JUnitError(f"{file}: not XML ({error}); was the run that wrote it ended early?") from error
    return content.tests


def _refuse_doctype(file: Path) -> None:
    raise JUnitError(f"{file}: has a document type declaration (DOCTYPE), which no JUnit file needs; not read")


# --- properties ------------------------------------------------------------------------------------------------------


def _outcome(properties: Mapping[str, str], file: Path) -> Outcome:
    try:
        status = Status(properties["status"]) if "status" in properties else None
        return Outcome(
            key=ItemKey(
                sample_id=properties["sample"],
                question=Question(properties["question"]),
                mode=Mode(properties["mode"]),
                repeat=int(properties.get("repeat", 0)),
                variant=properties.get("variant", ""),
            ),
            family=properties["family"],
            scenario_type=properties["scenario_type"],
            status=status,
            value=_score(properties["score"]) if status is Status.SCORED else None,
            unanswered_value=_score(properties["unanswered_score"]) if "unanswered_score" in properties else None,
            floors=floors_from_json(json.loads(properties.get("floors", "{}"))),
        )
    except (KeyError, TypeError, ValueError) as error:
        reason = f"no property {PROPERTY_PREFIX}{error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise JUnitError(f"{file}: test of sample {properties['sample']!r}: {reason}") from error


def _score(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"score {text} is not within 0 to 1")
    return value


def _identity(properties: Mapping[str, str], file: Path) -> Identity | None:
    """Who was measured on what, as `records.identity_properties` states it; None where nothing is stated."""
    if not any(item.name in properties for item in fields(Identity)):
        return None
    return Identity(
        model=properties.get("model"),
        judges=tuple(filter(None, properties.get("judges", "").split(", "))),
        dataset=properties.get("dataset"),
        dataset_revision=properties.get("dataset_revision"),
        scorer=properties.get("scorer"),
        stand_ins=tuple(filter(None, properties.get("stand_ins", "").split("; "))),
        mix=_mix(properties["mix"], file) if "mix" in properties else None,
    )


def _mix(text: str, file: Path) -> Mix:
    try:
        return mix_from_json(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise JUnitError(f"{file}: property {PROPERTY_PREFIX}mix is not a mix of datasets ({error})") from error


def _check_alike(identity: Identity, file: Path, first: Identity, source: Path) -> None:
    if identity == first:
        return
    for item in fields(Identity):
        given, expected = getattr(identity, item.name), getattr(first, item.name)
        if given != expected:
            raise JUnitError(
                f"{file}: {item.name.replace('_', ' ')} is {_shown(given)}, but {_shown(expected)} in {source}; "
                "only files of like runs can be read together"
            )


def _shown(value: str | tuple[str, ...] | Mix | None) -> str:
    if isinstance(value, Mix):
        return f"{value.title} of {', '.join(f'{part.name} (weight {part.weight:g})' for part in value.parts)}"
    return (value if isinstance(value, str) else ", ".join(value or ())) or "not stated"
