"""The bound for long tails: one asyncio loop that starts everything at once under two semaphores, without records.

    python -m bench.unbounded DATASET --url http://127.0.0.1:PORT

Bodies are built before the clock of the first request starts; a judge request follows its answer at once.
"""

import argparse
import asyncio
import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow.parquet
from PIL import Image

from bench.protocol import (
    ICL,
    JUDGE_PARAMETERS,
    JUDGED,
    PARAMETERS,
    ZEROSHOT,
    answer_of,
    chat,
    grades_of,
    icl_content,
    judge_prompt,
    zeroshot_content,
)

TIMEOUT = aiohttp.ClientTimeout(total=600)


async def run(options: argparse.Namespace) -> None:
    """Ask everything."""
    jobs = list(_jobs(options.dataset))
    asking, judging = asyncio.Semaphore(options.concurrency), asyncio.Semaphore(options.judge_concurrency)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:

        async def post(lane: str, body: bytes) -> str:
            async with session.post(f"{options.url}/{lane}/v1/chat/completions", data=body) as reply:
                reply.raise_for_status()
                return answer_of(await reply.json())

        async def measure(row: dict[str, Any], question: str, body: bytes) -> None:
            async with asking:
                answer = await post("model", body)
            if question in JUDGED:
                prompt = judge_prompt(row, question, answer)
                async with judging:
                    grades_of(
                        await post("judge", json.dumps(chat("judge", prompt, JUDGE_PARAMETERS)).encode())
                    )

        await asyncio.gather(*(measure(*job) for job in jobs))


def _jobs(folder: Path) -> Iterator[tuple[dict[str, Any], str, bytes]]:
    samples = pyarrow.parquet.read_table(folder / "test-00000-of-00001.parquet").to_pylist()
    images = {
        image_id: _base64_png(image["bytes"])
        for row in samples
        for image_id, image in zip(row["image_ids"], row.pop("images"), strict=True)
    }
    for row in samples:
        shown = [images[image_id] for image_id in row["image_ids"]]
        for question in ZEROSHOT:
            yield row, question, _body(zeroshot_content(row[f"{question}_prompt"], shown))
    for row in pyarrow.parquet.read_table(folder / "fewshot-00000-of-00001.parquet").to_pylist():
        image_ids = iter(row["image_ids"])
        for question in ICL:
            prompt = row[f"{question}_prompt"]
            shown = [images[next(image_ids)] for _ in range(prompt.count("<image>"))]
            yield row, question, _body(icl_content(prompt, shown))


def _body(content: list[dict[str, Any]]) -> bytes:
    return json.dumps(chat("model", content, PARAMETERS)).encode()


def _base64_png(png: bytes) -> str:
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGBA").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--url", required=True, help="of bench.server")
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--judge-concurrency", type=int, default=16)
    asyncio.run(run(parser.parse_args()))
