"""The engine: asks the model and the judges, hundreds at a time, each item once (ARCHITECTURE.md).

There is one engine per run, on a daemon thread with a separate event loop. It does not depend on pytest.
There is exactly one job per item, so nothing is sent twice.

**Threads.** Tests run in pytest's thread (or, with ``-n``, reach the engine through
`qcal_plugin.worker.channel`). All state of jobs, lanes, limiters and endpoints belongs to the engine's
thread. The public methods in the first half of `Engine` only pass a call to the event loop with
``call_soon_threadsafe``, which keeps their order: an item that was declared before it is demanded is known by
then. The methods after the marker run in the loop, and none of them blocks. Results are returned in a
``concurrent.futures.Future``, the only object that both sides may use.

**Order.** Items start in the order of collection, except that an item for which a test waits goes first. The
model's lane and the judges' lane are independent: a judge starts as soon as its answer is available.

**Three ways to stop.** `drain` sends nothing new and lets requests in flight finish, so that their answers
are kept (an endpoint refuses, the budget is spent, a first Ctrl-C). `abandon` also cancels requests in flight
(a second Ctrl-C). `close` does the same, closes the connections and ends the thread.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qcal_plugin.dataset.cases import Case
from qcal_plugin.engine.endpoint import Endpoint
from qcal_plugin.engine.failures import EngineStopped, RequestFailed
from qcal_plugin.engine.journal import AnswerJournal, JournalError
from qcal_plugin.engine.judge import Judge, Submission
from qcal_plugin.engine.lane import JobId, Lane
from qcal_plugin.engine.model import Model
from qcal_plugin.engine.result import EngineResult
from reports.records.records import Answer, Failure, ItemKey, Verdict

CLOSE_TIMEOUT_S = 2.0
FAREWELL_S = 0.01
RUN_OVER = "the run is over"
logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Job:
    """The state of one item. Belongs to the engine's thread."""

    key: ItemKey
    ready_at: float
    demanded: bool = False
    waiting: tuple[Future[EngineResult], ...] = ()
    ended: EngineResult | EngineStopped | None = None
    request_sha256: str = ""
    answer: Answer | None = None
    attempts: int = 0
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def end(self, ended: EngineResult | EngineStopped) -> None:
        """Notify all waiters.

        Only the first result is kept: a job that was stopped may still end by itself.
        """
        if self.ended is None:
            self.ended = ended
            waiting, self.waiting = self.waiting, ()  # a waiter that is notified may ask again at once
            for handle in waiting:
                _tell(handle, ended)

    def tell(self, handle: Future[EngineResult]) -> None:
        """Notify the handle of the result, now or later."""
        if self.ended is None:
            self.waiting = (*self.waiting, handle)
        else:
            _tell(handle, self.ended)


