"""What a run writes: its manifest and one record per item, as dataclasses and as JSON (ARCHITECTURE.md).

Light to import: xdist workers do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from reports.records.floors import FieldFloors, Floors, field_floors_from_json, floors_from_json
from reports.records.mixes import mix_of, mix_to_text
from reports.records.typed_json import DecodeError, convert, decode, encode, json_safe, to_builtins
from scoring.questions import Mode, Question
from scoring.reference import JSON
from scoring.score import Score

SCHEMA_VERSION = 1
"""Version of ``run.json``, ``records.jsonl`` and ``answers.jsonl``; raised when a reader must change."""


Count = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""A number of tokens or requests: one that a float holds, whatever a server or a file claims."""


class Status(StrEnum):
    """The status of an item. Only ``SCORED`` is a measurement."""

    SCORED = "scored"
    UNJUDGED = "unjudged"
    REQUEST_FAILED = "request_failed"
    JUDGE_FAILED = "judge_failed"
    FILTERED = "filtered"
    """The provider blocked the answer, or part of it."""
    REFUSED = "refused"
    """The server marked the reply as a refusal, not an answer."""


WITHHELD = frozenset({Status.FILTERED, Status.REFUSED})
"""The model was asked and gave no answer to score. A retry would give the same, so there is none."""

UNANSWERED = WITHHELD | {Status.REQUEST_FAILED}
"""Items to which ``--errors`` applies."""

FILTER_REASONS = frozenset(
    {
        "content_filter",
        "safety",
        "blocklist",
        "prohibited_content",
        "spii",
        "recitation",
        "image_safety",
        "sensitive",
    }
)
"""Values of ``finish_reason``, in lower case, of answers that the provider blocked."""


