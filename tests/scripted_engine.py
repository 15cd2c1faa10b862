"""An engine in this process whose model and judge are scripts: without HTTP, and with gates that hold them back."""

import asyncio
import time
from concurrent.futures import Future
from contextlib import contextmanager

from qcal_plugin.engine.engine import Engine
from qcal_plugin.engine.journal import AnswerJournal
from qcal_plugin.engine.model import Sampling
from reports.records.records import Answer, Verdict
from tests.engine_factory import text_case

LONG_S = 20.0


class ScriptedModel:
    """Answers an item with the item's name, once its gate is open; gates are open unless ``held``."""

    def __init__(self, *, held=()):
        self.asked = []
        self.gates = {key: Future() for key in held}

    def request(self, case):
        return Sampling(model="model-a", max_tokens=1, temperature=0.0).request(case)

    async def ask(self, case, request, ready_at):
        self.asked.append(case.key)
        if case.key in self.gates:
            await asyncio.wrap_future(self.gates[case.key])
        return Answer(text=case.key.sample_id)

    def open(self, *opened):
        for key in opened:
            self.gates[key].set_result(None)

    def wait_until_asked(self, number):
        deadline = time.monotonic() + LONG_S
        while len(self.asked) < number:
            assert time.monotonic() < deadline, f"only {len(self.asked)} of {number} asked"
            time.sleep(0.002)


class ScriptedJudge:
    """Gives full grades, once its gate is open."""

    def __init__(self, name="judge-a", *, held=False):
        self.name = name
        self.graded = []
        self.gate = Future()
        if not held:
            self.gate.set_result(None)

    def identify(self, submission):
        return submission.text

    async def grade(self, submission):
        self.graded.append(submission.text)
        await asyncio.wrap_future(self.gate)
        return Verdict(judge=self.name, reply="[1, 1, 1]", grades=(1.0, 1.0, 1.0))


@contextmanager
def engine_of(
    model, folder, *, judges=(), concurrency=2, judge_concurrency=2, look_ahead=None, cases=text_case
):
    journal = AnswerJournal(folder / f"{time.monotonic_ns()}.jsonl")
    engine = Engine(
        cases=cases,
        model=model,
        judges=judges,
        endpoints=(),
        journal=journal,
        concurrency=concurrency,
        judge_concurrency=judge_concurrency,
        look_ahead=look_ahead,
    )
    engine.start()
    try:
        yield engine
    finally:
        engine.close()
        journal.close()
