"""Streams as servers really send them: tokens, answers, and the end of a stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.engine.failures import RequestFailed
from qcal_plugin.engine.stream import EventReader, StreamedReply


def chunk(delta=None, *, finish=None, **others):
    choices = (
        [] if delta is None and finish is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    )
    return json.dumps({"object": "chat.completion.chunk", "choices": choices} | others).encode()


def reply_to(*events):
    """Each event arrives a second after the one before."""
    reply = StreamedReply()
    for second, event in enumerate(events, start=1):
        reply.take(event, float(second))
    return reply


# --- events ---


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@given(data=st.data())
def test_events_are_the_same_wherever_reads_cut_them(line_end, data):
    stream = line_end.join(
        [b": ping", b"", b'data: {"a": 1}', b"", b"event: x", b'data:{"b": "\xc3\xa9"}', b"", b""]
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader = EventReader()
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    events = [event for piece in pieces for event in reader.feed(piece)] + reader.finish()
    assert [b'{"a": 1}', b'{"b": "\xc3\xa9"}'] == events


def test_a_last_event_without_line_end_is_read():
    reader = EventReader()
    assert [] == reader.feed(b"data: [DONE]")
    assert [b"[DONE]"] == reader.finish()


def test_events_without_an_empty_line_between_them_are_two():
    assert [b"1", b"2"] == EventReader().feed(b"data: 1\ndata: 2\n")


# --- tokens ---


@pytest.mark.parametrize(
    "no_token",
    [
        chunk({"role": "assistant", "content": ""}),
        chunk({"role": "assistant", "content": None}),
        chunk({"role": "assistant"}),
        chunk(None),
        b'{"choices": [{"delta": null}]}',
        b'{"choices": null}',
    ],
)
def test_an_empty_first_chunk_is_not_a_token(no_token):
    assert [2.0] == reply_to(no_token, chunk({"content": "Yes"})).token_s


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_a_token_but_no_answer(name):
    reply = reply_to(
        chunk({name: "hm"}), chunk({name: "m", "content": None}), chunk({"content": "Yes"}, finish="stop")
    )
    assert ([1.0, 2.0, 3.0], 3.0, "Yes") == (reply.token_s, reply.answer_s, reply.text)


def test_content_before_a_lone_end_of_thought_is_not_the_answer():
    deltas = ["let me ", "see</th", "ink>", "\n\n", "Status: ", "SUCCESS"]
    reply = reply_to(*(chunk({"content": text}) for text in deltas))
    assert 5.0 == reply.answer_s
    assert 6 == len(reply.token_s)


def test_reasoning_is_the_answer_if_there_is_no_content():
    reply = reply_to(chunk({"reasoning": "Status: SUCCESS"}, finish="stop"))
    assert ("Status: SUCCESS", True, None) == (reply.text, reply.from_reasoning, reply.answer_s)


# --- usage and end ---

USAGE = {"prompt_tokens": 300, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 16}}


@pytest.mark.parametrize(
    "last",
    [
        chunk(None, usage=USAGE),
        chunk({"content": ""}, usage=USAGE),
        chunk({}, finish="stop", usage=USAGE),
    ],
    ids=["empty choices", "LiteLLM", "transformers"],
)
def test_usage_is_found_wherever_it_is(last):
    reply = reply_to(chunk({"content": "Yes"}, usage=None), last)
    assert (7, 16, 300) == (
        reply.count("completion_tokens"),
        reply.count("prompt_tokens_details", "cached_tokens"),
        reply.count("prompt_tokens"),
    )
    assert [1.0] == reply.token_s


@pytest.mark.parametrize("usage", [None, {}, {"completion_tokens": None}, {"completion_tokens": True}, "7"])
def test_empty_usage_does_not_count(usage):
    assert reply_to(chunk({"content": "Yes"}, usage=usage)).count("completion_tokens") is None


def test_a_finish_reason_ends_a_stream_without_done_and_a_cut_stream_has_no_end():
    assert reply_to(chunk({"content": "Yes"}, finish="length")).ended
    assert reply_to(chunk({"content": "Yes"}), b"[DONE]").ended
    assert not reply_to(chunk({"content": "Yes"})).ended


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        (b'{"error": {"message": "out of memory"}}', "upstream", "the reply reports an error: out of memory"),
        (b'{"choices": [', "malformed", "an event is not JSON"),
        (b"[1]", "malformed", "an event is not a JSON object"),
    ],
)
def test_an_event_that_is_not_a_chunk_fails_the_request(event, kind, words):
    with pytest.raises(RequestFailed, match=words) as failed:
        reply_to(event)
    assert kind == failed.value.kind


def test_of_a_list_only_parts_of_type_text_are_content():
    parts = [{"type": "thinking", "text": "NO_SIGNAL"}, {"type": "text", "text": "DAMPED"}]
    assert "DAMPED" == reply_to(chunk({"content": parts})).text
