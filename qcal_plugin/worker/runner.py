"""Collect and run tests, in the only process or in an xdist worker."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Protocol

import pytest

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.engine.failures import EngineStopped, NotNeeded
from qcal_plugin.engine.result import EngineResult
from qcal_plugin.studies.shots import copy_flags
from qcal_plugin.studies.studied import StudiedDataset
from qcal_plugin.worker import collection
from qcal_plugin.worker.measuring import (
    INTERRUPTED_WAIT,
    NOT_NEEDED,
    OUTCOME,
    RECORD,
    CaseUnderTest,
    answer_flags,
    below_mark,
    lost_label_flags,
    scored_text,
)
from reports.records.plain_text import log_line
from reports.records.records import (
    NOT_NEEDED_PROPERTY,
    PROPERTY_PREFIX,
    WITHHELD,
    Answer,
    Failure,
    ItemKey,
    PlannedItem,
    Record,
    Status,
    Verdict,
    floor_properties,
    item_properties,
    outcome_properties,
    record_line,
)
from scoring.dispatch import Scorer
from scoring.score import Score
from scoring.unanswered import score_without_answer

ABOUT_TIMEOUT = (
    "It counts the wait for the model. Switch it off with --timeout=0; --request-timeout limits requests."
)


class ResultSource(Protocol):
    """A source of outcomes: the engine in this process, or the channel to the one in the controller."""

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """Announce the items that will be demanded."""
        ...

    def demand(self, key: ItemKey) -> EngineResult:
        """Wait for an outcome.

        Raises EngineStopped if nothing more is asked, NotNeeded if this item is not.
        """
        ...


class Runner:
    """Collects the selected items, waits for their outcomes, and puts their records on reports."""

    def __init__(
        self,
        config: RunConfig,
        *,
        dataset: StudiedDataset,
        items: Sequence[PlannedItem],
        source: ResultSource,
        identity: Sequence[tuple[str, str]],
    ) -> None:
        self._config = config
        self._dataset = dataset
        self._items = items
        self._source = source
        self._identity = identity
        self._running: pytest.Item | None = None

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test per item of the function's mode."""
        mode = collection.asked_mode(metafunc)
        if mode is not None:
            collection.parametrize(metafunc, [item for item in self._items if item.key.mode is mode])

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort zero-shot items first, as in the benchmark; with looks between repeats, sort by repeat before that."""
        collection.drop_unasked(items)
        collection.put_in_order(items, by_repeat=self._config.max_repeats is not None)

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Declare the items that ``-k``, ``-m`` and ``--lf`` leave.

        Nothing is sent before the first demand.
        """
        wanted = [
            collection.planned_item(item) for item in session.items if not collection.may_be_skipped(item)
        ]
        self._source.declare([item for item in wanted if item is not None])
        collection.spare_garbage_collection()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Wait for the answer before the item starts, so that the wait does not count as the test's duration."""
        planned = collection.planned_item(item)
        if planned is None:
            return None
        self._running = item
        self._describe(item, planned)
        if collection.may_be_skipped(item):
            return None
        try:
            item.stash[OUTCOME] = self._source.demand(planned.key)
        except EngineStopped as stopped:
            item.session.shouldstop = log_line(str(stopped))
            return True
        except NotNeeded as reason:
            _set_aside(item, str(reason))
        except pytest.fail.Exception as failure:  # from pytest-timeout, which is already counting
            item.stash[INTERRUPTED_WAIT] = str(failure)
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the record on the report, and the answer's latency in place of the test's duration."""
        report = yield
        record = item.stash.get(RECORD, None)
        if record is not None and (call.when == "call" or (call.when == "setup" and not report.passed)):
            report.qcal_record = record_line(record)  # type: ignore[attr-defined]
            answer = item.stash[OUTCOME].answer
            report.duration = report.duration if answer is None else answer.latency_s
        if call.when == "teardown":
            _forget(item)  # pytest keeps items until the end; their answers are on disk
        return report

    # --- what the fixtures hand out ---

    def case(self, planned: PlannedItem) -> CaseUnderTest:
        """Return the item under test."""
        return CaseUnderTest(
            planned=planned, reference=self._dataset.reference(planned.key), scorer=self._config.scorer
        )

    def answer(self, planned: PlannedItem) -> Answer:
        """Return the model's answer. Ends the test with an error at setup if there is none."""
        item = self._item
        if INTERRUPTED_WAIT in item.stash:
            pytest.fail(f"no answer yet: {item.stash[INTERRUPTED_WAIT]} {ABOUT_TIMEOUT}", pytrace=False)
        if NOT_NEEDED in item.stash:
            pytest.skip(item.stash[NOT_NEEDED])
        if (
            OUTCOME not in item.stash
        ):  # it might have been skipped, so nothing was asked before the test started
            item.stash[OUTCOME] = self._demand_late(planned)
        outcome = item.stash[OUTCOME]
        if outcome.answer is None:
            self._note(item, self._unanswered(planned, Status.REQUEST_FAILED))
            pytest.fail(f"no answer: {_words(outcome.error)}", pytrace=False)
        if outcome.status in WITHHELD:
            self._note(item, self._unanswered(planned, outcome.status, outcome.answer))
            pytest.skip(f"{outcome.status}: {_withheld_words(outcome.answer)}; counted apart, not scored")
        return outcome.answer

    def _unanswered(self, planned: PlannedItem, status: Status, answer: Answer | None = None) -> Record:
        """Return the record of an item without an answer, or with one that was withheld."""
        question, text = planned.key.question, "" if answer is None else answer.text
        return replace(
            _record(planned, status),
            unanswered_score=score_without_answer(question, self.case(planned).reference, text),
            flags=() if answer is None else answer_flags(question, answer),
        )

    def verdicts(self, planned: PlannedItem, answer: Answer) -> tuple[Verdict, ...]:
        """Return the judges' grades; none for questions without key points.

        Skips the test if there is no judge; ends it with an error at setup if a judge failed.
        """
        item = self._item
        outcome = item.stash[OUTCOME]
        if outcome.status in {Status.UNJUDGED, Status.JUDGE_FAILED}:
            flags = answer_flags(planned.key.question, answer)
            self._note(item, replace(_record(planned, outcome.status), flags=flags))
        if outcome.status is Status.UNJUDGED:
            pytest.skip("unjudged: no --judge-url; the answer is kept, --answers RUN judges it later")
        if outcome.status is Status.JUDGE_FAILED:
            pytest.fail(f"not judged: {_words(outcome.error)}", pytrace=False)
        return outcome.verdicts

    def record(self, case: CaseUnderTest, score: Score) -> None:
        """Record a score. Fails the test if it is below ``--pass-mark``."""
        item = self._item
        outcome = item.stash[OUTCOME]
        assert outcome.answer is not None, "a score has an answer"
        other = case.other_score(outcome.answer, outcome.verdicts)
        compatible, strict = (score, other) if case.scorer is Scorer.COMPATIBLE else (other, score)
        record = replace(
            _record(case.planned, Status.SCORED),
            score=score,
            other_score=other,
            flags=(
                *answer_flags(case.question, outcome.answer),
                *lost_label_flags(case.question, compatible, strict),
                *self._copy_flags(case, outcome.answer),
            ),
        )
        self._note(item, record)
        complaint = below_mark(score, self._config.pass_marks.get(case.question))
        if complaint is not None:
            pytest.fail(complaint, pytrace=False)

    @property
    def _item(self) -> pytest.Item:
        """The running test. Fixtures that get it from pytest's ``request`` would cost 0.1 ms each."""
        assert self._running is not None, "fixtures are set up for a test that has begun"
        return self._running

    def _copy_flags(self, case: CaseUnderTest, answer: Answer) -> tuple[str, ...]:
        shown = self._dataset.demonstrations(case.planned.key)
        text = scored_text(answer, self._config.scorer)
        return copy_flags(case.question, text, case.reference, shown, self._config.scorer) if shown else ()

    def _demand_late(self, planned: PlannedItem) -> EngineResult:
        self._source.declare([planned])
        try:
            return self._source.demand(planned.key)
        except EngineStopped as stopped:
            pytest.fail(log_line(f"not asked: {stopped}"), pytrace=False)
        except NotNeeded as reason:
            pytest.skip(f"not needed: {reason}")

    def _describe(self, item: pytest.Item, planned: PlannedItem) -> None:
        """Set the properties that an item has before it is measured. A rerun starts from scratch."""
        others = [pair for pair in item.user_properties if not pair[0].startswith(PROPERTY_PREFIX)]
        item.user_properties[:] = [*others, *item_properties(planned), *self._identity]
        _forget(item)

    def _note(self, item: pytest.Item, record: Record) -> None:
        floors = self._dataset.floors_of(record.key, self._config.scorer)
        item.stash[RECORD] = replace(record, floors=floors.scores, field_floors=floors.fields)
        item.user_properties.extend(
            outcome_properties(record.status, record.score, record.unanswered_score)
            + floor_properties(floors.scores)
        )


def _record(planned: PlannedItem, status: Status) -> Record:
    return Record(key=planned.key, family=planned.family, scenario_type=planned.scenario_type, status=status)


def _set_aside(item: pytest.Item, reason: str) -> None:
    """Mark an item that a look made unnecessary, for its fixtures and for readers of JUnit files."""
    item.stash[NOT_NEEDED] = f"not needed: {reason}"
    item.user_properties.append((NOT_NEEDED_PROPERTY, reason))


def _forget(item: pytest.Item) -> None:
    if OUTCOME in item.stash:
        del item.stash[OUTCOME]
    if RECORD in item.stash:
        del item.stash[RECORD]
    if INTERRUPTED_WAIT in item.stash:
        del item.stash[INTERRUPTED_WAIT]


def _withheld_words(answer: Answer) -> str:
    """Return the server's refusal, or the finish reason with which it blocked the answer."""
    return log_line(answer.refusal or f"finish_reason {answer.finish_reason}")


def _words(failure: Failure | None) -> str:
    return "unknown" if failure is None else log_line(failure.message)
