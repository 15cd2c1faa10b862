"""An evaluation from JUnit XML files alone: every score is in the tests' properties (`reports.records.records`).

A document type declaration is refused. JUnit files have none, and without one an XML file cannot define
entities ("billion laughs") or refer to other files. The files are read as a stream.

    JUnitError      a file cannot be read or used; the message names the file and what is wrong
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml import DTDForbidden, ElementTree

from reports.records.floors import floors_from_json
from reports.records.mixes import Mix, mix_from_text
from reports.records.outcomes import Evaluation, Identity, Outcome
from reports.records.records import PROPERTY_PREFIX, ItemKey, Status
from reports.records.typed_json import DecodeError, decode_object
from scoring.errors import QCalError
from scoring.questions import Mode, Question


class JUnitError(QCalError):
    """A JUnit file that cannot be used."""


def load_junit(files: Iterable[Path]) -> Evaluation:
    """Return the evaluation that the files, such as the shards of a run, hold together.

    A test without a status was planned and not measured. Of several tests of an item, the first that measured
    it counts, else the last. What the tests and suites do not state about the run remains unstated.

    Raises JUnitError, also if tests state different models, judges, datasets, revisions, scorers or
    stand-ins, and if no file holds a test of the benchmark.
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


# --- XML ----------------------------------------------------------------------------------------------------


def _read(file: Path) -> list[dict[str, str]]:
    """Yield, for each test of the benchmark, its properties and its suite's, without their prefix."""
    try:
        with file.open("rb") as stream:
            return list(_tests(ElementTree.iterparse(stream, events=("start", "end"), forbid_dtd=True)))
    except OSError as error:
        raise JUnitError(f"{file}: cannot be read ({error.strerror})") from error
    except DTDForbidden as error:
        raise JUnitError(
            f"{file}: has a document type declaration (DOCTYPE), which no JUnit file needs; not read"
        ) from error
    except ElementTree.ParseError as error:
        raise JUnitError(f"{file}: not XML ({error}); was the run that wrote it ended early?") from error


def _tests(events: Iterable[tuple[str, Element]]) -> Iterator[dict[str, str]]:
    suite: dict[str, str] = {}
    in_test = False
    for event, element in events:
        if event == "start":
            in_test = in_test or element.tag == "testcase"
            suite = {} if element.tag == "testsuite" else suite
        elif element.tag == "testcase":
            in_test = False
            own = _properties(element)
            if "sample" in own and "not_needed" not in own:
                yield suite | own
            element.clear()  # the tree of a large file is never in memory
        elif element.tag == "properties" and not in_test:
            suite = _properties(element)


def _properties(element: Element) -> dict[str, str]:
    return {
        name.removeprefix(PROPERTY_PREFIX): sys.intern(stated.get("value", ""))
        for stated in element.iter("property")
        if (name := stated.get("name", "")).startswith(PROPERTY_PREFIX)
    }


# --- properties ---------------------------------------------------------------------------------------------


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
            unanswered_value=_score(properties["unanswered_score"])
            if "unanswered_score" in properties
            else None,
            floors=floors_from_json(decode_object(properties.get("floors", "{}"))),
        )
    except (KeyError, ValueError, DecodeError) as error:
        reason = (
            f"no property {PROPERTY_PREFIX}{error.args[0]}" if isinstance(error, KeyError) else str(error)
        )
        raise JUnitError(f"{file}: test of sample {properties['sample']!r}: {reason}") from error


def _score(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"score {text} is not within 0 to 1")
    return value


def _identity(properties: Mapping[str, str], file: Path) -> Identity | None:
    """Return the identity that `records.identity_properties` states; None for whatever is not stated."""
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
        return mix_from_text(text)
    except DecodeError as error:
        raise JUnitError(
            f"{file}: property {PROPERTY_PREFIX}mix is not a mix of datasets ({error})"
        ) from error


def _check_alike(identity: Identity, file: Path, first: Identity, source: Path) -> None:
    if identity == first:
        return
    for item in fields(Identity):
        given, expected = getattr(identity, item.name), getattr(first, item.name)
        if given != expected:
            raise JUnitError(
                f"{file}: {item.name.replace('_', ' ')} is {_shown(given)}, but {_shown(expected)} in {source}; "
                "only files of the same kind of run can be read together"
            )


def _shown(value: str | tuple[str, ...] | Mix | None) -> str:
    if isinstance(value, Mix):
        return (
            f"{value.title} of {', '.join(f'{part.name} (weight {part.weight:g})' for part in value.parts)}"
        )
    return (value if isinstance(value, str) else ", ".join(value or ())) or "not stated"
