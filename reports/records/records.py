"""What a run leaves behind: its manifest and one record per item, as dataclasses and as JSON (ARCHITECTURE.md).

Standard library only: xdist workers import this module.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, NamedTuple

from reports.records.floors import Floors, floors_from_json
from reports.records.mixes import mix_of, mix_to_text
from scoring.questions import Mode, Question
from scoring.reference import JSON
from scoring.score import Score

SCHEMA_VERSION = 1
"""Version of ``run.json``, ``records.jsonl`` and ``answers.jsonl``; raised when a reader must change."""


class Status(StrEnum):
    """What became of an item. Only ``SCORED`` is a measurement."""

    SCORED = "scored"
    UNJUDGED = "unjudged"
    REQUEST_FAILED = "request_failed"
    JUDGE_FAILED = "judge_failed"
    FILTERED = "filtered"
    """The provider blocked the answer, or part of it."""
    REFUSED = "refused"
    """The reply is a refusal and not an answer, as the server itself says."""


WITHHELD = frozenset({Status.FILTERED, Status.REFUSED})
"""The model was asked and gave no answer to score. Asking again would get the same, so nothing is asked again."""

UNANSWERED = WITHHELD | {Status.REQUEST_FAILED}
"""Items that ``--errors`` is about."""

FILTER_REASONS = frozenset(
    {"content_filter", "safety", "blocklist", "prohibited_content", "spii", "recitation", "image_safety", "sensitive"}
)
"""Values of ``finish_reason``, in lower case, with which providers say that they blocked an answer."""


class ItemKey(NamedTuple):
    """Identifies one item of a run.

    ``repeat`` counts from 0 (``--repeats``); ``variant`` names a study's condition, empty in the benchmark itself.
    """

    sample_id: str
    question: Question
    mode: Mode
    repeat: int = 0
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """An item that the run set out to measure. Counts and percentages refer to these, never to ``len(records)``."""

    key: ItemKey
    family: str
    scenario_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's answer, as text, and what it took to get it. Times in seconds; tokens None if not reported.

    Attributes:
        text: the answer, stripped; may be empty.
        finish_reason: the server's word, such as ``stop`` or ``length`` (cut at ``max_tokens``).
        from_reasoning: ``content`` was null and ``text`` is ``message.reasoning`` (docs/protocol.md#requests).
        reasoning: the thought that the server delivered apart from ``text``; None if there was none.
        refusal: the server's words in place of an answer.
        served_model: who answered, as the server says; ``fingerprint`` and ``provider`` likewise, if it does.
        ttft_s: from sending to the first text of a streamed reply.
        attempts: requests sent for this answer, at least 1.
        latency_s: of the attempt that succeeded, from sending to the last byte.
        queue_s: from the moment the item was ready to be asked until that attempt was sent.
    """

    text: str
    finish_reason: str | None = None
    from_reasoning: bool = False
    reasoning: str | None = None
    refusal: str | None = None
    served_model: str | None = None
    fingerprint: str | None = None
    provider: str | None = None
    attempts: int = 1
    latency_s: float = 0.0
    ttft_s: float | None = None
    queue_s: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None

    @property
    def withheld(self) -> Status | None:
        """``FILTERED`` or ``REFUSED`` if this is not an answer to score; else None."""
        if (self.finish_reason or "").lower() in FILTER_REASONS:
            return Status.FILTERED
        refused = self.refusal is not None or (self.finish_reason or "").lower() == "refusal"
        return Status.REFUSED if refused else None


