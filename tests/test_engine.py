"""The engine and its lanes: each item is asked once, awaited items come first, and no test waits for ever."""

import asyncio
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcal_plugin.engine.engine import CLOSE_TIMEOUT_S
from qcal_plugin.engine.failures import EngineStopped, RequestFailed
from qcal_plugin.engine.lane import Lane
from reports.records.records import Status
from scoring.questions import Question
from tests.engine_factory import keys, text_case
from tests.scripted_engine import LONG_S, ScriptedJudge, ScriptedModel, engine_of


def settle(engine):
    """Wait until the engine has processed everything that it was sent."""
    for _ in range(3):
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), engine.loop).result(LONG_S)


# --- once ---

ITEMS = keys(6)
ORDERS = st.lists(
    st.tuples(st.just("declare"), st.lists(st.sampled_from(ITEMS), max_size=6))
    | st.tuples(st.sampled_from(["demand", "release"]), st.sampled_from(ITEMS)),
    max_size=25,
)


@settings(max_examples=40)
@given(orders=ORDERS, concurrency=st.integers(1, 4), look_ahead=st.none() | st.integers(1, 3))
def test_one_job_per_item_whatever_is_declared_demanded_and_released(
    tmp_path_factory, orders, concurrency, look_ahead
):
    """Crashes, reruns and schedulers may do any of this. A released item's answer comes from the journal."""
    model = ScriptedModel()
    folder = tmp_path_factory.getbasetemp()
    with engine_of(model, folder, concurrency=concurrency, look_ahead=look_ahead) as engine:
        for order, what in orders:
            if order == "demand":
                outcome = engine.demand(what).result(LONG_S)
                assert (what, what.sample_id) == (outcome.key, outcome.answer.text)
            else:
                getattr(engine, order)(what)
    assert len(set(model.asked)) == len(model.asked)
    assert {what for order, what in orders if order == "demand"} <= set(model.asked)


def test_demands_for_the_same_item_share_one_job(tmp_path):
    (key,) = keys(1)
    model = ScriptedModel(held=[key])
    with engine_of(model, tmp_path) as engine:
        waiting = [engine.demand(key) for _ in range(5)]
        model.wait_until_asked(1)
        model.open(key)
        assert {"sample-0"} == {demand.result(LONG_S).answer.text for demand in waiting}
    assert [key] == model.asked


def test_an_item_that_is_declared_again_after_it_was_measured_adds_no_work(tmp_path):
    """As a worker does that collects late or replaces a crashed one."""
    (key,) = keys(1)
    with engine_of(ScriptedModel(), tmp_path) as engine:
        engine.demand(key).result(LONG_S)
        engine.release(key)
        engine.declare([key])
        settle(engine)
        assert 1 == engine.answered


def test_nothing_is_asked_before_the_first_demand(tmp_path):
    items = keys(5)
    model = ScriptedModel()
    with engine_of(model, tmp_path) as engine:
        engine.declare(items)
        settle(engine)
        assert [] == model.asked
        engine.demand(items[0]).result(LONG_S)
        model.wait_until_asked(5)


# --- order ---


def test_what_a_test_waits_for_goes_first_then_in_the_order_declared(tmp_path):
    items = keys(8)
    model = ScriptedModel(held=items)
    with engine_of(model, tmp_path, concurrency=1) as engine:
        engine.declare(items)
        waiting = [engine.demand(items[n]) for n in (0, 6, 3)]
        settle(engine)
        model.open(*items)
        for demand in waiting:
            demand.result(LONG_S)
        model.wait_until_asked(8)
    assert [items[n] for n in (0, 6, 3, 1, 2, 4, 5, 7)] == model.asked


def test_look_ahead_without_a_bound_asks_everything_while_one_item_blocks(tmp_path):
    items = keys(50)
    model = ScriptedModel(held=items[:1])
    with engine_of(model, tmp_path, concurrency=2) as engine:
        engine.declare(items)
        first = engine.demand(items[0])
        model.wait_until_asked(50)
        assert not first.done()


def test_bounded_look_ahead_waits_for_the_tests_to_follow(tmp_path):
    """Whether or not they record what they get; an awaited item is never held back."""
    items = keys(50)
    model = ScriptedModel()
    with engine_of(model, tmp_path, concurrency=2, look_ahead=6) as engine:
        engine.declare(items)
        for number, key in enumerate(items[:20], start=1):
            engine.demand(key).result(LONG_S)
            model.wait_until_asked(number + 6)
            settle(engine)
            assert len(model.asked) <= number + 6 + 2
        engine.demand(items[49]).result(LONG_S)


def test_judging_holds_no_slot_of_the_model(tmp_path):
    items = keys(6, Question.Q3)
    model, judge = ScriptedModel(), ScriptedJudge(held=True)
    with engine_of(model, tmp_path, judges=[judge], concurrency=1, judge_concurrency=1) as engine:
        engine.declare(items)
        first = engine.demand(items[0])
        model.wait_until_asked(6)
        assert not first.done()
        judge.gate.set_result(None)
        assert Status.SCORED is first.result(LONG_S).status