class ItemKey(NamedTuple):
    """Identifies one item of a run.

    ``repeat`` counts from 0 (``--repeats``); ``variant`` names a study's condition, empty in the benchmark
    itself.
    """

    sample_id: str
    question: Question
    mode: Mode
    repeat: int = 0
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """An item that the run plans to measure.

    Counts and percentages refer to these, never to ``len(records)``.
    """

    key: ItemKey
    family: str
    scenario_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's answer, with its cost. Times in seconds; token counts are None if not reported.

    Attributes:
        text: the answer, stripped; may be empty.
        finish_reason: as the server states it, such as ``stop`` or ``length`` (cut at ``max_tokens``).
        from_reasoning: ``content`` was null and ``text`` is ``message.reasoning``
            (docs/protocol.md#requests).
        reasoning: the reasoning that the server returned separately from ``text``; None if there was none.
        refusal: the server's words in place of an answer.
        served_model: the model that answered; like ``fingerprint`` and ``provider``, None if the server does
            not say.
        ttft_s: from sending to the first text of a streamed reply.
        attempts: requests sent for this answer, at least 1; 0 if no model was asked (``--judge-baselines``).
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
    attempts: Count = 1
    latency_s: float = 0.0
    ttft_s: float | None = None
    queue_s: float = 0.0
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    reasoning_tokens: Count | None = None

    @property
    def withheld(self) -> Status | None:
        """``FILTERED`` or ``REFUSED`` if this is not an answer to score; else None."""
        if (self.finish_reason or "").lower() in FILTER_REASONS:
            return Status.FILTERED
        refused = self.refusal is not None or (self.finish_reason or "").lower() == "refusal"
        return Status.REFUSED if refused else None


def is_same_model(asked: str, served: str | None) -> bool:
    """Return whether a reply's model is the requested one, judging by their names.

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
        reply: its last reply; None if no reply arrived.
        grades: one per key point, 0..1; None if no reply could be used (``error`` says why).
        faults: of the reply that was used: ``short`` (missing grades became 0), ``long``, ``nan``.
    """

    judge: str
    reply: str | None
    grades: tuple[float, ...] | None
    error: str | None = None
    faults: tuple[str, ...] = ()
    attempts: Count = 1
    latency_s: float = 0.0
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an item has no score.

    ``kind`` is a short stable word, such as ``http_400``, ``timeout`` or ``bad_reply``.
    """

    kind: str
    message: str
    http_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of ``records.jsonl``: one attempt to measure one item.

    Attributes:
        score: by the scorer in force (``RunManifest.scorer``); None unless ``status`` is ``SCORED``.
        other_score: by the other scorer (``compatible`` or ``strict``), for the count of items on which the
            two differ.
        unanswered_score: what the reference scripts give an unanswered item; None unless ``status`` is in
            `UNANSWERED`. It enters averages under ``--errors as-reference`` only.
        flags: findings about the answer (`scoring.flags.Flag`); plain text, as a later version may know
            others.
        attempts: model requests sent, failed ones included.
        floors: the scores of answers that do not look at the plot, by the scorer in force.
        field_floors: the same for each field of a Q5 item; empty for other questions and for runs of earlier
            versions.
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
    attempts: Count = 0
    flags: tuple[str, ...] = ()
    finished_at: str | None = None
    floors: Floors = field(default_factory=dict)
    field_floors: FieldFloors = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether the record holds a score."""
        return self.status is Status.SCORED


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeIdentity:
    """A judge as reports name it; ``base_url`` has no user info."""

    model: str
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunManifest:
    """What a run is about (``run.json``). No field holds a key, nor a URL's user info.

    Attributes:
        dataset: Hub id, folder, ``synthetic:...`` or ``mix:...``.
        dataset_revision: commit hash of the Hub repository, or ``sha256:...`` of a folder's content or of a
            mix.
        scorer: ``compatible`` (docs/protocol.md#scoring) or ``strict``.
        settings: everything else that changes an answer or a score, such as ``max_tokens``; resuming requires
            equality.
        stand_ins: embedded replacements in this run, as tables print them, such as ``model: blind baseline``.
        planned: the items of the run, in the order of collection.
        started_at: ISO 8601, UTC.
        dataset_warnings: problems of the dataset that do not prevent a run; one line each.
        source_ids: for further ICL rows about a sample: the row's sample id -> the sample's id.
        dataset_part: the samples that the dataset was prepared for (``--limit``), which is what its revision
            is about; empty for all.
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
    dataset_part: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A manifest and the records on disk, in the order written; an item that was tried again has several.

    Attributes:
        records: a tuple, or `reports.records.stored.StoredRecords` if the run is large.
        torn_lines: lines that were cut while they were written, and so hold no record (0 or 1).
        damaged_lines: lines with a wrong checksum, which are not read.
        judge_agreement: judge -> share of the canary's key points that it graded correctly, 0..1; the lowest
            if it was tried several times (shards). Empty without ``--judge-canary``.
        judge_points: the number of these key points; 0 if it is not known.
        judge_gullibility: judge -> share of the canary's key points whose grade attacks raised, 0..1; the
            highest if it was tried several times. Empty if attacks were not tried.
        deviations: what was sent in place of parameters that a server refuses, as text.
        looks: the numbers of repeats after which the gates are looked at; empty without ``--max-repeats``.
    """

    manifest: RunManifest
    records: Sequence[Record]
    torn_lines: int = 0
    damaged_lines: int = 0
    judge_agreement: Mapping[str, float] = field(default_factory=dict)
    judge_points: int = 0
    judge_gullibility: Mapping[str, float] = field(default_factory=dict)
    deviations: tuple[str, ...] = ()
    looks: tuple[int, ...] = ()


# --- JSON ---------------------------------------------------------------------------------------------------


def key_to_json(key: ItemKey) -> dict[str, JSON]:
    """Return the key's fields; ``repeat`` and ``variant`` only if they are not the defaults."""
    data: dict[str, JSON] = {
        "sample_id": key.sample_id,
        "question": key.question.value,
        "mode": key.mode.value,
    }
    if key.repeat:
        data["repeat"] = key.repeat
    if key.variant:
        data["variant"] = key.variant
    return data


def key_from_json(data: Mapping[str, Any]) -> ItemKey:
    """Inverse of `key_to_json`; further fields are ignored. Raises DecodeError."""
    return convert(data, _FlatKey).key()


def planned_to_json(item: PlannedItem) -> dict[str, JSON]:
    """Return the item as a flat entry of ``planned`` in ``run.json``."""
    return {**key_to_json(item.key), "family": item.family, "scenario_type": item.scenario_type}


def json_safe_score(score: Score | None) -> Score | None:
    """Return the score without NaN and infinities in what was read from the answer (see `json_safe`)."""
    if score is None:
        return None
    return replace(score, extracted=json_safe(score.extracted), expected=json_safe(score.expected))


def score_to_json(score: Score) -> dict[str, JSON]:
    """``{"value": 0..1, "extracted", "expected", "components"}``, safe for strict JSON readers."""
    data: dict[str, JSON] = to_builtins(json_safe_score(score))
    return data


def record_to_json(record: Record) -> dict[str, Any]:
    """Return the record as a flat object; ``answer`` is the text, and its figures are separate fields."""
    nested = to_builtins(
        replace(
            record,
            score=json_safe_score(record.score),
            other_score=json_safe_score(record.other_score),
            unanswered_score=json_safe_score(record.unanswered_score),
        )
    )
    answer = nested["answer"] or {}
    figures = {name: answer.get(name) for name in _FLAT_ANSWER_FIELDS}
    del nested["key"]
    for name in ("floors", "field_floors"):
        if not nested[name]:
            del nested[name]
    return {**key_to_json(record.key), **nested, "answer": answer.get("text"), **figures}


def record_line(record: Record) -> str:
    """Return the record as a line of ``records.jsonl``, without its line end.

    A test's report carries it too: xdist passes report attributes by exact type, and text always passes.
    """
    return encode(record_to_json(record)).decode()


def record_from_line(line: bytes | str) -> Record:
    """Return the record on a line of ``records.jsonl``. Raises DecodeError."""
    flat = decode(line, _FlatRecord)
    answer = None
    if flat.answer is not None:
        answer = Answer(
            text=flat.answer,
            finish_reason=flat.finish_reason,
            from_reasoning=flat.from_reasoning or False,
            reasoning=flat.reasoning,
            refusal=flat.refusal,
            served_model=flat.served_model,
            fingerprint=flat.fingerprint,
            provider=flat.provider,
            attempts=flat.attempts or 1,
            latency_s=flat.latency_s or 0.0,
            ttft_s=flat.ttft_s,
            queue_s=flat.queue_s or 0.0,
            prompt_tokens=flat.prompt_tokens,
            completion_tokens=flat.completion_tokens,
            reasoning_tokens=flat.reasoning_tokens,
        )
    return Record(
        key=flat.key(),
        family=flat.family,
        scenario_type=flat.scenario_type,
        status=flat.status,
        score=flat.score,
        other_score=flat.other_score,
        unanswered_score=flat.unanswered_score,
        answer=answer,
        verdicts=flat.verdicts or (),
        error=flat.error,
        request_sha256=flat.request_sha256,
        attempts=flat.attempts or 0,
        flags=flat.flags or (),
        finished_at=flat.finished_at,
        floors=floors_from_json(flat.floors),
        field_floors=field_floors_from_json(flat.field_floors),
    )


def manifest_to_json(manifest: RunManifest) -> dict[str, Any]:
    """Return the content of ``run.json``."""
    data = to_builtins(replace(manifest, planned=()))
    return {
        "schema_version": SCHEMA_VERSION,
        **data,
        "planned": [planned_to_json(item) for item in manifest.planned],
    }


def manifest_from_file(content: bytes) -> RunManifest:
    """Inverse of `manifest_to_json`, from the file's content. Raises DecodeError."""
    read = decode(content, _ManifestFile, _planned)
    mix_of(read.settings)  # raises if it is not one
    named = {item.name: getattr(read, item.name) for item in fields(RunManifest)}
    return RunManifest(**named | {"planned": tuple(entry.item for entry in read.planned)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _FlatKey:
    """An `ItemKey` as the fields of an object: named tuples are arrays otherwise."""

    sample_id: str
    question: Question
    mode: Mode
    repeat: int = 0
    variant: str = ""

    def key(self) -> ItemKey:
        """Return the key; ids of samples are shared by all items about them."""
        return ItemKey(sys.intern(self.sample_id), self.question, self.mode, self.repeat, self.variant)


class _Planned:
    """An entry of ``planned`` in ``run.json``; each becomes a `PlannedItem` before the next is decoded."""

    __slots__ = ("item",)

    def __init__(self, item: PlannedItem) -> None:
        self.item = item


@dataclass(frozen=True, slots=True, kw_only=True)
class _ManifestFile(RunManifest):
    planned: tuple[_Planned, ...]  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class _FlatPlanned(_FlatKey):
    family: str
    scenario_type: str


def _planned(_kind: type, data: object) -> _Planned:
    try:
        flat = convert(data, _FlatPlanned)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    family, scenario_type = sys.intern(flat.family), sys.intern(flat.scenario_type)
    return _Planned(PlannedItem(key=flat.key(), family=family, scenario_type=scenario_type))


@dataclass(frozen=True, slots=True, kw_only=True)
class _FlatRecord(_FlatKey):
    """A line of ``records.jsonl``.

    The answer's figures are fields of the line, and null stands for the default.
    """

    family: str
    scenario_type: str
    status: Status
    score: Score | None = None
    other_score: Score | None = None
    unanswered_score: Score | None = None
    answer: str | None = None
    verdicts: tuple[Verdict, ...] | None = None
    error: Failure | None = None
    request_sha256: str | None = None
    attempts: Count | None = None
    flags: tuple[str, ...] | None = None
    finished_at: str | None = None
    floors: dict[str, Any] | None = None
    field_floors: dict[str, Any] | None = None
    finish_reason: str | None = None
    from_reasoning: bool | None = None
    reasoning: str | None = None
    refusal: str | None = None
    served_model: str | None = None
    fingerprint: str | None = None
    provider: str | None = None
    latency_s: float | None = None
    ttft_s: float | None = None
    queue_s: float | None = None
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    reasoning_tokens: Count | None = None


# --- user properties of tests -------------------------------------------------------------------------------

PROPERTY_PREFIX = "qcal_"
NOT_NEEDED_PROPERTY = f"{PROPERTY_PREFIX}not_needed"
"""The property of a test whose item was not asked because the verdict did not need it (``--max-repeats``)."""


def item_properties(planned: PlannedItem) -> list[tuple[str, str]]:
    """Return the user properties that a test has before it is measured; JUnit XML holds them too."""
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
    """Return the properties of every test of a run, so that JUnit files alone state what they measured."""
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
    """Return the properties that measuring adds: the status, and scores 0..1 with every digit (``repr``)."""
    properties = {"status": status.value}
    if score is not None:
        properties["score"] = repr(float(score.value))
    if unanswered_score is not None:
        properties["unanswered_score"] = repr(float(unanswered_score.value))
    return _prefixed(properties.items())


def floor_properties(floors: Floors) -> list[tuple[str, str]]:
    """Return the item's floors, 0..1, as JSON; none if there are none."""
    return _prefixed([("floors", encode(floors).decode())] if floors else [])


def _prefixed(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (sys.intern(PROPERTY_PREFIX + name), value) for name, value in pairs
    ]  # one name for thousands of tests


_FLAT_ANSWER_FIELDS = tuple(item.name for item in fields(Answer) if item.name not in {"text", "attempts"})
