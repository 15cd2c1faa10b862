"""Whether a run's figures are comparable with the published ones, and why not."""

from __future__ import annotations

from collections.abc import Iterator

from reports.records.names import MODE_NAMES
from reports.records.outcomes import ErrorRule, Evaluation, Identity, Outcome, grouped
from scoring.questions import JUDGED_QUESTIONS, Mode

PUBLISHED_DATASET = "nvidia/QCalEval"
PUBLISHED_SAMPLES = {Mode.ZEROSHOT: 243, Mode.ICL: 236}
PUBLISHED_JUDGES = (frozenset({"gpt-5.4"}), frozenset({"gpt-5.4", "gemini-3.1-pro"}))
"""April 2026: GPT-5.4; the paper also reports the average with Gemini 3.1 Pro."""
PROTOCOL_SETTINGS = {"max_tokens": 16384, "temperature": 0.0}
NO_THINK = {"chat_template_kwargs": {"enable_thinking": False}}
"""The only addition to requests that the protocol allows (docs/protocol.md#requests)."""


def comparability(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the reasons why the figures are not comparable with the published ones; empty if they are.

    A mode that was not asked is not a reason, because the figures of the other mode do not depend on it.
    """
    identity, outcomes = evaluation.identity, evaluation.outcomes
    return (
        *_stand_in_reasons(identity),
        *_dataset_reasons(identity),
        *_subset_reasons(outcomes),
        *_judge_reasons(identity, outcomes),
        *_scorer_reasons(identity),
        *_settings_reasons(identity),
        *_missing_reasons(outcomes),
        *_error_reasons(evaluation),
    )


def _stand_in_reasons(identity: Identity) -> Iterator[str]:
    if identity.stand_ins:
        yield "stand-ins took part"


def _dataset_reasons(identity: Identity) -> Iterator[str]:
    if identity.mix is not None:
        yield f"a mix of datasets ({', '.join(part.name for part in identity.mix.parts)}), not {PUBLISHED_DATASET}"
    elif identity.dataset != PUBLISHED_DATASET:
        yield f"dataset {identity.dataset or 'not stated'}, not {PUBLISHED_DATASET}"


def _subset_reasons(outcomes: tuple[Outcome, ...]) -> Iterator[str]:
    if any(outcome.key.variant for outcome in outcomes):
        yield "a study with variants of the benchmark"
    for mode, group in grouped(outcomes, lambda outcome: outcome.key.mode).items():
        planned = {(outcome.key.sample_id, outcome.key.question) for outcome in group}
        samples, questions = {sample for sample, _ in planned}, {question for _, question in planned}
        expected = PUBLISHED_SAMPLES[mode]
        if len(samples) != expected:
            yield f"{MODE_NAMES[mode]}: {len(samples)} of {expected} samples"
        if absent := [question for question in mode.questions if question not in questions]:
            yield f"{MODE_NAMES[mode]}: without {', '.join(absent)}"
        elif len(planned) < len(samples) * len(mode.questions):
            yield f"{MODE_NAMES[mode]}: not every question of every sample"


def _judge_reasons(identity: Identity, outcomes: tuple[Outcome, ...]) -> Iterator[str]:
    if not any(outcome.key.question in JUDGED_QUESTIONS for outcome in outcomes):
        return
    judges = frozenset(judge.rsplit("/", 1)[-1].lower() for judge in identity.judges)
    if judges not in PUBLISHED_JUDGES:
        given = " and ".join(identity.judges) or "none"
        yield f"judge {given}, not gpt-5.4 (alone or with gemini-3.1-pro)"


def _scorer_reasons(identity: Identity) -> Iterator[str]:
    if identity.scorer != "compatible":
        yield f"scorer {identity.scorer or 'not stated'}, not compatible"


def _settings_reasons(identity: Identity) -> Iterator[str]:
    for name, expected in PROTOCOL_SETTINGS.items():
        given = None if identity.settings is None else identity.settings.get(name)
        if given != expected:
            yield f"{name} {'not stated' if given is None else given}, not {expected}"
    extra = None if identity.settings is None else identity.settings.get("extra_body")
    if extra and extra != NO_THINK:
        yield f"further request fields ({', '.join(extra) if isinstance(extra, dict) else extra})"
    if identity.settings is not None and "request_seed" in identity.settings:
        yield "further request fields (seed)"
    yield from (deviation for deviation in identity.deviations if deviation.startswith("model:"))


def _missing_reasons(outcomes: tuple[Outcome, ...]) -> Iterator[str]:
    absent = sum(outcome.value is None for outcome in outcomes)
    if absent:
        yield f"{absent} of {len(outcomes)} items not measured"


def _error_reasons(evaluation: Evaluation) -> Iterator[str]:
    """The reference does not always give 0 to items without an answer (docs/protocol.md#aggregation)."""
    counted = sum(not outcome.measured and outcome.value is not None for outcome in evaluation.outcomes)
    if counted and evaluation.errors is ErrorRule.ZERO:
        yield f"{counted} of {len(evaluation.outcomes)} items without an answer count as 0, not as in the reference"
