"""The workers' socket: each demand gets its item's outcome or an exception, whatever interrupts it."""

import os
import signal
import socket
import stat
import struct
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.result import EngineResult
from qcal_plugin.worker.channel import (
    ChannelAddress,
    ChannelClient,
    ChannelError,
    ChannelReply,
    ChannelServer,
)
from reports.records.records import Answer, Failure, ItemKey, PlannedItem, Verdict
from reports.records.typed_json import decode, encode
from scoring.questions import Mode, Question
from tests.engine_factory import keys
from tests.scripted_engine import LONG_S, ScriptedModel, engine_of


@contextmanager
def served(engine, declared=None):
    """Addresses of the engine's channel; ``declared`` collects what workers declare."""

    def declare(planned):
        engine.declare(item.key for item in planned)
        if declared is not None:
            declared.extend(planned)

    server = ChannelServer(engine.loop, demand=engine.demand, declare=declare)
    try:
        yield server.start()
    finally:
        server.close()


def planned(key):
    return PlannedItem(key=key, family="rabi", scenario_type="rabi_success")


# --- what crosses ---

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
ANSWERS = st.builds(
    Answer,
    text=TEXT,
    finish_reason=st.none() | TEXT,
    from_reasoning=st.booleans(),
    latency_s=st.floats(0, 1e6),
    prompt_tokens=st.none() | st.integers(0, 10**9),
)
VERDICTS = st.builds(
    Verdict,
    judge=TEXT,
    reply=st.none() | TEXT,
    grades=st.none() | st.lists(st.floats(0, 1), max_size=3).map(tuple),
    error=st.none() | TEXT,
    faults=st.lists(TEXT, max_size=2).map(tuple),
)
OUTCOMES = st.builds(
    EngineResult,
    key=st.builds(
        ItemKey,
        sample_id=TEXT,
        question=st.sampled_from(Question),
        mode=st.sampled_from(Mode),
        repeat=st.integers(0, 3),
        variant=TEXT,
    ),
    request_sha256=TEXT,
    answer=st.none() | ANSWERS,
    verdicts=st.lists(VERDICTS, max_size=2).map(tuple),
    judging=st.booleans(),
    failure=st.none()
    | st.builds(Failure, kind=TEXT, message=TEXT, http_status=st.none() | st.integers(100, 599)),
    attempts=st.integers(0, 9),
)


@given(outcome=OUTCOMES)
def test_an_outcome_arrives_as_it_was_sent(outcome):
    assert outcome == decode(encode(outcome), EngineResult)


def test_worker_gets_the_outcomes_it_demands_and_the_controller_hears_of_its_items(tmp_path):
    items, declared = keys(5), []
    with engine_of(ScriptedModel(), tmp_path) as engine, served(engine, declared) as address:
        client = ChannelClient(decode(encode(address), ChannelAddress))
        client.declare([planned(key) for key in items])
        assert [planned(key) for key in items] == declared
        assert items == [client.demand(key).key for key in items]
        client.close()


def test_an_answer_of_megabytes_passes(tmp_path):
    class Talkative(ScriptedModel):
        async def ask(self, case, request, ready_at):
            return Answer(text="é" * 5_000_000)

    with engine_of(Talkative(), tmp_path) as engine, served(engine) as address:
        assert 5_000_000 == len(ChannelClient(address).demand(keys(1)[0]).answer.text)


