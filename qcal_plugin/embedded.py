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
        parts = _parts((await request.json())["messages"][-1]["content"])
        completion = _completion(_prompt_text(parts), sum(part["type"] != "text" for part in parts))
    except (ValueError, TypeError, LookupError, AttributeError):
        error = {"message": "expected a JSON object with chat messages", "type": "invalid_request_error"}
        return web.json_response({"error": error}, status=400)
    return web.json_response(completion)


async def _models(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "qcaleval"}]})


def _parts(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _prompt_text(parts: list[dict[str, Any]]) -> str:
    """The prompt's text blocks in order, with ``<image>`` for every image block."""
    return "\n".join(part["text"] if part["type"] == "text" else "<image>" for part in parts)


def _completion(prompt: str, image_count: int) -> dict[str, Any]:
    answer = blind_answer(prompt)
    prompt_tokens = len(prompt) // _CHARACTERS_PER_TOKEN + image_count * _TOKENS_PER_IMAGE
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