class Engine:
    """Works through the declared items once the first of them is demanded.

    `declare`, `demand`, `release`, `drain`, `abandon` and `close` may be called from any thread. `look_ahead`
    bounds how many items may be asked before a test waits for them; None sets no bound. Any bound blocks on
    the slowest item at its head, so only ``-x`` and ``--maxfail`` set one.
    """

    def __init__(
        self,
        *,
        cases: Callable[[ItemKey], Case],
        model: Model,
        judges: Sequence[Judge],
        endpoints: Sequence[Endpoint],
        journal: AnswerJournal,
        concurrency: int,
        judge_concurrency: int,
        look_ahead: int | None = None,
    ) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._callback_raised)
        self.stopped: str | None = None
        self.stopped_by_status: int | None = None
        self.answered = 0
        self.on_stop: Callable[[str], object] | None = None
        self.look_ahead = look_ahead
        self._cases = cases
        self._model = model
        self._judges = judges
        self._endpoints = endpoints
        self._journal = journal
        self._jobs: dict[ItemKey, Job] = {}
        self._released: set[ItemKey] = set()
        self._to_forget: dict[ItemKey, None] = {}  # in the order of release
        self._begun = False
        self._over = False
        self._ahead: set[ItemKey] = set()
        self._model_lane = Lane(
            slots=concurrency, may_run_ahead=self._may_run_ahead, on_error=self._job_raised
        )
        self._judge_lane = Lane(
            slots=judge_concurrency, may_run_ahead=lambda: True, on_error=self._job_raised
        )
        self._thread = threading.Thread(target=self.loop.run_forever, name="qcal-engine", daemon=True)

    def start(self) -> None:
        """Start the thread. Nothing is asked before the first demand."""
        self._thread.start()

    def declare(self, keys: Iterable[ItemKey]) -> None:
        """Say which items will be demanded. Known ones are passed over."""
        self.loop.call_soon_threadsafe(self._declare, tuple(keys))

    def demand(self, key: ItemKey) -> Future[EngineResult]:
        """Return a future with the item's outcome.

        It fails with EngineStopped if the engine has stopped asking.
        """
        handle: Future[EngineResult] = Future()
        # A released item is read from the journal: its job's result counts requests, and these are recorded
        # only once.
        job = None if key in self._to_forget else self._jobs.get(key)
        # After `close` the loop runs no more calls, so a handle given to it would never be notified.
        if self._over:
            handle.set_exception(EngineStopped(self.stopped or RUN_OVER))
        elif job is not None and job.ended is not None and self.look_ahead is None:
            _tell(handle, job.ended)  # without waking the engine's thread
        else:
            self.loop.call_soon_threadsafe(self._demand, key, handle)
        return handle

    def release(self, key: ItemKey) -> None:
        """Forget an item that has been recorded.

        If it is demanded again, its answer is read from the journal.
        """
        self._to_forget[key] = None

    def drain(self, reason: str) -> None:
        """Ask nothing new. Requests in flight may finish, and their answers are kept."""
        self.loop.call_soon_threadsafe(self.stop, reason)

    def abandon(self, reason: str) -> None:
        """Ask nothing new and cancel requests in flight. Outcomes so far can still be demanded."""
        self.drain(reason)
        asyncio.run_coroutine_threadsafe(self._give_up(), self.loop)

    def close(self, reason: str = RUN_OVER) -> None:
        """Cancel requests in flight, close connections and end the thread. Takes at most CLOSE_TIMEOUT_S.

        May be called twice.
        """
        self._over = True
        if self._thread.is_alive():
            self.drain(reason)
            asyncio.run_coroutine_threadsafe(self._shut_down(), self.loop)
            self._thread.join(CLOSE_TIMEOUT_S)

    # --- in the engine's thread ---

    def stop(self, reason: str, http_status: int | None = None) -> None:
        """Do what `drain` does, from within the engine's thread. Only the first reason is kept.

        ``http_status`` is the status of the reply that is the reason, if there is one.
        """
        if self.stopped is not None:
            return
        self.stopped, self.stopped_by_status = reason, http_status
        for endpoint in self._endpoints:
            endpoint.close_door(reason)
        lanes = (self._model_lane, self._judge_lane)
        for lane in lanes:
            lane.clear()
        # Jobs that have not started end now. Jobs in flight end in `_ask` or `_grade`, after their answer is
        # recorded.
        in_flight = {key for lane in lanes for task, (key, _) in lane.running.items() if not task.done()}
        for key, job in self._jobs.items():
            if key not in in_flight:
                job.end(EngineStopped(reason))

    def _declare(self, keys: Sequence[ItemKey]) -> None:
        now = time.monotonic()
        new = [
            Job(key=key, ready_at=now) for key in keys if key not in self._jobs and key not in self._released
        ]
        self._jobs.update({job.key: job for job in new})
        if self._begun:
            self._queue(new)

    def _demand(self, key: ItemKey, handle: Future[EngineResult]) -> None:
        self._forget_released()
        undeclared = [] if key in self._jobs else [Job(key=key, ready_at=time.monotonic())]
        self._jobs.update({job.key: job for job in undeclared})
        self._released.discard(key)
        job = self._jobs[key]
        job.tell(handle)
        job.demanded = True
        self._queue(undeclared if self._begun else list(self._jobs.values()))
        self._begun = True
        self._ahead.discard(key)  # a test waits for it now, so it no longer counts as asked ahead
        self._model_lane.promote((key, ""))
        for judge in self._judges:
            self._judge_lane.promote((key, judge.name))
        self._model_lane.pump()

    def _queue(self, jobs: Sequence[Job]) -> None:
        if self.stopped is None:
            self._model_lane.add_all({(job.key, ""): partial(self._ask, job) for job in jobs})
            return
        for job in jobs:
            job.end(EngineStopped(self.stopped))

    def _forget_released(self) -> None:
        for key in tuple(self._to_forget):
            # pytest-rerunfailures may demand it again between its record and its release: then the job goes on
            if key in self._jobs and self._jobs[key].ended is not None:
                del self._jobs[key]
                self._released.add(key)
            del self._to_forget[
                key
            ]  # last: until then `demand` knows that the job's result has been recorded

    def _may_run_ahead(self) -> bool:
        return self.look_ahead is None or len(self._ahead) < self.look_ahead

    async def _ask(self, job: Job) -> None:
        """Get the model's answer, stored or new, and submit it to the judges."""
        if not job.demanded:
            self._ahead.add(job.key)
        case = self._cases(job.key)
        request = self._model.request(case)
        job.request_sha256 = request.sha256
        job.answer = self._journal.answer(job.key, request.sha256)
        if job.answer is None:
            try:
                job.answer = await self._model.ask(case, request, job.ready_at)
            except RequestFailed as failure:
                self._finish(job, judging=False, failure=failure)
                return
            job.attempts = job.answer.attempts
            self._journal.add_answer(job.key, request.sha256, job.answer)
        needs_judge = job.key.question.needs_judge and job.answer.withheld is None
        judging = needs_judge and bool(case.reference.key_points)
        if judging and self._judges:
            self._submit(
                job, Submission(question=job.key.question, text=job.answer.text, reference=case.reference)
            )
        else:
            self._finish(job, judging=judging)

    def _submit(self, job: Job, submission: Submission) -> None:
        if self.stopped is not None:
            job.end(EngineStopped(self.stopped))
            return
        for judge in self._judges:
            start = partial(self._grade, job, judge, submission)
            self._judge_lane.add((job.key, judge.name), start, urgent=job.demanded)

    async def _grade(self, job: Job, judge: Judge, submission: Submission) -> None:
        identity = judge.identify(submission)
        verdict = self._journal.verdict(job.key, judge.name, identity)
        if verdict is None:
            verdict = await judge.grade(submission)
            self._journal.add_verdict(job.key, identity, verdict)
        job.verdicts[judge.name] = verdict
        # Judges of one item run side by side; the last one to end finishes the job.
        if len(job.verdicts) == len(self._judges):
            self._finish(job, judging=True)
        elif self.stopped is not None:
            job.end(EngineStopped(self.stopped))

    def _finish(self, job: Job, *, judging: bool, failure: RequestFailed | None = None) -> None:
        self._forget_released()
        self.answered += 1
        outcome = EngineResult(
            key=job.key,
            request_sha256=job.request_sha256,
            answer=None if failure is not None else job.answer,
            verdicts=tuple(job.verdicts[judge.name] for judge in self._judges if judge.name in job.verdicts),
            judging=judging,
            failure=None if failure is None else _failure(failure),
            attempts=job.attempts if failure is None else failure.attempts,
        )
        job.end(outcome)

    def _job_raised(self, job_id: JobId, error: BaseException) -> None:
        """Handle a job that raised. If answers cannot be stored, stop asking, since requests cost money."""
        key, _ = job_id
        if isinstance(error, JournalError):
            self.stop(str(error))
            error = EngineStopped(str(error))
        if isinstance(error, EngineStopped):
            self._jobs[key].end(error)
            return
        logger.error("item %s failed in the engine", key, exc_info=error)
        failure = RequestFailed(kind="internal", message=f"{type(error).__name__}: {error}")
        self._finish(self._jobs[key], judging=False, failure=failure)

    def _callback_raised(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Stop the run and log the error. A defect in a callback must not leave tests waiting for ever."""
        if "handle" in context and "exception" in context:
            logger.error("the engine failed", exc_info=context["exception"])
            self.stop(f"internal error in the engine: {context['exception']!r}")
        else:
            loop.default_exception_handler(context)

    async def _give_up(self) -> None:
        await self._model_lane.cancel()
        await self._judge_lane.cancel()
        for job in self._jobs.values():
            job.end(EngineStopped(self.stopped or RUN_OVER))

    async def _shut_down(self) -> None:
        await self._give_up()
        for endpoint in self._endpoints:
            await endpoint.close()
        await asyncio.sleep(FAREWELL_S)  # time for waiting workers to be notified
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        self.loop.stop()


def _failure(failure: RequestFailed) -> Failure:
    return Failure(kind=failure.kind, message=failure.message, http_status=failure.http_status)


def _tell(handle: Future[EngineResult], ended: EngineResult | EngineStopped) -> None:
    if handle.done():  # given up by who waited
        return
    if isinstance(ended, EngineStopped):
        handle.set_exception(ended)
    else:
        handle.set_result(ended)
