"""The embedded model of ``--demo``: the blind baseline behind a real HTTP server, so that requests are real ones."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from qcal_plugin.demo.blind_baseline import MODEL, blind_answer
from qcal_plugin.demo.loopback import LoopbackServer

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_IMAGE = 400


def blind_baseline_server() -> LoopbackServer:
    """A server of the model ``blind-baseline``; a context manager with ``base_url``. Its token counts are estimates."""
    return LoopbackServer(chat_completions=_chat_completions, models=_models)


async def _chat_completions(request: web.Request) -> web.StreamResponse:
    try:
        body = await request.json()
        completion, streamed = _completion(body["messages"][-1]["content"]), bool(body.get("stream"))
    except (ValueError, TypeError, LookupError, AttributeError):
        error = {"message": "expected a JSON object with chat messages", "type": "invalid_request_error"}
        return web.json_response({"error": error}, status=400)
    return await _stream(request, completion) if streamed else web.json_response(completion)


async def _stream(request: web.Request, completion: dict[str, Any]) -> web.StreamResponse:
    """The completion as events, a word at a time, as fast as they go; usage on the last chunk."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    words = completion["choices"][0]["message"]["content"].split(" ")
    texts = [word if index == 0 else f" {word}" for index, word in enumerate(words)]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": {"content": text}, "finish_reason": None} for text in texts]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    for choice in choices:
        chunk = {"id": completion["id"], "object": "chat.completion.chunk", "model": MODEL, "choices": [choice]}
        usage = {"usage": completion["usage"]} if choice["finish_reason"] else {}
        await response.write(b"data: " + json.dumps(chunk | usage).encode() + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    return response


async def _models(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "qcaleval"}]})


def _completion(content: str | list[dict[str, Any]]) -> dict[str, Any]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts = [part["text"] for part in parts if part["type"] == "text"]
    prompt = "\n".join(texts)
    answer = blind_answer(prompt)
    prompt_tokens = len(prompt) // _CHARACTERS_PER_TOKEN + (len(parts) - len(texts)) * _TOKENS_PER_IMAGE
    completion_tokens = len(answer) // _CHARACTERS_PER_TOKEN
    return {
        "id": "chatcmpl-blind",
        "object": "chat.completion",
        "model": MODEL,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }
