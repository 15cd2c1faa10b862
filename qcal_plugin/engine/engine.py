"""The engine: asks the model and the judges, hundreds at a time, each item once (ARCHITECTURE.md).

One per run, on a daemon thread with an event loop of its own; knows nothing of pytest. Its jobs, one per item key,
are the only truth about what has been asked.
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
from qcal_plugin.engine.outcome import Outcome
from reports.records.records import Answer, Failure, ItemKey, Verdict

CLOSE_TIMEOUT_S = 2.0
FAREWELL_S = 0.01
RUN_OVER = "the run is over"
logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Job:
    """One item on its way. Belongs to the engine's thread."""

    key: ItemKey
    ready_at: float
    demanded: bool = False
    waiting: tuple[Future[Outcome], ...] = ()
    ended: Outcome | EngineStopped | None = None
    request_sha256: str = ""
    answer: Answer | None = None
    attempts: int = 0
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def end(self, ended: Outcome | EngineStopped) -> None:
        """Tell those who wait; the first end stands."""
        if self.ended is None:
            self.ended = ended
            waiting, self.waiting = self.waiting, ()
            for handle in waiting:
                _tell(handle, ended)

    def tell(self, handle: Future[Outcome]) -> None:
        """Let the handle hear of the end, now or later."""
        if self.ended is None:
            self.waiting = (*self.waiting, handle)
        else:
            _tell(handle, self.ended)


class Engine:
    """Works through the declared items once the first of them is demanded.

    `declare`, `demand`, `release`, `drain`, `abandon` and `close` may be called from any thread. `look_ahead` bounds
    how many items may be asked before a test waits for them; None sets no bound. Any bound blocks on the slowest item
    at its head, so only ``-x`` and ``--maxfail`` set one.
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
        self.answered = 0
        self.look_ahead = look_ahead
        self._cases = cases
        self._model = model
        self._judges = judges
        self._endpoints = endpoints
        self._journal = journal
        self._jobs: dict[ItemKey, Job] = {}
        self._released: set[ItemKey] = set()
        self._begun = False
        self._over = False
        self._ahead: set[ItemKey] = set()
        self._model_lane = Lane(slots=concurrency, may_run_ahead=self._may_run_ahead, on_error=self._job_raised)
        self._judge_lane = Lane(slots=judge_concurrency, may_run_ahead=lambda: True, on_error=self._job_raised)
        self._thread = threading.Thread(target=self.loop.run_forever, name="qcal-engine", daemon=True)

    def start(self) -> None:
        """Start the thread. Nothing is asked before the first demand."""
        self._thread.start()

    def declare(self, keys: Iterable[ItemKey]) -> None:
        """Say which items will be demanded. Known ones are passed over."""
        self.loop.call_soon_threadsafe(self._declare, tuple(keys))

    def demand(self, key: ItemKey) -> Future[Outcome]:
        """The item's outcome, when there is one. Fails with EngineStopped where nothing is asked any more."""
        handle: Future[Outcome] = Future()
        if self._over:
            handle.set_exception(EngineStopped(self.stopped or RUN_OVER))
        else:
            self.loop.call_soon_threadsafe(self._demand, key, handle)
        return handle

    def release(self, key: ItemKey) -> None:
        """Forget an item that is on record; a later demand reads its answer from the journal."""
        self.loop.call_soon_threadsafe(self._release, key)

    def drain(self, reason: str) -> None:
        """Ask nothing new; what is in flight may end, and its answers are kept."""
        self.loop.call_soon_threadsafe(self.stop, reason)

    def abandon(self, reason: str) -> None:
        """As `drain`, and give up what is in flight: nobody waits for it. Outcomes so far are still to be had."""
        self.drain(reason)
        asyncio.run_coroutine_threadsafe(self._give_up(), self.loop)

    def close(self, reason: str = RUN_OVER) -> None:
        """Cancel what is in flight, close connections, end the thread; within CLOSE_TIMEOUT_S. May be called twice."""
        self._over = True
        if self._thread.is_alive():
            self.drain(reason)
            asyncio.run_coroutine_threadsafe(self._shut_down(), self.loop)
            self._thread.join(CLOSE_TIMEOUT_S)

    # --- in the engine's thread ---

    def stop(self, reason: str) -> None:
        """As `drain`, from within the engine's thread. The first reason stands."""
        if self.stopped is not None:
            return
        self.stopped = reason
        for endpoint in self._endpoints:
            endpoint.close_door(reason)
        lanes = (self._model_lane, self._judge_lane)
        for lane in lanes:
            lane.clear()
        in_flight = {key for lane in lanes for task, (key, _) in lane.running.items() if not task.done()}
        for key, job in self._jobs.items():
            if key not in in_flight:
                job.end(EngineStopped(reason))

    def _declare(self, keys: Sequence[ItemKey]) -> None:
        now = time.monotonic()
        new = [Job(key=key, ready_at=now) for key in keys if key not in self._jobs and key not in self._released]
        self._jobs.update({job.key: job for job in new})
        if self._begun:
            self._queue(new)

    def _demand(self, key: ItemKey, handle: Future[Outcome]) -> None:
        undeclared = [] if key in self._jobs else [Job(key=key, ready_at=time.monotonic())]
        self._jobs.update({job.key: job for job in undeclared})
        self._released.discard(key)
        job = self._jobs[key]
        job.tell(handle)
        job.demanded = True
        self._queue(undeclared if self._begun else list(self._jobs.values()))
        self._begun = True
        self._ahead.discard(key)
        self._model_lane.promote((key, ""))
        for judge in self._judges:
            self._judge_lane.promote((key, judge.name))
        self._model_lane.pump()

    def _queue(self, jobs: Sequence[Job]) -> None:
        if self.stopped is None:
            self._model_lane.add_all({(job.key, ""): partial(self._ask, job) for job in jobs})
        for job in jobs if self.stopped is not None else ():
            job.end(EngineStopped(self.stopped))

    def _release(self, key: ItemKey) -> None:
        if key in self._jobs and self._jobs[key].ended is not None:
            del self._jobs[key]
            self._released.add(key)

    def _may_run_ahead(self) -> bool:
        return self.look_ahead is None or len(self._ahead) < self.look_ahead

    async def _ask(self, job: Job) -> None:
        """Get the model's answer, stored or new, and hand it to the judges."""
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
            self._submit(job, Submission(question=job.key.question, text=job.answer.text, reference=case.reference))
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
        if len(job.verdicts) == len(self._judges):
            self._finish(job, judging=True)
        elif self.stopped is not None:
            job.end(EngineStopped(self.stopped))

    def _finish(self, job: Job, *, judging: bool, failure: RequestFailed | None = None) -> None:
        self.answered += 1
        outcome = Outcome(
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
        """A job ended without an outcome. Where nothing can be stored, nothing more is paid for."""
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
        """A defect in a callback must not leave tests waiting for ever: stop the run and say so."""
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
        await asyncio.sleep(FAREWELL_S)  # workers that wait hear of it
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        self.loop.stop()


def _failure(failure: RequestFailed) -> Failure:
    return Failure(kind=failure.kind, message=failure.message, http_status=failure.http_status)


def _tell(handle: Future[Outcome], ended: Outcome | EngineStopped) -> None:
    if handle.done():  # given up by who waited
        return
    if isinstance(ended, EngineStopped):
        handle.set_exception(ended)
    else:
        handle.set_result(ended)