def test_workers_share_one_job_per_item(tmp_path):
    items, model, outcomes = keys(20), ScriptedModel(), []

    def work(address):
        client = ChannelClient(address)
        client.declare([planned(key) for key in items])
        outcomes.extend(client.demand(key) for key in items)
        client.close()

    with engine_of(model, tmp_path) as engine, served(engine) as address:
        workers = [threading.Thread(target=work, args=[address]) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(LONG_S)
    assert 4 * 20 == len(outcomes)
    assert sorted(items) == sorted(model.asked)


# --- interruptions ---


def test_an_interrupted_demand_never_answers_the_next_one(tmp_path):
    """After Ctrl-C or a timeout's signal a late reply must not be taken for another item's."""
    first, second = keys(2)
    model = ScriptedModel(held=[first])
    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with engine_of(model, tmp_path) as engine, served(engine) as address:
            client = ChannelClient(address)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                client.demand(first)
            model.open(first)
            assert (second, "sample-1") == (client.demand(second).key, client.demand(second).answer.text)
            assert "sample-0" == client.demand(first).answer.text
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert [first, second] == model.asked


def test_a_reply_about_another_item_is_refused(tmp_path):
    first, second = keys(2)
    with engine_of(ScriptedModel(), tmp_path) as engine:
        server = ChannelServer(
            engine.loop, demand=lambda key: engine.demand(second), declare=lambda planned: None
        )

        async def mixed_up(key):
            return ChannelReply(key=second)

        server._answer = mixed_up
        client = ChannelClient(server.start())
        with pytest.raises(ChannelError, match=r"asked for .*sample-0.*got .*sample-1"):
            client.demand(first)
        server.close()


def test_engine_that_stopped_is_heard_of_and_the_connection_stays(tmp_path):
    with engine_of(ScriptedModel(), tmp_path) as engine, served(engine) as address:
        client = ChannelClient(address)
        engine.drain("the budget is used up")
        for key in keys(2):
            with pytest.raises(EngineStopped, match=r"^the budget is used up$"):
                client.demand(key)


def test_worker_that_waits_hears_of_the_end(tmp_path):
    """Under -x a request may hang for minutes; no worker hangs with it."""
    (key,) = keys(1)
    model, heard = ScriptedModel(held=[key]), []

    def work(address):
        try:
            ChannelClient(address).demand(key)
        except EngineStopped as stopped:
            heard.append(str(stopped))

    with engine_of(model, tmp_path) as engine, served(engine) as address:
        worker = threading.Thread(target=work, args=[address])
        worker.start()
        model.wait_until_asked(1)
        engine.close()
        worker.join(LONG_S)
    assert ["the run is over"] == heard


def test_controller_that_is_gone_ends_the_worker(tmp_path):
    with engine_of(ScriptedModel(), tmp_path) as engine, served(engine) as address:
        client = ChannelClient(address)
        client.demand(keys(1)[0])
    with pytest.raises(EngineStopped, match="the controller of this run is gone"):
        client.demand(keys(1)[0])
    with pytest.raises(EngineStopped, match="the controller of this run is gone"):
        ChannelClient(address).demand(keys(1)[0])


# --- privacy ---


def test_socket_is_private_and_removed_at_the_end(tmp_path):
    with engine_of(ScriptedModel(), tmp_path) as engine:
        with served(engine) as address:
            folder = Path(address.path).parent
            assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
            assert folder.stat().st_uid == os.getuid()
        assert not folder.exists()


@pytest.mark.parametrize("token", ["", "guess", "é"])
def test_stranger_without_the_token_is_hung_up_on(tmp_path, token, caplog):
    with engine_of(ScriptedModel(), tmp_path) as engine, served(engine) as address:
        with pytest.raises(EngineStopped, match="gone"):
            ChannelClient(replace(address, token=token)).demand(keys(1)[0])
        assert keys(1)[0] == ChannelClient(address).demand(keys(1)[0]).key
    assert [] == caplog.records


@pytest.mark.parametrize(
    "greeting", [b"GET / HTTP/1.1\r\n\r\n", struct.pack(">I", 2) + b"[]", struct.pack(">I", 1) + b"{"]
)
def test_stranger_who_speaks_something_else_is_hung_up_on(tmp_path, greeting, caplog):
    with engine_of(ScriptedModel(), tmp_path) as engine, served(engine) as address:
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(address.path)
            stranger.sendall(greeting)
            stranger.shutdown(socket.SHUT_WR)
            assert b"" == stranger.recv(100)
        assert keys(1)[0] == ChannelClient(address).demand(keys(1)[0]).key
    assert [] == caplog.records


def test_without_unix_sockets_the_channel_is_on_loopback_and_needs_the_token(tmp_path, monkeypatch):
    with engine_of(ScriptedModel(), tmp_path) as engine:
        monkeypatch.delattr(socket, "AF_UNIX")
        with served(engine) as address:
            assert address.path is None
            assert keys(1)[0] == ChannelClient(address).demand(keys(1)[0]).key
            with pytest.raises(EngineStopped, match="gone"):
                ChannelClient(replace(address, token="guess")).demand(keys(1)[0])


def test_repr_of_an_address_holds_no_token():
    assert "secret" not in repr(ChannelAddress(path=None, port=1, token="secret"))