def test_the_judge_of_an_item_that_a_test_waits_for_goes_first(tmp_path):
    items = keys(6, Question.Q3)
    model, judge = ScriptedModel(), ScriptedJudge(held=True)
    with engine_of(model, tmp_path, judges=[judge], concurrency=1, judge_concurrency=1) as engine:
        engine.declare(items)
        engine.demand(items[0])
        model.wait_until_asked(6)
        settle(engine)
        late = engine.demand(items[5])
        settle(engine)
        judge.gate.set_result(None)
        late.result(LONG_S)
        assert ["sample-0", "sample-5"] == judge.graded[:2]


def test_an_item_that_a_test_waits_for_when_it_is_answered_is_judged_first(tmp_path):
    items = keys(4, Question.Q3)
    model, judge = ScriptedModel(held=items[3:]), ScriptedJudge(held=True)
    with engine_of(model, tmp_path, judges=[judge], concurrency=2, judge_concurrency=1) as engine:
        engine.declare(items)
        engine.demand(items[0])
        late = engine.demand(items[3])
        model.wait_until_asked(4)
        settle(engine)
        model.open(items[3])
        settle(engine)
        judge.gate.set_result(None)
        late.result(LONG_S)
        assert ["sample-0", "sample-3"] == judge.graded[:2]


def test_every_judge_of_a_panel_grades_and_the_verdicts_come_in_their_order(tmp_path):
    (key,) = keys(1, Question.Q3)
    slow, quick = ScriptedJudge("judge-a", held=True), ScriptedJudge("judge-b")
    with engine_of(ScriptedModel(), tmp_path, judges=[slow, quick]) as engine:
        demand = engine.demand(key)
        threading.Timer(0.05, slow.gate.set_result, [None]).start()
        assert ["judge-a", "judge-b"] == [verdict.judge for verdict in demand.result(LONG_S).verdicts]


# --- failures ---


def test_item_whose_request_failed_reports_it_and_the_others_continue(tmp_path):
    items = keys(3)
    model = ScriptedModel(held=items[:1])
    with engine_of(model, tmp_path) as engine:
        engine.declare(items)
        waiting = [engine.demand(key) for key in items]
        model.wait_until_asked(1)
        model.gates[items[0]].set_exception(
            RequestFailed(kind="http_400", message="HTTP 400: no", http_status=400)
        )
        failed, *others = [demand.result(LONG_S) for demand in waiting]
    assert (Status.REQUEST_FAILED, "http_400", "HTTP 400: no") == (
        failed.status,
        failed.error.kind,
        failed.error.message,
    )
    assert [Status.SCORED] * 2 == [outcome.status for outcome in others]


def test_defect_in_one_item_is_that_items_error_and_nobody_waits_for_ever(tmp_path, caplog):
    """For example an unexpected exception."""
    items = keys(3)

    def cases(key):
        if key == items[1]:
            raise FileNotFoundError("image-1.b64")
        return text_case(key)

    with engine_of(ScriptedModel(), tmp_path, cases=cases) as engine:
        outcomes = [engine.demand(key).result(LONG_S) for key in items]
    assert [Status.SCORED, Status.REQUEST_FAILED, Status.SCORED] == [outcome.status for outcome in outcomes]
    assert ("internal", "FileNotFoundError: image-1.b64") == (
        outcomes[1].error.kind,
        outcomes[1].error.message,
    )


# --- the end ---


def test_drain_asks_nothing_new_and_lets_what_is_in_flight_arrive(tmp_path):
    items = keys(6)
    model = ScriptedModel(held=items)
    with engine_of(model, tmp_path, concurrency=2) as engine:
        engine.declare(items)
        waiting = [engine.demand(key) for key in items]
        model.wait_until_asked(2)

        engine.drain("enough")

        for demand in waiting[2:]:
            with pytest.raises(EngineStopped, match="enough"):
                demand.result(LONG_S)
        with pytest.raises(EngineStopped, match="enough"):
            engine.demand(keys(7)[6]).result(LONG_S)
        model.open(*items)
        assert ["sample-0", "sample-1"] == [demand.result(LONG_S).answer.text for demand in waiting[:2]]
    assert items[:2] == model.asked


def test_abandon_gives_up_what_is_in_flight_and_keeps_what_is_known(tmp_path):
    """As at -x: other workers may still report items that they measured."""
    items = keys(4)
    model = ScriptedModel(held=items[1:])
    with engine_of(model, tmp_path, concurrency=2) as engine:
        engine.declare(items)
        engine.demand(items[0]).result(LONG_S)
        waiting = [engine.demand(key) for key in items[1:]]
        model.wait_until_asked(3)

        engine.abandon("stopping after 1 failures")

        for demand in waiting:
            with pytest.raises(EngineStopped, match="stopping after 1 failures"):
                demand.result(LONG_S)
        assert "sample-0" == engine.demand(items[0]).result(LONG_S).answer.text


