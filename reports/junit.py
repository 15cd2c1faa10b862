"""An evaluation from JUnit XML files alone: every score is in the tests' properties (`records.item_properties`).

A document type declaration is refused: JUnit files have none, and without one XML has neither entities of its own
(no "billion laughs") nor anything to fetch. The files are read as a stream.

    JUnitError      a file cannot be read or used; the message names the file and what is wrong
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from xml.parsers import expat

from reports.outcomes import Evaluation, Identity, Outcome
from reports.records import PROPERTY_PREFIX, ItemKey, Status, json_safe
from scoring.questions import Mode, Question
from scoring.reference import JSON

IDENTITY_FIELDS = tuple(item.name for item in fields(Identity))


class JUnitError(Exception):
    """A JUnit file that cannot be used."""


def identity_properties(identity: Identity) -> list[tuple[str, str]]:
    """What a test suite states about its run, as properties for `load_junit`; lists and settings are JSON."""
    settings = None if identity.settings is None else json_safe(dict(identity.settings))
    stated = {
        "model": identity.model,
        "judges": json.dumps(identity.judges),
        "dataset": identity.dataset,
        "dataset_revision": identity.dataset_revision,
        "scorer": identity.scorer,
        "stand_ins": json.dumps(identity.stand_ins),
        "settings": None if settings is None else json.dumps(settings, sort_keys=True),
    }
    return [(PROPERTY_PREFIX + name, value) for name, value in stated.items() if value is not None]


def load_junit(files: Iterable[Path]) -> Evaluation:
    """The evaluation that the files (shards of one run, say) hold together.

    A test without a status was planned and not measured. Of several tests of one item the first that measured it
    counts, else the last. What the files do not state about the run stays unstated.

    Raises JUnitError, also where files state different models, judges, datasets, scorers or settings, and where no file
    holds a test of the benchmark.
    """
    outcomes: dict[ItemKey, Outcome] = {}
    stated: dict[str, tuple[str, Path]] = {}
    for file in files:
        content = _read(file)
        for name, value in content.suite.items():
            _check_alike(name, value, file, stated)
        for properties in content.tests:
            outcome = _outcome(properties, file)
            earlier = outcomes.get(outcome.key)
            if earlier is None or not earlier.measured:
                outcomes[outcome.key] = outcome
    if not outcomes:
        raise JUnitError(
            "no test of the benchmark in these files; make them with: pytest test_qcaleval --junitxml FILE"
        )
    identity = _identity({name: value for name, (value, _) in stated.items()})
    return Evaluation(identity=identity, outcomes=tuple(outcomes.values()))


# --- XML -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Content:
    """The properties of a file: of its suites, and of each test of the benchmark (without their prefix)."""

    suite: dict[str, str] = field(default_factory=dict)
    tests: list[dict[str, str]] = field(default_factory=list)
    open_test: dict[str, str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Called by expat at each start tag."""
        name = attributes.get("name", "")
        if tag == "testcase":
            self.open_test = {}
        elif tag == "property" and name.startswith(PROPERTY_PREFIX):
            target = self.suite if self.open_test is None else self.open_test
            target[name.removeprefix(PROPERTY_PREFIX)] = attributes.get("value", "")

    def end(self, tag: str) -> None:
        """Called by expat at each end tag."""
        if tag == "testcase":
            if self.open_test and "sample" in self.open_test:
                self.tests.append(self.open_test)
            self.open_test = None


def _read(file: Path) -> _Content:
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
    return content


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
        )
    except (KeyError, ValueError) as error:
        reason = f"no property {PROPERTY_PREFIX}{error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise JUnitError(f"{file}: test of sample {properties['sample']!r}: {reason}") from error


def _score(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"score {text} is not within 0 to 1")
    return value


def _check_alike(name: str, value: str, file: Path, stated: dict[str, tuple[str, Path]]) -> None:
    earlier, source = stated.setdefault(name, (value, file))
    if name in IDENTITY_FIELDS and earlier != value:
        raise JUnitError(
            f"{file}: {name.replace('_', ' ')} is {value}, but {earlier} in {source}; "
            "only files of like runs can be read together"
        )


def _identity(stated: Mapping[str, str]) -> Identity:
    settings = _parsed(stated.get("settings", ""))
    return Identity(
        model=stated.get("model"),
        judges=_names(stated.get("judges", "")),
        dataset=stated.get("dataset"),
        dataset_revision=stated.get("dataset_revision"),
        scorer=stated.get("scorer"),
        stand_ins=_names(stated.get("stand_ins", "")),
        settings=settings if isinstance(settings, dict) else None,
    )


def _names(text: str) -> tuple[str, ...]:
    """A JSON list of names; other text is one name."""
    names = _parsed(text)
    return tuple(map(str, names)) if isinstance(names, list) else (text,) if text else ()


def _parsed(text: str) -> JSON:
    try:
        value: JSON = json.loads(text)
    except ValueError:
        return None
    return value
