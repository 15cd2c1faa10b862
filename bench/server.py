"""The endpoint of all contestants: a separate process that reads, counts, sleeps and replies.

    python -m bench.server --delay 1.0                    prints the port it found
    python -m bench.server --median 2.0 --sigma 0.8       long-tailed delays of the model; the judge's stay at --delay

The model is at ``/model/v1``, the judge at ``/judge/v1``, the counts at ``/stats``. A long-tailed delay depends on the
request's text alone, so it is the same for every client, with any form of JSON or image encoding.
"""

import argparse
import asyncio
import hashlib
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

DIGEST = "(digest of the request)"  # replaced in answers, so that judge requests differ, too
ANSWER = (
    f"Status: SUCCESS\nSuggested range: N/A\nNotes: {DIGEST}"
    + " The oscillation is visible in the window." * 10
)
GRADES = "[1, 0.5, 1]"
MAX_BODY_BYTES = 1 << 28


class Lane:
    """Counts of requests to the model, or to the judge. Times are seconds since the epoch."""

    def __init__(self, content: str, delay_s: Callable[[bytes], float]) -> None:
        self.delay_s = delay_s
        self.in_flight = 0
        self.in_flight_peak = 0
        self.bodies: Counter[bytes] = Counter()
        self.body_bytes = 0
        self.connections: set[str] = set()
        self.first_request_at: float | None = None
        self.last_reply_at: float | None = None
        self._reply = _completion(content)

    async def answer(self, request: web.Request) -> web.Response:
        """Counts, waits, replies."""
        self.first_request_at = self.first_request_at or time.time()
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        try:
            body = await request.read()
            digest = hashlib.sha256(body)
            self.bodies[digest.digest()] += 1
            self.body_bytes += len(body)
            self.connections.add(str(request.transport and request.transport.get_extra_info("peername")))
            await asyncio.sleep(self.delay_s(body))
        finally:
            self.in_flight -= 1
            self.last_reply_at = time.time()
        reply = self._reply.replace(DIGEST.encode(), digest.hexdigest().encode())
        return web.Response(body=reply, content_type="application/json")

    def stats(self) -> dict[str, float | int | None]:
        """Return the counts so far."""
        requests = self.bodies.total()
        return {
            "requests": requests,
            "duplicates": requests - len(self.bodies),
            "in_flight_peak": self.in_flight_peak,
            "connections": len(self.connections),
            "mean_body_bytes": self.body_bytes / requests if requests else None,
            "first_request_at": self.first_request_at,
            "last_reply_at": self.last_reply_at,
        }


def fixed(delay_s: float) -> Callable[[bytes], float]:
    """Return the same delay for all."""
    return lambda _body: delay_s


def lognormal(median_s: float, sigma: float) -> Callable[[bytes], float]:
    """Return a long-tailed delay that depends on the text."""
    return lambda body: random.Random(_text(body)).lognormvariate(math.log(median_s), sigma)


def _text(body: bytes) -> str:
    content = json.loads(body)["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part["text"].strip() for part in content if part["type"] == "text")


def _completion(content: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 900, "completion_tokens": 120, "total_tokens": 1020}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode()


async def _serve(lanes: dict[str, Lane]) -> None:
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    for name, lane in lanes.items():
        app.router.add_post(f"/{name}/v1/chat/completions", lane.answer)
        app.router.add_get(f"/{name}/v1/models", _models(name))

    async def stats(_request: web.Request) -> web.Response:
        return web.json_response({name: lane.stats() for name, lane in lanes.items()})

    app.router.add_get("/stats", stats)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _models(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"}]})

    return models


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--delay", type=float, default=1.0, help="seconds, of the model and the judge")
    parser.add_argument("--median", type=float, help="seconds: lognormal delays of the model")
    parser.add_argument("--sigma", type=float, default=0.8)
    options = parser.parse_args()
    judge = fixed(options.delay)
    model = judge if options.median is None else lognormal(options.median, options.sigma)
    asyncio.run(_serve({"model": Lane(ANSWER, model), "judge": Lane(GRADES, judge)}))