def is_same_model(asked: str, served: str | None) -> bool:
    """Whether a reply's model is the one asked for, as far as names tell.

    Servers add an owner before the name (``openai/gpt-5.4``), and a date or a variant after it
    (``gpt-5.4-2026-03-05``, ``gpt-5.4:free``).
    """
    if served is None:
        return False
    wanted, given = (name.lower().rsplit("/", 1)[-1].partition(":")[0] for name in (asked, served))
    return given == wanted or given.startswith(f"{wanted}-") or wanted.startswith(f"{given}-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One judge's grades of one answer (docs/protocol.md#the-judge).

    Attributes:
        judge: the judge's model name.
        reply: its last reply; None where no reply arrived.
        grades: one per key point, 0..1; None where no reply could be used (``error`` says why).
        faults: what was odd about the reply that was used: ``short`` (missing grades became 0), ``long``, ``nan``.
    """

    judge: str
    reply: str | None
    grades: tuple[float, ...] | None
    error: str | None = None
    faults: tuple[str, ...] = ()
    attempts: int = 1
    latency_s: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an item has no score. ``kind`` is a short stable word, such as ``http_400``, ``timeout`` or ``bad_reply``."""

    kind: str
    message: str
    http_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of ``records.jsonl``: one attempt to measure one item.

    Attributes:
        score: by the scorer in force (``RunManifest.scorer``); None unless ``status`` is ``SCORED``.
        other_score: by the other scorer (``compatible`` or ``strict``), for the count of items on which the two differ.
        unanswered_score: what the reference scripts give the item for want of an answer; None unless ``status`` is
            in `UNANSWERED`. It enters averages under ``--errors as-reference`` only.
        flags: findings about the answer, such as ``truncated``, ``thought``, ``addresses_grader``.
        attempts: model requests sent, failed ones included.
        floors: what answers that look at no plot score on this item, by the scorer in force.
    """

    key: ItemKey
    family: str
    scenario_type: str
    status: Status
    score: Score | None = None
    other_score: Score | None = None
    unanswered_score: Score | None = None
    answer: Answer | None = None
    verdicts: tuple[Verdict, ...] = ()
    error: Failure | None = None
    request_sha256: str | None = None
    attempts: int = 0
    flags: tuple[str, ...] = ()
    finished_at: str | None = None
    floors: Floors = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether the record holds a score."""
        return self.status is Status.SCORED


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeIdentity:
    """A judge as it stands in reports; ``base_url`` without user info."""

    model: str
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunManifest:
    """What a run is about (``run.json``). No field holds a key, nor a URL's user info.

    Attributes:
        dataset: Hub id, folder, ``synthetic:...`` or ``mix:...``.
        dataset_revision: commit hash of the Hub repository, or ``sha256:...`` of a folder's content or of a mix.
        scorer: ``compatible`` (docs/protocol.md#scoring) or ``strict``.
        settings: whatever else changes an answer or a score, such as ``max_tokens``; resuming requires equality.
        stand_ins: embedded replacements in this run, in words for tables, such as ``model: blind baseline``.
        planned: the items of the run, in the order of collection.
        started_at: ISO 8601, UTC.
        dataset_warnings: what is odd about the dataset without keeping anyone from asking it; one line each.
        source_ids: for items of a further ICL row about a sample: their sample id -> that of the sample.
    """

    run_id: str
    model: str
    base_url: str
    judges: tuple[JudgeIdentity, ...]
    dataset: str
    dataset_revision: str
    scorer: str
    scorer_version: str
    settings: Mapping[str, JSON]
    planned: tuple[PlannedItem, ...]
    started_at: str
    stand_ins: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    dataset_warnings: tuple[str, ...] = ()
    source_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A manifest and the records on disk, in the order written (several per item where it was tried again).

    Attributes:
        torn_lines: lines that were cut while they were written, and so hold no record (0 or 1).
        judge_agreement: judge -> share of the canary's key points that it graded as known, 0..1; the lowest where it
            was tried several times (shards). Empty without ``--judge-canary``.
        deviations: what was sent in the place of parameters that a server refuses, in words.
    """

    manifest: RunManifest
    records: tuple[Record, ...]
    torn_lines: int = 0
    judge_agreement: Mapping[str, float] = field(default_factory=dict)
    deviations: tuple[str, ...] = ()

    def final_records(self) -> dict[ItemKey, Record]:
        """The record that counts for each item: the first that measured it, else the last one.

        A further attempt never replaces a measured score: asking again only what went wrong would bias the result.
        """
        final: dict[ItemKey, Record] = {}
        for record in self.records:
            earlier = final.get(record.key)
            if earlier is None or not earlier.measured:
                final[record.key] = record
        return final


# --- JSON ------------------------------------------------------------------------------------------------------------


def key_to_json(key: ItemKey) -> dict[str, JSON]:
    """The key's fields; ``repeat`` and ``variant`` only where they say something."""
    data: dict[str, JSON] = {"sample_id": key.sample_id, "question": key.question.value, "mode": key.mode.value}
    if key.repeat:
        data["repeat"] = key.repeat
    if key.variant:
        data["variant"] = key.variant
    return data


def key_from_json(data: Mapping[str, Any]) -> ItemKey:
    """Inverse of `key_to_json`. Raises KeyError, TypeError or ValueError on anything else."""
    return ItemKey(
        sample_id=_text(data, "sample_id"),
        question=Question(data["question"]),
        mode=Mode(data["mode"]),
        repeat=int(data.get("repeat", 0)),
        variant=_text({"variant": "", **data}, "variant"),
    )


def score_to_json(score: Score) -> dict[str, JSON]:
    """``{"value": 0..1, "extracted", "expected", "components"}``, safe for strict JSON readers."""
    return {
        "value": score.value,
        "extracted": json_safe(score.extracted),
        "expected": json_safe(score.expected),
        "components": dict(score.components),
    }


def score_from_json(data: Mapping[str, Any]) -> Score:
    """Inverse of `score_to_json`. Raises KeyError, TypeError or ValueError on anything else."""
    if not 0 <= data["value"] <= 1:
        raise ValueError(f"score {data['value']} is not in 0..1")
    return Score(
        value=data["value"],
        extracted=data["extracted"],
        expected=data["expected"],
        components=data.get("components") or {},
    )


def answer_from_json(data: Mapping[str, Any]) -> Answer:
    """An `Answer` from its ``asdict`` form; unknown fields are ignored, so that older readers open newer files."""
    known = {name: data[name] for name in _ANSWER_FIELDS if name in data}
    return Answer(**{**known, "text": _text(data, "text")})


def verdict_from_json(data: Mapping[str, Any]) -> Verdict:
    """A `Verdict` from its ``asdict`` form."""
    known = {name: data[name] for name in _VERDICT_FIELDS if name in data}
    known["judge"] = _text(data, "judge")
    known["grades"] = None if known.get("grades") is None else tuple(known["grades"])
    known["faults"] = tuple(known.get("faults") or ())
    return Verdict(**known)


def record_to_json(record: Record) -> dict[str, Any]:
    """One line of ``records.jsonl``: flat, with the answer's text under ``answer`` and its figures beside it."""
    answer = record.answer
    return {
        **key_to_json(record.key),
        "family": record.family,
        "scenario_type": record.scenario_type,
        "status": record.status.value,
        "score": None if record.score is None else score_to_json(record.score),
        "other_score": None if record.other_score is None else score_to_json(record.other_score),
        "unanswered_score": None if record.unanswered_score is None else score_to_json(record.unanswered_score),
        "answer": None if answer is None else answer.text,
        "verdicts": [asdict(verdict) for verdict in record.verdicts],
        "error": None if record.error is None else asdict(record.error),
        "request_sha256": record.request_sha256,
        "attempts": record.attempts,
        "flags": list(record.flags),
        "finished_at": record.finished_at,
        **({"floors": dict(record.floors)} if record.floors else {}),
        **{name: None if answer is None else getattr(answer, name) for name in _FLAT_ANSWER_FIELDS},
    }


def record_from_json(data: Mapping[str, Any]) -> Record:
    """Inverse of `record_to_json`. Raises KeyError, TypeError or ValueError on anything else."""
    answer = None
    if data.get("answer") is not None:
        flat = {name: data[name] for name in _FLAT_ANSWER_FIELDS if data.get(name) is not None}
        answer = Answer(text=_text(data, "answer"), attempts=max(1, int(data.get("attempts") or 1)), **flat)
    return Record(
        key=key_from_json(data),
        family=_text(data, "family"),
        scenario_type=_text(data, "scenario_type"),
        status=Status(data["status"]),
        score=None if data.get("score") is None else score_from_json(data["score"]),
        other_score=None if data.get("other_score") is None else score_from_json(data["other_score"]),
        unanswered_score=(None if data.get("unanswered_score") is None else score_from_json(data["unanswered_score"])),
        answer=answer,
        verdicts=tuple(verdict_from_json(verdict) for verdict in data.get("verdicts") or ()),
        error=None if data.get("error") is None else Failure(**data["error"]),
        request_sha256=data.get("request_sha256"),
        attempts=int(data.get("attempts") or 0),
        flags=tuple(data.get("flags") or ()),
        finished_at=data.get("finished_at"),
        floors=floors_from_json(data.get("floors")),
    )


def manifest_to_json(manifest: RunManifest) -> dict[str, Any]:
    """The content of ``run.json``."""
    data = {item.name: getattr(manifest, item.name) for item in fields(manifest)}
    data["judges"] = [asdict(judge) for judge in manifest.judges]
    data["settings"] = dict(manifest.settings)
    data["versions"] = dict(manifest.versions)
    data["stand_ins"] = list(manifest.stand_ins)
    data["dataset_warnings"] = list(manifest.dataset_warnings)
    data["source_ids"] = dict(manifest.source_ids)
    data["planned"] = [
        {**key_to_json(item.key), "family": item.family, "scenario_type": item.scenario_type}
        for item in manifest.planned
    ]
    return {"schema_version": SCHEMA_VERSION, **data}


def manifest_from_json(data: Mapping[str, Any]) -> RunManifest:
    """Inverse of `manifest_to_json`. Raises KeyError, TypeError or ValueError on anything else."""
    known = {item.name: data[item.name] for item in fields(RunManifest) if item.name in data}
    known["judges"] = tuple(JudgeIdentity(**judge) for judge in data["judges"])
    known |= {name: _text(data, name) for name in _MANIFEST_TEXTS}
    known["settings"] = dict(data["settings"])
    mix_of(known["settings"])  # raises where it is none
    known["stand_ins"] = tuple(data.get("stand_ins") or ())
    known["dataset_warnings"] = tuple(data.get("dataset_warnings") or ())
    known["source_ids"] = dict(data.get("source_ids") or {})
    known["planned"] = tuple(
        PlannedItem(key=key_from_json(item), family=_text(item, "family"), scenario_type=_text(item, "scenario_type"))
        for item in data["planned"]
    )
    return RunManifest(**known)


def json_safe(value: JSON) -> JSON:
    """The value with NaN and infinities as strings: Python's JSON reader lets them in, strict JSON forbids them."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {key: json_safe(item) for key, item in value.items()}
        case list():
            return [json_safe(item) for item in value]
        case _:
            return value


# --- user properties of tests ----------------------------------------------------------------------------------------

PROPERTY_PREFIX = "qcal_"


def item_properties(planned: PlannedItem) -> list[tuple[str, str]]:
    """What a test carries before it is measured, as user properties; in JUnit XML too."""
    key = planned.key
    properties = {
        "sample": key.sample_id,
        "question": key.question.value,
        "mode": key.mode.value,
        "family": planned.family,
        "scenario_type": planned.scenario_type,
    }
    if key.repeat:
        properties["repeat"] = str(key.repeat)
    if key.variant:
        properties["variant"] = key.variant
    return _prefixed(properties.items())


def identity_properties(manifest: RunManifest) -> list[tuple[str, str]]:
    """What every test of a run carries, so that JUnit files alone say what they measured."""
    properties = {
        "model": manifest.model,
        "judges": ", ".join(judge.model for judge in manifest.judges),
        "dataset": manifest.dataset,
        "dataset_revision": manifest.dataset_revision,
        "scorer": manifest.scorer,
        "stand_ins": "; ".join(manifest.stand_ins),
        "mix": "" if (mix := mix_of(manifest.settings)) is None else mix_to_text(mix),
    }
    return _prefixed((name, value) for name, value in properties.items() if value)


def outcome_properties(
    status: Status, score: Score | None, unanswered_score: Score | None = None
) -> list[tuple[str, str]]:
    """What measuring adds: the status, and scores as 0..1 with every digit (``repr`` of the float)."""
    properties = {"status": status.value}
    if score is not None:
        properties["score"] = repr(float(score.value))
    if unanswered_score is not None:
        properties["unanswered_score"] = repr(float(unanswered_score.value))
    return _prefixed(properties.items())


def floor_properties(floors: Floors) -> list[tuple[str, str]]:
    """The item's floors, 0..1, as JSON; nothing if there are none."""
    return _prefixed([("floors", json.dumps(floors))] if floors else [])


def _prefixed(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(sys.intern(PROPERTY_PREFIX + name), value) for name, value in pairs]  # one name for thousands of tests


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text but {type(value).__name__}")
    return value


_MANIFEST_TEXTS = ("run_id", "model", "base_url", "dataset", "dataset_revision", "scorer", "started_at")
_ANSWER_FIELDS = tuple(item.name for item in fields(Answer))
_VERDICT_FIELDS = tuple(item.name for item in fields(Verdict))
_FLAT_ANSWER_FIELDS = tuple(name for name in _ANSWER_FIELDS if name not in {"text", "attempts"})
