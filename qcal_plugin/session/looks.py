"""``--max-repeats``: decide the gates after each repeat of all items, and ask again only while they are inconclusive.

All repeats are collected as items, in the order of their repeat. Only items of open repeats are declared to
the engine, so it does not ask beyond the next look. When the last open item has reported, the gates are
decided from the recorded items. Then either the next repeat opens, or the remaining tests are skipped as not
needed. Items that were not needed are never planned, so they count as neither missing nor unmeasured.

Everything runs in the main thread, except `demand` and `declare`: with xdist the engine's thread calls them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from qcal_plugin.engine.failures import EngineStopped, NotNeeded
from qcal_plugin.engine.result import EngineResult
from qcal_plugin.session.active_run import ActiveRun
from qcal_plugin.session.directory import RunDirectoryError
from reports.gates.file import GateFile
from reports.gates.verdicts import GateVerdict, judge_run
from reports.records.looks import LookPlan, write_looks
from reports.records.records import PROPERTY_PREFIX, ItemKey, PlannedItem, Run
from reports.records.run_files import RunFileError, load_looks, load_run
from scoring.questions import Mode, Question

PHASES = frozenset({"setup", "call", "teardown"})
OUT_OF_ORDER = (
    "an item of a later repeat ran before an earlier repeat was complete; "
    "with --max-repeats, leave out plugins that reorder tests"
)


def look_plan(evaluation: ActiveRun, first: int, most: int) -> LookPlan:
    """Make or continue the plan of a run, and write it into its folder.

    Raises RunDirectoryError or RunFileError.

    If the run began without a plan, all its planned repeats are open.
    """
    folder = evaluation.directory
    asked = max((item.key.repeat + 1 for item in folder.manifest.planned), default=first)
    plan = load_looks(folder.path) or LookPlan(first=first, most=most, open=max(first, min(asked, most)))
    if plan.most != most:
        raise RunDirectoryError(
            f"{folder.path}: --max-repeats was {plan.most}, is now {most}; it cannot change between looks"
        )
    write_looks(folder.path, plan)
    return plan


class Looks:
    """Opens the items of a run repeat by repeat; tests use it in place of the `ActiveRun`."""

    def __init__(
        self,
        evaluation: ActiveRun,
        plan: LookPlan,
        gates: GateFile,
        baselines: Mapping[Path, Run],
        *,
        say: Callable[[str], None],
        waits: bool,
    ) -> None:
        self._evaluation = evaluation
        self._gates = gates
        self._baselines = baselines
        self._say = say
        self._waits = waits
        self._plan = plan
        self._lock = threading.RLock()
        self._declared: dict[ItemKey, PlannedItem] = {}
        self._ended: set[ItemKey] = set()
        self._pending: set[ItemKey] = set()  # open and not ended; kept, because every report asks for it
        self._last_repeat = -1
        self._lost = 0
        self._waiting: list[tuple[ItemKey, Future[EngineResult]]] = []
        self._closed = ""
        evaluation.engine.on_stop = self.stop

    # --- for tests ---

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """Declare the items that may be demanded; items of repeats that are not open yet wait for a look."""
        with self._lock:
            self._declared.update({item.key: item for item in planned})
            self._last_repeat = max(self._last_repeat, *(item.key.repeat for item in planned), -1)
            self._declare([item for item in planned if self._is_open(item.key)])

    def demand(self, key: ItemKey) -> Future[EngineResult]:
        """Return a future of the item's outcome.

        It fails with NotNeeded if a look decides before the item is asked.
        """
        with self._lock:
            if self._is_open(key):
                return self._evaluation.demand(key)
            handle: Future[EngineResult] = Future()
            if self._closed:
                handle.set_exception(NotNeeded(self._closed))
            elif not self._waits and self._pending:
                handle.set_exception(EngineStopped(OUT_OF_ORDER))
            elif (stopped := self._evaluation.engine.stopped) is not None:
                handle.set_exception(EngineStopped(stopped))
            else:
                self._waiting.append((key, handle))
            return handle

    def stop(self, reason: str) -> None:
        """Fail all futures that wait for a look, because nothing more is asked."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for _, handle in waiting:
            handle.set_exception(EngineStopped(reason))

    # --- for the session ---

    def report(self, report: pytest.TestReport) -> None:
        """Take a test's report; the last one of all open items leads to a look."""
        if report.when in PHASES:
            key = _key_of(report) if report.when == "teardown" else None
            if key is None:
                return
            with self._lock:
                self._ended.add(key)
                self._pending.discard(key)
        else:  # from xdist, for an item whose worker crashed; its properties do not name the item
            self._lost += 1
        self._look_if_due()

    def _look_if_due(self) -> None:
        with self._lock:
            is_last = self._last_repeat < self._plan.open
            if self._closed or is_last or len(self._pending) > self._lost:
                return
            verdict = self._verdict()
            self._plan = self._plan.after_look(verdict, goes_on=verdict is GateVerdict.INCONCLUSIVE)
            write_looks(self._evaluation.directory.path, self._plan)
            self._lost = 0
            if verdict is GateVerdict.INCONCLUSIVE:
                self._say(f"look after {_times(self._plan.open - 1)}: {verdict}, asking everything once more")
                self._open_next()
            else:
                self._closed = f"{verdict} after {_times(self._plan.open)} of at most {self._plan.most}"
                self._say(f"look: {self._closed}; the remaining repeats are not needed")
                self._tell_waiting()

    def _verdict(self) -> GateVerdict:
        try:
            run = load_run(self._evaluation.directory.path, texts=False)
        except RunFileError:
            return GateVerdict.CANNOT  # the end of the session reports it
        return judge_run(self._gates, run, self._baselines).verdict

    def _open_next(self) -> None:
        self._declare([item for key, item in self._declared.items() if key.repeat == self._plan.open - 1])
        waiting = [entry for entry in self._waiting if self._is_open(entry[0])]
        self._waiting = [entry for entry in self._waiting if not self._is_open(entry[0])]
        for key, handle in waiting:
            self._evaluation.demand(key).add_done_callback(partial(_pass_on, handle))

    def _tell_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for _, handle in waiting:
            handle.set_exception(NotNeeded(self._closed))

    def _is_open(self, key: ItemKey) -> bool:
        return key.repeat < self._plan.open

    def _declare(self, items: Sequence[PlannedItem]) -> None:
        self._pending.update(item.key for item in items if item.key not in self._ended)
        self._evaluation.declare(items)


def _key_of(report: pytest.TestReport) -> ItemKey | None:
    """Return the item that a test measures, from its properties; None for other tests."""
    properties = {name.removeprefix(PROPERTY_PREFIX): str(value) for name, value in report.user_properties}
    if "sample" not in properties or "question" not in properties:
        return None
    return ItemKey(
        sample_id=properties["sample"],
        question=Question(properties["question"]),
        mode=Mode(properties["mode"]),
        repeat=int(properties.get("repeat", 0)),
        variant=properties.get("variant", ""),
    )


def _pass_on(handle: Future[EngineResult], done: Future[EngineResult]) -> None:
    if handle.done():
        return
    error = done.exception()
    if error is not None:
        handle.set_exception(error)
    else:
        handle.set_result(done.result())


def _times(repeats: int) -> str:
    return "1 repeat" if repeats == 1 else f"{repeats} repeats"
