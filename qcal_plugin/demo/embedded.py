"""The embedded model of ``--demo`` and ``--baseline``, behind a real HTTP server so that requests are real."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from qcal_plugin.demo.baselines import Answerer
from qcal_plugin.demo.content import prompt_text, read_content
from qcal_plugin.demo.loopback import LoopbackServer

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_IMAGE = 400


def baseline_server(model: str, answer: Answerer) -> LoopbackServer:
    """Return a server of one model, a context manager with ``base_url``. Its token counts are estimates."""
    served = _Served(model, answer)
    return LoopbackServer(chat_completions=served.chat_completions, models=served.models)


@dataclass(frozen=True, slots=True)
class _Served:
    """The handlers of a model with this name and these answers."""

    model: str
    answer: Answerer

    async def chat_completions(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            completion, streamed = self._completion(body["messages"][-1]["content"]), bool(body.get("stream"))
        except (ValueError, TypeError, LookupError, AttributeError):
            error = {"message": "expected a JSON object with chat messages", "type": "invalid_request_error"}
            return web.json_response({"error": error}, status=400)
        return await _stream(request, completion) if streamed else web.json_response(completion)

    async def models(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"object": "list", "data": [{"id": self.model, "object": "model", "owned_by": "qcaleval"}]}
        )

    def _completion(self, content: str | list[dict[str, Any]]) -> dict[str, Any]:
        parts = read_content(content)
        prompt, answer = prompt_text(parts), self.answer(parts)
        pictures = sum(not isinstance(part, str) for part in parts)
        prompt_tokens = len(prompt) // _CHARACTERS_PER_TOKEN + pictures * _TOKENS_PER_IMAGE
        completion_tokens = len(answer) // _CHARACTERS_PER_TOKEN
        return {
            "id": "chatcmpl-baseline",
            "object": "chat.completion",
            "model": self.model,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
            ],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            },
        }


async def _stream(request: web.Request, completion: dict[str, Any]) -> web.StreamResponse:
    """Send the completion as events, one per word, without pauses; usage is on the last chunk."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    words = completion["choices"][0]["message"]["content"].split(" ")
    texts = [word if index == 0 else f" {word}" for index, word in enumerate(words)]
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": {"content": text}, "finish_reason": None} for text in texts
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    for choice in choices:
        chunk = {
            "id": completion["id"],
            "object": "chat.completion.chunk",
            "model": completion["model"],
            "choices": [choice],
        }
        usage = {"usage": completion["usage"]} if choice["finish_reason"] else {}
        await response.write(b"data: " + json.dumps(chunk | usage).encode() + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    return response
