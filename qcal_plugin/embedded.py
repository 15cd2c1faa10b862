"""The embedded model of ``--demo``: the blind baseline behind a real HTTP server, so that requests are real ones."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from qcal_plugin.blind_baseline import MODEL, blind_answer
from qcal_plugin.loopback import LoopbackServer

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_IMAGE = 400


def blind_baseline_server() -> LoopbackServer:
    """A server of the model ``blind-baseline``; a context manager with ``base_url``. Its token counts are estimates."""
    return LoopbackServer(chat_completions=_chat_completions, models=_models)


async def _chat_completions(request: web.Request) -> web.Response:
    try:
        completion = _completion((await request.json())["messages"][-1]["content"])
    except (ValueError, TypeError, LookupError, AttributeError):
        error = {"message": "expected a JSON object with chat messages", "type": "invalid_request_error"}
        return web.json_response({"error": error}, status=400)
    return web.json_response(completion)


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