def test_item_that_is_answered_after_the_stop_is_not_judged_any_more(tmp_path):
    (key,) = keys(1, Question.Q3)
    model, judge = ScriptedModel(held=[key]), ScriptedJudge()
    with engine_of(model, tmp_path, judges=[judge]) as engine:
        demand = engine.demand(key)
        model.wait_until_asked(1)
        engine.drain("enough")
        model.open(key)
        with pytest.raises(EngineStopped, match="enough"):
            demand.result(LONG_S)
    assert [] == judge.graded


def test_item_whose_judge_waits_at_the_moment_of_the_stop_is_notified(tmp_path):
    """Its answer is there and its task has ended, but the lane has not heard of that yet."""
    first, second = keys(2, Question.Q3)

    class StoppingModel(ScriptedModel):
        async def ask(self, case, request, ready_at):
            answer = await super().ask(case, request, ready_at)
            if case.key == second:
                engine.loop.call_soon(engine.stop, "enough")
            return answer

    judge = ScriptedJudge(held=True)
    with engine_of(StoppingModel(), tmp_path, judges=[judge], judge_concurrency=1) as engine:
        engine.demand(first)
        while not judge.graded:
            time.sleep(0.002)
        with pytest.raises(EngineStopped, match="enough"):
            engine.demand(second).result(LONG_S)


def test_the_first_reason_to_stop_is_kept(tmp_path):
    with engine_of(ScriptedModel(), tmp_path) as engine:
        engine.drain("the first")
        engine.drain("the second")
        settle(engine)
        assert "the first" == engine.stopped


def test_close_ends_in_time_although_requests_and_judges_hang(tmp_path):
    items, judged = keys(3), keys(2, Question.Q3)
    model, judge = ScriptedModel(held=items), ScriptedJudge(held=True)
    with engine_of(model, tmp_path, judges=[judge], concurrency=4) as engine:
        waiting = [engine.demand(key) for key in items + judged]
        model.wait_until_asked(5)
        started_at = time.monotonic()
        engine.close()
        assert time.monotonic() - started_at <= CLOSE_TIMEOUT_S
        for demand in waiting:
            with pytest.raises(EngineStopped, match="the run is over"):
                demand.result(LONG_S)
        engine.close()


def test_demand_after_the_end_does_not_wait(tmp_path):
    with engine_of(ScriptedModel(), tmp_path) as engine:
        engine.close()
        with pytest.raises(EngineStopped, match="the run is over"):
            engine.demand(keys(1)[0]).result(LONG_S)


# --- lanes ---

JOBS = keys(8)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "add urgent", "promote"]), st.sampled_from(JOBS)), max_size=20
    ),
    slots=st.integers(1, 3),
)
def test_lane_starts_urgent_jobs_first_and_each_kind_in_order(steps, slots):
    """Jobs are added once, as by the engine; while they are, every slot is taken."""
    urgent, waiting = [], []
    started, most_at_once = asyncio.run(_run_lane(steps, slots))
    for step, key in steps:
        if step == "promote" and key in waiting:
            waiting.remove(key)
            urgent.append(key)
        elif step != "promote" and key not in urgent + waiting:
            (urgent if step == "add urgent" else waiting).append(key)
    assert urgent + waiting == started
    assert slots == most_at_once


async def _run_lane(steps, slots):
    started, running, most = [], 0, 0
    gate = asyncio.Event()

    async def block():
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await gate.wait()
        running -= 1

    async def job(key):
        started.append(key)
        await block()

    lane = Lane(slots=slots, may_run_ahead=lambda: True, on_error=lambda job, error: None)
    for blocker in keys(8 + slots)[8:]:
        lane.add((blocker, ""), block, urgent=True)
    added = set()
    for step, key in steps:
        if step == "promote":
            lane.promote((key, ""))
        elif key not in added:
            added.add(key)
            lane.add((key, ""), lambda key=key: job(key), urgent=step == "add urgent")
    await asyncio.sleep(0)
    gate.set()
    while lane.running:
        await asyncio.wait(lane.running)
    return started, most


def test_lane_is_notified_of_every_error_and_continues():
    async def scenario():
        heard, done = [], []

        async def bad():
            raise ValueError("no")

        async def good():
            done.append(1)

        lane = Lane(
            slots=1,
            may_run_ahead=lambda: True,
            on_error=lambda job, error: heard.append((job[1], str(error))),
        )
        lane.add((JOBS[0], "judge-a"), bad, urgent=False)
        lane.add((JOBS[1], ""), good, urgent=False)
        while lane.running:
            await asyncio.wait(lane.running)
        return heard, done

    assert ([("judge-a", "no")], [1]) == asyncio.run(scenario())
