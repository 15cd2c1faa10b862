"""What the client of a load adds: how late it is, and that it repeats no secret."""

import asyncio
import time

import pytest

from qcal_plugin.engine.redaction import Redaction
from qcal_plugin.engine.settings import EndpointSettings
from qcal_plugin.service.client import StreamClient
from qcal_plugin.service.lag import watched
from reports.render import text
from reports.service.figures import level_figures
from reports.service.records import (
    ClientLoad,
    LoadKind,
    LoadLevel,
    MeasuredLevel,
    RequestStatus,
    ServiceRecord,
    parse_objectives,
)
from reports.service.tables import prompt_tables, rate_table, service_overview, slow_client_notes
from reports.tables.model import Document
from tests.endpoint import Raw, Stream
from tests.scripts import always

SECRET = "sk-7c1f4e0a9b8d5e6f7a8b9c0d"


@pytest.fixture
def sent(endpoint):
    """Sends one request to a server that answers so, and returns it timed."""

    def send(outcome):
        endpoint.script = always(outcome)
        settings = EndpointSettings(
            url=f"{endpoint.base_url}/chat/completions",
            public_url=endpoint.base_url,
            redaction=Redaction([SECRET]),
        )

        async def once():
            client = StreamClient(settings)
            try:
                return await client.send(
                    b'{"model": "model-a", "messages": [{"role": "user", "content": "?"}]}'
                )
            finally:
                await client.close()

        return asyncio.run(once())

    return send


def event_stream(*events):
    body = b"".join(b"data: " + event + b"\n\n" for event in events)
    return Raw(body, headers={"Content-Type": "text/event-stream"})


@pytest.mark.parametrize(
    "events",
    [
        [f'{{"error": {{"message": "bad key {SECRET}"}}}}'.encode()],
        [f"no JSON but the key {'x' * 30} {SECRET}".encode()],
        [b'{"choices": [{"delta": {"content": "x"}}]}', f'{{"error": "{SECRET}"}}'.encode()],
        [f'{{"choices": [{{"delta": {{"content": "x"}}, "finish_reason": "{SECRET}"}}]}}'.encode()],
    ],
)
def test_no_secret_of_a_stream_is_repeated(sent, events):
    timed = sent(event_stream(*events))
    assert timed.failure is not None or timed.reply.finish_reason
    assert SECRET[:8] not in f"{timed.failure} {timed.reply.finish_reason}"


def test_tokens_after_the_first_keep_the_moments_at_which_they_were_read(sent):
    timed = sent(Stream(["a", "b", "c"], interval_s=0.05, usage=False))
    assert timed.failure is None
    assert "abc" == timed.reply.text
    first, second, third = timed.reply.token_s
    assert first + 0.03 < second
    assert second + 0.03 < third


def test_a_busy_loop_is_late():
    async def busy():
        async with watched() as watch:
            for _ in range(4):
                await asyncio.sleep(0.001)
                time.sleep(0.1)  # noqa: ASYNC251 - what is measured
            await asyncio.sleep(0.05)
            return watch.figures()

    assert asyncio.run(busy()).late_p90_s > 0.05


def level(*, client=None, load=64.0, kind=LoadKind.PARALLEL, ttft_s=0.05, planned=None, **fields):
    records = tuple(
        ServiceRecord(
            level=f"{kind}={load:g}",
            number=number,
            counted=True,
            planned_s=number * (planned or 0.5),
            sent_s=number * 0.5,
            duration_s=1.0,
            status=RequestStatus.OK,
            token_s=(ttft_s, 1.0),
            output_tokens=10,
            **fields,
        )
        for number in range(100)
    )
    return MeasuredLevel(
        level=LoadLevel(kind=kind, load=load, number=100, warmup=0), records=records, client=client
    )


@pytest.mark.parametrize(
    ("late_s", "ttft_s", "bound"), [(0.0025, 0.05, False), (0.0035, 0.05, True), (0.0035, 0.1, False)]
)
def test_a_client_that_is_late_by_more_than_2_ms_and_2_percent_of_ttft_is_a_bottleneck(late_s, ttft_s, bound):
    client = ClientLoad(late_p50_s=0.001, late_p90_s=late_s, cpu=0.5)
    figures = [level_figures(level(client=client, ttft_s=ttft_s), ())]
    assert bound is figures[0].client_bound
    assert bound is any("parallel=64" in note for note in slow_client_notes(figures))


def test_files_of_earlier_versions_say_nothing_about_the_client():
    figures = level_figures(level(), ())
    assert not figures.client_bound
    assert (None, None) == rate_table([figures]).rows[0][-2:]


def test_the_offered_rate_is_that_of_what_was_sent():
    figures = [
        level_figures(level(kind=LoadKind.RATE, load=4.0, planned=0.25), ()),
        level_figures(level(), ()),
    ]
    assert [pytest.approx(2.0), None] == [row[1] for row in rate_table(figures).rows]


def test_prefix_hits_and_image_tokens_are_shown_where_they_are_reported():
    silent = level_figures(level(prompt_tokens=200), ())
    told = level_figures(level(prompt_tokens=200, cached_tokens=30, image_tokens=150), ())
    assert [] == list(prompt_tables([silent]))
    (table,) = prompt_tables([told])
    assert (200.0, 150.0, pytest.approx(0.15)) == table.rows[0][1:]


def test_tables_of_a_terminal_fit_100_columns():
    slow = ClientLoad(late_p50_s=0.01, late_p90_s=0.1, cpu=0.99)
    measured = [
        level(client=slow, load=load, prompt_tokens=2000, cached_tokens=30, image_tokens=1500, score=1.0)
        for load in (128.0, 256.0)
    ]
    wanted = parse_objectives("ttft<=0.5,e2e<=8")
    figures = [level_figures(one, wanted) for one in measured]
    sections = service_overview(figures, measured, wanted)
    shown = text.render(Document(title="Load", facts=(), warnings=(), sections=sections), width=100)
    assert max(map(len, shown.splitlines())) <= 100
    tables = sum(len(section.tables) for section in sections)
    assert tables == sum(
        line.startswith("Load  ") for line in shown.splitlines()
    )  # no table takes two blocks
