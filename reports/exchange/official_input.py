"""Reads result files in the format of the reference scripts (docs/protocol.md#result-files).

OfficialFileError    a file is not of that format, or a run cannot be written in it; the message says why
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reports.records.outcomes import Evaluation, Identity, Outcome
from reports.records.records import ItemKey, Status
from scoring.errors import QCalError
from scoring.questions import Mode, Question

UNKNOWN_FAMILY = "not stated"
FEWSHOT_PREFIX = "icl_"
"""The prefix of ids of rows in the fewshot file, by which earlier versions named ICL entries."""


class OfficialFileError(QCalError):
    """A result file cannot be read or written; ``str()`` names the file or item, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceEntry:
    """An entry of an inference file. ``answers``: None if the entry has an error instead."""

    entry_id: str
    scenario_type: str
    answers: Mapping[Question, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceFile:
    """The answers of one model in one mode. An entry's id is the sample's id, in mode ICL too.

    Files that earlier versions of this suite wrote name ICL entries after rows of the fewshot file.
    """

    mode: Mode
    model: str
    dataset: str | None
    entries: tuple[InferenceEntry, ...]


def read_inference(path: Path) -> InferenceFile:
    """Read an inference file. Raises OfficialFileError if it is anything else."""
    data = _load(path)
    try:
        return InferenceFile(
            mode=Mode(data["mode"]),
            model=str(data["model"]),
            dataset=data.get("dataset"),
            entries=tuple(_read_entry(entry) for entry in data["results"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OfficialFileError(
            f"{path}: not an inference file of the reference ({_reason(error)})"
        ) from error


def read_judged(*paths: Path) -> Evaluation:
    """Read the scores in judged files, one file for each mode. The files do not state families.

    Raises OfficialFileError for other files, and for files of the same mode or of different models or judges.
    """
    first, *others = (_read_judged(path) for path in paths)
    for path, other in zip(paths[1:], others, strict=True):
        if other.identity != first.identity:
            raise OfficialFileError(
                f"{path}: model and judge are {_who(other)}, but {_who(first)} in {paths[0]}; only files of one model "
                "and the same judges make one report"
            )
    modes = Counter(
        mode for file in (first, *others) for mode in {outcome.key.mode for outcome in file.outcomes}
    )
    if repeated := [mode.value for mode, count in modes.items() if count > 1]:
        raise OfficialFileError(
            f"{paths[-1]}: a second file of mode {repeated[0]}; give one file for each mode"
        )
    return Evaluation(
        identity=first.identity,
        outcomes=tuple(
            _named_after_samples([outcome for file in (first, *others) for outcome in file.outcomes])
        ),
        errors=None,
    )


def _read_judged(path: Path) -> Evaluation:
    data = _load(path)
    try:
        mode = Mode(data["mode"])
        outcomes = [outcome for entry in data["results"] for outcome in _read_scores(entry, mode)]
        judges = tuple(filter(None, data["judge_model"].split(", ")))
        identity = Identity(model=data["tested_model"], judges=judges, scorer="compatible")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OfficialFileError(f"{path}: not a judged file of the reference ({_reason(error)})") from error
    return Evaluation(identity=identity, outcomes=tuple(_numbered(outcomes)), errors=None)


def _numbered(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Yield each entry after the first with the same id as a repeat of it."""
    seen: Counter[ItemKey] = Counter()
    for outcome in outcomes:
        yield replace(outcome, key=outcome.key._replace(repeat=seen[outcome.key]))
        seen[outcome.key] += 1


def _named_after_samples(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Return ICL entries of earlier versions (FEWSHOT_PREFIX) with the id that the zero-shot file gives the sample."""
    samples = {outcome.key.sample_id for outcome in outcomes if outcome.key.mode is Mode.ZEROSHOT}
    for outcome in outcomes:
        key = outcome.key
        stripped = key.sample_id.removeprefix(FEWSHOT_PREFIX)
        renamed = key.mode is Mode.ICL and key.sample_id not in samples and stripped in samples
        yield replace(outcome, key=key._replace(sample_id=stripped), sample="") if renamed else outcome


def _who(evaluation: Evaluation) -> str:
    return f"{evaluation.identity.model} and {', '.join(evaluation.identity.judges) or 'none'}"


def _read_entry(entry: Mapping[str, Any]) -> InferenceEntry:
    tasks = {question.task: question for question in Question}
    answers = {
        tasks[task]: None if response.get("error") or entry.get("error") else response["answer"]
        for task, response in (entry.get("responses") or {}).items()
        if task in tasks
    }
    return InferenceEntry(entry_id=entry["id"], scenario_type=entry["experiment_type"], answers=answers)


def _read_scores(entry: Mapping[str, Any], mode: Mode) -> Sequence[Outcome]:
    return [
        Outcome(
            key=ItemKey(entry["id"], Question(name), mode),
            family=UNKNOWN_FAMILY,
            scenario_type=entry["experiment_type"],
            status=Status.SCORED,
            value=float(score["score"]) / 100,
        )
        for name, score in entry["scores"].items()
        if name != "overall"
    ]


def _load(path: Path) -> Any:  # noqa: ANN401 - JSON that is checked field by field
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise OfficialFileError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OfficialFileError(f"{path}: not JSON ({error})") from error


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
